//! Real nodes that are put to sleep, woken and reset, over HTTP and by the commands.

mod support;

use std::io::Write as _;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mersenned::protocol::address::NodeRef;
use mersenned::protocol::codec;
use mersenned::protocol::message::{Body, Message, MessageId};
use serde_json::{Value, json};
use support::stopped::Stopped;
use support::{Node, chain, free_ports, skip, wait_for_mesh, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// Hands a prime to a node, in the name of somebody who is no node.
fn hand_in(node: &Node, exponent: u64) {
    let message = json!({"msg_type": "PRIME", "msg_id": exponent, "msg_forwarder": 9_999, "msg_originator": 9_999,
        "ttl": 2, "data": exponent});
    let (status, answer) = node.post("/gossip/", &message.to_string());
    assert_eq!(status, 202, "{answer}");
}

fn known(node: &Node) -> u64 {
    node.state()["known"]["count"].as_u64().unwrap_or(0)
}

fn next_id(node: &Node) -> u64 {
    node.state()["next_msg_id"].as_u64().expect("the node answers")
}

/// Whether a nil PING is answered within half a second.
fn is_answered(port: u16) -> bool {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let own = NodeRef::Port(socket.local_addr().unwrap().port().try_into().unwrap());
    let mut bytes = Vec::new();
    codec::encode(&Message { id: MessageId(1), forwarder: own, originator: own, body: Body::Ping(None) }, &mut bytes);
    socket.send_to(&bytes, ("127.0.0.1", port)).unwrap();
    socket.recv(&mut [0; 1_500]).is_ok()
}

/// The names of the events in a node's log, oldest first.
fn events(node: &Node) -> Vec<String> {
    let log = node.json("/log");
    log["entries"].as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn in_a_chain_of_four_one_sleeps_restarts_asleep_wakes_catches_up_and_is_reset() {
    let state = tempfile::tempdir().unwrap();
    let mut nodes = chain(4, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    for exponent in [127, 521] {
        hand_in(&nodes[0], exponent);
        wait_until(10 * SECOND, "all hold it", || nodes.iter().all(|node| node.largest() == exponent));
    }
    let sleeper = nodes[1].port;
    let is_peer_of = |nodes: &[Node], count| {
        [0, 2, 3].iter().filter(|&&at| nodes[at].has_peer(sleeper)).count() == count
            && nodes[1].peer_count() == count as u64
    };

    assert_eq!(nodes[1].post("/sleep", ""), (200, json!({"asleep": true, "saved": true})));
    let id = next_id(&nodes[1]);
    assert_eq!(nodes[1].state()["asleep"], true);
    wait_until(12 * SECOND, "the sleeper is nobody's peer", || is_peer_of(&nodes, 0));
    assert_eq!(nodes[0].metric("mersenned_peer_evictions_total", "leave"), 0.0, "it has not said goodbye");
    hand_in(&nodes[0], 607);
    wait_until(10 * SECOND, "the others hold it", || [0, 2, 3].iter().all(|&at| nodes[at].largest() == 607));
    assert!(!is_answered(sleeper) && is_answered(nodes[0].port));
    assert!(nodes[1].metric("mersenned_datagrams_dropped_total", r#"reason="asleep""#) >= 1.0);
    assert_eq!((nodes[1].largest(), next_id(&nodes[1])), (521, id), "it has learned nothing and said nothing");

    nodes[1].restart();
    assert!(next_id(&nodes[1]) >= id, "ids go on");
    let id = next_id(&nodes[1]);
    support::holds_for(3 * SECOND, "it sleeps on", || {
        nodes[1].state()["asleep"] == true && nodes[1].largest() == 521 && is_peer_of(&nodes, 0)
    });
    assert!(!is_answered(sleeper) && next_id(&nodes[1]) == id);

    assert_eq!(nodes[1].post("/wake", "{}"), (200, json!({"asleep": false, "saved": true})));
    wait_until(10 * SECOND, "it is back among all", || is_peer_of(&nodes, 3));
    wait_until(10 * SECOND, "it has caught up", || nodes[1].largest() == 607 && known(&nodes[1]) == 3);
    assert!(!events(&nodes[1]).contains(&"stalled".to_owned()));

    let (id, instance) = (next_id(&nodes[1]), nodes[1].state()["instance"].clone());
    assert_eq!(nodes[1].post("/reset", ""), (200, json!({"asleep": false, "saved": true})));
    assert!(next_id(&nodes[1]) >= id && nodes[1].state()["instance"] != instance);
    wait_until(10 * SECOND, "it knows all primes again", || known(&nodes[1]) == 3);
    wait_until(10 * SECOND, "it is back among all", || is_peer_of(&nodes, 3));
    let events = events(&nodes[1]);
    let reset = events.iter().position(|event| event == "reset").expect("it says that it was reset");
    let again = events[reset..].iter().filter(|event| *event == "prime_verified").count();
    assert_eq!(again, 3, "it had forgotten them: {events:?}");
}

#[test]
fn what_was_answered_survives_kill_9_and_no_id_is_given_twice() {
    let state = tempfile::tempdir().unwrap();
    let mut node = Node::start(free_ports(1), state.path(), &["--interval", "100ms"]);
    let mut id = 0;
    for round in 0..4 {
        wait_until(20 * SECOND, "it finds primes", || node.largest() >= 31);
        id = next_id(&node).max(id);
        assert_eq!(node.post("/sleep", "").0, 200);
        node.kill();
        node.restart();
        assert!(node.state()["asleep"] == true && node.largest() >= 31, "round {round}");
        // What it knows is still there, and it looks for no more; so whatever is gone, the reset has taken.
        assert_eq!(node.post("/reset", "").0, 200);
        node.kill();
        node.restart();
        assert!(node.state()["asleep"] == true && node.largest() == 0, "round {round}");
        assert!(next_id(&node) >= id, "round {round}: ids go on above {id}");
        assert_eq!(node.post("/wake", "").0, 200);
        node.kill();
        node.restart();
        assert!(node.state()["asleep"] == false && next_id(&node) >= id, "round {round}");
    }
}

#[test]
fn a_node_that_sleeps_computes_nothing() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), state.path(), &["--interval", "50ms"]);
    // The next prime after this one is so far away that the search does not end by itself.
    hand_in(&node, 11_213);
    let iterations = || node.metric("mersenned_search_iterations_total", "");
    wait_until(60 * SECOND, "it searches above", || node.metric("mersenned_search_exponent", "") > 11_213.0);
    assert_eq!(node.post("/sleep", "").0, 200);
    support::wait_until_still(5 * SECOND, "the search has stopped", iterations);
    let stopped_at = iterations();
    assert!(stopped_at > 0.0, "it did search");
    support::holds_for(SECOND, "no step is made", || iterations() == stopped_at);
    assert_eq!(node.metric("mersenned_search_exponent", ""), 0.0);
}

#[test]
fn a_command_or_message_that_was_given_up_is_not_carried_out_later() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), state.path(), &["--search", "off"]);
    let instance = node.state()["instance"].clone();
    let stopped = match Stopped::thread(node.pid(), "gossip") {
        Ok(stopped) => stopped,
        Err(reason) => return support::not_allowed(&reason),
    };
    let claim = r#"{"msg_type":"PRIME","msg_id":7,"msg_forwarder":9999,"msg_originator":9999,"ttl":0,"data":127}"#;
    for (path, body) in [("/reset", ""), ("/sleep", ""), ("/gossip/", claim)] {
        let (status, answer) = node.post(path, body);
        assert_eq!(status, 503, "{path}: {answer}");
    }
    stopped.resume();
    // Requests are taken in their order: once this one is answered, the others have been dealt with.
    wait_until(5 * SECOND, "it does as it is told again", || node.post("/wake", "").0 == 200);
    // What would have been queued before this would have been tested before it.
    hand_in(&node, 521);
    wait_until(10 * SECOND, "it learns again", || node.largest() == 521);
    assert_eq!((&node.state()["instance"], known(&node)), (&instance, 1));
    let happened = events(&node);
    assert!(!happened.iter().any(|event| ["asleep", "reset"].contains(&event.as_str())), "{happened:?}");
}

