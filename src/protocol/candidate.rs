//! One entry of the address book, packed: the book is most of what a node holds in memory.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::address;
use super::counters::DiscoveredVia;
use super::hash;
use super::ring::RingPosition;
use super::time::{CoarseTime, Time};

/// A canonical address in 20 bytes instead of 32, ordered like the bytes that are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PackedAddress {
    /// IPv6, or IPv4 mapped into it.
    ip: [u8; 16],
    port: [u8; 2],
    /// The zone of a link-local address.
    scope: u16,
}

impl PackedAddress {
    /// Packs a canonical address; `None` where its zone has a number beyond 65,535.
    pub(crate) fn new(address: SocketAddr) -> Option<PackedAddress> {
        let scope = match address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(v6) => u16::try_from(v6.scope_id()).ok()?,
        };
        let ip = match address.ip() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        Some(PackedAddress { ip: ip.octets(), port: address.port().to_be_bytes(), scope })
    }

    /// The address that was packed.
    pub(crate) fn unpack(self) -> SocketAddr {
        let (ip, port) = (Ipv6Addr::from(self.ip), u16::from_be_bytes(self.port));
        address::canonical(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, self.scope.into())))
    }
}

/// Who told of a candidate: his address group in eight bits. Two groups may share a number, and then share a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source(pub(crate) u8);

impl Source {
    /// Nobody on the network: the operator, or a former life.
    pub(crate) const SELF: Source = Source(0);

    /// Those whom the operator named.
    pub(crate) const SEED: Source = Source(1);

    /// The group of an address; none shares its number with the two above.
    pub(crate) fn of(address: SocketAddr) -> Source {
        Source(fold(address::group(address.ip())).max(Source::SEED.0 + 1))
    }
}

/// What is known of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Somebody named it.
    Untested,
    /// It has answered.
    Tried,
    /// It was an active peer.
    Former,
}

/// A candidate for a place among the active peers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(super) packed: PackedAddress,
    pub(crate) via: DiscoveredVia,
    /// Attempts in a row that were not answered.
    pub(crate) failures: u8,
    pub(crate) standing: Standing,
    pub(crate) source: Source,
    pub(crate) position: RingPosition,
    /// No earlier than this is it tried again.
    pub(crate) next_try: CoarseTime,
    /// When it answered last; of a former peer, when it was dropped. The origin of time, if never.
    pub(crate) since: CoarseTime,
}

impl Candidate {
    /// A candidate nobody has tried, to be tried at `next_try`.
    pub(crate) fn new(
        next_try: CoarseTime,
        address: SocketAddr,
        via: DiscoveredVia,
        source: Source,
    ) -> Option<Candidate> {
        Some(Candidate {
            packed: PackedAddress::new(address)?,
            via,
            failures: 0,
            standing: Standing::Untested,
            source,
            position: RingPosition::of(address),
            next_try,
            since: CoarseTime::default(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.packed.unpack()
    }

    /// Its address group in eight bits.
    pub(crate) fn group(&self) -> u8 {
        fold(address::group(self.address().ip()))
    }

    /// Whether it has ever answered.
    pub(crate) fn has_answered(&self) -> bool {
        self.standing != Standing::Untested
    }

    /// Whether it may be recommended to others: it has answered, and neither failed nor fallen silent since.
    pub(crate) fn is_good(&self) -> bool {
        self.standing == Standing::Tried && self.failures == 0
    }

    pub(crate) fn is_seed(&self) -> bool {
        self.via == DiscoveredVia::Seed
    }

    /// When it was an active peer last.
    pub(crate) fn former(&self) -> Option<Time> {
        (self.standing == Standing::Former).then_some(self.since.time())
    }
}

/// Any number in eight bits, spread evenly.
fn fold(group: u64) -> u8 {
    (hash::mixed(group) >> 56) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_being_packed() {
        for text in ["10.0.0.1:5001", "[2001:db8::1]:1", "[fe80::1%7]:65535", "127.0.0.1:80"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(PackedAddress::new(address).map(PackedAddress::unpack), Some(address), "{text}");
        }
        let far = SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 1, 0, 65_536));
        assert_eq!(PackedAddress::new(far), None);
    }

    #[test]
    fn an_entry_takes_40_bytes() {
        assert_eq!(size_of::<Candidate>(), 40);
    }

    #[test]
    fn addresses_of_one_group_are_one_source() {
        let source = |text: &str| Source::of(text.parse().unwrap());
        assert_eq!(source("10.0.0.1:1"), source("10.0.255.9:2"));
        assert_ne!(source("10.0.0.1:1"), source("10.1.0.1:1"));
    }
}
