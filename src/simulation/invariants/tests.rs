//! Each check finds something wrong: a node is called, and an outbox or a state that no good node has is shown to the checker.

use std::num::NonZeroU16;
use std::time::Duration;

use super::*;
use crate::mersenne::Exponent;
use crate::protocol::address::NodeRef;
use crate::protocol::message::{Announcement, Exchange, KnownDigest, MessageId, MessageType, Ttl};
use crate::protocol::{
    Birth, Claim, DiscoveredVia, Order, PeerKind, PeerRole, PeerView, RingPosition, Saved, SavedClaim, Scan, Settings,
    Traffic, Whereabouts,
};

const HERE: HostId = HostId(0);
const NOW: Time = Time::from_micros(1_000_000_000);

fn home() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5_001))
}

fn other() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 5_001))
}

fn exponent(number: u64) -> Exponent {
    Exponent::new(number).unwrap()
}

fn node(saved: Saved) -> Node {
    let whereabouts = Whereabouts { port: NonZeroU16::new(5_001).unwrap(), bound: home().ip(), advertised: None };
    let (seed, wall_clock_micros) = ([7; 16], 1);
    Node::new(
        Settings::default(),
        Birth { seed, now: NOW, whereabouts, wall_clock_micros, saved, scan: Scan::default() },
    )
}

fn knowing(number: u64) -> Saved {
    let claim = Claim { exponent: exponent(number), originator: other(), id: MessageId(9), signature: None };
    Saved { primes: vec![SavedClaim(claim)], ..Saved::default() }
}

/// A message from the node, as it names itself and others.
fn message(id: u64, originator: SocketAddr, body: Body) -> Message {
    let forwarder = NodeRef::Port(NonZeroU16::new(5_001).unwrap());
    let originator = if originator == home() { forwarder } else { NodeRef::Address(originator) };
    Message { id: MessageId(id), forwarder, originator, body }
}

fn prime(id: u64, originator: SocketAddr, ttl: u8) -> Message {
    let announcement = Announcement { ttl: Ttl(ttl), exponent: 31, signature: None };
    message(id, originator, Body::Prime(announcement))
}

fn ping(id: u64, exchange: Option<Exchange>) -> Message {
    message(id, home(), Body::Ping(exchange))
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(message, &mut bytes);
    bytes
}

/// A node that is looked at, with one other host in the world.
struct Scene {
    checker: Checker,
    node: Node,
    truth: Truth,
    out: Outbox,
}

impl Scene {
    fn with(checks: Checks) -> Scene {
        let mut checker = Checker::new(checks);
        checker.added(HERE, home(), None);
        checker.added(HostId(1), other(), None);
        let (node, truth) = (node(Saved::default()), Truth::default());
        checker.born(HERE, &node, &truth, NOW).unwrap();
        Scene { checker, node, truth, out: Outbox::new() }
    }

    fn new() -> Scene {
        Scene::with(Checks::Every)
    }

    /// A scene in which the other host has proven its address, and has claimed M31 with id 1, heard with this TTL.
    fn with_peer(ttl: u8) -> Scene {
        let mut scene = Scene::new();
        let nonce = Some(Exchange { nonce: Some(77), ..Exchange::default() });
        scene.says(&ping(1, nonce));
        scene.call(Call::Ticked).unwrap();
        let echo = Some(Exchange { echo: Some(77), ..Exchange::default() });
        let answer = Message { originator: NodeRef::Port(NonZeroU16::new(5_001).unwrap()), ..ping(1, echo.clone()) };
        let answer = Message { body: Body::Pong(echo), ..answer };
        scene.hears(&answer).unwrap();
        let claim = prime(1, home(), ttl);
        scene.checker.claimed(&claim, other());
        scene.hears(&claim).unwrap();
        scene
    }

    /// The node sends this to the other host in the next call.
    fn says(&mut self, message: &Message) {
        let written = self.out.write(message);
        self.out.address(other(), written);
    }

    fn hears(&mut self, message: &Message) -> Result<(), Wrong> {
        let datagram = encoded(message);
        self.call(Call::Heard { from: other(), datagram: &datagram })
    }

    fn call(&mut self, call: Call<'_>) -> Result<(), Wrong> {
        let before = self.node.sizes();
        self.call_from(call, before)
    }

    /// A call before which the node was like this.
    fn call_from(&mut self, call: Call<'_>, before: Sizes) -> Result<(), Wrong> {
        let out = std::mem::take(&mut self.out);
        let called = Called { host: HERE, node: &self.node, now: NOW, call, out: &out, truth: &self.truth };
        let before = (self.checker.checks == Checks::Every).then_some(before);
        let checked = self.checker.after(&called, before, &mut Faults::default());
        checked.map_err(|violation| {
            assert_eq!((violation.host, violation.at), (HERE, NOW));
            (violation.invariant, violation.what)
        })
    }

