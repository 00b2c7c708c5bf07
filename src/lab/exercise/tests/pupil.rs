//! A student's node in virtual time: all seven rules, of which any one can be broken.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::super::Pace;
use crate::protocol::address::NodeRef;
use crate::protocol::codec::{decode, encode};
use crate::protocol::message::{Announcement, Body, Message, MessageId, Ttl};

/// One rule broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Mute,
    Garbles,
    SendsFromAnotherPort,
    PingsNobodyItWasTold,
    IgnoresStrangers,
    PingsOnce,
    Floods,
    OnlyPongsCount,
    OnlyPingsCount,
    NeverDrops,
    DropsTooSoon,
    DropsForGood,
    NoPong,
    TwoPongs,
    PongOfItsOwnNumber,
    PongInAnothersName,
    PongForPong,
    ForwardsNothing,
    NoSeenSet,
    SeenByNumber,
    SeenByOriginator,
    PingsAreSeenToo,
    KeepsTtl,
    ForwardsAtZero,
    OwnOriginator,
    OwnNumber,
    KeepsForwarder,
    SendsBack,
    LearnsNobody,
    ForgetsTheNamed,
    KeepsTheNamed,
    TellsNobody,
    CreditsForwarder,
    TellsWithItsOwnNumber,
    LatestTakesAll,
    SecondTakesCredit,
}

impl Fault {
    /// Exercise, place of the condition that must notice, fault.
    pub(super) const ALL: [(u8, usize, Fault); 36] = [
        (5, 0, Fault::KeepsForwarder),
        (1, 1, Fault::PingsNobodyItWasTold),
        (1, 2, Fault::IgnoresStrangers),
        (1, 3, Fault::PingsOnce),
        (1, 3, Fault::Floods),
        (1, 4, Fault::OnlyPongsCount),
        (1, 4, Fault::OnlyPingsCount),
        (2, 1, Fault::IgnoresStrangers),
        (2, 2, Fault::NeverDrops),
        (2, 3, Fault::DropsTooSoon),
        (2, 4, Fault::DropsForGood),
        (3, 1, Fault::NoPong),
        (3, 1, Fault::TwoPongs),
        (3, 2, Fault::PongOfItsOwnNumber),
        (3, 3, Fault::PongInAnothersName),
        (3, 4, Fault::PongForPong),
        (4, 1, Fault::ForwardsNothing),
        (4, 2, Fault::NoSeenSet),
        (4, 3, Fault::SeenByNumber),
        (4, 3, Fault::SeenByOriginator),
        (4, 4, Fault::PingsAreSeenToo),
        (5, 1, Fault::ForwardsNothing),
        (5, 2, Fault::KeepsTtl),
        (5, 3, Fault::ForwardsAtZero),
        (5, 4, Fault::OwnOriginator),
        (5, 4, Fault::OwnNumber),
        (5, 5, Fault::KeepsForwarder),
        (5, 6, Fault::SendsBack),
        (6, 1, Fault::LearnsNobody),
        (6, 2, Fault::ForgetsTheNamed),
        (6, 3, Fault::KeepsTheNamed),
        (7, 1, Fault::TellsNobody),
        (7, 2, Fault::CreditsForwarder),
        (7, 3, Fault::TellsWithItsOwnNumber),
        (7, 4, Fault::LatestTakesAll),
        (7, 5, Fault::SecondTakesCredit),
    ];
}

/// See the [module](self).
pub(super) struct Pupil {
    fault: Option<Fault>,
    own: NonZeroU16,
    pace: Pace,
    now: Duration,
    /// Whom it was told of at the start.
    told: BTreeSet<u16>,
    /// When each was last heard.
    peers: BTreeMap<u16, Duration>,
    was_dropped: BTreeSet<u16>,
    was_pinged: BTreeSet<u16>,
    /// Only named so far.
    named: BTreeSet<u16>,
    seen: BTreeSet<(u64, u16)>,
    pings_seen: BTreeSet<u64>,
    /// The largest prime: exponent, originator, number.
    best: Option<(u64, u16, u64)>,
    next_id: u64,
    next_ping: Duration,
    next_look: Duration,
    /// To whom, from which port, what.
    sent: Vec<(u16, u16, Vec<u8>)>,
}

