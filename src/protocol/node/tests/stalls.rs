//! Section 4: what a node does that has stood still itself.

use super::desk::{Desk, ping};
use super::*;
use crate::protocol::counters::DropReason;
use crate::protocol::message::Exchange;

/// A node with three peers that stands still for so long, and hears a datagram of a peer before it wakes.
fn stalled(duration: Duration) -> (Desk, Vec<SocketAddr>) {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    desk.wait(seconds(20));
    let deadline = desk.node.next_deadline();
    desk.now = deadline + duration;
    (desk, peers)
}

#[test]
fn a_stall_moves_all_deadlines_by_the_gap_and_pings_everyone() {
    for duration in [3, 30, 600, 86_400] {
        let (mut desk, peers) = stalled(seconds(duration));
        desk.take_sent();
        desk.tick();
        for &peer in &peers {
            assert!(desk.is_active(peer), "after {duration} s");
            assert_eq!(desk.pings_to(peer).len(), 1);
        }
        assert!(desk.events.iter().any(|event| matches!(event, Event::Stalled { .. })));
        desk.wait(seconds(60));
        assert_eq!(desk.node.peers.len(), 3);
    }
}

#[test]
fn what_is_queued_when_a_node_wakes_is_stale_and_no_sign_of_life() {
    let (mut desk, peers) = stalled(seconds(30));
    let before = desk.node.counters().received.of(MessageType::Ping).get();
    let silent = desk.node.peer_views(desk.now)[0].silent;
    desk.take_sent();
    let echo = desk.cookie(peers[0]);
    desk.hear(peers[0], &ping(5, peers[0], Some(Exchange { echo, ..Exchange::default() })));
    assert!(desk.sent.is_empty(), "it is not answered either");
    assert_eq!(desk.node.counters().received.of(MessageType::Ping).get(), before);
    assert_eq!(desk.node.counters().dropped.of(DropReason::Stale).get(), 1);
    assert_eq!(desk.node.peer_views(desk.now)[0].silent, silent);
}

#[test]
fn peers_that_died_during_the_stall_are_gone_11_s_after_it() {
    let (mut desk, peers) = stalled(seconds(30));
    desk.silence(peers[0]);
    desk.tick();
    desk.wait(seconds(11));
    assert!(!desk.is_active(peers[0]) && desk.is_active(peers[1]));
}

#[test]
fn a_tick_that_is_up_to_2_s_late_is_no_stall() {
    let (mut desk, peers) = stalled(millis(1_900));
    let echo = desk.cookie(peers[0]);
    desk.hear(peers[0], &ping(5, peers[0], Some(Exchange { echo, ..Exchange::default() })));
    desk.tick();
    assert_eq!(desk.node.counters().dropped.of(DropReason::Stale).get(), 0);
    assert!(!desk.events.iter().any(|event| matches!(event, Event::Stalled { .. })));
}

#[test]
fn time_that_stands_still_or_runs_back_harms_nothing() {
    let mut desk = Desk::new();
    desk.befriend_many(3);
    desk.wait(seconds(20));
    let now = desk.now;
    for back in [1, 1_000, 19_000_000, 1_000_000_000] {
        desk.now = now.back(Duration::from_micros(back));
        desk.tick();
        assert_eq!(desk.node.peers.len(), 3);
    }
    desk.now = now;
    desk.wait(seconds(60));
    assert_eq!(desk.node.peers.len(), 3);
}

#[test]
fn a_send_that_fails_to_somebody_who_has_long_been_due_is_no_stall() {
    let mut desk = Desk::with(Settings { active_max: 0, leaves_per_side: 0, ..Settings::default() });
    let candidate = SocketAddr::new([10, 0, 1, 9].into(), 5_001);
    desk.node.add_candidate(desk.now, candidate, DiscoveredVia::Sample, crate::protocol::candidate::Source::SELF);
    desk.wait(seconds(30));
    desk.node.not_sent(desk.now, candidate);
    assert!(!desk.node.is_stalled(desk.now));
}

const SEED: &str = "10.0.1.99:5001";

#[test]
fn a_reset_before_the_tick_that_notices_a_stall_puts_nothing_off_by_the_stall() {
    let (mut desk, _) = stalled(seconds(60));
    desk.node.add_seed(desk.now, at(SEED));
    desk.reset();
    desk.take_sent();
    desk.orders.clear();
    desk.tick();
    assert_eq!(desk.pings_to(at(SEED)).len(), 1, "the seed is tried at once");
    assert!(desk.events.contains(&Event::Stalled { gap: seconds(60) }));
    desk.wait(seconds(9));
    assert_eq!(desk.searches(), 0, "what the network knows comes first");
    desk.wait(seconds(2));
    assert_eq!(desk.searches(), 1, "an interval later");
}

#[test]
fn a_seed_named_before_the_tick_that_notices_a_stall_is_tried_at_once() {
    let (mut desk, _) = stalled(seconds(60));
    desk.node.add_seed(desk.now, at(SEED));
    desk.take_sent();
    desk.tick();
    assert_eq!(desk.pings_to(at(SEED)).len(), 1);
}
