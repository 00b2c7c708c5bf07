//! The address book: who might become a peer, and when he is tried next.
//!
//! Whoever is dropped comes back here and is tried again with growing pauses; a partition or a long sleep is then never
//! for ever. The book is bounded. Of its places three quarters are for candidates that have answered, and one of these goes
//! only when it has failed a test; the rest is for hearsay, and there a random choice decides that nobody can aim at and that
//! does not care how often an address is repeated (as in Brahms: Bortnikov et al., "Brahms: Byzantine resilient random
//! membership sampling", 2009). Whoever speaks for one address group, or from one, gives way first.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::time::Duration;

use dashmap::DashMap;

use super::candidate::{Candidate, PackedAddress, Source, Standing};
use super::counters::DiscoveredVia;
use super::hash::{self, HashKey, TableHasher};
use super::settings::Settings;
use super::time::Time;

/// The first pause before a candidate is tried again.
pub(crate) const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// Failures in a row after which a candidate that never answered is forgotten.
const STRANGER_FAILURES: u8 = 5;

/// Failures in a row after which a candidate that did answer once is forgotten: about ten minutes.
const KNOWN_FAILURES: u8 = 16;

/// Pages of the book. A page is a sorted list: as a hash table the book would be more than twice as large as its content.
const PAGES: u8 = 8;

/// By so many entries a page grows.
const PAGE_STEP: usize = 4;

/// The address book. No guard of its map leaves a method.
#[derive(Debug)]
pub(crate) struct Book {
    pages: DashMap<u8, Vec<Candidate>, TableHasher>,
    max: usize,
    /// What the random order of candidates follows from.
    salt: u64,
}

/// What may have to go for a newcomer, the worst last.
type Badness = (bool, bool, u16, u16, u64);

impl Book {
    pub(crate) fn new(max: usize, table: HashKey) -> Book {
        let pages = DashMap::with_hasher_and_shard_amount(TableHasher(table), 2);
        Book { pages, max, salt: table.0 ^ table.1.rotate_left(32) }
    }

    pub(crate) fn len(&self) -> usize {
        self.pages.iter().map(|page| page.len()).sum()
    }

    fn page(&self, packed: PackedAddress) -> u8 {
        ((packed.folded() ^ self.salt) % u64::from(PAGES)) as u8
    }

    /// Runs `change` on a candidate, if it stands here. `change` must not use this book.
    pub(crate) fn with<R>(&self, address: SocketAddr, change: impl FnOnce(&mut Candidate) -> R) -> Option<R> {
        let packed = PackedAddress::new(address)?;
        let mut page = self.pages.get_mut(&self.page(packed))?;
        let place = page.binary_search_by_key(&packed, |candidate| candidate.packed).ok()?;
        page.get_mut(place).map(change)
    }

    /// Runs `view` on every candidate, in an order that follows from the seed. `view` must not use this book.
    pub(crate) fn each(&self, mut view: impl FnMut(&Candidate)) {
        (0..PAGES).filter_map(|number| self.pages.get(&number)).for_each(|page| page.iter().for_each(&mut view));
    }

    fn change_each(&self, mut change: impl FnMut(&mut Candidate)) {
        self.pages.iter_mut().for_each(|mut page| page.iter_mut().for_each(&mut change));
    }

    fn retain(&self, mut keep: impl FnMut(&Candidate) -> bool) {
        self.pages.iter_mut().for_each(|mut page| page.retain(&mut keep));
    }

    /// What is noted of a candidate.
    pub(crate) fn get(&self, address: SocketAddr) -> Option<Candidate> {
        self.with(address, |candidate| *candidate)
    }

    /// Notes a candidate, to be tried at once. One that stands here already keeps its entry; a seed is noted as one.
    /// `keep` says who of the candidates should stay for where they are on the ring. Returns whether it stands here now.
    pub(crate) fn add(
        &self,
        now: Time,
        address: SocketAddr,
        via: DiscoveredVia,
        source: Source,
        keep: impl Fn(&Candidate) -> bool,
    ) -> bool {
        let known = self.with(address, |candidate| {
            if via == DiscoveredVia::Seed {
                candidate.via = via;
            }
        });
        known.is_some()
            || Candidate::new(now, address, via, source).is_some_and(|candidate| self.insert(candidate, keep))
    }

