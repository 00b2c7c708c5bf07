//! Trial factors of 2^p - 1: most composites are told by a small divisor, thousands of times cheaper than by a test.
//!
//! Uses primality's small primes, Montgomery arithmetic and the sieve. For odd p every divisor q of
//! 2^p - 1 is 2kp + 1 for some k, and ±1 mod 8 (Fermat, Euler). The candidates with no small divisor of their
//! own are tried in ascending order, so that the first hit is the smallest factor, and prime.

use std::time::Duration;

use super::exponent::Exponent;
use super::interrupt::{Interrupt, Interrupted};
use super::montgomery::Montgomery;
use super::sieve::{SEGMENT, Sieve};

/// How many values of k [`quick_factor`] looks at.
const QUICK_CANDIDATES: u64 = 4096;

/// Candidates tried at once: their chains of multiplications overlap in the processor.
const LANES: usize = 4;

/// What a value of k costs in the long run, sieve and trial together. Measured on the machine of the exact
/// engine's figures, with which it is compared.
const NANOSECONDS_PER_K: u128 = 6;

/// How far to look for factors: those below 2^bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactorLimit(u32);

impl FactorLimit {
    /// The deepest limit: beyond it a candidate is not a single word.
    pub const DEEPEST: FactorLimit = FactorLimit(63);

    /// Factors below 2^bits; `bits` above 63 are taken as 63.
    pub fn bits(bits: u32) -> Self {
        FactorLimit(bits).min(Self::DEEPEST)
    }

    /// The limit at which a deeper look would cost more than the tests it saves.
    ///
    /// `squaring` is what one of the p squarings of the test takes. A factor between 2^b and 2^(b+1) exists
    /// with a chance of about 1/b (as GIMPS reckons), and there are 2^b / 2p values of k to try.
    pub fn balanced(exponent: Exponent, squaring: Duration) -> Self {
        let p = u128::from(exponent.get());
        let test = p * squaring.as_nanos();
        let worthwhile = |bits: &u32| {
            let look = (1u128 << bits) / (2 * p) * NANOSECONDS_PER_K;
            look * u128::from(*bits) < test
        };
        FactorLimit((1..Self::DEEPEST.0).take_while(worthwhile).count() as u32 + 1)
    }

    /// The number of bits, 0 to 63.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The smallest factor of 2^p - 1 among the first few candidates, if there is one.
///
/// Takes about 35 µs, whatever the exponent, so that a claim can be refused where it arrives. Never
/// 2^p - 1 itself.
pub fn quick_factor(exponent: Exponent) -> Option<u64> {
    let last = last_k(exponent, FactorLimit::DEEPEST).min(QUICK_CANDIDATES);
    let mut sieve = Sieve::shallow(exponent);
    first_divisor(exponent, 1, sieve.segment(last as usize))
}

/// The smallest factor of 2^p - 1 below `limit`, if there is one. Never 2^p - 1 itself.
///
/// # Errors
/// [`Interrupted`] within a millisecond of the request.
pub fn smallest_factor(
    exponent: Exponent,
    limit: FactorLimit,
    interrupt: &Interrupt,
) -> Result<Option<u64>, Interrupted> {
    let last = last_k(exponent, limit);
    let mut sieve = Sieve::deep(exponent);
    let mut first = 1;
    while first <= last {
        if interrupt.is_requested() {
            return Err(Interrupted);
        }
        let length = (last - first + 1).min(SEGMENT as u64);
        let factor = first_divisor(exponent, first, sieve.segment(length as usize));
        if factor.is_some() {
            return Ok(factor);
        }
        first += length;
    }
    Ok(None)
}

/// The largest k worth a look: q below `limit`, and a proper divisor, so at most the root of 2^p - 1.
fn last_k(exponent: Exponent, limit: FactorLimit) -> u64 {
    let below_limit = (1 << limit.get()) - 1;
    let largest = word(exponent).map_or(below_limit, |number| below_limit.min(number.isqrt()));
    largest.saturating_sub(1) / (2 * u64::from(exponent))
}

/// 2^p - 1 if that fits in 64 bits.
fn word(exponent: Exponent) -> Option<u64> {
    1u64.checked_shl(exponent.get()).map(|power| power - 1)
}

/// The smallest 2kp + 1 dividing 2^p - 1 among the k from `first_k` on that are still alive.
fn first_divisor(exponent: Exponent, first_k: u64, alive: &[bool]) -> Option<u64> {
    let step = 2 * u64::from(exponent);
    let mut candidates = (first_k..).zip(alive).filter(|(_, alive)| **alive).map(|(k, _)| k * step + 1);
    if let Some(number) = word(exponent) {
        return candidates.find(|&candidate| number.is_multiple_of(candidate));
    }
    let power = InversePower::of_two(exponent);
    loop {
        let mut lanes = [0; LANES];
        let filled = lanes.iter_mut().zip(&mut candidates).map(|(lane, candidate)| *lane = candidate).count();
        // An empty lane holds 1, modulo which everything is 0: never a hit.
        lanes[filled..].fill(1);
        let hit = lanes.into_iter().zip(power.modulo(lanes)).find(|(_, power)| *power == 1);
        if let Some((factor, _)) = hit {
            return Some(factor);
        }
        if filled < LANES {
            return None;
        }
    }
}

/// How to calculate 2^-p by squarings and doublings. It is 1 modulo q exactly when 2^p is, that is
/// when q divides 2^p - 1.
///
/// The negative power needs no division: the leading bits of -p give 2^-e with 33 ≤ e ≤ 64, whose Montgomery
/// form is the small power of two 2^(64-e).
struct InversePower {
    /// 2^(64-e)
    start: u64,
    /// How many squarings follow.
    squarings: u32,
    /// Bit i: whether a doubling follows the squaring that i more come after.
    doublings: u32,
}

impl InversePower {
    /// For exponents above 64.
    fn of_two(exponent: Exponent) -> Self {
        let p = u64::from(exponent);
        let squarings = (u64::BITS - (p - 1).leading_zeros()).saturating_sub(6);
        let leading = p.div_ceil(1 << squarings);
        InversePower { start: 1 << (64 - leading), squarings, doublings: ((leading << squarings) - p) as u32 }
    }

    /// 2^-p modulo each of the odd `moduli`, which are below 2^63.
    fn modulo(&self, moduli: [u64; LANES]) -> [u64; LANES] {
        let fields = moduli.map(Montgomery::new);
        let mut powers = [self.start; LANES];
        for bit in (0..self.squarings).rev() {
            for (power, field) in powers.iter_mut().zip(fields) {
                *power = field.square(*power);
            }
            if (self.doublings >> bit) & 1 == 1 {
                for (power, field) in powers.iter_mut().zip(fields) {
                    *power = field.double(*power);
                }
            }
        }
        for (power, field) in powers.iter_mut().zip(fields) {
            *power = field.leave(*power);
        }
        powers
    }
}

#[cfg(test)]
mod tests;
