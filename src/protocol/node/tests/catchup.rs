//! Section 6: catching up.

use super::desk::{Desk, ping, prime};
use super::*;
use crate::protocol::event::PeerKind;
use crate::protocol::message::{Exchange, KnownDigest};

const PEER: &str = "10.0.1.1:5001";
const FINDER: &str = "10.0.7.7:5001";

/// A node that knows twenty primes, and a peer that says it knows none.
fn ahead() -> Desk {
    let mut desk = Desk::knowing(&PRIMES, at(FINDER));
    desk.befriend(at(PEER));
    desk.take_sent();
    desk.friends.get_mut(&at(PEER)).unwrap().known = Some(KnownDigest::default());
    desk
}

/// The catch-ups sent, in batches by time.
fn batches(desk: &Desk) -> Vec<(Time, Vec<u64>)> {
    let mut batches: Vec<(Time, Vec<u64>)> = Vec::new();
    for sent in &desk.sent {
        let Body::Prime(prime) = &sent.message.body else { continue };
        assert_eq!((sent.to, prime.ttl.0), (at(PEER), 0));
        assert_eq!(sent.message.originator.resolve(at(super::desk::HOME)), Ok(at(FINDER)));
        let place = PRIMES.iter().position(|&known| known == prime.exponent).unwrap();
        assert_eq!(sent.message.id, MessageId(place as u64 + 1), "the stored original");
        match batches.last_mut() {
            Some((at, batch)) if *at == sent.at => batch.push(prime.exponent),
            Some(_) | None => batches.push((sent.at, vec![prime.exponent])),
        }
    }
    batches
}

#[test]
fn catch_up_sends_at_most_8_stored_originals_with_ttl_0_per_ping_interval_largest_first() {
    let mut desk = ahead();
    desk.wait(seconds(40));
    let batches = batches(&desk);
    let all: Vec<u64> = batches.iter().flat_map(|(_, batch)| batch.clone()).collect();
    let largest_first: Vec<u64> = PRIMES.into_iter().rev().collect();
    assert_eq!(all[..20], largest_first, "largest first, then on through the set");
    assert!(batches.iter().all(|(_, batch)| batch.len() <= 8));
    assert!(batches.windows(2).all(|pair| pair[1].0.since(pair[0].0) >= seconds(4)), "{batches:?}");
    assert_eq!(desk.node.counters().catchup_sent.get(), all.len() as u64);
}

#[test]
fn catch_up_of_one_prime_is_repeated_after_5_10_20_and_at_most_600_s() {
    let mut desk = Desk::knowing(&[31], at("10.0.7.7:5001"));
    desk.befriend(at(PEER));
    desk.take_sent();
    desk.friends.get_mut(&at(PEER)).unwrap().known = Some(KnownDigest::default());
    desk.wait(seconds(3_600));
    let sent: Vec<Time> = desk.sent.iter().filter(|sent| sent.is(MessageType::Prime)).map(|sent| sent.at).collect();
    let pauses: Vec<u64> = sent.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    // Each waits for the next PONG after its pause, so up to 6 s longer.
    for (pause, expected) in pauses.iter().zip([5, 10, 20, 40, 80, 160, 320, 600, 600, 600]) {
        assert!((expected..=expected + 6).contains(pause), "{pauses:?}");
    }
    assert!(pauses.len() >= 9, "{pauses:?}");
}

#[test]
fn catch_up_costs_nothing_while_in_sync_or_while_the_peer_says_nothing() {
    let mut desk = Desk::knowing(&PRIMES, at(FINDER));
    desk.befriend(at(PEER));
    desk.take_sent();
    desk.wait(seconds(60));
    assert!(desk.primes_sent().is_empty());
    desk.friends.get_mut(&at(PEER)).unwrap().known = None;
    desk.wait(seconds(60));
    assert!(desk.primes_sent().is_empty());
}

#[test]
fn catch_up_is_for_proven_peers_only() {
    let mut desk = Desk::knowing(&PRIMES, at(FINDER));
    desk.befriend_plain(at(PEER));
    assert_eq!(desk.node.peers.kind(at(PEER)), Some(PeerKind::Plain));
    desk.take_sent();
    let claims = Exchange { known: Some(KnownDigest::default()), ..Exchange::default() };
    desk.hear(at(PEER), &ping(4, at(PEER), Some(claims)));
    desk.wait(seconds(30));
    assert!(desk.primes_sent().is_empty());
}

#[test]
fn catch_up_answers_a_ping_as_well_as_a_pong() {
    let mut desk = ahead();
    let question = Exchange { echo: desk.cookie(at(PEER)), known: Some(KnownDigest::default()), ..Exchange::default() };
    desk.hear(at(PEER), &ping(4, at(PEER), Some(question)));
    assert_eq!(desk.primes_sent().len(), 8);
}

#[test]
fn catch_up_sends_one_batch_per_ping_interval_however_often_the_peer_asks() {
    let mut desk = ahead();
    for id in 0..20 {
        let known = Some(KnownDigest::default());
        let question = Exchange { echo: desk.cookie(at(PEER)), known, ..Exchange::default() };
        desk.hear(at(PEER), &ping(id, at(PEER), Some(question)));
        desk.wait(millis(200));
    }
    assert_eq!(desk.primes_sent().len(), 8);
}

#[test]
fn a_restarted_peer_is_caught_up_with_anew() {
    let mut desk = ahead();
    desk.wait(seconds(60));
    desk.take_sent();
    desk.friends.get_mut(&at(PEER)).unwrap().instance = 8;
    desk.wait(seconds(6));
    assert!(desk.primes_sent().len() >= 8);
}

#[test]
fn what_is_not_verified_is_not_offered() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.hear(at("10.0.9.9:5001"), &prime(1, at("10.0.9.9:5001"), at(FINDER), 0, 127));
    desk.take_sent();
    desk.friends.get_mut(&at(PEER)).unwrap().known = Some(KnownDigest { count: 1, largest: 3, xor: 9 });
    desk.wait(seconds(30));
    assert!(desk.primes_sent().is_empty());
    desk.verdict(127);
    desk.wait(seconds(7));
    assert_eq!(desk.primes_sent().first().map(|sent| sent.3), Some(127));
}
