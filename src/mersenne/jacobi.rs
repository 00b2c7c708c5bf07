//! The Jacobi symbol (a / M) for M = 2^p - 1, by which a residue of the Lucas-Lehmer test is checked without a repetition.
//!
//! Uses exponents, interrupts, and big integers to be handed numbers. With S_0 = 4 and S_(i+1) = S_i² - 2, each
//! S_(i+1) - 2 = (S_i - 2)(S_i + 2), and S_i + 2 = S_(i-1)² is a square: from i = 1 on, (S_i - 2 / M) stays what (12 / M) is,
//! which is -1. A wrong residue has -1 with an even chance, and all that follows from it inherits its symbol: one check at
//! any later time catches half of all errors before it. (Found by K. for GIMPS, 2017.)
//!
//! The symbol comes by Euclid's algorithm on both numbers, 62 bits of them at a time as D. Lehmer does ("Euclid's algorithm
//! for large numbers", American Mathematical Monthly 45, 1938): the quotients follow from the first 128 bits as long as they
//! are certain, and the whole numbers are multiplied by what they come to. Quadratic in p.

use std::time::Duration;

use num_bigint::BigUint;
use num_integer::Integer;

use super::exponent::Exponent;
use super::interrupt::{Interrupt, Interrupted};

mod pair;

use pair::Pair;

/// The Jacobi symbol of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jacobi {
    /// -1: the first is no square modulo the second.
    Minus,
    /// 0: they have a common divisor.
    Zero,
    /// 1: it may be a square.
    Plus,
}

/// (`value` / 2^p - 1). Takes about [`typical_time`].
///
/// # Errors
/// [`Interrupted`] within 50 ms of the request, up to exponents of a hundred million.
pub fn jacobi(value: &BigUint, exponent: Exponent, interrupt: &Interrupt) -> Result<Jacobi, Interrupted> {
    let modulus = (BigUint::from(1u32) << exponent.get()) - 1u32;
    let value = if *value < modulus { value.clone() } else { value.mod_floor(&modulus) };
    Pair::new(modulus.to_u64_digits(), value.to_u64_digits()).symbol(interrupt)
}

/// Whether `residue` has the property of every right residue S_i of the Lucas-Lehmer test, i ≥ 1, S_0 being 4: that
/// (S_i - 2 / M) = -1. Half of all wrong ones have it too. p must be odd.
///
/// # Errors
/// [`Interrupted`], as for [`jacobi`].
pub fn is_plausible(residue: &BigUint, exponent: Exponent, interrupt: &Interrupt) -> Result<bool, Interrupted> {
    let two = BigUint::from(2u32);
    let less_two = if *residue >= two {
        residue - two
    } else {
        (residue + (BigUint::from(1u32) << exponent.get())) - BigUint::from(3u32)
    };
    Ok(jacobi(&less_two, exponent, interrupt)? == Jacobi::Minus)
}

/// Roughly what [`jacobi`] takes for a value of p bits: measured once, on a Zen 4 at 2.6 GHz: 0.1 ms at p = 10,007,
/// 3.6 ms at 100,003, 0.3 s at 1,000,003. A test that is to spend at most 1 % of
/// its time on checks does one each time it has run a hundred times as long.
pub fn typical_time(exponent: Exponent) -> Duration {
    let words = f64::from(exponent.get()) / 64.0;
    Duration::from_secs_f64(1e-9 * (1.2 * words * words + 550.0 * words))
}

#[cfg(test)]
mod tests;
