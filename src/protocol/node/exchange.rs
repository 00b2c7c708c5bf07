//! PING and PONG: liveness, proof of address, and how candidates become peers.
//!
//! To an address that has not proven itself a node sends PONGs no longer than the PING they answer and its own first PINGs,
//! nothing else: it cannot be made to flood anybody.

use std::net::SocketAddr;

use arrayvec::ArrayVec;

use super::Node;
use super::receive::{Echo, Sender};
use crate::protocol::address;
use crate::protocol::book::{Candidate, Probe};
use crate::protocol::counters::{DiscoveredVia, DropReason, EvictionReason};
use crate::protocol::event::{Event, PeerKind};
use crate::protocol::message::{Body, Exchange, MAX_DATAGRAM, MAX_SAMPLE, Message, MessageId, MessageType};
use crate::protocol::outbox::{Measurement, Outbox};
use crate::protocol::peers::Peer;
use crate::protocol::settings::PlainPeers;
use crate::protocol::time::Time;

/// Padding of a PING to a stranger, in bytes: with it a PONG of the same length has room for a full sample, and the PING
/// stays below 400 bytes.
const PROBE_PAD: u16 = 200;

/// How many probes are kept for candidates when strangers' PINGs ask for some.
const PROBE_RESERVE: f64 = 10.0;

/// A peer dropped as silent that is back within this time has flapped.
const FLAP: std::time::Duration = std::time::Duration::from_secs(60);

/// A peer is not PINGed twice within this time because of what it sends.
const ASIDE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

impl Node {
    pub(super) fn on_ping(
        &self,
        now: Time,
        sender: Sender,
        message: &Message,
        exchange: Option<&Exchange>,
        length: usize,
        out: &mut Outbox,
    ) {
        self.answer(now, sender, message.id, exchange, length, out);
        let from = sender.address;
        let leaves = exchange.is_some_and(|exchange| exchange.leave);
        let local_plain = sender.peer == Some(PeerKind::Plain) && from.ip().is_loopback();
        if leaves && (sender.echo == Echo::Valid || local_plain) {
            return self.drop_peer(now, from, EvictionReason::Leave, out);
        }
        match (exchange, sender.echo) {
            (Some(exchange), Echo::Valid) => {
                if sender.peer.is_none() && self.has_room() {
                    self.book.add(now, from, DiscoveredVia::Ping);
                    self.book.stirred(now, from);
                    self.probe_if_due(now, from, exchange.nonce, out);
                }
                self.learn(now, from, exchange, out);
            }
            (Some(exchange), Echo::Missing) => self.shake_hands(now, sender, exchange.nonce, out),
            (None, _) => {
                if sender.peer.is_none() && self.has_room() && self.accepts_plain_from(from) {
                    self.add_candidate(now, from, DiscoveredVia::Ping);
                    self.book.stirred(now, from);
                }
            }
        }
    }

    /// Answers a PING: nil with nil, a map with a map.
    fn answer(
        &self,
        now: Time,
        sender: Sender,
        id: MessageId,
        question: Option<&Exchange>,
        length: usize,
        out: &mut Outbox,
    ) {
        let from = sender.address;
        let limit = if sender.is_proven() { MAX_DATAGRAM } else { length };
        let exchange = question.map(|question| Exchange {
            nonce: Some(self.cookies.make(now, from)),
            echo: question.nonce,
            known: Some(self.primes.digest()),
            peers: self.sample_for(from),
            instance: Some(self.instance()),
            accept: match sender.peer {
                Some(_) => Some(true),
                None if self.has_room() => None,
                None => Some(false),
            },
            you: Some(from),
            ..Exchange::default()
        });
        let mut pong = self.own_message(id, Body::Pong(exchange));
        loop {
            let written = out.write(&pong);
            if written.len() <= limit {
                return self.send(from, &pong, self.own_address(), written, out);
            }
            out.unwrite(written);
            if !shrink(&mut pong) {
                return self.counters.dropped.of(DropReason::Amplification).one();
            }
        }
    }

