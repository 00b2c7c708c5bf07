//! Numbers this node has tested and found composite: a false claim costs one test, however often it is made.

use std::sync::atomic::{AtomicU64, Ordering};

use super::hash::HashKey;
use super::rare::Rare;
use crate::mersenne::Exponent;

/// A bounded set of exponents; the oldest make room.
#[derive(Debug)]
pub(crate) struct Refuted {
    /// Exponent → when it came, counted.
    exponents: Rare<Exponent, u64>,
    added: AtomicU64,
    max: usize,
}

impl Refuted {
    pub(crate) fn new(max: usize, table: HashKey) -> Refuted {
        Refuted { exponents: Rare::new(table), added: AtomicU64::new(0), max }
    }

    pub(crate) fn contains(&self, exponent: Exponent) -> bool {
        self.exponents.contains(exponent)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.exponents.clear();
    }

    pub(crate) fn add(&self, exponent: Exponent) {
        if self.exponents.len() >= self.max {
            let oldest = self.exponents.entries().into_iter().min_by_key(|(_, added)| *added);
            if let Some((oldest, _)) = oldest {
                self.exponents.remove(oldest);
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
