//! What one can do to a lab's nodes through its page, and that it reaches them; and that none of it exists elsewhere.

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::lab::Lab;
use support::{Node, free_ports, http, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// A lab, its clocks ten times as fast, and the port of its page.
struct Controlled {
    lab: Lab,
    page: u16,
}

impl Controlled {
    fn start(nodes: u16, flags: &[&str]) -> Controlled {
        let page = free_ports(nodes + 2);
        let (count, first) = (nodes.to_string(), (page + 1).to_string());
        let mut all = vec!["--nodes", &count, "--first-port", &first, "--speed", "10"];
        all.extend(flags);
        let mut lab = Lab::start(&all);
        lab.says(&[&format!("all of them  http://127.0.0.1:{page}/")], 15 * SECOND);
        Controlled { lab, page }
    }

    /// The address of the n-th node, from 1.
    fn node(&self, n: u16) -> String {
        format!("127.0.0.1:{}", self.page + n)
    }

    /// Status and answer of `POST /lab`.
    fn ask(&self, command: &Value) -> (u16, Value) {
        let body = command.to_string();
        let request = format!(
            "POST /lab HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.page,
            body.len()
        );
        let (status, answer) = http(self.page, &request).unwrap();
        (status, serde_json::from_str(&answer).unwrap())
    }

    fn order(&self, command: &Value) {
        assert_eq!(self.ask(command), (200, json!({ "done": true })), "{command}");
    }

    /// A part of a node's state, by HTTP of its own; null while it does not answer.
    fn says(&self, n: u16, path: &str) -> Value {
        let port = self.page + n;
        let answer = http(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
        answer.and_then(|(_, body)| serde_json::from_str(&body).ok()).unwrap_or(Value::Null)
    }

    fn peers(&self, n: u16) -> Vec<String> {
        let peers = self.says(n, "/peers/")["peers"].take();
        peers.as_array().into_iter().flatten().map(|peer| peer["address"].as_str().unwrap().to_owned()).collect()
    }

    fn wait_for_mesh(&self, nodes: std::ops::RangeInclusive<u16>) {
        let others = nodes.clone().count() - 1;
        wait_until(20 * SECOND, "all are each other's peers", || nodes.clone().all(|n| self.peers(n).len() == others));
    }
}

/// Follows a feed: the names of events with their data.
struct Feed(BufReader<TcpStream>);

impl Feed {
    fn open(port: u16, since: &str) -> Feed {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(10 * SECOND)).unwrap();
        write!(stream, "GET /feed{since} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").unwrap();
        Feed(BufReader::new(stream))
    }

    /// The next event: its name, its id, its data.
    fn next(&mut self) -> (String, Option<u64>, Value) {
        let (mut name, mut id) = (String::new(), None);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the feed has ended");
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("event: ") {
                name = text.to_owned();
            } else if let Some(text) = line.strip_prefix("id: ") {
                id = Some(text.parse().unwrap());
            } else if let Some(text) = line.strip_prefix("data: ") {
                return (name, id, serde_json::from_str(text).unwrap());
            }
        }
    }

    /// Reads until an event of this name is as it should be.
    fn until(&mut self, name: &str, is_so: impl Fn(&Value) -> bool) -> (Option<u64>, Value) {
        let deadline = Instant::now() + 20 * SECOND;
        loop {
            assert!(Instant::now() < deadline, "no {name} as it should be");
            let (event, id, data) = self.next();
            // The id may stand behind the data.
            if event == name && is_so(&data) {
                return (id, data);
            }
        }
    }
}

#[test]
fn the_page_of_a_lab_follows_all_its_nodes_in_one_stream() {
    let lab = Controlled::start(3, &[]);
    let mut feed = Feed::open(lab.page, "");
    let (first, _, hello) = feed.next();
    assert_eq!((first.as_str(), &hello["kind"], &hello["controls"]), ("hello", &json!("lab"), &json!("lab")));
    for n in 1..=3 {
        feed.until("state", |state| {
            state["node"] == lab.node(n) && state["status"] == "ready" && state["speed"] == 10.0
        });
    }
    for n in 1..=3 {
        feed.until("entries", |entries| {
            entries.as_array().unwrap().iter().any(|entry| entry["node"] == lab.node(n) && entry["event"] == "sent")
        });
    }
}

#[test]
fn sleep_wake_and_reset_reach_the_node() {
    let lab = Controlled::start(3, &[]);
    lab.wait_for_mesh(1..=3);
    lab.order(&json!({ "do": "sleep", "node": lab.node(1) }));
    wait_until(10 * SECOND, "it sleeps", || lab.says(1, "/state")["asleep"] == true);
    wait_until(10 * SECOND, "the others have dropped it", || lab.peers(2).len() == 1 && lab.peers(3).len() == 1);
    lab.order(&json!({ "do": "wake", "node": lab.node(1) }));
    lab.wait_for_mesh(1..=3);
    let instance = lab.says(1, "/state")["instance"].clone();
    lab.order(&json!({ "do": "reset", "node": lab.node(1) }));
    wait_until(10 * SECOND, "it has begun anew", || lab.says(1, "/state")["instance"] != instance);
}

