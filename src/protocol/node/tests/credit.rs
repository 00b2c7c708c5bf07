//! Section 7: who is credited, the same on every node in the end, whatever the order in which claims came.

use proptest::prelude::*;

use super::desk::{Desk, HOME, prime};
use super::*;
use crate::protocol::address::NodeRef;
use crate::protocol::claims::Latest;
use crate::protocol::hash;
use crate::protocol::message::{KnownDigest, MessageType};

const RELAY: &str = "10.0.1.1:5001";

fn claim(number: u64, finder: u8, id: u64) -> Claim {
    let originator = SocketAddr::new([10, 0, 7, finder].into(), 5_001);
    Claim { exponent: exponent(number), originator, id: MessageId(id), signature: None }
}

/// What a node holds in the end that hears these claims one after the other, each verified at once or all at the end.
fn outcome(claims: &[(u64, Claim)], at_once: bool) -> (KnownDigest, Vec<PrimeView>, Vec<Latest>) {
    let mut desk = Desk::new();
    desk.befriend(at(RELAY));
    for &(number, claim) in claims {
        desk.hear(at(RELAY), &prime(claim.id.0, at(RELAY), claim.originator, 0, number));
        if at_once {
            desk.verdict(number);
        }
        desk.wait(millis(20));
    }
    for &(number, _) in claims {
        desk.verdict(number);
    }
    (desk.node.primes.digest(), desk.node.prime_views(), desk.node.state_view().originators)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn credit_converges_to_the_lowest_rank_whatever_the_order(
        made in prop::collection::vec((0usize..4, 1u8..6, 0u64..1_000), 1..12),
        order in any::<prop::sample::Index>(),
        at_once in any::<bool>(),
    ) {
        let claims: Vec<(u64, Claim)> = made
            .iter()
            .map(|&(which, finder, id)| ([31, 61, 89, 107][which], claim([31, 61, 89, 107][which], finder, id)))
            .collect();
        let mut shuffled = claims.clone();
        shuffled.rotate_left(order.index(claims.len()));
        shuffled.reverse();
        let first = outcome(&claims, at_once);
        prop_assert_eq!(&first, &outcome(&shuffled, !at_once));
        for view in &first.1 {
            let best = claims.iter().map(|(_, claim)| claim).filter(|claim| claim.exponent == view.exponent)
                .min_by_key(|claim| claim.rank()).unwrap();
            prop_assert_eq!((view.finder, view.msg_id), (best.originator, best.id));
        }
    }
}

#[test]
fn a_better_claim_takes_the_credit_without_a_new_test_and_is_forwarded() {
    let mut desk = Desk::new();
    let peers = desk.befriend_many(3);
    let mut ranked: Vec<Claim> = (1..=9).map(|finder| claim(31, finder, 5)).collect();
    ranked.sort_by_key(Claim::rank);
    let (best, worst) = (ranked[0], ranked[8]);
    desk.hear(peers[0], &prime(5, peers[0], worst.originator, 0, 31));
    desk.verdict(31);
    desk.take_sent();
    desk.hear(peers[0], &prime(5, peers[0], best.originator, 4, 31));
    assert_eq!(desk.node.primes.credit(exponent(31)), Some(best));
    assert_eq!(desk.verifications(), [exponent(31)]);
    assert_eq!(desk.primes_sent().len(), 2);
    assert!(desk.events.iter().any(|event| matches!(event, Event::CreditMoved { .. })));
    desk.hear(peers[0], &prime(6, peers[0], worst.originator, 4, 31));
    let credited = desk.node.primes.credit(exponent(31)).unwrap();
    assert!(credited.rank() <= best.rank());
}

#[test]
fn credit_goes_to_the_originator_never_the_forwarder() {
    let mut desk = Desk::new();
    desk.befriend(at(RELAY));
    desk.hear(at(RELAY), &prime(5, at(RELAY), at("10.0.7.1:5001"), 1, 31));
    desk.verdict(31);
    assert_eq!(desk.node.state_view().largest_prime_finder, Some(at("10.0.7.1:5001")));
}

#[test]
fn an_originator_that_forwards_its_own_message_is_the_envelope() {
    // Address translation: it says 10.9.9.9, and comes from elsewhere.
    let mut desk = Desk::new();
    desk.hear(at(RELAY), &prime(5, at("10.9.9.9:5001"), at("10.9.9.9:5001"), 1, 31));
    desk.verdict(31);
    assert_eq!(desk.node.state_view().largest_prime_finder, Some(at(RELAY)));
}

