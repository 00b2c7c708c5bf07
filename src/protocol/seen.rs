//! What has been heard already: a bounded memory of PRIMEs, in two generations.
//!
//! A message is kept as 64 bits of SipHash under a secret key, with the highest TTL it came with. Two messages that share
//! a hash would need about 2^32 messages within two minutes, and nobody outside can aim at it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrayvec::ArrayVec;
use dashmap::DashMap;

use super::hash::{self, HashKey, TableHasher};
use super::message::{MessageId, Signature, Ttl};
use super::time::{AtomicTime, Time};

/// What identifies a PRIME: all that no forwarder changes, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SeenKey(u64);

/// What a lookup says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Never heard, or long ago.
    New,
    /// Heard with this TTL or a higher one, or proven false: nothing is to be done.
    Duplicate,
    /// Heard, but every earlier copy had a lower TTL, the highest of them this: this one reaches further.
    HigherTtl(Ttl),
    /// Heard, but there was no place for its test: it is to be judged as if it were new, with this TTL. That is zero
    /// unless every earlier copy had a lower one: a claim that nobody has a place for would else go round for ever.
    Untested(Ttl),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    highest: Ttl,
    standing: Standing,
}

/// What is known of a heard message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Heard,
    Untested,
    Refuted,
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

    pub(crate) fn key(
        &self,
        originator: SocketAddr,
        id: MessageId,
        exponent: u64,
        signature: Option<&Signature>,
    ) -> SeenKey {
        let mut parts = ArrayVec::<u8, 130>::new();
        parts.extend(hash::claim_bytes(originator, id, exponent));
        parts.extend(signature.into_iter().flat_map(|signature| signature.key.into_iter().chain(signature.sig)));
        SeenKey(hash::bytes(self.secret, &parts))
    }

    /// Looks a message up and, when it has been heard, notes the TTL of this copy.
    pub(crate) fn look(&self, key: SeenKey, ttl: Ttl) -> Sight {
        for generation in &self.generations {
            if let Some(mut entry) = generation.get_mut(&key) {
                let (reaches_further, before) = (ttl > entry.highest, entry.highest);
                entry.highest = ttl.max(entry.highest);
                return match entry.standing {
                    Standing::Heard if reaches_further => Sight::HigherTtl(before),
                    Standing::Heard | Standing::Refuted => Sight::Duplicate,
                    Standing::Untested => Sight::Untested(if reaches_further { ttl } else { Ttl::ZERO }),
                };
            }
        }
        Sight::New
    }

    /// Remembers a message.
    pub(crate) fn record(&self, now: Time, key: SeenKey, ttl: Ttl) {
        self.rotate_if_due(now);
        for generation in &self.generations {
            if let Some(mut entry) = generation.get_mut(&key) {
                *entry = Entry { highest: ttl.max(entry.highest), standing: Standing::Heard };
                return;
            }
        }
        let current = &self.generations[self.current.load(Ordering::Relaxed)];
        current.insert(key, Entry { highest: ttl, standing: Standing::Heard });
    }

    /// Marks a message whose test has been given up: the next copy is judged anew.
    pub(crate) fn give_up(&self, key: SeenKey) {
        self.mark(key, Standing::Untested);
    }

    /// Marks a message as proven false: no later copy is forwarded.
    pub(crate) fn refute(&self, key: SeenKey) {
        self.mark(key, Standing::Refuted);
    }

    fn mark(&self, key: SeenKey, standing: Standing) {
        for generation in &self.generations {
            if let Some(mut entry) = generation.get_mut(&key) {
                entry.standing = standing;
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.generations.iter().map(DashMap::len).sum()
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.generations.iter().for_each(DashMap::clear);
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
        seen.key("192.0.2.1:5001".parse().unwrap(), MessageId(id), 31, None)
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
        assert_eq!(seen.look(key, Ttl(5)), Sight::HigherTtl(Ttl(0)));
        assert_eq!(seen.look(key, Ttl(5)), Sight::Duplicate);
        assert_eq!(seen.look(key, Ttl(6)), Sight::HigherTtl(Ttl(5)));
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
    fn a_message_whose_test_was_given_up_is_judged_anew_but_goes_no_further_than_before() {
        let seen = seen(8);
        let key = key(&seen, 1);
        seen.record(at(0), key, Ttl(3));
        seen.give_up(key);
        assert_eq!(seen.look(key, Ttl(3)), Sight::Untested(Ttl::ZERO));
        assert_eq!(seen.look(key, Ttl(4)), Sight::Untested(Ttl(4)));
        assert_eq!(seen.look(key, Ttl(4)), Sight::Untested(Ttl::ZERO));
        seen.record(at(61), key, Ttl::ZERO);
        assert_eq!((seen.look(key, Ttl(4)), seen.len()), (Sight::Duplicate, 1));
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
