//! Which addresses are this node's own, and how it names others to others.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use super::address::{NodeRef, canonical};
use super::hash::HashKey;
use super::rare::Rare;

/// How many addresses a node learns to be its own.
const LEARNED_MAX: usize = 8;

/// Where a node is, as far as it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// The UDP port it receives on.
    pub port: NonZeroU16,
    /// The address it is bound to; unspecified (`0.0.0.0`, `::`) for all of the host's.
    pub bound: IpAddr,
    /// The address at which others reach it, where that is another one.
    pub advertised: Option<SocketAddr>,
}

/// Knows a node's own addresses.
#[derive(Debug)]
pub(crate) struct OwnAddresses {
    whereabouts: Whereabouts,
    learned: Rare<SocketAddr, ()>,
}

impl OwnAddresses {
    pub(crate) fn new(whereabouts: Whereabouts, table: HashKey) -> OwnAddresses {
        let bound = canonical(SocketAddr::new(whereabouts.bound, whereabouts.port.get())).ip();
        let advertised = whereabouts.advertised.map(canonical);
        let whereabouts = Whereabouts { bound, advertised, ..whereabouts };
        OwnAddresses { whereabouts, learned: Rare::new(table) }
    }

    /// How this node names itself in a datagram: by its port, on whatever host it is seen.
    pub(crate) fn node_ref(&self) -> NodeRef {
        NodeRef::Port(self.whereabouts.port)
    }

    /// This node's address as it would write it down for itself.
    pub(crate) fn address(&self) -> SocketAddr {
        let Whereabouts { port, bound, advertised } = self.whereabouts;
        advertised.unwrap_or_else(|| {
            let ip = match bound {
                IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
                IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
                specific => specific,
            };
            SocketAddr::new(ip, port.get())
        })
    }

    /// The address at which others reach this node, if it was told: the advertised one, or the one it is bound to.
    pub(crate) fn public(&self) -> Option<SocketAddr> {
        let Whereabouts { port, bound, advertised } = self.whereabouts;
        advertised.or_else(|| (!bound.is_unspecified()).then(|| SocketAddr::new(bound, port.get())))
    }

    /// Whether this is this node itself, as far as it was told where it is or has found out.
    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.is_bound(address) || self.learned.contains(address)
    }

    /// Whether this is an address this node was told that it has. Others that it has learned to be its own may be mirrors.
    pub(crate) fn is_bound(&self, address: SocketAddr) -> bool {
        let Whereabouts { port, bound, advertised } = self.whereabouts;
        let is_here = || address.ip() == bound || bound.is_unspecified() && address.ip().is_loopback();
        advertised == Some(address) || address.port() == port.get() && is_here()
    }

    /// Notes that this address has turned out to be this node. Returns whether that is new; beyond a few addresses
    /// nothing is noted.
    pub(crate) fn learn(&self, address: SocketAddr) -> bool {
        if self.contains(address) || self.learned.len() >= LEARNED_MAX {
            return false;
        }
        self.learned.insert(address, ()).is_none()
    }

    /// Names a node in a datagram: by its port if it is on this host, else by its address. A loopback address thus never
    /// leaves its host.
    pub(crate) fn name(&self, address: SocketAddr) -> NodeRef {
        let ip = address.ip();
        let here = ip.is_loopback()
            || ip == self.whereabouts.bound
            || self.whereabouts.advertised.is_some_and(|advertised| advertised.ip() == ip);
        match NonZeroU16::new(address.port()) {
            Some(port) if here => NodeRef::Port(port),
            Some(_) | None => NodeRef::Address(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(bound: &str, advertised: Option<&str>) -> OwnAddresses {
        let whereabouts = Whereabouts {
            port: NonZeroU16::new(5001).unwrap(),
            bound: bound.parse().unwrap(),
            advertised: advertised.map(|address| address.parse().unwrap()),
        };
        OwnAddresses::new(whereabouts, HashKey(1, 2))
    }

    fn at(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_node_bound_to_one_address_is_there_and_nowhere_else() {
        let own = own("127.0.0.1", None);
        assert!(own.contains(at("127.0.0.1:5001")));
        assert!(!own.contains(at("127.0.0.2:5001")) && !own.contains(at("127.0.0.1:5002")));
    }

    #[test]
    fn a_node_bound_to_all_addresses_is_on_every_loopback_address_and_where_it_learned_to_be() {
        let own = own("0.0.0.0", None);
        assert!(own.contains(at("127.0.0.9:5001")) && !own.contains(at("192.0.2.1:5001")));
        assert!(own.learn(at("192.0.2.1:5001")) && own.contains(at("192.0.2.1:5001")));
        assert!(!own.learn(at("192.0.2.1:5001")), "it is not new any more");
    }

    #[test]
    fn what_a_node_learns_of_itself_is_bounded() {
        let own = own("0.0.0.0", None);
        let learned = (1..100).filter(|port| own.learn(at(&format!("192.0.2.1:{port}")))).count();
        assert_eq!(learned, LEARNED_MAX);
    }

    #[test]
    fn nodes_of_this_host_are_named_by_port_and_others_by_address() {
        let own = own("10.0.0.1", None);
        let port = |port| NodeRef::Port(NonZeroU16::new(port).unwrap());
        assert_eq!(own.name(at("10.0.0.1:5002")), port(5002));
        assert_eq!(own.name(at("127.0.0.1:5003")), port(5003));
        assert_eq!(own.name(at("10.0.0.2:5002")), NodeRef::Address(at("10.0.0.2:5002")));
    }

    #[test]
    fn the_advertised_address_is_this_node_too() {
        let own = own("10.0.0.1", Some("198.51.100.7:6001"));
        assert!(own.contains(at("198.51.100.7:6001")));
        assert_eq!(own.address(), at("198.51.100.7:6001"));
    }
}
