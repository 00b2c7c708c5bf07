//! Sections 3 and 7: which PRIMEs are forwarded, to whom, with which TTL; budgets on receipt.

use super::desk::{Desk, NONCE, ping, prime};
use super::*;
use crate::protocol::counters::{ClaimResult, DropReason};
use crate::protocol::message::{Announcement, Exchange, Signature, Ttl};

const FINDER: &str = "10.0.7.7:5001";

fn recipients(desk: &Desk) -> Vec<SocketAddr> {
    let mut to: Vec<SocketAddr> = desk.primes_sent().iter().map(|sent| sent.0).collect();
    to.sort_unstable();
    to
}

#[test]
fn a_forwarded_copy_is_the_same_message_with_one_ttl_less_and_a_new_forwarder() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(2);
    desk.take_sent();
    let signature = Some(Signature { key: [3; 32], sig: [4; 64] });
    let body = Body::Prime(Announcement { ttl: Ttl(7), exponent: 31, signature });
    desk.hear(peers[0], &super::desk::message(99, peers[0], at(FINDER), body));
    let forwarded: Vec<_> = desk.sent.iter().filter(|sent| sent.is(MessageType::Prime)).collect();
    let [copy] = forwarded[..] else { panic!("one copy, to the other peer") };
    let home = at(super::desk::HOME);
    assert_eq!(copy.to, peers[1]);
    assert_eq!(copy.message.id, MessageId(99));
    assert_eq!(copy.message.forwarder.resolve(home), Ok(home));
    assert_eq!(copy.message.originator.resolve(home), Ok(at(FINDER)));
    assert_eq!(copy.message.body, Body::Prime(Announcement { ttl: Ttl(6), exponent: 31, signature }));
}

#[test]
fn neither_the_sender_nor_the_originator_gets_the_forward() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(4);
    desk.take_sent();
    desk.hear(peers[0], &prime(1, peers[0], peers[1], 2, 31));
    assert_eq!(recipients(&desk), [peers[2], peers[3]]);
}

#[test]
fn up_to_8_peers_all_get_a_forward_and_beyond_that_6() {
    for (peers, expected) in [(1, 1), (8, 8), (9, 6), (20, 6)] {
        let mut desk = Desk::with(Settings { active_max: 64, ..Settings::default() });
        desk.befriend_many(peers);
        desk.take_sent();
        let outsider = at("10.0.9.9:5001");
        desk.hear(outsider, &prime(1, outsider, at(FINDER), 2, 31));
        let mut to = recipients(&desk);
        to.dedup();
        assert_eq!(to.len(), expected, "of {peers} peers");
    }
}

#[test]
fn a_ttl_above_16_is_clamped_on_receipt() {
    for (received, sent) in [(1, 0), (16, 15), (17, 15), (255, 15)] {
        let mut desk = Desk::new();
        let peers = desk.befriend_many(2);
        desk.take_sent();
        desk.hear(peers[0], &prime(1, peers[0], at(FINDER), received, 31));
        assert_eq!(desk.primes_sent()[0].2, sent, "received with TTL {received}");
    }
}

#[test]
fn a_message_with_ttl_0_is_taken_in_and_not_forwarded() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    desk.take_sent();
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 0, 31));
    assert!(desk.primes_sent().is_empty());
    assert_eq!(desk.verifications(), [exponent(31)]);
}

#[test]
fn a_copy_already_seen_is_ignored() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(4);
    desk.take_sent();
    for &from in &peers {
        desk.hear(from, &prime(1, from, at(FINDER), 2, 31));
    }
    assert_eq!(desk.primes_sent().len(), 3);
    assert_eq!(desk.node.counters().duplicates.get(), 3);
}

#[test]
fn a_copy_with_a_higher_ttl_is_forwarded_again_with_the_better_ttl() {
    let mut desk = among_two_dozen();
    let peers = desk.node.peers.addresses();
    let mut hear = |ttl| {
        desk.take_sent();
        desk.hear(peers[0], &prime(1, peers[0], at(FINDER), ttl, 31));
        desk.primes_sent().iter().map(|sent| sent.2).collect::<Vec<u8>>()
    };
    assert!(hear(0).is_empty());
    assert_eq!(hear(1), [0, 0]);
    assert!(hear(1).is_empty() && hear(0).is_empty());
    assert_eq!(hear(2), [1, 1]);
    assert_eq!(hear(200), [15, 15]);
    assert!(hear(255).is_empty(), "16 and 200 and 255 are the same");
}