#[test]
fn a_command_that_cannot_be_saved_is_in_force_and_says_so() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), state.path(), &["--search", "off"]);
    // A directory in its place cannot be written as a file, not even by root.
    let blocked = node.state.join("state.json.new");
    std::fs::create_dir(&blocked).unwrap();
    let (status, answer) = node.post("/sleep", "");
    assert_eq!((status, &answer["asleep"], &answer["saved"]), (202, &true.into(), &false.into()), "{answer}");
    assert!(answer["reason"].as_str().unwrap().contains("cannot be written"), "{answer}");
    std::fs::remove_dir(&blocked).unwrap();
    let is_saved = || std::fs::read_to_string(node.state.join("state.json")).unwrap().contains(r#""asleep": true"#);
    wait_until(5 * SECOND, "it is saved when it can be", is_saved);
    assert_eq!(node.post("/sleep", "").0, 200);
}

/// Runs a command as somebody whose state directories are in `home`: whether it succeeded, its output, its errors.
fn mersenned(home: &Path, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(support::program());
    command.env_remove("STATE_DIRECTORY").env("XDG_STATE_HOME", home).args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_commands_find_the_token_and_say_in_one_line_what_is_so_now() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), &home.path().join("mersenned"), &["--search", "off"]);
    let port = node.port.to_string();
    let status = || mersenned(home.path(), &["status", "--port", &port]).1;
    assert!(status().contains("search          off"), "{}", status());
    for (command, says, asleep) in [
        (&["sleep"][..], "is asleep\n", true),
        (&["sleep"], "is asleep\n", true),
        (&["reset", "--yes"], "are forgotten, and asleep as before\n", true),
        (&["wake"], "is awake\n", false),
        (&["reset", "-y"], "are forgotten\n", false),
    ] {
        let (succeeded, output, error) = mersenned(home.path(), &[command, &["--port", &port]].concat());
        assert!(succeeded && output.ends_with(says) && output.lines().count() == 1, "{command:?}: {output}{error}");
        assert_eq!(node.state()["asleep"], asleep, "{command:?}");
        assert_eq!(status().contains(&format!("127.0.0.1:{port}, asleep")), asleep, "{}", status());
    }
    let (_, output, _) = mersenned(home.path(), &["sleep", "--json", "--port", &port]);
    assert_eq!(serde_json::from_str::<Value>(&output).unwrap(), json!({"asleep": true, "saved": true}));
}