#[test]
fn each_originators_latest_is_the_one_with_the_highest_id() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut desk = Desk::new();
        desk.befriend(at(RELAY));
        let claims = [(127, 10), (31, 30), (61, 20)];
        for which in order {
            let (number, id) = claims[which];
            desk.hear(at(RELAY), &prime(id, at(RELAY), at("10.0.7.1:5001"), 0, number));
            desk.verdict(number);
        }
        let latest = desk.node.state_view().originators;
        assert_eq!(latest.len(), 1);
        assert_eq!((latest[0].msg_id, latest[0].exponent), (MessageId(30), exponent(31)));
    }
}

#[test]
fn no_peers_can_tell_a_node_who_it_is() {
    use crate::protocol::message::Exchange;
    let port = std::num::NonZeroU16::new(5_001).unwrap();
    let anywhere = Whereabouts { port, bound: "0.0.0.0".parse().unwrap(), advertised: None };
    let birth = Birth { whereabouts: anywhere, ..super::desk::birth(Saved::default()) };
    let mut desk = Desk::born(Settings::default(), birth);
    let peers: Vec<SocketAddr> = (1..=4).map(|host| SocketAddr::new([198, 51, 100, host].into(), 5_001)).collect();
    peers.iter().for_each(|&peer| desk.befriend(peer));
    for &peer in &peers {
        let you = Some(at("203.0.113.66:5001"));
        let answer = Exchange { echo: desk.cookie(peer), you, ..Exchange::default() };
        desk.hear(peer, &super::desk::pong(1, peer, Some(answer)));
    }
    assert_eq!(desk.node.own_address(), at("127.0.0.1:5001"));
}

#[test]
fn a_finder_behind_a_translator_is_credited_by_the_address_that_others_know() {
    let mut desk = Desk::new();
    desk.befriend(at(RELAY));
    desk.found(31);
    let id = desk.primes_sent()[0].1;
    let mut finders = Vec::new();
    for outside in ["198.51.100.1:40001", "198.51.100.1:40002", "198.51.100.1:40003"] {
        desk.hear(at(RELAY), &prime(id, at(RELAY), at(outside), 0, 31));
        finders.push(desk.node.state_view().largest_prime_finder.map(|finder| finder.to_string()));
    }
    // The first takes the place of the form that nobody else can hear; from then on the better rank counts.
    assert_eq!(finders[0].as_deref(), Some("198.51.100.1:40001"));
    let best = |claims: &[&str]| {
        let rank = |outside: &&str| hash::rank(at(outside), MessageId(id), 31);
        claims.iter().copied().min_by_key(rank).map(str::to_owned)
    };
    assert_eq!(finders[2], best(&["198.51.100.1:40001", "198.51.100.1:40002", "198.51.100.1:40003"]));
}

#[test]
fn an_address_that_somebody_made_up_for_a_finder_gives_way_when_its_own_comes_back() {
    let mut desk = Desk::new();
    desk.befriend(at(RELAY));
    desk.found(31);
    let id = desk.primes_sent()[0].1;
    let own = at(super::desk::HOME);
    let worse = (1_u16..).map(|port| SocketAddr::new([198, 51, 100, 1].into(), port));
    let own_rank = hash::rank(own, MessageId(id), 31);
    let made_up = worse.into_iter().find(|&at| hash::rank(at, MessageId(id), 31) > own_rank).unwrap();
    desk.hear(at(RELAY), &prime(id, at(RELAY), made_up, 0, 31));
    assert_eq!(desk.node.state_view().largest_prime_finder, Some(made_up));
    desk.hear(at(RELAY), &prime(id, at(RELAY), own, 0, 31));
    assert_eq!(desk.node.state_view().largest_prime_finder, Some(own));
}

#[test]
fn a_find_is_named_by_its_port_until_it_has_come_back_and_then_by_the_address_others_know() {
    let mut desk = Desk::new();
    desk.befriend(at(RELAY));
    desk.found(31);
    let told = |desk: &mut Desk| -> Vec<(MessageId, NodeRef)> {
        let sent = desk.take_sent().into_iter().filter(|sent| sent.is(MessageType::Prime));
        sent.map(|sent| (sent.message.id, sent.message.originator)).collect()
    };
    let announced = told(&mut desk);
    let (id, name) = announced[0];
    assert_eq!((announced.len(), name), (1, NodeRef::Port(5001.try_into().unwrap())));
    desk.hear(at(RELAY), &prime(id.0, at(RELAY), at(HOME), 0, 31));
    // It has lost it again, and catches up.
    desk.friends.get_mut(&at(RELAY)).unwrap().known = Some(KnownDigest::default());
    desk.wait(seconds(20));
    let again = told(&mut desk);
    assert!(!again.is_empty());
    assert!(again.iter().all(|&told| told == (id, NodeRef::Address(at(HOME)))), "{again:?}");
}
