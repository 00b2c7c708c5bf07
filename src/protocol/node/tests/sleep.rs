//! A node that is put to sleep and woken: what it does not do meanwhile, and how soon it is back.

use super::desk::{Desk, Disk, birth, ping, pong, prime};
use super::*;
use crate::protocol::counters::DropReason;
use crate::protocol::message::Exchange;

const PEER: &str = "10.0.1.1:5001";
const OTHER: &str = "10.0.1.2:5001";

fn asleep_drops(desk: &Desk) -> u64 {
    desk.node.counters().dropped.of(DropReason::Asleep).get()
}

#[test]
fn a_node_that_sleeps_answers_nobody_and_learns_nothing() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    let echo = desk.cookie(at(PEER));
    desk.sleep();
    desk.take_sent();
    let before = desk.node.state_view();
    let known = Exchange { nonce: Some(1), echo, instance: Some(9), ..Exchange::default() };
    let said = [
        ping(1, at(PEER), None),
        ping(2, at(PEER), Some(known.clone())),
        ping(3, at(OTHER), Some(Exchange { nonce: Some(1), ..Exchange::default() })),
        ping(4, at(PEER), Some(Exchange { leave: true, ..known.clone() })),
        pong(5, at(PEER), Some(known)),
        prime(6, at(PEER), at(OTHER), 2, 127),
    ];
    for message in &said {
        desk.hear(at(PEER), message);
        assert_eq!(desk.hand_in(message), LocalFate::Asleep, "nor when it is handed in");
    }
    desk.wait(seconds(1));
    assert_eq!(desk.node.state_view(), before);
    assert!(desk.sent.is_empty() && desk.verifications().is_empty());
    assert_eq!(asleep_drops(&desk), 2 * said.len() as u64);
    assert_eq!(desk.node.counters().received.of(MessageType::Prime).get(), 0);
}

#[test]
fn falling_asleep_is_silent_and_so_are_the_hours_after_it_while_state_is_saved() {
    let mut desk = Desk::new();
    desk.befriend_many(3);
    desk.take_sent();
    desk.sleep();
    desk.node.add_seed(desk.now, at("10.0.1.9:5001"));
    desk.orders.clear();
    desk.wait(seconds(6 * 3_600));
    assert!(desk.sent.is_empty(), "no goodbye, no PING, no probe");
    let saves = desk.orders.iter().filter(|order| matches!(order, Order::Save)).count();
    assert!((350..=360).contains(&saves) && desk.orders.len() == saves, "{saves} of {}", desk.orders.len());
}

#[test]
fn ids_are_reserved_while_it_sleeps() {
    let node = Node::new(Settings::default(), birth(Saved { asleep: true, ..Saved::default() }));
    let mut out = Outbox::new();
    node.tick(Time::from_micros(1_000_000), &mut out);
    assert!(matches!(out.orders[..], [Order::ReserveIds { .. }]), "{:?}", out.orders);
}

#[test]
fn falling_asleep_stops_the_search_and_the_test_at_once_and_neither_begins_again() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.wait(seconds(11));
    desk.hear(at(PEER), &prime(1, at(PEER), at(PEER), 0, 127));
    assert!(desk.node.state_view().searching && desk.node.state_view().verifying.is_some());
    desk.orders.clear();
    desk.sleep();
    assert!(desk.orders.contains(&Order::StopSearch) && desk.orders.contains(&Order::StopVerify));
    let view = desk.node.state_view();
    assert!(!view.searching && view.verifying.is_none() && view.verification_queue == 0);
    desk.wait(seconds(60));
    assert_eq!((desk.searches(), desk.verifications()), (0, Vec::new()));
    desk.wake();
    desk.wait(seconds(11));
    assert_eq!(desk.searches(), 1, "awake again it searches");
}

#[test]
fn what_is_reported_while_it_sleeps_is_ignored_and_can_be_learned_when_it_is_awake() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.wait(seconds(11));
    let claim = prime(1, at(PEER), at(PEER), 0, 127);
    desk.hear(at(PEER), &claim);
    desk.sleep();
    desk.take_sent();
    desk.verdict(127);
    desk.found(31);
    assert_eq!((desk.largest(), desk.sent.len()), (None, 0));
    desk.wake();
    desk.verdict(127);
    assert_eq!(desk.largest(), None, "a verdict nobody waits for any more is no claim");
    desk.hear(at(PEER), &claim);
    desk.verdict(127);
    assert_eq!(desk.largest(), Some(exponent(127)), "but the same copy of the claim is judged anew");
}

