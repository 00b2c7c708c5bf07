//! What the black-box tests share: real node processes, their HTTP, and waiting for a condition with a deadline.

#![allow(dead_code, reason = "every test program uses its own part")]

pub mod lab;
pub mod namespace;
pub mod stopped;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use namespace::Namespace;
use serde_json::Value;

/// The program under test.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_mersenned"))
}

/// `count` ports in a row that are free for UDP and TCP on 127.0.0.1 now, and that no other test of this process gets.
pub fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Different test processes begin at different places.
    let start = 20_000 + (std::process::id() % 100) as u16 * 100;
    loop {
        let first = start + NEXT.fetch_add(count, Ordering::Relaxed);
        assert!(first < 60_000, "no free ports");
        let is_free = |port| {
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok()
        };
        if (first..first + count).all(is_free) {
            return first;
        }
    }
}

/// A node process of a test: killed when dropped.
pub struct Node {
    pub port: u16,
    pub state: PathBuf,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    /// The network namespace it runs in, if it is not the test's own.
    namespace: Option<String>,
    child: Option<Child>,
}

impl Node {
    /// Starts a node and waits until it is ready. `state` holds the states of all nodes of a test.
    pub fn start(port: u16, state: &std::path::Path, flags: &[&str]) -> Node {
        Node::start_with(port, state, flags, &[])
    }

    /// The same, with these variables.
    pub fn start_with(port: u16, state: &std::path::Path, flags: &[&str], environment: &[(&str, &str)]) -> Node {
        let flags = flags.iter().map(ToString::to_string).collect();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let state = state.join(port.to_string());
        Node { port, state, flags, environment, namespace: None, child: None }.started()
    }

    /// Starts a node in a network namespace, and waits until it is ready. It is asked over that namespace's loopback.
    pub fn start_in(namespace: &Namespace, port: u16, state: &std::path::Path, flags: &[&str]) -> Node {
        let flags = flags.iter().map(ToString::to_string).collect();
        let state = state.join(format!("{}-{port}", namespace.name()));
        let namespace = Some(namespace.name().to_owned());
        Node { port, state, flags, environment: Vec::new(), namespace, child: None }.started()
    }

    fn started(mut self) -> Node {
        self.spawn();
        self.wait_until_ready();
        self
    }

    /// Starts the process again, with the state it left.
    pub fn restart(&mut self) {
        self.kill();
        self.spawn();
        self.wait_until_ready();
    }

