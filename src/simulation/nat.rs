//! Network address translation: several hosts behind one public IP address.
//!
//! As RFC 4787 wants it for UDP: a mapping does not depend on the destination (REQ-1), what comes in is filtered by address
//! and port (REQ-8, the strict choice), only what goes out keeps a mapping alive (REQ-6), and hosts behind the same box
//! reach each other by their public addresses too (REQ-9). Lifetimes are shorter than the RFC allows, as they are in homes.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::address_hasher::AddressHasher;
use super::host::HostId;
use crate::protocol::Time;

/// A box that translates addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NatId(pub u32);

/// How many addresses a mapping lets in before those that have expired are forgotten.
const PERMITTED_MAX: usize = 256;

/// A box that translates addresses, and the mappings it has.
#[derive(Debug)]
pub struct Nat {
    public: IpAddr,
    lifetime: Duration,
    by_inside: HashMap<SocketAddr, Mapping, AddressHasher>,
    /// Whose a public port is, or was: a port is given once, so that an old address never leads to somebody else.
    by_port: HashMap<u16, (HostId, SocketAddr)>,
    next_port: u16,
}

#[derive(Debug)]
struct Mapping {
    port: u16,
    last_sent: Time,
    /// To whom something was sent, and when last: who may answer.
    permitted: HashMap<SocketAddr, Time, AddressHasher>,
}

/// What became of something sent from inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Translated {
    /// What the recipient sees as the sender.
    pub(super) from: SocketAddr,
    pub(super) mapping: MappingFate,
}

/// Whether a mapping lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MappingFate {
    First,
    Kept,
    /// It had expired, and another took its place.
    Renewed,
}

impl Nat {
    /// A box with this public IP address, whose mappings last so long after something was sent; 30 to 60 s is common.
    pub fn new(public: IpAddr, lifetime: Duration) -> Nat {
        Nat {
            public,
            lifetime,
            by_inside: HashMap::with_hasher(AddressHasher),
            by_port: HashMap::new(),
            next_port: 20_000,
        }
    }

    /// Its public IP address.
    pub fn public(&self) -> IpAddr {
        self.public
    }

    /// The public address a host inside has now, if it has one.
    pub fn outside_of(&self, now: Time, inside: SocketAddr) -> Option<SocketAddr> {
        let mapping = self.by_inside.get(&inside)?;
        (now.since(mapping.last_sent) <= self.lifetime).then_some(SocketAddr::new(self.public, mapping.port))
    }

    /// Whose a public port is, or was.
    pub(super) fn owner(&self, port: u16) -> Option<HostId> {
        self.by_port.get(&port).map(|(host, _)| *host)
    }

    /// Something goes out. A host keeps its own port while nobody else has it.
    pub(super) fn outbound(&mut self, now: Time, host: HostId, inside: SocketAddr, to: SocketAddr) -> Translated {
        let fate = match self.by_inside.get(&inside) {
            None => MappingFate::First,
            Some(mapping) if now.since(mapping.last_sent) <= self.lifetime => MappingFate::Kept,
            Some(_) => MappingFate::Renewed,
        };
        if fate != MappingFate::Kept {
            let port = self.free_port(inside.port());
            self.by_port.insert(port, (host, inside));
            let permitted = HashMap::with_hasher(AddressHasher);
            self.by_inside.insert(inside, Mapping { port, last_sent: now, permitted });
        }
        let lifetime = self.lifetime;
        let Some(mapping) = self.by_inside.get_mut(&inside) else {
            return Translated { from: inside, mapping: fate };
        };
        mapping.last_sent = now;
        if mapping.permitted.len() >= PERMITTED_MAX {
            mapping.permitted.retain(|_, last| now.since(*last) <= lifetime);
        }
        mapping.permitted.insert(to, now);
        Translated { from: SocketAddr::new(self.public, mapping.port), mapping: fate }
    }

    /// Something comes in at a public port: the host it goes to, if the box lets it pass.
    pub(super) fn inbound(&self, now: Time, from: SocketAddr, port: u16) -> Option<HostId> {
        let (host, inside) = self.by_port.get(&port)?;
        let mapping = self.by_inside.get(inside)?;
        let is_open = mapping.port == port && now.since(mapping.last_sent) <= self.lifetime;
        let is_permitted = mapping.permitted.get(&from).is_some_and(|&last| now.since(last) <= self.lifetime);
        (is_open && is_permitted).then_some(*host)
    }

    fn free_port(&mut self, wanted: u16) -> u16 {
        if !self.by_port.contains_key(&wanted) {
            return wanted;
        }
        while self.by_port.contains_key(&self.next_port) && self.by_port.len() < 40_000 {
            self.next_port = if self.next_port == u16::MAX { 20_000 } else { self.next_port + 1 };
        }
        self.next_port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: HostId = HostId(3);

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn time(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn nat() -> Nat {
        Nat::new("198.51.100.1".parse().unwrap(), Duration::from_secs(30))
    }

    #[test]
    fn who_was_sent_something_can_answer_and_nobody_else() {
        let mut nat = nat();
        let sent = nat.outbound(time(0), INSIDE, at("192.168.0.2:5001"), at("203.0.113.1:1"));
        assert_eq!(sent, Translated { from: at("198.51.100.1:5001"), mapping: MappingFate::First });
        assert_eq!(nat.inbound(time(1), at("203.0.113.1:1"), 5_001), Some(INSIDE));
        assert_eq!(nat.inbound(time(1), at("203.0.113.1:2"), 5_001), None, "filtered by port");
        assert_eq!(nat.inbound(time(1), at("203.0.113.2:1"), 5_001), None, "filtered by address");
        assert_eq!(nat.inbound(time(1), at("203.0.113.1:1"), 5_002), None, "no mapping");
    }

    #[test]
    fn the_mapping_is_the_same_for_every_destination() {
        let mut nat = nat();
        let first = nat.outbound(time(0), INSIDE, at("192.168.0.2:5001"), at("203.0.113.1:1"));
        let second = nat.outbound(time(9), INSIDE, at("192.168.0.2:5001"), at("203.0.113.2:1"));
        assert_eq!((first.from, second.mapping), (second.from, MappingFate::Kept));
        let other = nat.outbound(time(9), HostId(4), at("192.168.0.3:5001"), at("203.0.113.2:1"));
        assert_ne!(other.from, first.from);
    }

    #[test]
    fn a_mapping_expires_when_nothing_is_sent_and_comes_back_with_another_port() {
        let mut nat = nat();
        let (inside, peer) = (at("192.168.0.2:5001"), at("203.0.113.1:1"));
        nat.outbound(time(0), INSIDE, inside, peer);
        assert_eq!(nat.outside_of(time(30), inside), Some(at("198.51.100.1:5001")));
        assert_eq!(nat.inbound(time(31), peer, 5_001), None);
        let renewed = nat.outbound(time(31), INSIDE, inside, peer);
        assert_eq!(renewed.mapping, MappingFate::Renewed);
        assert_ne!(renewed.from.port(), 5_001);
        assert_eq!(nat.inbound(time(31), peer, 5_001), None, "the old port leads nowhere");
        assert_eq!(nat.inbound(time(31), peer, renewed.from.port()), Some(INSIDE));
    }
}
