//! Searching: what to test next, and what a claim is worth.
//!
//! May use `durable`, `mersenne` and `protocol`. Everything here is a function that runs until it is done or interrupted, and leaves no
//! thread behind; when it runs and at what priority is the daemon's.
//!
//! * [`Attempt`] settles one exponent: trial factors, then a test with checkpoints, and another that confirms a prime.
//! * [`verify()`] does that for a claim.
//! * [`Scope::find_above`] settles one exponent after the other until it finds a prime: the race. [`find_all()`] goes on.
//! * [`SearchBoard`] is where a race says how it goes.

/// The stack of a thread that searches, in bytes: the engines' kernels, unoptimised, take more than is usual. What is not
/// used costs nothing.
pub const STACK: usize = 16 << 20;

mod attempt;
mod board;
mod checkpoint;
mod find_all;
mod race;
mod verify;

pub use attempt::{
    Attempt, CHECKPOINT_INTERVAL, Conclusion, Confirmation, Event, Factoring, MethodChoice, Progress, Report,
};
pub use board::{AtHand, CandidateResult, SearchBoard, SearchErrorKind};
pub use find_all::{AllOutcome, Range, find_all};
pub use race::{Scope, SearchOutcome, find_above};
pub use verify::verify;
