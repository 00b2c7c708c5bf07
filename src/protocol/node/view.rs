//! A node as seen from outside: snapshots for `/state`, `/peers/`, `/primes` and the exporter.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Node;
use crate::mersenne::Exponent;
use crate::protocol::claims::Latest;
use crate::protocol::counters::DiscoveredVia;
use crate::protocol::event::{PeerKind, PeerRole};
use crate::protocol::message::{KnownDigest, MessageId, as_hex};
use crate::protocol::ring::{Neighbours, RingPosition};
use crate::protocol::settings::SearchMode;
use crate::protocol::time::Time;

/// A node's state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StateView {
    /// Its address, as it or its peers know it.
    pub address: SocketAddr,
    /// This start of it, or its time since it was reset.
    #[serde(serialize_with = "as_hex")]
    pub instance: u64,
    /// Whether it sleeps.
    pub asleep: bool,
    /// The largest prime it has verified: p of 2^p − 1.
    pub largest_prime: Option<Exponent>,
    /// Who is credited with it.
    pub largest_prime_finder: Option<SocketAddr>,
    /// All primes it has verified, in three numbers.
    pub known: KnownDigest,
    /// How many active peers it has.
    pub peers: usize,
    /// How many of them speak plain messages only.
    pub plain_peers: usize,
    /// Candidates in its address book.
    pub address_book: usize,
    /// PRIMEs it remembers.
    pub seen: usize,
    /// Exponents that wait for their test.
    pub verification_queue: usize,
    /// The exponent that is being tested for somebody's claim.
    pub verifying: Option<Exponent>,
    /// What it searches by itself.
    pub search_mode: SearchMode,
    /// Whether it is searching now.
    pub searching: bool,
    /// Where it is on the ring; absent until it knows the address at which others reach it.
    pub position: Option<RingPosition>,
    /// Its neighbours there; absent while it has no position or no peer.
    pub neighbours: Option<Neighbours>,
    /// The share of the ring that it owns, from its predecessor's position to its own: 1 while it has no peer, 0 without
    /// a position.
    pub owned_ratio: f64,
    /// How many nodes the network seems to have, this one included.
    pub network_size: u64,
    /// The id its next message will have.
    pub next_msg_id: MessageId,
    /// For each originator its newest credited prime.
    pub originators: Vec<Latest>,
}

/// An active peer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeerView {
    /// Its address.
    pub address: SocketAddr,
    /// How it talks.
    pub kind: PeerKind,
    /// How it was heard of.
    pub via: DiscoveredVia,
    /// Why it is a peer.
    pub role: PeerRole,
    /// Where it is on the ring.
    pub position: RingPosition,
    /// How long it has been active.
    #[serde(rename = "active_seconds", serialize_with = "seconds")]
    pub active: Duration,
    /// How long ago it was heard last.
    #[serde(rename = "last_heard_seconds", serialize_with = "seconds")]
    pub silent: Duration,
    /// The last round trip.
    #[serde(rename = "rtt_seconds", serialize_with = "optional_seconds")]
    pub round_trip: Option<Duration>,
    /// Its present start.
    #[serde(serialize_with = "optional_hex")]
    pub instance: Option<u64>,
    /// What it says it knows.
    pub known: Option<KnownDigest>,
    /// Whether it says that this node is active there.
    pub accepts: Option<bool>,
}

/// A known prime.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PrimeView {
    /// p of 2^p − 1.
    pub exponent: Exponent,
    /// Who is credited with it.
    pub finder: SocketAddr,
    /// The id of the credited claim.
    pub msg_id: MessageId,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn optional_seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

fn optional_hex<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => as_hex(number, serializer),
        None => serializer.serialize_none(),
    }
}

/// How full a node's tables are, and what it knows: cheap to ask for after every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) peers: usize,
    pub(crate) book: usize,
    pub(crate) seen: usize,
    pub(crate) waiting: usize,
    pub(crate) known: KnownDigest,
}