    fn happens(&mut self, event: Event) -> Result<(), Wrong> {
        self.out.events.push(event);
        self.call(Call::Reported)
    }
}

/// That something was found wrong, by this rule and in words with these.
#[track_caller]
fn assert_wrong(checked: Result<(), Wrong>, rule: Invariant, words: &str) {
    match checked {
        Ok(()) => panic!("{rule:?} was not found broken"),
        Err((invariant, what)) => assert!(invariant == rule && what.contains(words), "{invariant:?}: {what}"),
    }
}

#[test]
fn a_good_node_is_found_good() {
    let mut scene = Scene::with_peer(3);
    scene.says(&prime(1, other(), 2));
    assert_eq!(scene.hears(&prime(1, home(), 3)), Ok(()));
}

#[test]
fn a_false_prime_and_one_forgotten_are_noticed() {
    let scene = &mut Scene::new();
    let born = |scene: &mut Scene, saved| {
        let born = scene.checker.born(HERE, &node(saved), &scene.truth, NOW);
        born.map_err(|violation| (violation.invariant, violation.what))
    };
    assert_wrong(born(scene, knowing(67)), Invariant::LargestPrime, "believes M67");
    scene.truth.declare(exponent(31));
    assert_wrong(born(scene, knowing(31)), Invariant::Credit, "which nobody claimed");
    scene.checker.records[0].promised = 31;
    assert_wrong(born(scene, Saved::default()), Invariant::LargestPrime, "knew M31 and knows M0");
    scene.checker.disk_lost(HERE);
    assert_eq!(born(scene, Saved::default()), Ok(()));
}

#[test]
fn what_is_decided_twice_is_noticed() {
    let verified = |number| Event::PrimeVerified { exponent: exponent(number), originator: other() };
    let scene = &mut Scene::new();
    assert_eq!(scene.happens(verified(31)), Ok(()));
    assert_wrong(scene.happens(verified(31)), Invariant::Once, "verified M31 twice");
    let (originator, result) = (other(), ClaimResult::Refuted);
    let refuted = Event::ClaimEnded { exponent: 67, originator, result, is_mersenne_number: false };
    assert_eq!(scene.happens(refuted), Ok(()));
    let queued = Event::ClaimQueued { exponent: exponent(67), originator, from: other() };
    assert_wrong(scene.happens(queued), Invariant::Once, "test M67 again");
    scene.checker.reset(HERE);
    assert_eq!(scene.happens(queued), Ok(()));
}

#[test]
fn what_was_not_verified_and_has_an_effect_is_noticed() {
    let scene = &mut Scene::new();
    let wiser = Sizes { known: KnownDigest { count: 1, largest: 31, xor: 5 }, ..scene.node.sizes() };
    let datagram = encoded(&ping(1, None));
    let heard = Call::Heard { from: other(), datagram: &datagram };
    assert_wrong(scene.call_from(heard, wiser), Invariant::Unverified, "believes");
    assert_wrong(scene.call_from(Call::Ticked, wiser), Invariant::Unverified, "from the clock");
    scene.out.orders.push(Order::Search { above: None });
    assert_wrong(scene.call(heard), Invariant::Unverified, "astray");
    scene.says(&ping(9, None));
    let unreadable = Call::Heard { from: other(), datagram: b"what?" };
    assert_wrong(scene.call(unreadable), Invariant::Unverified, "cannot be read");
    for result in [ClaimResult::Factored, ClaimResult::Budget] {
        let (originator, is_mersenne_number) = (other(), false);
        scene.out.events.push(Event::ClaimEnded { exponent: 29, originator, result, is_mersenne_number });
        scene.out.orders.push(Order::Verify(exponent(29)));
        assert_wrong(scene.call(heard), Invariant::Unverified, "refused");
    }
    let forgetful = Sizes { seen: 1, ..scene.node.sizes() };
    let (exponent, originator, is_mersenne_number) = (29, other(), false);
    let result = ClaimResult::Factored;
    scene.out.events.push(Event::ClaimEnded { exponent, originator, result, is_mersenne_number });
    assert_wrong(scene.call_from(heard, forgetful), Invariant::Unverified, "refused");
}

