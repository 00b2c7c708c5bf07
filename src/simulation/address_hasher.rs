//! Hashing of addresses in the world's own tables.

use std::hash::{BuildHasher, Hasher};

/// Hashes addresses: quick and always the same, for tables that nobody attacks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AddressHasher;

/// The state of an [`AddressHasher`].
#[derive(Debug, Default)]
pub(super) struct Folded(u64);

impl BuildHasher for AddressHasher {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(0x9e37_79b9_7f4a_7c15)
    }
}

impl Folded {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0xe703_7ed1_a0b4_28db;
        self.0 = product as u64 ^ (product >> 64) as u64 ^ word.rotate_left(31);
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            self.fold(word.iter().fold(word.len() as u64, |word, &byte| word << 8 | u64::from(byte)));
        }
    }

    fn write_u16(&mut self, word: u16) {
        self.fold(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.fold(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.fold(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.fold(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.fold(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn addresses_of_one_network_are_spread() {
        let low = |port: u16| AddressHasher.hash_one(SocketAddr::from(([10, 0, 0, 1], port))) & 0xfff;
        let spread: HashSet<u64> = (0..4_096).map(low).collect();
        assert!(spread.len() > 2_400, "{} of 4,096 places are used; by chance it would be 2,589", spread.len());
    }
}