#[test]
fn a_copy_that_still_reached_everybody_is_not_forwarded_again_for_a_better_one() {
    for (first, again) in [(2, 2), (3, 0), (5, 0)] {
        let mut desk = among_two_dozen();
        let peers = desk.node.peers.addresses();
        desk.hear(peers[0], &prime(1, peers[0], at(FINDER), first, 31));
        desk.take_sent();
        desk.hear(peers[1], &prime(1, peers[1], at(FINDER), 6, 31));
        assert_eq!(desk.primes_sent().len(), again, "after TTL {first}, in a network whose announcements have TTL 6");
    }
}

/// A node with three peers that knows of twenty more.
fn among_two_dozen() -> Desk {
    let mut desk = Desk::with(Settings { leaves_per_side: 0, ..Settings::default() });
    desk.befriend_many(3);
    for number in 0..20 {
        let address = SocketAddr::new([10, 0, 8, number].into(), 5_001);
        desk.node.book.restore(desk.now + seconds(3_600), address, Standing::Tried, 0);
    }
    desk.take_sent();
    desk
}

#[test]
fn a_claim_proven_false_is_not_forwarded_again() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 0, 67));
    assert_eq!(desk.verifications(), [exponent(67)]);
    desk.verdict(67);
    desk.take_sent();
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 5, 67));
    desk.hear(peers[0], &prime(2, peers[0], at(FINDER), 5, 67));
    assert!(desk.primes_sent().is_empty(), "neither this claim nor another to the same number");
    assert_eq!(desk.node.counters().claims.of(ClaimResult::KnownComposite).get(), 1);
}

#[test]
fn ones_own_message_come_back_is_ignored() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    desk.found(31);
    let (_, id, _, _) = desk.primes_sent()[0];
    desk.take_sent();
    desk.hear(peers[0], &prime(id, peers[0], at(super::desk::HOME), 16, 31));
    assert!(desk.primes_sent().is_empty());
    // In this node's name, but not from it: nobody can claim in advance what it will say.
    assert!(!desk.node.ids.gave(MessageId(id + 1_000)));
    desk.hear(peers[0], &prime(id + 1_000, peers[0], at(super::desk::HOME), 16, 61));
    assert_eq!(desk.verifications(), [exponent(61)]);
}

#[test]
fn a_claim_is_forwarded_before_it_is_verified() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(2);
    desk.take_sent();
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 2, 31));
    assert_eq!(recipients(&desk), [peers[1]]);
    assert_eq!(desk.largest(), None);
}

#[test]
fn claims_that_are_no_news_are_forwarded_at_most_20_times_a_second() {
    let mut desk = Desk::knowing(&[31], at("10.0.7.8:5001"));
    let peers = desk.befriend_many(2);
    let worse = (0..).filter(|&id| !better(&desk, id)).take(200).collect::<Vec<u64>>();
    desk.wait(seconds(2));
    desk.take_sent();
    for &id in &worse {
        desk.hear(local(), &prime(id, local(), at(FINDER), 2, 31));
    }
    assert_eq!(desk.primes_sent().len(), 20 * peers.len());
    desk.wait(seconds(1));
    desk.take_sent();
    for id in worse {
        desk.hear(local(), &prime(id, local(), at(FINDER), 9, 31));
    }
    assert!(desk.primes_sent().len() <= 20 * peers.len(), "{} by a higher TTL", desk.primes_sent().len());
}

/// An address whose datagrams are not counted.
fn local() -> SocketAddr {
    at("127.0.0.1:9999")
}

/// Whether a claim of `FINDER` to M31 with this id would take the credit.
fn better(desk: &Desk, id: u64) -> bool {
    let credited = desk.node.primes.credit(exponent(31)).unwrap();
    Claim { exponent: exponent(31), originator: at(FINDER), id: MessageId(id), signature: None }.beats(&credited)
}

#[test]
fn the_credited_claim_itself_goes_on_with_a_higher_ttl_without_any_budget() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(2);
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 0, 31));
    desk.verdict(31);
    desk.take_sent();
    for id in (2..).filter(|&id| !better(&desk, id)).take(30).collect::<Vec<u64>>() {
        desk.hear(local(), &prime(id, local(), at(FINDER), 2, 31));
    }
    desk.take_sent();
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 4, 31));
    assert_eq!(desk.primes_sent(), [(peers[1], 1, 3, 31)]);
}

#[test]
fn an_announcement_has_ttl_2_up_to_13_nodes_and_beyond_that_2_log6_n_plus_2() {
    let sizes = [(1, 2), (13, 2), (14, 6), (36, 6), (37, 8), (10_000, 14), (1_000_000, 18)];
    for (size, ttl) in sizes {
        assert_eq!(crate::protocol::node::gossip::ttl_for(size).0, ttl, "{size} nodes");
    }
    for peers in [1, 8, 12] {
        let mut desk = Desk::new();
        desk.befriend_many(peers);
        desk.take_sent();
        desk.found(31);
        let sent = desk.primes_sent();
        assert_eq!(sent.len(), if peers <= 8 { peers } else { 6 }, "{peers} peers");
        assert!(sent.iter().all(|sent| sent.2 == 2), "{peers} peers: {sent:?}");
    }
}

