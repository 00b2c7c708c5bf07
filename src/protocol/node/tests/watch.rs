//! The invariants of section 11 that hold at every moment, checked after every call of a node. The numbers are theirs.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::protocol::codec;
use crate::protocol::counters::{ClaimResult, EvictionReason};
use crate::protocol::hash::{self, HashKey};

/// What a node was called for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call<'a> {
    Receive { from: SocketAddr, datagram: &'a [u8] },
    Other,
}

/// What identifies a PRIME.
type Key = (SocketAddr, MessageId, u64);

/// What is remembered of one host.
#[derive(Debug, Default)]
struct Record {
    /// Of this host, through restarts with its disk.
    largest: Option<Exponent>,
    /// Of this life.
    decided: BTreeSet<Exponent>,
    heard_ttl: BTreeMap<Key, u8>,
    forwards: BTreeMap<Key, usize>,
    sent_ttl: BTreeMap<Key, u8>,
}

/// A node before a call.
pub(super) struct Before {
    peers: Vec<SocketAddr>,
    known: usize,
    proven: bool,
}

/// Rare things that the rules are about, counted: a check that never fired proves nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Rarities {
    pub(super) higher_ttl: u64,
    pub(super) credit_moves: u64,
    pub(super) catch_ups: u64,
    pub(super) refuted: u64,
    pub(super) refused: u64,
    pub(super) timeouts: u64,
    pub(super) stalls: u64,
    pub(super) queue_drops: u64,
    pub(super) verified: u64,
    pub(super) to_unproven: u64,
    pub(super) calls_asleep: u64,
}

/// Sees everything.
pub(super) struct Watch {
    records: Vec<Record>,
    claims: BTreeSet<Key>,
    ids: BTreeMap<(SocketAddr, MessageId), (MessageType, u64)>,
    pub(super) rarities: Rarities,
    /// A hash of everything that was ever sent, when and to whom.
    pub(super) trace: u64,
}

impl Watch {
    pub(super) fn new(hosts: usize) -> Watch {
        Watch {
            records: (0..hosts).map(|_| Record::default()).collect(),
            claims: BTreeSet::new(),
            ids: BTreeMap::new(),
            rarities: Rarities::default(),
            trace: 0,
        }
    }

    /// A new life of a host has begun.
    pub(super) fn born(&mut self, host: usize) {
        let largest = self.records[host].largest;
        self.records[host] = Record { largest, ..Record::default() };
    }

    /// A host was reset: it may know less now, and decide again what it has decided. Its ids it must not forget.
    pub(super) fn reset(&mut self, host: usize) {
        self.records[host] = Record::default();
    }

    /// A host has forgotten everything: it may know less now, and give ids again.
    pub(super) fn disk_lost(&mut self, host: usize, address: SocketAddr) {
        self.records[host].largest = None;
        self.ids.retain(|(of, _), _| *of != address);
    }

    /// Somebody has claimed this, truly or not.
    pub(super) fn claimed(&mut self, originator: SocketAddr, id: MessageId, number: u64) {
        self.claims.insert((originator, id, number));
    }

    pub(super) fn before(&self, node: &Node) -> Before {
        Before { peers: node.peers.addresses(), known: node.primes.all().len(), proven: false }
    }

    #[expect(clippy::too_many_arguments, reason = "a call, its subject and its results")]
    pub(super) fn after(
        &mut self,
        host: usize,
        address: SocketAddr,
        node: &Node,
        now: Time,
        call: Call<'_>,
        before: &Before,
        out: &Outbox,
    ) {
        let mut proven = before.proven;
        if let Call::Receive { from, datagram } = call {
            // 4: what has not been verified changes no known prime and no search.
            assert_eq!(node.primes.all().len(), before.known, "{address} believes what it was told");
            assert!(!out.orders.iter().any(|order| matches!(order, Order::Search { .. })), "{address} was led astray");
            if let Ok(message) = codec::decode(datagram) {
                proven = node.echo(node.own_time(now), from, &message) == receive::Echo::Valid;
                if let Some((key, ttl)) = prime_of(&message, from) {
                    let heard = self.records[host].heard_ttl.entry(key).or_insert(ttl);
                    *heard = ttl.max(*heard);
                }
            }
        }
        for event in &out.events {
            self.note(host, address, event);
        }
        self.check_sleep(address, node, before, out);
        for (to, datagram) in out.datagrams() {
            let written = [&now.as_micros().to_be_bytes()[..], &hash_of(to), datagram].concat();
            self.trace = hash::bytes(HashKey(self.trace, host as u64), &written);
            let is_peer = node.peers.contains(to) || before.peers.contains(&to);
            self.check_datagram(host, address, to, datagram, is_peer, proven, call);
        }
        self.check_node(host, address, node, now);
    }

