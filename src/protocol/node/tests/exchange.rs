//! Section 6: proof of address, no amplification, plain peers; and how candidates become peers.

use super::desk::{Desk, NONCE, Sent, Speech, birth, encoded, ping, pong, prime};
use super::*;
use crate::protocol::address::NodeRef;
use crate::protocol::candidate::Source;
use crate::protocol::counters::EvictionReason;
use crate::protocol::event::PeerKind;
use crate::protocol::message::Exchange;
use crate::protocol::settings::Rate;

const PEER: &str = "10.0.1.1:5001";

fn pongs(sent: &[Sent]) -> Vec<&Sent> {
    sent.iter().filter(|sent| sent.is(MessageType::Pong)).collect()
}

#[test]
fn a_ping_from_an_unproven_address_that_shows_a_nonce_is_answered_by_one_immediate_ping_with_echo() {
    let mut desk = Desk::new();
    let hello = ping(1, at(PEER), Some(Exchange { nonce: Some(NONCE), ..Exchange::default() }));
    desk.hear(at(PEER), &hello);
    desk.hear(at(PEER), &hello);
    let pings = desk.pings_to(at(PEER));
    let [answer] = pings[..] else { panic!("one PING, not {}", pings.len()) };
    assert_eq!(answer.exchange().unwrap().echo, Some(NONCE));
    assert!(!desk.is_active(at(PEER)), "nothing is proven yet");
}

#[test]
fn the_first_pong_from_an_address_is_answered_by_one_immediate_ping_with_echo() {
    let mut desk = Desk::new();
    desk.node.add_seed(desk.now, at(PEER));
    desk.wait(millis(60));
    let first = desk.pings_to(at(PEER))[0].clone();
    desk.take_sent();
    let proof = Exchange { nonce: Some(NONCE), echo: first.exchange().unwrap().nonce, ..Exchange::default() };
    desk.hear(at(PEER), &pong(first.message.id.0, at(PEER), Some(proof)));
    assert_eq!(desk.node.peers.kind(at(PEER)), Some(PeerKind::Proven));
    let pings = desk.pings_to(at(PEER));
    let [answer] = pings[..] else { panic!("one PING, not {}", pings.len()) };
    assert_eq!((answer.at, answer.exchange().unwrap().echo), (desk.now, Some(NONCE)));
}

#[test]
fn a_pong_that_nobody_asked_for_or_with_a_wrong_echo_proves_nothing() {
    let mut desk = Desk::new();
    desk.node.add_seed(desk.now, at(PEER));
    desk.wait(millis(60));
    let id = desk.pings_to(at(PEER))[0].message.id.0;
    for echo in [None, Some(0), Some(NONCE)] {
        desk.hear(at(PEER), &pong(id, at(PEER), Some(Exchange { nonce: Some(NONCE), echo, ..Exchange::default() })));
    }
    let stranger = at("10.0.1.2:5001");
    desk.hear(stranger, &pong(id, stranger, None));
    assert!(!desk.is_active(at(PEER)) && !desk.is_active(stranger));
}

#[test]
fn a_cookie_is_good_at_its_own_address_only() {
    let (mut desk, other) = (Desk::new(), at("10.0.1.2:5001"));
    desk.befriend(at(PEER));
    let stolen = Exchange { nonce: Some(1), echo: desk.cookie(at(PEER)), ..Exchange::default() };
    desk.hear(other, &pong(1, other, Some(stolen)));
    assert!(!desk.is_active(other));
}

#[test]
fn a_pong_to_an_unproven_address_is_never_longer_than_its_ping() {
    let mut desk = Desk::knowing(&PRIMES, at("10.0.2.1:5001"));
    desk.befriend_many(10);
    desk.take_sent();
    let stranger = at("203.0.113.77:54321");
    let (mut answered, mut with_sample) = (0, 0);
    for pad in 0..400 {
        for nonce in [None, Some(NONCE)] {
            let mut question = Message {
                forwarder: NodeRef::Port(std::num::NonZeroU16::new(54_321).unwrap()),
                ..ping(1 << 40, stranger, Some(Exchange { pad, nonce, ..Exchange::default() }))
            };
            question.originator = question.forwarder;
            let datagram = encoded(&question);
            desk.hear_bytes(stranger, &datagram);
            for pong in pongs(&desk.take_sent()) {
                assert!(pong.bytes <= datagram.len(), "{} bytes for {}", pong.bytes, datagram.len());
                answered += 1;
                with_sample += usize::from(!pong.exchange().unwrap().peers.is_empty());
            }
            desk.wait(millis(100));
            desk.take_sent();
        }
    }
    assert!(answered > 700 && with_sample > 300, "{answered} answered, {with_sample} with a sample");
}

