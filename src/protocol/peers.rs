//! The active peers: who is PINGed and forwarded to, and what this node knows of each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use dashmap::DashMap;

use super::budget::Bucket;
use super::counters::DiscoveredVia;
use super::event::PeerKind;
use super::hash::{HashKey, TableHasher};
use super::message::{KnownDigest, MessageId};
use super::time::Time;
use crate::mersenne::Exponent;

/// One active peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    pub(crate) via: DiscoveredVia,
    /// When it became active.
    pub(crate) since: Time,
    /// When it was last heard, by what counts as liveness from its kind of peer.
    pub(crate) last_heard: Time,
    pub(crate) instance: Option<u64>,
    /// Its cookie for this node, to be echoed.
    pub(crate) nonce: Option<u64>,
    pub(crate) next_ping: Time,
    /// Extra PINGs sent in this silence.
    pub(crate) silent_pings: u8,
    /// The last PING sent, until it is answered.
    pub(crate) pinged: Option<(MessageId, Time)>,
    /// The last round trip.
    pub(crate) round_trip: Option<Duration>,
    pub(crate) known: Option<KnownDigest>,
    /// Whether its PONGs say that this node is active there.
    pub(crate) accepts: Option<bool>,
    /// When it was last PINGed because of what it sent, and not in its turn.
    pub(crate) pinged_aside: Option<Time>,
    pub(crate) catchup: CatchUp,
    /// PRIMEs sent to it, if it is a plain peer.
    pub(crate) plain_budget: Bucket,
}

/// What has been sent to a peer that lacked it.
#[derive(Debug, Default)]
pub(crate) struct CatchUp {
    /// No earlier than this is the next batch sent.
    pub(crate) next: Time,
    /// When each prime may be sent again, and the pause after that.
    pub(crate) sent: BTreeMap<Exponent, (Time, Duration)>,
}

impl Peer {
    pub(crate) fn new(kind: PeerKind, via: DiscoveredVia, now: Time) -> Peer {
        Peer {
            kind,
            via,
            since: now,
            last_heard: now,
            instance: None,
            nonce: None,
            next_ping: now,
            silent_pings: 0,
            pinged: None,
            round_trip: None,
            known: None,
            accepts: None,
            pinged_aside: None,
            catchup: CatchUp::default(),
            plain_budget: Bucket::default(),
        }
    }

    /// Notes a sign of life.
    pub(crate) fn heard(&mut self, now: Time) {
        self.last_heard = now;
        self.silent_pings = 0;
    }
}

/// The table of active peers. No guard of its map leaves a method.
#[derive(Debug)]
pub(crate) struct Peers {
    map: DashMap<SocketAddr, Peer, TableHasher>,
}

impl Peers {
    pub(crate) fn new(table: HashKey) -> Peers {
        Peers { map: DashMap::with_hasher_and_shard_amount(TableHasher(table), 2) }
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.map.contains_key(&address)
    }

    /// How a peer talks; `None` when it is not active.
    pub(crate) fn kind(&self, address: SocketAddr) -> Option<PeerKind> {
        self.map.get(&address).map(|peer| peer.kind)
    }

    pub(crate) fn insert(&self, address: SocketAddr, peer: Peer) {
        self.map.insert(address, peer);
    }

    pub(crate) fn remove(&self, address: SocketAddr) -> Option<Peer> {
        self.map.remove(&address).map(|(_, peer)| peer)
    }

    /// Runs `change` on a peer, if it is active. `change` must not use this table.
    pub(crate) fn with<R>(&self, address: SocketAddr, change: impl FnOnce(&mut Peer) -> R) -> Option<R> {
        self.map.get_mut(&address).map(|mut peer| change(&mut peer))
    }

    /// What `view` says of every peer, ordered by address. `view` must not use this table.
    pub(crate) fn map<R>(&self, view: impl Fn(SocketAddr, &Peer) -> R) -> Vec<(SocketAddr, R)> {
        let mut all: Vec<_> = self.map.iter().map(|peer| (*peer.key(), view(*peer.key(), &peer))).collect();
        all.sort_unstable_by_key(|(address, _)| *address);
        all
    }

    /// All addresses, in order.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let mut all: Vec<SocketAddr> = self.map.iter().map(|peer| *peer.key()).collect();
        all.sort_unstable();
        all
    }

    /// How many peers talk that way.
    pub(crate) fn count(&self, kind: PeerKind) -> usize {
        self.map.iter().filter(|peer| peer.kind == kind).count()
    }
}
