//! Where a search says how it goes, for whoever looks on.
//!
//! Uses the labelled counters of `protocol`. A searching thread writes to a place of its own, so that a squaring costs it
//! one store and one addition that no other thread waits for; whoever reads takes what is there at that moment.

use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::attempt::{Conclusion, Event, Progress};
use crate::mersenne::{Exponent, Fault, StepError};
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
    /// What showed that a computation had gone wrong.
    SearchErrorKind {
        /// Its round-off error was too large.
        RoundOff = "round_off",
        /// A property of every right residue did not hold.
        SelfCheck = "self_check",
        /// Gerbicz's check failed.
        Gerbicz = "gerbicz",
        /// A Jacobi symbol was wrong.
        Jacobi = "jacobi",
        /// A prime was not confirmed.
        Unconfirmed = "unconfirmed",
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
    /// Points of the transform, 0 for none.
    length: AtomicU64,
    /// The bits of the largest round-off error of the test at hand.
    roundoff: AtomicU64,
    /// When the test at hand was last made durable, in seconds since 1970; 0 if it has not been.
    checkpointed: AtomicU64,
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
        // A Fermat test has two squarings more.
        if total == 0 { 0.0 } else { (f64::from(self.iteration) / f64::from(total)).min(1.0) }
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

    /// The transform's length in points for the smallest exponent at hand; 0 while there is none, or an engine without one.
    pub fn fft_length(&self) -> u64 {
        let busy = self.desks.iter().filter_map(|desk| Some((desk.at_hand()?, desk.length.load(Ordering::Relaxed))));
        busy.min().map_or(0, |(_, length)| length)
    }

    /// The largest round-off error of the tests at hand, 0 to 0.5.
    pub fn roundoff(&self) -> f64 {
        let errors = self.desks.iter().map(|desk| f64::from_bits(desk.roundoff.load(Ordering::Relaxed)));
        errors.fold(0.0, f64::max)
    }

    /// When the tests at hand were last made durable, the one whose checkpoint is oldest, in seconds since 1970; 0 while none
    /// has a checkpoint.
    pub fn checkpointed(&self) -> u64 {
        let times = self.desks.iter().map(|desk| desk.checkpointed.load(Ordering::Relaxed));
        times.filter(|&time| time > 0).min().unwrap_or(0)
    }

    /// How often a computation went wrong and was noticed.
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
    pub(super) fn settled(&self, conclusion: &Conclusion) {
        let result = match conclusion {
            Conclusion::HasFactor(_) => CandidateResult::Factored,
            Conclusion::Composite(_) => CandidateResult::Composite,
            Conclusion::Prime(_) => CandidateResult::Prime,
            // The last fault ended it, and was not told on the way.
            Conclusion::Failed { fault, .. } => return self.went_wrong(fault),
            Conclusion::Interrupted { .. } | Conclusion::BeyondEngine { .. } => return,
        };
        self.candidates.of(result).one();
    }

    fn went_wrong(&self, fault: &Fault) {
        self.errors.of(SearchErrorKind::of(fault)).one();
    }

    /// Notes at `desk`, one of this board's, what is being done with an exponent.
    pub(super) fn note(&self, desk: &Desk, exponent: Exponent, event: &Event) {
        match event {
            Event::Factoring { .. } => desk.begin(exponent, 0),
            Event::Testing { iteration, .. } | Event::Confirming { iteration, .. } => desk.begin(exponent, *iteration),
            Event::Progress(progress) => desk.progress(exponent, progress),
            Event::Checkpointed { .. } => {
                // A clock before 1970 shows nothing.
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                desk.checkpointed.store(now.as_secs(), Ordering::Relaxed);
            }
            Event::Error { fault, .. } => self.went_wrong(fault),
            Event::CheckpointFailed { .. } | Event::CheckpointUnusable { .. } => {}
        }
    }
}

impl SearchErrorKind {
    fn of(fault: &Fault) -> SearchErrorKind {
        match fault {
            Fault::Engine(StepError::RoundOff { .. }) => SearchErrorKind::RoundOff,
            Fault::Engine(StepError::SelfCheck { .. }) => SearchErrorKind::SelfCheck,
            Fault::Gerbicz => SearchErrorKind::Gerbicz,
            Fault::Jacobi => SearchErrorKind::Jacobi,
            Fault::Unconfirmed => SearchErrorKind::Unconfirmed,
        }
    }
}

impl Desk {
    fn set(&self, exponent: Exponent, iteration: u32) {
        self.at_hand.store(u64::from(exponent) << 32 | u64::from(iteration), Ordering::Relaxed);
    }

    /// A test begins, or the look for factors before it.
    fn begin(&self, exponent: Exponent, iteration: u32) {
        self.forget_test();
        self.set(exponent, iteration);
    }

    fn progress(&self, exponent: Exponent, progress: &Progress) {
        self.squarings.add(progress.squarings.into());
        self.length.store(progress.plan.length().unwrap_or(0) as u64, Ordering::Relaxed);
        self.roundoff.store(progress.roundoff.to_bits(), Ordering::Relaxed);
        self.set(exponent, progress.iteration);
    }

    fn forget_test(&self) {
        for place in [&self.length, &self.roundoff, &self.checkpointed] {
            place.store(0, Ordering::Relaxed);
        }
    }

    /// Notes that nothing is at hand.
    pub(super) fn clear(&self) {
        self.forget_test();
        self.at_hand.store(0, Ordering::Relaxed);
    }

    fn at_hand(&self) -> Option<AtHand> {
        let word = self.at_hand.load(Ordering::Relaxed);
        (word != 0).then_some(AtHand { exponent: (word >> 32) as u32, iteration: word as u32 })
    }
}

#[cfg(test)]
pub(super) mod tests;
