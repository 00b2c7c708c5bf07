//! Real nodes: they find each other, agree, and survive kills, stops, restarts and lies.

mod support;

use std::net::UdpSocket;
use std::time::Duration;

use mersenned::protocol::address::NodeRef;
use mersenned::protocol::codec;
use mersenned::protocol::message::{Announcement, Body, Message, MessageId, Ttl};
use support::{Node, chain, holds_for, is_alive, wait_for_mesh, wait_until};

const SECOND: Duration = Duration::from_secs(1);

fn node_ref(port: u16) -> NodeRef {
    NodeRef::Port(port.try_into().unwrap())
}

/// A PRIME as anybody may write it.
fn prime(forwarder: u16, originator: u16, id: u64, ttl: u8, exponent: u64) -> Vec<u8> {
    let body = Body::Prime(Announcement { ttl: Ttl(ttl), exponent, signature: None });
    let message = Message { id: MessageId(id), forwarder: node_ref(forwarder), originator: node_ref(originator), body };
    let mut bytes = Vec::new();
    codec::encode(&message, &mut bytes);
    bytes
}

fn agree(nodes: &[Node]) -> bool {
    let first = nodes[0].holds();
    first.0 > 0 && nodes.iter().all(|node| node.holds() == first)
}

#[test]
fn a_chain_of_four_becomes_a_full_mesh_and_agrees_on_the_largest_prime_and_its_finder() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(4, state.path(), &["--interval", "1s"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    wait_until(30 * SECOND, "all hold a prime from 127 up", || nodes.iter().all(|node| node.largest() >= 127));
    wait_until(10 * SECOND, "all agree", || agree(&nodes));
    for node in &nodes {
        let known = node.state()["known"]["count"].as_u64().unwrap();
        assert!(known >= 7, "node {} has skipped primes: {known}", node.port);
        assert!(node.metric("mersenned_peer_evictions_total", "") == 0.0, "nobody was dropped");
    }
}

#[test]
fn a_killed_node_is_gone_in_11_s_and_back_within_10_s_of_its_restart() {
    let state = tempfile::tempdir().unwrap();
    let mut nodes = chain(4, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    nodes[2].kill();
    let gone = nodes[2].port;
    let others = [0, 1, 3];
    wait_until(Duration::from_millis(11_500), "the dead node is gone", || {
        others.iter().all(|&at| !nodes[at].has_peer(gone))
    });
    nodes[2].restart();
    wait_until(10 * SECOND, "it is back at all", || others.iter().all(|&at| nodes[at].has_peer(gone)));
    wait_for_mesh(&nodes, 10 * SECOND);
}

#[test]
fn a_node_stopped_for_15_s_or_60_s_comes_back_to_all() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(4, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    for stopped in [15, 60] {
        nodes[1].signal("STOP");
        wait_until(12 * SECOND, "the stopped node is gone", || {
            [0, 2, 3].iter().all(|&at| !nodes[at].has_peer(nodes[1].port))
        });
        std::thread::sleep((stopped - 11) * SECOND);
        nodes[1].signal("CONT");
        wait_for_mesh(&nodes, 10 * SECOND);
        let own_evictions = nodes[1].metric("mersenned_peer_evictions_total", "timeout");
        assert_eq!(own_evictions, 0.0, "the stopped node drops nobody for its own absence");
    }
}

#[test]
fn a_late_joiner_holds_the_largest_prime_within_6_s_of_its_first_pong() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(3, state.path(), &["--interval", "100ms"]);
    wait_until(60 * SECOND, "primes are known", || nodes.iter().all(|node| node.largest() >= 1_279));
    let port = support::free_ports(1);
    let peer = format!("127.0.0.1:{}", nodes[0].port);
    let joiner = Node::start(port, state.path(), &["--peer", &peer, "--search", "off"]);
    wait_until(10 * SECOND, "it has a peer", || joiner.peer_count() > 0);
    let goal = nodes[0].largest();
    wait_until(6 * SECOND, "it holds the largest prime", || joiner.largest() >= goal);
    let known = nodes[0].state()["known"]["count"].as_u64().unwrap();
    wait_until(30 * SECOND, "it holds all of them", || joiner.state()["known"]["count"].as_u64().unwrap() >= known);
}

#[test]
fn forged_and_false_datagrams_change_nothing() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(3, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    let before: Vec<_> = nodes.iter().map(Node::peers).collect();
    let attacker = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = attacker.local_addr().unwrap().port();
    // A composite exponent, numbers no exponent can be, a prime exponent whose number is composite (with and without a
    // small factor), and all of them in other people's names.
    let false_claims = [1_000_000, 0, 1, (1 << 61) - 1, u64::MAX, 1_009, 2_969, 1_000_003];
    for (id, exponent) in (1..).zip(false_claims) {
        for originator in [own, nodes[1].port, 9] {
            attacker.send_to(&prime(own, originator, id, 255, exponent), ("127.0.0.1", nodes[0].port)).unwrap();
        }
    }
    let garbage: [&[u8]; 5] = [b"", b"\xc1", b"\x86\xa8msg_type\xa4PING", &[0x91; 1_200], &[0x81; 9_000]];
    for bytes in garbage {
        attacker.send_to(bytes, ("127.0.0.1", nodes[0].port)).unwrap();
    }
    wait_until(20 * SECOND, "the false claims were judged", || {
        nodes[0].metric("mersenned_claims_total", "refuted") >= 1.0
            && nodes[0].metric("mersenned_claims_total", "out_of_range") >= 1.0
            && nodes[0].metric("mersenned_claims_total", "composite_exponent") >= 1.0
    });
    holds_for(3 * SECOND, "nothing has changed", || {
        nodes.iter().zip(&before).all(|(node, before)| node.largest() == 0 && node.peers() == *before)
    });
    assert!(nodes[0].metric("mersenned_datagrams_dropped_total", "") >= 4.0);
}

#[test]
fn a_leaving_node_says_goodbye_and_ends_within_a_second() {
    let state = tempfile::tempdir().unwrap();
    let mut nodes = chain(3, state.path(), &[]);
    wait_for_mesh(&nodes, 15 * SECOND);
    let gone = nodes[0].port;
    nodes[0].signal("TERM");
    let (succeeded, took) = nodes[0].wait(5 * SECOND);
    assert!(succeeded, "exit code 0");
    assert!(took < SECOND, "it took {took:?}");
    wait_until(2 * SECOND, "the others know at once", || nodes[1..].iter().all(|node| !node.has_peer(gone)));
    assert!(nodes[1].metric("mersenned_peer_evictions_total", "leave") >= 1.0);
}

#[test]
fn a_log_that_nobody_reads_keeps_no_node_from_answering_or_leaving() {
    let state = tempfile::tempdir().unwrap();
    let port = support::free_ports(1);
    let mut command = std::process::Command::new(support::program());
    command.args(["run", "--log-level", "debug", "--port", &port.to_string(), "--state-dir"]).arg(state.path());
    // The pipe is held and never read.
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let unread = child.stderr.take();
    let attacker = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = attacker.local_addr().unwrap().port();
    wait_until(10 * SECOND, "the node answers", || support::http(port, "GET /-/ready HTTP/1.1\r\n\r\n").is_some());
    for round in 0..8 {
        for id in 0..200 {
            attacker.send_to(&prime(own, own, id, 0, 4), ("127.0.0.1", port)).unwrap();
        }
        // More lines are allowed only as time passes.
        wait_until(10 * SECOND, "time passes", {
            let began = std::time::Instant::now();
            move || began.elapsed() > SECOND
        });
        let request = format!("GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        assert_eq!(support::http(port, &request).map(|(status, _)| status), Some(200), "round {round}");
    }
    support::signal(child.id(), "TERM");
    wait_until(3 * SECOND, "the node has left", || !is_alive(child.id()));
    assert!(child.wait().unwrap().success());
    drop(unread);
}

#[test]
fn what_a_node_knows_survives_kill_9_and_its_next_prime_is_no_duplicate() {
    let state = tempfile::tempdir().unwrap();
    let mut nodes = chain(2, state.path(), &["--interval", "200ms"]);
    wait_until(30 * SECOND, "primes are known", || nodes.iter().all(|node| node.largest() >= 127));
    let before = nodes[0].largest();
    nodes[0].restart();
    assert!(nodes[0].largest() >= before, "the largest prime never decreases");
    wait_until(30 * SECOND, "the restarted node's primes are heard", || {
        let originators = nodes[1].state()["originators"].clone();
        let own = format!("127.0.0.1:{}", nodes[0].port);
        let latest = originators.as_array().unwrap().iter().find(|latest| latest["originator"] == own).cloned();
        latest.is_some_and(|latest| latest["exponent"].as_u64() > Some(before)) || nodes[0].largest() > 2_000
    });
    wait_until(10 * SECOND, "both agree", || agree(&nodes));
}

#[test]
fn no_id_is_used_twice_through_50_kills() {
    let state = tempfile::tempdir().unwrap();
    let port = support::free_ports(1);
    let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
    listener.set_read_timeout(Some(5 * SECOND)).unwrap();
    let peer = listener.local_addr().unwrap().to_string();
    let mut node = Node::start(port, state.path(), &["--peer", &peer, "--search", "off"]);
    let mut highest = 0;
    let mut buffer = [0; 1_500];
    for life in 0..50 {
        let (length, _) = listener.recv_from(&mut buffer).expect("the node PINGs its seed");
        let id = codec::decode(&buffer[..length]).unwrap().id.0;
        assert!(id > highest, "life {life} has used {id} again, after {highest}");
        highest = id;
        node.kill();
        // What was on its way is read before the next life begins, so that every id is told to its own life.
        listener.set_nonblocking(true).unwrap();
        while let Ok((length, _)) = listener.recv_from(&mut buffer) {
            highest = highest.max(codec::decode(&buffer[..length]).unwrap().id.0);
        }
        listener.set_nonblocking(false).unwrap();
        node.spawn();
    }
}

#[test]
fn a_prime_handed_in_over_http_goes_the_way_of_a_datagram() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(2, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    let claim = |exponent: u64| {
        format!(
            r#"{{"msg_type":"PRIME","msg_id":{exponent},"msg_forwarder":9999,"msg_originator":9999,"ttl":2,"data":{exponent}}}"#
        )
    };
    let (status, answer) = nodes[0].post("/gossip/", &claim(521));
    assert_eq!(status, 202, "{answer}");
    for node in &nodes {
        wait_until(10 * SECOND, "the claim is verified and credited", || {
            node.holds() == (521, "127.0.0.1:9999".to_owned())
        });
    }
    let (status, answer) = nodes[0].post("/gossip/", &claim(520));
    assert_eq!(status, 400, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("prime"), "{answer}");
    assert!(!nodes[0].has_peer(9_999), "whoever hands in a message is nobody's peer");
}

#[test]
fn two_nodes_cannot_share_a_state_directory() {
    let state = tempfile::tempdir().unwrap();
    let port = support::free_ports(2);
    let first = Node::start(port, state.path(), &[]);
    let output = std::process::Command::new(support::program())
        .args(["run", "--port", &(port + 1).to_string(), "--state-dir"])
        .arg(&first.state)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("another mersenned keeps its state"), "{error}");
    assert!(is_alive(first.pid()));
}