#[test]
fn without_the_right_token_a_command_changes_nothing_and_says_where_it_has_looked() {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let node = Node::start(free_ports(1), &home.path().join("mersenned"), &["--search", "off"]);
    let port = node.port.to_string();
    let (succeeded, output, error) = mersenned(elsewhere.path(), &["sleep", "--port", &port]);
    let own = elsewhere.path().join("mersenned").join(&port).join("token");
    assert!(!succeeded && output.is_empty(), "{output}");
    let service = format!("/var/lib/mersenned/{port}/token");
    for part in [own.to_str().unwrap(), &service, "No such file", "sudo", "--token-file"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let wrong = elsewhere.path().join("wrong");
    std::fs::write(&wrong, "0".repeat(64)).unwrap();
    let with = |file: &Path, command: &str| {
        mersenned(elsewhere.path(), &[command, "--port", &port, "--token-file", file.to_str().unwrap()])
    };
    let (succeeded, _, error) = with(&wrong, "sleep");
    assert!(!succeeded && error.contains("does not take it") && error.contains("wrong"), "{error}");
    let (succeeded, _, error) = with(&elsewhere.path().join("missing"), "sleep");
    assert!(!succeeded && error.contains("cannot read the token file") && error.contains("missing"), "{error}");
    std::fs::write(&wrong, "two words\n").unwrap();
    let (succeeded, _, error) = with(&wrong, "sleep");
    assert!(!succeeded && error.contains("holds no token"), "{error}");
    assert_eq!(node.state()["asleep"], false);
    let (succeeded, output, error) = with(&node.state.join("token"), "sleep");
    assert!(succeeded && output.ends_with("is asleep\n"), "{error}");
}

#[test]
fn a_reset_wants_to_be_confirmed() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), &home.path().join("mersenned"), &["--search", "off"]);
    let port = node.port.to_string();
    let instance = node.state()["instance"].clone();
    let (succeeded, _, error) = mersenned(home.path(), &["reset", "--port", &port]);
    assert!(!succeeded && error.contains("--yes"), "{error}");
    if !Path::new("/usr/bin/script").exists() {
        return skip("a terminal for the test needs `script` (apt-get install bsdutils)");
    }
    let on_terminal = |answer: &str| {
        let command = format!("{} reset --port {port}", support::program().display());
        let mut script = Command::new("/usr/bin/script");
        script.args(["-q", "-e", "-c", &command, "/dev/null"]).env("XDG_STATE_HOME", home.path());
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for no in ["n\n", "\n", "maybe\n"] {
        let (succeeded, output) = on_terminal(no);
        assert!(!succeeded && output.contains("Go on?") && output.contains("nothing was done"), "{output}");
    }
    assert_eq!(node.state()["instance"], instance, "nothing was done so far");
    let (succeeded, output) = on_terminal("y\n");
    assert!(succeeded && output.contains("are forgotten"), "{output}");
    assert_ne!(node.state()["instance"], instance);
}

/// A node as a lab starts it, whose standard input is held open.
struct InLab(Child);

impl Drop for InLab {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_labs_node_wants_no_token_and_makes_none() {
    let state = tempfile::tempdir().unwrap();
    let port = free_ports(1);
    let mut command = Command::new(support::program());
    command.args(["run", "--in-lab", "--search", "off", "--port", &port.to_string(), "--state-dir"]).arg(state.path());
    let _node = InLab(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let ready = format!("GET /-/ready HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    wait_until(10 * SECOND, "the node is ready", || {
        support::http(port, &ready).is_some_and(|(status, _)| status == 200)
    });
    assert!(!state.path().join("token").exists());
    let elsewhere = tempfile::tempdir().unwrap();
    let (succeeded, output, error) = mersenned(elsewhere.path(), &["sleep", "--port", &port.to_string()]);
    assert!(succeeded && output.ends_with("is asleep\n"), "{error}");
    assert_eq!(support::post(port, "/wake", "", ""), (200, json!({"asleep": false, "saved": true})));
}

#[test]
fn the_token_is_for_the_owner_alone_is_kept_over_restarts_and_replaced_once_others_could_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let state = tempfile::tempdir().unwrap();
    let mut node = Node::start(free_ports(1), state.path(), &["--search", "off"]);
    let path = node.state.join("token");
    let token = || std::fs::read_to_string(&path).unwrap();
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let first = token();
    assert_eq!((first.trim_end().len(), mode()), (64, 0o600));
    node.restart();
    assert_eq!((token(), mode()), (first.clone(), 0o600));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    node.restart();
    assert!(token() != first && mode() == 0o600);
    assert_eq!(support::post(node.port, "/sleep", "", first.trim_end()).0, 401, "the old one is worth nothing");
    assert_eq!(node.post("/sleep", "").0, 200);
}
