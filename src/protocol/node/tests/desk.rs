//! One node on a desk, and peers made by hand around it. Everything takes no time at all unless a test waits.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use super::*;
use crate::protocol::address::NodeRef;
use crate::protocol::codec;
use crate::protocol::event::PeerKind;
use crate::protocol::message::{Announcement, Exchange, KnownDigest, Ttl};
use crate::protocol::settings::SearchMode;

/// The node's address.
pub(super) const HOME: &str = "10.0.0.1:5001";

/// The wall clock at the node's birth.
pub(super) const WALL_CLOCK: u64 = 1_700_000_000_000_000;

/// A datagram the node has sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) at: Time,
    pub(super) to: SocketAddr,
    pub(super) message: Message,
    pub(super) bytes: usize,
}

/// A peer made by hand that answers every PING at once, unless it is told to be silent.
#[derive(Debug, Clone)]
pub(super) struct Friend {
    /// The node's last cookie for it.
    pub(super) cookie: Option<u64>,
    pub(super) known: Option<KnownDigest>,
    pub(super) instance: u64,
    pub(super) speaks: Speech,
}

/// How a hand-made peer answers a PING.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    Maps,
    Nil,
    Silence,
}

/// Whether the driver carries out `Save`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    Works,
    Fails,
}

pub(super) struct Desk {
    pub(super) node: Node,
    pub(super) now: Time,
    pub(super) sent: Vec<Sent>,
    pub(super) orders: Vec<Order>,
    pub(super) events: Vec<Event>,
    pub(super) friends: BTreeMap<SocketAddr, Friend>,
    pub(super) disk: Disk,
    out: Outbox,
}

/// A friend's own cookie for the node.
pub(super) const NONCE: u64 = 0x0123_4567_89ab_cdef;

pub(super) fn birth(saved: Saved) -> Birth {
    let port = NonZeroU16::new(5001).expect("5001 is not 0");
    Birth {
        seed: *b"a seed for tests",
        now: Time::from_micros(1_000_000),
        whereabouts: Whereabouts { port, bound: at(HOME).ip(), advertised: None },
        wall_clock_micros: WALL_CLOCK,
        saved,
        scan: Scan::default(),
    }
}

pub(super) fn message(id: u64, from: SocketAddr, originator: SocketAddr, body: Body) -> Message {
    let (forwarder, originator) = (NodeRef::Address(from), NodeRef::Address(originator));
    Message { id: MessageId(id), forwarder, originator, body }
}

pub(super) fn ping(id: u64, from: SocketAddr, exchange: Option<Exchange>) -> Message {
    message(id, from, from, Body::Ping(exchange))
}

pub(super) fn pong(id: u64, from: SocketAddr, exchange: Option<Exchange>) -> Message {
    message(id, from, from, Body::Pong(exchange))
}

/// A PRIME with this TTL on its way from `from`.
pub(super) fn prime(id: u64, from: SocketAddr, originator: SocketAddr, ttl: u8, exponent: u64) -> Message {
    let announcement = Announcement { ttl: Ttl(ttl), exponent, signature: None };
    message(id, from, originator, Body::Prime(announcement))
}

pub(super) fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(message, &mut bytes);
    bytes
}

impl Desk {
    pub(super) fn new() -> Desk {
        Desk::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Desk {
        Desk::born(settings, birth(Saved::default()))
    }

    /// A node that was born and has had its first tick.
    pub(super) fn born(settings: Settings, birth: Birth) -> Desk {
        let now = birth.now;
        let mut desk = Desk {
            node: Node::new(settings, birth),
            now,
            sent: Vec::new(),
            orders: Vec::new(),
            events: Vec::new(),
            friends: BTreeMap::new(),
            disk: Disk::Works,
            out: Outbox::new(),
        };
        desk.tick();
        desk
    }

    /// A node that has verified these primes, all found by `finder`.
    pub(super) fn knowing(primes: &[u64], finder: SocketAddr) -> Desk {
        let claim = |(id, &number): (usize, &u64)| {
            let id = MessageId(id as u64 + 1);
            crate::protocol::saved::SavedClaim(Claim {
                exponent: exponent(number),
                originator: finder,
                id,
                signature: None,
            })
        };
        let primes = primes.iter().enumerate().map(claim).collect();
        Desk::born(Settings::default(), birth(Saved { primes, ..Saved::default() }))
    }

    pub(super) fn tick(&mut self) {
        self.node.tick(self.now, &mut self.out);
        self.carry_out();
    }

    /// Lets time pass, with every tick on time.
    pub(super) fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.node.next_deadline() <= end {
            self.now = self.now.max(self.node.next_deadline());
            self.tick();
        }
        self.now = end;
    }

