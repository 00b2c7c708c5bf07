//! All Mersenne primes of a range, each as it comes.
//!
//! Uses the race, which goes on behind a prime when there is somebody to tell of it.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use super::board::SearchBoard;
use super::race::{Scope, SearchOutcome};
use crate::mersenne::{EngineSet, Exponent, Fault, Interrupt, largest_exponent};

/// What is to be searched.
#[derive(Clone, Debug)]
pub struct Range {
    /// The smallest number that may be an exponent.
    pub from: u32,
    /// The largest number that may be an exponent.
    pub to: u32,
    /// The engines that may be used.
    pub engines: EngineSet,
    /// Where tests keep their checkpoints, if anywhere.
    pub checkpoints: Option<PathBuf>,
}

/// How a search of a range ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AllOutcome {
    /// Every exponent of the range is settled.
    Complete,
    /// It was asked to stop. Every exponent below this one is settled.
    Interrupted {
        /// Where to go on.
        next: u64,
    },
    /// The range goes on where no engine can; up to there every exponent is settled.
    BeyondEngine {
        /// The largest number that can be tested as an exponent.
        limit: u32,
    },
    /// The test of this exponent failed again and again. Every exponent below it is settled.
    Failed {
        /// Which exponent.
        exponent: Exponent,
        /// What was noticed last.
        fault: Fault,
    },
}

/// Finds all exponents of the range that give primes, in ascending order, on as many threads as `board` has places. Each is
/// told on this thread as soon as everything below it is settled; progress is on `board`.
pub fn find_all(
    range: &Range,
    interrupt: &Interrupt,
    board: &SearchBoard,
    on_prime: &mut dyn FnMut(Exponent),
) -> AllOutcome {
    let limit = largest_exponent(range.engines);
    let checkpoints = range.checkpoints.clone();
    let scope = Scope { max: range.to.min(limit), engines: range.engines, checkpoints };
    // The exponent before the range is not told apart from any other number there.
    let below = (2..u64::from(range.from)).rev().find_map(|number| Exponent::new(number).ok());
    let (found, primes) = mpsc::channel();
    let outcome = thread::scope(|threads| {
        let search = threads.spawn(|| scope.race(below, Some(found), interrupt, board));
        primes.iter().for_each(on_prime);
        search.join().unwrap_or(SearchOutcome::Interrupted)
    });
    match outcome {
        SearchOutcome::Interrupted => AllOutcome::Interrupted { next: board.frontier() },
        SearchOutcome::EngineFailed { exponent, fault } => AllOutcome::Failed { exponent, fault },
        SearchOutcome::Found(_) | SearchOutcome::Exhausted if range.to > limit => AllOutcome::BeyondEngine { limit },
        SearchOutcome::Found(_) | SearchOutcome::Exhausted => AllOutcome::Complete,
    }
}

#[cfg(test)]
mod tests;
