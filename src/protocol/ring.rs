//! The ring: every node has a position, and owns the keys between its predecessor's position and its own.
//!
//! Positions are 64-bit hashes of public addresses, on a circle that wraps from the largest to the smallest (Stoica et al.,
//! "Chord", 2001; the few nodes nearest on both sides that a node keeps as peers are Pastry's *leaf set*, Rowstron & Druschel,
//! 2001). Who is whose neighbour follows from who is known, so nothing has to be agreed upon, locked or redirected to join.

use std::fmt;
use std::net::SocketAddr;

use serde::{Serialize, Serializer};

use super::hash;
use crate::mersenne::Exponent;

/// Nodes that a node keeps as peers on each side of its position, whatever else it keeps.
pub const LEAVES_PER_SIDE: usize = 2;

/// All positions there are: 2^64.
const CIRCUMFERENCE: f64 = 18_446_744_073_709_551_616.0;

/// A point of the ring: of a node, or of a key that some node owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingPosition(pub u64);

impl RingPosition {
    /// The position of the node that is reached at this address.
    pub fn of(address: SocketAddr) -> RingPosition {
        RingPosition(hash::address(hash::PUBLIC, address))
    }

    /// The key of an exponent: who owns it tests it.
    pub fn of_exponent(exponent: Exponent) -> RingPosition {
        RingPosition(hash::bytes(hash::PUBLIC, &u64::from(exponent).to_be_bytes()))
    }

    /// How far it is from here to `other`, going up. Zero to itself.
    pub const fn up_to(self, other: RingPosition) -> u64 {
        other.0.wrapping_sub(self.0)
    }

    /// Whether a node here whose predecessor is there owns `key`: everything after the predecessor, up to and with its own
    /// position. A node that is its own predecessor is alone and owns every key.
    pub const fn owns(self, predecessor: RingPosition, key: RingPosition) -> bool {
        let arc = predecessor.up_to(self);
        arc == 0 || key.up_to(self) < arc
    }

    /// The share of the ring that a node here whose predecessor is there owns, above 0 to 1.
    pub fn share_above(self, predecessor: RingPosition) -> f64 {
        match predecessor.up_to(self) {
            0 => 1.0,
            arc => arc as f64 / CIRCUMFERENCE,
        }
    }

    /// How far around the ring it is, 0 to 1.
    pub fn ratio(self) -> f64 {
        self.0 as f64 / CIRCUMFERENCE
    }
}

impl fmt::Display for RingPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for RingPosition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        super::message::as_hex(&self.0, serializer)
    }
}

/// A node's two neighbours on the ring, as far as it knows: among its active peers the nearest below and above it. With
/// one peer both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Neighbours {
    /// The nearest below: this node owns what lies between.
    pub predecessor: SocketAddr,
    /// The nearest above.
    pub successor: SocketAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_wrap_around() {
        assert_eq!(RingPosition(10).up_to(RingPosition(30)), 20);
        assert_eq!(RingPosition(u64::MAX).up_to(RingPosition(1)), 2);
        assert_eq!(RingPosition(7).up_to(RingPosition(7)), 0);
    }

    #[test]
    fn every_key_has_one_owner_among_the_nodes_of_a_ring() {
        let ring = [RingPosition(100), RingPosition(1 << 40), RingPosition(u64::MAX - 5)];
        for key in [0, 99, 100, 101, 1 << 39, 1 << 40, (1 << 40) + 1, u64::MAX - 5, u64::MAX] {
            let owners = (0..ring.len()).filter(|&at| ring[at].owns(ring[(at + 2) % 3], RingPosition(key)));
            assert_eq!(owners.count(), 1, "{key}");
        }
        assert!(ring[0].owns(ring[2], RingPosition(u64::MAX)) && ring[0].owns(ring[2], RingPosition(100)));
    }

    #[test]
    fn the_shares_of_a_ring_are_all_of_it() {
        let ring = [RingPosition(1 << 62), RingPosition(1 << 63), RingPosition(3 << 62)];
        let shares = [0, 1, 2].map(|at| ring[at].share_above(ring[(at + 2) % 3]));
        assert_eq!((shares, ring.map(RingPosition::ratio)), ([0.5, 0.25, 0.25], [0.25, 0.5, 0.75]));
        assert_eq!(ring[0].share_above(ring[0]), 1.0, "alone");
    }

    #[test]
    fn who_is_alone_owns_everything() {
        let alone = RingPosition(5);
        assert!([0, 5, 6, u64::MAX].into_iter().all(|key| alone.owns(alone, RingPosition(key))));
    }
}
