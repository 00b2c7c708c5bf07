//! Numbers this node has tested and found composite: a false claim costs one test, however often it is made.

use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use super::hash::{HashKey, TableHasher};
use crate::mersenne::Exponent;

/// A bounded set of exponents; the oldest make room.
#[derive(Debug)]
pub(crate) struct Refuted {
    /// Exponent → when it came, counted.
    exponents: DashMap<Exponent, u64, TableHasher>,
    added: AtomicU64,
    max: usize,
}

impl Refuted {
    pub(crate) fn new(max: usize, table: HashKey) -> Refuted {
        let exponents = DashMap::with_hasher_and_shard_amount(TableHasher(table), 2);
        Refuted { exponents, added: AtomicU64::new(0), max }
    }

    pub(crate) fn contains(&self, exponent: Exponent) -> bool {
        self.exponents.contains_key(&exponent)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.exponents.clear();
    }

    pub(crate) fn add(&self, exponent: Exponent) {
        if self.exponents.len() >= self.max {
            let oldest = self.exponents.iter().map(|entry| (*entry.value(), *entry.key())).min();
            if let Some((_, oldest)) = oldest {
                self.exponents.remove(&oldest);
            }
        }
        self.exponents.insert(exponent, self.added.fetch_add(1, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room_for_the_newest() {
        let refuted = Refuted::new(2, HashKey(1, 2));
        let [a, b, c] = [11, 23, 29].map(|exponent| Exponent::new(exponent).unwrap());
        refuted.add(a);
        refuted.add(b);
        refuted.add(c);
        assert!(!refuted.contains(a) && refuted.contains(b) && refuted.contains(c));
    }
}
