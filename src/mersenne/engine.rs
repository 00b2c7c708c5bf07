//! What a squaring engine is: the interface between the tests and the arithmetic under them.
//!
//! Uses exponents, and big integers to hand residues in and out. The tests know this interface only. An
//! engine that calculates in floating point can fail at a step, and says so: what it hands out is right as far as
//! it can tell, or an error.

use std::fmt;

use num_bigint::BigUint;
use thiserror::Error;

use super::exponent::Exponent;

/// One residue modulo M = 2^p - 1, and the operations that the tests repeat on it.
///
/// The residue s may be held as s·2^shift mod M, which is s rotated by `shift` bits: the same test then works on
/// other digits, and a repetition is a different computation.
///
/// After an `Err` the residue is unspecified until the next [`start`](Squaring::start); nothing may be concluded
/// from it.
pub trait Squaring: Send {
    /// Which engine this is.
    fn kind(&self) -> EngineKind;

    /// The p of the modulus.
    fn exponent(&self) -> Exponent;

    /// The transform's length in points, which are digits of the residue; `None` for an engine without a transform.
    fn length(&self) -> Option<usize>;

    /// Sets the residue to `value` mod M, held rotated by `shift` mod p bits, and forgets the round-off measured so far.
    fn start(&mut self, value: &BigUint, shift: u32);

    /// Replaces the residue by what `recurrence` makes of it; the shift doubles modulo p. Takes less than 50 ms up to
    /// exponents of a hundred million.
    ///
    /// # Errors
    /// When the engine noticed that the result may be wrong.
    fn step(&mut self, recurrence: Recurrence) -> Result<(), StepError>;

    /// By how many bits the residue is held rotated, below p.
    fn shift(&self) -> u32;

    /// The largest round-off error measured since the start: the distance of a digit from an integer, 0 to 0.5, NaN
    /// once something was not a number. 0 for engines without round-off.
    fn roundoff(&self) -> f64;

    /// The residue in 0 ≤ s < M, without its shift.
    ///
    /// # Errors
    /// When the engine cannot vouch for it: something is not a number, not an integer, or too large.
    fn residue(&self) -> Result<BigUint, StepError>;
}

/// What a step makes of the residue s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recurrence {
    /// s² - 2: Lucas and Lehmer's.
    SquareMinusTwo,
    /// s²: Fermat's.
    Square,
}

/// The engines there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineKind {
    /// Big integers.
    Exact,
    /// A weighted transform by a library, on any processor.
    Portable,
    /// A weighted transform on AVX2 and FMA.
    Avx2,
    /// A weighted transform on AVX-512.
    Avx512,
}

impl EngineKind {
    /// All of them, the slowest first.
    pub const ALL: [EngineKind; 4] = [EngineKind::Exact, EngineKind::Portable, EngineKind::Avx2, EngineKind::Avx512];

    /// What the engine is called, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            EngineKind::Exact => "exact",
            EngineKind::Portable => "portable",
            EngineKind::Avx2 => "avx2",
            EngineKind::Avx512 => "avx512",
        }
    }

    /// The engine of this name.
    pub fn named(name: &str) -> Option<EngineKind> {
        EngineKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The low 64 bits of a residue, by which programs compare tests. Prints as 16 upper-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Res64(u64);

impl Res64 {
    /// The residue whose low 64 bits are `bits`.
    pub const fn new(bits: u64) -> Self {
        Res64(bits)
    }

    /// That of a whole residue in 0 ≤ s < M.
    pub fn of(residue: &BigUint) -> Self {
        Res64(residue.iter_u64_digits().next().unwrap_or(0))
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
    /// The exponent is above the largest that can be tested.
    #[error("exponent {exponent} is beyond this engine, whose limit is {limit}")]
    BeyondLimit {
        /// The exponent asked for.
        exponent: Exponent,
        /// The largest number the engine takes as an exponent.
        limit: u32,
    },
    /// The exponent is too small for a transform, whose digits need 8 bits.
    #[error("exponent {exponent} is too small for the {engine} engine: give at least {least}")]
    TooSmall {
        /// The exponent asked for.
        exponent: Exponent,
        /// The engine asked for.
        engine: EngineKind,
        /// The smallest number it takes.
        least: u32,
    },
    /// The processor lacks what the engine needs, or the engine is switched off.
    #[error("the {engine} engine cannot be used here")]
    Unavailable {
        /// The engine asked for.
        engine: EngineKind,
    },
    /// The engine has no such transform, or it is too short for the exponent.
    #[error("the {engine} engine has no transform of {length} points for exponent {exponent}")]
    NoSuchLength {
        /// The exponent asked for.
        exponent: Exponent,
        /// The engine asked for.
        engine: EngineKind,
        /// The length asked for, in points.
        length: usize,
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

    #[test]
    fn every_engine_is_found_by_its_name() {
        for kind in EngineKind::ALL {
            assert_eq!(EngineKind::named(kind.name()), Some(kind));
        }
        assert_eq!(EngineKind::named("abacus"), None);
    }
}