    /// Answers a PING that proves nothing with a PING of our own, so that both sides are proven within two round trips.
    fn shake_hands(&self, now: Time, sender: Sender, nonce: Option<u64>, out: &mut Outbox) {
        let from = sender.address;
        let Some(nonce) = nonce else { return };
        match sender.peer {
            // It has started anew, or becomes more than a plain peer. What it says is not believed before it is proven.
            Some(_) => {
                let take_turn = |peer: &mut Peer| {
                    let is_due = peer.pinged_aside.is_none_or(|sent| now.since(sent) >= ASIDE_INTERVAL);
                    if is_due {
                        peer.pinged_aside = Some(now);
                    }
                    is_due
                };
                if self.peers.with(from, take_turn).unwrap_or(false) {
                    self.ping_peer(now, from, Some(nonce), out);
                }
            }
            None if self.has_room() && !self.own.contains(from) => {
                self.book.add(now, from, DiscoveredVia::Ping);
                self.probe_if_due(now, from, Some(nonce), out);
            }
            None => {}
        }
    }

    /// PINGs a candidate because of what it sent: when its turn has come, and while enough probes are left for others.
    fn probe_if_due(&self, now: Time, from: SocketAddr, echo: Option<u64>, out: &mut Outbox) {
        let is_due = |candidate: Candidate| candidate.probe.is_none() && candidate.next_try <= now;
        if self.book.get(from).is_some_and(is_due) {
            self.probe(now, from, echo, PROBE_RESERVE, out);
        }
    }

    pub(super) fn on_pong(
        &self,
        now: Time,
        sender: Sender,
        id: MessageId,
        exchange: Option<&Exchange>,
        out: &mut Outbox,
    ) {
        let from = sender.address;
        match sender.peer {
            Some(_) => {
                let round_trip = self.peers.with(from, |peer| {
                    let (_, sent) = peer.pinged.take_if(|(pinged, _)| *pinged == id)?;
                    peer.round_trip = Some(now.since(sent));
                    peer.round_trip
                });
                out.measurements.extend(round_trip.flatten().map(Measurement::RoundTrip));
            }
            None => {
                let Some(via) = self.answered(now, sender, id, exchange, out) else {
                    return self.counters.dropped.of(DropReason::Unasked).one();
                };
                let refuses = exchange.is_some_and(|exchange| exchange.accept == Some(false));
                if refuses || !self.has_room() {
                    self.book.add(now, from, via);
                    self.book.refused(now, from, &self.settings);
                } else {
                    let kind = if exchange.is_some() { PeerKind::Proven } else { PeerKind::Plain };
                    self.activate(now, from, kind, via, exchange.and_then(|exchange| exchange.nonce), out);
                }
            }
        }
        if let (Some(exchange), Echo::Valid) = (exchange, sender.echo) {
            if sender.peer.is_some() && exchange.accept == Some(false) {
                self.drop_peer(now, from, EvictionReason::Refused, out);
                self.book.refused(now, from, &self.settings);
            }
            self.learn(now, from, exchange, out);
        }
    }

    /// Whether a PONG from somebody who is no peer answers a PING of ours, and how we came to ask.
    fn answered(
        &self,
        now: Time,
        sender: Sender,
        id: MessageId,
        exchange: Option<&Exchange>,
        out: &mut Outbox,
    ) -> Option<DiscoveredVia> {
        let from = sender.address;
        let candidate = self.book.get(from);
        let scanned = self.scanned.get(&from).map(|probe| *probe);
        let probe = candidate.as_ref().and_then(|candidate| candidate.probe).or(scanned);
        let in_time = probe.filter(|probe| probe.id == id && now.since(probe.sent) <= self.settings.probe_timeout);
        let is_answer = match exchange {
            // The cookie in it was read at that address; the id need not be remembered.
            Some(_) => sender.echo == Echo::Valid,
            None => {
                in_time.is_some()
                    && self.accepts_plain_from(from)
                    && self.peers.count(PeerKind::Plain) < self.settings.plain_max
            }
        };
        if !is_answer || self.own.contains(from) || !self.ids.are_reserved() {
            return None;
        }
        out.measurements.extend(in_time.map(|probe| Measurement::RoundTrip(now.since(probe.sent))));
        let via = if scanned.is_some() { DiscoveredVia::Scan } else { DiscoveredVia::Ping };
        Some(candidate.map_or(via, |candidate| candidate.via))
    }

