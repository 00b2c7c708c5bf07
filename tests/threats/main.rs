//! What must not happen to a real node: socket errors, jumping clocks, oversize datagrams, slow connections.
//!
//! Some of these need root, network namespaces or libfaketime; where something is missing the test says so and skips.

mod disk;
#[path = "../support/mod.rs"]
mod support;

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mersenned::protocol::address::NodeRef;
use mersenned::protocol::codec;
use mersenned::protocol::message::{Body, Message, MessageId};
use serde_json::Value;
use support::namespace::Namespace;
use support::{Killed, Node, free_ports, http, skip, wait_for_mesh, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// How long an outage lasts here: long enough for all peers to be dropped.
const OUTAGE: Duration = Duration::from_secs(14);

#[test]
fn socket_errors_are_survived_and_peers_are_back_within_10_s() {
    let Some(namespace) = Namespace::new() else { return };
    let state = tempfile::tempdir().unwrap();
    let start = |port, peer| {
        let peer = format!("127.0.0.1:{peer}");
        Node::start_in(&namespace, port, state.path(), &["--search", "off", "--peer", &peer])
    };
    let nodes = [start(5_001, 5_002), start(5_002, 5_001)];
    wait_for_mesh(&nodes, 15 * SECOND);

    // A firewall that drops what goes out makes every send fail with EPERM.
    let rules = "table inet t { chain out { type filter hook output priority 0; meta l4proto udp drop; }; }";
    assert!(namespace.inside(&["nft", rules]));
    let are_alone = || nodes.iter().all(|node| node.state()["peers"] == 0);
    wait_until(OUTAGE, "they lose each other", are_alone);
    support::holds_for(5 * SECOND, "nothing gets through", are_alone);
    assert!(namespace.inside(&["nft", "flush", "ruleset"]));
    wait_for_mesh(&nodes, 10 * SECOND);

    // Without the link every send fails with ENETUNREACH or EINVAL; nor can the nodes be asked meanwhile.
    assert!(namespace.inside(&["ip", "link", "set", "lo", "down"]));
    support::holds_for(OUTAGE, "the nodes live", || nodes.iter().all(|node| support::is_alive(node.pid())));
    assert!(namespace.inside(&["ip", "link", "set", "lo", "up"]));
    wait_for_mesh(&nodes, 10 * SECOND);
}

#[test]
fn a_jumping_wall_clock_drops_nobody_and_repeats_no_id() {
    let Some(library) = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .iter()
        .map(|machine| format!("/usr/lib/{machine}/faketime/libfaketime.so.1"))
        .find(|path| Path::new(path).exists())
    else {
        return skip("libfaketime is missing (apt-get install faketime)");
    };
    let state = tempfile::tempdir().unwrap();
    let clock = state.path().join("clock");
    std::fs::write(&clock, "+0").unwrap();
    let ports = free_ports(2);
    let steady = Node::start(ports, state.path(), &["--search", "off", "--peer", &format!("127.0.0.1:{}", ports + 1)]);
    let start = || {
        let mut command = Command::new(support::program());
        command.env("LD_PRELOAD", &library).env("FAKETIME_TIMESTAMP_FILE", &clock);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.args(["run", "--search", "off", "--log-level", "error", "--port", &(ports + 1).to_string()]);
        command.args(["--peer", &format!("127.0.0.1:{ports}"), "--state-dir"]).arg(state.path().join("jumping"));
        Killed(command.stdout(Stdio::null()).spawn().unwrap())
    };
    let ask = || -> Value {
        let request = format!("GET /state HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", ports + 1);
        http(ports + 1, &request).and_then(|(_, body)| serde_json::from_str(&body).ok()).unwrap_or(Value::Null)
    };
    let jumping = start();
    wait_until(15 * SECOND, "the two are peers", || steady.peer_count() == 1 && ask()["peers"] == 1);
    for jump in ["+3600", "-3600", "+10y", "-10y"] {
        std::fs::write(&clock, jump).unwrap();
        support::holds_for(2 * SECOND, "the peers stay", || steady.peer_count() == 1 && ask()["peers"] == 1);
    }
    let last = ask()["next_msg_id"].as_u64().unwrap();
    // Before 1970 there is no HTTP; gossip goes on.
    std::fs::write(&clock, "@1969-12-31 12:00:00").unwrap();
    support::holds_for(12 * SECOND, "the peers stay", || steady.peer_count() == 1);
    assert_eq!(steady.metric("mersenned_peer_evictions_total", ""), 0.0, "nobody was dropped");

    // A start while the clock shows 1969 continues above the saved floor.
    drop(jumping);
    wait_until(12 * SECOND, "it is gone", || steady.peer_count() == 0);
    let _jumping = start();
    wait_until(15 * SECOND, "it is back", || steady.peer_count() == 1);
    std::fs::write(&clock, "+0").unwrap();
    wait_until(5 * SECOND, "it can be asked again", || ask()["peers"] == 1);
    let next = ask()["next_msg_id"].as_u64().unwrap();
    assert!(next > last, "ids go on from {last}, not from {next}");
}

#[test]
fn oversize_datagrams_are_counted_and_nothing_else() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), state.path(), &["--search", "off"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(SECOND)).unwrap();
    for length in [1_201, 1_500, 9_000, 65_507] {
        socket.send_to(&vec![0x80; length], ("127.0.0.1", node.port)).unwrap();
    }
    wait_until(5 * SECOND, "they are counted", || {
        node.metric("mersenned_datagrams_dropped_total", r#"reason="oversize""#) == 4.0
    });
    assert_eq!(node.metric("mersenned_datagrams_total", "sent"), 0.0);
    assert!(is_answered(&socket, node.port), "the node goes on");
}

#[test]
fn a_thousand_slow_connections_keep_nobody_from_metrics_or_pongs() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), state.path(), &["--search", "off"]);
    let slow: Vec<TcpStream> = (0..1_000)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", node.port)).ok()?;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: 12").ok()?;
            Some(stream)
        })
        .collect();
    assert!(slow.len() > 900, "{} connections", slow.len());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(SECOND)).unwrap();
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let began = Instant::now();
        assert!(is_answered(&socket, node.port));
        slowest = slowest.max(began.elapsed());
        assert!(node.get("/metrics").is_some());
    }
    println!("slowest PONG beside {} slow connections: {slowest:?}", slow.len());
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", node.pid())).unwrap().count();
    assert!(descriptors <= 128, "{descriptors} descriptors");
}

#[test]
fn four_nodes_stay_peers_of_each_other_while_all_of_them_compute() {
    let state = tempfile::tempdir().unwrap();
    let nodes = support::chain(4, state.path(), &["--interval", "50ms"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    support::holds_for(12 * SECOND, "the mesh holds", || nodes.iter().all(|node| node.peer_count() == 3));
}

/// Whether a nil PING is answered by a nil PONG with its id.
fn is_answered(socket: &UdpSocket, port: u16) -> bool {
    let own = NodeRef::Port(socket.local_addr().unwrap().port().try_into().unwrap());
    let ping = Message { id: MessageId(77), forwarder: own, originator: own, body: Body::Ping(None) };
    let mut bytes = Vec::new();
    codec::encode(&ping, &mut bytes);
    socket.send_to(&bytes, ("127.0.0.1", port)).unwrap();
    let mut buffer = [0; 1_500];
    // PINGs of the node's own may come between.
    (0..10).any(|_| {
        socket.recv(&mut buffer).is_ok_and(|length| {
            codec::decode(&buffer[..length]).is_ok_and(|pong| pong.id == MessageId(77) && pong.body == Body::Pong(None))
        })
    })
}