#[test]
fn not_even_that_a_claim_is_false_is_learned_in_ones_sleep() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    let claim = prime(1, at(PEER), at(PEER), 0, 137);
    desk.hear(at(PEER), &claim);
    desk.sleep();
    desk.verdict(137);
    desk.wake();
    desk.orders.clear();
    desk.hear(at(PEER), &claim);
    assert_eq!(desk.verifications(), [exponent(137)]);
}

#[test]
fn what_a_search_from_before_the_sleep_reports_after_it_counts() {
    let mut desk = Desk::knowing(&[31], at(OTHER));
    desk.wait(seconds(11));
    desk.sleep();
    desk.wake();
    desk.found_above(Some(31), 61);
    assert_eq!(desk.largest(), Some(exponent(61)));
}

#[test]
fn a_prime_that_becomes_durable_while_its_finder_sleeps_is_told_once_it_is_awake() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.disk = Disk::Fails;
    desk.found(31);
    desk.sleep();
    desk.take_sent();
    let (_, revision) = desk.node.state();
    desk.saved(revision);
    desk.wait(seconds(5));
    assert!(desk.sent.is_empty());
    desk.wake();
    // It is found again, says that it knows nothing, and is sent what it lacks.
    desk.wait(seconds(7));
    assert!(desk.primes_sent().iter().any(|sent| sent.0 == at(PEER) && sent.3 == 31), "{:?}", desk.primes_sent());
}

#[test]
fn a_node_that_sleeps_shows_no_peers_and_keeps_their_addresses() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    desk.sleep();
    let view = desk.node.state_view();
    assert_eq!((view.asleep, view.peers, view.address_book), (true, 0, 3));
    assert!(desk.node.peer_views(desk.now).is_empty());
    assert_eq!(desk.node.state().0.addresses.len(), peers.len());
}

#[test]
fn awake_again_it_tries_all_former_peers_and_seeds_at_once_whatever_their_back_off() {
    let mut desk = Desk::new();
    let seed = at("10.0.1.99:5001");
    let peers = desk.befriend_many(8);
    desk.node.add_seed(desk.now, seed);
    peers.iter().for_each(|&peer| desk.silence(peer));
    // Long enough for every pause to have grown to its longest.
    desk.wait(seconds(120));
    desk.sleep();
    desk.wait(seconds(3_600));
    desk.take_sent();
    desk.wake();
    desk.wait(seconds(2) + millis(200));
    for address in peers.into_iter().chain([seed]) {
        assert!(!desk.pings_to(address).is_empty(), "{address} was not tried");
    }
}

#[test]
fn the_longest_pause_of_a_silent_peer_ends_with_the_waking_and_pauses_begin_again_at_a_second() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.silence(at(PEER));
    desk.wait(seconds(120));
    let pause = |desk: &Desk| desk.node.book.get(at(PEER)).map(|candidate| candidate.next_try.time().since(desk.now));
    while pause(&desk).is_none_or(|pause| pause < seconds(4)) {
        desk.wait(millis(100));
    }
    desk.sleep();
    desk.wake();
    desk.take_sent();
    desk.wait(millis(100));
    assert_eq!(desk.pings_to(at(PEER)).len(), 1, "at once");
    desk.wait(seconds(4));
    assert_eq!(desk.pings_to(at(PEER)).len(), 2, "2 s for an answer, and a second later again");
}

#[test]
fn an_answer_that_came_in_ones_sleep_is_asked_for_again_at_once() {
    let mut desk = Desk::new();
    desk.node.add_seed(desk.now, at(PEER));
    desk.wait(millis(100));
    desk.sleep();
    desk.wake();
    desk.take_sent();
    desk.wait(millis(100));
    assert_eq!(desk.pings_to(at(PEER)).len(), 1);
}

#[test]
fn peers_found_again_after_ones_own_sleep_have_not_flapped() {
    let mut desk = Desk::new();
    desk.befriend_many(3);
    desk.sleep();
    desk.wait(seconds(5));
    desk.wake();
    desk.wait(seconds(1));
    assert_eq!((desk.node.peers.len(), desk.node.counters().flaps.get()), (3, 0));
}

