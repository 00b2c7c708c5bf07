//! Section 5: who gets a place among the active peers, and for whom somebody has to go.

use super::desk::{Desk, NONCE, Sent, birth, ping};
use super::*;
use crate::protocol::address::NodeRef;
use crate::protocol::candidate::Source;
use crate::protocol::counters::EvictionReason;
use crate::protocol::event::PeerRole;
use crate::protocol::message::Exchange;
use crate::protocol::ring::RingPosition;

/// Settings without a leaf set, so that every place is one of the twelve.
fn without_leaves() -> Settings {
    Settings { leaves_per_side: 0, ..Settings::default() }
}

/// An address of a group of its own.
fn elsewhere(number: usize) -> SocketAddr {
    SocketAddr::new([20 + (number / 250) as u8, (number % 250) as u8, 0, 1].into(), 5_001)
}

/// An address of one and the same group.
fn crowd(number: usize) -> SocketAddr {
    SocketAddr::new([66, 66, (number / 250) as u8, (number % 250) as u8].into(), 5_001)
}

/// Lets somebody who would answer ask for a place; whether he gets one.
fn asks(desk: &mut Desk, address: SocketAddr, alone: bool) -> bool {
    desk.will_answer(address);
    let exchange = Exchange { nonce: Some(NONCE), instance: Some(7), alone, ..Exchange::default() };
    desk.hear(address, &ping(1, address, Some(exchange)));
    desk.wait(millis(50));
    desk.is_active(address)
}

fn chooses(desk: &mut Desk, count: usize) {
    for number in 0..count {
        desk.will_answer(elsewhere(1_000 + number));
        desk.node.add_candidate(desk.now, elsewhere(1_000 + number), DiscoveredVia::Sample, Source::SELF);
        desk.wait(millis(100));
    }
}

fn roles(desk: &Desk, role: PeerRole) -> usize {
    desk.node.peer_views(desk.now).iter().filter(|peer| peer.role == role).count()
}

#[test]
fn of_twelve_places_four_are_never_given_to_those_who_ask() {
    let mut desk = Desk::with(without_leaves());
    // Else the network looks small, where everybody gets a place.
    (0..20).for_each(|number| {
        desk.node.book.restore(desk.now + seconds(3_600), elsewhere(2_000 + number), Standing::Tried, 0)
    });
    let admitted = (0..40).filter(|&number| asks(&mut desk, elsewhere(number), false)).count();
    assert_eq!((admitted, roles(&desk, PeerRole::Guest)), (8, 8));
    chooses(&mut desk, 10);
    assert_eq!((desk.node.peers.len(), roles(&desk, PeerRole::Chosen)), (12, 4));
}

#[test]
fn a_node_stops_looking_at_twelve_peers_and_is_asked_no_more_than_it_has_places() {
    let mut desk = Desk::with(without_leaves());
    chooses(&mut desk, 30);
    assert_eq!((desk.node.peers.len(), roles(&desk, PeerRole::Chosen)), (12, 12));
    assert!(!asks(&mut desk, elsewhere(1), false));
}

#[test]
fn the_nearest_two_on_each_side_have_places_of_their_own_and_nobody_refuses_them() {
    let mut desk = Desk::new();
    for number in 0..400 {
        asks(&mut desk, elsewhere(number), false);
        if number == 12 {
            chooses(&mut desk, 20);
        }
    }
    let here = desk.node.position().unwrap();
    let mut known: Vec<SocketAddr> = (0..400).map(elsewhere).collect();
    known.extend(desk.node.peers.addresses());
    known.sort_unstable();
    known.dedup();
    known.sort_by_key(|&address| here.up_to(RingPosition::of(address)));
    let nearest = [known[0], known[1], known[known.len() - 1], known[known.len() - 2]];
    for address in nearest {
        assert_eq!(desk.node.peers.with(address, |peer| peer.role()), Some(PeerRole::Leaf), "{address}");
    }
    assert_eq!(roles(&desk, PeerRole::Leaf), 4);
    assert!(desk.node.peers.len() <= 16);
    let neighbours = desk.node.neighbours().unwrap();
    assert_eq!((neighbours.predecessor, neighbours.successor), (known[known.len() - 1], known[0]));
}

