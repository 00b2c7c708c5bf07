//! Where a search says how it goes, for whoever looks on.
//!
//! Uses the labelled counters of `protocol`. A searching thread writes to a place of its own, so that a squaring costs it
//! one store and one addition that no other thread waits for; whoever reads takes what is there at that moment.

use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::verify::{Stage, Verification};
use crate::mersenne::{Exponent, StepError};
use crate::protocol::{Counter, Family, labels};

labels! {
    /// What came of a candidate.
    CandidateResult {
        /// Composite by a trial factor.
        Factored = "factored",
        /// Composite by a full test.
        Composite = "composite",
        /// Prime.
        Prime = "prime",
    }
}

labels! {
    /// What an engine noticed when it miscalculated.
    SearchErrorKind {
        /// Its round-off error was too large.
        RoundOff = "round_off",
        /// A property of every right residue did not hold.
        SelfCheck = "self_check",
    }
}

/// A search as seen from outside; it outlives each search and is the same for all of a node.
#[derive(Debug)]
pub struct SearchBoard {
    desks: Box<[Desk]>,
    candidates: Family<CandidateResult>,
    errors: Family<SearchErrorKind>,
    frontier: AtomicU64,
    exhausted: AtomicBool,
}

/// What one searching thread writes; alone in its cache line (of 64 bytes on most machines).
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Desk {
    /// The exponent in the upper half, the squarings done of its test in the lower: one word, so that they always belong
    /// together. 0 is nothing at hand.
    at_hand: AtomicU64,
    squarings: Counter,
}

/// The candidate that a thread is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AtHand {
    /// Its exponent, p of 2^p − 1.
    pub exponent: u32,
    /// Squarings done, 0 while factors are looked for.
    pub iteration: u32,
}

impl AtHand {
    /// The share of the test that is done, 0 to 1. Looking for factors is 0, and so is the whole test of 2^2 − 1.
    pub fn progress(self) -> f64 {
        let total = self.exponent.saturating_sub(2);
        if total == 0 { 0.0 } else { f64::from(self.iteration) / f64::from(total) }
    }
}

impl SearchBoard {
    /// A board for searches on this many threads.
    pub fn new(threads: NonZeroU16) -> SearchBoard {
        SearchBoard {
            desks: (0..threads.get()).map(|_| Desk::default()).collect(),
            candidates: Family::default(),
            errors: Family::default(),
            frontier: AtomicU64::new(0),
            exhausted: AtomicBool::new(false),
        }
    }

    /// On how many threads a search runs.
    pub fn threads(&self) -> usize {
        self.desks.len()
    }

    /// The smallest exponent at hand and how far it is; `None` while nothing is searched.
    pub fn at_hand(&self) -> Option<AtHand> {
        self.desks.iter().filter_map(Desk::at_hand).min()
    }

    /// Squarings done by all searches.
    pub fn squarings(&self) -> u64 {
        self.desks.iter().map(|desk| desk.squarings.get()).sum()
    }

    /// Candidates settled by all searches. One that was settled ahead of the prime below it is settled, and counted, again.
    pub fn candidates(&self, result: CandidateResult) -> u64 {
        self.candidates.of(result).get()
    }

    /// Tests that were given up because the engine had miscalculated.
    pub fn errors(&self, kind: SearchErrorKind) -> u64 {
        self.errors.of(kind).get()
    }

    /// Every exponent below this one, and above the prime that the last search began at, is settled; 0 before any search.
    pub fn frontier(&self) -> u64 {
        self.frontier.load(Ordering::Relaxed)
    }

    /// Whether the last search has come to the end of what can be tested.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Relaxed)
    }

    pub(super) fn desks(&self) -> &[Desk] {
        &self.desks
    }

    /// Nothing counts as settled any more, because what it was above is forgotten.
    pub fn forget(&self) {
        self.frontier.store(0, Ordering::Relaxed);
        self.exhausted.store(false, Ordering::Relaxed);
    }

    pub(super) fn set_exhausted(&self, exhausted: bool) {
        self.exhausted.store(exhausted, Ordering::Relaxed);
    }

    pub(super) fn set_frontier(&self, exponent: Exponent) {
        self.frontier.store(exponent.into(), Ordering::Relaxed);
    }

    /// Counts a candidate by what came of it.
    pub(super) fn settled(&self, verification: &Verification) {
        let result = match verification {
            Verification::HasFactor(_) => CandidateResult::Factored,
            Verification::Composite(_) => CandidateResult::Composite,
            Verification::Prime => CandidateResult::Prime,
            Verification::EngineFailed(error) => {
                return self.errors.of(SearchErrorKind::of(error)).one();
            }
            Verification::Interrupted | Verification::BeyondEngine { .. } => return,
        };
        self.candidates.of(result).one();
    }
}

