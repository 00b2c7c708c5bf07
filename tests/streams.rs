//! Event streams of a real node: they keep it neither from leaving nor within its memory.

mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use mersenned::protocol::address::NodeRef;
use mersenned::protocol::codec;
use mersenned::protocol::message::{Body, Exchange, Message, MessageId};
use support::{Node, free_ports, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// Opens an event stream and reads its head, and nothing more.
fn subscribe(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(5 * SECOND)).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    stream
}

#[test]
fn a_node_with_three_open_streams_ends_within_a_second_of_sigterm() {
    let state = tempfile::tempdir().unwrap();
    let mut node = Node::start(free_ports(1), state.path(), &["--interval", "100ms"]);
    let mut streams: Vec<TcpStream> = (0..3).map(|_| subscribe(node.port)).collect();
    assert_eq!(node.metric("mersenned_event_subscribers", ""), 4.0, "three of them, and the log");
    node.signal("TERM");
    let (succeeded, took) = node.wait(5 * SECOND);
    assert!(succeeded && took < SECOND, "{took:?}");
    for stream in &mut streams {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.ends_with(b"0\r\n\r\n"), "each stream ends as it should");
    }
}

/// A peer made by hand that has proven its address and can make a node tell news as fast as it hears: a peer that starts
/// anew with every PING.
struct Restless {
    socket: UdpSocket,
    node: SocketAddr,
    cookie: Option<u64>,
    instance: u64,
}

impl Restless {
    fn new(port: u16) -> Restless {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(5 * SECOND)).unwrap();
        let node = SocketAddr::from(([127, 0, 0, 1], port));
        let mut restless = Restless { socket, node, cookie: None, instance: 1 };
        restless.ping();
        // The node PINGs whoever shows a cookie, and takes as its peer who returns its own.
        loop {
            let mut buffer = [0; 1_500];
            let length = restless.socket.recv(&mut buffer).unwrap();
            let message = codec::decode(&buffer[..length]).unwrap();
            let (Body::Ping(Some(exchange)) | Body::Pong(Some(exchange))) = &message.body else { continue };
            restless.cookie = exchange.nonce.or(restless.cookie);
            if let Body::Ping(_) = message.body {
                let answer =
                    Exchange { nonce: Some(1), echo: exchange.nonce, accept: Some(true), ..Exchange::default() };
                restless.send(message.id, Body::Pong(Some(answer)));
                return restless;
            }
        }
    }

    fn send(&self, id: MessageId, body: Body) {
        let own = NodeRef::Port(self.socket.local_addr().unwrap().port().try_into().unwrap());
        let mut bytes = Vec::new();
        codec::encode(&Message { id, forwarder: own, originator: own, body }, &mut bytes);
        self.socket.send_to(&bytes, self.node).unwrap();
    }

    fn ping(&mut self) {
        self.instance += 1;
        let exchange =
            Exchange { nonce: Some(1), echo: self.cookie, instance: Some(self.instance), ..Exchange::default() };
        self.send(MessageId(self.instance), Body::Ping(Some(exchange)));
    }

    /// Sends PINGs until the node has taken so many, or 30 s are over.
    fn flood(&mut self, node: &Node, pings: f64) {
        let taken = || node.metric("mersenned_datagrams_total", r#"direction="received",type="ping""#);
        let goal = taken() + pings;
        for _ in 0..3_000 {
            (0..256).for_each(|_| self.ping());
            // A metric is answered in its turn, which paces this.
            if taken() >= goal {
                return;
            }
        }
        panic!("the node has taken too few PINGs");
    }
}

/// The memory a process has in use, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_subscriber_that_never_reads_costs_no_memory_and_what_it_misses_is_counted() {
    let state = tempfile::tempdir().unwrap();
    // So that all of it gets into the journal.
    let node = Node::start(free_ports(1), state.path(), &["--search", "off", "--journal-rate", "1000000"]);
    let mut peer = Restless::new(node.port);
    wait_until(5 * SECOND, "it is a peer", || node.peer_count() == 1);
    // The journal's ring is filled, and every buffer has been in use.
    peer.flood(&node, 10_000.0);
    let (before, missed) = (resident(node.pid()), node.metric("mersenned_events_lagged_total", ""));
    let unread = subscribe(node.port);
    // Each PING is three events: it was received, its sender has started anew, a PONG was sent.
    peer.flood(&node, 60_000.0);
    let after = resident(node.pid());
    println!("resident before {before} KiB, after {after} KiB");
    // 180,000 events are 30 MB as JSON. One stream may hold a batch of 64 entries as text and hyper's buffer of 400 KiB; the
    // rest of the allowance is for what the allocator keeps.
    assert!(after < before + 4 * 1_024, "{before} KiB have become {after} KiB");
    drop(unread);
    wait_until(10 * SECOND, "what it missed is counted", || {
        node.metric("mersenned_events_lagged_total", "") >= missed + 1_000.0
    });
    wait_until(5 * SECOND, "the stream is gone", || node.metric("mersenned_event_subscribers", "") <= 1.0);
}
