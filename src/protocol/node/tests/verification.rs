//! Section 7: what a claim must pass before it is believed, what waits, what a search finds.

use super::desk::{Desk, Disk, prime};
use super::*;
use crate::protocol::counters::ClaimResult;

const PEER: &str = "10.0.1.1:5001";
const FINDER: &str = "10.0.7.7:5001";

/// All that a message that fails must leave as it was.
fn footprint(desk: &Desk) -> StateView {
    StateView { next_msg_id: MessageId(0), ..desk.node.state_view() }
}

fn result(desk: &Desk, result: ClaimResult) -> u64 {
    desk.node.counters().claims.of(result).get()
}

#[test]
fn a_composite_exponent_changes_nothing() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    let before = footprint(&desk);
    desk.take_sent();
    for (id, number) in [4, 9, 15, 341, 561, 2_047, 3_215_031_751 % 1_000_000_000, 999_999_999].into_iter().enumerate()
    {
        desk.hear(peers[0], &prime(id as u64, peers[0], at(FINDER), 9, number));
        assert_eq!(footprint(&desk), before, "{number}");
    }
    assert!(desk.sent.is_empty() && desk.verifications().is_empty());
    assert_eq!(result(&desk, ClaimResult::CompositeExponent), 8);
}

#[test]
fn an_exponent_out_of_range_changes_nothing() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    let before = footprint(&desk);
    desk.take_sent();
    for (id, number) in [0, 1, 1_000_000_007, (1 << 61) - 1, u64::MAX, u64::MAX - 58].into_iter().enumerate() {
        desk.hear(peers[0], &prime(id as u64, peers[0], at(FINDER), 9, number));
        assert_eq!(footprint(&desk), before, "{number}");
    }
    assert!(desk.sent.is_empty());
    assert_eq!(result(&desk, ClaimResult::OutOfRange), 6);
}

#[test]
fn a_number_with_a_small_factor_is_refused_without_a_test() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    let before = footprint(&desk);
    desk.take_sent();
    for number in [11, 23, 29, 83, 131] {
        desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 9, number));
    }
    assert_eq!(footprint(&desk), before);
    assert!(desk.sent.is_empty() && desk.verifications().is_empty());
    assert_eq!(result(&desk, ClaimResult::Factored), 5);
}

#[test]
fn whoever_sends_the_number_instead_of_its_exponent_is_told_in_the_log() {
    let mut desk = Desk::new();
    desk.hear(at(PEER), &prime(1, at(PEER), at(PEER), 2, 8_191 * 8 + 7));
    let told = desk.events.iter().filter(|event| matches!(event, Event::ClaimEnded { is_mersenne_number: true, .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn only_what_this_node_has_verified_enters_its_state() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.wait(seconds(11));
    let (searches, digest) = (desk.searches(), desk.node.primes.digest());
    desk.hear(at(PEER), &prime(1, at(PEER), at(FINDER), 2, 127));
    desk.wait(seconds(2));
    assert_eq!((desk.largest(), desk.node.primes.digest()), (None, digest));
    assert!(desk.node.state().0.primes.is_empty());
    assert_eq!(desk.searches(), searches, "nor is the search moved");
    desk.verdict(127);
    assert_eq!(desk.largest(), Some(exponent(127)));
    assert_eq!(desk.searches(), searches + 1);
    assert_eq!(desk.orders.last(), Some(&Order::Search { above: Some(exponent(127)) }));
    assert_eq!(desk.node.state().0.primes.len(), 1);
}

#[test]
fn a_false_claim_changes_no_known_prime_and_costs_one_test_only() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    for id in 0..10 {
        desk.hear(at(PEER), &prime(id, at(PEER), at(FINDER), 2, 67));
        desk.verdict(67);
    }
    assert_eq!(desk.verifications(), [exponent(67)]);
    assert_eq!((desk.largest(), result(&desk, ClaimResult::Refuted)), (None, 1));
}

#[test]
fn a_smaller_prime_does_not_disturb_the_search() {
    let mut desk = Desk::knowing(&[127], at(FINDER));
    desk.befriend(at(PEER));
    desk.wait(seconds(11));
    let searches = desk.searches();
    desk.hear(at(PEER), &prime(1, at(PEER), at(FINDER), 2, 31));
    desk.verdict(31);
    assert_eq!(desk.node.primes.all().len(), 2);
    assert_eq!(desk.searches(), searches);
}

#[test]
fn what_is_too_large_to_be_tested_here_is_passed_on_and_not_believed() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(2);
    desk.take_sent();
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 3, HUGE));
    assert_eq!(desk.primes_sent(), [(peers[1], 1, 2, HUGE)]);
    assert!(desk.verifications().is_empty() && desk.largest().is_none());
}

#[test]
fn what_the_queue_drops_is_unseen_again() {
    let mut desk = Desk::with(Settings { verify_max: 1, ..Settings::default() });
    desk.befriend(at(PEER));
    desk.hear(at(PEER), &prime(1, at(PEER), at(FINDER), 0, 31));
    desk.hear(at(PEER), &prime(2, at(PEER), at(FINDER), 0, 61));
    assert_eq!((desk.verifications(), result(&desk, ClaimResult::Queue)), (vec![exponent(31)], 1));
    desk.verdict(31);
    desk.hear(at(PEER), &prime(2, at(PEER), at(FINDER), 0, 61));
    desk.verdict(61);
    assert_eq!(desk.largest(), Some(exponent(61)));
}