#[test]
fn a_nil_pong_fits_a_nil_ping() {
    let mut desk = Desk::new();
    let question = Message {
        forwarder: NodeRef::Port(std::num::NonZeroU16::new(5_002).unwrap()),
        originator: NodeRef::Port(std::num::NonZeroU16::new(5_002).unwrap()),
        ..ping(0, at(PEER), None)
    };
    desk.hear(at(PEER), &question);
    assert_eq!(pongs(&desk.sent)[0].bytes, encoded(&question).len());
}

#[test]
fn a_proven_peer_gets_a_full_pong_whatever_its_ping() {
    let mut desk = Desk::new();
    desk.befriend_many(9);
    let peer = at("10.0.1.1:5001");
    let question = ping(1, peer, Some(Exchange { echo: desk.cookie(peer), nonce: Some(NONCE), ..Exchange::default() }));
    desk.take_sent();
    desk.hear(peer, &question);
    assert!(pongs(&desk.sent)[0].exchange().unwrap().peers.len() == 7);
}

#[test]
fn own_first_pings_are_at_most_400_bytes() {
    let saved = Saved { id_floor: MessageId(u64::MAX / 2), ..Saved::default() };
    let mut desk = Desk::born(Settings::default(), birth(saved));
    for number in 0..50 {
        desk.node.add_seed(desk.now, SocketAddr::new([203, 0, 113, number].into(), 65_535));
    }
    let v6 = at("[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
    desk.hear(v6, &ping(1, v6, Some(Exchange { nonce: Some(u64::MAX), ..Exchange::default() })));
    desk.wait(seconds(30));
    let pings: Vec<usize> = desk.sent.iter().filter(|sent| sent.is(MessageType::Ping)).map(|sent| sent.bytes).collect();
    assert!(pings.len() > 100 && pings.iter().all(|&bytes| bytes <= 400), "{:?}", pings.iter().max());
}

#[test]
fn probes_are_at_most_30_a_second_in_all_and_8_in_flight() {
    let mut desk = Desk::with(Settings { probe_timeout: millis(100), ..Settings::default() });
    for number in 0..200 {
        desk.node.add_seed(desk.now, SocketAddr::new([203, 0, 113, number].into(), 5_001));
    }
    for _ in 0..600 {
        desk.wait(millis(50));
        assert!(desk.node.probes.in_flight() <= 8);
    }
    let probes = desk.sent.iter().filter(|sent| sent.is(MessageType::Ping)).count();
    assert!((300..=30 * 30 + 30).contains(&probes), "{probes}");
}

#[test]
fn a_candidate_becomes_active_only_when_it_has_answered_a_ping_of_ours() {
    let mut desk = Desk::new();
    for id in 0..20 {
        desk.hear(at(PEER), &ping(id, at(PEER), Some(Exchange { nonce: Some(NONCE), ..Exchange::default() })));
        desk.hear(at(PEER), &ping(id, at(PEER), None));
        desk.hear(at(PEER), &prime(id, at(PEER), at(PEER), 2, 31));
        desk.wait(millis(500));
        assert!(!desk.is_active(at(PEER)));
    }
}

#[test]
fn plain_peers_fill_at_most_4_places() {
    let mut desk = Desk::new();
    for number in 1..=8 {
        desk.befriend_plain(SocketAddr::new([10, 0, 1, number].into(), 5_001));
    }
    desk.wait(seconds(20));
    assert_eq!(desk.node.state_view().plain_peers, 4);
    desk.befriend(at("10.0.3.1:5001"));
    assert_eq!(desk.node.peers.len(), 5, "a proven one still finds a place");
}

#[test]
fn plain_peers_are_accepted_from_loopback_and_private_addresses_or_where_that_is_allowed() {
    let cases =
        [("127.0.0.1:6001", true), ("192.168.7.7:6001", true), ("[fd00::1]:6001", true), ("203.0.113.7:6001", false)];
    for (address, accepted) in cases {
        let mut desk = Desk::new();
        desk.befriend_plain(at(address));
        desk.wait(seconds(3));
        assert_eq!(desk.is_active(at(address)), accepted, "{address}");
    }
    let anywhere = crate::protocol::settings::PlainPeers::Anywhere;
    let mut desk = Desk::with(Settings { plain_from: anywhere, ..Settings::default() });
    desk.befriend_plain(at("203.0.113.7:6001"));
    assert!(desk.is_active(at("203.0.113.7:6001")));
}

#[test]
fn a_plain_peer_must_answer_within_2_s() {
    for (delay, accepted) in [(1_900, true), (2_100, false)] {
        let mut desk = Desk::new();
        desk.hear(at(PEER), &ping(1, at(PEER), None));
        desk.wait(millis(60));
        let probe = desk.pings_to(at(PEER))[0].clone();
        let waited = desk.now.since(probe.at);
        desk.wait(millis(delay).saturating_sub(waited));
        desk.hear(at(PEER), &pong(probe.message.id.0, at(PEER), None));
        assert_eq!(desk.is_active(at(PEER)), accepted, "after {delay} ms");
    }
}

#[test]
fn a_plain_peer_gets_our_largest_prime_when_it_becomes_active_and_never_a_sample() {
    let mut desk = Desk::knowing(&[13, 31, 127], at("10.0.2.1:5001"));
    desk.befriend_many(3);
    let plain = at("10.0.4.1:5001");
    desk.take_sent();
    desk.befriend_plain(plain);
    assert_eq!(desk.primes_sent().iter().map(|sent| (sent.0, sent.2, sent.3)).collect::<Vec<_>>(), [(plain, 0, 127)]);
    desk.wait(seconds(60));
    let to_plain: Vec<&Sent> = desk.sent.iter().filter(|sent| sent.to == plain).collect();
    assert!(to_plain.len() > 10);
    assert!(to_plain.iter().all(|sent| sent.exchange().is_none_or(|exchange| exchange.peers.is_empty())));
    assert_eq!(desk.primes_sent().len(), 1, "and nothing to catch up on");
}

#[test]
fn a_plain_peer_gets_at_most_20_primes_a_second() {
    let mut desk = Desk::new();
    let (plain, peer) = (at("10.0.4.1:5001"), at(PEER));
    desk.befriend_plain(plain);
    desk.befriend(peer);
    desk.take_sent();
    let primes = (5..4_000).filter(|&number| Exponent::new(number).is_ok());
    for (id, number) in primes.take(95).enumerate() {
        desk.hear(at("10.0.5.1:5001"), &prime(id as u64, at("10.0.5.1:5001"), at("10.0.5.1:5001"), 2, number));
        desk.wait(millis(50));
    }
    let sent = |to| desk.primes_sent().iter().filter(|sent| sent.0 == to).count();
    assert!(sent(peer) > 20 && sent(plain) <= 95 / 20 * 20 + 40, "{} and {}", sent(peer), sent(plain));
    desk.wait(seconds(10));
    desk.take_sent();
    let mut desk = Desk::with(Settings { echo_rate: Rate::new(1_000, 1_000), ..Settings::default() });
    desk.befriend_plain(plain);
    desk.befriend(peer);
    desk.hear(peer, &prime(0, peer, at("10.0.7.1:5001"), 0, 31));
    desk.verdict(31);
    desk.take_sent();
    for id in 1..=90 {
        desk.hear(at("127.0.0.1:7000"), &prime(id, at("127.0.0.1:7000"), at("127.0.0.1:7000"), 2, 31));
    }
    let sent = |to| desk.primes_sent().iter().filter(|sent| sent.0 == to).count();
    assert_eq!((sent(peer), sent(plain)), (90, 20));
}

#[test]
fn only_addresses_that_have_answered_us_are_passed_on() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.befriend(at("10.0.1.2:5001"));
    let hearsay = at("10.0.1.66:5001");
    let exchange = Exchange {
        echo: desk.cookie(at(PEER)),
        peers: [NodeRef::Address(hearsay)].into_iter().collect(),
        ..Exchange::default()
    };
    desk.hear(at(PEER), &ping(3, at(PEER), Some(exchange)));
    assert!(desk.node.book.get(hearsay).is_some(), "it is a candidate now");
    desk.wait(seconds(60));
    let passed_on: Vec<NodeRef> =
        desk.sent.iter().filter_map(Sent::exchange).flat_map(|exchange| exchange.peers.clone()).collect();
    assert!(passed_on.contains(&NodeRef::Address(at("10.0.1.2:5001"))));
    assert!(!passed_on.contains(&NodeRef::Address(hearsay)));
}

