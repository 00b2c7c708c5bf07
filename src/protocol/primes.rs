//! The Mersenne primes this node knows: each verified here, each with the one claim that is credited.
//!
//! What a node knows never shrinks unless it is told to forget all of it, and two nodes that heard the same valid claims credit the same ones, in whatever order
//! they heard them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use super::claims::{Claim, Latest};
use super::hash::{self, HashKey, TableHasher};
use super::message::KnownDigest;
use crate::mersenne::Exponent;

/// The set of known primes with their credits.
#[derive(Debug)]
pub(crate) struct Primes {
    credits: DashMap<Exponent, Claim, TableHasher>,
    largest: AtomicU64,
    xor: AtomicU64,
}

/// What learning of a claim to a verified prime changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Learned {
    /// The prime was not known before.
    Prime,
    /// The prime was known, and credited to this worse claim until now.
    Credit(Claim),
    /// Nothing.
    Nothing,
}

impl Primes {
    pub(crate) fn new(table: HashKey) -> Primes {
        Primes {
            credits: DashMap::with_hasher_and_shard_amount(TableHasher(table), 2),
            largest: AtomicU64::new(0),
            xor: AtomicU64::new(0),
        }
    }

    /// Notes a claim to a number that this node has verified to be prime.
    pub(crate) fn learn(&self, claim: Claim) -> Learned {
        let exponent = u64::from(claim.exponent);
        let replaced = match self.credits.entry(claim.exponent) {
            dashmap::Entry::Vacant(entry) => {
                entry.insert(claim);
                None
            }
            dashmap::Entry::Occupied(mut entry) if claim.beats(entry.get()) => Some(entry.insert(claim)),
            dashmap::Entry::Occupied(_) => return Learned::Nothing,
        };
        let removed = replaced.map_or(0, |old| hash::known(exponent, old.rank()));
        self.xor.fetch_xor(removed ^ hash::known(exponent, claim.rank()), Ordering::Relaxed);
        self.largest.fetch_max(exponent, Ordering::Relaxed);
        replaced.map_or(Learned::Prime, Learned::Credit)
    }

    /// Credits a known prime to this claim, whatever its rank.
    pub(crate) fn replace(&self, claim: Claim) {
        if let Some(mut credited) = self.credits.get_mut(&claim.exponent) {
            let exponent = u64::from(claim.exponent);
            let changed = hash::known(exponent, credited.rank()) ^ hash::known(exponent, claim.rank());
            self.xor.fetch_xor(changed, Ordering::Relaxed);
            *credited = claim;
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.credits.clear();
        self.largest.store(0, Ordering::Relaxed);
        self.xor.store(0, Ordering::Relaxed);
    }

    /// The credited claim to an exponent, if it is known to give a prime.
    pub(crate) fn credit(&self, exponent: Exponent) -> Option<Claim> {
        self.credits.get(&exponent).map(|claim| *claim)
    }

    /// The credited claim to the largest known prime.
    pub(crate) fn largest(&self) -> Option<Claim> {
        let largest = Exponent::new(self.largest.load(Ordering::Relaxed)).ok()?;
        self.credit(largest)
    }

    /// All credited claims, largest exponent first.
    pub(crate) fn all(&self) -> Vec<Claim> {
        let mut all: Vec<Claim> = self.credits.iter().map(|claim| *claim).collect();
        all.sort_unstable_by_key(|claim| std::cmp::Reverse(claim.exponent));
        all
    }

    /// This set in three numbers.
    pub(crate) fn digest(&self) -> KnownDigest {
        KnownDigest {
            count: self.credits.len() as u64,
            largest: self.largest.load(Ordering::Relaxed),
            xor: self.xor.load(Ordering::Relaxed),
        }
    }

    /// For each originator the newest prime credited to it, by id, ordered by address.
    ///
    /// It follows from the credits alone, so nodes with equal credits agree on it too.
    pub(crate) fn latest(&self) -> Vec<Latest> {
        let mut latest = BTreeMap::new();
        for claim in self.all() {
            let entry = Latest { originator: claim.originator, msg_id: claim.id, exponent: claim.exponent };
            latest
                .entry(claim.originator)
                .and_modify(|known: &mut Latest| {
                    if known.msg_id < entry.msg_id {
                        *known = entry;
                    }
                })
                .or_insert(entry);
        }
        latest.into_values().collect()
    }
}

#[cfg(test)]
mod tests;
