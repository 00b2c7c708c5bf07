//! Searching: what to test next, and what a claim is worth.
//!
//! May use `mersenne` and `protocol`. Everything here is a pure function that runs on the thread which calls it
//! until it is done or interrupted; the threads themselves and their priority are the daemon's.
//!
//! * [`verify()`] settles one exponent: trial factors, then the Lucas-Lehmer test.
//! * [`find_above`] settles one exponent after the other until it finds a prime: the race.

mod race;
mod verify;

pub use race::{Counts, SearchOutcome, SearchProgress, find_above};
pub use verify::{Stage, Verification, verify, verify_with};
