//! What is remembered of one host, to compare what it does now with what it did before.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use super::claims::{Claims, Key};
use super::proofs::Proofs;
use super::{Called, Invariant, Wrong};
use crate::protocol::message::MessageId;
use crate::protocol::{ClaimResult, Event, EvictionReason, Neighbours, Settings, Time};
use crate::simulation::address_hasher::AddressHasher;

/// With more claims than these, those are forgotten that the node has long forgotten too.
const CLAIMS_MAX: usize = 8_192;

/// How one claim went through a host.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Passing {
    /// The highest TTL it was heard with.
    pub(super) heard: Option<u8>,
    /// The TTL it was sent with last.
    pub(super) sent: Option<u8>,
    /// How often it was forwarded.
    pub(super) forwards: usize,
    /// When it was heard last.
    pub(super) last: Time,
}

/// What is remembered of one host.
#[derive(Debug)]
pub(super) struct Record {
    /// The largest exponent that was durable, through all lives with one disk.
    pub(super) promised: u64,
    /// The largest exponent of this life.
    pub(super) largest: u64,
    /// Exponents that were decided in this life.
    decided: HashSet<u64, AddressHasher>,
    pub(super) passing: HashMap<Key, Passing, AddressHasher>,
    pub(super) proofs: Proofs,
    /// The highest id given, through all lives with one disk.
    highest: MessageId,
    pub(super) neighbours: Option<Neighbours>,
    /// When its peers are looked at again.
    pub(super) next_look: Time,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            promised: 0,
            largest: 0,
            decided: HashSet::default(),
            passing: HashMap::default(),
            proofs: Proofs::default(),
            highest: MessageId(0),
            neighbours: None,
            next_look: Time::ZERO,
        }
    }
}

impl Record {
    /// A new life begins.
    pub(super) fn born(&mut self, settings: &Settings) {
        let (promised, highest) = (self.promised, self.highest);
        *self = Record { promised, highest, ..Record::default() };
        self.proofs.born(settings.probe_rate);
    }

    pub(super) fn reset(&mut self) {
        (self.promised, self.largest) = (0, 0);
        self.decided.clear();
        self.passing.clear();
    }

    pub(super) fn disk_lost(&mut self) {
        (self.promised, self.highest) = (0, MessageId(0));
    }

    /// An exponent is known without having been decided in this life.
    pub(super) fn knows(&mut self, exponent: u64) {
        self.decided.insert(exponent);
    }

    /// A claim was heard.
    pub(super) fn heard(&mut self, now: Time, key: Key, ttl: u8) {
        let passing = self.passing.entry(key).or_default();
        passing.heard = passing.heard.max(Some(ttl));
        passing.last = now;
    }

    /// Forgets claims that were heard long ago, when they are many.
    pub(super) fn tidy(&mut self, now: Time, settings: &Settings) {
        if self.passing.len() > CLAIMS_MAX {
            self.passing.retain(|_, passing| now.since(passing.last) <= 3 * settings.seen_for);
        }
    }

    /// An id was given. It must be higher than every one before.
    pub(super) fn gave(&mut self, id: MessageId) -> Result<(), Wrong> {
        if id <= self.highest {
            return Err((Invariant::Ids, format!("gave the id {id} after {}", self.highest)));
        }
        self.highest = id;
        Ok(())
    }

    /// Something has happened at the host.
    pub(super) fn note(&mut self, called: &Called<'_>, event: &Event, claims: &mut Claims) -> Result<(), Wrong> {
        match *event {
            Event::PrimeFound { exponent, id } => {
                claims.found(called.host, id, exponent.into());
                self.gave(id)?;
                self.decide(exponent.into(), "found")
            }
            Event::PrimeVerified { exponent, .. } => self.decide(exponent.into(), "verified"),
            // Several claims to one number end together.
            Event::ClaimEnded { result: ClaimResult::Refuted, exponent, .. } => {
                self.decided.insert(exponent);
                Ok(())
            }
            Event::ClaimQueued { exponent, .. } if self.is_decided(exponent.into(), called) => {
                Err((Invariant::Once, format!("is to test M{exponent} again")))
            }
            // Who sends back to it what it has said is believed to be itself, but is not.
            Event::PeerUp { peer, .. } | Event::PeerDown { reason: EvictionReason::Own, peer } => {
                check_own_peer(called, peer, claims)
            }
            Event::Stalled { gap } => {
                self.proofs.stalled(gap);
                Ok(())
            }
            Event::ClaimEnded { .. }
            | Event::ClaimQueued { .. }
            | Event::CreditMoved { .. }
            | Event::PeerDown { .. }
            | Event::Received(_)
            | Event::Sent(_)
            | Event::PeerRestarted { .. }
            | Event::OwnAddress { .. }
            | Event::SearchStarted { .. }
            | Event::Asleep
            | Event::Awake
            | Event::Reset
            | Event::Leaving { .. } => Ok(()),
        }
    }

    /// Nothing is decided twice in one life.
    fn decide(&mut self, exponent: u64, how: &str) -> Result<(), Wrong> {
        if self.decided.insert(exponent) {
            return Ok(());
        }
        Err((Invariant::Once, format!("{how} M{exponent} twice")))
    }

    fn is_decided(&self, exponent: u64, called: &Called<'_>) -> bool {
        // A node remembers only so many numbers that it has tested in vain.
        self.decided.contains(&exponent) && self.decided.len() <= called.node.settings().refuted_max
    }
}

/// Whether a new peer is somebody else.
pub(super) fn check_own_peer(called: &Called<'_>, peer: SocketAddr, claims: &Claims) -> Result<(), Wrong> {
    if claims.host(peer) == Some(called.host) {
        return Err((Invariant::OwnPeer, format!("has itself, {peer}, as a peer")));
    }
    Ok(())
}
