//! Who is an active peer: places, who gets one, and who has to go for whom.
//!
//! There are `active_max` places, of which `chosen_min` are never given to somebody who asks, and beside them those of the
//! leaf set, which whoever is nearest on the ring always gets. So a node's upkeep does not grow with the network, nobody
//! can fill its places by asking alone, and no node becomes everybody's hub. In a network of up to one more than
//! `active_max` nodes, everybody is everybody's peer.

use std::net::SocketAddr;
use std::time::Duration;

use super::Node;
use crate::protocol::address;
use crate::protocol::book::{BACKOFF_MIN, Entered};
use crate::protocol::candidate::{Candidate, Source};
use crate::protocol::counters::{DiscoveredVia, EvictionReason};
use crate::protocol::event::{Event, PeerKind, PeerRole};
use crate::protocol::outbox::Outbox;
use crate::protocol::peers::{Origin, Peer};
use crate::protocol::probes::Purpose;
use crate::protocol::ring::RingPosition;
use crate::protocol::time::Time;

/// A peer dropped as silent that is back within this time has flapped.
const FLAP: Duration = Duration::from_secs(60);

/// As long as this after a peer fell silent, candidates are tested more often: others may be gone too.
const DOUBT: Duration = Duration::from_secs(30);

/// As long as this after the start they are as well: who was alive when they were saved, or named, may be gone.
pub(super) const DOUBT_AT_START: Duration = Duration::from_secs(20);

/// Of the ring's nodes, so many on each side are kept in the address book rather than others: who comes next when leaves die.
const NEAR: u64 = 8;

/// The largest network that is a small one: everybody is everybody's peer.
pub(super) const SMALL_NETWORK: u64 = 13;

/// Whether there is a place for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// One is free, or kept for such as him.
    Free,
    /// This peer has to go for him.
    InsteadOf(SocketAddr),
    /// No.
    Taken,
}

/// A newcomer, once he has answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newcomer {
    pub(super) address: SocketAddr,
    pub(super) kind: PeerKind,
    pub(super) via: DiscoveredVia,
    pub(super) origin: Origin,
    /// His cookie for this node.
    pub(super) nonce: Option<u64>,
}

impl Node {
    /// Whether this node looks for peers by itself.
    pub(super) fn wants_peers(&self) -> bool {
        let (tally, settings) = (self.peers.tally(), &self.settings);
        let too_few_chosen = tally.chosen < settings.chosen_min && tally.regular() < settings.active_max;
        tally.all < settings.active_max || too_few_chosen
    }

    /// Whether an address is worth a PING for a place it might get.
    pub(super) fn is_wanted(&self, address: SocketAddr) -> bool {
        self.leaves.has_place_for(RingPosition::of(address)) || self.wants_peers()
    }

    /// Whether there is a place for an address that answers a PING sent for this purpose.
    pub(super) fn place_for(&self, now: Time, address: SocketAddr, purpose: Purpose) -> Place {
        if self.leaves.has_place_for(RingPosition::of(address)) {
            return Place::Free;
        }
        let (tally, settings) = (self.peers.tally(), &self.settings);
        let for_guests = settings.active_max.saturating_sub(settings.chosen_min);
        let is_free = tally.regular() < settings.active_max;
        match purpose {
            Purpose::Test => Place::Taken,
            Purpose::Choice | Purpose::Scan if is_free => Place::Free,
            // In a small network everybody gets a place.
            Purpose::Request | Purpose::LonelyRequest
                if is_free && (tally.guests < for_guests || self.network_size() <= SMALL_NETWORK) =>
            {
                Place::Free
            }
            Purpose::Choice | Purpose::Scan => Place::Taken,
            Purpose::Request | Purpose::LonelyRequest => {
                let lonely = purpose == Purpose::LonelyRequest && self.timers.next_displacement.get() <= now;
                let victim = self.crowding(address).or_else(|| if lonely { self.any_guest() } else { None });
                victim.map_or(Place::Taken, Place::InsteadOf)
            }
        }
    }

