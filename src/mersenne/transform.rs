//! Squaring modulo M = 2^p - 1 by a weighted transform of floating-point numbers: the mathematics, and how it is kept right.
//!
//! # Squares by convolution
//!
//! A residue is cut into n digits, digit j from bit ceil(pj/n) on, so that digits have floor(p/n) or ceil(p/n) bits
//! ([`digits`]); they are balanced, from minus half their base to half of it. If p were a multiple of n, the square modulo
//! 2^p - 1 would be the cyclic convolution of the digits with themselves, because 2^p = 1 wraps what grows beyond the last digit
//! back to the first. It is not; but digits d_j multiplied by the weights w_j = 2^(ceil(pj/n) - pj/n) behave as if every
//! digit had p/n bits exactly. In the convolution d_i·d_j meets w_i·w_j / w_k for k = i + j mod n, and the exponent of that is
//! ceil(pi/n) + ceil(pj/n) - ceil(p(i+j)/n), 0 or 1. So the convolution of weighted digits, divided by the weights, consists of
//! integers again: the digits of the square before they are carried (R. Crandall and B. Fagin, "Discrete weighted transforms
//! and large-integer arithmetic", Mathematics of Computation 62, 1994). Nothing is padded with zeros, and nothing is reduced
//! by a division.
//!
//! A convolution of length n is a transform, n squares, and the transform back. n real digits are treated as n/2 complex
//! numbers, the even digits their real parts and the odd ones their imaginary parts, and the two spectra are told apart where
//! they are squared: `simd::leaves` has the formula (H. Sorensen, D. Jones, M. Heideman and C. Burrus, "Real-valued fast
//! Fourier transform algorithms", IEEE Transactions on Acoustics, Speech, and Signal Processing 35, 1987). Every root of unity
//! and every weight that is stored is within one unit of the last place of the truth ([`weights`]); those that are not stored
//! are made of them by one or two multiplications.
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
//! Doubles have 53 bits. With digits of b = p/n bits, balanced and as good as random, a sum of n products is some 0.2·2^(2b)·√n:
//! 2b - 2.4 + log2(n)/2 bits. On their way there and back numbers go through about 2·log2(n) additions and multiplications, each
//! of which adds an error of up to half a unit in the last place, as good as independent of the others. The error of the result
//! then is a bell curve, whose deviation is
//!
//! σ ≈ 3 · 2^(2b - 56) · √(n·log2 n)
//!
//! (the 3 is measured; it was 2.6 at 256 points and 3.1 at 65,536). The largest of n errors in one squaring is 4σ to 5σ, in a
//! thousand squarings 6σ. It has to stay below ½, or a digit is rounded to the wrong integer. So b falls by 0.3 bits each time
//! n doubles, a quarter of a bit for the root of n and the rest for the logarithm and for more digits to go wrong; one bit more is
//! four times the error. [`length`] has the line, at which 1,000 squarings at the largest exponent of every length stay within
//! 0.25. By the formula 6σ is 0.15 to 0.27 along it, and ½ is more than ten deviations away.
//!
//! This is for random digits. Digits that are all at their maximum have sums √n times as large, and then measuring tells.
//!
//! # Which check earns its place
//!
//! * **Round-off**: the distance of every digit from the nearest integer is measured: in every squaring by `portable`, and by
//!   `simd` where digits are within a quarter of a bit of the line; otherwise by `simd` in the first 64 squarings and one of 64
//!   after them, which saves some percent. Above 0.40625 nothing is used any more. It is written so that NaN fails: an
//!   overflow becomes infinity, then NaN, then spreads to every digit with the next transform, where the next measurement
//!   must find it. This tells transforms that are too short, and most faults that hit a number's high bits.
//! * **Digits that are handed out** must be finite, in range, and integers once the weights are taken off; NaN cast to an
//!   integer would be 0, and a residue of 0 is a prime. A residue is never handed out without a look at the round-off.
//! * **Digits of 8 bits and more**: the carry goes up two digits, and what a third would carry stays where it is, small beside a
//!   digit that has bits enough. With smaller digits it is not, and the next squaring makes more of it (`simd::carry`
//!   has the bound). Such plans are refused.
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
