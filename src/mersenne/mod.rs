//! The numbers: exponents, trial factors, and the proof that 2^p - 1 is prime or not.
//!
//! Knows nothing of nodes, and has no threads, clocks or files: functions that run until they are done or interrupted.
//! From the ground up:
//!
//! * [`primality`]: which numbers of 64 bits are prime. Under it `montgomery`, arithmetic modulo one of them.
//! * [`Exponent`]: a prime p, all that is ever stored or sent of a Mersenne prime.
//! * [`decimal`]: the number of digits of 2^p - 1, the first and the last, to show.
//! * [`Interrupt`]: how long computations are asked to stop.
//! * [`factor`]: divisors of 2^p - 1 by trial, quickly where a claim arrives, deeply before a test. Under it
//!   `sieve`, which says what is worth a trial.
//! * [`Squaring`]: what an engine is: a residue modulo 2^p - 1, squared again and again. [`ExactEngine`] is one.
//! * [`jacobi`]: the symbol by which a residue of the test is checked without a repetition.
//! * [`LucasLehmer`]: the test, on any engine.

pub mod decimal;
pub mod factor;
pub mod jacobi;
pub mod primality;

mod engine;
mod exact;
mod exponent;
mod interrupt;
mod lucas_lehmer;
mod method;
mod montgomery;
mod plan;
mod sieve;
pub mod transform;

pub use engine::{EngineError, EngineKind, Recurrence, Res64, Squaring, StepError};
pub use exact::{ExactEngine, MAX_EXPONENT};
pub use exponent::{Exponent, ExponentError, looks_like_mersenne_number};
pub use interrupt::{Interrupt, Interrupted};
pub use lucas_lehmer::{LucasLehmer, Outcome, Progress, Verdict};
pub use method::{Errors, Fault, Method, ResidueType};
pub use plan::{ENGINES_VARIABLE, EngineSet, Plan, largest_exponent};