#[test]
fn whoever_has_no_peer_at_all_takes_a_guests_place_once_in_ten_seconds() {
    let mut desk = Desk::with(without_leaves());
    let seed = elsewhere(900);
    desk.will_answer(seed);
    desk.node.add_seed(desk.now, seed);
    desk.wait(seconds(1));
    chooses(&mut desk, 7);
    (0..4).for_each(|number| assert!(asks(&mut desk, elsewhere(number), false)));
    let chosen: Vec<SocketAddr> = (0..7).map(|number| elsewhere(1_000 + number)).collect();
    assert!(!asks(&mut desk, elsewhere(50), false), "there is no place for somebody who has peers");
    let lonely = (100..160).filter(|&number| asks(&mut desk, elsewhere(number), true)).count();
    assert_eq!(lonely, 1, "within three seconds");
    desk.wait(seconds(10));
    assert!(asks(&mut desk, elsewhere(200), true));
    assert!(desk.is_active(seed) && chosen.iter().all(|&peer| desk.is_active(peer)));
    assert_eq!(desk.node.counters().evictions.of(EvictionReason::Displaced).get(), 2);
}

/// Threat 3.
#[test]
fn ten_thousand_identities_of_one_group_hold_a_quarter_of_the_places_while_others_ask() {
    let mut desk = Desk::new();
    for number in 0..10_000 {
        asks(&mut desk, crowd(number), number % 2 == 0);
    }
    let of_crowd = |desk: &Desk| {
        let peers = desk.node.peers.addresses();
        peers.iter().filter(|peer| peer.ip().to_string().starts_with("66.66.")).count()
    };
    assert!(of_crowd(&desk) > 8, "they really hold places: {}", of_crowd(&desk));
    for number in 0..40 {
        asks(&mut desk, elsewhere(number), false);
        desk.wait(seconds(1));
        asks(&mut desk, crowd(20_000 + number), true);
    }
    chooses(&mut desk, 20);
    let (held, all) = (of_crowd(&desk), desk.node.peers.len());
    assert!(all >= 12 && held * 4 <= all.max(16), "{held} of {all}");
}

#[test]
fn nobody_loses_his_place_to_his_own_group_or_to_one_that_holds_as_many() {
    let mut desk = Desk::with(without_leaves());
    chooses(&mut desk, 4);
    let guests: Vec<SocketAddr> = (0..8).map(crowd).collect();
    guests.iter().for_each(|&guest| assert!(asks(&mut desk, guest, false)));
    assert!(!asks(&mut desk, crowd(9), false));
    assert!(guests.iter().all(|&guest| desk.is_active(guest)));
}

#[test]
fn a_restart_contacts_two_anchors_before_any_seed() {
    let mut desk = Desk::new();
    chooses(&mut desk, 12);
    desk.wait(seconds(60));
    let (saved, _) = desk.node.state();
    let oldest: Vec<SocketAddr> = (0..2).map(|number| elsewhere(1_000 + number)).collect();
    assert_eq!(saved.addresses[..2], oldest, "chosen by the node itself, and there for longest");
    let mut again = Desk::born(Settings::default(), Birth { now: desk.now, ..birth(saved) });
    (0..20).for_each(|number| again.node.add_seed(again.now, elsewhere(500 + number)));
    again.wait(seconds(1));
    let first: Vec<SocketAddr> = again.sent.iter().take(2).map(|sent| sent.to).collect();
    assert_eq!(first, oldest);
}

#[test]
fn a_full_node_tests_who_stands_in_its_book_and_forgets_the_dead() {
    let mut desk = Desk::with(without_leaves());
    chooses(&mut desk, 12);
    let (alive, dead) = (elsewhere(1), elsewhere(2));
    desk.will_answer(alive);
    desk.node.book.restore(desk.now, alive, Standing::Tried, 0);
    desk.node.book.restore(desk.now, dead, Standing::Tried, 0);
    desk.wait(seconds(60));
    let is_good = |address| desk.node.book.get(address).is_some_and(|candidate| candidate.is_good());
    assert!(is_good(alive) && !is_good(dead));
    assert_eq!(desk.node.peers.len(), 12);
}

