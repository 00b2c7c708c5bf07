//! The leaf set: the peers nearest to this node on the ring, on each side, and how large the network must be for them to be
//! so near.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use arrayvec::ArrayVec;

use super::ring::RingPosition;

/// The most leaves on one side that a setting may ask for.
pub(crate) const LEAVES_MAX: usize = 8;

/// The nearest of those that were offered, on one side of a position: by distance, nearest first.
#[derive(Debug, Default)]
struct Side {
    nearest: ArrayVec<(u64, SocketAddr), LEAVES_MAX>,
    wanted: usize,
}

impl Side {
    fn offer(&mut self, distance: u64, address: SocketAddr) {
        let place = self.nearest.partition_point(|&(nearer, _)| nearer <= distance);
        if place >= self.wanted {
            return;
        }
        if self.nearest.len() == self.wanted {
            self.nearest.pop();
        }
        self.nearest.insert(place, (distance, address));
    }

    /// Who is nearer than this is among the nearest.
    fn reach(&self) -> u64 {
        match self.nearest.last() {
            _ if self.wanted == 0 => 0,
            Some(&(distance, _)) if self.nearest.len() == self.wanted => distance,
            Some(_) | None => u64::MAX,
        }
    }
}

/// The nearest nodes on both sides of a position, of those that were offered.
#[derive(Debug)]
pub(crate) struct LeafSet {
    here: RingPosition,
    below: Side,
    above: Side,
}

impl LeafSet {
    /// So many on each side, at most [`LEAVES_MAX`].
    pub(crate) fn new(here: RingPosition, per_side: usize) -> LeafSet {
        let side = || Side { nearest: ArrayVec::new(), wanted: per_side.min(LEAVES_MAX) };
        LeafSet { here, below: side(), above: side() }
    }

    pub(crate) fn offer(&mut self, position: RingPosition, address: SocketAddr) {
        self.below.offer(position.up_to(self.here), address);
        self.above.offer(self.here.up_to(position), address);
    }

    /// Whether a node there would be among the nearest.
    pub(crate) fn wants(&self, position: RingPosition) -> bool {
        position.up_to(self.here) < self.below.reach() || self.here.up_to(position) < self.above.reach()
    }

    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        self.members().any(|member| member == address)
    }

    /// Those below, nearest first, then those above. In a small network one node may stand on both sides.
    pub(crate) fn members(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.below.nearest.iter().chain(&self.above.nearest).map(|&(_, address)| address)
    }

    pub(crate) fn predecessor(&self) -> Option<SocketAddr> {
        self.below.nearest.first().map(|&(_, address)| address)
    }

    pub(crate) fn successor(&self) -> Option<SocketAddr> {
        self.above.nearest.first().map(|&(_, address)| address)
    }

    /// How many nodes the whole ring holds if they lie everywhere as densely as here; `None` while a side is not full.
    fn density(&self) -> Option<u64> {
        let (below, above) = (self.below.reach(), self.above.reach());
        if self.below.wanted == 0 || below == u64::MAX || above == u64::MAX {
            return None;
        }
        let (gaps, span) = (2 * self.below.wanted as u128, u128::from(below) + u128::from(above));
        Some(((gaps << 64) / span.max(1)).min(u128::from(u64::MAX)) as u64)
    }
}

/// A node's own place on the ring, in numbers that can be read at any time: where it is, and how near somebody has to be
/// to become a leaf.
#[derive(Debug)]
pub(crate) struct Leaves {
    /// 0 for none.
    position: AtomicU64,
    reach_below: AtomicU64,
    reach_above: AtomicU64,
    /// 0 for unknown.
    density: AtomicU64,
}

impl Leaves {
    pub(crate) fn new(position: Option<RingPosition>) -> Leaves {
        Leaves {
            position: AtomicU64::new(position.map_or(0, |position| position.0)),
            reach_below: AtomicU64::new(u64::MAX),
            reach_above: AtomicU64::new(u64::MAX),
            density: AtomicU64::new(0),
        }
    }

