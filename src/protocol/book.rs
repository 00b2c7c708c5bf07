//! The address book: who might become a peer, and when he is tried next.
//!
//! Whoever is dropped comes back here and is tried again with growing pauses; a partition or a long sleep is then never
//! for ever. The book is bounded. Of its places three quarters are for candidates that have answered, and one of these goes
//! only when it has failed a test; the rest is for hearsay, and there a random choice decides that nobody can aim at and that
//! does not care how often an address is repeated (as in Brahms: Bortnikov et al., "Brahms: Byzantine resilient random
//! membership sampling", 2009). Whoever speaks for one address group, or from one, gives way first.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;

use super::candidate::{Candidate, PackedAddress, Source, Standing};
use super::counters::DiscoveredVia;
use super::hash::{self, HashKey, TableHasher};
use super::ring::RingPosition;
use super::settings::Settings;
use super::time::{CoarseTime, Time};
use closed::Closed;
use places::worth_of;

mod closed;
mod places;

/// The first pause before a candidate is tried again.
pub(crate) const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// Who has no place for this node is left alone for so long.
const REFUSED_PAUSE: Duration = Duration::from_secs(15);

/// Failures in a row after which a candidate that never answered is forgotten.
const STRANGER_FAILURES: u8 = 5;

/// Failures in a row after which a candidate that did answer once is forgotten: about ten minutes.
const KNOWN_FAILURES: u8 = 16;

/// Pages of the book: equal arcs of the ring, each a list sorted by position. Who is next to whom is then found in a few
/// steps, and a hash table would be more than twice as large as its content.
const PAGES: u8 = 8;

/// The address book. No guard of its map leaves a method.
#[derive(Debug)]
pub(crate) struct Book {
    pages: DashMap<u8, Vec<Candidate>, TableHasher>,
    max: usize,
    /// So many of the latest former peers are not given up for others.
    former_kept: usize,
    /// What the random order of candidates follows from.
    salt: u64,
    len: AtomicUsize,
    good: AtomicUsize,
    /// In a full book, what hearsay need not be looked at, because nobody would go for it.
    closed: Closed,
}

/// What became of an address that was to be noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entered {
    /// It stands here now.
    New,
    /// It stood here already.
    Known,
    /// There is no place for it.
    Refused,
}