#[test]
fn what_seeds_say_is_kept_apart_from_what_their_address_group_says() {
    let mut desk = Desk::new();
    let neighbour = at("10.0.1.2:5001");
    desk.node.add_seed(desk.now, at(PEER));
    desk.befriend(at(PEER));
    desk.befriend(neighbour);
    let mut source_of = |from: SocketAddr, named: SocketAddr| {
        let peers = [NodeRef::Address(named)].into_iter().collect();
        let exchange = Exchange { echo: desk.cookie(from), peers, ..Exchange::default() };
        desk.hear(from, &ping(3, from, Some(exchange)));
        desk.node.book.get(named).map(|candidate| candidate.source)
    };
    let of_seed = source_of(at(PEER), at("10.0.1.66:5001"));
    let of_neighbour = source_of(neighbour, at("10.0.1.67:5001"));
    assert_eq!(of_seed, Some(Source::SEED));
    assert_eq!(of_neighbour, Some(Source::of(at(PEER))));
}

#[test]
fn nothing_is_learned_from_what_proves_nothing() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    let named = at("10.0.1.66:5001");
    let forged = Exchange {
        nonce: Some(4),
        known: Some(Default::default()),
        instance: Some(99),
        peers: [NodeRef::Address(named)].into_iter().collect(),
        ..Exchange::default()
    };
    desk.hear(at(PEER), &ping(3, at(PEER), Some(forged.clone())));
    desk.hear(at(PEER), &pong(3, at(PEER), Some(forged)));
    assert!(desk.node.book.get(named).is_none());
    assert_eq!(desk.node.peers.with(at(PEER), |peer| (peer.instance, peer.nonce)), Some((Some(7), Some(NONCE))));
}

