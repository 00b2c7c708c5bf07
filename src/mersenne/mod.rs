//! The numbers: exponents, trial factors, and the proof that 2^p - 1 is prime or not.
//!
//! Knows nothing of nodes, and has no threads, clocks or files: functions that run until they are done or interrupted.
//! No list of known primes is in here: what is prime is calculated. Unsafe code is in the kernels for vector instructions only
//! (`transform/simd/avx2`, `avx512` and `rows`, `factor/fma` and `ifma`). From the ground up:
//!
//! * [`primality`]: which numbers of 64 bits are prime. Under it `montgomery`, arithmetic modulo one of them.
//! * [`Exponent`]: a prime p, all that is ever stored or sent of a Mersenne prime.
//! * [`decimal`]: the number of digits of 2^p - 1, the first and the last, to show.
//! * [`Interrupt`]: how long computations are asked to stop.
//! * [`factor`]: divisors of 2^p - 1 by trial, quickly where a claim arrives, deeply before a test. Under it
//!   `sieve`, which says what is worth a trial.
//! * [`Squaring`]: what an engine is: a residue modulo 2^p - 1, squared again and again. [`ExactEngine`] is the one on big
//!   integers, by which the others are judged.
//! * [`transform`]: the engines that squarings are fast on, by floating-point transforms: one on any processor, two on the
//!   vectors of AVX2 and of AVX-512; the mathematics of them, and how they are kept right.
//! * [`jacobi`]: the symbol by which a residue of the test is checked without a repetition.
//! * [`Plan`]: which engine for which exponent, with how many points; what comes next when that turns out too short.
//! * [`Test`]: a chain of squarings on any engine, in slices, with [`Snapshot`]s. [`LucasLehmer`] proves; [`Prp`], under
//!   Gerbicz's check, finds. Under them `course`, the engine and what replaces it when it fails; `gerbicz`; and
//!   `jacobi_check`.

pub mod decimal;
pub mod factor;
pub mod jacobi;
pub mod primality;

mod course;
mod engine;
mod exact;
mod exponent;
#[cfg(test)]
pub(crate) mod faulty;
mod gerbicz;
mod interrupt;
mod jacobi_check;
mod lucas_lehmer;
mod method;
mod montgomery;
mod plan;
pub mod prp;
mod sieve;
mod snapshot;
mod test;
pub mod transform;

pub use course::{Build, GaveUp};
pub use engine::{EngineError, EngineKind, Recurrence, Res64, Squaring, StepError};
pub use exact::{ExactEngine, MAX_EXPONENT};
pub use exponent::{Exponent, ExponentError, looks_like_mersenne_number};
pub use interrupt::{Interrupt, Interrupted};
pub use lucas_lehmer::LucasLehmer;
pub use method::{Errors, Fault, Method, ResidueType};
pub use plan::{ENGINES_VARIABLE, EngineSet, Plan, largest_exponent};
pub use prp::Prp;
pub use snapshot::{Mark, Snapshot};
pub use test::{Advance, Finding, State, Test};
