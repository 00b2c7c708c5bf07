//! What a run has measured: for people as text, for programs as JSON.
//!
//! Everything but [`Real`] follows from the scenario and the seed.

use std::collections::BTreeMap;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

mod judge;
mod summary;
mod text;

pub use judge::judge;
pub use summary::{Range, Summary};

/// One run of a scenario.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Of the run: everything in it follows from this and the scenario.
    pub seed: u64,
    /// What did not hold; nothing when the run has passed.
    pub failures: Vec<String>,
    /// How long it went on, in virtual seconds.
    pub seconds: f64,
    /// Hosts that were ever there, hostile ones among them.
    pub hosts: usize,
    /// Hostile ones.
    pub adversaries: usize,
    /// Honest nodes that lived and were awake at the end.
    pub nodes: usize,
    /// Every prime that was found, in the order of finding.
    pub primes: Vec<Spread>,
    /// What was sent when nothing much happened.
    pub upkeep: Upkeep,
    /// How many active peers nodes had at the end.
    pub degrees: Degrees,
    /// How right the ring was at the end.
    pub ring: Ring,
    /// How many components there were at the end.
    pub components: usize,
    /// How long after the last disturbance the ring was right and all nodes one component, for good. In seconds, to the
    /// next sample; absent when they were not.
    pub converged_after: Option<f64>,
    /// How all was, from time to time.
    pub samples: Vec<Sample>,
    /// How often each fault happened; those that did not are left out.
    pub faults: BTreeMap<&'static str, u64>,
    /// How often each rare branch was taken; those that were not are left out.
    pub rarities: BTreeMap<&'static str, u64>,
    /// All datagrams that were sent.
    pub datagrams: u64,
    /// The hash of everything that was sent, when, by whom and to whom.
    pub trace_hash: String,
    /// What was traced, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<String>,
    /// What it took.
    pub real: Real,
}

/// How one prime spread.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Spread {
    /// p of 2^p − 1.
    pub exponent: u64,
    /// The id of the PRIME that announced it, where its finder still lives.
    pub msg_id: Option<u64>,
    /// The number of the host that found it.
    pub finder: u32,
    /// When, in seconds from the beginning.
    pub found_at: f64,
    /// For how many seconds its spread was watched: until the next prime was found, or the end.
    pub watched_for: f64,
    /// When nodes first heard of it, in seconds after it was found.
    pub heard: Times,
    /// When nodes had verified it, in seconds after it was found.
    pub verified: Times,
    /// By how many hops nodes first heard of it, on average.
    pub hops_mean: f64,
    /// By how many at most.
    pub hops_max: u32,
    /// PRIME datagrams that named it, for each node.
    pub datagrams_per_node: f64,
}

/// When so many nodes had something.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times {
    nodes: usize,
    sorted: Vec<f64>,
}

impl Times {
    /// Of so many nodes, those that had it at all, in any order.
    pub fn new(nodes: usize, mut times: Vec<f64>) -> Times {
        times.sort_by(f64::total_cmp);
        Times { nodes, sorted: times }
    }

    /// When this share of nodes had it; `None` if that never came.
    pub fn to(&self, share: super::scenario::Share) -> Option<f64> {
        match share.at_least_of(self.nodes) {
            0 => Some(0.0),
            count => self.sorted.get(count - 1).copied(),
        }
    }

    /// The same for a percentage.
    pub fn percent(&self, percent: f64) -> Option<f64> {
        self.to(super::scenario::Share::percent(percent))
    }

    /// The share of nodes that had it in the end; 1 of nobody.
    pub fn reached(&self) -> f64 {
        if self.nodes == 0 { 1.0 } else { self.sorted.len() as f64 / self.nodes as f64 }
    }

    /// How many nodes there were.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// When each had it, earliest first.
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }
}

impl Serialize for Times {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_struct("Times", 6)?;
        all.serialize_field("nodes", &self.nodes)?;
        all.serialize_field("reached", &self.reached())?;
        all.serialize_field("seconds_to_50", &self.percent(50.0))?;
        all.serialize_field("seconds_to_90", &self.percent(90.0))?;
        all.serialize_field("seconds_to_99", &self.percent(99.0))?;
        all.serialize_field("seconds_to_100", &self.percent(100.0))?;
        all.end()
    }
}

