//! A node that is told to forget: what it forgets, what it must not forget, and how it learns again.

use super::desk::{Desk, Disk, prime};
use super::*;

const PEER: &str = "10.0.1.1:5001";
const SEED: &str = "10.0.1.9:5001";
const FINDER: &str = "10.0.7.7:5001";

fn last_search(desk: &Desk) -> Option<Order> {
    desk.orders.iter().rev().find(|order| matches!(order, Order::Search { .. })).copied()
}

#[test]
fn a_reset_forgets_primes_peers_addresses_and_what_was_heard_but_neither_ids_nor_seeds() {
    let mut desk = Desk::knowing(&[31, 61], at(FINDER));
    desk.befriend_many(3);
    desk.node.add_seed(desk.now, at(SEED));
    desk.node.add_candidate(desk.now, at(FINDER), DiscoveredVia::Sample, crate::protocol::candidate::Source::SELF);
    let peers = desk.node.peers.addresses();
    peers.iter().for_each(|&peer| desk.silence(peer));
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 0, 127));
    desk.hear(peers[1], &prime(2, peers[1], at(FINDER), 0, 521));
    let before = desk.node.state_view();
    assert!(before.known.count == 2 && before.seen == 2 && before.verification_queue == 2);
    let floor = desk.node.state().0.id_floor;
    desk.reset();
    let view = desk.node.state_view();
    assert_eq!((view.known.count, view.known.xor, view.largest_prime), (0, 0, None));
    assert_eq!((view.peers, view.seen, view.verification_queue, view.verifying), (0, 0, 0, None));
    assert_eq!(view.address_book, 1);
    assert!(desk.node.book.get(at(SEED)).is_some_and(|seed| seed.next_try.time() <= desk.now), "it is tried at once");
    assert!(view.originators.is_empty() && view.next_msg_id >= before.next_msg_id);
    let (saved, _) = desk.node.state();
    assert_eq!(saved, Saved { id_floor: floor, ..Saved::default() });
}

#[test]
fn a_peer_that_was_named_as_a_seed_stays_a_way_into_the_network() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.node.add_seed(desk.now, at(PEER));
    desk.reset();
    assert_eq!(desk.node.book.get(at(PEER)).map(|candidate| candidate.via), Some(DiscoveredVia::Seed));
    desk.wait(millis(100));
    assert!(desk.is_active(at(PEER)), "and is tried at once");
}

#[test]
fn a_reset_is_durable_only_with_a_revision_of_its_own() {
    let mut desk = Desk::new();
    desk.disk = Disk::Fails;
    let (_, before) = desk.node.state();
    let revision = desk.reset();
    assert!(revision > before);
    assert_eq!(desk.node.state().1, revision);
    assert!(desk.orders.contains(&Order::Save));
}

#[test]
fn the_search_is_stopped_and_begins_again_from_nothing() {
    let mut desk = Desk::knowing(&[31], at(FINDER));
    desk.wait(seconds(11));
    assert_eq!(last_search(&desk), Some(Order::Search { above: Some(exponent(31)) }));
    desk.orders.clear();
    desk.reset();
    assert!(desk.orders.contains(&Order::StopSearch) && desk.orders.contains(&Order::StopVerify));
    desk.wait(seconds(9));
    assert_eq!(last_search(&desk), None, "what the network knows comes first");
    desk.wait(seconds(2));
    assert_eq!(last_search(&desk), Some(Order::Search { above: None }));
}

#[test]
fn a_prime_found_above_one_that_is_forgotten_is_not_announced() {
    let mut desk = Desk::knowing(&[31], at(FINDER));
    desk.befriend(at(PEER));
    desk.wait(seconds(11));
    desk.reset();
    desk.wait(seconds(11));
    desk.take_sent();
    desk.found_above(Some(31), 61);
    assert_eq!((desk.largest(), desk.primes_sent()), (None, Vec::new()));
    assert!(desk.node.state_view().searching, "and the search that runs goes on");
    // The first of all primes is the first whoever looks for it.
    desk.found_above(None, 2);
    assert_eq!(desk.largest(), Some(exponent(2)));
}

#[test]
fn a_prime_that_was_not_durable_yet_is_forgotten_with_the_others() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.disk = Disk::Fails;
    desk.found(31);
    let (_, before) = desk.node.state();
    desk.reset();
    desk.befriend(at(PEER));
    desk.take_sent();
    desk.saved(before);
    desk.wait(seconds(8));
    assert_eq!(desk.primes_sent(), Vec::new());
}

#[test]
fn a_prime_that_was_not_durable_is_told_like_any_other_once_somebody_elses_claim_to_it_is_verified() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.disk = Disk::Fails;
    desk.found(31);
    assert!(desk.node.announced().is_empty());
    desk.reset();
    desk.befriend(at(PEER));
    desk.hear(at(PEER), &prime(1, at(PEER), at(FINDER), 0, 31));
    desk.verdict(31);
    assert_eq!(desk.node.announced().len(), 1);
}

#[test]
fn claims_and_false_claims_from_before_are_judged_anew() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    let claims = [prime(1, at(PEER), at(FINDER), 0, 127), prime(2, at(PEER), at(FINDER), 0, 137)];
    for (claim, number) in claims.iter().zip([127, 137]) {
        desk.hear(at(PEER), claim);
        desk.verdict(number);
    }
    desk.reset();
    desk.orders.clear();
    for (claim, number) in claims.iter().zip([127, 137]) {
        desk.hear(at(PEER), claim);
        assert_eq!(desk.verifications().last(), Some(&exponent(number)));
        desk.verdict(number);
    }
    assert_eq!(desk.largest(), Some(exponent(127)));
}

#[test]
fn a_late_verdict_believes_nothing_that_nobody_claims_any_more() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.hear(at(PEER), &prime(1, at(PEER), at(FINDER), 0, 127));
    desk.reset();
    desk.verdict(127);
    assert_eq!(desk.largest(), None);
}

#[test]
fn its_own_claims_from_before_come_back_and_are_credited_to_it_again() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.found(127);
    let claim = desk.node.primes.credit(exponent(127)).unwrap();
    let own = prime(claim.id.0, at(PEER), claim.originator, 0, 127);
    desk.hear(at(PEER), &own);
    assert_eq!(desk.verifications(), Vec::new(), "before, it knows its own voice");
    desk.reset();
    desk.hear(at(PEER), &own);
    desk.verdict(127);
    assert_eq!(desk.node.primes.credit(exponent(127)), Some(claim));
}

#[test]
fn a_node_that_sleeps_forgets_in_its_sleep_and_sleeps_on() {
    let mut desk = Desk::knowing(&[31], at(FINDER));
    desk.befriend(at(PEER));
    desk.sleep();
    desk.take_sent();
    desk.orders.clear();
    desk.reset();
    desk.wait(seconds(120));
    assert!(desk.node.is_asleep() && desk.sent.is_empty() && desk.searches() == 0);
    let (saved, _) = desk.node.state();
    assert!(saved.asleep && saved.primes.is_empty() && saved.addresses.is_empty());
}
