//! Sections 3 and 4: who is alive, who is PINGed when, who is dropped and tried again.

use super::desk::{Desk, Speech, ping, pong, prime};
use super::*;
use crate::protocol::counters::EvictionReason;
use crate::protocol::message::Exchange;

const PEER: &str = "10.0.1.1:5001";

#[test]
fn a_pong_repeats_the_id_of_the_ping_it_answers() {
    let mut desk = Desk::new();
    desk.hear(at(PEER), &ping(4_711, at(PEER), None));
    let sent = desk.take_sent();
    assert!(sent[0].is(MessageType::Pong) && sent[0].to == at(PEER));
    assert_eq!(sent[0].message.id, MessageId(4_711));
}

#[test]
fn nil_is_answered_with_nil_and_a_map_with_a_map() {
    let mut desk = Desk::new();
    desk.hear(at(PEER), &ping(1, at(PEER), None));
    desk.hear(at(PEER), &ping(2, at(PEER), Some(Exchange { pad: 300, ..Exchange::default() })));
    let pongs: Vec<bool> =
        desk.sent.iter().filter(|sent| sent.is(MessageType::Pong)).map(|sent| sent.exchange().is_some()).collect();
    assert_eq!(pongs, [false, true]);
}

#[test]
fn ping_and_pong_are_never_deduplicated() {
    let mut desk = Desk::new();
    for _ in 0..5 {
        desk.hear(at(PEER), &ping(0, at(PEER), None));
    }
    assert_eq!(desk.sent.iter().filter(|sent| sent.is(MessageType::Pong)).count(), 5);
}

#[test]
fn liveness_is_by_the_envelope_not_the_forwarder_field() {
    let (mut desk, other) = (Desk::new(), at("10.0.1.2:5001"));
    desk.befriend_plain(at(PEER));
    desk.befriend_plain(other);
    assert!(desk.is_active(at(PEER)) && desk.is_active(other));
    desk.silence(at(PEER));
    for id in 0..11 {
        desk.wait(seconds(1));
        // From another envelope, in the silent peer's name.
        desk.hear(other, &ping(id, at(PEER), None));
    }
    assert!(!desk.is_active(at(PEER)) && desk.is_active(other));
}

#[test]
fn a_plain_peer_is_refreshed_by_any_message() {
    let mut desk = Desk::new();
    desk.befriend_plain(at(PEER));
    desk.silence(at(PEER));
    for id in 0..5 {
        desk.wait(seconds(9));
        // Not even a new one: it was heard before.
        desk.hear(at(PEER), &prime(1, at(PEER), at(PEER), 0, 4 + id % 2));
        assert!(desk.is_active(at(PEER)));
    }
    desk.wait(seconds(11));
    assert!(!desk.is_active(at(PEER)));
}

#[test]
fn a_proven_peer_is_refreshed_only_by_a_valid_echo() {
    let forgeries = [
        ping(1, at(PEER), None),
        ping(2, at(PEER), Some(Exchange { nonce: Some(5), ..Exchange::default() })),
        ping(3, at(PEER), Some(Exchange { echo: Some(5), ..Exchange::default() })),
        pong(4, at(PEER), Some(Exchange { echo: Some(5), ..Exchange::default() })),
        pong(5, at(PEER), None),
        prime(6, at(PEER), at(PEER), 0, 31),
    ];
    for forgery in forgeries {
        let mut desk = Desk::new();
        desk.befriend(at(PEER));
        desk.silence(at(PEER));
        for _ in 0..22 {
            desk.wait(millis(500));
            desk.hear(at(PEER), &forgery);
        }
        assert!(!desk.is_active(at(PEER)), "kept alive by {forgery:?}");
    }
}

#[test]
fn a_ping_with_a_valid_echo_refreshes_as_a_pong_does() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.silence(at(PEER));
    for id in 0..10 {
        desk.wait(seconds(8));
        let echo = desk.cookie(at(PEER));
        desk.hear(at(PEER), &ping(id, at(PEER), Some(Exchange { echo, ..Exchange::default() })));
        assert!(desk.is_active(at(PEER)));
    }
}

#[test]
fn a_silent_peer_is_pinged_again_up_to_3_times_from_6_s_before_it_is_dropped() {
    let mut desk = Desk::with(Settings { ping_interval: seconds(3_600), ..Settings::default() });
    desk.befriend(at(PEER));
    desk.silence(at(PEER));
    let silent_since = desk.now;
    desk.take_sent();
    desk.wait(millis(9_990));
    let after: Vec<u128> = desk.pings_to(at(PEER)).iter().map(|sent| sent.at.since(silent_since).as_millis()).collect();
    assert_eq!(after.len(), 3, "{after:?}");
    assert!(after[0] == 6_000 && after[2] <= 9_000, "{after:?}");
}