impl Pupil {
    pub(super) fn new(own: SocketAddr, lab: &[SocketAddr], pace: Pace, now: Duration, fault: Option<Fault>) -> Pupil {
        Pupil {
            fault,
            own: NonZeroU16::new(own.port()).unwrap(),
            pace,
            now,
            told: lab.iter().map(SocketAddr::port).collect(),
            peers: lab.iter().map(|node| (node.port(), now)).collect(),
            was_dropped: BTreeSet::new(),
            was_pinged: BTreeSet::new(),
            named: BTreeSet::new(),
            seen: BTreeSet::new(),
            pings_seen: BTreeSet::new(),
            best: None,
            next_id: 1,
            next_ping: now + pace.ping / 2,
            next_look: now,
            sent: Vec::new(),
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// All that it has to say by now.
    pub(super) fn take_sent(&mut self) -> Vec<(u16, u16, Vec<u8>)> {
        std::mem::take(&mut self.sent)
    }

    fn say(&mut self, to: u16, forwarder: NonZeroU16, originator: u16, id: u64, body: Body) {
        let originator = NodeRef::Port(NonZeroU16::new(originator).unwrap());
        let message = Message { id: MessageId(id), forwarder: NodeRef::Port(forwarder), originator, body };
        let mut datagram = Vec::new();
        encode(&message, &mut datagram);
        if self.has(Fault::Garbles) {
            // The port becomes a text, as a program that mixes up types would write it.
            let place = datagram.windows(9).position(|window| window == b"forwarder").unwrap() + 9;
            datagram.splice(place..place + 3, *b"\xa45004");
        }
        let from = if self.has(Fault::SendsFromAnotherPort) { 40_404 } else { self.own.get() };
        if !self.has(Fault::Mute) {
            self.sent.push((to, from, datagram));
        }
    }

    fn prime(&mut self, to: u16, forwarder: NonZeroU16, (exponent, originator, id): (u64, u16, u64), ttl: u8) {
        let announcement = Announcement { ttl: Ttl(ttl), exponent, signature: None };
        self.say(to, forwarder, originator, id, Body::Prime(announcement));
    }

    pub(super) fn tick(&mut self, now: Duration) {
        self.now = now;
        let own = self.own;
        if now >= self.next_look {
            self.next_look = now + self.pace.timeout / 10;
            let timeout = if self.has(Fault::DropsTooSoon) { self.pace.ping * 6 / 5 } else { self.pace.timeout };
            let silent = self.peers.iter().filter(|&(_, &heard)| now > heard + timeout).map(|(&peer, _)| peer);
            let mut silent: Vec<u16> = silent.collect();
            if self.has(Fault::NeverDrops) {
                silent.clear();
            }
            if self.has(Fault::KeepsTheNamed) {
                silent.retain(|peer| !self.named.contains(peer));
            }
            for peer in silent {
                self.peers.remove(&peer);
                self.was_dropped.insert(peer);
            }
        }
        if now >= self.next_ping {
            let interval = if self.has(Fault::Floods) { self.pace.ping / 20 } else { self.pace.ping };
            self.next_ping = now + interval;
            let peers: Vec<u16> = self.peers.keys().copied().collect();
            for peer in peers {
                let is_told = self.told.contains(&peer);
                if self.has(Fault::PingsNobodyItWasTold) && is_told
                    || self.has(Fault::PingsOnce) && !self.was_pinged.insert(peer)
                {
                    continue;
                }
                let id = self.fresh_id();
                self.say(peer, own, own.get(), id, Body::Ping(None));
            }
        }
    }

    pub(super) fn hear(&mut self, now: Duration, from: u16, datagram: &[u8]) {
        self.now = now;
        let message = decode(datagram).unwrap();
        let counts = match self.fault {
            Some(Fault::OnlyPongsCount) => matches!(message.body, Body::Pong(_)),
            Some(Fault::OnlyPingsCount) => matches!(message.body, Body::Ping(_)),
            Some(_) | None => true,
        };
        let is_welcome = !(self.has(Fault::IgnoresStrangers) && !self.peers.contains_key(&from)
            || self.has(Fault::DropsForGood) && self.was_dropped.contains(&from)
            || self.has(Fault::ForgetsTheNamed) && self.named.contains(&from));
        if counts && is_welcome && self.peers.insert(from, now).is_none() {
            self.greet(from);
        }
        if !self.has(Fault::ForgetsTheNamed) {
            self.named.remove(&from);
        }
        let own = self.own;
        let id = message.id.0;
        match message.body {
            Body::Ping(_) => {
                if self.has(Fault::NoPong) || self.has(Fault::PingsAreSeenToo) && !self.pings_seen.insert(id) {
                    return;
                }
                let answer = if self.has(Fault::PongOfItsOwnNumber) { self.fresh_id() } else { id };
                let originator = if self.has(Fault::PongInAnothersName) { from } else { own.get() };
                for _ in 0..1 + usize::from(self.has(Fault::TwoPongs)) {
                    self.say(from, own, originator, answer, Body::Pong(None));
                }
            }
            Body::Pong(_) => {
                if self.has(Fault::PongForPong) {
                    self.say(from, own, own.get(), id, Body::Pong(None));
                }
            }
            Body::Prime(Announcement { ttl, exponent, .. }) => {
                let originator = port(message.originator);
                self.hear_prime(from, (exponent, originator, id), ttl.0, message.forwarder);
            }
        }
    }

    /// Tells a newcomer of the largest prime.
    fn greet(&mut self, newcomer: u16) {
        if self.has(Fault::TellsNobody) {
            return;
        }
        if let Some((exponent, originator, id)) = self.best {
            let id = if self.has(Fault::TellsWithItsOwnNumber) { self.fresh_id() } else { id };
            self.prime(newcomer, self.own, (exponent, originator, id), 0);
        }
    }

    fn hear_prime(&mut self, from: u16, claim: (u64, u16, u64), ttl: u8, forwarder: NodeRef) {
        let (exponent, originator, id) = claim;
        let name = match self.fault {
            Some(Fault::SeenByNumber) => (id, 0),
            Some(Fault::SeenByOriginator) => (0, originator),
            _ => (id, originator),
        };
        if !self.seen.insert(name) && !self.has(Fault::NoSeenSet) {
            return;
        }
        if !self.has(Fault::LearnsNobody) && self.peers.insert(originator, self.now).is_none() {
            self.named.insert(originator);
        }
        let is_larger = match self.best {
            None => true,
            Some(_) if self.has(Fault::LatestTakesAll) => true,
            Some((best, ..)) if self.has(Fault::SecondTakesCredit) => exponent >= best,
            Some((best, ..)) => exponent > best,
        };
        if is_larger {
            let credited = if self.has(Fault::CreditsForwarder) { from } else { originator };
            self.best = Some((exponent, credited, id));
        }
        let left = match ttl.checked_sub(1) {
            _ if self.has(Fault::ForwardsNothing) => return,
            Some(_) if self.has(Fault::KeepsTtl) => ttl,
            Some(left) => left,
            None if self.has(Fault::ForwardsAtZero) => 0,
            None => return,
        };
        let forwarder = match forwarder {
            NodeRef::Port(port) if self.has(Fault::KeepsForwarder) => port,
            NodeRef::Port(_) | NodeRef::Address(_) => self.own,
        };
        let named = if self.has(Fault::OwnOriginator) { self.own.get() } else { originator };
        let id = if self.has(Fault::OwnNumber) { self.fresh_id() } else { id };
        let sends_back = self.has(Fault::SendsBack);
        let others = self.peers.keys().copied().filter(|&peer| sends_back || peer != from && peer != originator);
        for peer in others.collect::<Vec<u16>>() {
            self.prime(peer, forwarder, (exponent, named, id), left);
        }
    }
}

fn port(node: NodeRef) -> u16 {
    match node {
        NodeRef::Port(port) => port.get(),
        NodeRef::Address(address) => address.port(),
    }
}
