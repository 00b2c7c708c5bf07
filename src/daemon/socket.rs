//! The UDP socket: bound with a large receive buffer, and what the kernel says went wrong with it.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// Why a port could not be taken. Nothing was bound.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another process has it.
    #[error("{protocol} port {} on {} is in use by another process; stop that one, or choose another with --port",
        address.port(), address.ip())]
    InUse {
        /// What was to be bound.
        address: SocketAddr,
        /// UDP or TCP.
        protocol: &'static str,
    },
    /// Ports below 1024 take a privilege.
    #[error("{protocol} port {} on {} may not be used by this user; choose one from 1024 up", address.port(), address.ip())]
    Forbidden {
        /// What was to be bound.
        address: SocketAddr,
        /// UDP or TCP.
        protocol: &'static str,
    },
    /// No interface has this address.
    #[error("{} is not an address of this machine; see --bind and --http-bind", address.ip())]
    NotHere {
        /// What was to be bound.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("cannot bind {protocol} {address}: {source}")]
    Other {
        /// What was to be bound.
        address: SocketAddr,
        /// UDP or TCP.
        protocol: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    /// Names what went wrong with binding `address`.
    pub fn new(address: SocketAddr, protocol: &'static str, source: io::Error) -> BindError {
        match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { address, protocol },
            io::ErrorKind::PermissionDenied => BindError::Forbidden { address, protocol },
            io::ErrorKind::AddrNotAvailable => BindError::NotHere { address },
            _ => BindError::Other { address, protocol, source },
        }
    }
}

/// Binds a non-blocking UDP socket and asks for a receive buffer of so many bytes. The kernel may give less: see
/// [`receive_buffer`].
pub fn bind_udp(address: SocketAddr, buffer: usize) -> Result<UdpSocket, BindError> {
    let failed = |source| BindError::new(address, "UDP", source);
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP)).map_err(failed)?;
    if address.ip() == IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED) {
        // One socket for both families, where the system allows it.
        socket.set_only_v6(false).map_err(failed)?;
    }
    socket.set_nonblocking(true).map_err(failed)?;
    socket.bind(&address.into()).map_err(failed)?;
    // Not having a large buffer is no reason not to run; what came of it is exported.
    let _less_than_asked_is_exported = socket.set_recv_buffer_size(buffer);
    Ok(socket.into())
}

/// How many bytes may be queued in the kernel before it drops datagrams silently.
pub fn receive_buffer(socket: &UdpSocket) -> usize {
    // Linux doubles what was asked for, to pay for its own bookkeeping, and reports the double.
    socket2::SockRef::from(socket).recv_buffer_size().unwrap_or(0)
}

/// How a socket bound to `bound` addresses `to`: one for both families reaches IPv4 by mapped addresses.
pub fn reach(bound: SocketAddr, to: SocketAddr) -> SocketAddr {
    match (bound, to) {
        (SocketAddr::V6(_), SocketAddr::V4(v4)) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
        (SocketAddr::V4(_) | SocketAddr::V6(_), _) => to,
    }
}

/// Whether a socket bound to `bind` can send to `to` at all: from loopback only to loopback, from IPv4 only to IPv4.
pub fn can_reach(bind: IpAddr, to: SocketAddr) -> bool {
    let same_family = bind.is_ipv4() == to.is_ipv4() || bind == IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
    same_family && (!bind.is_loopback() || to.ip().is_loopback())
}

/// How many datagrams the kernel has dropped because the receive buffer was full, as `/proc/net/udp` has it; 0 where
/// there is none.
pub fn kernel_drops(address: SocketAddr) -> u64 {
    let table = match address.ip() {
        IpAddr::V4(_) => "/proc/self/net/udp",
        IpAddr::V6(_) => "/proc/self/net/udp6",
    };
    std::fs::read_to_string(table).map_or(0, |table| drops_in(&table, address))
}

/// Finds a socket's drops, the last column, by its local address, the second: words of hex in host byte order, then the
/// port.
fn drops_in(table: &str, address: SocketAddr) -> u64 {
    let ip = match address.ip() {
        IpAddr::V4(v4) => format!("{:08X}", u32::from_ne_bytes(v4.octets())),
        IpAddr::V6(v6) => v6
            .octets()
            .chunks_exact(4)
            .map(|word| format!("{:08X}", u32::from_ne_bytes([word[0], word[1], word[2], word[3]])))
            .collect(),
    };
    let local = format!("{ip}:{:04X}", address.port());
    table
        .lines()
        .skip(1)
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|columns| columns.get(1) == Some(&local.as_str()))
        .filter_map(|columns| columns.last()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named_in_the_error() {
        let first = bind_udp("127.0.0.1:0".parse().unwrap(), 1 << 16).unwrap();
        let address = first.local_addr().unwrap();
        let error = bind_udp(address, 1 << 16).unwrap_err();
        assert!(matches!(error, BindError::InUse { .. }));
        assert!(error.to_string().contains(&format!("UDP port {}", address.port())), "{error}");
    }

    #[test]
    fn an_address_of_another_machine_cannot_be_bound() {
        let error = bind_udp("192.0.2.1:5001".parse().unwrap(), 1 << 16).unwrap_err();
        assert!(matches!(error, BindError::NotHere { .. }), "{error}");
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn drops_are_read_from_the_line_of_the_socket() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             1202: 0100007F:1389 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 20337 2 0000000000000000 17\n\
             1203: 0100007F:138A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 20338 2 0000000000000000 4\n";
        assert_eq!(drops_in(table, "127.0.0.1:5001".parse().unwrap()), 17);
        assert_eq!(drops_in(table, "127.0.0.1:5003".parse().unwrap()), 0);
    }

    #[test]
    fn a_real_socket_that_overflows_is_seen_to_drop() {
        let socket = bind_udp("127.0.0.1:0".parse().unwrap(), 4_096).unwrap();
        let address = socket.local_addr().unwrap();
        if !std::path::Path::new("/proc/self/net/udp").exists() {
            eprintln!("SKIPPED: no /proc/self/net/udp here");
            return;
        }
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..1_000 {
            sender.send_to(&[0; 1_000], address).unwrap();
        }
        assert!(kernel_drops(address) > 0);
    }
}
