//! The address book: who might become a peer, and when he is tried next.
//!
//! Whoever is dropped comes back here and is tried again with growing pauses; a partition or a long sleep is then never
//! for ever. The book is bounded; when it is full, whoever has failed most and answered least makes room.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::time::Duration;

use dashmap::DashMap;

use super::counters::DiscoveredVia;
use super::hash::{HashKey, TableHasher};
use super::message::MessageId;
use super::settings::Settings;
use super::time::Time;

/// The first pause before a candidate is tried again.
const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// Failures in a row after which a candidate that never answered is forgotten.
const STRANGER_FAILURES: u32 = 5;

/// Failures in a row after which a candidate that did answer once is forgotten: about ten minutes.
const KNOWN_FAILURES: u32 = 16;

/// One candidate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) via: DiscoveredVia,
    /// Attempts in a row that were not answered.
    pub(crate) failures: u32,
    pub(crate) next_try: Time,
    /// Whether it has ever answered.
    pub(crate) answered: bool,
    /// When it was last an active peer.
    pub(crate) former: Option<Time>,
    /// The PING that it has not answered yet.
    pub(crate) probe: Option<Probe>,
    /// When it was PINGed last.
    pub(crate) tried: Option<Time>,
}

/// A PING on its way to an address that is no peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) id: MessageId,
    pub(crate) sent: Time,
}

impl Candidate {
    fn new(via: DiscoveredVia, now: Time) -> Candidate {
        Candidate { via, failures: 0, next_try: now, answered: false, former: None, probe: None, tried: None }
    }

    /// What keeps its place in a full book: seeds first, then former peers, then those who have answered, then the patient.
    fn worth(&self) -> (bool, Option<Time>, bool, Reverse<u32>) {
        (self.via == DiscoveredVia::Seed, self.former, self.answered, Reverse(self.failures))
    }

    fn is_spent(&self) -> bool {
        let enough = match self.via {
            DiscoveredVia::Seed => return false,
            // Whoever a PRIME names as its originator is PINGed once: the name may be a victim's.
            DiscoveredVia::Prime if !self.answered => 1,
            DiscoveredVia::Prime
            | DiscoveredVia::Saved
            | DiscoveredVia::Scan
            | DiscoveredVia::Ping
            | DiscoveredVia::Sample => {
                if self.answered {
                    KNOWN_FAILURES
                } else {
                    STRANGER_FAILURES
                }
            }
        };
        self.failures >= enough
    }
}

/// The address book. No guard of its map leaves a method.
#[derive(Debug)]
pub(crate) struct Book {
    map: DashMap<SocketAddr, Candidate, TableHasher>,
    max: usize,
}

