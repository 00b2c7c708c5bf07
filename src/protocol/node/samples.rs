//! Samples: a few addresses in every PING and PONG, by which nodes hear of each other.
//!
//! Three are random, so that everybody hears of everybody in time; four are those that the sender knows nearest to the
//! receiver's own position on the ring. Whoever hears of somebody nearer asks him next, who knows of others nearer still: so
//! a node finds its neighbours, and finds new ones when they die (as in T-Man: Jelasity, Montresor & Babaoglu, 2009).

use std::net::SocketAddr;
use std::ops::ControlFlow;

use arrayvec::ArrayVec;

use super::Node;
use crate::protocol::address::NodeRef;
use crate::protocol::candidate::{Candidate, Source};
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
        let position = RingPosition::of(to);
        let mut near = LeafSet::new(position, LEAVES_PER_SIDE);
        let mut chosen = ArrayVec::<SocketAddr, MAX_SAMPLE>::new();
        let peers = self.peers.tally().all;
        let draws: ArrayVec<usize, RANDOM> = (0..RANDOM).map(|_| self.random.below(peers + self.book.good())).collect();
        let mut place = 0;
        self.peers.positions(|address, position| {
            if is_fit(address) {
                near.offer(position, address);
                if draws.contains(&place) {
                    chosen.push(address);
                }
            }
            place += 1;
        });
        for _ in draws.iter().filter(|&&draw| draw >= peers) {
            let candidate = self.book.nth(self.random.below(self.book.len()));
            chosen.extend(
                candidate.filter(Candidate::is_good).map(|candidate| candidate.address()).filter(|&at| is_fit(at)),
            );
        }
        self.offer_candidates(position, &is_fit, &mut near);
        for address in near.members() {
            if !chosen.contains(&address) && !chosen.is_full() {
                chosen.push(address);
            }
        }
        // What was drawn twice leaves room for more of the peers.
        if !chosen.is_full() {
            self.peers.positions(|address, _| {
                if !chosen.is_full() && is_fit(address) && !chosen.contains(&address) {
                    chosen.push(address);
                }
            });
        }
        chosen.into_iter().map(|address| self.own.name(address)).collect()
    }

    /// Offers the good candidates nearest to a position.
    fn offer_candidates(&self, position: RingPosition, is_fit: &dyn Fn(SocketAddr) -> bool, near: &mut LeafSet) {
        for upwards in [true, false] {
            let mut left = LEAVES_PER_SIDE;
            let mut offer = |candidate: &Candidate| {
                if !near.wants(candidate.position) {
                    return ControlFlow::Break(());
                }
                if candidate.is_good() && is_fit(candidate.address()) {
                    near.offer(candidate.position, candidate.address());
                    left -= 1;
                }
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            if upwards {
                self.book.above(position, &mut offer);
            } else {
                self.book.below(position, &mut offer);
            }
        }
    }

    /// Hears of the addresses in a sample from somebody who has proven his own. Seeds, whom the operator named, are a source
    /// of their own: whoever lives in the same address group as they do cannot drown what they say.
    pub(super) fn take_sample(&self, now: Time, from: SocketAddr, exchange: &Exchange) {
        let source = if self.is_seed(from) { Source::SEED } else { Source::of(from) };
        for named in &exchange.peers {
            if let Ok(address) = named.resolve(from) {
                self.add_candidate(now, address, DiscoveredVia::Sample, source);
            }
        }
    }

    fn is_seed(&self, address: SocketAddr) -> bool {
        let is_peer = self.peers.with(address, |peer| peer.via == DiscoveredVia::Seed);
        is_peer.unwrap_or_else(|| self.book.get(address).is_some_and(|candidate| candidate.is_seed()))
    }
}