    /// The youngest guest of the address group that holds more places than it keeps when another asks, if the newcomer's
    /// holds fewer by two at least: what goes one way then never comes back.
    fn crowding(&self, newcomer: SocketAddr) -> Option<SocketAddr> {
        let peers = self.peers.map(|address, peer| {
            let is_movable = peer.role() == PeerRole::Guest && peer.via != DiscoveredVia::Seed;
            (address::group(address.ip()), is_movable.then_some(peer.since))
        });
        let held = |group: u64| peers.iter().filter(|(_, (of, _))| *of == group).count();
        let own = held(address::group(newcomer.ip()));
        let is_crowding = |group: u64| held(group) > self.settings.group_places.max(own + 1);
        let movable = |&(address, (group, since)): &(SocketAddr, (u64, Option<Time>))| {
            let is_local = address.ip().is_loopback();
            since.filter(|_| !is_local && is_crowding(group)).map(|since| ((held(group), since), address))
        };
        peers.iter().filter_map(movable).max().map(|(_, address)| address)
    }

    /// A guest at random that is no seed.
    fn any_guest(&self) -> Option<SocketAddr> {
        let is_movable = |peer: &Peer| peer.role() == PeerRole::Guest && peer.via != DiscoveredVia::Seed;
        let mut guests: Vec<SocketAddr> = Vec::new();
        guests.extend(self.peers.map(|_, peer| is_movable(peer)).into_iter().filter(|(_, is)| *is).map(|(at, _)| at));
        self.random.choose(&mut guests, 1);
        guests.first().copied()
    }

    /// Makes an address that has answered an active peer, if there is a place; `purpose` is what it was asked for.
    pub(super) fn admit(&self, now: Time, newcomer: Newcomer, purpose: Purpose, out: &mut Outbox) -> Place {
        let place = match newcomer.kind {
            PeerKind::Proven => self.place_for(now, newcomer.address, purpose),
            // Who cannot prove his address is no leaf.
            PeerKind::Plain if self.peers.tally().regular() < self.settings.active_max => Place::Free,
            PeerKind::Plain => Place::Taken,
        };
        match place {
            Place::Free => self.activate(now, newcomer, out),
            Place::InsteadOf(victim) => {
                self.timers.next_displacement.set(now + self.settings.displace_interval);
                self.drop_peer(now, victim, EvictionReason::Displaced, out);
                self.activate(now, newcomer, out);
            }
            Place::Taken => {}
        }
        place
    }

    fn activate(&self, now: Time, newcomer: Newcomer, out: &mut Outbox) {
        let Newcomer { address, kind, via, origin, nonce } = newcomer;
        let former = self.book.remove(address).and_then(|candidate| candidate.former());
        self.probes.remove(address);
        // Who is found again after this node's own sleep did not flap.
        let is_flap = |former| now.since(former) <= FLAP && former > self.timers.awake_since.get();
        if former.is_some_and(is_flap) {
            self.counters.flaps.one();
        }
        self.counters.discovered.of(via).one();
        let mut peer = Peer::new(now, kind, via, origin);
        peer.nonce = nonce;
        peer.next_ping = now + self.random.jittered(self.settings.ping_interval, self.settings.ping_jitter);
        self.ping_by(peer.next_ping.min(now + self.settings.silent_after));
        self.peers.insert(address, peer);
        out.events.push(Event::PeerUp { peer: address, via, kind });
        self.place_leaves();
        self.make_room(now, address, out);
        match kind {
            // So that we are proven there too.
            PeerKind::Proven => self.ping_peer(now, address, None, out),
            PeerKind::Plain => self.send_largest(now, address, out),
        }
    }

    /// Finds out anew who is nearest on the ring.
    pub(super) fn place_leaves(&self) {
        let set = self.peers.mark_leaves(self.leaves.position(), self.settings.leaves_per_side);
        if let Some(set) = set {
            self.leaves.note(&set);
        }
    }

