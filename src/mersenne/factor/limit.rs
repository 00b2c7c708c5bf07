//! How far to look for factors, and with how many primes to sieve: figures for the cost of either, measured.
//!
//! Uses exponents and the names of the kernels.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::trial::{Kernel, VECTOR_LIMIT};
use crate::mersenne::exponent::Exponent;

/// How far to look for factors: those below 2^bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactorLimit(u32);

/// A text that is no depth of a look for factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("give a number of bits from 0 to {}", FactorLimit::DEEPEST)]
pub struct FactorLimitError;

impl FactorLimit {
    /// The deepest limit: beyond it a candidate is not a single word.
    pub const DEEPEST: FactorLimit = FactorLimit(63);

    /// Factors below 2^bits; `bits` above 63 are taken as 63.
    pub fn bits(bits: u32) -> Self {
        FactorLimit(bits).min(Self::DEEPEST)
    }

    /// The limit at which a deeper look would cost more than the tests it saves, on this machine.
    ///
    /// `squaring` is what one of the p squarings of the test takes.
    pub fn balanced(exponent: Exponent, squaring: Duration) -> Self {
        Self::balanced_by(Kernel::of_this_machine(), exponent, squaring)
    }

    /// As [`balanced`](Self::balanced), when the look is by this kernel.
    ///
    /// A number without factors below 2^b has one below 2^(b+1) with a chance of about 1 in b + 1 (as GIMPS reckons), and
    /// there are 2^b / 2p values of k to try. As b grows that costs more and gains less.
    pub fn balanced_by(kernel: Kernel, exponent: Exponent, squaring: Duration) -> Self {
        let p = f64::from(exponent.get());
        let test = p * squaring.as_secs_f64() * 1e9;
        let is_worthwhile = |bits: &u32| {
            let candidates = (1u64 << bits) as f64 / (2.0 * p);
            candidates * nanoseconds_per_k(kernel, exponent, 1 << bits) * f64::from(bits + 1) < test
        };
        FactorLimit((1..Self::DEEPEST.0).take_while(is_worthwhile).count() as u32 + 1)
    }

    /// The number of bits, 0 to 63.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for FactorLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for FactorLimit {
    type Err = FactorLimitError;

    fn from_str(text: &str) -> Result<Self, FactorLimitError> {
        let bits = text.parse().map_err(|_| FactorLimitError)?;
        if bits <= Self::DEEPEST.0 { Ok(FactorLimit(bits)) } else { Err(FactorLimitError) }
    }
}

/// What a value of k costs near the candidate `q`, sieve and trial together: measured on a Zen 4 at 2.6 GHz, at depths
/// that come up. Of the kernels 0.35, 0.44, 1.6 ns at p = 3,217; 0.40, 0.49, 1.9 at 44,497; 0.52, 0.65, 2.5 at 136,279,841.
fn nanoseconds_per_k(kernel: Kernel, exponent: Exponent, q: u64) -> f64 {
    let squarings = f64::from(exponent.get()).log2();
    match if q < VECTOR_LIMIT { kernel } else { Kernel::Scalar } {
        Kernel::Scalar => 0.8 + 0.065 * squarings,
        Kernel::Fma => 0.27 + 0.0145 * squarings,
        Kernel::Ifma => 0.2 + 0.0125 * squarings,
    }
}

/// The largest prime to sieve with when so many values of k are looked at: a larger one would cost more than the trials it
/// saves. A prime costs 16 divisions to set up and then strikes a quarter of its multiples.
pub(super) fn largest_prime_worthwhile(kernel: Kernel, candidates: u64) -> u64 {
    match kernel {
        Kernel::Scalar => (candidates / 20).min(8_191),
        Kernel::Fma | Kernel::Ifma => (candidates / 400).min(1_000),
    }
}
