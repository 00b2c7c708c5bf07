//! What was said in all, and how one prime spread.

use std::collections::BTreeMap;

use super::host::HostId;
use crate::mersenne::Exponent;
use crate::protocol::Time;
use crate::protocol::message::MessageType;

/// Datagrams that hosts have sent, before anything happened to them on their way.
#[derive(Debug, Default, Clone)]
pub struct Traffic {
    datagrams: [u64; MessageType::ALL.len()],
    bytes: u64,
    primes: BTreeMap<u64, u64>,
    watched: Vec<Watched>,
}

/// How one prime spread.
#[derive(Debug, Clone)]
pub struct Watched {
    /// p of 2^p − 1.
    pub exponent: Exponent,
    /// When it began to be watched: when it was found.
    pub since: Time,
    heard: Vec<Option<Arrival>>,
    known: Vec<Option<Time>>,
}

/// How a host first heard of a prime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Time,
    /// How many hosts it had come by: 0 for its finder.
    pub hops: u32,
}

impl Traffic {
    /// Datagrams of one type.
    pub fn sent(&self, message_type: MessageType) -> u64 {
        self.datagrams[message_type as usize]
    }

    /// Datagrams of all types.
    pub fn datagrams(&self) -> u64 {
        self.datagrams.iter().sum()
    }

    /// Bytes of all datagrams, without headers of UDP and IP.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// PRIMEs that named this exponent.
    pub fn primes(&self, exponent: Exponent) -> u64 {
        self.primes.get(&exponent.into()).copied().unwrap_or_default()
    }

    /// How the prime that was found last spread.
    pub fn watched(&self) -> Option<&Watched> {
        self.watched.last()
    }

    /// How every prime that was found spread, in the order in which they were found.
    pub fn spreads(&self) -> impl ExactSizeIterator<Item = &Watched> {
        self.watched.iter()
    }

    pub(super) fn note(&mut self, message_type: MessageType, data: Option<u64>, bytes: usize) {
        self.datagrams[message_type as usize] += 1;
        self.bytes += bytes as u64;
        if let Some(exponent) = data {
            *self.primes.entry(exponent).or_default() += 1;
        }
    }

    /// Begins to watch a prime that `finder` has found.
    pub(super) fn watch(&mut self, exponent: Exponent, now: Time, finder: HostId, hosts: usize) {
        let mut watched = Watched { exponent, since: now, heard: vec![None; hosts], known: vec![None; hosts] };
        watched.arrived(finder, Arrival { at: now, hops: 0 });
        watched.learned(finder, now);
        self.watched.push(watched);
    }

    /// Whether a PRIME with this exponent is watched, and how many hops from its finder `host` was when it heard of it.
    pub(super) fn hops_at(&self, host: HostId, exponent: u64) -> Option<u32> {
        let watched = self.watched.iter().rev().find(|watched| u64::from(watched.exponent) == exponent)?;
        watched.heard(host).map(|arrival| arrival.hops)
    }

    pub(super) fn watched_mut(&mut self, exponent: u64) -> Option<&mut Watched> {
        self.watched.iter_mut().rev().find(|watched| u64::from(watched.exponent) == exponent)
    }
}

impl Watched {
    /// How a host first heard of it.
    pub fn heard(&self, host: HostId) -> Option<Arrival> {
        self.heard.get(host.index()).copied().flatten()
    }

    /// When a host had first verified it.
    pub fn known(&self, host: HostId) -> Option<Time> {
        self.known.get(host.index()).copied().flatten()
    }

    /// How every host that has heard of it first heard of it, by the number of the host.
    pub fn arrivals(&self) -> impl Iterator<Item = (HostId, Arrival)> {
        let arrivals = self.heard.iter().enumerate();
        arrivals.filter_map(|(host, arrival)| arrival.map(|arrival| (HostId(host as u32), arrival)))
    }

    pub(super) fn arrived(&mut self, host: HostId, arrival: Arrival) {
        note_first(&mut self.heard, host, arrival);
    }

    pub(super) fn learned(&mut self, host: HostId, at: Time) {
        note_first(&mut self.known, host, at);
    }
}

/// Keeps the first of what is noted for a host; hosts may have been added since.
fn note_first<T: Copy>(table: &mut Vec<Option<T>>, host: HostId, what: T) {
    if table.len() <= host.index() {
        table.resize(host.index() + 1, None);
    }
    table[host.index()].get_or_insert(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_arrival_counts() {
        let exponent = Exponent::new(31).unwrap();
        let mut traffic = Traffic::default();
        traffic.watch(exponent, Time::from_micros(5), HostId(1), 2);
        let at = |at, hops| Arrival { at: Time::from_micros(at), hops };
        for (host, arrival) in [(0, at(7, 1)), (0, at(9, 3)), (1, at(9, 2)), (4, at(11, 2))] {
            traffic.watched_mut(31).unwrap().arrived(HostId(host), arrival);
        }
        let watched = traffic.watched().unwrap();
        let arrivals: Vec<_> = watched.arrivals().collect();
        assert_eq!(arrivals, [(HostId(0), at(7, 1)), (HostId(1), at(5, 0)), (HostId(4), at(11, 2))]);
        assert_eq!((traffic.hops_at(HostId(4), 31), traffic.hops_at(HostId(4), 61)), (Some(2), None));
    }
}
