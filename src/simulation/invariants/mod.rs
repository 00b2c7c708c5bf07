//! What must hold after every event, whatever happens: section 11 of the protocol, 1 to 9.
//!
//! The checks look at what a node did from outside, and remember by themselves what it may rely on; they return what is wrong
//! and never panic. Each has a test in which it finds something wrong.
//!
//! * `claims`: what was ever claimed, and who is who · `proofs`: which addresses have proven themselves to whom
//! * `datagrams`: what a node sends · `state`: what it holds · `record`: what is remembered of it for both

use std::fmt;
use std::net::SocketAddr;

use super::faults::{Faults, Rarity};
use super::host::HostId;
use super::truth::Truth;
use crate::protocol::message::{Body, Message};
use crate::protocol::{ClaimResult, Event, EvictionReason, Node, Outbox, Sizes, Time, codec};
use claims::Claims;
use record::Record;

mod claims;
mod datagrams;
mod proofs;
mod record;
mod state;
#[cfg(test)]
mod tests;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// Everything, after every event: for worlds of up to 64 hosts.
    Every,
    /// What takes a constant time: bounds, TTLs, sizes, that only PRIME is forwarded, that nobody is his own peer. For large
    /// worlds. Disks are perfect then, and hold nothing while their host lives.
    Light,
}

/// A rule that must hold at every moment; the numbers are those of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// 1: the largest prime a node holds is verified and never decreases, through restarts with its disk too.
    LargestPrime,
    /// 2: every credit has a claim that is valid for exactly that exponent.
    Credit,
    /// 3: a message is processed at most once in a life.
    Once,
    /// 4: what failed its checks changes nothing; what is not verified changes no knowledge and no search.
    Unverified,
    /// 5: every table is within its bound.
    Bounds,
    /// 6: forwards and TTLs are limited.
    Ttl,
    /// 6: to an unproven address goes only what may.
    Unproven,
    /// 7: a peer has answered lately.
    Liveness,
    /// 8: a node is never its own peer.
    OwnPeer,
    /// 8: only PRIMEs are forwarded, unchanged.
    Forwarding,
    /// 9: no id is used for two messages.
    Ids,
    /// A node that sleeps says, learns and looks for nothing.
    Sleep,
    /// What a node sends can be read, and is no longer than a datagram may be.
    Datagram,
}

/// What was found wrong, where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule that was broken.
    pub invariant: Invariant,
    /// By whom.
    pub host: HostId,
    /// When.
    pub at: Time,
    /// How, in words.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { invariant, host, at, what } = self;
        write!(f, "{invariant:?} broken by host {} at {:.6} s: {what}", host.0, at.as_micros() as f64 / 1e6)
    }
}

impl std::error::Error for Violation {}

/// A rule that was broken, and how.
pub(super) type Wrong = (Invariant, String);

/// What a node was called for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call<'a> {
    /// A datagram came.
    Heard { from: SocketAddr, datagram: &'a [u8] },
    /// By the clock.
    Ticked,
    /// Its driver reported what became of an order.
    Reported,
    /// Its owner told it something.
    Told,
}

/// A call that was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Called<'a> {
    pub(super) host: HostId,
    pub(super) node: &'a Node,
    pub(super) now: Time,
    pub(super) call: Call<'a>,
    pub(super) out: &'a Outbox,
    pub(super) truth: &'a Truth,
}

/// In worlds with light checks one datagram of so many is looked at as a whole.
const SAMPLED: u64 = 64;

/// Sees everything that honest nodes do.
#[derive(Debug)]
pub(super) struct Checker {
    checks: Checks,
    claims: Claims,
    /// Of each host, by its number; with light checks, of none.
    records: Vec<Record>,
    sent: u64,
}

impl Checker {
    pub(super) fn new(checks: Checks) -> Checker {
        Checker { checks, claims: Claims::default(), records: Vec::new(), sent: 0 }
    }

    /// A host was added.
    pub(super) fn added(&mut self, host: HostId, address: SocketAddr, advertised: Option<SocketAddr>) {
        self.claims.name(host, address);
        advertised.iter().for_each(|&address| self.claims.alias(host, address));
        if self.checks == Checks::Every {
            self.records.push(Record::default());
        }
    }

    /// A NAT shows a host under another address.
    pub(super) fn alias(&mut self, outside: SocketAddr, host: HostId) {
        self.claims.alias(host, outside);
    }

    /// A new life of a host has begun.
    pub(super) fn born(&mut self, host: HostId, node: &Node, truth: &Truth, now: Time) -> Result<(), Violation> {
        let Some(record) = self.records.get_mut(host.index()) else { return Ok(()) };
        record.born(node.settings());
        let born = state::check_birth(record, &self.claims, truth, node);
        born.map_err(|(invariant, what)| Violation { invariant, host, at: now, what })
    }

