//! The active peers: who is PINGed and forwarded to, and what this node knows of each.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// So many primes are held back from one peer; whoever is told of more sends some of them twice.
const HELD_MAX: usize = 64;

/// One active peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    pub(crate) via: DiscoveredVia,
    pub(crate) origin: Origin,
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
    /// Where on the ring it sees this node.
    pub(crate) sees_us_at: Option<RingPosition>,
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
    /// What was sent, in no order; seldom more than a few.
    sent: Vec<Delivery>,
}

/// One prime that was sent to a peer.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    exponent: Exponent,
    /// When it may be sent again.
    again: Time,
    /// The pause after that.
    pause: Duration,
}

impl CatchUp {
    /// Holds a prime back until a time, if it has not been sent before.
    pub(crate) fn hold(&mut self, exponent: Exponent, until: Time, pause: Duration) {
        if self.sent.len() < HELD_MAX && self.of(exponent).is_none() {
            self.sent.push(Delivery { exponent, again: until, pause });
        }
    }

    fn of(&mut self, exponent: Exponent) -> Option<&mut Delivery> {
        self.sent.iter_mut().find(|delivery| delivery.exponent == exponent)
    }

    /// Whether a prime has been sent before, and may be sent now; `None` while it has to wait.
    pub(crate) fn is_repeat(&self, now: Time, exponent: Exponent) -> Option<bool> {
        match self.sent.iter().find(|delivery| delivery.exponent == exponent) {
            None => Some(false),
            Some(delivery) => (delivery.again <= now).then_some(true),
        }
    }

    /// Notes that a prime is being sent: it is not sent again before a pause that doubles each time, from `first` to `longest`.
    pub(crate) fn deliver(&mut self, now: Time, exponent: Exponent, first: Duration, longest: Duration) {
        match self.of(exponent) {
            Some(delivery) => {
                delivery.again = now + delivery.pause;
                delivery.pause = (delivery.pause * 2).min(longest);
            }
            None => self.sent.push(Delivery { exponent, again: now + first, pause: (first * 2).min(longest) }),
        }
    }

    /// The peer knows what this node knows.
    pub(crate) fn is_done(&mut self) {
        self.sent = Vec::new();
    }
}

impl Peer {
    pub(crate) fn new(now: Time, kind: PeerKind, via: DiscoveredVia, origin: Origin) -> Peer {
        Peer {
            kind,
            via,
            origin,
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

/// An entry of the table: what is looked at most often beside the box, so that looking at all peers stays cheap.
#[derive(Debug)]
struct Entry {
    position: RingPosition,
    kind: PeerKind,
    peer: Box<Peer>,
}

/// The table of active peers. No guard of its map leaves a method.
#[derive(Debug)]
pub(crate) struct Peers {
    /// In boxes, because a table is half empty and peers are large.
    map: DashMap<SocketAddr, Entry, TableHasher>,
    /// How many are what, as `mark_leaves` has counted them.
    tally: [AtomicUsize; 3],
}

impl Peers {
    pub(crate) fn new(table: HashKey) -> Peers {
        Peers { map: DashMap::with_hasher_and_shard_amount(TableHasher(table), 2), tally: Default::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.map.contains_key(&address)
    }

    /// How a peer talks; `None` when it is not active.
    pub(crate) fn kind(&self, address: SocketAddr) -> Option<PeerKind> {
        self.map.get(&address).map(|entry| entry.kind)
    }

    pub(crate) fn insert(&self, address: SocketAddr, peer: Peer) {
        self.map.insert(address, Entry { position: RingPosition::of(address), kind: peer.kind, peer: Box::new(peer) });
    }

    pub(crate) fn remove(&self, address: SocketAddr) -> Option<Peer> {
        self.map.remove(&address).map(|(_, entry)| *entry.peer)
    }

    /// Runs `change` on a peer, if it is active. `change` must not use this table.
    pub(crate) fn with<R>(&self, address: SocketAddr, change: impl FnOnce(&mut Peer) -> R) -> Option<R> {
        let mut entry = self.map.get_mut(&address)?;
        let result = change(&mut entry.peer);
        entry.kind = entry.peer.kind;
        Some(result)
    }

    /// What `view` says of every peer, ordered by address. `view` must not use this table.
    pub(crate) fn map<R>(&self, view: impl Fn(SocketAddr, &Peer) -> R) -> Vec<(SocketAddr, R)> {
        let mut all: Vec<_> = self.map.iter().map(|entry| (*entry.key(), view(*entry.key(), &entry.peer))).collect();
        all.sort_unstable_by_key(|(address, _)| *address);
        all
    }

    /// All addresses, in order.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let mut all: Vec<SocketAddr> = self.map.iter().map(|entry| *entry.key()).collect();
        all.sort_unstable();
        all
    }

    /// Runs `view` on where every peer is, in an order that follows from the seed and from what has happened. `view` must
    /// not use this table.
    pub(crate) fn positions(&self, mut view: impl FnMut(SocketAddr, RingPosition)) {
        self.map.iter().for_each(|entry| view(*entry.key(), entry.position));
    }

    /// How many are what, since [`mark_leaves`](Peers::mark_leaves) was called last.
    pub(crate) fn tally(&self) -> Tally {
        let [all, chosen, guests] = self.tally.each_ref().map(|count| count.load(Ordering::Relaxed));
        Tally { all, chosen, guests }
    }

    /// The nearest to a position of those that have proven their address; marks them as leaves and no others, and counts
    /// who is what. To be called after every change of who is a peer and how.
    pub(crate) fn mark_leaves(&self, here: Option<RingPosition>, per_side: usize) -> Option<LeafSet> {
        let set = here.map(|here| self.nearest(here, per_side));
        let mut tally = [0; 3];
        for mut entry in self.map.iter_mut() {
            let is_leaf = set.as_ref().is_some_and(|set| set.contains(*entry.key()));
            let peer = &mut entry.peer;
            peer.is_leaf = is_leaf;
            let [all, chosen, guests] = &mut tally;
            *all += 1;
            match peer.role() {
                PeerRole::Leaf => {}
                PeerRole::Chosen => *chosen += 1,
                PeerRole::Guest => *guests += 1,
            }
        }
        self.tally.iter().zip(tally).for_each(|(count, now)| count.store(now, Ordering::Relaxed));
        set
    }

    /// Runs `view` on every peer, in an order that follows from the seed and from what has happened. `view` must not use
    /// this table.
    pub(crate) fn each(&self, mut view: impl FnMut(SocketAddr, &Peer)) {
        self.map.iter().for_each(|entry| view(*entry.key(), &entry.peer));
    }

    /// Runs `change` on every peer, in the same order. `change` must not use this table.
    pub(crate) fn change_each(&self, mut change: impl FnMut(SocketAddr, &mut Peer)) {
        self.map.iter_mut().for_each(|mut entry| {
            let address = *entry.key();
            change(address, &mut entry.peer);
        });
    }

    /// The nearest to a position of those that have proven their address.
    pub(crate) fn nearest(&self, here: RingPosition, per_side: usize) -> LeafSet {
        let mut set = LeafSet::new(here, per_side);
        self.map
            .iter()
            .filter(|entry| entry.kind == PeerKind::Proven)
            .for_each(|entry| set.offer(entry.position, *entry.key()));
        set
    }

    /// How many peers talk that way.
    pub(crate) fn count(&self, kind: PeerKind) -> usize {
        self.map.iter().filter(|entry| entry.kind == kind).count()
    }
}