    fn note(&mut self, host: usize, address: SocketAddr, event: &Event) {
        let record = &mut self.records[host];
        match *event {
            Event::PrimeFound { exponent, id } => {
                let number = u64::from(exponent);
                self.claims.insert((address, id, number));
            }
            // 3: nothing is decided twice in one life.
            Event::PrimeVerified { exponent, .. } => {
                self.rarities.verified += 1;
                assert!(record.decided.insert(exponent), "{address} verified M{exponent} twice");
            }
            Event::ClaimEnded { result: ClaimResult::Refuted, .. } => self.rarities.refuted += 1,
            Event::ClaimEnded { result: ClaimResult::Queue, .. } => self.rarities.queue_drops += 1,
            Event::ClaimEnded { .. } => self.rarities.refused += 1,
            Event::CreditMoved { .. } => self.rarities.credit_moves += 1,
            Event::PeerDown { reason: EvictionReason::Timeout, .. } => self.rarities.timeouts += 1,
            Event::PeerDown { reason: EvictionReason::Own, peer } => panic!("{address} had itself, {peer}, as a peer"),
            Event::Stalled { .. } => self.rarities.stalls += 1,
            Event::PeerDown { .. }
            | Event::Received(_)
            | Event::Sent(_)
            | Event::PeerUp { .. }
            | Event::PeerRestarted { .. }
            | Event::OwnAddress { .. }
            | Event::SearchStarted { .. }
            | Event::ClaimQueued { .. }
            | Event::Asleep
            | Event::Awake
            | Event::Reset
            | Event::Leaving { .. } => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a datagram and what is known of its recipient")]
    fn check_datagram(
        &mut self,
        host: usize,
        address: SocketAddr,
        to: SocketAddr,
        datagram: &[u8],
        is_peer: bool,
        proven: bool,
        call: Call<'_>,
    ) {
        let message = codec::decode(datagram).expect("a node sends what a node accepts");
        let message_type = message.body.message_type();
        // 6: to an unproven address only what section 6 allows.
        if !is_peer {
            self.rarities.to_unproven += 1;
            match (message_type, call) {
                (MessageType::Ping, _) => assert!(datagram.len() <= 400, "a probe of {} bytes", datagram.len()),
                (MessageType::Pong, Call::Receive { from, datagram: question }) => {
                    assert!(from == to && (proven || datagram.len() <= question.len()), "{address} amplifies to {to}");
                }
                (MessageType::Pong, Call::Other) => panic!("{address} sent a PONG nobody asked for"),
                (MessageType::Prime, _) => panic!("{address} sent a PRIME to {to}, which is no peer"),
            }
        }
        let own = message.originator.resolve(address) == Ok(address);
        match prime_of(&message, address) {
            Some((key, ttl)) => self.check_prime(host, address, key, ttl),
            None => assert!(own, "{address} forwarded a {message_type:?}"),
        }
        // Small ids are forgers', in this node's name; its own begin at the clock.
        if own && message_type != MessageType::Pong && message.id.0 > 1 << 40 {
            // 9: no id is used for two messages. A PING goes to one recipient only.
            let content = match &message.body {
                Body::Prime(prime) => prime.exponent,
                Body::Ping(_) | Body::Pong(_) => self.ids.len() as u64,
            };
            self.check_id(address, message.id, (message_type, content));
        }
    }

    fn check_id(&mut self, address: SocketAddr, id: MessageId, content: (MessageType, u64)) {
        let known = *self.ids.entry((address, id)).or_insert(content);
        assert_eq!(known, content, "{address} used {id} twice");
    }

    fn check_prime(&mut self, host: usize, address: SocketAddr, key: Key, ttl: u8) {
        // 8: what is sent on is what somebody claimed, unchanged.
        assert!(self.claims.contains(&key), "{address} sent {key:?}, which nobody claimed");
        let record = &mut self.records[host];
        if key.0 != address && ttl > 0 {
            // 6: the TTL only falls, and nothing is sent for ever.
            let heard = record.heard_ttl.get(&key).copied();
            assert!(heard.is_some_and(|heard| ttl < heard.min(16)), "{address} sent TTL {ttl}, heard {heard:?}");
            let forwards = record.forwards.entry(key).or_default();
            *forwards += 1;
            assert!(*forwards <= 17 * 8, "{address} forwarded {key:?} for the {forwards}th time");
            if record.sent_ttl.insert(key, ttl).is_some_and(|before| ttl > before) {
                self.rarities.higher_ttl += 1;
            }
        }
        if key.0 != address && ttl == 0 && !record.heard_ttl.contains_key(&key) {
            self.rarities.catch_ups += 1;
        }
    }

    /// A node that sleeps says nothing, looks for nothing, has no peers and learns nothing.
    fn check_sleep(&mut self, address: SocketAddr, node: &Node, before: &Before, out: &Outbox) {
        if !node.is_asleep() {
            return;
        }
        let works = |order: &Order| matches!(order, Order::Search { .. } | Order::Verify(_));
        assert!(out.datagrams().len() == 0, "{address} talks in its sleep");
        assert!(!out.orders.iter().any(works), "{address} works in its sleep");
        assert!(node.peers.len() == 0 && node.queue.len() == 0, "{address} has peers or claims in its sleep");
        assert!(node.primes.all().len() <= before.known, "{address} learns in its sleep");
        self.rarities.calls_asleep += 1;
    }

    fn check_node(&mut self, host: usize, address: SocketAddr, node: &Node, now: Time) {
        let (settings, view) = (&node.settings, node.state_view());
        // 5: every table is within its bound.
        assert!(view.peers <= settings.active_max && view.plain_peers <= settings.plain_max);
        assert!(view.address_book <= settings.book_max && view.seen <= 2 * settings.seen_max);
        assert!(view.verification_queue <= settings.verify_max);
        // 8: a node is never its own peer.
        assert!(!node.peers.contains(address), "{address} is its own peer");
        // 1: the largest prime is verified and never decreases.
        let largest = &mut self.records[host].largest;
        assert!(view.largest_prime >= *largest, "{address} knew M{largest:?} and knows {:?}", view.largest_prime);
        // A disk may not have it yet: then it is not promised yet either.
        if node.saved_revision.load(Ordering::Relaxed) >= node.revision.load(Ordering::Relaxed) {
            *largest = view.largest_prime;
        }
        for prime in node.prime_views() {
            assert_eq!(truth(prime.exponent), Verdict::Prime, "{address} believes M{}", prime.exponent);
            // 2: every credit has a claim, valid for exactly that exponent.
            let number = u64::from(prime.exponent);
            assert!(self.claims.contains(&(prime.finder, prime.msg_id, number)), "{address} credits {prime:?}");
        }
        // 7: nobody silent for longer than 10 s and one tick is a peer, but for a stall of this node's own.
        if !node.is_stalled(now) {
            let silent = node.peer_views(now).into_iter().map(|peer| peer.silent).max().unwrap_or_default();
            assert!(silent <= millis(11_010) + settings.stall_after, "{address} has a peer silent for {silent:?}");
        }
    }
}

/// What identifies a PRIME, and its TTL.
pub(super) fn prime_of(message: &Message, envelope: SocketAddr) -> Option<(Key, u8)> {
    let Body::Prime(prime) = &message.body else { return None };
    let (forwarder, originator) = (message.forwarder.resolve(envelope), message.originator.resolve(envelope));
    let originator = if forwarder == originator { envelope } else { originator.ok()? };
    Some(((originator, message.id, prime.exponent), prime.ttl.0))
}

fn hash_of(address: SocketAddr) -> [u8; 18] {
    hash::address_bytes(address)
}

mod the_checks_can_fail {
    use super::super::desk::{encoded, ping, prime};
    use super::*;

    const HOST: &str = "10.0.0.1:5001";
    const OTHER: &str = "10.0.0.2:5001";

    fn watch(message: &Message, is_peer: bool) {
        let mut watch = Watch::new(1);
        watch.claimed(at(OTHER), MessageId(1), 31);
        watch.check_datagram(0, at(HOST), at(OTHER), &encoded(message), is_peer, false, Call::Other);
    }

    #[test]
    #[should_panic(expected = "no peer")]
    fn a_prime_to_a_stranger_is_noticed() {
        watch(&prime(1, at(HOST), at(OTHER), 0, 31), false);
    }

    #[test]
    #[should_panic(expected = "sent TTL 3")]
    fn a_ttl_out_of_nowhere_is_noticed() {
        watch(&prime(1, at(HOST), at(OTHER), 3, 31), true);
    }

    #[test]
    #[should_panic(expected = "nobody claimed")]
    fn a_changed_id_is_noticed() {
        watch(&prime(2, at(HOST), at(OTHER), 0, 31), true);
    }

    #[test]
    #[should_panic(expected = "forwarded a Ping")]
    fn a_forwarded_ping_is_noticed() {
        watch(&Message { originator: ping(1, at(OTHER), None).originator, ..ping(1, at(HOST), None) }, true);
    }

    #[test]
    #[should_panic(expected = "used 5 twice")]
    fn an_id_used_twice_is_noticed() {
        let mut watch = Watch::new(1);
        watch.check_id(at(HOST), MessageId(5), (MessageType::Prime, 31));
        watch.check_id(at(HOST), MessageId(5), (MessageType::Prime, 61));
    }

    #[test]
    #[should_panic(expected = "believes M67")]
    fn a_false_prime_is_noticed() {
        let desk = super::super::desk::Desk::knowing(&[67], at(OTHER));
        Watch::new(1).check_node(0, at(HOST), &desk.node, desk.now);
    }

    #[test]
    #[should_panic(expected = "talks in its sleep")]
    fn a_word_in_ones_sleep_is_noticed() {
        let mut desk = super::super::desk::Desk::new();
        desk.sleep();
        let mut out = Outbox::new();
        let written = out.write(&ping(1, at(HOST), None));
        out.address(at(OTHER), written);
        let mut watch = Watch::new(1);
        let before = watch.before(&desk.node);
        watch.check_sleep(at(HOST), &desk.node, &before, &out);
    }

    #[test]
    #[should_panic(expected = "and knows None")]
    fn a_prime_forgotten_is_noticed() {
        let mut watch = Watch::new(1);
        watch.records[0].largest = Some(exponent(31));
        watch.check_node(0, at(HOST), &super::super::desk::Desk::new().node, Time::ZERO);
    }
}