#[test]
fn one_answer_to_the_second_chance_is_enough() {
    let mut desk = Desk::with(Settings { ping_interval: seconds(3_600), ..Settings::default() });
    desk.befriend(at(PEER));
    for _ in 0..20 {
        let heard = desk.node.peers.with(at(PEER), |peer| peer.last_heard).unwrap();
        desk.silence(at(PEER));
        desk.wait(millis(8_500).saturating_sub(desk.now.since(heard)));
        desk.friends.get_mut(&at(PEER)).unwrap().speaks = Speech::Maps;
        desk.wait(millis(1_500));
        assert!(desk.is_active(at(PEER)));
    }
}

#[test]
fn a_peer_silent_for_10_s_is_dropped_and_gone_in_11_s() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.silence(at(PEER));
    desk.wait(millis(9_990));
    assert!(desk.is_active(at(PEER)));
    desk.wait(millis(1_020));
    assert!(!desk.is_active(at(PEER)));
    assert_eq!(desk.node.counters().evictions.of(EvictionReason::Timeout).get(), 1);
}

#[test]
fn an_evicted_peer_is_tried_again_after_1_2_4_and_then_every_5_s() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.silence(at(PEER));
    desk.wait(seconds(12));
    assert!(!desk.is_active(at(PEER)));
    desk.wait(seconds(600));
    let tries: Vec<Time> = desk
        .pings_to(at(PEER))
        .iter()
        .filter(|sent| sent.exchange().is_some_and(|exchange| exchange.pad > 0))
        .map(|sent| sent.at)
        .collect();
    // From one try to the next: 2 s for an answer, then the pause.
    let pauses: Vec<u128> = tries.windows(2).map(|pair| pair[1].since(pair[0]).as_millis() / 1_000 - 2).collect();
    assert_eq!(&pauses[1..5], [1, 2, 4, 5], "{pauses:?}");
    assert!(pauses[4..].iter().all(|&pause| pause == 5), "{pauses:?}");
    assert!(pauses.len() > 80);
    desk.friends.get_mut(&at(PEER)).unwrap().speaks = Speech::Maps;
    desk.wait(seconds(6));
    assert!(desk.is_active(at(PEER)), "it is back");
}

#[test]
fn a_stranger_is_tried_after_1_2_4_8_s_and_then_forgotten() {
    let mut desk = Desk::new();
    desk.node.add_candidate(desk.now, at(PEER), DiscoveredVia::Sample, crate::protocol::candidate::Source::SELF);
    desk.wait(seconds(600));
    let tries: Vec<Time> = desk.pings_to(at(PEER)).iter().map(|sent| sent.at).collect();
    let pauses: Vec<u128> = tries.windows(2).map(|pair| pair[1].since(pair[0]).as_millis() / 1_000 - 2).collect();
    assert_eq!(pauses, [1, 2, 4, 8]);
    assert!(desk.node.book.get(at(PEER)).is_none());
}

#[test]
fn a_seed_is_tried_at_least_every_5_s_for_ever() {
    let mut desk = Desk::new();
    desk.node.add_seed(desk.now, at(PEER));
    desk.wait(seconds(24 * 3_600));
    let tries: Vec<Time> = desk.pings_to(at(PEER)).iter().map(|sent| sent.at).collect();
    let longest = tries.windows(2).map(|pair| pair[1].since(pair[0])).max().unwrap();
    assert!(longest <= seconds(5 + 2 + 1), "{longest:?}");
    assert!(desk.now.since(*tries.last().unwrap()) <= seconds(8));
}

#[test]
fn a_peer_that_is_named_as_a_seed_is_one_when_it_is_dropped() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.node.add_seed(desk.now, at(PEER));
    desk.silence(at(PEER));
    desk.wait(seconds(12));
    let candidate = desk.node.book.get(at(PEER)).unwrap();
    assert_eq!(candidate.via, DiscoveredVia::Seed);
}

#[test]
fn every_peer_is_pinged_every_5_s_give_or_take_a_fifth() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.take_sent();
    desk.wait(seconds(1_000));
    let sent: Vec<Time> = desk.pings_to(at(PEER)).iter().map(|sent| sent.at).collect();
    let pauses: Vec<u128> = sent.windows(2).map(|pair| pair[1].since(pair[0]).as_millis()).collect();
    assert!((180..=220).contains(&pauses.len()), "{}", pauses.len());
    assert!(pauses.iter().all(|pause| (3_999..=6_001).contains(pause)), "{pauses:?}");
    let distinct: std::collections::BTreeSet<_> = pauses.iter().collect();
    assert!(distinct.len() > 50, "jittered, not in step");
}