impl Book {
    pub(crate) fn new(max: usize, table: HashKey) -> Book {
        Book { map: DashMap::with_hasher_and_shard_amount(TableHasher(table), 2), max }
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Notes a candidate, to be tried at once. One that stands here already keeps its entry; a seed is noted as one.
    /// Returns whether it stands here now.
    pub(crate) fn add(&self, now: Time, address: SocketAddr, via: DiscoveredVia) -> bool {
        if let Some(mut candidate) = self.map.get_mut(&address) {
            if via == DiscoveredVia::Seed {
                candidate.via = via;
            }
            return true;
        }
        self.insert(address, Candidate::new(via, now))
    }

    /// Notes a candidate that a saved book names as one that had answered.
    pub(crate) fn restore(&self, now: Time, address: SocketAddr) {
        self.insert(address, Candidate { answered: true, ..Candidate::new(DiscoveredVia::Saved, now) });
    }

    /// Notes one that was an active peer until now, to be tried again in a second.
    pub(crate) fn add_former(&self, now: Time, address: SocketAddr, via: DiscoveredVia) {
        let next_try = now + BACKOFF_MIN;
        self.remove(address);
        self.insert(address, Candidate { answered: true, former: Some(now), next_try, ..Candidate::new(via, now) });
    }

    fn insert(&self, address: SocketAddr, candidate: Candidate) -> bool {
        if self.map.len() >= self.max {
            let least = self
                .map
                .iter()
                .filter(|entry| entry.probe.is_none())
                .map(|entry| (entry.worth(), *entry.key()))
                .min_by(|a, b| a.cmp(b));
            match least {
                Some((worth, least)) if worth <= candidate.worth() => self.map.remove(&least),
                Some(_) | None => return false,
            };
        }
        self.map.insert(address, candidate);
        true
    }

    pub(crate) fn remove(&self, address: SocketAddr) -> Option<Candidate> {
        self.map.remove(&address).map(|(_, candidate)| candidate)
    }

    /// What is noted of a candidate.
    pub(crate) fn get(&self, address: SocketAddr) -> Option<Candidate> {
        self.map.get(&address).map(|candidate| candidate.clone())
    }

    /// Notes that a candidate was PINGed just now.
    pub(crate) fn probed(&self, address: SocketAddr, probe: Probe) {
        if let Some(mut candidate) = self.map.get_mut(&address) {
            candidate.probe = Some(probe);
            candidate.tried = Some(probe.sent);
        }
    }

    /// Notes that the PING to a candidate never left, and returns when it is tried again. For strangers that is a failure
    /// like any other.
    pub(crate) fn not_probed(&self, now: Time, address: SocketAddr) -> Time {
        let Some(mut candidate) = self.map.get_mut(&address) else { return Time::NEVER };
        // A stranger may be one that no datagram of ours can ever reach.
        let is_known = candidate.answered || candidate.via == DiscoveredVia::Seed;
        if is_known && candidate.probe.take().is_some() {
            candidate.next_try = now + BACKOFF_MIN;
        }
        candidate.next_try
    }

    /// Notes a sign of life from a candidate: it is tried again at once, unless it was tried within the last second.
    pub(crate) fn stirred(&self, now: Time, address: SocketAddr) {
        let Some(mut candidate) = self.map.get_mut(&address) else { return };
        if candidate.tried.is_none_or(|tried| now.since(tried) >= BACKOFF_MIN) {
            candidate.next_try = candidate.next_try.min(now);
        }
    }

    /// Makes a candidate wait as after a failure, without a PING of its own: it answered that it has no place.
    pub(crate) fn refused(&self, now: Time, address: SocketAddr, settings: &Settings) {
        if let Some(mut candidate) = self.map.get_mut(&address) {
            candidate.answered = true;
            candidate.probe = None;
            candidate.next_try = now + settings.backoff_max_known;
        }
    }

    /// How many PINGs to candidates are on their way.
    pub(crate) fn in_flight(&self) -> usize {
        self.map.iter().filter(|candidate| candidate.probe.is_some()).count()
    }

    /// Tries everybody at once, those who have ever answered as if they had never failed: whatever is known of their
    /// silence is from a time in which this node did not listen.
    pub(crate) fn rouse(&self, now: Time) {
        for mut candidate in self.map.iter_mut() {
            candidate.probe = None;
            candidate.tried = None;
            // Who is due already keeps its turn.
            candidate.next_try = candidate.next_try.min(now);
            if candidate.answered || candidate.via == DiscoveredVia::Seed {
                candidate.failures = 0;
            }
        }
    }

    /// Forgets everybody but the seeds, of which only the address is kept.
    pub(crate) fn clear(&self, now: Time) {
        self.map.retain(|_, candidate| candidate.via == DiscoveredVia::Seed);
        for mut candidate in self.map.iter_mut() {
            *candidate = Candidate::new(DiscoveredVia::Seed, now);
        }
    }

    /// Makes a seed a candidate like any other; one that never answered is forgotten.
    pub(crate) fn demote(&self, address: SocketAddr) {
        self.map.remove_if(&address, |_, candidate| candidate.via == DiscoveredVia::Seed && !candidate.answered);
        if let Some(mut candidate) = self.map.get_mut(&address)
            && candidate.via == DiscoveredVia::Seed
        {
            candidate.via = DiscoveredVia::Saved;
        }
    }

    /// Ends probes that were not answered in time: the next attempt waits, or the candidate is forgotten.
    pub(crate) fn expire_probes(&self, now: Time, settings: &Settings) {
        let latest = self.latest_former(settings.former_kept);
        self.map.retain(|address, candidate| {
            let Some(probe) = candidate.probe else { return true };
            if now.since(probe.sent) < settings.probe_timeout {
                return true;
            }
            candidate.probe = None;
            candidate.failures += 1;
            let known = candidate.via == DiscoveredVia::Seed || latest.contains(address);
            let longest = if known { settings.backoff_max_known } else { settings.backoff_max };
            let pause = BACKOFF_MIN.saturating_mul(1 << (candidate.failures - 1).min(16)).min(longest);
            candidate.next_try = now + pause;
            known || !candidate.is_spent()
        });
    }

    /// The latest former peers.
    fn latest_former(&self, count: usize) -> Vec<SocketAddr> {
        let mut former: Vec<_> =
            self.map.iter().filter_map(|entry| entry.former.map(|when| (Reverse(when), *entry.key()))).collect();
        former.sort_unstable();
        former.truncate(count);
        former.into_iter().map(|(_, address)| address).collect()
    }

    /// Whom to try now: those whose time has come, seeds first, then former peers, then by how long they have waited.
    pub(crate) fn due(&self, now: Time) -> Vec<SocketAddr> {
        let mut due: Vec<_> = self
            .map
            .iter()
            .filter(|entry| entry.probe.is_none() && entry.next_try <= now)
            .map(|entry| {
                (Reverse(entry.via == DiscoveredVia::Seed), Reverse(entry.former), entry.next_try, *entry.key())
            })
            .collect();
        due.sort_unstable();
        due.into_iter().map(|(_, _, _, address)| address).collect()
    }

    /// When the book next wants attention: a candidate to be tried, or a probe to be given up.
    pub(crate) fn next_deadline(&self, settings: &Settings) -> Time {
        self.map
            .iter()
            .map(|entry| entry.probe.map_or(entry.next_try, |probe| probe.sent + settings.probe_timeout))
            .min()
            .unwrap_or(Time::NEVER)
    }

    /// Those who have ever answered, the worthiest first: whom to remember in the next life.
    pub(crate) fn remembered(&self) -> Vec<SocketAddr> {
        let mut all: Vec<_> = self
            .map
            .iter()
            .filter(|entry| entry.answered)
            .map(|entry| (Reverse(entry.worth()), *entry.key()))
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, address)| address).collect()
    }

    /// Those who have answered and not failed since, in order: whom one may recommend to others.
    pub(crate) fn answered(&self) -> Vec<SocketAddr> {
        let mut all: Vec<SocketAddr> =
            self.map.iter().filter(|entry| entry.answered && entry.failures == 0).map(|entry| *entry.key()).collect();
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests;
