//! Samples: a few addresses in every PING and PONG, by which nodes hear of each other.
//!
//! Three are random, so that everybody hears of everybody in time; four are those that the sender knows nearest to the
//! receiver's own position on the ring. Whoever hears of somebody nearer asks him next, who knows of others nearer still: so
//! a node finds its neighbours, and finds new ones when they die (as in T-Man: Jelasity, Montresor & Babaoglu, 2009).

use std::net::SocketAddr;

use arrayvec::ArrayVec;

use super::Node;
use crate::protocol::address::NodeRef;
use crate::protocol::candidate::Source;
use crate::protocol::counters::DiscoveredVia;
use crate::protocol::leaves::LeafSet;
use crate::protocol::message::{Exchange, MAX_SAMPLE};
use crate::protocol::ring::{LEAVES_PER_SIDE, RingPosition};
use crate::protocol::time::Time;

/// How many of a sample are random.
const RANDOM: usize = MAX_SAMPLE - 2 * LEAVES_PER_SIDE;

impl Node {
    /// Addresses to recommend to somebody, of those that have answered this node: the random ones first.
    pub(super) fn sample_for(&self, to: SocketAddr) -> ArrayVec<NodeRef, MAX_SAMPLE> {
        // A loopback address means nothing to anybody on another host.
        let is_fit = |address: SocketAddr| address != to && (to.ip().is_loopback() || !address.ip().is_loopback());
        let peers = self.peers.map(|_, peer| peer.position);
        let good = self.book.good();
        let mut places: ArrayVec<usize, RANDOM> = (0..RANDOM).map(|_| self.random.below(peers.len() + good)).collect();
        places.sort_unstable();
        let mut near = LeafSet::new(RingPosition::of(to), LEAVES_PER_SIDE);
        let mut chosen = ArrayVec::<SocketAddr, MAX_SAMPLE>::new();
        let mut place = 0;
        let mut consider = |address: &dyn Fn() -> SocketAddr, position: RingPosition| {
            if places.contains(&place) && is_fit(address()) && chosen.len() < RANDOM {
                chosen.push(address());
            }
            place += 1;
            if near.wants(position) && is_fit(address()) {
                near.offer(position, address());
            }
        };
        peers.iter().for_each(|&(address, position)| consider(&|| address, position));
        self.book.each(|candidate| {
            if candidate.is_good() {
                consider(&|| candidate.address(), candidate.position);
            }
        });
        for address in near.members() {
            if !chosen.contains(&address) && !chosen.is_full() {
                chosen.push(address);
            }
        }
        // What was drawn twice leaves room for more of the peers.
        let (first, last) = peers.split_at(self.random.below(peers.len()));
        for &(address, _) in last.iter().chain(first) {
            if !chosen.is_full() && is_fit(address) && !chosen.contains(&address) {
                chosen.push(address);
            }
        }
        chosen.into_iter().map(|address| self.own.name(address)).collect()
    }

    /// Hears of the addresses in a sample from somebody who has proven his own.
    pub(super) fn take_sample(&self, now: Time, from: SocketAddr, exchange: &Exchange) {
        let source = Source::of(from);
        for named in &exchange.peers {
            if let Ok(address) = named.resolve(from) {
                self.add_candidate(now, address, DiscoveredVia::Sample, source);
            }
        }
    }
}
