//! What a squaring engine is: the interface between the tests and the arithmetic under them.
//!
//! Uses exponents, and big integers to hand residues in and out. The Lucas-Lehmer test knows this
//! interface only; the exact engine implements it, and so will faster ones that calculate in floating point
//! and can therefore fail at a step.

use std::fmt;
use std::time::Duration;

use num_bigint::BigUint;
use thiserror::Error;

use super::exponent::Exponent;

/// One residue modulo M = 2^p - 1, and the one operation that the Lucas-Lehmer test repeats.
///
/// After an `Err` from [`step`](Squaring::step) or [`check`](Squaring::check) the residue is
/// unspecified until the next [`start`](Squaring::start); nothing may be concluded from it.
pub trait Squaring {
    /// What the engine is called in logs and reports.
    fn name(&self) -> &'static str;

    /// The p of the modulus.
    fn exponent(&self) -> Exponent;

    /// Roughly what a [`step`](Squaring::step) takes, to decide what else is worth doing. A figure known
    /// beforehand, on some machine; nothing is measured.
    fn typical_step(&self) -> Duration;

    /// Sets the residue to `value` mod M.
    fn start(&mut self, value: &BigUint);

    /// Replaces the residue s by s² - 2 mod M. Takes less than 50 ms.
    ///
    /// # Errors
    /// When the engine noticed that the result may be wrong.
    fn step(&mut self) -> Result<(), StepError>;

    /// Checks whatever can be checked about the residue; no verdict is read without this.
    ///
    /// # Errors
    /// When the engine cannot vouch for the residue.
    fn check(&mut self) -> Result<(), StepError>;

    /// Whether the residue is 0 mod M.
    fn is_zero(&self) -> bool;

    /// The low 64 bits of the residue in 0 ≤ s < M.
    fn res64(&self) -> Res64;

    /// The residue in 0 ≤ s < M.
    fn residue(&self) -> BigUint;
}

/// The low 64 bits of a residue, by which programs compare tests. Prints as 16 upper-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Res64(u64);

impl Res64 {
    /// The residue whose low 64 bits are `bits`.
    pub const fn new(bits: u64) -> Self {
        Res64(bits)
    }

    /// The bits as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Res64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

/// Why an engine cannot be had for an exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EngineError {
    /// The exponent is above the engine's largest.
    #[error("exponent {exponent} is beyond this engine, whose limit is {limit}")]
    BeyondLimit {
        /// The exponent asked for.
        exponent: Exponent,
        /// The largest number the engine takes as an exponent.
        limit: u32,
    },
}

/// Why a result of an engine must not be used. The residue is unspecified afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum StepError {
    /// The round-off error was too large, or not a number.
    #[error("round-off error {measured} is not within {limit}")]
    RoundOff {
        /// The largest distance from an integer that was measured, 0 to 0.5, or NaN.
        measured: f64,
        /// The largest distance allowed.
        limit: f64,
    },
    /// A property that every right residue has does not hold.
    #[error("the residue is wrong: {property} does not hold")]
    SelfCheck {
        /// The property, in words.
        property: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_res64_prints_as_16_upper_case_hex_digits() {
        assert_eq!(Res64::new(0x9116_B0BE_4810_0D73).to_string(), "9116B0BE48100D73");
        assert_eq!(Res64::new(0xAB).to_string(), "00000000000000AB");
    }
}