/// Datagrams per node and second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Upkeep {
    /// Measured from this second to the end.
    pub from: f64,
    /// PINGs.
    pub pings: f64,
    /// PONGs.
    pub pongs: f64,
    /// PRIMEs.
    pub primes: f64,
    /// Bytes of all of them, without headers of UDP and IP.
    pub bytes: f64,
}

impl Upkeep {
    /// What it takes to keep the network: PINGs and PONGs.
    pub fn pings_and_pongs(&self) -> f64 {
        self.pings + self.pongs
    }
}

/// How many active peers nodes had.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Degrees {
    /// The fewest.
    pub min: usize,
    /// On average.
    pub mean: f64,
    /// The most.
    pub max: usize,
    /// How many nodes had 0, 1, 2, … peers.
    pub counts: Vec<usize>,
}

impl Degrees {
    /// From how many nodes had 0, 1, 2, … peers.
    pub fn new(counts: Vec<usize>) -> Degrees {
        let nodes: usize = counts.iter().sum();
        let peers: usize = counts.iter().enumerate().map(|(degree, count)| degree * count).sum();
        Degrees {
            min: counts.iter().position(|&count| count > 0).unwrap_or_default(),
            mean: peers as f64 / nodes.max(1) as f64,
            max: counts.iter().rposition(|&count| count > 0).unwrap_or_default(),
            counts,
        }
    }
}

/// How right the ring was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ring {
    /// Nodes that lived.
    pub nodes: usize,
    /// Those that knew both of their true neighbours.
    pub right: usize,
}

/// How all was at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Sample {
    /// In seconds from the beginning.
    pub at: f64,
    /// Honest nodes that lived and were awake.
    pub nodes: usize,
    /// Those that knew both of their true neighbours.
    pub ring_right: usize,
    /// How many components there were.
    pub components: usize,
}

impl Sample {
    /// Whether nothing was left to repair.
    pub fn is_right(&self) -> bool {
        self.ring_right == self.nodes && self.components <= 1
    }
}

/// What a run took on this machine. It differs from run to run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Real {
    /// Seconds that passed.
    pub seconds: f64,
    /// Seconds of one core: fewer than those that passed where others wanted it too. The same where the system does not say.
    pub core_seconds: f64,
    /// Virtual seconds in each second of one core.
    pub speed: f64,
    /// What this process had in memory at its peak, in bytes; other runs at the same time are in it.
    pub peak_memory: Option<u64>,
}

/// How long after `disturbed` all was right for good.
pub fn converged_after(samples: &[Sample], disturbed: f64) -> Option<f64> {
    let wrong = samples.iter().rposition(|sample| !sample.is_right());
    let right = samples.get(wrong.map_or(0, |index| index + 1))?;
    Some((right.at - disturbed).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_at_which_a_share_was_reached() {
        let times = Times::new(4, vec![3.0, 1.0, 2.0]);
        assert_eq!(times.percent(25.0), Some(1.0));
        assert_eq!(times.percent(50.0), Some(2.0));
        assert_eq!(times.percent(75.0), Some(3.0));
        assert_eq!((times.percent(99.0), times.percent(100.0)), (None, None));
        assert_eq!((times.reached(), times.nodes()), (0.75, 4));
        assert_eq!(Times::new(0, Vec::new()).percent(100.0), Some(0.0));
    }

    #[test]
    fn degrees_say_fewest_mean_and_most() {
        let degrees = Degrees::new(vec![0, 0, 1, 0, 3, 0]);
        assert_eq!((degrees.min, degrees.mean, degrees.max), (2, 3.5, 4));
        assert_eq!(Degrees::new(Vec::new()), Degrees::default());
    }

    #[test]
    fn convergence_is_when_all_is_right_for_good() {
        let sample = |at, ring_right, components| Sample { at, nodes: 4, ring_right, components };
        let samples = [sample(1.0, 4, 1), sample(2.0, 3, 1), sample(3.0, 4, 2), sample(4.0, 4, 1), sample(5.0, 4, 1)];
        assert_eq!(converged_after(&samples, 1.5), Some(2.5));
        assert_eq!(converged_after(&samples, 4.5), Some(0.0));
        assert_eq!(converged_after(&samples[..3], 1.5), None, "wrong to the end");
        assert_eq!(converged_after(&[], 1.5), None);
    }
}
