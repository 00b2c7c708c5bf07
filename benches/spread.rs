//! One PRIME through 16 real nodes: the time until the last holds it, the datagrams sent for it, and what it costs.
//!
//!     cargo bench --bench spread
//!
//! The reference is the upkeep of the same 16 nodes over the same time without a PRIME, which is subtracted. A flood in
//! which every node sends to every other would take 15 × 15 = 225 datagrams.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NODES: u16 = 16;
const FIRST_PORT: u16 = 47_101;
const PRIMES: [u32; 5] = [521, 607, 1_279, 2_203, 2_281];

struct Node {
    port: u16,
    child: Child,
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn main() {
    let state = tempfile::tempdir().expect("a state directory");
    let nodes: Vec<Node> = (FIRST_PORT..FIRST_PORT + NODES)
        .map(|port| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_mersenned"));
            command.args(["run", "--search", "off", "--log-level", "error", "--port", &port.to_string()]);
            command.args(["--peer", &format!("127.0.0.1:{}", if port == FIRST_PORT { port + 1 } else { port - 1 })]);
            // One place for every other, so that it is a full mesh.
            command.args(["--max-peers", &(NODES - 1).to_string()]);
            command.arg("--state-dir").arg(state.path().join(port.to_string())).stdout(Stdio::null());
            Node { port, child: command.spawn().expect("the node starts") }
        })
        .collect();
    let meshed = || nodes.iter().all(|node| number(node, "peers") == u64::from(NODES) - 1);
    let began = Instant::now();
    while !meshed() {
        assert!(began.elapsed() < Duration::from_secs(60), "the mesh does not close");
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("{NODES} nodes are each other's peers after {:.1} s", began.elapsed().as_secs_f64());
    std::thread::sleep(Duration::from_secs(12));

    let mut times = Vec::new();
    let mut datagrams = Vec::new();
    for exponent in PRIMES {
        let sent_before = primes_sent(&nodes);
        let cpu_before = cpu(&nodes);
        let began = Instant::now();
        claim(&nodes[0], exponent);
        let holds = |node: &Node| number(node, "largest_prime") == u64::from(exponent);
        while !nodes.iter().all(holds) {
            assert!(began.elapsed() < Duration::from_secs(30), "M{exponent} does not reach all");
            std::thread::sleep(Duration::from_millis(1));
        }
        let time = began.elapsed();
        // Echoes still on their way belong to it too.
        std::thread::sleep(Duration::from_secs(2));
        let sent = primes_sent(&nodes) - sent_before;
        let cost = cpu(&nodes) - cpu_before;
        println!(
            "  M{exponent}: held by all (verified) after {:>6.1} ms, {sent} PRIME datagrams, {:.0} ms of CPU in all 16, asking included",
            time.as_secs_f64() * 1e3,
            cost.as_secs_f64() * 1e3
        );
        times.push(time);
        datagrams.push(sent);
    }
    times.sort();
    datagrams.sort();
    println!(
        "median: {:.1} ms to the last node, {} datagrams; ratio to a full flood of 225: {:.2}",
        times[2].as_secs_f64() * 1e3,
        datagrams[2],
        datagrams[2] as f64 / 225.0
    );

    let (received_before, cpu_before) = (received(&nodes), cpu(&nodes));
    std::thread::sleep(Duration::from_secs(20));
    let (count, cost) = (received(&nodes) - received_before, cpu(&nodes) - cpu_before);
    println!(
        "upkeep: {:.1} datagrams per node and second, {:.0} µs of CPU per datagram (both ways, everything included)",
        count as f64 / 20.0 / f64::from(NODES),
        cost.as_secs_f64() * 1e6 / count as f64
    );
}

fn get(node: &Node, path: &str) -> String {
    request(node, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", node.port))
}

fn request(node: &Node, request: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", node.port)) {
        drop(stream.write_all(request.as_bytes()));
        drop(stream.read_to_string(&mut answer));
    }
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

fn number(node: &Node, field: &str) -> u64 {
    let state: serde_json::Value = serde_json::from_str(&get(node, "/state")).unwrap_or_default();
    state[field].as_u64().unwrap_or(0)
}

fn metric(nodes: &[Node], start: &str) -> u64 {
    let value = |line: &str| line.strip_prefix(start)?.rsplit(' ').next()?.parse::<f64>().ok();
    nodes.iter().map(|node| get(node, "/metrics").lines().filter_map(value).sum::<f64>() as u64).sum()
}

fn primes_sent(nodes: &[Node]) -> u64 {
    metric(nodes, r#"mersenned_datagrams_total{direction="sent",type="prime"}"#)
}

fn received(nodes: &[Node]) -> u64 {
    metric(nodes, r#"mersenned_datagrams_total{direction="received""#)
}

fn claim(node: &Node, exponent: u32) {
    let body = format!(
        r#"{{"msg_type":"PRIME","msg_id":{exponent},"msg_forwarder":9,"msg_originator":9,"ttl":6,"data":{exponent}}}"#
    );
    let head = format!(
        "POST /gossip/ HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Type: application/json\r\n",
        node.port
    );
    request(node, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
}

/// Processor time of all nodes so far, from `/proc` (Linux).
fn cpu(nodes: &[Node]) -> Duration {
    let ticks = |node: &Node| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", node.child.id())).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        let columns: Vec<&str> = after_name.split(' ').collect();
        let column = |at: usize| columns.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        column(11) + column(12)
    };
    Duration::from_millis(nodes.iter().map(ticks).sum::<u64>() * 10)
}