    pub(crate) fn position(&self) -> Option<RingPosition> {
        match self.position.load(Ordering::Relaxed) {
            0 => None,
            position => Some(RingPosition(position)),
        }
    }

    /// Moves this node; returns whether that is a change.
    pub(crate) fn set_position(&self, position: Option<RingPosition>) -> bool {
        let position = position.map_or(0, |position| position.0);
        self.position.swap(position, Ordering::Relaxed) != position
    }

    /// Notes who is nearest now.
    pub(crate) fn note(&self, set: &LeafSet) {
        self.reach_below.store(set.below.reach(), Ordering::Relaxed);
        self.reach_above.store(set.above.reach(), Ordering::Relaxed);
        self.density.store(set.density().unwrap_or(0), Ordering::Relaxed);
    }

    /// Whether a node there would be one of the nearest.
    pub(crate) fn has_place_for(&self, position: RingPosition) -> bool {
        self.position().is_some_and(|here| {
            position.up_to(here) < self.reach_below.load(Ordering::Relaxed)
                || here.up_to(position) < self.reach_above.load(Ordering::Relaxed)
        })
    }

    /// How many nodes the network has, judged by how near the nearest are.
    pub(crate) fn density(&self) -> Option<u64> {
        Some(self.density.load(Ordering::Relaxed)).filter(|&density| density > 0)
    }

    /// Whether a position is among the about `count` nearest on either side, if the ring is as dense everywhere.
    pub(crate) fn is_near(&self, position: RingPosition, count: u64) -> bool {
        let Some(here) = self.position() else { return false };
        let radius = self.density().map_or(u64::MAX, |density| (u64::MAX / density.max(1)).saturating_mul(count));
        position.up_to(here).min(here.up_to(position)) <= radius
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], number))
    }

    fn set(here: u64, others: &[u64]) -> LeafSet {
        let mut set = LeafSet::new(RingPosition(here), 2);
        (1..).zip(others).for_each(|(number, &position)| set.offer(RingPosition(position), at(number)));
        set
    }

    #[test]
    fn the_two_nearest_on_each_side_are_kept_whatever_came_first() {
        let set = set(1_000, &[900, 990, 1_500, 980, 1_001, 1_002, 1_003]);
        assert_eq!(set.members().collect::<Vec<_>>(), [at(2), at(4), at(5), at(6)]);
        assert_eq!((set.predecessor(), set.successor()), (Some(at(2)), Some(at(5))));
        assert!(set.contains(at(4)) && !set.contains(at(7)));
    }

    #[test]
    fn a_single_other_node_is_on_both_sides() {
        let set = set(1_000, &[5]);
        assert_eq!((set.predecessor(), set.successor()), (Some(at(1)), Some(at(1))));
    }

    #[test]
    fn the_ring_wraps_around() {
        let set = set(2, &[u64::MAX - 1, 10, 1 << 60]);
        assert_eq!((set.predecessor(), set.successor()), (Some(at(1)), Some(at(2))));
    }

    #[test]
    fn who_would_be_nearer_than_the_second_nearest_has_a_place() {
        let leaves = Leaves::new(Some(RingPosition(1_000)));
        assert!(leaves.has_place_for(RingPosition(1 << 63)), "nobody is known yet");
        leaves.note(&set(1_000, &[990, 980, 1_010, 1_020]));
        assert!(leaves.has_place_for(RingPosition(981)) && leaves.has_place_for(RingPosition(1_019)));
        assert!(!leaves.has_place_for(RingPosition(979)) && !leaves.has_place_for(RingPosition(1_021)));
        assert!(!Leaves::new(None).has_place_for(RingPosition(1)));
    }

    #[test]
    fn the_size_of_the_network_follows_from_how_dense_the_ring_is() {
        let step = u64::MAX / 10_000;
        let set = set(step * 10, &[step * 8, step * 9, step * 11, step * 12]);
        assert!((9_990..=10_010).contains(&set.density().unwrap()));
        let leaves = Leaves::new(Some(RingPosition(step * 10)));
        leaves.note(&set);
        assert!(leaves.is_near(RingPosition(step * 14), 5) && !leaves.is_near(RingPosition(step * 16), 5));
    }
}
