//! The active peers: who is PINGed and forwarded to, and what this node knows of each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use dashmap::DashMap;

use super::budget::Bucket;
use super::counters::DiscoveredVia;
use super::event::{PeerKind, PeerRole};
use super::hash::{HashKey, TableHasher};
use super::leaves::LeafSet;
use super::message::{KnownDigest, MessageId};
use super::ring::RingPosition;
use super::time::Time;
use crate::mersenne::Exponent;

/// One active peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    pub(crate) via: DiscoveredVia,
    pub(crate) origin: Origin,
    pub(crate) position: RingPosition,
    /// Whether it is one of the nearest on the ring.
    pub(crate) is_leaf: bool,
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
    /// The address at which it sees this node.
    pub(crate) sees_us_at: Option<SocketAddr>,
    /// When it was last PINGed because of what it sent, and not in its turn.
    pub(crate) pinged_aside: Option<Time>,
    pub(crate) catchup: CatchUp,
    /// PRIMEs sent to it, if it is a plain peer.
    pub(crate) plain_budget: Bucket,
    /// Datagrams taken from it that return a cookie.
    pub(crate) budget: Bucket,
    /// PRIMEs taken from it.
    pub(crate) prime_budget: Bucket,
}

/// Who had the idea.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This node picked it.
    Chosen,
    /// It asked for a place.
    Guest,
}

/// How many active peers are what, beside the leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// All peers.
    pub(crate) all: usize,
    pub(crate) chosen: usize,
    pub(crate) guests: usize,
}

impl Tally {
    /// Peers that are no leaves.
    pub(crate) fn regular(self) -> usize {
        self.chosen + self.guests
    }
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
    pub(crate) fn new(now: Time, address: SocketAddr, kind: PeerKind, via: DiscoveredVia, origin: Origin) -> Peer {
        Peer {
            kind,
            via,
            origin,
            position: RingPosition::of(address),
            is_leaf: false,
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
            sees_us_at: None,
            pinged_aside: None,
            catchup: CatchUp::default(),
            plain_budget: Bucket::default(),
            budget: Bucket::default(),
            prime_budget: Bucket::default(),
        }
    }

    /// Why it is a peer.
    pub(crate) fn role(&self) -> PeerRole {
        match (self.is_leaf, self.origin) {
            (true, _) => PeerRole::Leaf,
            (false, Origin::Chosen) => PeerRole::Chosen,
            (false, Origin::Guest) => PeerRole::Guest,
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
    /// In boxes, because a table is half empty and peers are large.
    map: DashMap<SocketAddr, Box<Peer>, TableHasher>,
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
        self.map.insert(address, Box::new(peer));
    }

    pub(crate) fn remove(&self, address: SocketAddr) -> Option<Peer> {
        self.map.remove(&address).map(|(_, peer)| *peer)
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

    /// How many are what.
    pub(crate) fn tally(&self) -> Tally {
        self.map.iter().fold(Tally::default(), |tally, peer| {
            let (chosen, guest) = match peer.role() {
                PeerRole::Leaf => (0, 0),
                PeerRole::Chosen => (1, 0),
                PeerRole::Guest => (0, 1),
            };
            Tally { all: tally.all + 1, chosen: tally.chosen + chosen, guests: tally.guests + guest }
        })
    }

    /// The nearest to a position of those that have proven their address, and marks them as leaves and no others.
    pub(crate) fn mark_leaves(&self, here: Option<RingPosition>, per_side: usize) -> Option<LeafSet> {
        let set = here.map(|here| self.nearest(here, per_side));
        for mut peer in self.map.iter_mut() {
            let is_leaf = set.as_ref().is_some_and(|set| set.contains(*peer.key()));
            peer.is_leaf = is_leaf;
        }
        set
    }

    /// The nearest to a position of those that have proven their address.
    pub(crate) fn nearest(&self, here: RingPosition, per_side: usize) -> LeafSet {
        let mut set = LeafSet::new(here, per_side);
        self.map
            .iter()
            .filter(|peer| peer.kind == PeerKind::Proven)
            .for_each(|peer| set.offer(peer.position, *peer.key()));
        set
    }

    /// How many peers talk that way.
    pub(crate) fn count(&self, kind: PeerKind) -> usize {
        self.map.iter().filter(|peer| peer.kind == kind).count()
    }
}