#[test]
fn what_the_queue_dropped_is_not_forwarded_again_and_again() {
    let mut desk = Desk::with(Settings { verify_max: 1, ..Settings::default() });
    let peers = desk.befriend_many(3);
    desk.hear(peers[0], &prime(1, peers[0], at(FINDER), 0, 31));
    desk.take_sent();
    for _ in 0..50 {
        desk.hear(peers[1], &prime(2, peers[1], at(FINDER), 5, 61));
    }
    assert_eq!(desk.primes_sent().len(), 2, "to the two others, once");
    desk.hear(peers[1], &prime(2, peers[1], at(FINDER), 6, 61));
    assert_eq!(desk.primes_sent().len(), 4, "and once more with a better TTL");
}

#[test]
fn a_full_queue_gives_up_its_largest_exponent_and_that_is_unseen_too() {
    let mut desk = Desk::with(Settings { verify_max: 2, ..Settings::default() });
    desk.befriend(at(PEER));
    for (id, number) in [(1, 127), (2, 607), (3, 107)] {
        desk.hear(at(PEER), &prime(id, at(PEER), at(FINDER), 0, number));
    }
    desk.verdict(127);
    desk.verdict(107);
    desk.hear(at(PEER), &prime(2, at(PEER), at(FINDER), 0, 607));
    assert_eq!(desk.verifications().last(), Some(&exponent(607)));
}

#[test]
fn one_claim_waits_for_each_source_that_is_no_peer() {
    let mut desk = Desk::new();
    for (id, number) in [13, 17, 19, 31].into_iter().enumerate() {
        desk.hear(at(PEER), &prime(id as u64, at(PEER), at(FINDER), 0, number));
    }
    assert_eq!(desk.node.queue.len(), 1);
    desk.hear(at("10.0.1.2:5001"), &prime(9, at("10.0.1.2:5001"), at(FINDER), 0, 61));
    assert_eq!(desk.node.queue.len(), 2);
}

#[test]
fn at_most_200_new_claims_a_second_are_looked_at() {
    let mut desk = Desk::new();
    let primes: Vec<u64> = (10_000..).filter(|&number| Exponent::new(number).is_ok()).take(400).collect();
    for (id, &number) in primes.iter().enumerate() {
        desk.hear(at("127.0.0.1:6001"), &prime(id as u64, at("127.0.0.1:6001"), at("127.0.0.1:6001"), 0, number));
    }
    assert_eq!(result(&desk, ClaimResult::Budget), 200);
}

#[test]
fn a_prime_found_here_is_announced_only_after_it_is_saved() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    desk.disk = Disk::Fails;
    desk.take_sent();
    desk.found(31);
    let (_, revision) = desk.node.state();
    desk.wait(seconds(3));
    assert!(desk.primes_sent().is_empty());
    desk.saved(revision - 1);
    assert!(desk.primes_sent().is_empty(), "that was an earlier state");
    desk.saved(revision);
    assert_eq!(desk.primes_sent().len(), peers.len());
    desk.saved(revision);
    assert_eq!(desk.primes_sent().len(), peers.len(), "and once only");
}

#[test]
fn a_search_checks_again_before_it_claims() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.hear(at(PEER), &prime(1, at(PEER), at(FINDER), 0, 31));
    desk.verdict(31);
    desk.take_sent();
    desk.found(31);
    assert!(desk.primes_sent().is_empty(), "it is known already");
    desk.hear(at(PEER), &prime(2, at(PEER), at(FINDER), 0, 61));
    desk.found(61);
    assert!(desk.primes_sent().is_empty(), "somebody has claimed it, and has just been proven right");
    assert_eq!(desk.node.primes.credit(exponent(61)).unwrap().originator, at(FINDER));
}

#[test]
fn what_has_meanwhile_become_anothers_is_not_announced_as_ones_own() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    desk.disk = Disk::Fails;
    desk.found(31);
    let (_, revision) = desk.node.state();
    let own = desk.node.primes.credit(exponent(31)).unwrap();
    let better = (0..)
        .find(|&id| {
            let rival = Claim { originator: at(FINDER), id: MessageId(id), ..own };
            rival.beats(&own)
        })
        .unwrap();
    desk.hear(peers[0], &prime(better, peers[0], at(FINDER), 1, 31));
    desk.take_sent();
    desk.saved(revision);
    assert!(desk.primes_sent().is_empty(), "{:?}", desk.primes_sent());
}

#[test]
fn a_search_is_on_at_most_once_and_is_taken_up_again_10_s_later() {
    let mut desk = Desk::new();
    desk.wait(seconds(100));
    assert_eq!(desk.searches(), 1);
    desk.found(31);
    desk.wait(seconds(11));
    assert_eq!(desk.searches(), 2);
    assert!(desk.orders.contains(&Order::Search { above: Some(exponent(31)) }));
    let mut idle = Desk::with(Settings { search: crate::protocol::SearchMode::Off, ..Settings::default() });
    idle.wait(seconds(100));
    assert_eq!(idle.searches(), 0);
}
