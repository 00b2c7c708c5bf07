//! A lab as a process, and what it says by HTTP.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::browser::PATIENCE;
use crate::support::{self, free_ports, http, wait_until};

/// A lab; killed when dropped, and its nodes with it.
pub struct Lab {
    child: Option<Child>,
    arguments: Vec<String>,
    pub page_port: u16,
    count: u16,
}

impl Lab {
    /// A lab of `count` nodes with its page on the port before theirs. Returns when it serves its page.
    pub fn start(count: u16, arguments: &[&str]) -> Lab {
        // One port more, for a node that is added.
        let page_port = free_ports(count + 2);
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let mut lab = Lab { child: None, arguments, page_port, count };
        lab.spawn();
        lab
    }

    fn spawn(&mut self) {
        let mut command = Command::new(support::program());
        command.args(["lab", "--nodes", &self.count.to_string(), "--first-port", &(self.page_port + 1).to_string()]);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(drop));
        self.child = Some(child);
        let request = format!("GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.page_port);
        wait_until(PATIENCE, "the lab serves its page", || http(self.page_port, &request).is_some());
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// A lab of the same nodes, after this one has been killed.
    pub fn start_again(&mut self) {
        self.kill();
        // Nodes of a killed lab leave by themselves.
        let is_free = |port| {
            std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
                && std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok()
        };
        wait_until(PATIENCE, "the ports are free again", || {
            (self.page_port..=self.page_port + self.count).all(is_free)
        });
        self.spawn();
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.page_port)
    }

    /// The address of a node, counted from 0.
    pub fn node(&self, place: u16) -> String {
        format!("127.0.0.1:{}", self.page_port + 1 + place)
    }

    /// Every pair of nodes as the page names an edge.
    pub fn edges(&self) -> Vec<String> {
        let pairs = (0..self.count).flat_map(|one| (one + 1..self.count).map(move |other| (one, other)));
        pairs.map(|(one, other)| self.edge(one, other)).collect()
    }

    pub fn edge(&self, one: u16, other: u16) -> String {
        let (one, other) = (self.node(one), self.node(other));
        if one < other { format!("{one} {other}") } else { format!("{other} {one}") }
    }

    /// Does something to the lab without the page.
    pub fn command(&self, json: &Value) {
        let (status, answer) = support::post(self.page_port, "/lab", &json.to_string(), "");
        assert_eq!(status, 200, "{json}: {answer}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An event of a feed, as the server wrote it.
#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    pub data: String,
    /// When it came, since the recording began.
    pub at: Duration,
}

impl Event {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{} is JSON: {error}", self.data))
    }
}

/// Follows a feed for as long as `wanted` says so of all that has come.
pub fn record(port: u16, path: &str, mut wanted: impl FnMut(&[Event]) -> bool) -> Vec<Event> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The answer to HTTP/1.0 has no chunks.
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes()).unwrap();
    let began = Instant::now();
    let mut reader = BufReader::new(stream);
    let (mut events, mut name, mut data) = (Vec::new(), String::new(), String::new());
    let mut line = String::new();
    while wanted(&events) {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the feed goes on");
        match line.trim_end().split_once(": ").unwrap_or((line.trim_end(), "")) {
            ("event", value) => value.clone_into(&mut name),
            ("data", value) => data.push_str(value),
            ("", "") if !data.is_empty() => events.push(Event {
                name: std::mem::take(&mut name),
                data: std::mem::take(&mut data),
                at: began.elapsed(),
            }),
            _ => {}
        }
    }
    events
}
