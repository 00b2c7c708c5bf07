//! A scan: ranges of addresses, each PINGed once, to find a first peer where none is known.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

/// The most addresses one scan may name: at 30 PINGs a second it takes 36 minutes.
pub const SCAN_MAX: u64 = 65_536;

/// `127.0.0.1:5001-5010`, `10.0.0.0/24:5001-5004`, `192.0.2.7:5001`: ports on one address or on a network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRange {
    first: Ipv4Addr,
    hosts: u32,
    ports: RangeInclusive<u16>,
}

/// Why a range cannot be scanned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScanError {
    /// Not `ADDRESS[/BITS]:PORT[-PORT]`.
    #[error("not of the form ADDRESS[/BITS]:PORT[-PORT], for example 127.0.0.1:5001-5010 or 10.0.0.0/24:5001-5004")]
    Syntax,
    /// Port 0, or a last port below the first.
    #[error("ports go from 1 to 65535, the smaller one first")]
    Ports,
    /// More than [`SCAN_MAX`] addresses.
    #[error("names {0} addresses; a scan takes at most {SCAN_MAX}")]
    TooMany(u64),
}

impl ScanRange {
    /// How many addresses it names.
    pub fn len(&self) -> u64 {
        u64::from(self.hosts) * self.ports.clone().count() as u64
    }

    /// Whether it names none; no range that was read does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, at: u64) -> SocketAddr {
        let ports = self.ports.clone().count() as u64;
        let host = Ipv4Addr::from_bits(self.first.to_bits() + (at / ports) as u32);
        SocketAddr::new(IpAddr::V4(host), self.ports.start() + (at % ports) as u16)
    }
}

impl FromStr for ScanRange {
    type Err = ScanError;

    fn from_str(text: &str) -> Result<ScanRange, ScanError> {
        let (network, ports) = text.rsplit_once(':').ok_or(ScanError::Syntax)?;
        let (address, bits) = match network.split_once('/') {
            Some((address, bits)) => (address, bits.parse().map_err(|_| ScanError::Syntax)?),
            None => (network, 32),
        };
        let address: Ipv4Addr = address.parse().map_err(|_| ScanError::Syntax)?;
        if bits > 32 {
            return Err(ScanError::Syntax);
        }
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let port = |text: &str| match text.parse::<u32>() {
            Ok(port) => u16::try_from(port).ok().and_then(NonZeroU16::new).ok_or(ScanError::Ports),
            Err(_) => Err(ScanError::Syntax),
        };
        let (first_port, last_port) = (port(first)?.get(), port(last)?.get());
        if first_port > last_port {
            return Err(ScanError::Ports);
        }
        let hosts = 1u64 << (32 - bits);
        let len = hosts * (u64::from(last_port - first_port) + 1);
        if len > SCAN_MAX {
            return Err(ScanError::TooMany(len));
        }
        let mask = (hosts - 1) as u32;
        let network = Ipv4Addr::from_bits(address.to_bits() & !mask);
        Ok(ScanRange { first: network, hosts: hosts as u32, ports: first_port..=last_port })
    }
}

/// Several ranges and how far they have been scanned.
#[derive(Debug, Default)]
pub struct Scan {
    ranges: Vec<ScanRange>,
    next: AtomicU64,
}

impl Clone for Scan {
    fn clone(&self) -> Scan {
        Scan { ranges: self.ranges.clone(), next: AtomicU64::new(self.next.load(Ordering::Relaxed)) }
    }
}

impl Scan {
    /// Scans these ranges, in this order.
    pub fn new(ranges: Vec<ScanRange>) -> Scan {
        Scan { ranges, next: AtomicU64::new(0) }
    }

    /// Whether every address has had its turn.
    pub(crate) fn is_done(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.len()
    }

    pub(crate) fn len(&self) -> u64 {
        self.ranges.iter().map(ScanRange::len).sum()
    }

    /// Takes the next address.
    pub(crate) fn take(&self) -> Option<SocketAddr> {
        let mut at = self.next.load(Ordering::Relaxed);
        let found = self.ranges.iter().find_map(|range| {
            if at < range.len() {
                Some(range.get(at))
            } else {
                at -= range.len();
                None
            }
        });
        if found.is_some() {
            self.next.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// Begins again from the first address.
    pub(crate) fn restart(&self) {
        self.next.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let scan = Scan::new(vec![text.parse().unwrap()]);
        std::iter::from_fn(|| scan.take()).map(|address| address.to_string()).collect()
    }

    #[test]
    fn ports_of_one_address_are_scanned_in_order() {
        assert_eq!(all("127.0.0.1:5001-5003"), ["127.0.0.1:5001", "127.0.0.1:5002", "127.0.0.1:5003"]);
        assert_eq!(all("192.0.2.7:80"), ["192.0.2.7:80"]);
    }

    #[test]
    fn a_network_is_scanned_host_by_host_from_its_first_address() {
        assert_eq!(all("10.0.0.3/31:1-2"), ["10.0.0.2:1", "10.0.0.2:2", "10.0.0.3:1", "10.0.0.3:2"]);
        assert_eq!(all("10.0.0.0/24:5001-5004").len(), 1_024);
    }

    #[test]
    fn a_scan_can_begin_again() {
        let scan = Scan::new(vec!["127.0.0.1:1-2".parse().unwrap(), "127.0.0.2:3".parse().unwrap()]);
        assert_eq!(std::iter::from_fn(|| scan.take()).count(), 3);
        assert!(scan.is_done());
        scan.restart();
        assert_eq!(scan.take(), Some("127.0.0.1:1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_reason() {
        for text in ["", "127.0.0.1", "localhost:1-2", "127.0.0.1:x", "10.0.0.0/33:1", "127.0.0.1:1-2-3"] {
            assert_eq!(text.parse::<ScanRange>(), Err(ScanError::Syntax), "{text}");
        }
        for text in ["127.0.0.1:0", "127.0.0.1:5-4", "127.0.0.1:70000"] {
            assert_eq!(text.parse::<ScanRange>(), Err(ScanError::Ports), "{text}");
        }
        assert_eq!("0.0.0.0/0:1-65535".parse::<ScanRange>(), Err(ScanError::TooMany((1 << 32) * 65_535)));
        assert_eq!("10.0.0.0/8:1".parse::<ScanRange>(), Err(ScanError::TooMany(1 << 24)));
    }
}
