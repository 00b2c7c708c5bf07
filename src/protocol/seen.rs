//! What has been heard already: a bounded memory of PRIMEs, in two generations.
//!
//! A message is kept as 64 bits of SipHash under a secret key, with the highest TTL it came with. Two messages that share
//! a hash would need about 2^32 messages within two minutes, and nobody outside can aim at it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;

use super::hash::{self, HashKey, TableHasher};
use super::message::{MessageId, Ttl};
use super::time::{AtomicTime, Time};

/// What identifies a PRIME: its originator, id and exponent, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SeenKey(u64);

/// What a lookup says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Never heard, or long ago.
    New,
    /// Heard with this TTL or a higher one, or proven false.
    Duplicate,
    /// Heard, but every earlier copy had a lower TTL: this one reaches further.
    HigherTtl,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    highest: Ttl,
    refuted: bool,
}

/// The memory of heard messages.
#[derive(Debug)]
pub(crate) struct Seen {
    secret: HashKey,
    generations: [DashMap<SeenKey, Entry, TableHasher>; 2],
    current: AtomicUsize,
    began: AtomicTime,
    max: usize,
    lasts: Duration,
}

impl Seen {
    /// Remembers up to `max` messages in each of two generations, each for `lasts` to twice `lasts`.
    pub(crate) fn new(max: usize, lasts: Duration, secret: HashKey, table: HashKey) -> Seen {
        let generation = || DashMap::with_hasher_and_shard_amount(TableHasher(table), 2);
        Seen {
            secret,
            generations: [generation(), generation()],
            current: AtomicUsize::new(0),
            began: AtomicTime::new(Time::ZERO),
            max,
            lasts,
        }
    }

    pub(crate) fn key(&self, originator: SocketAddr, id: MessageId, exponent: u64) -> SeenKey {
        SeenKey(hash::bytes(self.secret, &hash::claim_bytes(originator, id, exponent)))
    }

    /// Looks a message up and, when it has been heard, notes the TTL of this copy.
    pub(crate) fn look(&self, key: SeenKey, ttl: Ttl) -> Sight {
        for generation in &self.generations {
            if let Some(mut entry) = generation.get_mut(&key) {
                if entry.refuted || ttl <= entry.highest {
                    return Sight::Duplicate;
                }
                entry.highest = ttl;
                return Sight::HigherTtl;
            }
        }
        Sight::New
    }

    /// Remembers a message.
    pub(crate) fn record(&self, now: Time, key: SeenKey, ttl: Ttl) {
        self.rotate_if_due(now);
        let current = &self.generations[self.current.load(Ordering::Relaxed)];
        current.insert(key, Entry { highest: ttl, refuted: false });
    }

    /// Forgets a message, so that it may be heard again as if for the first time.
    pub(crate) fn forget(&self, key: SeenKey) {
        for generation in &self.generations {
            generation.remove(&key);
        }
    }

    /// Marks a message as proven false: no later copy is forwarded.
    pub(crate) fn refute(&self, key: SeenKey) {
        for generation in &self.generations {
            if let Some(mut entry) = generation.get_mut(&key) {
                entry.refuted = true;
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.generations.iter().map(DashMap::len).sum()
    }

    fn rotate_if_due(&self, now: Time) {
        let current = self.current.load(Ordering::Relaxed);
        if now.since(self.began.get()) < self.lasts && self.generations[current].len() < self.max {
            return;
        }
        let older = 1 - current;
        self.generations[older].clear();
        self.current.store(older, Ordering::Relaxed);
        self.began.set(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(max: usize) -> Seen {
        Seen::new(max, Duration::from_secs(60), HashKey(1, 2), HashKey(3, 4))
    }

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn key(seen: &Seen, id: u64) -> SeenKey {
        seen.key("192.0.2.1:5001".parse().unwrap(), MessageId(id), 31)
    }

    #[test]
    fn a_message_is_new_once_and_then_a_duplicate() {
        let seen = seen(8);
        let key = key(&seen, 1);
        assert_eq!(seen.look(key, Ttl(2)), Sight::New);
        seen.record(at(0), key, Ttl(2));
        assert_eq!(seen.look(key, Ttl(2)), Sight::Duplicate);
        assert_eq!(seen.look(key, Ttl(1)), Sight::Duplicate);
    }

    #[test]
    fn a_higher_ttl_is_reported_once_for_each_step_up() {
        let seen = seen(8);
        let key = key(&seen, 1);
        seen.record(at(0), key, Ttl(0));
        assert_eq!(seen.look(key, Ttl(5)), Sight::HigherTtl);
        assert_eq!(seen.look(key, Ttl(5)), Sight::Duplicate);
        assert_eq!(seen.look(key, Ttl(6)), Sight::HigherTtl);
    }

    #[test]
    fn a_refuted_message_stays_a_duplicate_at_any_ttl() {
        let seen = seen(8);
        let key = key(&seen, 1);
        seen.record(at(0), key, Ttl(0));
        seen.refute(key);
        assert_eq!(seen.look(key, Ttl(16)), Sight::Duplicate);
    }

    #[test]
    fn a_forgotten_message_is_new_again() {
        let seen = seen(8);
        let key = key(&seen, 1);
        seen.record(at(0), key, Ttl(3));
        seen.forget(key);
        assert_eq!(seen.look(key, Ttl(0)), Sight::New);
    }

    #[test]
    fn a_message_is_remembered_for_one_to_two_generations() {
        let seen = seen(8);
        let first = key(&seen, 1);
        seen.record(at(1), first, Ttl(0));
        seen.record(at(60), key(&seen, 2), Ttl(0));
        assert_eq!(seen.look(first, Ttl(0)), Sight::Duplicate);
        seen.record(at(120), key(&seen, 3), Ttl(0));
        assert_eq!(seen.look(first, Ttl(0)), Sight::New);
    }

    #[test]
    fn the_memory_is_bounded_by_count() {
        let seen = seen(100);
        for id in 0..10_000 {
            seen.record(at(0), key(&seen, id), Ttl(0));
            assert!(seen.len() <= 200);
        }
    }
}