#[test]
fn a_table_beyond_its_bound_is_noticed() {
    let node = node(Saved::default());
    let (sizes, settings) = (node.sizes(), node.settings());
    let full = [
        Sizes { peers: settings.active_max + 2 * settings.leaves_per_side, ..sizes },
        Sizes { book: settings.book_max, ..sizes },
        Sizes { seen: 2 * settings.seen_max, ..sizes },
        Sizes { waiting: settings.verify_max, ..sizes },
    ];
    assert!(full.iter().all(|&sizes| state::check_bounds(&node, sizes).is_ok()));
    for (place, full) in full.into_iter().enumerate() {
        let mut over = full;
        *[&mut over.peers, &mut over.book, &mut over.seen, &mut over.waiting][place] += 1;
        assert_wrong(state::check_bounds(&node, over), Invariant::Bounds, "more than");
    }
}

#[test]
fn a_ttl_out_of_nowhere_and_one_that_grows_are_noticed() {
    let mut scene = Scene::with_peer(3);
    scene.says(&prime(1, other(), 3));
    assert_wrong(scene.hears(&prime(1, home(), 3)), Invariant::Ttl, "sent TTL 3");
    scene.says(&prime(1, other(), 17));
    assert_wrong(scene.call(Call::Ticked), Invariant::Ttl, "sent TTL 17");
    let unheard = prime(2, home(), 3);
    scene.checker.claimed(&unheard, other());
    scene.says(&prime(2, other(), 2));
    assert_wrong(scene.call(Call::Ticked), Invariant::Ttl, "has not heard");
    for _ in 0..17 * 8 {
        scene.says(&prime(1, other(), 2));
    }
    assert_eq!(scene.call(Call::Ticked), Ok(()));
    scene.says(&prime(1, other(), 2));
    assert_wrong(scene.call(Call::Ticked), Invariant::Ttl, "for the 137th time");
}

#[test]
fn what_must_not_go_to_an_unproven_address_is_noticed() {
    let scene = &mut Scene::new();
    scene.checker.claimed(&prime(1, home(), 0), other());
    scene.says(&prime(1, other(), 0));
    assert_wrong(scene.call(Call::Ticked), Invariant::Unproven, "has proven nothing");
    scene.says(&ping(10, Some(Exchange { pad: 350, ..Exchange::default() })));
    assert_wrong(scene.call(Call::Ticked), Invariant::Unproven, "a probe of");
    for id in 11..50 {
        scene.says(&ping(id, None));
    }
    assert_wrong(scene.call(Call::Ticked), Invariant::Unproven, "more probes than it may");
}

#[test]
fn an_answer_nobody_asked_for_and_one_that_amplifies_are_noticed() {
    let scene = &mut Scene::new();
    let pong = |exchange| message(5, home(), Body::Pong(exchange));
    scene.says(&pong(None));
    assert_wrong(scene.call(Call::Ticked), Invariant::Unproven, "nobody asked for");
    scene.says(&pong(None));
    assert_wrong(scene.hears(&ping(6, None)), Invariant::Unproven, "nobody asked for");
    scene.says(&pong(None));
    assert_eq!(scene.hears(&ping(5, None)), Ok(()));
    scene.says(&pong(Some(Exchange { nonce: Some(1), ..Exchange::default() })));
    assert_wrong(scene.hears(&ping(5, None)), Invariant::Unproven, "answered");
}

#[test]
fn a_silent_peer_and_one_that_never_proved_itself_are_noticed() {
    let scene = Scene::with_peer(0);
    let record = &scene.checker.records[0];
    let peer = |address, silent, kind| PeerView {
        address,
        kind,
        via: DiscoveredVia::Seed,
        role: PeerRole::Chosen,
        position: RingPosition::of(address),
        active: Duration::from_secs(60),
        silent: Duration::from_secs(silent),
        round_trip: None,
        instance: None,
        known: None,
        accepts: None,
    };
    let check = |peers: &[PeerView], now| state::check_peers(peers, &Settings::default(), now, record);
    let proven = peer(other(), 1, PeerKind::Proven);
    assert_eq!(check(std::slice::from_ref(&proven), NOW), Ok(()));
    assert_wrong(check(&[peer(other(), 14, PeerKind::Proven)], NOW), Invariant::Liveness, "silent for 14s");
    let later = NOW + Duration::from_secs(14);
    assert_wrong(check(&[proven], later), Invariant::Liveness, "silent for 14s");
    let stranger = SocketAddr::from(([10, 0, 0, 9], 5_001));
    assert_wrong(check(&[peer(stranger, 1, PeerKind::Proven)], NOW), Invariant::Liveness, "as a peer");
    let plain = vec![peer(stranger, 1, PeerKind::Plain); 5];
    assert_wrong(check(&plain, NOW), Invariant::Bounds, "5 plain peers");
}

