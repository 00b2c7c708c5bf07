//! A peer of ten lines of Python, with MessagePack from pip, takes part fully.

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{chain, skip, wait_for_mesh, wait_until};

const SECOND: Duration = Duration::from_secs(1);

struct Python {
    child: Child,
    heard: Receiver<Value>,
}

impl Python {
    fn start(own: u16, other: u16, claim: Option<u32>) -> Python {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plain_peer.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(own.to_string()).arg(other.to_string()).args(claim.map(|claim| claim.to_string()));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if tell.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        Python { child, heard }
    }

    /// Waits until it hears a PRIME of this exponent; returns the message.
    fn hears_prime(&self, exponent: u64) -> Value {
        let deadline = Instant::now() + 20 * SECOND;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.heard.recv_timeout(left).expect("the peer hears the prime");
            if message["msg_type"] == "PRIME" && message["data"] == exponent {
                return message;
            }
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_plain_peer_of_ten_lines_of_python_takes_part_fully() {
    let has_msgpack = Command::new("python3").args(["-c", "import msgpack"]).stderr(Stdio::null()).status();
    if !has_msgpack.is_ok_and(|status| status.success()) {
        return skip("python3 with the package msgpack is missing (pip install msgpack)");
    }
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(3, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    let own = support::free_ports(1);

    let python = Python::start(own, nodes[0].port, Some(1_279));
    for node in &nodes {
        wait_until(15 * SECOND, "the plain peer is a peer of all", || node.has_peer(own));
        wait_until(15 * SECOND, "its claim is verified and credited", || {
            node.holds() == (1_279, format!("127.0.0.1:{own}"))
        });
    }
    let (status, answer) = nodes[2].post(
        "/gossip/",
        r#"{"msg_type":"PRIME","msg_id":7,"msg_forwarder":9998,"msg_originator":9998,"ttl":2,"data":2203}"#,
    );
    assert_eq!(status, 202, "{answer}");
    let message = python.hears_prime(2_203);
    assert_eq!(message["msg_originator"], 9_998, "the originator is kept");
    assert!(nodes.iter().any(|node| message["msg_forwarder"] == node.port), "a node forwards in its own name");

    // It starts anew, and its ids with it.
    drop(python);
    let python = Python::start(own, nodes[0].port, Some(3_217));
    for node in &nodes {
        wait_until(15 * SECOND, "its next claim is heard although its ids began at 0 again", || {
            node.holds() == (3_217, format!("127.0.0.1:{own}"))
        });
    }
    support::holds_for(12 * SECOND, "the plain peer stays a peer of all", || {
        nodes.iter().all(|node| node.has_peer(own))
    });
    drop(python);
    wait_until(12 * SECOND, "the dead plain peer is gone", || nodes.iter().all(|node| !node.has_peer(own)));
}