impl Book {
    pub(crate) fn new(max: usize, former_kept: usize, table: HashKey) -> Book {
        let pages = DashMap::with_hasher_and_shard_amount(TableHasher(table), 2);
        Book {
            pages,
            max,
            former_kept,
            salt: table.0 ^ table.1.rotate_left(32),
            len: AtomicUsize::new(0),
            good: AtomicUsize::new(0),
            closed: Closed::nothing(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// How many may be recommended to others.
    pub(crate) fn good(&self) -> usize {
        self.good.load(Ordering::Relaxed)
    }

    /// Notes what a change has made of a candidate; `None` for one that does not stand here.
    fn count(&self, before: Option<&Candidate>, after: Option<&Candidate>) {
        let step = |counter: &AtomicUsize, before: bool, after: bool| match (before, after) {
            (false, true) => _ = counter.fetch_add(1, Ordering::Relaxed),
            (true, false) => _ = counter.fetch_sub(1, Ordering::Relaxed),
            (false, false) | (true, true) => {}
        };
        let (was_good, is_good) = (before.is_some_and(Candidate::is_good), after.is_some_and(Candidate::is_good));
        step(&self.len, before.is_some(), after.is_some());
        step(&self.good, was_good, is_good);
        let is_worse = after.is_none_or(|after| after.failures > 0);
        if was_good != is_good || is_worse {
            self.closed.open();
        }
    }

    /// Runs `change` on a candidate, if it stands here. `change` must not use this book.
    pub(crate) fn with<R>(&self, address: SocketAddr, change: impl FnOnce(&mut Candidate) -> R) -> Option<R> {
        let key = key_of(address)?;
        let mut page = self.pages.get_mut(&page_of(key.0))?;
        let place = page.binary_search_by_key(&key, key_of_candidate).ok()?;
        let candidate = page.get_mut(place)?;
        let before = *candidate;
        let result = change(candidate);
        if *candidate != before {
            self.count(Some(&before), Some(candidate));
        }
        Some(result)
    }

    /// Runs `view` on every candidate, in an order that follows from the seed. `view` must not use this book.
    pub(crate) fn each(&self, mut view: impl FnMut(&Candidate)) {
        (0..PAGES).filter_map(|number| self.pages.get(&number)).for_each(|page| page.iter().for_each(&mut view));
    }

    fn change_each(&self, mut change: impl FnMut(&mut Candidate)) {
        self.pages.iter_mut().for_each(|mut page| {
            for candidate in page.iter_mut() {
                let before = *candidate;
                change(candidate);
                self.count(Some(&before), Some(candidate));
            }
        });
    }

    fn retain(&self, keep: impl Fn(&Candidate) -> bool) {
        self.pages.iter_mut().for_each(|mut page| {
            page.iter().filter(|candidate| !keep(candidate)).for_each(|gone| self.count(Some(gone), None));
            page.retain(&keep);
        });
    }

    /// What is noted of a candidate.
    pub(crate) fn get(&self, address: SocketAddr) -> Option<Candidate> {
        self.at(key_of(address)?)
    }

    fn at(&self, key: Key) -> Option<Candidate> {
        let page = self.pages.get(&page_of(key.0))?;
        let place = page.binary_search_by_key(&key, key_of_candidate).ok()?;
        page.get(place).copied()
    }

    /// Visits candidates going up from a position, all around the ring, until `visit` breaks off. `visit` must not use this
    /// book.
    pub(crate) fn above(&self, from: RingPosition, mut visit: impl FnMut(&Candidate) -> ControlFlow<()>) {
        let first = page_of(from);
        for step in 0..=PAGES {
            let Some(page) = self.pages.get(&((first + step) % PAGES)) else { continue };
            let split = page.partition_point(|candidate| candidate.position <= from);
            let (below, above) = page.split_at(split);
            let part = match step {
                0 => above,
                PAGES => below,
                _ => &page,
            };
            if part.iter().try_for_each(&mut visit).is_break() {
                return;
            }
        }
    }

    /// The same, going down.
    pub(crate) fn below(&self, from: RingPosition, mut visit: impl FnMut(&Candidate) -> ControlFlow<()>) {
        let first = page_of(from);
        for step in 0..=PAGES {
            let Some(page) = self.pages.get(&((first + PAGES * 2 - step) % PAGES)) else { continue };
            let split = page.partition_point(|candidate| candidate.position < from);
            let (below, above) = page.split_at(split);
            let part = match step {
                0 => below,
                PAGES => above,
                _ => &page,
            };
            if part.iter().rev().try_for_each(&mut visit).is_break() {
                return;
            }
        }
    }

    /// The candidate at a place, counted along the ring from 0 up to [`len`](Book::len).
    pub(crate) fn nth(&self, mut place: usize) -> Option<Candidate> {
        for number in 0..PAGES {
            let Some(page) = self.pages.get(&number) else { continue };
            match page.get(place) {
                Some(candidate) => return Some(*candidate),
                None => place -= page.len(),
            }
        }
        None
    }

    /// Notes a candidate, to be tried at once. One that stands here already keeps its entry; a seed is noted as one.
    /// `keep` says who of the candidates should stay for where they are on the ring.
    pub(crate) fn add(
        &self,
        now: Time,
        address: SocketAddr,
        via: DiscoveredVia,
        source: Source,
        keep: impl Fn(&Candidate) -> bool,
    ) -> Entered {
        let Some(candidate) = Candidate::new(CoarseTime::until(now), address, via, source) else {
            return Entered::Refused;
        };
        if self.at(key_of_candidate(&candidate)).is_some() {
            if via == DiscoveredVia::Seed {
                self.with(address, |candidate| candidate.via = via);
            }
            return Entered::Known;
        }
        if self.insert(candidate, keep) { Entered::New } else { Entered::Refused }
    }

    /// Notes a candidate that a saved book names as one that had answered; it is tried after those of a lower rank.
    pub(crate) fn restore(&self, now: Time, address: SocketAddr, standing: Standing, rank: u32) {
        if let Some(candidate) = Candidate::new(CoarseTime::until(now), address, DiscoveredVia::Saved, Source::SELF) {
            self.insert(Candidate { standing, since: CoarseTime(rank), ..candidate }, |_| false);
        }
    }

    /// Notes one that was an active peer until now, to be tried again in a second.
    pub(crate) fn add_former(&self, now: Time, address: SocketAddr, via: DiscoveredVia) {
        self.remove(address);
        if let Some(candidate) = Candidate::new(CoarseTime::from(now + BACKOFF_MIN), address, via, Source::SELF) {
            let since = CoarseTime::until(now);
            self.insert(Candidate { standing: Standing::Former, since, ..candidate }, |_| false);
        }
    }

    /// A candidate's place in this book's own random order.
    pub(crate) fn lot(&self, candidate: &Candidate) -> u64 {
        hash::mixed(candidate.position.0 ^ self.salt)
    }

    pub(crate) fn remove(&self, address: SocketAddr) -> Option<Candidate> {
        let key = key_of(address)?;
        let mut page = self.pages.get_mut(&page_of(key.0))?;
        let place = page.binary_search_by_key(&key, key_of_candidate).ok()?;
        let removed = page.remove(place);
        self.count(Some(&removed), None);
        Some(removed)
    }

    /// Notes that a candidate is alive. While three quarters of the book have answered, hearsay stays what it is, and has to
    /// wait until somebody has failed a test.
    pub(crate) fn answered(&self, now: Time, address: SocketAddr) {
        let (tried, max) = (self.good(), self.max - self.max / 4);
        self.with(address, |candidate| {
            candidate.failures = 0;
            match candidate.standing {
                Standing::Untested if tried >= max => {}
                Standing::Untested | Standing::Tried | Standing::Former => {
                    (candidate.standing, candidate.since) = (Standing::Tried, CoarseTime::until(now));
                }
            }
        });
    }

    /// Makes a candidate wait: it answered that it has no place.
    pub(crate) fn refused(&self, now: Time, address: SocketAddr) {
        self.with(address, |candidate| candidate.next_try = CoarseTime::from(now + REFUSED_PAUSE));
    }

    /// Notes a sign of life from a candidate: it is tried again at once, unless it was tried within the last second.
    pub(crate) fn stirred(&self, now: Time, address: SocketAddr) {
        self.with(address, |candidate| {
            if now.since(candidate.since.time()) >= BACKOFF_MIN {
                candidate.next_try = candidate.next_try.min(CoarseTime::until(now));
            }
        });
    }

    /// The PING to a candidate was not answered in time: the next attempt waits, or the candidate is forgotten.
    pub(crate) fn failed(&self, now: Time, address: SocketAddr, settings: &Settings) {
        let is_latest = self.latest_former().contains(&address);
        let spent = self.with(address, |candidate| {
            candidate.failures = candidate.failures.saturating_add(1);
            let known = candidate.is_seed() || is_latest;
            let longest = if known { settings.backoff_max_known } else { settings.backoff_max };
            let pause = BACKOFF_MIN.saturating_mul(1 << (candidate.failures - 1).min(16)).min(longest);
            candidate.next_try = CoarseTime::from(now + pause);
            !known && is_spent(candidate)
        });
        if spent == Some(true) {
            self.remove(address);
        }
    }

    /// Tries everybody at once, those who have ever answered as if they had never failed: whatever is known of their
    /// silence is from a time in which this node did not listen.
    pub(crate) fn rouse(&self, now: Time) {
        self.change_each(|candidate| {
            // Who is due already keeps its turn.
            candidate.next_try = candidate.next_try.min(CoarseTime::until(now));
            if candidate.has_answered() || candidate.is_seed() {
                candidate.failures = 0;
            }
        });
    }

    /// Forgets everybody but the seeds, of which only the address is kept.
    pub(crate) fn clear(&self, now: Time) {
        self.retain(Candidate::is_seed);
        self.change_each(|seed| {
            (seed.failures, seed.standing) = (0, Standing::Untested);
            (seed.next_try, seed.since) = (CoarseTime::until(now), CoarseTime::default());
        });
    }

    /// Makes a seed a candidate like any other; one that never answered is forgotten.
    pub(crate) fn demote(&self, address: SocketAddr) {
        let is_stranger = self.with(address, |candidate| {
            let was_seed = candidate.is_seed();
            if was_seed {
                candidate.via = DiscoveredVia::Saved;
            }
            was_seed && !candidate.has_answered()
        });
        if is_stranger == Some(true) {
            self.remove(address);
        }
    }

    /// The latest former peers.
    fn latest_former(&self) -> Vec<SocketAddr> {
        let mut former = Vec::new();
        self.each(|candidate| former.extend(candidate.former().map(|when| (Reverse(when), candidate.address()))));
        former.sort_unstable();
        former.truncate(self.former_kept);
        former.into_iter().map(|(_, address)| address).collect()
    }

    /// Those who have ever answered, the worthiest first: whom to remember in the next life.
    pub(crate) fn remembered(&self) -> Vec<SocketAddr> {
        let mut all = Vec::new();
        self.each(|candidate| {
            if candidate.has_answered() {
                all.push((Reverse(worth_of(candidate)), candidate.address()));
            }
        });
        all.sort_unstable();
        all.into_iter().map(|(_, address)| address).collect()
    }
}

/// Where a candidate stands in the book. Two addresses at one position would be a marvel, but no error.
type Key = (RingPosition, PackedAddress);

fn key_of(address: SocketAddr) -> Option<Key> {
    Some((RingPosition::of(address), PackedAddress::new(address)?))
}

fn key_of_candidate(candidate: &Candidate) -> Key {
    (candidate.position, candidate.packed)
}

fn page_of(position: RingPosition) -> u8 {
    (position.0 >> 61) as u8 % PAGES
}

fn is_spent(candidate: &Candidate) -> bool {
    let enough = match candidate.via {
        DiscoveredVia::Seed => return false,
        // Whoever a PRIME names as its originator is PINGed once: the name may be a victim's.
        DiscoveredVia::Prime if !candidate.has_answered() => 1,
        DiscoveredVia::Prime
        | DiscoveredVia::Saved
        | DiscoveredVia::Scan
        | DiscoveredVia::Ping
        | DiscoveredVia::Sample => {
            if candidate.has_answered() {
                KNOWN_FAILURES
            } else {
                STRANGER_FAILURES
            }
        }
    };
    candidate.failures >= enough
}

#[cfg(test)]
mod tests;