    /// Drops a peer where one that was a leaf until now makes one too many: a guest, if there is one, the youngest of the
    /// address group with the most places.
    fn make_room(&self, now: Time, newest: SocketAddr, out: &mut Outbox) {
        while self.peers.tally().regular() > self.settings.active_max {
            let peers = self.peers.map(|address, peer| {
                let is_kept = peer.is_leaf || address == newest;
                let guest_first = (peer.origin == Origin::Guest, peer.via != DiscoveredVia::Seed, peer.since);
                (address::group(address.ip()), (!is_kept).then_some(guest_first))
            });
            let held = |group: u64| peers.iter().filter(|(_, (of, _))| *of == group).count();
            let order = peers.iter().filter_map(|&(address, (group, first))| {
                first.map(|(is_guest, is_no_seed, since)| ((is_no_seed, is_guest, held(group), since), address))
            });
            let Some((_, victim)) = order.max() else { return };
            self.drop_peer(now, victim, EvictionReason::Displaced, out);
        }
    }

    /// Notes an address that may become a peer, to be tried when there is a place for it.
    pub(super) fn add_candidate(&self, now: Time, address: SocketAddr, via: DiscoveredVia, source: Source) {
        let Ok(address) = address::reachable(address) else { return };
        if self.own.contains(address) || self.peers.contains(address) {
            return;
        }
        let keep = |candidate: &Candidate| self.leaves.is_near(candidate.position, NEAR);
        if self.book.add(now, address, via, source, keep) == Entered::New && self.is_wanted(address) {
            self.try_soon(now);
        }
    }

    /// Drops an active peer; its address goes back to the book, unless it is our own or to be forgotten.
    pub(super) fn drop_peer(&self, now: Time, address: SocketAddr, reason: EvictionReason, out: &mut Outbox) {
        let Some(peer) = self.peers.remove(address) else { return };
        self.counters.evictions.of(reason).one();
        out.events.push(Event::PeerDown { peer: address, reason });
        match reason {
            EvictionReason::Timeout | EvictionReason::Leave | EvictionReason::Asleep => {
                self.book.add_former(now, address, peer.via);
                self.timers.doubt_until.set(now + DOUBT);
                self.timers.next_test.at_most(now + BACKOFF_MIN);
            }
            EvictionReason::Refused | EvictionReason::Displaced => {
                self.book.add(now, address, peer.via, Source::SELF, |_| true);
                self.book.answered(now, address);
                self.book.refused(now, address);
            }
            EvictionReason::Reset if peer.via == DiscoveredVia::Seed => {
                self.book.add(now, address, peer.via, Source::SELF, |_| true);
            }
            EvictionReason::Own | EvictionReason::Reset => {}
        }
        self.place_leaves();
        self.try_soon(now);
    }

    /// Notes that an address is this node itself.
    pub(super) fn meet_oneself(&self, now: Time, address: SocketAddr, out: &mut Outbox) {
        self.book.remove(address);
        self.probes.remove(address);
        self.drop_peer(now, address, EvictionReason::Own, out);
        if self.own.learn(address) {
            out.events.push(Event::OwnAddress { address });
        }
    }

    /// Learns where others see this node, if it was not told: what at least three peers of its own choosing say is
    /// believed. It decides nothing but the node's place on the ring.
    pub(super) fn note_own_address(&self, now: Time) {
        if self.own.public().is_some() {
            return;
        }
        let seen = self.peers.map(|_, peer| match (peer.kind, peer.origin) {
            (PeerKind::Proven, Origin::Chosen) => peer.sees_us_at,
            (PeerKind::Proven, Origin::Guest) | (PeerKind::Plain, _) => None,
        });
        let mut positions: Vec<RingPosition> = seen.into_iter().filter_map(|(_, position)| position).collect();
        positions.sort_unstable();
        let most = positions.chunk_by(|a, b| a == b).max_by_key(|same| same.len());
        let Some(&position) = most.filter(|same| same.len() >= WITNESSES).and_then(|same| same.first()) else { return };
        if self.leaves.set_position(Some(position)) {
            self.place_leaves();
            self.try_soon(now);
        }
    }

    /// How many nodes the network seems to have: while few are known, these; else as many as the ring must hold for the
    /// nearest to be so near.
    pub(super) fn network_size(&self) -> u64 {
        let peers = self.peers.len() as u64 + 1;
        let known = peers + self.book.good() as u64;
        if known <= SMALL_NETWORK { known } else { self.leaves.density().unwrap_or(known).max(peers) }
    }
}

/// So many peers of its own choosing have to agree before a node believes where it is.
const WITNESSES: usize = 3;
