//! The exact engine: big integers, for any exponent up to a million, right by construction.
//!
//! Uses num-bigint. Reduction modulo 2^p - 1 is shift and add (2^p ≡ 1, so the bits from p upward
//! are added to those below), never a division. Faster engines are tested against this one.

use std::time::Duration;

use num_bigint::BigUint;

use super::engine::{EngineError, Res64, Squaring, StepError};
use super::exponent::Exponent;

/// The largest exponent of the exact engine: a step there takes 21 ms on one core of a Xeon at 2.5 GHz,
/// which leaves room for slower ones to be interrupted in time.
pub const MAX_EXPONENT: u32 = 1_000_000;

/// A residue modulo 2^p - 1 as a big integer, always in 0 ≤ s < 2^p - 1.
#[derive(Clone, Debug)]
pub struct ExactEngine {
    exponent: Exponent,
    /// 2^p - 1
    modulus: BigUint,
    residue: BigUint,
}

impl ExactEngine {
    /// An engine for `exponent` whose residue is 0.
    ///
    /// # Errors
    /// [`EngineError::BeyondLimit`] above [`MAX_EXPONENT`]; nothing has been allocated then.
    pub fn new(exponent: Exponent) -> Result<Self, EngineError> {
        if exponent.get() > MAX_EXPONENT {
            return Err(EngineError::BeyondLimit { exponent, limit: MAX_EXPONENT });
        }
        let modulus = (BigUint::ONE << exponent.get()) - 1u32;
        Ok(ExactEngine { exponent, modulus, residue: BigUint::ZERO })
    }

    /// `value` with the bits from p upward added to those below: congruent to it modulo M, and smaller.
    fn fold(&self, mut value: BigUint) -> BigUint {
        let high = &value >> self.exponent.get();
        value &= &self.modulus;
        value += high;
        value
    }
}

impl Squaring for ExactEngine {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn exponent(&self) -> Exponent {
        self.exponent
    }

    fn typical_step(&self) -> Duration {
        // Measured on a Xeon at 2.5 GHz: 5.2 µs at p = 4,423, 57 µs at 19,937, 193 µs at 44,497,
        // 2.2 ms at 216,091, 21 ms at 999,983. Below 1,000, where it hardly matters, this is too low.
        let relative = f64::from(self.exponent.get()) / 20_000.0;
        Duration::from_micros(57).mul_f64(relative.powf(1.55))
    }

    fn start(&mut self, value: &BigUint) {
        let mut residue = value.clone();
        while residue > self.modulus {
            residue = self.fold(residue);
        }
        if residue == self.modulus {
            residue = BigUint::ZERO;
        }
        self.residue = residue;
    }

    fn step(&mut self) -> Result<(), StepError> {
        let mut next = self.fold(&self.residue * &self.residue);
        // s² ≤ (M-1)² folds to less than 2M, so that one addition or subtraction of M is always enough.
        if next < BigUint::from(2u32) {
            next += &self.modulus;
        }
        next -= 2u32;
        if next >= self.modulus {
            next -= &self.modulus;
        }
        self.residue = next;
        Ok(())
    }

    fn check(&mut self) -> Result<(), StepError> {
        if self.residue < self.modulus { Ok(()) } else { Err(StepError::SelfCheck { property: "0 ≤ s < 2^p - 1" }) }
    }

    fn is_zero(&self) -> bool {
        self.residue == BigUint::ZERO
    }

    fn res64(&self) -> Res64 {
        Res64::new(self.residue.iter_u64_digits().next().unwrap_or(0))
    }

    fn residue(&self) -> BigUint {
        self.residue.clone()
    }
}

#[cfg(test)]
mod tests;