#[test]
fn candidates_are_tested_once_a_second_for_20_s_after_the_start_and_for_30_s_after_a_peer_fell_silent() {
    let mut desk = Desk::with(without_leaves());
    chooses(&mut desk, 12);
    // Somebody is always due.
    (0..60).for_each(|number| {
        desk.will_answer(elsewhere(number));
        desk.node.book.restore(desk.now, elsewhere(number), Standing::Tried, 0);
    });
    let tests = |desk: &mut Desk, lasts| {
        desk.take_sent();
        desk.wait(lasts);
        let is_test = |sent: &&Sent| sent.exchange().is_some_and(|exchange| exchange.pad > 0);
        desk.sent.iter().filter(|sent| sent.is(MessageType::Ping)).filter(is_test).count()
    };
    // The first comes by chance within ten seconds.
    desk.wait(seconds(10));
    let start = tests(&mut desk, seconds(8));
    assert!((6..=10).contains(&start), "{start} after the start");
    desk.wait(seconds(4));
    let rest = tests(&mut desk, seconds(40));
    assert!((3..=6).contains(&rest), "{rest} at rest");
    desk.silence(elsewhere(1_000));
    desk.wait(seconds(12));
    assert!(!desk.is_active(elsewhere(1_000)));
    let doubt = tests(&mut desk, seconds(25));
    assert!((18..=33).contains(&doubt), "{doubt} in doubt");
}

#[test]
fn who_is_refused_proves_his_address_so_that_he_can_be_recommended() {
    let mut desk = Desk::with(without_leaves());
    chooses(&mut desk, 12);
    let refused = elsewhere(1);
    desk.will_answer(refused);
    let proof = |desk: &Desk| Exchange { echo: desk.cookie(refused), nonce: Some(NONCE), ..Exchange::default() };
    desk.hear(refused, &ping(1, refused, Some(Exchange { nonce: Some(NONCE), pad: 200, ..Exchange::default() })));
    let answer = desk.sent.iter().rfind(|sent| sent.to == refused).and_then(|sent| sent.exchange()).unwrap();
    assert_eq!(answer.accept, Some(false));
    desk.friends.get_mut(&refused).unwrap().cookie = answer.nonce;
    let ping = ping(2, refused, Some(proof(&desk)));
    desk.hear(refused, &ping);
    assert!(desk.node.book.get(refused).is_some_and(|candidate| candidate.is_good()));
}

#[test]
fn a_sample_names_those_nearest_to_its_receiver_and_a_few_at_random() {
    let mut desk = Desk::with(without_leaves());
    chooses(&mut desk, 12);
    (0..200)
        .for_each(|number| desk.node.book.restore(desk.now + seconds(3_600), elsewhere(number), Standing::Tried, 0));
    let to = elsewhere(1_000);
    desk.take_sent();
    desk.wait(seconds(60));
    let mut known: Vec<SocketAddr> = (0..200).map(elsewhere).chain((1_001..1_012).map(elsewhere)).collect();
    known.sort_by_key(|&address| RingPosition::of(to).up_to(RingPosition::of(address)));
    let nearest = [known[0], known[1], known[known.len() - 2], known[known.len() - 1]];
    let samples: Vec<_> = desk.pings_to(to).iter().map(|sent| sent.exchange().unwrap().peers.clone()).collect();
    assert!(samples.len() > 8);
    for sample in &samples {
        assert_eq!(sample.len(), 7);
        assert!(nearest.iter().all(|&near| sample.contains(&NodeRef::Address(near))), "{sample:?}");
    }
    let mut others: Vec<_> = samples.into_iter().flatten().collect();
    others.sort_by_key(|other| format!("{other:?}"));
    others.dedup();
    assert!(others.len() > 20, "the rest is random: {}", others.len());
}

