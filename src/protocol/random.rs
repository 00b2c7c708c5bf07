//! Randomness from a seed given at birth: SipHash-2-4 of a counter under a secret key.
//!
//! It needs no lock and no `&mut`, and the same seed gives the same numbers. Good enough to be unpredictable from outside
//! (cookies hang on it), which a linear generator is not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::hash::{self, HashKey};

/// A seeded source of random numbers.
#[derive(Debug)]
pub(crate) struct Random {
    key: HashKey,
    drawn: AtomicU64,
}

impl Random {
    pub(crate) fn from_seed(seed: [u8; 16]) -> Random {
        let word = |bytes: &[u8]| bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        Random { key: HashKey(word(&seed[..8]), word(&seed[8..])), drawn: AtomicU64::new(0) }
    }

    /// Any 64-bit number.
    pub(crate) fn next(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        hash::bytes(self.key, &drawn.to_be_bytes())
    }

    /// A secret key for hashing.
    pub(crate) fn key(&self) -> HashKey {
        HashKey(self.next(), self.next())
    }

    /// A number below `bound`; 0 when the bound is 0. The bias is below bound / 2^64.
    pub(crate) fn below(&self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number from 0 up to, but not including, 1.
    pub(crate) fn unit(&self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `duration`, longer or shorter by up to `share` of it.
    pub(crate) fn jittered(&self, duration: Duration, share: f64) -> Duration {
        duration.mul_f64((1.0 + share * (2.0 * self.unit() - 1.0)).max(0.0))
    }

    /// Moves `count` random elements (all, if there are fewer) to the front, in random order, and cuts the rest off.
    pub(crate) fn choose<T>(&self, items: &mut Vec<T>, count: usize) {
        let count = count.min(items.len());
        for place in 0..count {
            let other = place + self.below(items.len() - place);
            items.swap(place, other);
        }
        items.truncate(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
        let draw = |seed| {
            let random = Random::from_seed([seed; 16]);
            (0..8).map(|_| random.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn every_element_is_chosen_about_equally_often() {
        let random = Random::from_seed([7; 16]);
        let mut hits = [0u32; 10];
        for _ in 0..10_000 {
            let mut items: Vec<usize> = (0..10).collect();
            random.choose(&mut items, 3);
            items.iter().for_each(|&item| hits[item] += 1);
        }
        assert!(hits.iter().all(|&hits| (2_700..3_300).contains(&hits)), "{hits:?}");
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let random = Random::from_seed([3; 16]);
        for _ in 0..1_000 {
            let jittered = random.jittered(Duration::from_secs(5), 0.2);
            assert!((4.0..=6.0).contains(&jittered.as_secs_f64()));
        }
    }
}
