//! What must not happen: the threats that can be shown on the state machine, with their numbers.

use super::desk::{Desk, NONCE, encoded, ping, pong, prime};
use super::*;
use crate::protocol::hash::HashKey;
use crate::protocol::message::Exchange;
use crate::protocol::random::Random;

const PEER: &str = "198.51.100.1:5001";

/// Addresses in many groups.
fn stranger(number: usize) -> SocketAddr {
    SocketAddr::new([20 + (number % 200) as u8, (number / 200) as u8, 7, 7].into(), 5_001)
}

#[test]
fn of_10000_forged_datagrams_from_1000_addresses_nobody_becomes_active() {
    let (mut desk, random) = (Desk::new(), Random::from_seed(*b"ten thousand lie"));
    for number in 0..10_000 {
        let from = stranger(number % 1_000);
        let word = random.next();
        let exchange =
            Some(Exchange { nonce: Some(word), echo: Some(word), accept: Some(true), ..Exchange::default() });
        let forged = match random.below(5) {
            0 => ping(word, from, None),
            1 => ping(word, from, exchange),
            2 => pong(word, from, None),
            3 => pong(word, from, exchange),
            _ => prime(word, from, stranger(random.below(1_000)), 255, COMPOSITES[random.below(COMPOSITES.len())]),
        };
        desk.hear(from, &forged);
        desk.wait(millis(2));
    }
    desk.wait(seconds(5));
    let discovered: u64 = desk.node.counters().discovered.iter().map(|(_, count)| count).sum();
    assert_eq!((discovered, desk.node.peers.len()), (0, 0));
    let answered = desk.node.counters().sent.of(MessageType::Pong).get();
    assert!(answered > 1_000, "it was really asked: {answered}");
}

#[test]
fn a_killed_peer_whose_packets_are_forged_on_is_gone_in_11_s() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.wait(seconds(30));
    desk.silence(at(PEER));
    for id in 0..110 {
        let junk = Some(Exchange { nonce: Some(NONCE), echo: Some(id), instance: Some(7), ..Exchange::default() });
        for forged in [ping(id, at(PEER), junk.clone()), pong(id, at(PEER), junk), prime(id, at(PEER), at(PEER), 9, 31)]
        {
            desk.hear(at(PEER), &forged);
        }
        desk.wait(millis(100));
    }
    assert!(!desk.is_active(at(PEER)));
}

#[test]
fn of_10000_forged_originators_at_most_30_a_second_are_probed() {
    let (mut desk, relay) = (Desk::new(), at("127.0.0.1:7001"));
    desk.befriend(relay);
    desk.wait(seconds(1));
    desk.take_sent();
    let begun = desk.now;
    for number in 0..10_000 {
        desk.hear(relay, &prime(number as u64, relay, stranger(number), 3, COMPOSITES[number % COMPOSITES.len()]));
        desk.wait(millis(2));
    }
    let probes: Vec<_> =
        desk.sent.iter().filter(|sent| sent.is(MessageType::Ping) && !sent.to.ip().is_loopback()).collect();
    let elapsed = desk.now.since(begun).as_secs() as usize;
    assert!((60..=30 * elapsed + 30).contains(&probes.len()), "{} in {elapsed} s", probes.len());
    assert!(probes.iter().all(|probe| probe.bytes <= 400));
}

/// Threat 4. Each table is bounded by a count, so the bytes follow: the bound is checked, and that it was reached.
#[test]
fn a_million_distinct_ids_fill_the_memory_of_heard_messages_to_its_bound_and_no_further() {
    let memory = crate::protocol::seen::Seen::new(65_536, seconds(60), HashKey(1, 2), HashKey(3, 4));
    let mut most = 0;
    for id in 0..1_000_000 {
        let now = Time::from_micros(id * 3);
        memory.record(now, memory.key(at(PEER), MessageId(id), 31, None), crate::protocol::message::Ttl(3));
        most = most.max(if id % 1_000 == 0 { memory.len() } else { 0 });
    }
    assert!((65_536..=2 * 65_536).contains(&most), "{most}");
    // A hash table is at most 7/8 full and doubles: 16 bytes and a control byte each, at most 2^18 places in all.
    let bytes = 17 * most.next_power_of_two() * 2;
    assert!(bytes <= 8 << 20, "{bytes} bytes");
}

