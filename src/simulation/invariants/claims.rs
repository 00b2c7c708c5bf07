//! Who is who, and what was ever claimed, truly or not.
//!
//! A host behind a NAT is known by several addresses, to itself by another than to the world; a claim is its claim under each.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::protocol::hash::{self, PUBLIC};
use crate::protocol::message::{Body, Message, MessageId, Signature};
use crate::simulation::address_hasher::AddressHasher;
use crate::simulation::host::HostId;

/// Whose a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    Host(HostId),
    Nobody(SocketAddr),
}

/// What identifies a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) origin: Origin,
    pub(super) id: MessageId,
    pub(super) exponent: u64,
    /// Of the signature; 0 for none.
    pub(super) signature: u64,
}

/// All claims, and all names.
#[derive(Debug, Default)]
pub(super) struct Claims {
    addresses: Vec<SocketAddr>,
    names: HashMap<SocketAddr, HostId, AddressHasher>,
    claims: HashMap<Key, (), AddressHasher>,
    /// The same without their signatures.
    unsigned: HashMap<(Origin, MessageId, u64), (), AddressHasher>,
}

impl Claims {
    /// The next host has this address.
    pub(super) fn name(&mut self, host: HostId, address: SocketAddr) {
        self.addresses.push(address);
        self.alias(host, address);
    }

    pub(super) fn alias(&mut self, host: HostId, address: SocketAddr) {
        self.names.insert(address, host);
    }

    /// The address a host has for itself.
    pub(super) fn address(&self, host: HostId) -> SocketAddr {
        self.addresses[host.index()]
    }

    pub(super) fn host(&self, address: SocketAddr) -> Option<HostId> {
        self.names.get(&address).copied()
    }

    pub(super) fn origin(&self, address: SocketAddr) -> Origin {
        self.host(address).map_or(Origin::Nobody(address), Origin::Host)
    }

    /// What identifies the claim in a PRIME, and its TTL.
    pub(super) fn key_of(&self, message: &Message, envelope: SocketAddr) -> Option<(Key, u8)> {
        let Body::Prime(prime) = &message.body else { return None };
        let is_first_hand = message.forwarder == message.originator;
        let originator = if is_first_hand { envelope } else { message.originator.resolve(envelope).ok()? };
        let signature = prime.signature.as_ref().map_or(0, hash_of);
        let key = Key { origin: self.origin(originator), id: message.id, exponent: prime.exponent, signature };
        Some((key, prime.ttl.0))
    }

    /// A host has found a prime.
    pub(super) fn found(&mut self, host: HostId, id: MessageId, exponent: u64) {
        self.insert(Key { origin: Origin::Host(host), id, exponent, signature: 0 });
    }

    /// Somebody hostile says this.
    pub(super) fn told(&mut self, message: &Message, envelope: SocketAddr) {
        if let Some((key, _)) = self.key_of(message, envelope) {
            self.insert(key);
        }
    }

    /// Whether somebody has claimed exactly this.
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.claims.contains_key(key)
    }

    /// Whether somebody has claimed this, signed or not.
    pub(super) fn is_claimed(&self, finder: SocketAddr, id: MessageId, exponent: u64) -> bool {
        self.unsigned.contains_key(&(self.origin(finder), id, exponent))
    }

    fn insert(&mut self, key: Key) {
        self.claims.insert(key, ());
        self.unsigned.insert((key.origin, key.id, key.exponent), ());
    }
}

fn hash_of(signature: &Signature) -> u64 {
    hash::bytes(PUBLIC, &[&signature.key[..], &signature.sig].concat()).max(1)
}
