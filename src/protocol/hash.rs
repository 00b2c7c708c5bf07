//! SipHash-2-4 to 64 bits: the one hash of the protocol (Aumasson & Bernstein, "SipHash: a fast short-input PRF", 2012).
//!
//! What all nodes must agree on (ranks, digests, positions on the ring) is hashed under the all-zero key; cookies under a
//! secret one. `tests/golden/protocol.txt` holds a vector of each.

use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, SocketAddr};

use siphasher::sip::{SipHasher13, SipHasher24};

use super::message::MessageId;

/// A SipHash key: two 64-bit words, least significant first as in the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub u64, pub u64);

/// The key of every hash that all nodes must agree on.
pub const PUBLIC: HashKey = HashKey(0, 0);

/// The hash of a byte string.
pub fn bytes(key: HashKey, bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(key.0, key.1);
    hasher.write(bytes);
    hasher.finish()
}

/// An address as it is hashed: 16 bytes of IPv6 (IPv4 mapped into it), then the port, big-endian.
pub fn address_bytes(address: SocketAddr) -> [u8; 18] {
    let ip = match address.ip() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let mut out = [0; 18];
    out[..16].copy_from_slice(&ip.octets());
    out[16..].copy_from_slice(&address.port().to_be_bytes());
    out
}

/// The hash of an address: its position on the ring under [`PUBLIC`], a cookie under a secret key.
pub fn address(key: HashKey, address: SocketAddr) -> u64 {
    bytes(key, &address_bytes(address))
}

/// The rank of an unsigned claim: hash(originator, id, exponent). Among claims to one prime the lowest rank is credited.
pub fn rank(originator: SocketAddr, id: MessageId, exponent: u64) -> u64 {
    bytes(PUBLIC, &claim_bytes(originator, id, exponent))
}

/// One prime's part of the digest of all known primes: hash(exponent, rank of its credit), 16 bytes big-endian.
pub fn known(exponent: u64, rank: u64) -> u64 {
    let mut input = [0; 16];
    input[..8].copy_from_slice(&exponent.to_be_bytes());
    input[8..].copy_from_slice(&rank.to_be_bytes());
    bytes(PUBLIC, &input)
}

/// Mixes a number's bits, for a random order that nobody who does not know what was mixed in can aim at: the finalizer of
/// SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014).
pub(crate) const fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// What identifies an unsigned claim, as bytes: originator, id, exponent.
pub(crate) fn claim_bytes(originator: SocketAddr, id: MessageId, exponent: u64) -> [u8; 34] {
    let mut input = [0; 34];
    input[..18].copy_from_slice(&address_bytes(originator));
    input[18..26].copy_from_slice(&id.0.to_be_bytes());
    input[26..].copy_from_slice(&exponent.to_be_bytes());
    input
}

/// Hashes the keys of a node's own tables.
///
/// Seeded from the node's random source: a run repeats from its seed, and nobody outside can aim at one bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableHasher(pub(crate) HashKey);

impl BuildHasher for TableHasher {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0.0, self.0.1)
    }
}
