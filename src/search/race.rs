//! The race search: every exponent above the largest known one, in order, until one gives a prime.
//!
//! Uses the verifier. Every node that races does the same work; the fastest finds the next prime first.

use super::verify::{Stage, Verification, verify_with};
use crate::mersenne::{Exponent, Interrupt, StepError};

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SearchOutcome {
    /// The next Mersenne prime has this exponent.
    Found(Exponent),
    /// There is none up to the maximum, or the next candidate is beyond the engine.
    Exhausted,
    /// It was asked to stop.
    Interrupted,
    /// The engine noticed that it had miscalculated; all exponents before are settled.
    EngineFailed {
        /// The exponent it was testing.
        exponent: Exponent,
        /// What it noticed.
        error: StepError,
    },
}

/// Where a search is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchProgress {
    /// The exponent at hand. After `Stage::Done` with a factor or a residue, a new search may start above it.
    pub exponent: Exponent,
    /// What is being done with it.
    pub stage: Stage,
    /// The exponents settled by this search so far.
    pub counts: Counts,
}

/// Exponents settled, by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Composite by a trial factor.
    pub factored: u64,
    /// Composite by a full test.
    pub composite: u64,
    /// Prime: 0, or 1 at the end of a search.
    pub prime: u64,
}

impl Counts {
    fn add(&mut self, stage: Stage) {
        match stage {
            Stage::Done(Verification::HasFactor(_)) => self.factored += 1,
            Stage::Done(Verification::Composite(_)) => self.composite += 1,
            Stage::Done(Verification::Prime) => self.prime += 1,
            Stage::Factoring
            | Stage::Testing(_)
            | Stage::Done(
                Verification::Interrupted | Verification::BeyondEngine { .. } | Verification::EngineFailed(_),
            ) => {}
        }
    }
}

/// Looks for the smallest exponent above `known` (or of all) and at most `max` that gives a prime.
///
/// `on_progress` hears of every stage and every squaring, on this thread: it should return at once.
pub fn find_above(
    known: Option<Exponent>,
    max: u32,
    interrupt: &Interrupt,
    on_progress: &mut dyn FnMut(SearchProgress),
) -> SearchOutcome {
    let mut counts = Counts::default();
    let mut last = known;
    while let Some(exponent) = Exponent::next_above(last).filter(|next| next.get() <= max) {
        if interrupt.is_requested() {
            return SearchOutcome::Interrupted;
        }
        let verification = verify_with(exponent, interrupt, &mut |stage| {
            counts.add(stage);
            on_progress(SearchProgress { exponent, stage, counts });
        });
        match verification {
            Verification::HasFactor(_) | Verification::Composite(_) => last = Some(exponent),
            Verification::Prime => return SearchOutcome::Found(exponent),
            Verification::Interrupted => return SearchOutcome::Interrupted,
            Verification::BeyondEngine { .. } => return SearchOutcome::Exhausted,
            Verification::EngineFailed(error) => {
                return SearchOutcome::EngineFailed { exponent, error };
            }
        }
    }
    SearchOutcome::Exhausted
}

#[cfg(test)]
mod tests;
