//! Addresses: their one canonical form, and how a datagram names a node.
//!
//! A datagram names a node by its port, "that port on the host this datagram came from", or by `"ip:port"`. So messages
//! between nodes of one machine look like those of the exercise (`5001`), and nobody needs to know his own public address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU16;

use thiserror::Error;

/// The longest address as text, in bytes: `[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535`.
pub const MAX_TEXT: usize = 53;

/// A node as it is written in a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeRef {
    /// This port on the host the datagram came from.
    Port(NonZeroU16),
    /// An address in canonical form, see [`canonical`].
    Address(SocketAddr),
}

/// Why an address cannot be a node's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not `ip:port` or `[v6]:port`; a name, a zone, a missing port.
    #[error("not an address of the form ip:port or [ipv6]:port")]
    Syntax,
    /// Nobody can be reached at port 0.
    #[error("port 0 cannot be reached")]
    PortZero,
    /// `0.0.0.0` and `::` mean "any address here", not a place.
    #[error("an unspecified address names nobody")]
    Unspecified,
    /// A multicast or broadcast address names many.
    #[error("a multicast or broadcast address names more than one node")]
    Multicast,
    /// A loopback address that came from another host.
    #[error("a loopback address from another host names nobody here")]
    ForeignLoopback,
}

/// The one form in which an address is compared, stored and hashed: IPv4 mapped into IPv6 becomes IPv4, flow labels vanish.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => SocketAddr::V6(SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id())),
        },
    }
}

/// The canonical form of an address, if a node can be there at all.
pub fn reachable(address: SocketAddr) -> Result<SocketAddr, AddressError> {
    let address = canonical(address);
    let ip = address.ip();
    if address.port() == 0 {
        Err(AddressError::PortZero)
    } else if ip.is_unspecified() {
        Err(AddressError::Unspecified)
    } else if ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Err(AddressError::Multicast)
    } else {
        Ok(address)
    }
}

/// Reads `"ip:port"` or `"[v6]:port"`, as canonical address. A zone (`%eth0`) means nothing on another host and is refused.
pub fn parse(text: &str) -> Result<SocketAddr, AddressError> {
    if text.len() > MAX_TEXT || text.starts_with('[') && text.contains('%') {
        return Err(AddressError::Syntax);
    }
    let address = text.parse().map_err(|_| AddressError::Syntax)?;
    reachable(address)
}

impl NodeRef {
    /// The node of this name, see [`parse`].
    pub fn parse(text: &str) -> Result<NodeRef, AddressError> {
        parse(text).map(NodeRef::Address)
    }

    /// The address this names in a datagram that came from `envelope` (canonical).
    pub fn resolve(self, envelope: SocketAddr) -> Result<SocketAddr, AddressError> {
        match self {
            NodeRef::Port(port) => {
                // Not from the ip alone: a link-local address is nothing without its zone.
                let mut address = envelope;
                address.set_port(port.get());
                Ok(address)
            }
            NodeRef::Address(address) => {
                if address.ip().is_loopback() && !envelope.ip().is_loopback() {
                    Err(AddressError::ForeignLoopback)
                } else {
                    Ok(address)
                }
            }
        }
    }
}

/// The group a canonical address belongs to for budgets: its /16 for IPv4, its /32 for IPv6. Whoever has many addresses
/// mostly has them in few groups.
pub fn group(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, _, _] = v4.octets();
            u64::from(u16::from_be_bytes([a, b]))
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            1 << 32 | u64::from(a) << 16 | u64::from(b)
        }
    }
}

/// Whether plain peers, which cannot prove their address, are accepted from this canonical address: loopback, private and
/// link-local ranges (RFC 1918, RFC 4193, RFC 3927).
pub fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests;