    pub(super) fn hear(&mut self, from: SocketAddr, message: &Message) {
        self.hear_bytes(from, &encoded(message));
    }

    pub(super) fn hear_bytes(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.node.receive(self.now, from, datagram, &mut self.out);
        self.carry_out();
    }

    pub(super) fn verdict(&mut self, number: u64) {
        self.node.verdict(self.now, exponent(number), truth(exponent(number)), &mut self.out);
        self.carry_out();
    }

    pub(super) fn found(&mut self, number: u64) {
        self.found_above(None, number);
    }

    pub(super) fn found_above(&mut self, above: Option<u64>, number: u64) {
        self.node.found(self.now, above.map(exponent), exponent(number), &mut self.out);
        self.carry_out();
    }

    pub(super) fn sleep(&mut self) -> u64 {
        let revision = self.node.sleep(self.now, &mut self.out);
        self.carry_out();
        revision
    }

    pub(super) fn wake(&mut self) -> u64 {
        let revision = self.node.wake(self.now, &mut self.out);
        self.carry_out();
        revision
    }

    pub(super) fn reset(&mut self) -> u64 {
        let revision = self.node.reset(self.now, &mut self.out);
        self.carry_out();
        revision
    }

    pub(super) fn set_search(&mut self, mode: SearchMode) {
        self.node.set_search(mode, &mut self.out);
        self.carry_out();
    }

    /// Whether the message was looked at: a node that sleeps does not.
    pub(super) fn hand_in(&mut self, message: &Message) -> LocalFate {
        let fate = self.node.receive_local(self.now, &encoded(message), &mut self.out);
        self.carry_out();
        fate.expect("what a test hands in can be read")
    }

    pub(super) fn saved(&mut self, revision: u64) {
        self.node.saved(self.now, revision, &mut self.out);
        self.carry_out();
    }

    pub(super) fn leave(&mut self) {
        self.node.leave(self.now, &mut self.out);
        self.carry_out();
    }

    /// Does what a driver does after each call, and lets friends answer until all is said.
    fn carry_out(&mut self) {
        let at = self.now;
        loop {
            let sent: Vec<Sent> = self
                .out
                .datagrams()
                .map(|(to, bytes)| {
                    let message = codec::decode(bytes).expect("a node sends what a node accepts");
                    Sent { at, to, message, bytes: bytes.len() }
                })
                .collect();
            let orders = std::mem::take(&mut self.out.orders);
            self.events.append(&mut self.out.events);
            self.out.clear();
            for &order in &orders {
                match order {
                    Order::ReserveIds { below } => self.node.ids_reserved(below),
                    Order::Save if self.disk == Disk::Works => {
                        let (_, revision) = self.node.state();
                        self.node.saved(self.now, revision, &mut self.out);
                    }
                    Order::Save | Order::Search { .. } | Order::StopSearch | Order::Verify(_) | Order::StopVerify => {}
                }
            }
            self.orders.extend(orders);
            for sent in &sent {
                if let Body::Ping(exchange) = &sent.message.body {
                    self.answer(sent.to, sent.message.id, exchange.as_ref());
                }
            }
            self.sent.extend(sent);
            if self.out.is_empty() {
                return;
            }
        }
    }

    fn answer(&mut self, friend_at: SocketAddr, id: MessageId, question: Option<&Exchange>) {
        let Some(friend) = self.friends.get_mut(&friend_at) else { return };
        friend.cookie = question.and_then(|question| question.nonce).or(friend.cookie);
        let answer = match friend.speaks {
            Speech::Silence => return,
            Speech::Nil => None,
            Speech::Maps => Some(Exchange {
                nonce: Some(NONCE),
                echo: friend.cookie,
                known: friend.known,
                instance: Some(friend.instance),
                accept: Some(true),
                ..Exchange::default()
            }),
        };
        let answer = encoded(&pong(id.0, friend_at, answer));
        self.node.receive(self.now, friend_at, &answer, &mut self.out);
    }