#[test]
fn a_new_claim_makes_its_originator_a_candidate() {
    let mut desk = Desk::new();
    desk.hear(at("10.0.9.9:5001"), &prime(1, at("10.0.9.9:5001"), at(FINDER), 0, 31));
    desk.wait(millis(100));
    assert_eq!(desk.pings_to(at(FINDER)).len(), 1);
}

#[test]
fn each_address_has_a_budget_and_each_group_another() {
    let mut desk = Desk::new();
    let flood = |desk: &mut Desk, from, count| {
        (0..count).for_each(|id| desk.hear(from, &ping(id, from, None)));
        let answered = desk.sent.iter().filter(|sent| sent.is(MessageType::Pong)).count();
        desk.take_sent();
        answered
    };
    let from = |host| SocketAddr::new([198, 51, 0, host].into(), 5_001);
    assert_eq!(flood(&mut desk, from(1), 100), 40);
    assert_eq!(desk.node.counters().dropped.of(DropReason::AddressBudget).get(), 60);
    let rest: usize = (2..50).map(|host| flood(&mut desk, from(host), 40)).sum();
    assert_eq!(rest, 400 - 40);
    assert!(desk.node.counters().dropped.of(DropReason::GroupBudget).get() > 0);
    assert_eq!(flood(&mut desk, at("198.52.0.1:5001"), 40), 40, "another group");
    desk.wait(seconds(1));
    assert_eq!(flood(&mut desk, from(1), 100), 20);
}

#[test]
fn loopback_is_exempt_from_the_budgets_unless_it_is_not() {
    let from = at("127.0.0.1:6001");
    for (loopback, answered) in
        [(crate::protocol::LoopbackLimits::Exempt, 500), (crate::protocol::LoopbackLimits::Limited, 40)]
    {
        let mut desk = Desk::with(Settings { loopback, ..Settings::default() });
        (0..500).for_each(|id| desk.hear(from, &ping(id, from, None)));
        assert_eq!(desk.sent.iter().filter(|sent| sent.is(MessageType::Pong)).count(), answered);
    }
}

#[test]
fn a_forger_cannot_starve_a_proven_peer() {
    let (mut desk, peer) = (Desk::new(), at("198.51.100.1:5001"));
    desk.befriend(peer);
    for round in 0..300 {
        // A forger uses up the budget of the peer's address and of its group, all the time.
        for id in 0..60 {
            desk.hear(peer, &ping(id, peer, Some(Exchange { echo: Some(id), ..Exchange::default() })));
        }
        desk.wait(millis(100));
        if round % 10 == 0 {
            desk.take_sent();
            let echo = desk.cookie(peer);
            desk.hear(peer, &ping(7, peer, Some(Exchange { echo, nonce: Some(NONCE), ..Exchange::default() })));
            assert!(desk.sent.iter().any(|sent| sent.is(MessageType::Pong) && sent.message.id == MessageId(7)));
        }
    }
    assert!(desk.is_active(peer));
    assert!(desk.node.counters().dropped.of(DropReason::AddressBudget).get() > 1_000);
}

#[test]
fn an_address_that_cannot_be_a_nodes_is_refused() {
    let mut desk = Desk::new();
    let from = at("10.0.9.9:5001");
    desk.hear(from, &prime(1, at("127.0.0.1:5001"), at("127.0.0.1:5001"), 2, 31));
    desk.hear(at("10.0.9.9:0"), &ping(1, from, None));
    assert_eq!(desk.node.counters().dropped.of(DropReason::Address).get(), 2);
    assert!(desk.verifications().is_empty());
}

#[test]
fn a_loopback_address_never_leaves_its_host() {
    let mut desk = Desk::new();
    let (local, remote) = (at("127.0.0.1:6001"), at("198.51.100.1:5001"));
    desk.befriend(local);
    desk.befriend(remote);
    desk.take_sent();
    desk.hear(local, &prime(1, local, local, 2, 31));
    desk.wait(seconds(30));
    for sent in desk.sent.iter().filter(|sent| sent.to == remote) {
        assert!(sent.message.originator.resolve(at("10.0.0.1:5001")).is_ok());
        let samples = sent.exchange().map(|exchange| exchange.peers.clone()).unwrap_or_default();
        assert!(samples.iter().all(|named| named.resolve(at("10.0.0.1:5001")).is_ok()), "{samples:?}");
    }
    assert_eq!(recipients(&desk), [remote]);
}