#[test]
fn every_table_of_a_node_stays_within_its_bound_under_a_flood() {
    let settings = Settings {
        seen_max: 1_000,
        claim_rate: crate::protocol::Rate::new(1_000_000, 1_000_000),
        ..Settings::default()
    };
    let mut desk = Desk::with(settings);
    let numbers: Vec<u64> = (100_000..).filter(|&number| Exponent::new(number).is_ok()).take(500).collect();
    for id in 0..20_000 {
        let from = SocketAddr::new([127, 0, 1, (id % 250) as u8].into(), 5_001);
        desk.hear(from, &prime(id as u64, from, stranger(id % 30_000), 3, numbers[id % numbers.len()]));
        desk.hear(stranger(id), &ping(id as u64, stranger(id), None));
        desk.now = desk.now + millis(1);
        if id % 100 == 0 {
            desk.tick();
            desk.take_sent();
        }
        let view = desk.node.state_view();
        assert!(view.seen <= 2_000 && view.address_book <= 256 && view.verification_queue <= 64);
    }
    let view = desk.node.state_view();
    assert!(view.seen > 1_000 && view.address_book > 200 && view.verification_queue == 64, "the bounds were reached");
    assert!(desk.node.budgets.strangers.len() <= 4_096 && desk.node.budgets.groups.len() <= 4_096);
}

#[test]
fn ids_used_up_in_advance_do_not_keep_the_real_prime_from_anybody() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(2);
    // The attacker does not know which exponent will be claimed under which id.
    for id in 0..1_000 {
        desk.hear(at("127.0.0.1:9999"), &prime(id, at("127.0.0.1:9999"), peers[0], 0, COMPOSITES[0]));
        desk.wait(millis(10));
        desk.verdict(COMPOSITES[0]);
    }
    desk.take_sent();
    desk.hear(peers[0], &prime(500, peers[0], peers[0], 2, 31));
    desk.verdict(31);
    assert_eq!(desk.largest(), Some(exponent(31)));
    assert_eq!(desk.primes_sent(), [(peers[1], 500, 1, 31)]);
}

#[test]
fn a_claim_of_a_huge_or_impossible_number_moves_nothing() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.wait(seconds(11));
    let searches = desk.searches();
    for (id, number) in
        [(1 << 61) - 1, u64::MAX, 0, 1, 4, 999_999_999, 1 << 32, 999_999_937, HUGE].into_iter().enumerate()
    {
        desk.hear(at(PEER), &prime(id as u64, at(PEER), at(PEER), 9, number));
    }
    desk.wait(seconds(11));
    assert_eq!((desk.largest(), desk.searches()), (None, searches));
    assert!(desk.verifications().is_empty());
}

#[test]
fn a_wall_clock_of_1969_or_of_the_far_future_harms_nothing() {
    for wall_clock_micros in [0, 1, u64::MAX / 2, 4_000_000_000_000_000] {
        let birth = Birth { wall_clock_micros, ..super::desk::birth(Saved::default()) };
        let mut desk = Desk::born(Settings::default(), birth);
        desk.befriend(at(PEER));
        desk.wait(seconds(600));
        assert!(desk.is_active(at(PEER)));
    }
}

#[test]
fn any_bytes_at_all_do_no_more_than_count() {
    let (mut desk, random) = (Desk::new(), Random::from_seed(*b"any bytes at all"));
    let good = encoded(&ping(1, at(PEER), Some(Exchange { nonce: Some(1), pad: 100, ..Exchange::default() })));
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        let place = random.below(bytes.len());
        bytes[place] = random.next() as u8;
        bytes.truncate(random.below(2 * bytes.len()).max(1));
        desk.hear_bytes(at("127.0.0.1:4444"), &bytes);
    }
    let refused: u64 = desk.node.counters().refused.iter().map(|(_, count)| count).sum();
    assert!(refused > 5_000, "{refused}");
    assert!(desk.node.peers.len() == 0);
}