    /// Makes an address a proven peer that answers every PING.
    pub(super) fn befriend(&mut self, address: SocketAddr) {
        let known = Some(self.node.primes.digest());
        self.friends.insert(address, Friend { cookie: None, known, instance: 7, speaks: Speech::Maps });
        let hello = Exchange { nonce: Some(NONCE), instance: Some(7), ..Exchange::default() };
        self.hear(address, &ping(1, address, Some(hello)));
        assert_eq!(self.node.peers.kind(address), Some(PeerKind::Proven), "{address} should be a peer now");
    }

    /// Makes an address answer PINGs from now on; the node does not know of it yet.
    pub(super) fn will_answer(&mut self, address: SocketAddr) {
        self.friends.insert(address, Friend { cookie: None, known: None, instance: 7, speaks: Speech::Maps });
    }

    /// Makes several addresses proven peers: 10.0.1.1, 10.0.1.2 …
    pub(super) fn befriend_many(&mut self, count: usize) -> Vec<SocketAddr> {
        (1..=count)
            .map(|number| {
                let address = SocketAddr::new([10, 0, 1, number as u8].into(), 5001);
                self.befriend(address);
                self.wait(millis(100));
                address
            })
            .collect()
    }

    /// Makes an address a plain peer that answers every PING with nil, if the node takes it.
    pub(super) fn befriend_plain(&mut self, address: SocketAddr) {
        self.friends.insert(address, Friend { cookie: None, known: None, instance: 0, speaks: Speech::Nil });
        self.hear(address, &ping(1, address, None));
        self.wait(millis(100));
    }

    /// From now on a friend answers nothing.
    pub(super) fn silence(&mut self, address: SocketAddr) {
        self.friends.get_mut(&address).expect("it is a friend").speaks = Speech::Silence;
    }

    /// The node's present cookie for a friend.
    pub(super) fn cookie(&self, address: SocketAddr) -> Option<u64> {
        self.friends.get(&address).and_then(|friend| friend.cookie)
    }

    pub(super) fn is_active(&self, address: SocketAddr) -> bool {
        self.node.peers.contains(address)
    }

    /// What was sent since the last call.
    pub(super) fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The PINGs sent to an address since `take_sent` was called last.
    pub(super) fn pings_to(&self, address: SocketAddr) -> Vec<&Sent> {
        self.sent.iter().filter(|sent| sent.to == address && sent.is(MessageType::Ping)).collect()
    }

    /// The PRIMEs sent since `take_sent` was called last.
    pub(super) fn primes_sent(&self) -> Vec<(SocketAddr, u64, u8, u64)> {
        let prime = |sent: &Sent| match &sent.message.body {
            Body::Prime(prime) => Some((sent.to, sent.message.id.0, prime.ttl.0, prime.exponent)),
            Body::Ping(_) | Body::Pong(_) => None,
        };
        self.sent.iter().filter_map(prime).collect()
    }

    pub(super) fn largest(&self) -> Option<Exponent> {
        self.node.state_view().largest_prime
    }

    pub(super) fn verifications(&self) -> Vec<Exponent> {
        let of = |order: &Order| match order {
            Order::Verify(exponent) => Some(*exponent),
            Order::Search { .. } | Order::StopSearch | Order::StopVerify | Order::Save | Order::ReserveIds { .. } => {
                None
            }
        };
        self.orders.iter().filter_map(of).collect()
    }

    pub(super) fn searches(&self) -> usize {
        self.orders.iter().filter(|order| matches!(order, Order::Search { .. })).count()
    }
}

impl Sent {
    pub(super) fn is(&self, message_type: MessageType) -> bool {
        self.message.body.message_type() == message_type
    }

    /// What a PING or PONG carries.
    pub(super) fn exchange(&self) -> Option<&Exchange> {
        match &self.message.body {
            Body::Ping(exchange) | Body::Pong(exchange) => exchange.as_ref(),
            Body::Prime(_) => None,
        }
    }
}