#[test]
fn waking_is_no_stall_however_long_nobody_called_the_node() {
    for slept in [1, 30, 86_400] {
        let mut desk = Desk::new();
        desk.befriend_many(3);
        desk.sleep();
        // Not even ticks came: the machine slept too.
        desk.now = desk.now + seconds(slept);
        assert!(!desk.node.is_stalled(desk.now));
        desk.wake();
        assert!(!desk.node.is_stalled(desk.now));
        desk.wait(seconds(20));
        assert!(!desk.events.iter().any(|event| matches!(event, Event::Stalled { .. })), "{slept}");
        assert_eq!(desk.node.peers.len(), 3);
    }
}

#[test]
fn a_node_left_asleep_starts_asleep_and_wakes_to_whom_it_knew() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    desk.sleep();
    let (saved, _) = desk.node.state();
    let mut again = Desk::born(Settings::default(), birth(saved));
    again.node.add_seed(again.now, peers[0]);
    again.wait(seconds(600));
    assert!(again.node.is_asleep() && again.sent.is_empty());
    again.wake();
    again.wait(millis(200));
    assert!(peers.iter().all(|&peer| again.pings_to(peer).len() == 1));
    assert!(!again.node.state().0.asleep);
}

#[test]
fn who_is_told_twice_does_it_once() {
    let mut desk = Desk::new();
    let count = |desk: &Desk, wanted: Event| desk.events.iter().filter(|event| **event == wanted).count();
    assert_eq!(desk.wake(), desk.node.state().1);
    let asleep = desk.sleep();
    assert_eq!(desk.sleep(), asleep);
    assert_eq!(count(&desk, Event::Asleep), 1);
    let awake = desk.wake();
    assert!(awake > asleep, "both have to become durable");
    assert_eq!((desk.wake(), count(&desk, Event::Awake)), (awake, 1));
}

#[test]
fn a_node_that_sleeps_has_nobody_to_say_goodbye_to() {
    let mut desk = Desk::new();
    desk.befriend_many(3);
    desk.sleep();
    desk.take_sent();
    desk.leave();
    assert!(desk.sent.is_empty());
}

/// Three peers that answer, and what a node leaves that knows them besides 120 addresses where nobody answers any more.
/// Going by addresses alone, the peers would come last.
fn left_by<T>(desk: &mut Desk, leave: impl FnOnce(&mut Desk) -> T) -> (Vec<SocketAddr>, Saved) {
    let peers: Vec<SocketAddr> = (1..=3).map(|number| SocketAddr::new([10, 0, 9, number].into(), 5_001)).collect();
    peers.iter().for_each(|&peer| desk.befriend(peer));
    leave(desk);
    let saved = desk.node.state().0;
    assert_eq!((saved.addresses.len(), &saved.addresses[..3]), (123, &peers[..]));
    (peers, saved)
}

fn among_the_dead() -> Desk {
    let addresses = (1..=120).map(|number| SocketAddr::new([10, 0, 1, number].into(), 5_001)).collect();
    Desk::born(Settings::default(), birth(Saved { addresses, ..Saved::default() }))
}

#[test]
fn those_who_answered_last_are_found_again_within_2_s_of_a_start_among_120_who_do_not() {
    let mut before = among_the_dead();
    let (peers, saved) = left_by(&mut before, |_| {});
    let mut again = Desk::born(Settings::default(), birth(saved));
    peers.iter().for_each(|&peer| again.will_answer(peer));
    again.wait(seconds(2));
    assert!(peers.iter().all(|&peer| again.is_active(peer)));
}

#[test]
fn those_who_answered_last_are_found_again_within_2_s_of_waking_after_a_restart_asleep() {
    let mut before = among_the_dead();
    let (peers, saved) = left_by(&mut before, Desk::sleep);
    let mut again = Desk::born(Settings::default(), birth(saved));
    peers.iter().for_each(|&peer| again.will_answer(peer));
    again.wait(seconds(600));
    again.wake();
    again.wait(seconds(2));
    assert!(peers.iter().all(|&peer| again.is_active(peer)));
}

#[test]
fn the_search_begins_at_any_moment_of_the_first_interval_after_waking() {
    let mut desk = Desk::new();
    let mut early = 0;
    for _ in 0..32 {
        desk.sleep();
        desk.wait(seconds(60));
        desk.orders.clear();
        desk.wake();
        desk.wait(seconds(5));
        early += desk.searches();
        desk.wait(seconds(5));
        assert_eq!(desk.searches(), 1);
    }
    // Else many that are woken together would all look for the same prime from the same moment on.
    assert!((4..=28).contains(&early), "{early} of 32 in its first half");
}
