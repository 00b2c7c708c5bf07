//! Claims: who says that which number is prime, what is known of them, and which of them wait for their test.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use arrayvec::ArrayVec;
use dashmap::DashMap;
use serde::Serialize;

use super::hash::{self, HashKey, TableHasher};
use super::message::{MessageId, Signature};
use crate::mersenne::Exponent;

/// "2^exponent − 1 is prime, and originator found it."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// p of 2^p − 1.
    pub exponent: Exponent,
    /// Who claims it.
    pub originator: SocketAddr,
    /// The id of the claim's message.
    pub id: MessageId,
    /// As it came; kept and passed on unchanged.
    pub signature: Option<Signature>,
}

impl Claim {
    /// The claim's rank: of several valid claims to one prime, the one with the lowest rank is credited, on every node.
    pub fn rank(&self) -> u64 {
        hash::rank(self.originator, self.id, self.exponent.into())
    }

    /// Whether this claim is credited rather than `other`, to the same prime. Equal ranks are decided by what is hashed.
    pub(crate) fn beats(&self, other: &Claim) -> bool {
        // Nodes of the finder's own host may know it by a loopback address, which means nothing elsewhere and has to give
        // way for all to agree.
        let order = |claim: &Claim| {
            let address = claim.originator;
            (address.ip().is_loopback(), claim.rank(), hash::address_bytes(address), claim.id)
        };
        order(self) < order(other)
    }
}

/// How many competing claims to one exponent are kept while it waits for its test.
pub(crate) const RIVALS_MAX: usize = 4;

/// An exponent that waits for its test.
#[derive(Debug)]
struct Waiting {
    /// Who told this node first: his place in the queue is taken.
    source: SocketAddr,
    /// The claims, in the order in which they came.
    claims: ArrayVec<Claim, RIVALS_MAX>,
}

/// The queue of exponents to be tested for others: bounded, smallest first, few for each source.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: DashMap<Exponent, Waiting, TableHasher>,
    /// The exponent that is being tested; 0 for none.
    testing: AtomicU64,
    max: usize,
}

/// What a claim's arrival did to the queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// The claim waits, and these, which wait no longer, are to be forgotten.
    Waits(Vec<Claim>),
    /// There is no place for it.
    Full,
}

/// How many exponents may wait for one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceLimit(pub(crate) usize);

impl Queue {
    pub(crate) fn new(max: usize, table: HashKey) -> Queue {
        let waiting = DashMap::with_hasher_and_shard_amount(TableHasher(table), 2);
        Queue { waiting, testing: AtomicU64::new(0), max }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn contains(&self, exponent: Exponent) -> bool {
        self.waiting.contains_key(&exponent)
    }

    /// The exponent that is being tested.
    pub(crate) fn testing(&self) -> Option<Exponent> {
        Exponent::new(self.testing.load(Ordering::Relaxed)).ok()
    }

    /// Puts a claim in the queue. A full queue gives up its largest exponent for a smaller one, but never the one that is
    /// being tested.
    pub(crate) fn push(&self, claim: Claim, source: SocketAddr, limit: SourceLimit) -> Queued {
        if let Some(mut waiting) = self.waiting.get_mut(&claim.exponent) {
            return Queued::Waits(waiting.join(claim).into_iter().collect());
        }
        let of_source = self.waiting.iter().filter(|waiting| waiting.source == source).count();
        let is_full = of_source >= limit.0 || self.waiting.len() >= self.max;
        let mut dropped = Vec::new();
        if is_full {
            // A source that has its share gives up one of its own: others forward what liars claim, and must not be kept
            // by that from what is true.
            let testing = self.testing();
            let may_go = |waiting: &Waiting| of_source < limit.0 || waiting.source == source;
            let candidates = self.waiting.iter().filter(|waiting| may_go(waiting) && Some(*waiting.key()) != testing);
            let largest = candidates.map(|waiting| *waiting.key()).max();
            match largest {
                Some(largest) if largest > claim.exponent => {
                    dropped.extend(self.waiting.remove(&largest).into_iter().flat_map(|(_, waiting)| waiting.claims));
                }
                Some(_) | None => return Queued::Full,
            }
        }
        self.waiting.insert(claim.exponent, Waiting { source, claims: ArrayVec::from_iter([claim]) });
        Queued::Waits(dropped)
    }

    /// The exponent to test now, if that is not the one being tested already: the smallest. A test that runs gives way
    /// only to an exponent of less than half its size, so that a stream of ever smaller claims cannot stop all work.
    pub(crate) fn next(&self) -> Option<Exponent> {
        let smallest = self.waiting.iter().map(|waiting| *waiting.key()).min()?;
        match self.testing() {
            Some(testing) if u64::from(smallest) * 2 > u64::from(testing) => None,
            Some(_) | None => {
                self.testing.store(smallest.into(), Ordering::Relaxed);
                Some(smallest)
            }
        }
    }

    /// Takes out all claims; nothing is being tested then.
    pub(crate) fn clear(&self) -> Vec<Claim> {
        self.testing.store(0, Ordering::Relaxed);
        let mut claims: Vec<Claim> = self.waiting.iter().flat_map(|waiting| waiting.claims.clone()).collect();
        claims.sort_unstable_by_key(|claim| (claim.exponent, claim.rank()));
        self.waiting.clear();
        claims
    }

    /// Takes out the claims to an exponent, whose fate is known now.
    pub(crate) fn settle(&self, exponent: Exponent) -> ArrayVec<Claim, RIVALS_MAX> {
        if self.testing() == Some(exponent) {
            self.testing.store(0, Ordering::Relaxed);
        }
        self.waiting.remove(&exponent).map(|(_, waiting)| waiting.claims).unwrap_or_default()
    }
}

impl Waiting {
    /// Adds a rival claim to the same exponent and returns the one that has to go for it, if any: the worst.
    fn join(&mut self, claim: Claim) -> Option<Claim> {
        let Err(full) = self.claims.try_push(claim) else { return None };
        let claim = full.element();
        let worst = self.claims.iter_mut().reduce(|worst, at| if worst.beats(at) { at } else { worst })?;
        Some(if claim.beats(worst) { std::mem::replace(worst, claim) } else { claim })
    }
}

/// One originator's newest credited prime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latest {
    /// Who found it.
    pub originator: SocketAddr,
    /// The id of its announcement, which grows with each: the version.
    pub msg_id: MessageId,
    /// p of 2^p − 1.
    pub exponent: Exponent,
}

#[cfg(test)]
mod tests;