#[test]
fn a_node_bound_to_all_addresses_is_where_three_peers_of_its_own_choosing_see_it() {
    let mut birth = birth(Saved::default());
    birth.whereabouts.bound = "0.0.0.0".parse().unwrap();
    let mut desk = Desk::born(Settings::default(), birth);
    let (here, lie) = (at("198.51.100.9:5001"), at("203.0.113.5:9"));
    let say = |desk: &mut Desk, peer, you| {
        let exchange = Exchange { echo: desk.cookie(peer), you: Some(you), accept: Some(true), ..Exchange::default() };
        desk.hear(peer, &super::desk::pong(1, peer, Some(exchange)));
    };
    for number in 0..5 {
        asks(&mut desk, elsewhere(number), false);
        say(&mut desk, elsewhere(number), lie);
    }
    assert_eq!(desk.node.position(), None, "guests are not asked where it is");
    chooses(&mut desk, 3);
    for number in 0..2 {
        say(&mut desk, elsewhere(1_000 + number), here);
    }
    assert_eq!(desk.node.position(), None, "two may be mistaken");
    say(&mut desk, elsewhere(1_002), here);
    assert_eq!(desk.node.position(), Some(RingPosition::of(here)));
    assert!(desk.node.neighbours().is_some());
}

#[test]
fn the_owner_of_an_exponent_is_the_next_node_up_the_ring() {
    let mut desk = Desk::new();
    chooses(&mut desk, 12);
    let mut ring: Vec<SocketAddr> = desk.node.peers.addresses();
    ring.push(at(super::desk::HOME));
    for number in [3, 61, 127, 521, 44_497, 1_257_787] {
        let key = RingPosition::of_exponent(exponent(number));
        let owner = ring.iter().copied().min_by_key(|&node| key.up_to(RingPosition::of(node)));
        assert_eq!(desk.node.owner(exponent(number)), owner, "{number}");
    }
}

#[test]
fn who_is_tested_and_finds_no_place_is_greeted_once_and_what_he_answers_to_that_ends_it() {
    let mut desk = Desk::with(Settings { active_max: 1, chosen_min: 0, book_max: 4, ..without_leaves() });
    assert!(asks(&mut desk, elsewhere(1), false));
    // Three quarters of the book have answered: what is heard of stays hearsay.
    (10..13).for_each(|number| {
        desk.node.book.restore(desk.now + seconds(3_600), elsewhere(number), Standing::Tried, 0);
    });
    let stranger = elsewhere(2);
    desk.will_answer(stranger);
    desk.node.add_candidate(desk.now, stranger, DiscoveredVia::Sample, Source::SELF);
    desk.take_sent();
    desk.wait(seconds(60));
    let is_probe = |sent: &&Sent| sent.exchange().is_some_and(|exchange| exchange.pad > 0);
    let (probes, greetings): (Vec<_>, Vec<_>) = desk.pings_to(stranger).into_iter().partition(is_probe);
    assert!((1..=5).contains(&probes.len()), "{} tests", probes.len());
    assert_eq!(greetings.len(), probes.len());
}

#[test]
fn who_is_near_on_the_ring_and_has_proven_himself_becomes_a_peer_though_there_is_no_place_in_the_book() {
    let mut desk = Desk::with(Settings { book_max: 2, ..Settings::default() });
    (10..12).for_each(|number| {
        desk.node.book.restore(desk.now + seconds(3_600), elsewhere(number), Standing::Tried, 0);
    });
    let neighbour = elsewhere(1);
    assert!(!asks(&mut desk, neighbour, false), "it is in no book");
    let pong = desk.take_sent().into_iter().find(|sent| sent.is(MessageType::Pong)).unwrap();
    let echo = pong.exchange().and_then(|exchange| exchange.nonce);
    desk.hear(neighbour, &ping(2, neighbour, Some(Exchange { nonce: Some(NONCE), echo, ..Exchange::default() })));
    assert!(desk.is_active(neighbour));
}