#[test]
fn a_refusal_is_believed_from_whom_has_proven_himself() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    let refusal = |echo| pong(3, at(PEER), Some(Exchange { echo, accept: Some(false), ..Exchange::default() }));
    desk.hear(at(PEER), &refusal(Some(1)));
    assert!(desk.is_active(at(PEER)));
    desk.hear(at(PEER), &refusal(desk.cookie(at(PEER))));
    assert!(!desk.is_active(at(PEER)));
    assert_eq!(desk.node.counters().evictions.of(EvictionReason::Refused).get(), 1);
}

#[test]
fn a_full_node_says_so_and_takes_nobody_in() {
    let mut desk = Desk::with(Settings { active_max: 2, leaves_per_side: 0, ..Settings::default() });
    desk.befriend_many(2);
    desk.take_sent();
    let third = at("10.0.1.3:5001");
    desk.hear(third, &ping(1, third, Some(Exchange { nonce: Some(1), pad: 300, ..Exchange::default() })));
    assert_eq!(pongs(&desk.sent)[0].exchange().unwrap().accept, Some(false));
    desk.wait(seconds(10));
    assert_eq!(desk.node.peers.len(), 2);
    assert!(desk.pings_to(third).is_empty());
}

#[test]
fn a_prime_never_causes_more_than_one_probe_of_the_originator_it_names() {
    let (mut desk, victim) = (Desk::new(), at("203.0.113.99:53"));
    for copy in 0..50 {
        let from = SocketAddr::new([10, 0, 9, copy].into(), 5_001);
        desk.hear(from, &prime(1, from, victim, copy, 31));
        desk.wait(millis(10));
    }
    desk.wait(seconds(600));
    assert_eq!(desk.pings_to(victim).len(), 1);
}

#[test]
fn a_stranger_that_only_ever_forges_gets_no_prime_and_no_sample_beyond_its_ping() {
    let mut desk = Desk::knowing(&PRIMES, at("10.0.2.1:5001"));
    let victim = at("203.0.113.99:53");
    for id in 0..100 {
        let known = Some(Default::default());
        desk.hear(victim, &ping(id, victim, Some(Exchange { nonce: Some(id), known, ..Exchange::default() })));
        desk.wait(millis(100));
    }
    assert!(desk.primes_sent().is_empty());
}

#[test]
fn a_plain_peer_that_proves_itself_becomes_a_proven_one() {
    let mut desk = Desk::new();
    desk.befriend_plain(at(PEER));
    assert_eq!(desk.node.peers.kind(at(PEER)), Some(PeerKind::Plain));
    desk.friends.get_mut(&at(PEER)).unwrap().speaks = Speech::Maps;
    desk.wait(seconds(2));
    desk.hear(at(PEER), &ping(7, at(PEER), Some(Exchange { nonce: Some(NONCE), ..Exchange::default() })));
    assert_eq!(desk.node.peers.kind(at(PEER)), Some(PeerKind::Proven));
}