#[test]
fn a_killed_node_is_shown_as_such_and_comes_back_with_what_it_knew() {
    let lab = Controlled::start(3, &["--", "--search", "off"]);
    lab.wait_for_mesh(1..=3);
    let mut feed = Feed::open(lab.page, "");
    let id = lab.says(1, "/state")["next_msg_id"].as_u64().unwrap();
    lab.order(&json!({ "do": "kill", "node": lab.node(1) }));
    let (_, state) = feed.until("state", |state| state["node"] == lab.node(1) && state["status"] == "killed");
    assert!(state["detail"].as_str().unwrap().contains("signal: 9"), "{state}");
    assert_eq!(lab.ask(&json!({ "do": "sleep", "node": lab.node(1) })).0, 409, "it does not run");
    lab.order(&json!({ "do": "restart", "node": lab.node(1) }));
    feed.until("state", |state| state["node"] == lab.node(1) && state["status"] == "ready");
    lab.wait_for_mesh(1..=3);
    assert!(lab.says(1, "/state")["next_msg_id"].as_u64().unwrap() > id, "no id is used twice");
    lab.order(&json!({ "do": "stop", "node": lab.node(2) }));
    feed.until("state", |state| state["node"] == lab.node(2) && state["status"] == "stopped");
    let instance = lab.says(3, "/state")["instance"].clone();
    lab.order(&json!({ "do": "restart", "node": lab.node(3) }));
    feed.until("state", |state| {
        state["node"] == lab.node(3) && state["status"] == "ready" && state["state"]["instance"] != instance
    });
}

#[test]
fn a_lab_whose_nodes_were_all_stopped_waits_for_one_to_be_started() {
    let lab = Controlled::start(2, &[]);
    for n in 1..=2 {
        lab.order(&json!({ "do": "stop", "node": lab.node(n) }));
    }
    wait_until(10 * SECOND, "none runs", || lab.lab.nodes().is_empty());
    lab.order(&json!({ "do": "restart", "node": lab.node(1) }));
    wait_until(10 * SECOND, "one runs", || lab.says(1, "/state").is_object());
}

#[test]
fn a_node_that_does_not_leave_can_be_killed() {
    let lab = Controlled::start(2, &["--", "--search", "off"]);
    let pid = lab.lab.nodes()[0];
    support::signal(pid, "STOP");
    lab.order(&json!({ "do": "stop", "node": lab.node(1) }));
    let mut feed = Feed::open(lab.page, "");
    lab.order(&json!({ "do": "kill", "node": lab.node(1) }));
    let (_, state) = feed.until("state", |state| state["node"] == lab.node(1) && state["status"] == "killed");
    assert!(state["detail"].as_str().unwrap().contains("signal: 9"), "{state}");
}

#[test]
fn in_an_exercise_a_link_with_the_students_node_can_be_cut_and_a_node_added_but_the_student_not_be_told_anything() {
    let lab = Controlled::start(3, &["--exercise", "1"]);
    lab.order(&json!({ "do": "cut", "node": lab.node(3), "other": lab.node(1) }));
    for (command, reason) in [
        (json!({ "do": "sleep", "node": lab.node(3) }), "not the lab's to control"),
        (json!({ "do": "loss", "node": lab.node(3), "value": 0.5 }), "not the lab's to control"),
        (json!({ "do": "cut", "node": lab.node(3), "other": "127.0.0.1:1" }), "no node of this lab"),
    ] {
        let (status, answer) = lab.ask(&command);
        assert!(status == 409 && answer["error"].as_str().unwrap().contains(reason), "{command}: {answer}");
    }
    lab.order(&json!({ "do": "add" }));
    wait_until(20 * SECOND, "the new one has peers", || lab.peers(4).len() == 2);
}

#[test]
fn a_node_that_is_added_becomes_everybodys_peer() {
    let lab = Controlled::start(3, &[]);
    lab.order(&json!({ "do": "add" }));
    lab.wait_for_mesh(1..=4);
}

#[test]
fn a_cut_link_ends_one_friendship_and_a_split_four_and_both_heal() {
    let lab = Controlled::start(4, &[]);
    lab.wait_for_mesh(1..=4);
    lab.order(&json!({ "do": "cut", "node": lab.node(1), "other": lab.node(3) }));
    wait_until(20 * SECOND, "the two have lost each other", || {
        !lab.peers(1).contains(&lab.node(3)) && !lab.peers(3).contains(&lab.node(1))
    });
    assert_eq!((lab.peers(2).len(), lab.peers(4).len()), (3, 3));
    lab.order(&json!({ "do": "mend", "node": lab.node(3), "other": lab.node(1) }));
    lab.wait_for_mesh(1..=4);
    lab.order(&json!({ "do": "split", "nodes": [lab.node(1), lab.node(2)] }));
    wait_until(20 * SECOND, "there are two networks", || (1..=4).all(|n| lab.peers(n).len() == 1));
    assert_eq!((lab.peers(1), lab.peers(3)), (vec![lab.node(2)], vec![lab.node(4)]));
    lab.order(&json!({ "do": "heal" }));
    lab.wait_for_mesh(1..=4);
}

