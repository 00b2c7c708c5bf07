//! Floods of plausible false claims: of composite numbers without a small factor, each of which costs a test. Alone in its
//! program, because it compares speeds.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use mersenned::mersenne::Exponent;
use mersenned::mersenne::factor::quick_factor;
use mersenned::protocol::address::NodeRef;
use mersenned::protocol::codec;
use mersenned::protocol::message::{Announcement, Body, Message, MessageId, Ttl};

use support::{Node, free_ports, skip, wait_for_mesh, wait_until};

mod support;

const SECOND: Duration = Duration::from_secs(1);

/// How long a flood lasts, or a quiet time before it.
const PHASE: Duration = Duration::from_secs(3);
/// A hundredth of a second's claims: a thousand a second.
const BATCH: usize = 10;
const BATCHES_A_SECOND: u32 = 100;
/// From so many sockets.
const SOURCES: usize = 50;

/// Exponents whose numbers are composite and have no factor that is found at once, all above the search's place.
fn plausible() -> impl Iterator<Item = u64> {
    let known = [86_243, 110_503, 132_049, 216_091];
    (60_000..).filter(move |&number| {
        !known.contains(&number) && Exponent::new(number).is_ok_and(|exponent| quick_factor(exponent).is_none())
    })
}

fn claim(socket: &UdpSocket, to: u16, exponent: u64) {
    let own = NodeRef::Port(socket.local_addr().unwrap().port().try_into().unwrap());
    let body = Body::Prime(Announcement { ttl: Ttl(9), exponent, signature: None });
    let mut datagram = Vec::new();
    codec::encode(&Message { id: MessageId(exponent), forwarder: own, originator: own, body }, &mut datagram);
    socket.send_to(&datagram, ("127.0.0.1", to)).unwrap();
}

/// Squarings a second of a node's own search while `during` runs.
fn speed(node: &Node, during: impl FnOnce()) -> f64 {
    let squarings = || node.metric("mersenned_search_iterations_total", "");
    let (before, begun) = (squarings(), Instant::now());
    during();
    (squarings() - before) / begun.elapsed().as_secs_f64()
}

fn median(mut numbers: [f64; 3]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[1]
}

/// A search at 44,497 and above, flooded three times for 3 s, with quiet times between to compare with.
#[test]
fn under_1000_plausible_false_claims_a_second_the_search_keeps_its_speed_and_a_true_claim_is_verified_within_5_s() {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return skip("one core is shared by the search and the verification");
    }
    let state = tempfile::tempdir().unwrap();
    let ports = free_ports(2);
    let own = state.path().join(ports.to_string());
    std::fs::create_dir(&own).unwrap();
    let saved = r#"{"version":1,"id_floor":7,"addresses":[],"primes":[{"exponent":44497,"originator":"127.0.0.1:5001","msg_id":1}]}"#;
    std::fs::write(own.join("state.json"), saved).unwrap();
    let peer = format!("127.0.0.1:{ports}");
    let nodes = [
        Node::start(ports, state.path(), &["--threads", "1"]),
        Node::start(ports + 1, state.path(), &["--search", "off", "--peer", &peer]),
    ];
    let [searcher, honest] = &nodes;
    wait_for_mesh(&nodes, 15 * SECOND);
    let known = |node: &Node| node.state()["known"]["count"].as_u64().unwrap_or(0);
    wait_until(60 * SECOND, "both know a prime, and one searches", || {
        known(honest) == 1 && searcher.metric("mersenned_search_iterations_total", "") > 0.0
    });

    let sockets: Vec<UdpSocket> = (0..SOURCES).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let finder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut exponents = plausible();
    let mut sent = 0;
    let mut speeds = [[0.0; 3]; 2];
    for (round, exponent) in [4_423, 3_217, 2_281].into_iter().enumerate() {
        let claims: Vec<u64> = exponents.by_ref().take(BATCH * (3 * BATCHES_A_SECOND) as usize).collect();
        speeds[0][round] = speed(searcher, || thread::sleep(PHASE));
        let before = known(searcher);
        let mut verified_after = None;
        speeds[1][round] = speed(searcher, || {
            let begun = Instant::now();
            // It reaches the searcher from a peer, who heard it from its finder.
            claim(&finder, honest.port, exponent);
            for (number, batch) in (1..).zip(claims.chunks(BATCH)) {
                for &exponent in batch {
                    claim(&sockets[sent % SOURCES], searcher.port, exponent);
                    sent += 1;
                }
                if verified_after.is_none() && number % 10 == 0 && known(searcher) > before {
                    verified_after = Some(begun.elapsed());
                }
                thread::sleep((begun + number * SECOND / BATCHES_A_SECOND).saturating_duration_since(Instant::now()));
            }
        });
        if verified_after.is_none() {
            wait_until(5 * SECOND - PHASE, "the true claim is verified", || known(searcher) > before);
        }
    }
    let decided = |result: &str| searcher.metric("mersenned_claims_total", &format!("result=\"{result}\""));
    let results = ["budget", "factored", "queue", "refuted", "untestable"].map(decided);
    let waiting = searcher.metric("mersenned_verification_queue", "");
    assert!(results.iter().sum::<f64>() + waiting >= 0.8 * sent as f64, "of {sent}: {results:?}, {waiting} wait");
    assert!(results[2] + results[3] + waiting > 0.0, "some were worth a test: {results:?}");
    assert_eq!(searcher.largest(), 44_497);
    let [quiet, flooded] = speeds.map(median);
    assert!(flooded >= 0.7 * quiet, "{flooded} squarings a second instead of {quiet}: {speeds:?}");
}
