//! Scenarios: networks, what happens to them, and what must hold all the same. By name or from a TOML file.
//!
//! A scenario is data; [`run`](super::run) makes it happen. Its files: `net` (links, translation, timers), `schedule` (what
//! happens when), `hostile` (who attacks), `expect` (the bounds), `file` (TOML), `named` (those that have a name),
//! `overrides` (what is changed on the command line), `span` (durations and shares).

use serde::{Deserialize, Serialize};

mod expect;
mod file;
mod hostile;
pub mod named;
mod net;
mod overrides;
mod schedule;
mod span;

pub use expect::{At, Expect, Probe, Upkeep, Within};
pub use file::{FileError, parse, read};
pub use hostile::Hostile;
pub use net::{LinkPlan, NatPlan, Timers, Travel};
pub use overrides::{Overrides, Timed};
pub use schedule::{Chosen, Churn, Deed, DiskFate, Find, ForAWhile, Happening, Partition, PartitionKind, Restart};
pub use span::{Share, ShareError, Span, SpanError};

/// The most nodes of a scenario.
pub const NODES_MAX: usize = 1_000_000;

/// A network, what happens to it, and what must hold.
///
/// Times are counted from the beginning of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// What it is called; a file that says nothing is called by its name.
    #[serde(default)]
    pub name: String,
    /// What it shows, in one sentence.
    #[serde(default)]
    pub shows: String,
    /// How many hosts there are, hostile ones among them. 1 to 1,000,000.
    pub nodes: usize,
    /// How long it lasts.
    pub duration: Span,
    /// With how many seeds it is run unless that is said. 1.
    #[serde(default = "one")]
    pub seeds: u64,
    /// How the nodes start and find each other.
    #[serde(default)]
    pub start: Start,
    /// What lies between any two hosts.
    #[serde(default)]
    pub link: LinkPlan,
    /// How long a write to a node's disk takes at most, by chance less. 10 ms.
    #[serde(default = "disk")]
    pub disk: Span,
    /// Who is behind a translation of addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat: Option<NatPlan>,
    /// The protocol's timers, where they are not the usual ones.
    #[serde(default, skip_serializing_if = "Timers::is_default")]
    pub settings: Timers,
    /// What must hold.
    #[serde(default)]
    pub expect: Expect,
    /// What happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<Happening>,
    /// Who attacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adversaries: Vec<Hostile>,
}

fn one() -> u64 {
    1
}

fn disk() -> Span {
    Span::ms(10)
}

/// How nodes start, and whom they know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Start {
    /// On one machine, all at once; each knows the one before, as in the exercise.
    #[default]
    Chain,
    /// Through one node that all know.
    Seed {
        /// So many are there first, the seed among them.
        #[serde(default = "first")]
        first: usize,
        /// So much later the others begin to come.
        #[serde(default)]
        settle: Span,
        /// Over so long, evenly; 0 for all at once.
        over: Span,
    },
    /// Each knows one that has started before it, by chance; an honest node knows an honest one.
    Invited {
        /// They come over so long, evenly.
        over: Span,
    },
    /// Each knows so many others by chance, from an earlier life: a network that is there without a join.
    Saved {
        /// How many.
        addresses: usize,
        /// They come over so long, evenly.
        over: Span,
    },
}

fn first() -> usize {
    1
}

impl Start {
    /// When the last node starts.
    pub fn last(&self) -> Span {
        match *self {
            Start::Chain => Span::ZERO,
            Start::Seed { settle, over, .. } => Span(settle.0 + over.0),
            Start::Invited { over } | Start::Saved { over, .. } => over,
        }
    }
}

/// Something in a scenario that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct Wrong {
    /// The path of the key, such as `schedule[2].at`.
    pub key: String,
    /// What would be right.
    pub reason: String,
}

impl Scenario {
    /// Everything in it that cannot be.
    pub fn check(&self) -> Vec<Wrong> {
        let mut all = Vec::new();
        let mut require = |holds: bool, key: &str, reason: String| {
            if !holds {
                all.push(Wrong { key: key.to_owned(), reason });
            }
        };
        require((1..=NODES_MAX).contains(&self.nodes), "nodes", format!("give 1 to {NODES_MAX}"));
        require(self.duration > Span::ZERO, "duration", "give more than no time".to_owned());
        require(self.seeds > 0, "seeds", "give at least 1".to_owned());
        let last = self.start.last();
        require(
            last < self.duration,
            "start",
            format!("the last node starts at {last}, and by {} all is over", self.duration),
        );
        if let Start::Seed { first, .. } = self.start {
            require(first >= 1, "start.seed.first", "give at least 1: the seed itself".to_owned());
        }
        require(self.nat.as_ref().is_none_or(|nat| nat.hosts >= 1), "nat.hosts", "give at least 1".to_owned());
        if let Err(reason) = self.settings.check() {
            require(false, "settings", reason);
        }
        for (index, Happening { at, deed }) in self.schedule.iter().enumerate() {
            let over = Span(at.0 + deed.lasts().0);
            let reason = format!("{} is over at {over}, and the scenario at {}", deed.name(), self.duration);
            require(over <= self.duration, &format!("schedule[{index}].at"), reason);
            if let Deed::Find(Find { node: Some(node) }) = deed {
                let reason = format!("nodes are numbered from 0 to {}", self.nodes.saturating_sub(1));
                require(*node < self.nodes, &format!("schedule[{index}].find.node"), reason);
            }
        }
        for (at, probe) in self.expect.probes() {
            let key = match probe {
                Probe::Ring(_) => "expect.ring",
                Probe::OneComponent => "expect.one-component-at",
                Probe::Connected => "expect.connected-at",
                Probe::Agreement => "expect.agreement-at",
            };
            require(at <= self.duration, key, format!("{at} is after the end at {}", self.duration));
        }
        if let Some(Upkeep { after, at_most }) = self.expect.upkeep {
            require(
                after < self.duration,
                "expect.upkeep.after",
                format!("{after} is after the end at {}", self.duration),
            );
            require(at_most >= 0.0, "expect.upkeep.at-most", "give datagrams per node and second".to_owned());
        }
        let finds = self.schedule.iter().any(|happening| matches!(happening.deed, Deed::Find(_)));
        let about_primes = !self.expect.heard.is_empty()
            || !self.expect.verified.is_empty()
            || self.expect.hops_at_most.is_some()
            || self.expect.datagrams_at_most.is_some();
        require(
            finds || !about_primes,
            "expect",
            "bounds about primes, and nobody finds one: schedule a find".to_owned(),
        );
        let hostile: f64 = self.adversaries.iter().map(|hostile| hostile.share.get()).sum();
        require(hostile < 1.0, "adversaries", "leave somebody honest".to_owned());
        all
    }

    /// As a TOML file.
    pub fn to_toml(&self) -> String {
        // Nothing in it fails to be written: all keys are texts, and tables come after values.
        toml::to_string(self).unwrap_or_default()
    }
}
