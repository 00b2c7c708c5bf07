//! Settings as an operator meets them: checked, shown, taken over by a running node, and what its log then says.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mersenned::protocol::address::NodeRef;
use mersenned::protocol::codec;
use mersenned::protocol::message::{Announcement, Body, Message, MessageId, Ttl};
use serde_json::Value;
use support::{Killed, Node, free_ports, signal, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// Exit code, standard output, standard error of `mersenned config …` with an environment of its own.
fn config(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(support::program());
    command.arg("config").args(arguments).env_clear().env("HOME", "/nonexistent").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn written(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("mersenned.toml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn config_check_accepts_the_shipped_file_and_refuses_a_wrong_one_with_78_and_every_line() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/mersenned.toml");
    let (code, output, error) = config(&["check", "--config", shipped.to_str().unwrap()], &[]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(output, format!("{} is right\n", shipped.display()));

    let directory = tempfile::tempdir().unwrap();
    let wrong = written(directory.path(), "port = 5001\npeers = ['a:1']\nmax-ttl = 17\n");
    let (code, output, error) = config(&["check", "--config", wrong.to_str().unwrap()], &[]);
    assert_eq!((code, output.as_str()), (Some(78), ""));
    let wrong = wrong.display();
    let expected = format!(
        "{wrong}:2: unknown key `peers`; did you mean `peer`?\n{wrong}:3: max-ttl: \"17\": give a whole number from 0 to 16\n"
    );
    assert_eq!(error, expected);

    let (code, _, error) = config(&["check"], &[("MERSENNED_CONFIG", "/nonexistent/m.toml")]);
    assert_eq!(code, Some(78));
    assert!(error.contains("cannot read the configuration file /nonexistent/m.toml"), "{error}");
    let (code, _, error) = config(&["check", "--ping-interval", "never"], &[]);
    assert_eq!(code, Some(2), "a wrong command line is no wrong configuration");
    assert!(error.contains("500ms"), "{error}");
}

#[test]
fn config_show_prints_what_counts_and_where_it_comes_from() {
    let directory = tempfile::tempdir().unwrap();
    let file = written(directory.path(), "# mine\nping-interval = '2s'\npeer-timeout = 4\npeer = ['a.example:1']\n");
    let variables = [("MERSENNED_PEER_TIMEOUT", "6s"), ("MERSENNED_PEERS", "x")];
    let arguments = ["show", "--origin", "--config", file.to_str().unwrap(), "--search", "off"];
    let (code, output, error) = config(&arguments, &variables);
    assert_eq!(code, Some(0), "{error}");
    let origin = |line: &str| {
        let found = output.lines().find(|shown| shown.starts_with(&format!("{line} ")));
        let (_, origin) =
            found.and_then(|shown| shown.split_once("  # ")).unwrap_or_else(|| panic!("{line}: {output}"));
        origin.to_owned()
    };
    assert_eq!(origin("ping-interval = \"2s\""), format!("{}:2", file.display()));
    assert_eq!(origin("peer = [\"a.example:1\"]"), format!("{}:4", file.display()));
    assert_eq!(origin("peer-timeout = \"6s\""), "$MERSENNED_PEER_TIMEOUT");
    assert_eq!(origin("search = false"), "--search");
    assert_eq!(origin("max-peers = 12"), "default");
    assert_eq!(error, "mersenned: $MERSENNED_PEERS is no setting; did you mean $MERSENNED_PEER?\n");

    // What is shown is a file that says the same.
    let shown = config(&["show", "--config", file.to_str().unwrap()], &[]).1;
    let again = written(directory.path(), &shown);
    assert_eq!(config(&["show", "--config", again.to_str().unwrap()], &[]).1, shown);
}

/// A node whose log is read.
struct Logged {
    child: Child,
    port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Logged {
    fn start(port: u16, state: &Path, flags: &[&str], variables: &[(&str, &str)]) -> Logged {
        let mut command = Command::new(support::program());
        command.args(["run", "--port", &port.to_string(), "--state-dir"]).arg(state.join(port.to_string()));
        command.args(flags).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, log) = (Arc::default(), child.stderr.take().unwrap());
        let kept: Arc<Mutex<Vec<String>>> = Arc::clone(&lines);
        std::thread::spawn(move || {
            BufReader::new(log).lines().map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line));
        });
        let node = Logged { child, port, lines };
        wait_until(10 * SECOND, "the node is ready", || node.state()["address"].is_string());
        node
    }

    fn wait_for(&self, text: &str) {
        wait_until(10 * SECOND, &format!("the log says {text:?}; it says {:?}", self.lines()), || {
            self.lines().iter().any(|line| line.contains(text))
        });
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn state(&self) -> Value {
        let request = format!("GET /state HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port);
        let body = support::http(self.port, &request).map(|(_, body)| body).unwrap_or_default();
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_hangup_takes_over_peers_log_level_and_search_and_says_what_takes_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_ports(3);
    let [one, two] = [1, 2].map(|n| Node::start(port + n, directory.path(), &["--search", "off"]));
    let peer = |node: &Node| format!("peer = ['127.0.0.1:{}']\n", node.port);
    let file = written(directory.path(), &format!("{}search = false\n", peer(&one)));
    let node = Logged::start(port, directory.path(), &["--config", file.to_str().unwrap(), "--interval", "100ms"], &[]);
    wait_until(10 * SECOND, "the first peer", || one.has_peer(port));
    let pid = node.child.id();

    written(directory.path(), &format!("{}log-level = 'warn'\nmax-peers = 7\n", peer(&two)));
    signal(pid, "HUP");
    wait_until(10 * SECOND, "the second peer", || two.has_peer(port));
    wait_until(10 * SECOND, "a prime", || node.state()["largest_prime"].is_u64());
    node.wait_for("max-peers: 7 takes a restart; 12 until then");

    // What a reload changes is told in any case; after that only warnings and worse are logged, no primes.
    node.wait_for("search: on now, off before");
    assert!(!node.lines().iter().any(|line| line.contains("is prime!")), "{:?}", node.lines());

    // A file that is wrong changes nothing.
    written(directory.path(), "search = 'sometimes'\n");
    signal(pid, "HUP");
    node.wait_for("mersenned.toml:1: search: give true or false");
    node.wait_for("everything stays as it was");
    assert!(node.lines().iter().any(|line| line.contains("log-level: warn now, info before")), "{:?}", node.lines());
    assert!(!node.lines().iter().any(|line| line.contains("is prime!")), "{:?}", node.lines());
    assert_eq!(support::metric(port, "mersenned_search_state", r#"state="off""#), 0.0, "it searches on");

    // The next prime after this one is so far away that the search does not end by itself.
    let claim = r#"{"msg_type":"PRIME","msg_id":7,"msg_forwarder":9999,"msg_originator":9999,"ttl":0,"data":11213}"#;
    let token = support::token(&directory.path().join(port.to_string()));
    assert_eq!(support::post(port, "/gossip/", claim, &token).0, 202);
    let exponent = || support::metric(port, "mersenned_search_exponent", "");
    wait_until(60 * SECOND, "it searches above", || exponent() > 11_213.0);
    written(directory.path(), &format!("{}search = false\n", peer(&two)));
    signal(pid, "HUP");
    node.wait_for("search: off now, on before");
    wait_until(10 * SECOND, "the search is off", || node.state()["searching"] == false);
    let iterations = || support::metric(port, "mersenned_search_iterations_total", "");
    support::wait_until_still(10 * SECOND, "nothing is computed any more", iterations);
    let stopped_at = iterations();
    assert!(stopped_at > 0.0, "it did search");
    support::holds_for(SECOND, "no step is made", || iterations() == stopped_at && exponent() == 0.0);
    signal(pid, "HUP");
    node.wait_for("was read again and changes nothing");
}

/// Sends PRIMEs with the even ones of these numbers, the first of which is even, in the name of the socket they come from.
fn claim(socket: &UdpSocket, port: u16, numbers: Range<u64>) {
    let own = NodeRef::Port(socket.local_addr().unwrap().port().try_into().unwrap());
    let mut datagram = Vec::new();
    for number in numbers.step_by(2) {
        let body = Body::Prime(Announcement { ttl: Ttl(0), exponent: number, signature: None });
        datagram.clear();
        codec::encode(&Message { id: MessageId(number), forwarder: own, originator: own, body }, &mut datagram);
        socket.send_to(&datagram, ("127.0.0.1", port)).unwrap();
    }
}

#[test]
fn thousands_of_false_claims_are_a_few_lines_in_the_log_and_their_number() {
    const FALSE: u64 = 3_000;
    let state = tempfile::tempdir().unwrap();
    let port = free_ports(1);
    let node = Logged::start(port, state.path(), &["--search", "off", "--journal-rate", "1000000"], &[]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let decided = || support::metric(port, "mersenned_claims_total", r#"result="composite_exponent""#);
    // A few at a time so that the kernel drops none.
    for batch in 0..FALSE / 50 {
        let first = 1_000_000 + batch * 100;
        claim(&socket, port, first..first + 100);
        wait_until(10 * SECOND, "they are decided", || decided() >= (50 * (batch + 1)) as f64);
    }
    let about_claims = || node.lines().iter().filter(|line| line.contains("claim of ")).count();
    wait_until(10 * SECOND, "some are told", || about_claims() > 0);
    let left_out = || {
        node.lines()
            .iter()
            .any(|line| line.contains("claim of ") && line.contains("more like this were left out before"))
    };
    let next = std::cell::Cell::new(2_000_000);
    wait_until(10 * SECOND, "a later line says how many were not told", || {
        claim(&socket, port, next.get()..next.get() + 1);
        next.set(next.get() + 2);
        left_out()
    });
    assert!(about_claims() <= 300, "{} lines", about_claims());
}

#[test]
fn a_log_in_json_is_one_object_a_line_with_the_event_in_it() {
    let state = tempfile::tempdir().unwrap();
    let port = free_ports(1);
    let node = Logged::start(port, state.path(), &["--log-format", "json", "--interval", "50ms"], &[]);
    node.wait_for("prime_found");
    for line in node.lines() {
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(value["time"].is_string() && value["level"].is_string() && value["message"].is_string(), "{line}");
    }
    let found = node.lines().into_iter().find(|line| line.contains("prime_found")).unwrap();
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!((&found["level"], &found["entry"]["event"]), (&"info".into(), &"prime_found".into()));
    assert!(found["entry"]["exponent"].is_u64() && found["message"].as_str().unwrap().contains("is prime!"), "{found}");
}

#[test]
fn only_journald_itself_gets_priorities_unless_they_are_asked_for() {
    let state = tempfile::tempdir().unwrap();
    let port = free_ports(2);
    // The variable is inherited by whatever a service starts, also where standard error leads elsewhere.
    let elsewhere = Logged::start(port, state.path(), &["--search", "off"], &[("JOURNAL_STREAM", "8:1")]);
    elsewhere.wait_for(" INFO gossip on UDP");
    let asked = Logged::start(port + 1, state.path(), &["--search", "off", "--log-format", "journal"], &[]);
    asked.wait_for("<6>gossip on UDP");
}

#[test]
fn under_journald_lines_carry_their_priority() {
    use std::os::unix::fs::MetadataExt as _;
    let state = tempfile::tempdir().unwrap();
    let log = state.path().join("log");
    let file = fs::File::create(&log).unwrap();
    let stream = file.metadata().map(|file| format!("{}:{}", file.dev(), file.ino())).unwrap();
    let port = free_ports(1);
    let mut command = Command::new(support::program());
    command.args(["run", "--search", "off", "--port", &port.to_string(), "--state-dir"]).arg(state.path().join("s"));
    let node = Killed(command.env("JOURNAL_STREAM", stream).stderr(file).spawn().unwrap());
    let said = || fs::read_to_string(&log).unwrap();
    wait_until(10 * SECOND, "the first line", || said().ends_with('\n'));
    drop(node);
    assert!(said().starts_with("<6>gossip on UDP"), "{}", said());
}
