//! What is done to the datagrams of a lab's nodes, as its owner says it, and what that means for each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::daemon::conditions::Conditions;
use crate::protocol::hash::{self, HashKey};

/// Everything that is in force.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Faults {
    /// What chance follows from, for all nodes.
    pub(super) seed: u64,
    /// How many seconds of every node's clock go by in a real one.
    pub(super) speed: f64,
    /// The share of its datagrams that each of these nodes loses.
    pub(super) loss: BTreeMap<SocketAddr, f64>,
    /// How many milliseconds longer the datagrams of each of these travel.
    pub(super) delay: BTreeMap<SocketAddr, u64>,
    /// Links that carry nothing.
    pub(super) cuts: BTreeSet<Link>,
    /// One side of a network in two parts; the other is everybody else.
    pub(super) split: Option<BTreeSet<SocketAddr>>,
}

/// Two nodes, the lower address first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link(SocketAddr, SocketAddr);

impl Link {
    pub(super) fn between(a: SocketAddr, b: SocketAddr) -> Link {
        Link(a.min(b), a.max(b))
    }
}

impl Faults {
    /// No faults.
    pub(super) fn none(seed: u64, speed: f64) -> Faults {
        let (loss, delay, cuts) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Faults { seed, speed, loss, delay, cuts, split: None }
    }

    /// What they mean for one node of these.
    pub(super) fn of(&self, node: SocketAddr, nodes: impl Iterator<Item = SocketAddr>) -> Conditions {
        let side = |node| self.split.as_ref().is_some_and(|side| side.contains(&node));
        let is_cut = |&other: &SocketAddr| {
            other != node && (side(other) != side(node) || self.cuts.contains(&Link::between(node, other)))
        };
        Conditions {
            loss: self.loss.get(&node).copied().unwrap_or(0.0),
            delay_ms: self.delay.get(&node).copied().unwrap_or(0),
            cut: nodes.filter(is_cut).collect(),
            // Two nodes do not lose the same ones of their datagrams.
            seed: hash::address(HashKey(self.seed, 0), node),
        }
    }

    /// As the page reads them.
    pub(super) fn frame(&self, nodes_max: usize) -> Value {
        let cuts: Vec<[SocketAddr; 2]> = self.cuts.iter().map(|&Link(a, b)| [a, b]).collect();
        json!({
            "seed": self.seed,
            "speed": self.speed,
            "loss": self.loss,
            "delay": self.delay,
            "cuts": cuts,
            "split": self.split,
            "nodes_max": nodes_max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn all() -> impl Iterator<Item = SocketAddr> {
        (5001..=5004).map(node)
    }

    #[test]
    fn a_cut_link_is_cut_at_both_ends_and_nowhere_else() {
        let mut faults = Faults::none(1, 1.0);
        faults.cuts.insert(Link::between(node(5003), node(5001)));
        assert_eq!(faults.of(node(5001), all()).cut, [node(5003)].into());
        assert_eq!(faults.of(node(5003), all()).cut, [node(5001)].into());
        assert!(faults.of(node(5002), all()).cut.is_empty());
    }

    #[test]
    fn a_split_cuts_all_links_between_its_sides_and_none_within() {
        let mut faults = Faults::none(1, 1.0);
        faults.split = Some([node(5001), node(5002)].into());
        assert_eq!(faults.of(node(5001), all()).cut, [node(5003), node(5004)].into());
        assert_eq!(faults.of(node(5004), all()).cut, [node(5001), node(5002)].into());
    }

    #[test]
    fn loss_and_delay_are_a_nodes_own_and_so_is_its_chance() {
        let mut faults = Faults::none(1, 1.0);
        faults.loss.insert(node(5001), 0.2);
        faults.delay.insert(node(5002), 100);
        let (first, second) = (faults.of(node(5001), all()), faults.of(node(5002), all()));
        assert_eq!((first.loss, first.delay_ms), (0.2, 0));
        assert_eq!((second.loss, second.delay_ms), (0.0, 100));
        assert_ne!(first.seed, second.seed);
        assert_eq!(first.seed, faults.of(node(5001), all()).seed);
    }
}
