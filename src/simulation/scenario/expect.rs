//! What must hold in a scenario: the bounds that make a run pass or fail.

use serde::{Deserialize, Serialize};

use super::span::{Share, Span};

/// What must hold. What is absent is measured all the same, and not judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Expect {
    /// Every prime is heard of by so many nodes within so long after it was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Within>,
    /// Every prime is verified by so many nodes within so long after it was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verified: Vec<Within>,
    /// No node first hears of a prime by more hops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hops_at_most: Option<u32>,
    /// No prime costs more PRIME datagrams per node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datagrams_at_most: Option<f64>,
    /// PINGs and PONGs cost no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upkeep: Option<Upkeep>,
    /// No node has more active peers at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degree_at_most: Option<usize>,
    /// At a time so many nodes know their true neighbours on the ring.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ring: Vec<At>,
    /// At this time all nodes are one component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_component_at: Option<Span>,
    /// At this time every node has at least three peers, or all others where there are fewer, and all are one component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<Span>,
    /// At this time all nodes hold the same primes, credits and newest claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_at: Option<Span>,
}

/// So many nodes within so long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Within {
    /// Of the honest nodes that lived from the find to the end.
    pub share: Share,
    /// After the find.
    pub within: Span,
}

/// So many nodes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct At {
    /// Of the honest nodes that live then.
    pub share: Share,
    /// From the beginning.
    pub at: Span,
}

/// What PINGs and PONGs may cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Upkeep {
    /// Datagrams per node and second.
    pub at_most: f64,
    /// Measured from this time to the end.
    pub after: Span,
}

/// Something that is looked at at a certain time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Probe {
    /// How many know their neighbours.
    Ring(Share),
    /// Whether all are one component.
    OneComponent,
    /// Whether everybody has enough peers.
    Connected,
    /// Whether everybody knows the same.
    Agreement,
}

impl Expect {
    /// What is looked at at certain times, in no order.
    pub fn probes(&self) -> Vec<(Span, Probe)> {
        let ring = self.ring.iter().map(|bound| (bound.at, Probe::Ring(bound.share)));
        let others = [
            self.one_component_at.map(|at| (at, Probe::OneComponent)),
            self.connected_at.map(|at| (at, Probe::Connected)),
            self.agreement_at.map(|at| (at, Probe::Agreement)),
        ];
        ring.chain(others.into_iter().flatten()).collect()
    }
}