#[test]
fn a_node_that_is_its_own_peer_is_noticed() {
    let outside = SocketAddr::from(([198, 51, 100, 1], 5_001));
    for checks in [Checks::Every, Checks::Light] {
        let scene = &mut Scene::with(checks);
        scene.checker.alias(outside, HERE);
        let up = |peer| Event::PeerUp { peer, via: DiscoveredVia::Sample, kind: PeerKind::Proven };
        assert_wrong(scene.happens(up(home())), Invariant::OwnPeer, "has itself");
        assert_wrong(scene.happens(up(outside)), Invariant::OwnPeer, "has itself");
        assert_eq!(scene.happens(up(other())), Ok(()));
    }
    let down = |peer| Event::PeerDown { peer, reason: EvictionReason::Own };
    assert_wrong(Scene::new().happens(down(home())), Invariant::OwnPeer, "has itself");
    assert_eq!(Scene::new().happens(down(other())), Ok(()), "who was taken for itself is not");
}

#[test]
fn what_is_forwarded_and_must_not_be_is_noticed() {
    let mut scene = Scene::with_peer(3);
    scene.says(&prime(2, other(), 2));
    assert_wrong(scene.hears(&prime(1, home(), 3)), Invariant::Forwarding, "which nobody claimed");
    scene.says(&message(70, other(), Body::Ping(None)));
    assert_wrong(scene.call(Call::Ticked), Invariant::Forwarding, "forwarded a PING");
    scene.says(&message(1, other(), Body::Pong(None)));
    assert_wrong(scene.hears(&ping(1, None)), Invariant::Forwarding, "forwarded a PONG");
}

#[test]
fn an_id_given_twice_is_noticed_even_after_a_restart() {
    let scene = &mut Scene::new();
    scene.says(&ping(10, None));
    assert_eq!(scene.call(Call::Ticked), Ok(()));
    scene.says(&ping(10, None));
    assert_wrong(scene.call(Call::Ticked), Invariant::Ids, "gave the id 10 after 10");
    scene.checker.born(HERE, &node(Saved::default()), &Truth::default(), NOW).unwrap();
    let found = Event::PrimeFound { exponent: exponent(31), id: MessageId(9) };
    assert_wrong(scene.happens(found), Invariant::Ids, "gave the id 9 after 10");
}

#[test]
fn a_node_that_does_anything_in_its_sleep_is_noticed() {
    let scene = &mut Scene::new();
    scene.node.sleep(NOW, &mut Outbox::new());
    assert_eq!(scene.call(Call::Told), Ok(()));
    scene.says(&ping(3, None));
    assert_wrong(scene.call(Call::Ticked), Invariant::Sleep, "talks");
    scene.out.orders.push(Order::Search { above: None });
    assert_wrong(scene.call(Call::Ticked), Invariant::Sleep, "works");
}

#[test]
fn a_datagram_that_nobody_could_take_in_is_noticed() {
    let scene = &mut Scene::new();
    scene.says(&ping(3, Some(Exchange { pad: 1_300, ..Exchange::default() })));
    assert_wrong(scene.call(Call::Ticked), Invariant::Datagram, "bytes");
    let Scene { node, truth, out, checker } = scene;
    let called = Called { host: HERE, node, now: NOW, call: Call::Ticked, out, truth };
    let unreadable = datagrams::check_form(&called, b"what?", &checker.claims);
    assert_wrong(unreadable, Invariant::Datagram, "cannot be read");
}

#[test]
fn light_checks_notice_a_ttl_a_length_and_in_samples_a_forwarded_ping() {
    let scene = &mut Scene::with(Checks::Light);
    let sent = |msg_type, ttl, bytes| {
        let (peer, originator) = (other(), home());
        Event::Sent(Traffic { msg_type, peer, msg_id: MessageId(1), originator, ttl: Ttl(ttl), data: None, bytes })
    };
    assert_eq!(scene.happens(sent(MessageType::Prime, 16, 100)), Ok(()));
    assert_wrong(scene.happens(sent(MessageType::Prime, 17, 100)), Invariant::Ttl, "TTL 17");
    assert_wrong(scene.happens(sent(MessageType::Ping, 0, 1_201)), Invariant::Datagram, "1201");
    for _ in 0..SAMPLED {
        scene.says(&message(70, other(), Body::Ping(None)));
    }
    assert_wrong(scene.call(Call::Ticked), Invariant::Forwarding, "forwarded a PING");
}
