//! PINGs on their way to addresses that are no peers, and what each was sent for.

use std::net::SocketAddr;
use std::time::Duration;

use dashmap::DashMap;

use super::hash::{HashKey, TableHasher};
use super::message::MessageId;
use super::time::{AtomicTime, Time};

/// What a PING to somebody who is no peer is to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether a candidate that this node has picked may become a peer.
    Choice,
    /// Whether somebody who asked for a place is where he says.
    Request,
    /// The same, of somebody who says that he has no peer at all.
    LonelyRequest,
    /// Whether a candidate of the address book is alive; there is no place for it.
    Test,
    /// Whether anybody is there.
    Scan,
}

impl Purpose {
    /// Whether the address was picked by this node, rather than put forward by whoever is there.
    pub(crate) fn is_own_choice(self) -> bool {
        match self {
            Purpose::Choice | Purpose::Scan => true,
            Purpose::Request | Purpose::LonelyRequest | Purpose::Test => false,
        }
    }
}

/// One such PING.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) id: MessageId,
    pub(crate) sent: Time,
    pub(crate) purpose: Purpose,
}

/// All of them. They are bounded by the probe rate and by how long each may take.
#[derive(Debug)]
pub(crate) struct Probes {
    map: DashMap<SocketAddr, Probe, TableHasher>,
    /// No probe has to be given up earlier than this.
    next_expiry: AtomicTime,
    lasts: Duration,
}

impl Probes {
    /// A probe may be answered for `lasts`.
    pub(crate) fn new(table: HashKey, lasts: Duration) -> Probes {
        let map = DashMap::with_hasher_and_shard_amount(TableHasher(table), 2);
        Probes { map, next_expiry: AtomicTime::new(Time::NEVER), lasts }
    }

    pub(crate) fn insert(&self, address: SocketAddr, probe: Probe) {
        self.map.insert(address, probe);
        self.next_expiry.at_most(probe.sent + self.lasts);
    }

    pub(crate) fn get(&self, address: SocketAddr) -> Option<Probe> {
        self.map.get(&address).map(|probe| *probe)
    }

    /// The addresses of probes on their way, in order.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let mut addresses: Vec<SocketAddr> = self.map.iter().map(|probe| *probe.key()).collect();
        addresses.sort_unstable();
        addresses
    }

    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.map.contains_key(&address)
    }

    pub(crate) fn remove(&self, address: SocketAddr) -> Option<Probe> {
        self.map.remove(&address).map(|(_, probe)| probe)
    }

    pub(crate) fn clear(&self) {
        self.map.clear();
        self.next_expiry.set(Time::NEVER);
    }

    /// How many are on their way to candidates.
    pub(crate) fn in_flight(&self) -> usize {
        self.map.iter().filter(|probe| probe.purpose != Purpose::Scan).count()
    }

    /// When the next probe is given up.
    pub(crate) fn next_expiry(&self) -> Time {
        self.next_expiry.get()
    }

    /// Takes out the probes that were not answered in time, ordered by address.
    pub(crate) fn take_expired(&self, now: Time) -> Vec<(SocketAddr, Probe)> {
        if self.next_expiry.get() > now {
            return Vec::new();
        }
        let mut expired = Vec::new();
        let mut next = Time::NEVER;
        self.map.retain(|&address, probe| {
            let end = probe.sent + self.lasts;
            if end <= now {
                expired.push((address, *probe));
            } else {
                next = next.min(end);
            }
            end > now
        });
        self.next_expiry.set(next);
        if self.map.is_empty() {
            self.map.shrink_to_fit();
        }
        expired.sort_unstable_by_key(|(address, _)| *address);
        expired
    }
}
