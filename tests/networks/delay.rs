//! A slow network: every datagram takes 50 to 250 ms, later ones overtake earlier ones, and every fifth comes twice.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::SECOND;
use crate::network::agree;
use crate::relay::{Relay, Spoil};
use crate::support::{Node, free_ports, holds_for, wait_until};

/// The round trips of a node's peers, in seconds.
fn round_trips(node: &Node) -> Vec<f64> {
    let peers = node.json("/peers/")["peers"].as_array().cloned().unwrap_or_default();
    peers.iter().filter_map(|peer| peer["rtt_seconds"].as_f64()).collect()
}

#[test]
fn over_slow_links_that_reorder_and_double_nodes_become_peers_and_process_each_prime_once() {
    let first = free_ports(4);
    let ports: Vec<u16> = (first..first + 4).collect();
    let relay = Relay::start(&ports, Spoil { delay: 50..251, doubled_percent: 20 });
    let addresses: Vec<String> = (0..4).map(|node| relay.address_of(node)).collect();
    let state = tempfile::tempdir().unwrap();
    let start = |at: usize, more: &[&str]| {
        let own = ["--advertise", addresses[at].as_str(), "--peer", addresses[0].as_str()];
        Node::start(ports[at], state.path(), &[&own, more].concat())
    };
    // The last of them finds primes, one after the other; all of them are announced through the relay.
    let mut nodes: Vec<Node> = (0..3).map(|at| start(at, &["--search", "off"])).collect();
    nodes.push(start(3, &["--interval", "500ms"]));
    let are_mesh = || {
        (0..4).all(|at| {
            let others =
                addresses.iter().enumerate().filter(|&(other, _)| other != at).map(|(_, address)| address.clone());
            nodes[at].peers().into_iter().collect::<BTreeSet<_>>() == others.collect::<BTreeSet<_>>()
        })
    };
    let took = wait_until(20 * SECOND, "they are peers, by the addresses of the relay", are_mesh);
    println!("over slow links four nodes know each other after {took:?}");
    wait_until(60 * SECOND, "primes are found", || nodes[3].largest() >= 1_279);
    let took = wait_until(20 * SECOND, "all know them, and who found them", || agree(&nodes, 1_279));
    assert_eq!(nodes[0].holds().1, addresses[3]);
    println!("all agree after {took:?}");
    holds_for(11 * SECOND, "they stay peers", are_mesh);

    let evictions: f64 = nodes.iter().map(|node| node.metric("mersenned_peer_evictions_total", "")).sum();
    assert_eq!(evictions, 0.0, "nobody was dropped");
    for node in &nodes[..3] {
        let decided = |result: &str| node.metric("mersenned_claims_total", result);
        let known = || node.state()["known"]["count"].as_f64().unwrap();
        // Whatever came again was known as the same message, and went no further than that.
        wait_until(10 * SECOND, "each prime was processed once", || {
            let before = known();
            decided("verified") == before && decided("") == before && known() == before
        });
        assert!(node.metric("mersenned_duplicates_total", "") > 0.0, "PRIMEs came again");
        let round_trips = round_trips(node);
        assert!(round_trips.iter().all(|took| (0.1..1.0).contains(took)), "round trips are slow: {round_trips:?}");
    }
    let done = relay.done();
    println!("{done:?}");
    for (count, least) in [(&done.relayed, 200), (&done.doubled, 20), (&done.overtaken, 20)] {
        assert!(count.load(Ordering::Relaxed) > least, "the links were as bad as they should be: {done:?}");
    }
}

/// Two sockets with such a relay between them, what the second hears of a hundred datagrams of the first, and how long the
/// last took.
fn hundred(spoil: Spoil) -> (Relay, Vec<u8>, Duration) {
    let sockets = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
    let ports = sockets.each_ref().map(|socket| socket.local_addr().unwrap().port());
    let relay = Relay::start(&ports, spoil);
    let began = Instant::now();
    for number in 0..100 {
        sockets[0].send_to(&[number], relay.address_of(1)).unwrap();
    }
    let (mut heard, mut buffer, done) = (Vec::new(), [0; 10], relay.done());
    sockets[1].set_read_timeout(Some(10 * SECOND)).unwrap();
    while done.relayed.load(Ordering::Acquire) < 100 || heard.len() as u64 != 100 + done.doubled.load(Ordering::Relaxed)
    {
        let (_, from) = sockets[1].recv_from(&mut buffer).expect("everything arrives, and nothing else");
        assert_eq!(from.to_string(), relay.address_of(0), "it is seen where it can be reached");
        heard.push(buffer[0]);
    }
    let took = began.elapsed();
    sockets[1].set_read_timeout(Some(SECOND / 2)).unwrap();
    assert!(sockets[1].recv_from(&mut buffer).is_err(), "nothing comes more often");
    (relay, heard, took)
}

#[test]
fn a_relay_that_spoils_nothing_passes_on_everything_once_and_in_order() {
    let (relay, heard, _) = hundred(Spoil { delay: 0..1, doubled_percent: 0 });
    assert_eq!(heard, (0..100).collect::<Vec<u8>>());
    assert_eq!(relay.done().overtaken.load(Ordering::Relaxed), 0);
    assert_eq!(relay.done().doubled.load(Ordering::Relaxed), 0);
}

#[test]
fn a_relay_delays_reorders_and_doubles_as_it_is_told() {
    let (relay, heard, took) = hundred(Spoil { delay: 50..251, doubled_percent: 20 });
    let doubled = relay.done().doubled.load(Ordering::Relaxed);
    assert!((1..60).contains(&doubled), "{doubled} doubled");
    assert_eq!(heard.iter().collect::<BTreeSet<_>>().len(), 100, "nothing is lost");
    assert!(!heard.is_sorted() && relay.done().overtaken.load(Ordering::Relaxed) > 0);
    assert!(took >= Duration::from_millis(150), "the slowest came after {took:?}");
}