    /// A host is about to be reset: it may know less then, and decide again what it has decided. Its ids it must not forget.
    pub(super) fn reset(&mut self, host: HostId) {
        if let Some(record) = self.records.get_mut(host.index()) {
            record.reset();
        }
    }

    /// A host has forgotten everything: it may know less in its next life, and give ids again.
    pub(super) fn disk_lost(&mut self, host: HostId) {
        if let Some(record) = self.records.get_mut(host.index()) {
            record.disk_lost();
        }
    }

    /// Somebody hostile says this to somebody, truly or not.
    pub(super) fn claimed(&mut self, message: &Message, envelope: SocketAddr) {
        if self.checks == Checks::Every {
            self.claims.told(message, envelope);
        }
    }

    /// What has to be known of a node before it is called.
    pub(super) fn before(&self, node: &Node) -> Option<Sizes> {
        (self.checks == Checks::Every).then(|| node.sizes())
    }

    /// Checks a call that was made.
    pub(super) fn after(
        &mut self,
        called: &Called<'_>,
        before: Option<Sizes>,
        faults: &mut Faults,
    ) -> Result<(), Violation> {
        let checked = match before {
            Some(before) => self.check_all(called, before, faults),
            None => self.check_some(called, faults),
        };
        let at = called.now;
        checked.map_err(|(invariant, what)| Violation { invariant, host: called.host, at, what })
    }

    fn check_all(&mut self, called: &Called<'_>, before: Sizes, faults: &mut Faults) -> Result<(), Wrong> {
        let Some(record) = self.records.get_mut(called.host.index()) else { return Ok(()) };
        let heard = match called.call {
            Call::Heard { datagram, .. } => codec::decode(datagram).ok(),
            Call::Ticked | Call::Reported | Call::Told => None,
        };
        if let (Call::Heard { from, .. }, Some(message)) = (called.call, &heard) {
            record.proofs.heard(called.now, from, message);
            if let Some((key, ttl)) = self.claims.key_of(message, from) {
                record.heard(called.now, key, ttl);
            }
        }
        let after = called.node.sizes();
        for event in &called.out.events {
            rarity_of(event).into_iter().for_each(|rarity| faults.one_rare(rarity));
            record.note(called, event, &mut self.claims)?;
        }
        state::check_unverified(called, heard.as_ref(), before, after)?;
        datagrams::check(called, heard.as_ref(), record, &self.claims, faults)?;
        state::check(called, before, after, record, &self.claims, faults)
    }

    /// What is checked in large worlds.
    fn check_some(&mut self, called: &Called<'_>, faults: &mut Faults) -> Result<(), Wrong> {
        for event in &called.out.events {
            rarity_of(event).into_iter().for_each(|rarity| faults.one_rare(rarity));
            if let Event::PeerUp { peer, .. } = event {
                record::check_own_peer(called, *peer, &self.claims)?;
            }
            if let Event::Sent(traffic) = event {
                datagrams::check_traffic(called, traffic)?;
            }
        }
        for (_, datagram) in called.out.datagrams() {
            self.sent += 1;
            if self.sent.is_multiple_of(SAMPLED) {
                datagrams::check_form(called, datagram, &self.claims)?;
            }
        }
        match called.call {
            Call::Ticked => state::check_bounds(called.node, called.node.sizes()),
            Call::Heard { .. } | Call::Reported | Call::Told => Ok(()),
        }
    }
}

/// The rare branch that an event tells of.
fn rarity_of(event: &Event) -> Option<Rarity> {
    match event {
        Event::PrimeVerified { .. } => Some(Rarity::Verified),
        Event::ClaimEnded { result: ClaimResult::Refuted, .. } => Some(Rarity::Refuted),
        Event::ClaimEnded { result: ClaimResult::Queue, .. } => Some(Rarity::QueueDrop),
        Event::ClaimEnded { .. } => Some(Rarity::Refused),
        Event::CreditMoved { .. } => Some(Rarity::CreditMoved),
        Event::PeerDown { reason: EvictionReason::Timeout, .. } => Some(Rarity::TimedOut),
        Event::PeerDown { reason: EvictionReason::Displaced, .. } => Some(Rarity::Displaced),
        Event::PeerRestarted { .. } => Some(Rarity::PeerRestarted),
        Event::OwnAddress { .. } => Some(Rarity::OwnAddress),
        Event::Stalled { .. } => Some(Rarity::StallNoticed),
        Event::PeerDown { .. }
        | Event::Received(_)
        | Event::Sent(_)
        | Event::PeerUp { .. }
        | Event::SearchStarted { .. }
        | Event::PrimeFound { .. }
        | Event::ClaimQueued { .. }
        | Event::Asleep
        | Event::Awake
        | Event::Reset
        | Event::Leaving { .. } => None,
    }
}

/// Whether a message is a PRIME.
fn is_prime(message: &Message) -> bool {
    matches!(message.body, Body::Prime(_))
}
