//! Budgets: token buckets that bound what anyone can make this node do.
//!
//! A bucket holds up to `burst` tokens and gets `per_second` back; an action takes one. Whoever finds none is refused.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;

use super::hash::{HashKey, TableHasher};
use super::settings::Rate;
use super::time::{AtomicTime, Time};

/// One token bucket, kept as the time at which it will be full again (the "virtual scheduling" form of ITU-T I.371), so
/// that it is one word and needs no lock.
#[derive(Debug, Default)]
pub(crate) struct Bucket(AtomicU64);

impl Bucket {
    /// Takes a token, if there is one.
    pub(crate) fn take(&self, now: Time, rate: Rate) -> bool {
        self.take_above(now, rate, 0.0)
    }

    /// Takes a token, if `reserve` others are left for somebody else.
    pub(crate) fn take_above(&self, now: Time, rate: Rate, reserve: f64) -> bool {
        let now = now.as_micros();
        let token = token_micros(rate);
        let room = ((rate.burst - reserve).max(0.0) * token as f64) as u64;
        let full_at = self.0.load(Ordering::Relaxed).max(now);
        let taken = full_at.saturating_add(token);
        if taken - now > room {
            return false;
        }
        self.0.store(taken, Ordering::Relaxed);
        true
    }

    /// When the next token comes, if none is there.
    pub(crate) fn next_token(&self, now: Time, rate: Rate) -> Time {
        let token = token_micros(rate);
        let room = (rate.burst * token as f64) as u64;
        let wait = (self.0.load(Ordering::Relaxed) + token).saturating_sub(now.as_micros()).saturating_sub(room);
        now + Duration::from_micros(wait)
    }

    fn is_full(&self, now: Time) -> bool {
        self.0.load(Ordering::Relaxed) <= now.as_micros()
    }
}

fn token_micros(rate: Rate) -> u64 {
    ((1e6 / rate.per_second) as u64).max(1)
}

/// A bucket for each of a bounded number of keys; a full bucket needs no entry.
#[derive(Debug)]
pub(crate) struct Buckets<K: Eq + Hash> {
    buckets: DashMap<K, Bucket, TableHasher>,
    max: usize,
    rate: Rate,
    next_sweep: AtomicTime,
}

/// How often a table that is full is searched for entries that are not needed any more.
const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

impl<K: Eq + Hash> Buckets<K> {
    pub(crate) fn new(max: usize, rate: Rate, key: HashKey) -> Buckets<K> {
        let buckets = DashMap::with_hasher_and_shard_amount(TableHasher(key), 2);
        Buckets { buckets, max, rate, next_sweep: AtomicTime::new(Time::ZERO) }
    }

    /// Takes a token from this key's bucket. While the table is full of busy keys, a new key is refused.
    pub(crate) fn take(&self, now: Time, key: K) -> bool {
        if let Some(bucket) = self.buckets.get(&key) {
            return bucket.take(now, self.rate);
        }
        if self.buckets.len() >= self.max {
            if self.next_sweep.get() > now {
                return false;
            }
            self.next_sweep.set(now + SWEEP_INTERVAL);
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            if self.buckets.len() >= self.max {
                return false;
            }
        }
        self.buckets.entry(key).or_default().take(now, self.rate)
    }

    /// Forgets the keys whose bucket is full again.
    pub(crate) fn sweep(&self, now: Time) {
        if !self.buckets.is_empty() {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            // What a flood has made large is not large for ever.
            if self.buckets.is_empty() || self.buckets.capacity() > 8 * self.buckets.len() {
                self.buckets.shrink_to_fit();
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.buckets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_millis(millis: u64) -> Time {
        Time::from_micros(millis * 1_000)
    }

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let bucket = Bucket::default();
        let rate = Rate::new(20, 40);
        assert_eq!((0..100).filter(|_| bucket.take(at_millis(0), rate)).count(), 40);
        assert_eq!((0..100).filter(|_| bucket.take(at_millis(1_000), rate)).count(), 20);
        assert_eq!((0..100).filter(|_| bucket.take(at_millis(60_000), rate)).count(), 40);
    }

    #[test]
    fn a_reserve_is_left_for_others() {
        let bucket = Bucket::default();
        let rate = Rate::new(30, 30);
        assert_eq!((0..100).filter(|_| bucket.take_above(at_millis(0), rate, 10.0)).count(), 20);
        assert_eq!((0..100).filter(|_| bucket.take(at_millis(0), rate)).count(), 10);
    }

    #[test]
    fn the_next_token_comes_when_it_is_said_to_come() {
        let bucket = Bucket::default();
        let rate = Rate::new(10, 1);
        assert!(bucket.take(at_millis(0), rate));
        let next = bucket.next_token(at_millis(0), rate);
        assert_eq!(next, at_millis(100));
        assert!(!bucket.take(at_millis(99), rate));
        assert!(bucket.take(next, rate));
    }

    #[test]
    fn a_table_of_buckets_is_bounded_and_recovers() {
        let buckets = Buckets::new(100, Rate::new(20, 40), HashKey(1, 2));
        let taken = (0..1_000).filter(|&key: &u32| buckets.take(at_millis(0), key)).count();
        assert_eq!((taken, buckets.len()), (100, 100));
        assert!(!buckets.take(at_millis(10), 5_000));
        assert!(buckets.take(at_millis(200), 5_000), "idle entries make room");
        assert!(buckets.len() <= 100);
    }
}
