//! A peer as people write it: a host and a port, and the addresses that has now.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use super::socket;
use crate::protocol::address;

/// How long a name server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// `host:port`, `ip:port` or `[v6]:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerName(String);

/// Why a peer's name is of no use.
#[derive(Debug, Error)]
pub enum PeerNameError {
    /// Not of the form `HOST:PORT`.
    #[error("peer {0:?} is not of the form HOST:PORT, for example 127.0.0.1:5002 or node.example.org:5001")]
    Syntax(String),
    /// The port is not one.
    #[error("peer {0:?}: ports go from 1 to 65535")]
    Port(String),
    /// The address can be nobody's.
    #[error("peer {name:?}: {reason}")]
    Address {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        reason: address::AddressError,
    },
    /// It is somewhere else than the socket can send to.
    #[error(
        "peer {name:?} cannot be reached from {bind}; bind gossip to an address that leads there, such as --bind 0.0.0.0"
    )]
    OutOfReach {
        /// The name as given.
        name: String,
        /// Where gossip is bound.
        bind: IpAddr,
    },
    /// Nobody knows the name.
    #[error("peer {name:?} does not resolve: {source}; check the name, or give an IP address")]
    Unresolved {
        /// The name as given.
        name: String,
        /// What the resolver said.
        source: io::Error,
    },
}

impl FromStr for PeerName {
    type Err = PeerNameError;

    fn from_str(text: &str) -> Result<PeerName, PeerNameError> {
        let (host, port) = text.rsplit_once(':').ok_or_else(|| PeerNameError::Syntax(text.to_owned()))?;
        let is_v6 = host.starts_with('[') && host.ends_with(']');
        if host.is_empty() || host.contains(char::is_whitespace) || host.contains(':') && !is_v6 {
            return Err(PeerNameError::Syntax(text.to_owned()));
        }
        match port.parse::<u32>() {
            Ok(1..=65_535) => PeerName(text.to_owned()).if_it_can_be(),
            Ok(_) => Err(PeerNameError::Port(text.to_owned())),
            Err(_) => Err(PeerNameError::Syntax(text.to_owned())),
        }
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PeerName {
    /// Refuses an address that can be nobody's.
    fn if_it_can_be(self) -> Result<PeerName, PeerNameError> {
        match self.address().map(address::reachable) {
            Some(Err(reason)) => Err(PeerNameError::Address { name: self.0, reason }),
            Some(Ok(_)) | None => Ok(self),
        }
    }

    /// The address it is, if it is no name.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.parse().ok()
    }

    /// All addresses the name has now that a socket bound to `bind` can reach.
    pub(super) async fn resolve(&self, bind: IpAddr) -> Result<Vec<SocketAddr>, PeerNameError> {
        let unresolved = |source| PeerNameError::Unresolved { name: self.0.clone(), source };
        let found = match timeout(PATIENCE, tokio::net::lookup_host(&self.0)).await {
            Ok(found) => found.map_err(unresolved)?,
            Err(_elapsed) => return Err(unresolved(io::ErrorKind::TimedOut.into())),
        };
        let found = found
            .map(address::reachable)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|reason| PeerNameError::Address { name: self.0.clone(), reason })?;
        let reached: Vec<SocketAddr> = found.into_iter().filter(|&to| socket::can_reach(bind, to)).collect();
        if reached.is_empty() {
            return Err(PeerNameError::OutOfReach { name: self.0.clone(), bind });
        }
        Ok(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_host_and_a_port() {
        for text in ["127.0.0.1:5002", "localhost:1", "[::1]:65535", "node.example.org:5001"] {
            assert_eq!(text.parse::<PeerName>().unwrap().to_string(), text);
        }
        for text in ["", "5002", "127.0.0.1", "::1:5001", ":5001", "a b:1", "host:port"] {
            assert!(matches!(text.parse::<PeerName>(), Err(PeerNameError::Syntax(_))), "{text}");
        }
        for text in ["0.0.0.0:5001", "[::]:5001", "255.255.255.255:5001"] {
            assert!(matches!(text.parse::<PeerName>(), Err(PeerNameError::Address { .. })), "{text}");
        }
        for text in ["127.0.0.1:0", "127.0.0.1:65536"] {
            assert!(matches!(text.parse::<PeerName>(), Err(PeerNameError::Port(_))), "{text}");
        }
    }
}
