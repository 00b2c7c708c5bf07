//! The exact engine: big integers, for any exponent up to a million, right by construction.
//!
//! Uses num-bigint. Reduction modulo 2^p - 1 is shift and add (2^p ≡ 1, so the bits from p upward
//! are added to those below), never a division. Faster engines are tested against this one.

use std::time::Duration;

use num_bigint::BigUint;

use super::engine::{EngineError, EngineKind, Recurrence, Squaring, StepError};
use super::exponent::Exponent;

/// The largest exponent of the exact engine: a step there takes 21 ms on one core of a Xeon at 2.5 GHz,
/// which leaves room for slower ones to be interrupted in time.
pub const MAX_EXPONENT: u32 = 1_000_000;

/// Roughly what a squaring takes. Measured on a Xeon at 2.5 GHz: 5.2 µs at p = 4,423, 57 µs at 19,937, 193 µs at 44,497,
/// 2.2 ms at 216,091, 21 ms at 999,983. Below 1,000, where it hardly matters, this is too low.
pub(super) fn typical_step(exponent: Exponent) -> Duration {
    let relative = f64::from(exponent.get()) / 20_000.0;
    Duration::from_micros(57).mul_f64(relative.powf(1.55))
}

/// A residue modulo 2^p - 1 as a big integer, always in 0 ≤ s < 2^p - 1.
#[derive(Clone, Debug)]
pub struct ExactEngine {
    exponent: Exponent,
    /// 2^p - 1
    modulus: BigUint,
    residue: BigUint,
    /// The residue is held rotated by so many bits.
    shift: u32,
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
        Ok(ExactEngine { exponent, modulus, residue: BigUint::ZERO, shift: 0 })
    }

    /// `value` mod M.
    fn reduce(&self, mut value: BigUint) -> BigUint {
        while value > self.modulus {
            value = self.fold(value);
        }
        if value == self.modulus { BigUint::ZERO } else { value }
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
    fn kind(&self) -> EngineKind {
        EngineKind::Exact
    }

    fn exponent(&self) -> Exponent {
        self.exponent
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn start(&mut self, value: &BigUint, shift: u32) {
        self.shift = shift % self.exponent.get();
        self.residue = self.reduce(self.reduce(value.clone()) << self.shift);
    }

    fn step(&mut self, recurrence: Recurrence) -> Result<(), StepError> {
        self.shift = (u64::from(self.shift) * 2 % u64::from(self.exponent)) as u32;
        let mut next = self.reduce(&self.residue * &self.residue);
        match recurrence {
            Recurrence::Square => {}
            Recurrence::SquareMinusTwo => {
                // 2·2^shift < 2M for every shift < p
                let two = self.reduce(BigUint::from(2u32) << self.shift);
                if next < two {
                    next += &self.modulus;
                }
                next -= two;
            }
        }
        self.residue = next;
        Ok(())
    }

    fn shift(&self) -> u32 {
        self.shift
    }

    fn roundoff(&self) -> f64 {
        0.0
    }

    fn residue(&self) -> Result<BigUint, StepError> {
        if self.residue >= self.modulus {
            return Err(StepError::SelfCheck { property: "0 ≤ s < 2^p - 1" });
        }
        // 2^p ≡ 1: to take a shift back is to shift on until p.
        Ok(self.reduce(&self.residue << (self.exponent.get() - self.shift)))
    }
}

#[cfg(test)]
mod tests;