#[test]
fn the_first_tick_of_a_routine_is_jittered() {
    let first_search = |seed| {
        let birth = Birth { seed: [seed; 16], ..super::desk::birth(Saved::default()) };
        let mut desk = Desk::born(Settings::default(), birth);
        let born = desk.now;
        while desk.searches() == 0 {
            desk.wait(millis(10));
        }
        desk.now.since(born)
    };
    let all: Vec<Duration> = (0..20).map(first_search).collect();
    assert!(all.iter().all(|&first| first <= millis(10_010)));
    assert!(all.iter().max().unwrap().saturating_sub(*all.iter().min().unwrap()) > seconds(4), "{all:?}");
}

#[test]
fn a_leave_with_a_valid_echo_drops_the_sender_at_once_and_one_without_does_not() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    let goodbye = |echo| ping(9, at(PEER), Some(Exchange { leave: true, echo, ..Exchange::default() }));
    for forged in [None, Some(1)] {
        desk.hear(at(PEER), &goodbye(forged));
        assert!(desk.is_active(at(PEER)));
    }
    desk.hear(at(PEER), &goodbye(desk.cookie(at(PEER))));
    assert!(!desk.is_active(at(PEER)));
    assert_eq!(desk.node.counters().evictions.of(EvictionReason::Leave).get(), 1);
    assert!(desk.node.book.get(at(PEER)).is_some(), "back to the book");
}

#[test]
fn a_plain_peer_may_leave_from_loopback_only() {
    for (address, leaves) in [("127.0.0.1:6001", true), ("10.0.1.1:6001", false)] {
        let birth = super::desk::birth(Saved::default());
        let mut desk = Desk::born(Settings::default(), birth);
        desk.befriend_plain(at(address));
        assert!(desk.is_active(at(address)));
        desk.hear(at(address), &ping(9, at(address), Some(Exchange { leave: true, ..Exchange::default() })));
        assert_eq!(!desk.is_active(at(address)), leaves, "{address}");
    }
}

#[test]
fn a_node_that_leaves_tells_every_peer_and_proves_that_it_is_itself() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    for &peer in &peers {
        desk.silence(peer);
    }
    desk.take_sent();
    desk.leave();
    for peer in peers {
        let pings = desk.pings_to(peer);
        let [goodbye] = pings[..] else { panic!("one goodbye each") };
        let exchange = goodbye.exchange().unwrap();
        assert!(exchange.leave && exchange.echo == Some(super::desk::NONCE));
    }
}

#[test]
fn a_changed_instance_marks_a_restart() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.wait(seconds(7));
    let restarts =
        |desk: &Desk| desk.events.iter().filter(|event| matches!(event, Event::PeerRestarted { .. })).count();
    assert_eq!(restarts(&desk), 0);
    desk.friends.get_mut(&at(PEER)).unwrap().instance = 8;
    desk.wait(seconds(7));
    assert_eq!(restarts(&desk), 1);
    desk.wait(seconds(7));
    assert_eq!(restarts(&desk), 1);
}

#[test]
fn ones_own_ping_coming_back_marks_that_address_as_oneself() {
    let (mut desk, mirror) = (Desk::new(), at("192.0.2.7:5001"));
    desk.node.add_seed(desk.now, mirror);
    desk.wait(millis(100));
    let own = desk.pings_to(mirror)[0].message.clone();
    desk.hear(mirror, &own);
    assert!(desk.node.own.contains(mirror));
    assert!(desk.node.book.get(mirror).is_none() && !desk.is_active(mirror));
    desk.take_sent();
    desk.node.add_seed(desk.now, mirror);
    desk.wait(seconds(60));
    assert!(desk.pings_to(mirror).is_empty());
}

#[test]
fn nobody_can_make_a_node_disown_an_honest_peers_address() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    let instance = desk.pings_to(at(PEER))[0].exchange().unwrap().instance;
    let forged = Exchange { instance, nonce: Some(1), echo: Some(1), ..Exchange::default() };
    desk.hear(at(PEER), &ping(1, at(PEER), Some(forged.clone())));
    desk.hear(at(PEER), &pong(1, at(PEER), Some(forged)));
    assert!(desk.is_active(at(PEER)) && !desk.node.own.contains(at(PEER)));
}