#[test]
fn loss_and_delay_are_a_nodes_own_and_are_told_to_the_page() {
    let lab = Controlled::start(3, &["--seed", "7"]);
    lab.wait_for_mesh(1..=3);
    let mut feed = Feed::open(lab.page, "");
    lab.order(&json!({ "do": "loss", "node": lab.node(1), "value": 1 }));
    let (_, faults) = feed.until("lab", |faults| faults["loss"] == json!({ lab.node(1): 1.0 }));
    assert_eq!((&faults["seed"], &faults["speed"]), (&json!(7), &json!(10.0)));
    wait_until(20 * SECOND, "nobody hears it", || (2..=3).all(|n| lab.peers(n).len() == 1));
    lab.order(&json!({ "do": "loss", "node": lab.node(1), "value": 0 }));
    lab.wait_for_mesh(1..=3);
    // A tenth of a second each way, by clocks that go ten times as fast.
    lab.order(&json!({ "do": "delay", "node": lab.node(1), "value": 50 }));
    wait_until(20 * SECOND, "its round trips are longer", || {
        let peers = lab.says(1, "/peers/")["peers"].take();
        let round_trips = peers.as_array().unwrap().iter().filter_map(|peer| peer["rtt_seconds"].as_f64());
        round_trips.clone().count() == 2 && round_trips.into_iter().all(|seconds| seconds > 0.9)
    });
}

#[test]
fn a_reader_that_comes_back_gets_what_it_has_not_had() {
    let lab = Controlled::start(2, &[]);
    let mut feed = Feed::open(lab.page, "");
    let (_, entries) = feed.until("entries", |_| true);
    let first = entries.as_array().unwrap().len();
    drop(feed);
    let mut again = Feed::open(lab.page, &format!("?since={}", first - 1));
    let (_, more) = again.until("entries", |_| true);
    assert_eq!(more[0], entries[first - 1]);
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let lab = Controlled::start(2, &[]);
    for (command, status, reason) in [
        (json!({ "do": "fly" }), 400, "unknown variant"),
        (json!({ "do": "sleep" }), 400, "node"),
        (json!({ "do": "sleep", "node": "127.0.0.1:9" }), 409, "no node of this lab"),
        (json!({ "do": "speed", "value": 0 }), 400, "from 0.1 to 20"),
        (json!({ "do": "split", "nodes": [] }), 409, "at least one node on each side"),
        (json!({ "do": "split", "nodes": [lab.node(1), lab.node(2)] }), 409, "at least one node on each side"),
    ] {
        let (got, answer) = lab.ask(&command);
        assert_eq!(got, status, "{command}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(reason), "{command}: {answer}");
    }
}

#[test]
fn pages_from_elsewhere_control_nothing() {
    let lab = Controlled::start(2, &[]);
    let body = json!({ "do": "sleep", "node": lab.node(1) }).to_string();
    let length = body.len();
    let post = |host: &str, headers: &str| {
        let request = format!("POST /lab HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        http(lab.page, &request).unwrap().0
    };
    let host = format!("127.0.0.1:{}", lab.page);
    let as_json = "Content-Type: application/json\r\n";
    assert_eq!(post(&host, &format!("{as_json}Origin: http://example.org\r\n")), 403);
    assert_eq!(post("example.org", as_json), 403);
    assert_eq!(post(&host, "Content-Type: text/plain\r\n"), 415);
    assert_eq!(lab.says(1, "/state")["asleep"], false);
    assert_eq!(post(&host, &format!("{as_json}Origin: http://{host}\r\n")), 200);
}

#[test]
fn a_node_that_no_lab_has_started_has_no_controls_and_takes_no_orders() {
    let state = tempfile::tempdir().unwrap();
    let port = free_ports(1);
    let mut command = std::process::Command::new(support::program());
    command.args(["run", "--search", "off", "--port", &port.to_string(), "--state-dir"]).arg(state.path());
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    let mut node = support::Killed(command.spawn().unwrap());
    let get = |path: &str| http(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
    wait_until(10 * SECOND, "it is ready", || get("/-/ready").is_some_and(|(status, _)| status == 200));
    node.0.stdin.as_mut().unwrap().write_all(b"\"sleep\"\n").unwrap();
    let threads = std::fs::read_dir(format!("/proc/{}/task", node.0.id())).unwrap();
    let names = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with("lab-")), "nobody reads orders");
    let command =
        "POST /lab HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(http(port, &command.replace("PORT", &port.to_string())).unwrap().0, 404);
    drop(node.0.stdin.take());
    let (_, body) = get("/state").unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["asleep"], false);
}

#[test]
fn a_node_is_called_what_its_owner_calls_it() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), state.path(), &["--name", "Émilie", "--search", "off"]);
    assert_eq!(node.state()["name"], "Émilie");
}
