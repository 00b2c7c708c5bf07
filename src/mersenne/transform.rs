//! Squaring modulo M = 2^p - 1 by a weighted transform of floating-point numbers: the mathematics, and how it is kept right.
//!
//! # Squares by convolution
//!
//! A residue is cut into n digits, the digit j from bit ceil(pj/n) on, so that digits have floor(p/n) or ceil(p/n) bits
//! ([`digits`]); they are balanced, from minus half their base to half of it. If p were a multiple of n, the square modulo
//! 2^p - 1 would be the cyclic convolution of the digits with themselves, because 2^p = 1 wraps what grows beyond the last digit
//! back to the first. It is not; but digits d_j multiplied by the weights 2^(ceil(pj/n) - pj/n) behave as if every digit
//! had p/n bits exactly, and the convolution of weighted digits, divided by the weights, consists of integers again: the digits
//! of the square before they are carried (R. Crandall and B. Fagin, "Discrete weighted transforms and large-integer
//! arithmetic", Mathematics of Computation 62, 1994). Nothing is padded with zeros, and nothing is reduced by a division.
//!
//! A convolution of length n is a transform, n squares, and the transform back. n real digits are treated as n/2 complex
//! numbers, and the even and the odd digits' spectra are told apart where they are squared: `simd::leaves` has the formula.
//! Every root of unity and every weight is within one unit of the last place of the truth ([`weights`]).
//!
//! # Three engines
//!
//! * `portable`: on the library rustfft, in safe code, on any processor. Slower, and by other authors: what it agrees on with
//!   the next two is not a mistake they share.
//! * `simd` on AVX2 with FMA, and on AVX-512: one transform written once for vectors of 4 and of 8.
//!
//! Which is used for what, and with how many digits, is [`Plan`](super::Plan)'s.
//!
//! # How wrong it can be
//!
//! Doubles have 53 bits. With digits of b bits, balanced and as good as random, a sum of n products has about 2b - 4 + log2(n)/2
//! bits, and each of the about 2·log2(n) additions and multiplications on its way adds an error of half a unit in the last
//! place, independent of the others. The error of the result then is a bell curve with a deviation of about
//! 2^(2b - 56)·√(n·log2 n) up to a constant, and the largest of n errors is some six times that. It has to stay below ½, or a digit
//! is rounded to the wrong integer. So b falls by about 0.3 bits each time n doubles; [`length`] has the measured line, at
//! which 1,000 squarings at the largest exponent of every length stay within 0.25. This is a bound for random digits.
//! For all digits at their maximum it does not hold, and then measuring tells.
//!
//! # Which check earns its place
//!
//! * **Round-off**: the distance of every result from the nearest integer is measured, in every squaring where digits are nearly
//!   full, else in one of 64 and in the first 64. Above 0.40625 nothing is used any more. It is written so that NaN
//!   fails: an overflow becomes infinity, then NaN, then spreads to every digit with the next transform, where the next
//!   measurement must find it. This tells transforms that are too short, and most faults that hit a number's high bits.
//! * **Digits that are handed out** must be finite, in range, and integers once the weights are taken off; NaN cast to an
//!   integer would be 0, and a residue of 0 is a prime.
//! * **Digits of 8 bits and more**: the carry goes up two digits; with smaller digits a third carry would be lost in size, not
//!   in value, and the next squaring would be less exact than the line says. Such plans are refused.
//! * What these cannot see, a bit that flips one digit into another, is for the tests above the engines to find: Gerbicz's
//!   check in `prp` finds practically all of it, the Jacobi symbol in `lucas_lehmer` half of it, and a prime is
//!   never believed without a second, different computation.

use std::time::Duration;

use self::digits::DigitLayout;
use super::engine::{EngineError, EngineKind, Squaring};
use super::exponent::Exponent;

pub mod digits;
pub mod length;
mod portable;
mod roundoff;
mod simd;
pub mod weights;

/// Whether this processor can run the engine.
pub fn is_available(kind: EngineKind) -> bool {
    match kind {
        EngineKind::Exact | EngineKind::Portable => true,
        EngineKind::Avx2 | EngineKind::Avx512 => simd::is_available(kind),
    }
}

/// The engine of this kind with a transform of `length` points, its residue 0.
///
/// # Errors
/// [`EngineError::Unavailable`] when this processor cannot run it. [`EngineError::TooSmall`] or [`EngineError::NoSuchLength`] when
/// there is no such transform, or its digits would have fewer than 8 or more than 23 bits.
pub fn engine(exponent: Exponent, kind: EngineKind, length: usize) -> Result<Box<dyn Squaring>, EngineError> {
    let layout = layout(exponent, kind, length)?;
    match kind {
        EngineKind::Exact => None,
        EngineKind::Portable => Some(Box::new(portable::PortableEngine::new(layout)) as Box<dyn Squaring>),
        EngineKind::Avx2 | EngineKind::Avx512 => simd::engine(kind, layout),
    }
    .ok_or(EngineError::Unavailable { engine: kind })
}

/// How the digits lie, if that can go well.
fn layout(exponent: Exponent, kind: EngineKind, length: usize) -> Result<DigitLayout, EngineError> {
    let least = length::smallest_exponent(kind);
    if exponent.get() < least {
        return Err(EngineError::TooSmall { exponent, engine: kind, least });
    }
    let none = EngineError::NoSuchLength { exponent, engine: kind, length };
    if !length::lengths(kind).any(|one| one == length) || !length::is_conceivable(exponent, length) {
        return Err(none);
    }
    DigitLayout::new(exponent, length).ok_or(none)
}

/// Roughly what a squaring takes, on one core of a Zen 4: so much a point, and more beyond the caches.
pub fn typical_step(kind: EngineKind, length: usize) -> Duration {
    let beyond_caches = ((length as f64).log2() - 14.0).max(0.0);
    let nanoseconds_per_point = match kind {
        EngineKind::Exact | EngineKind::Portable => 4.5 * (1.0 + beyond_caches / 2.0),
        EngineKind::Avx2 => 2.7 * (1.0 + beyond_caches / 8.0),
        EngineKind::Avx512 => 2.1 * (1.0 + beyond_caches / 8.0),
    };
    Duration::from_secs_f64(1e-9 * nanoseconds_per_point * length as f64)
}

/// An engine that a test can make a fault in.
#[cfg(test)]
trait Corruptible: Squaring {
    /// Changes one of the n numbers the engine holds, as a fault of the machine would.
    fn corrupt(&mut self, index: usize, change: &dyn Fn(f64) -> f64);
}

#[cfg(test)]
mod tests;