    /// Notes a candidate that a saved book names as one that had answered.
    pub(crate) fn restore(&self, now: Time, address: SocketAddr, standing: Standing) {
        if let Some(candidate) = Candidate::new(now, address, DiscoveredVia::Saved, Source::SELF) {
            self.insert(Candidate { standing, ..candidate }, |_| false);
        }
    }

    /// Notes one that was an active peer until now, to be tried again in a second.
    pub(crate) fn add_former(&self, now: Time, address: SocketAddr, via: DiscoveredVia) {
        self.remove(address);
        if let Some(candidate) = Candidate::new(now + BACKOFF_MIN, address, via, Source::SELF) {
            self.insert(Candidate { standing: Standing::Former, since: now, ..candidate }, |_| false);
        }
    }

    /// Puts a candidate in, if need be in the place of one that is worth less.
    fn insert(&self, candidate: Candidate, keep: impl Fn(&Candidate) -> bool) -> bool {
        if self.len() >= self.max {
            let victim = if candidate.standing == Standing::Former || candidate.is_seed() {
                self.least_worth().filter(|&(worth, _)| worth <= worth_of(&candidate)).map(|(_, least)| least)
            } else {
                self.worst_hearsay(&candidate, keep)
            };
            let Some(victim) = victim else { return false };
            self.remove(victim);
        }
        let mut page = self.pages.entry(self.page(candidate.packed)).or_default();
        let Err(place) = page.binary_search_by_key(&candidate.packed, |candidate| candidate.packed) else {
            return true;
        };
        if page.len() == page.capacity() {
            page.reserve_exact(PAGE_STEP);
        }
        page.insert(place, candidate);
        true
    }

    /// Who is worth least in a book where everybody may have to go.
    fn least_worth(&self) -> Option<(Worth, SocketAddr)> {
        let mut least: Option<(Worth, u64, SocketAddr)> = None;
        self.each(|candidate| {
            let entry = (worth_of(candidate), self.lot(candidate), candidate.address());
            if least.is_none_or(|least| entry < least) {
                least = Some(entry);
            }
        });
        least.map(|(worth, _, address)| (worth, address))
    }

    /// Whom a newcomer may replace: hearsay that is no better, or one that has failed; not anybody who has answered and not
    /// failed since.
    fn worst_hearsay(&self, newcomer: &Candidate, keep: impl Fn(&Candidate) -> bool) -> Option<SocketAddr> {
        let (mut groups, mut sources) = ([0u16; 256], [0u16; 256]);
        let is_hearsay = |candidate: &Candidate| !candidate.has_answered() && !candidate.is_seed();
        self.each(|candidate| {
            if is_hearsay(candidate) {
                groups[usize::from(candidate.group())] += 1;
                sources[usize::from(candidate.source.0)] += 1;
            }
        });
        let quota = (self.max / 16) as u16;
        let badness = |candidate: &Candidate, [more_of_group, more_of_source]: [bool; 2]| -> Badness {
            let group = groups[usize::from(candidate.group())] + u16::from(more_of_group);
            let over = group.saturating_sub(quota);
            let source = sources[usize::from(candidate.source.0)] + u16::from(more_of_source);
            (
                candidate.failures > 0,
                over > 0 || !keep(candidate),
                over,
                source / (quota / 4).max(1),
                self.lot(candidate),
            )
        };
        let mut worst: Option<(Badness, Candidate)> = None;
        self.each(|candidate| {
            if !is_hearsay(candidate) && (candidate.failures == 0 || candidate.is_seed())
                || candidate.former().is_some()
            {
                return;
            }
            let badness = badness(candidate, [false; 2]);
            if worst.is_none_or(|(worst, _)| badness > worst) {
                worst = Some((badness, *candidate));
            }
        });
        let (badness_of_worst, worst) = worst?;
        // In its own group's or source's place it adds none.
        let adds = [newcomer.group() != worst.group(), newcomer.source != worst.source];
        (badness_of_worst > badness(newcomer, adds)).then(|| worst.address())
    }