    pub fn spawn(&mut self) {
        let mut command = match &self.namespace {
            // It becomes the program, so the process is the node.
            Some(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name]).arg(program());
                command
            }
            None => Command::new(program()),
        };
        command.arg("run").args(["--port", &self.port.to_string()]).arg("--state-dir").arg(&self.state);
        command.args(&self.flags).args(["--log-level", "warn"]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        self.child = Some(command.spawn().expect("the program starts"));
    }

    pub fn wait_until_ready(&self) {
        wait_until(Duration::from_secs(10), &format!("node {} is ready", self.port), || self.get("/-/ready").is_some());
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the node runs").id()
    }

    /// Kills the process as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the node can be killed");
            child.wait().expect("the node ends");
        }
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits until the process ends by itself and returns whether it succeeded, and how long that took.
    pub fn wait(&mut self, limit: Duration) -> (bool, Duration) {
        let began = Instant::now();
        let mut child = self.child.take().expect("the node runs");
        loop {
            if let Some(status) = child.try_wait().expect("the node can be waited for") {
                return (status.success(), began.elapsed());
            }
            if began.elapsed() > limit {
                drop(child.kill());
                panic!("node {} has not ended within {limit:?}", self.port);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks something from where the node is.
    fn there<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        match &self.namespace {
            Some(name) => namespace::enter(name, what),
            None => what(),
        }
    }

    /// The body of a 200 answer to `GET path`.
    pub fn get(&self, path: &str) -> Option<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port);
        let (status, body) = self.there(|| http(self.port, &request))?;
        (status == 200).then_some(body)
    }

    pub fn json(&self, path: &str) -> Value {
        let body = self.get(path).unwrap_or_else(|| panic!("node {} answers {path}", self.port));
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path} is JSON: {error}: {body}"))
    }

    /// Posts JSON with the node's token, if it has one: status and answer.
    pub fn post(&self, path: &str, json: &str) -> (u16, Value) {
        self.there(|| post(self.port, path, json, &token(&self.state)))
    }

    /// The state, or null while the node does not answer.
    pub fn state(&self) -> Value {
        self.get("/state").and_then(|body| serde_json::from_str(&body).ok()).unwrap_or(Value::Null)
    }

    pub fn peer_count(&self) -> u64 {
        self.state()["peers"].as_u64().unwrap_or(0)
    }

    pub fn peers(&self) -> Vec<String> {
        let peers = self.get("/peers/").and_then(|body| serde_json::from_str(&body).ok()).unwrap_or(Value::Null);
        let list = peers["peers"].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|peer| peer["address"].as_str().map(str::to_owned)).collect()
    }

    pub fn has_peer(&self, port: u16) -> bool {
        self.peers().contains(&format!("127.0.0.1:{port}"))
    }

    pub fn largest(&self) -> u64 {
        self.state()["largest_prime"].as_u64().unwrap_or(0)
    }

    /// The largest prime with its finder.
    pub fn holds(&self) -> (u64, String) {
        let state = self.state();
        let finder = state["largest_prime_finder"].as_str().unwrap_or("nobody").to_owned();
        (state["largest_prime"].as_u64().unwrap_or(0), finder)
    }

    /// See [`metric`].
    pub fn metric(&self, name: &str, label: &str) -> f64 {
        self.there(|| metric(self.port, name, label))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A process that is killed when dropped, also when its test fails.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts `count` nodes in a chain, each told of the next only.
pub fn chain(count: u16, state: &std::path::Path, flags: &[&str]) -> Vec<Node> {
    let first = free_ports(count);
    let start = |port: u16| {
        let peer = format!("127.0.0.1:{}", if port + 1 < first + count { port + 1 } else { first });
        let mut all = vec!["--peer", &peer];
        all.extend(flags);
        Node::start(port, state, &all)
    };
    (first..first + count).map(start).collect()
}

/// Waits until every node has every other as its peer.
pub fn wait_for_mesh(nodes: &[Node], limit: Duration) {
    let others = nodes.len() as u64 - 1;
    wait_until(limit, "all nodes are each other's peers", || nodes.iter().all(|node| node.peer_count() == others));
}

/// One HTTP exchange: status and body.
pub fn http(port: u16, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    // Asked to close, the server ends the answer by ending the connection.
    stream.write_all(request.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes()).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// The sum of a metric over all its series whose line contains `label`.
pub fn metric(port: u16, name: &str, label: &str) -> f64 {
    let answer = http(port, &format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
    let text = answer.map(|(_, text)| text).unwrap_or_default();
    text.lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(label))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// The token of the node that keeps its memory in this directory; empty if it has none.
pub fn token(state: &std::path::Path) -> String {
    std::fs::read_to_string(state.join("token")).unwrap_or_default().trim_end().to_owned()
}

/// Posts JSON with this token; with none, if it is empty. Status and answer.
pub fn post(port: u16, path: &str, json: &str, token: &str) -> (u16, Value) {
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n");
    let request = format!("{head}{authorization}Content-Length: {}\r\n\r\n{json}", json.len());
    let (status, body) = http(port, &request).expect("the node answers");
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Waits until `condition` holds; panics with what was waited for after `limit`. Returns how long it took.
pub fn wait_until(limit: Duration, what: &str, condition: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
    began.elapsed()
}

/// Waits until `value` is the same a quarter of a second later.
pub fn wait_until_still(limit: Duration, what: &str, value: impl Fn() -> f64) {
    wait_until(limit, what, || {
        let before = value();
        std::thread::sleep(Duration::from_millis(250));
        value() == before
    });
}

/// Sees to it that `condition` holds all the time for `how_long`.
pub fn holds_for(how_long: Duration, what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while began.elapsed() < how_long {
        assert!(condition(), "after {:?}: {what}", began.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill runs");
    assert!(status.success(), "signal {name} to {pid}");
}

/// Whether a process lives.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z")
}

/// Prints that a test was not made because this machine, whatever is installed on it, does not allow it.
pub fn not_allowed(reason: &str) {
    eprintln!("NOT ALLOWED HERE: {reason}");
}

/// Prints, loudly, that a test was not made for want of something that could be installed.
pub fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}
