//! PING and PONG: liveness, proof of address, and how candidates become peers.
//!
//! To an address that has not proven itself a node sends PONGs no longer than the PING they answer and its own first PINGs,
//! nothing else: it cannot be made to flood anybody.

use std::net::SocketAddr;

use arrayvec::ArrayVec;

use super::Node;
use super::membership::{Newcomer, Place};
use super::probing::PROBE_RESERVE;
use super::receive::{Echo, Sender};
use crate::protocol::address;
use crate::protocol::candidate::Source;
use crate::protocol::counters::{DiscoveredVia, DropReason, EvictionReason};
use crate::protocol::event::{Event, PeerKind};
use crate::protocol::message::{Body, Exchange, MAX_DATAGRAM, Message, MessageId, MessageType};
use crate::protocol::outbox::{Measurement, Outbox};
use crate::protocol::peers::{Origin, Peer};
use crate::protocol::probes::Purpose;
use crate::protocol::ring::RingPosition;
use crate::protocol::settings::PlainPeers;
use crate::protocol::time::Time;

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
                if sender.peer.is_none() {
                    self.meet(now, from, exchange, out);
                }
                self.learn(now, from, exchange, out);
            }
            (Some(exchange), Echo::Missing) => self.shake_hands(now, sender, exchange, out),
            (None, _) => {
                if sender.peer.is_none() && self.wants_peers() && self.accepts_plain_from(from) {
                    self.add_candidate(now, from, DiscoveredVia::Ping, Source::of(from));
                    self.book.stirred(now, from);
                    self.try_soon(now);
                }
            }
        }
    }

    /// Somebody who is no peer has proven his address: he is worth recommending, and PINGed if there is a place for him.
    fn meet(&self, now: Time, from: SocketAddr, exchange: &Exchange, out: &mut Outbox) {
        let purpose = request(exchange);
        let has_place = self.place_for(now, from, purpose) != Place::Taken;
        self.add_candidate(now, from, DiscoveredVia::Ping, Source::of(from));
        if has_place && self.book.get(from).is_none() {
            // He would be a leaf of a node whose book is full of others.
            self.probe_proven(now, from, exchange.nonce, purpose, out);
        } else if has_place {
            self.book.stirred(now, from);
            self.probe_if_due(now, from, exchange.nonce, purpose, out);
        }
        self.book.answered(now, from);
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
                None if self.place_for(now, from, request(question)) == Place::Taken => Some(false),
                None => None,
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
    fn shake_hands(&self, now: Time, sender: Sender, exchange: &Exchange, out: &mut Outbox) {
        let from = sender.address;
        let Some(nonce) = exchange.nonce else { return };
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
            None if self.place_for(now, from, request(exchange)) != Place::Taken && !self.own.contains(from) => {
                self.add_candidate(now, from, DiscoveredVia::Ping, Source::of(from));
                self.probe_if_due(now, from, Some(nonce), request(exchange), out);
            }
            None => {}
        }
    }

    /// PINGs a candidate because of what it sent: when its turn has come, and while enough probes are left for others.
    fn probe_if_due(&self, now: Time, from: SocketAddr, echo: Option<u64>, purpose: Purpose, out: &mut Outbox) {
        if self.book.get(from).is_some_and(|candidate| candidate.next_try.time() <= now) {
            self.probe(now, from, echo, purpose, PROBE_RESERVE, out);
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
                let Some((via, purpose)) = self.answered(now, sender, id, exchange, out) else {
                    return self.counters.dropped.of(DropReason::Unasked).one();
                };
                let was_probed = self.probes.remove(from).is_some();
                self.timers.next_candidates.at_most(now);
                self.timers.deadline.at_most(now);
                let is_new = self.welcome(now, from, exchange, via, purpose, out);
                // So that we are proven there too, and can be recommended to others. What he answers to that ends it.
                if let Some(nonce) = exchange.and_then(|exchange| exchange.nonce).filter(|_| is_new && was_probed) {
                    self.greet(now, from, nonce, out);
                }
            }
        }
        if let (Some(exchange), Echo::Valid) = (exchange, sender.echo) {
            if sender.peer.is_some() && exchange.accept == Some(false) {
                self.drop_peer(now, from, EvictionReason::Refused, out);
            }
            self.learn(now, from, exchange, out);
        }
    }

    /// Takes in somebody who has answered, or notes that he is alive. Whether there is no place for him, and he had not been
    /// known to be alive before.
    fn welcome(
        &self,
        now: Time,
        from: SocketAddr,
        exchange: Option<&Exchange>,
        via: DiscoveredVia,
        purpose: Purpose,
        out: &mut Outbox,
    ) -> bool {
        let is_new = self.book.get(from).is_none_or(|candidate| !candidate.has_answered());
        let is_refused = exchange.is_some_and(|exchange| exchange.accept == Some(false));
        if !is_refused {
            let kind = if exchange.is_some() { PeerKind::Proven } else { PeerKind::Plain };
            let was_named = matches!(via, DiscoveredVia::Seed | DiscoveredVia::Saved | DiscoveredVia::Scan);
            let origin = if purpose.is_own_choice() || was_named { Origin::Chosen } else { Origin::Guest };
            let nonce = exchange.and_then(|exchange| exchange.nonce);
            let newcomer = Newcomer { address: from, kind, via, origin, nonce };
            if self.admit(now, newcomer, purpose, out) != Place::Taken {
                return false;
            }
        }
        self.add_candidate(now, from, via, Source::of(from));
        self.book.answered(now, from);
        self.book.refused(now, from);
        is_new
    }

    /// Whether a PONG from somebody who is no peer answers a PING of ours, and how we came to ask.
    fn answered(
        &self,
        now: Time,
        sender: Sender,
        id: MessageId,
        exchange: Option<&Exchange>,
        out: &mut Outbox,
    ) -> Option<(DiscoveredVia, Purpose)> {
        let from = sender.address;
        let probe = self.probes.get(from);
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
        let purpose = probe.map_or(Purpose::Request, |probe| probe.purpose);
        let via = if purpose == Purpose::Scan { DiscoveredVia::Scan } else { DiscoveredVia::Ping };
        Some((self.book.get(from).map_or(via, |candidate| candidate.via), purpose))
    }

    /// Learns from a PING or PONG that has proven its sender's address.
    fn learn(&self, now: Time, from: SocketAddr, exchange: &Exchange, out: &mut Outbox) {
        let restarted = self.peers.with(from, |peer| {
            peer.nonce = exchange.nonce.or(peer.nonce);
            peer.known = exchange.known.or(peer.known);
            peer.accepts = exchange.accept.or(peer.accepts);
            peer.sees_us_at = exchange.you.map(RingPosition::of).or(peer.sees_us_at);
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
        self.take_sample(now, from, exchange);
        if restarted.is_some() {
            if exchange.you.is_some() {
                self.note_own_address(now);
            }
            self.catch_up(now, from, out);
        }
    }

    /// PINGs somebody who is no peer and has proven his address, so that he knows ours.
    fn greet(&self, now: Time, to: SocketAddr, nonce: u64, out: &mut Outbox) {
        let exchange = Exchange {
            nonce: Some(self.cookies.make(now, to)),
            echo: Some(nonce),
            known: Some(self.primes.digest()),
            instance: Some(self.instance()),
            alone: self.peers.len() == 0,
            ..Exchange::default()
        };
        let id = self.originate(MessageType::Ping);
        self.send_own(to, self.own_message(id, Body::Ping(Some(exchange))), out);
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

    fn accepts_plain_from(&self, from: SocketAddr) -> bool {
        match self.settings.plain_from {
            PlainPeers::Local => address::is_local(from.ip()),
            PlainPeers::Anywhere => true,
        }
    }
}

/// What a PING from somebody who is no peer asks for.
fn request(exchange: &Exchange) -> Purpose {
    if exchange.alone { Purpose::LonelyRequest } else { Purpose::Request }
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