    /// Makes an address that has answered an active peer.
    fn activate(
        &self,
        now: Time,
        address: SocketAddr,
        kind: PeerKind,
        via: DiscoveredVia,
        nonce: Option<u64>,
        out: &mut Outbox,
    ) {
        let former = self.book.remove(address).and_then(|candidate| candidate.former);
        self.scanned.remove(&address);
        // Who is found again after this node's own sleep did not flap.
        let is_flap = |former| now.since(former) <= FLAP && former > self.timers.awake_since.get();
        if former.is_some_and(is_flap) {
            self.counters.flaps.one();
        }
        self.counters.discovered.of(via).one();
        let mut peer = Peer::new(kind, via, now);
        peer.nonce = nonce;
        peer.next_ping = now + self.random.jittered(self.settings.ping_interval, self.settings.ping_jitter);
        self.timers.deadline.at_most(peer.next_ping);
        self.peers.insert(address, peer);
        out.events.push(Event::PeerUp { peer: address, via, kind });
        match kind {
            // So that we are proven there too.
            PeerKind::Proven => self.ping_peer(now, address, None, out),
            PeerKind::Plain => self.send_largest(now, address, out),
        }
    }

    /// Learns from a PING or PONG that has proven its sender's address.
    fn learn(&self, now: Time, from: SocketAddr, exchange: &Exchange, out: &mut Outbox) {
        let restarted = self.peers.with(from, |peer| {
            peer.nonce = exchange.nonce.or(peer.nonce);
            peer.known = exchange.known.or(peer.known);
            peer.accepts = exchange.accept.or(peer.accepts);
            let before = peer.instance;
            peer.instance = exchange.instance.or(before);
            let restarted = before.is_some() && peer.instance != before;
            if restarted {
                peer.catchup = Default::default();
                peer.accepts = exchange.accept;
            }
            restarted
        });
        if restarted == Some(true) {
            out.events.push(Event::PeerRestarted { peer: from });
        }
        for named in &exchange.peers {
            if let Ok(address) = named.resolve(from) {
                self.add_candidate(now, address, DiscoveredVia::Sample);
            }
        }
        if restarted.is_some() {
            self.catch_up(now, from, out);
        }
    }

    /// Notes an address that may become a peer, to be tried at the next tick.
    pub(super) fn add_candidate(&self, now: Time, address: SocketAddr, via: DiscoveredVia) {
        let Ok(address) = address::reachable(address) else { return };
        if self.own.contains(address) || self.peers.contains(address) {
            return;
        }
        if self.book.add(now, address, via) && self.has_room() {
            self.timers.deadline.at_most(now);
        }
    }

    /// PINGs an address that is no peer, if the probe rate and its entry in the book allow it.
    pub(super) fn probe(&self, now: Time, address: SocketAddr, echo: Option<u64>, reserve: f64, out: &mut Outbox) {
        if !self.ids.are_reserved() || self.book.get(address).is_none() {
            return;
        }
        if !self.budgets.probes.take_above(now, self.settings.probe_rate, reserve) {
            return;
        }
        let id = self.send_probe(now, address, echo, out);
        self.book.probed(address, Probe { id, sent: now });
        self.timers.deadline.at_most(now + self.settings.probe_timeout);
    }

    pub(super) fn send_probe(&self, now: Time, address: SocketAddr, echo: Option<u64>, out: &mut Outbox) -> MessageId {
        let exchange = Exchange {
            nonce: Some(self.cookies.make(now, address)),
            echo,
            known: Some(self.primes.digest()),
            instance: Some(self.instance()),
            pad: PROBE_PAD,
            ..Exchange::default()
        };
        let id = self.originate(MessageType::Ping);
        self.send_own(address, self.own_message(id, Body::Ping(Some(exchange))), out);
        id
    }