    /// A candidate's place in this book's own random order.
    pub(crate) fn lot(&self, candidate: &Candidate) -> u64 {
        hash::mixed(candidate.position.0 ^ self.salt)
    }

    pub(crate) fn remove(&self, address: SocketAddr) -> Option<Candidate> {
        let packed = PackedAddress::new(address)?;
        let mut page = self.pages.get_mut(&self.page(packed))?;
        let place = page.binary_search_by_key(&packed, |candidate| candidate.packed).ok()?;
        Some(page.remove(place))
    }

    /// Notes that a candidate is alive. While three quarters of the book have answered, hearsay stays what it is, and has to
    /// wait until somebody has failed a test.
    pub(crate) fn answered(&self, now: Time, address: SocketAddr) {
        let (mut tried, max) = (0, self.max - self.max / 4);
        self.each(|candidate| tried += usize::from(candidate.is_good()));
        self.with(address, |candidate| {
            candidate.failures = 0;
            match candidate.standing {
                Standing::Former => {}
                Standing::Untested if tried >= max => {}
                Standing::Untested | Standing::Tried => (candidate.standing, candidate.since) = (Standing::Tried, now),
            }
        });
    }

    /// Makes a candidate wait as after a failure: it answered that it has no place.
    pub(crate) fn refused(&self, now: Time, address: SocketAddr, settings: &Settings) {
        self.with(address, |candidate| candidate.next_try = now + settings.backoff_max_known);
    }

    /// Notes a sign of life from a candidate: it is tried again at once, unless it was tried within the last second.
    pub(crate) fn stirred(&self, now: Time, address: SocketAddr) {
        self.with(address, |candidate| {
            if now.since(candidate.since) >= BACKOFF_MIN {
                candidate.next_try = candidate.next_try.min(now);
            }
        });
    }

    /// The PING to a candidate was not answered in time: the next attempt waits, or the candidate is forgotten.
    pub(crate) fn failed(&self, now: Time, address: SocketAddr, settings: &Settings) {
        let is_latest = self.latest_former(settings.former_kept).contains(&address);
        let spent = self.with(address, |candidate| {
            candidate.failures = candidate.failures.saturating_add(1);
            let known = candidate.is_seed() || is_latest;
            let longest = if known { settings.backoff_max_known } else { settings.backoff_max };
            let pause = BACKOFF_MIN.saturating_mul(1 << (candidate.failures - 1).min(16)).min(longest);
            candidate.next_try = now + pause;
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
            candidate.next_try = candidate.next_try.min(now);
            if candidate.has_answered() || candidate.is_seed() {
                candidate.failures = 0;
            }
        });
    }

    /// Forgets everybody but the seeds, of which only the address is kept.
    pub(crate) fn clear(&self, now: Time) {
        self.retain(Candidate::is_seed);
        self.change_each(|seed| {
            (seed.failures, seed.standing, seed.next_try, seed.since) = (0, Standing::Untested, now, Time::ZERO);
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
    fn latest_former(&self, count: usize) -> Vec<SocketAddr> {
        let mut former = Vec::new();
        self.each(|candidate| former.extend(candidate.former().map(|when| (Reverse(when), candidate.address()))));
        former.sort_unstable();
        former.truncate(count);
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

    /// How many may be recommended to others.
    pub(crate) fn good(&self) -> usize {
        let mut good = 0;
        self.each(|candidate| good += usize::from(candidate.is_good()));
        good
    }
}

/// What keeps its place in a full book: seeds first, then former peers, then those who have answered, then the patient.
type Worth = (bool, Option<Time>, bool, Reverse<u8>);

fn worth_of(candidate: &Candidate) -> Worth {
    (candidate.is_seed(), candidate.former(), candidate.has_answered(), Reverse(candidate.failures))
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