impl Node {
    /// The node's state.
    pub fn state_view(&self) -> StateView {
        let largest = self.largest();
        StateView {
            address: self.own_address(),
            instance: self.instance(),
            asleep: self.is_asleep(),
            largest_prime: largest.map(|claim| claim.exponent),
            largest_prime_finder: largest.map(|claim| claim.originator),
            known: self.primes.digest(),
            peers: self.peers.len(),
            plain_peers: self.peers.count(PeerKind::Plain),
            address_book: self.book.len(),
            seen: self.seen.len(),
            verification_queue: self.queue.len(),
            verifying: self.queue.testing(),
            search_mode: self.search_mode(),
            searching: self.searching.load(Ordering::Relaxed),
            position: self.position(),
            neighbours: self.neighbours(),
            owned_ratio: self.owned_ratio(),
            network_size: self.network_size(),
            next_msg_id: self.ids.peek(),
            originators: self.primes.latest(),
        }
    }

    /// Where this node is on the ring: the hash of the address at which others reach it, as far as it knows that.
    pub fn position(&self) -> Option<RingPosition> {
        self.leaves.position()
    }

    /// The nearest active peers on both sides of this node's position, of those that have proven their address.
    pub fn neighbours(&self) -> Option<Neighbours> {
        let nearest = self.peers.nearest(self.position()?, 1);
        Some(Neighbours { predecessor: nearest.predecessor()?, successor: nearest.successor()? })
    }

    /// The share of the ring between the predecessor's position and this node's own.
    fn owned_ratio(&self) -> f64 {
        let Some(here) = self.position() else { return 0.0 };
        let predecessor = self.neighbours().map_or(here, |neighbours| RingPosition::of(neighbours.predecessor));
        here.share_above(predecessor)
    }

    /// Who owns an exponent, as far as this node knows: certain if it is itself, else the best guess that its peers and its
    /// address book allow. `None` while it has no position.
    pub fn owner(&self, exponent: Exponent) -> Option<SocketAddr> {
        let (here, key) = (self.position()?, RingPosition::of_exponent(exponent));
        let mut owner = (key.up_to(here), self.own.public().unwrap_or(self.own_address()));
        self.peers.positions(|address, position| {
            owner = owner.min((key.up_to(position), address));
        });
        self.book.each(|candidate| {
            if candidate.is_good() {
                owner = owner.min((key.up_to(candidate.position), candidate.address()));
            }
        });
        Some(owner.1)
    }

    /// The active peers, ordered by address.
    pub fn peer_views(&self, now: Time) -> Vec<PeerView> {
        let now = self.own_time(now);
        let view = |address, peer: &crate::protocol::peers::Peer| PeerView {
            address,
            kind: peer.kind,
            via: peer.via,
            role: peer.role(),
            position: RingPosition::of(address),
            active: now.since(peer.since),
            silent: now.since(peer.last_heard),
            round_trip: peer.round_trip,
            instance: peer.instance,
            known: peer.known,
            accepts: peer.accepts,
        };
        self.peers.map(view).into_iter().map(|(_, view)| view).collect()
    }

    /// How each active peer talks, and why it is one.
    pub fn peer_roles(&self) -> Vec<(PeerKind, PeerRole)> {
        self.peers.map(|_, peer| (peer.kind, peer.role())).into_iter().map(|(_, roles)| roles).collect()
    }

    /// The known primes, largest first.
    pub fn prime_views(&self) -> Vec<PrimeView> {
        let view =
            |claim: super::Claim| PrimeView { exponent: claim.exponent, finder: claim.originator, msg_id: claim.id };
        self.primes.all().into_iter().map(view).collect()
    }

    /// The addresses of the active peers, in order.
    pub fn peer_addresses(&self) -> Vec<SocketAddr> {
        self.peers.addresses()
    }

    /// How many active peers it has.
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// How full its tables are.
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes {
            peers: self.peers.len(),
            book: self.book.len(),
            seen: self.seen.len(),
            waiting: self.queue.len(),
            known: self.primes.digest(),
        }
    }

    /// Counts the changes that have to survive a crash; see [`state`](Node::state).
    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// Whether everything that has to survive a crash is durable.
    pub(crate) fn is_all_durable(&self) -> bool {
        self.saved_revision.load(Ordering::Relaxed) >= self.revision()
    }
}
