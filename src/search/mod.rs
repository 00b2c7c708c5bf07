//! Searching: what to test next, and what a claim is worth.
//!
//! May use `mersenne` and `protocol`. Everything here is a function that runs until it is done or interrupted, and leaves no
//! thread behind; when it runs and at what priority is the daemon's.
//!
//! * [`verify()`] settles one exponent: trial factors, then the Lucas-Lehmer test.
//! * [`find_above`] settles one exponent after the other until it finds a prime: the race.
//! * [`SearchBoard`] is where a race says how it goes.

mod board;
mod race;
mod verify;

pub use board::{AtHand, CandidateResult, SearchBoard, SearchErrorKind};
pub use race::{SearchOutcome, find_above};
pub use verify::{Stage, Verification, verify, verify_with};