impl SearchErrorKind {
    fn of(error: &StepError) -> SearchErrorKind {
        match error {
            StepError::RoundOff { .. } => SearchErrorKind::RoundOff,
            StepError::SelfCheck { .. } => SearchErrorKind::SelfCheck,
        }
    }
}

impl Desk {
    /// Notes what is being done with an exponent.
    pub(super) fn note(&self, exponent: Exponent, stage: Stage) {
        let iteration = match stage {
            Stage::Factoring => 0,
            Stage::Testing(progress) => {
                self.squarings.one();
                progress.iteration
            }
            Stage::Done(_) => return,
        };
        self.at_hand.store(u64::from(exponent) << 32 | u64::from(iteration), Ordering::Relaxed);
    }

    /// Notes that nothing is at hand.
    pub(super) fn clear(&self) {
        self.at_hand.store(0, Ordering::Relaxed);
    }

    fn at_hand(&self) -> Option<AtHand> {
        let word = self.at_hand.load(Ordering::Relaxed);
        (word != 0).then_some(AtHand { exponent: (word >> 32) as u32, iteration: word as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mersenne::{Progress, Res64};
    use crate::protocol::Label as _;

    fn board(threads: u16) -> SearchBoard {
        SearchBoard::new(NonZeroU16::new(threads).unwrap())
    }

    fn exponent(p: u64) -> Exponent {
        Exponent::new(p).unwrap()
    }

    #[test]
    fn the_smallest_exponent_at_hand_is_shown_with_its_own_progress() {
        let board = board(3);
        assert_eq!(board.at_hand(), None);
        board.desks()[0].note(exponent(4_423), Stage::Testing(Progress { iteration: 4_000, total: 4_421 }));
        board.desks()[2].note(exponent(4_409), Stage::Testing(Progress { iteration: 4_407, total: 4_407 }));
        assert_eq!(board.at_hand(), Some(AtHand { exponent: 4_409, iteration: 4_407 }));
        assert_eq!(board.at_hand().unwrap().progress(), 1.0);
        board.desks()[2].clear();
        assert_eq!(board.at_hand(), Some(AtHand { exponent: 4_423, iteration: 4_000 }));
    }

    #[test]
    fn looking_for_factors_is_no_progress_and_the_largest_exponent_fits() {
        let board = board(1);
        board.desks()[0].note(exponent(4_294_967_291), Stage::Factoring);
        assert_eq!(board.at_hand(), Some(AtHand { exponent: 4_294_967_291, iteration: 0 }));
        assert_eq!(board.at_hand().unwrap().progress(), 0.0);
        assert_eq!(AtHand { exponent: 2, iteration: 0 }.progress(), 0.0);
    }

    #[test]
    fn squarings_of_all_threads_are_added_up() {
        let board = board(2);
        for iteration in 1..=5 {
            board.desks()[0].note(exponent(7), Stage::Testing(Progress { iteration, total: 5 }));
        }
        board.desks()[1].note(exponent(11), Stage::Testing(Progress { iteration: 1, total: 9 }));
        board.desks()[1].note(exponent(11), Stage::Done(Verification::HasFactor(23)));
        assert_eq!(board.squarings(), 6);
    }

    #[test]
    fn only_settled_candidates_are_counted_and_failures_apart() {
        let board = board(1);
        board.settled(&Verification::Interrupted);
        board.settled(&Verification::BeyondEngine { limit: 1 });
        let counts = || CandidateResult::ALL.iter().map(|&result| board.candidates(result)).collect::<Vec<_>>();
        assert_eq!(counts(), [0, 0, 0]);
        board.settled(&Verification::HasFactor(23));
        board.settled(&Verification::Composite(Res64::new(1)));
        board.settled(&Verification::Prime);
        board.settled(&Verification::EngineFailed(StepError::SelfCheck { property: "made up" }));
        board.settled(&Verification::EngineFailed(StepError::RoundOff { measured: 0.5, limit: 0.4 }));
        assert_eq!(counts(), [1, 1, 1]);
        assert_eq!(SearchErrorKind::ALL.iter().map(|&kind| board.errors(kind)).collect::<Vec<_>>(), [1, 1]);
    }
}