    /// PINGs an active peer. `echo` replaces the cookie on record, which is not touched.
    pub(super) fn ping_peer(&self, now: Time, address: SocketAddr, echo: Option<u64>, out: &mut Outbox) {
        let id = self.originate(MessageType::Ping);
        let noted = self.peers.with(address, |peer| {
            peer.pinged = Some((id, now));
            (peer.kind, peer.nonce)
        });
        let Some((kind, nonce)) = noted else { return };
        let exchange = match (kind, echo) {
            // What it does not read is not sent.
            (PeerKind::Plain, None) => None,
            (PeerKind::Plain, Some(_)) | (PeerKind::Proven, _) => Some(Exchange {
                nonce: Some(self.cookies.make(now, address)),
                echo: echo.or(nonce),
                known: Some(self.primes.digest()),
                peers: if kind == PeerKind::Proven { self.sample_for(address) } else { ArrayVec::new() },
                instance: Some(self.instance()),
                ..Exchange::default()
            }),
        };
        self.send_own(address, self.own_message(id, Body::Ping(exchange)), out);
    }

    pub(super) fn send_own(&self, to: SocketAddr, message: Message, out: &mut Outbox) {
        let written = out.write(&message);
        self.send(to, &message, self.own_address(), written, out);
    }

    /// Addresses to recommend to somebody: such as have answered us, chosen at random.
    fn sample_for(&self, to: SocketAddr) -> ArrayVec<address::NodeRef, MAX_SAMPLE> {
        let mut known: Vec<SocketAddr> = self.peers.addresses();
        if known.len() <= MAX_SAMPLE {
            known.extend(self.book.answered());
        }
        // A loopback address means nothing to anybody on another host.
        known.retain(|&address| address != to && (to.ip().is_loopback() || !address.ip().is_loopback()));
        self.random.choose(&mut known, MAX_SAMPLE);
        known.into_iter().map(|address| self.own.name(address)).collect()
    }

    /// Drops an active peer; its address goes back to the book, unless it is our own or
    /// to be forgotten.
    pub(super) fn drop_peer(&self, now: Time, address: SocketAddr, reason: EvictionReason, out: &mut Outbox) {
        let Some(peer) = self.peers.remove(address) else { return };
        self.counters.evictions.of(reason).one();
        out.events.push(Event::PeerDown { peer: address, reason });
        match reason {
            EvictionReason::Timeout | EvictionReason::Leave | EvictionReason::Refused | EvictionReason::Asleep => {
                self.book.add_former(now, address, peer.via);
                self.timers.deadline.at_most(now + std::time::Duration::from_secs(1));
            }
            EvictionReason::Reset if peer.via == DiscoveredVia::Seed => {
                self.book.add(now, address, peer.via);
            }
            EvictionReason::Own | EvictionReason::Reset => {}
        }
    }

    /// Notes that an address is this node itself.
    pub(super) fn meet_oneself(&self, now: Time, address: SocketAddr, out: &mut Outbox) {
        self.book.remove(address);
        self.drop_peer(now, address, EvictionReason::Own, out);
        if self.own.learn(address) {
            out.events.push(Event::OwnAddress { address });
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.peers.len() < self.settings.active_max
    }

    fn accepts_plain_from(&self, from: SocketAddr) -> bool {
        match self.settings.plain_from {
            PlainPeers::Local => address::is_local(from.ip()),
            PlainPeers::Anywhere => true,
        }
    }
}

/// Makes a PONG shorter by what can best be missed; false when nothing is left to leave out.
fn shrink(pong: &mut Message) -> bool {
    let Body::Pong(Some(exchange)) = &mut pong.body else { return false };
    let Exchange { nonce, echo, known, peers, instance, accept, you, .. } = exchange;
    peers.pop().is_some()
        || you.take().is_some()
        || known.take().is_some()
        || instance.take().is_some()
        || accept.take().is_some()
        || nonce.take().is_some()
        || echo.take().is_some()
}
