//! The exponent p of a Mersenne number 2^p - 1: a prime, checked before any big number exists.
//!
//! Uses only the primality test. 2^p - 1 can be prime only if p is, so everything that
//! handles exponents handles primes; a number from outside becomes an [`Exponent`] here or is refused.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

use super::primality::{is_prime, small_divisor};

/// A prime p, 2 ≤ p < 2^32. Stands for the number 2^p - 1, of which nothing is computed.
///
/// Prints and serialises as the number p.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Exponent(u32);

/// Why a number cannot be an [`Exponent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExponentError {
    /// Zero or one.
    #[error("an exponent is at least 2")]
    TooSmall,
    /// Above what an [`Exponent`] can hold.
    #[error("an exponent is at most {limit}")]
    TooLarge {
        /// The largest value allowed.
        limit: u32,
    },
    /// Not a prime.
    #[error("an exponent is prime, and this one is not{}", divisible_by(*.divisor))]
    Composite {
        /// The smallest prime divisor, if that is below 1,000.
        divisor: Option<u64>,
    },
}

fn divisible_by(divisor: Option<u64>) -> String {
    divisor.map_or_else(String::new, |divisor| format!(": it is divisible by {divisor}"))
}

impl Exponent {
    /// The exponent of 3, the smallest Mersenne prime.
    pub const SMALLEST: Exponent = Exponent(2);

    /// Takes any number whatever, in a few microseconds and without allocation.
    ///
    /// # Errors
    /// [`ExponentError`] says why `candidate` is not an exponent.
    pub fn new(candidate: u64) -> Result<Exponent, ExponentError> {
        let Ok(exponent) = u32::try_from(candidate) else {
            return Err(ExponentError::TooLarge { limit: u32::MAX });
        };
        if exponent < Self::SMALLEST.0 {
            return Err(ExponentError::TooSmall);
        }
        if !is_prime(candidate) {
            return Err(ExponentError::Composite { divisor: small_divisor(candidate) });
        }
        Ok(Exponent(exponent))
    }

    /// The number p.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The smallest exponent above `exponent`, or the smallest of all above `None`.
    ///
    /// `None` when no prime of 32 bits is left.
    pub fn next_above(exponent: Option<Exponent>) -> Option<Exponent> {
        let Some(Exponent(below)) = exponent else {
            return Some(Self::SMALLEST);
        };
        (below..=u32::MAX).skip(1).find(|&candidate| is_prime(u64::from(candidate))).map(Exponent)
    }
}

impl fmt::Display for Exponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Exponent> for u32 {
    fn from(exponent: Exponent) -> u32 {
        exponent.0
    }
}

impl From<Exponent> for u64 {
    fn from(exponent: Exponent) -> u64 {
        u64::from(exponent.0)
    }
}

/// Whether `value` is 2^k - 1 for some k ≥ 2: perhaps somebody sent the prime instead of its exponent.
///
/// Good for a hint in a log once a value was refused, and for nothing else: 3, 7, 31 and 127 are exponents too.
pub const fn looks_like_mersenne_number(value: u64) -> bool {
    value >= 3 && value & value.wrapping_add(1) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_one_are_too_small() {
        assert_eq!(Exponent::new(0), Err(ExponentError::TooSmall));
        assert_eq!(Exponent::new(1), Err(ExponentError::TooSmall));
    }

    #[test]
    fn what_needs_more_than_32_bits_is_too_large() {
        let refused = Err(ExponentError::TooLarge { limit: u32::MAX });
        for value in [1 << 32, (1 << 32) + 15, (1 << 61) - 1, u64::MAX] {
            assert_eq!(Exponent::new(value), refused, "{value}");
        }
    }

    #[test]
    fn a_composite_is_refused_with_its_divisor_when_that_is_small() {
        let composite = |divisor| Err(ExponentError::Composite { divisor });
        assert_eq!(Exponent::new(4_422), composite(Some(2)));
        assert_eq!(Exponent::new(1_003), composite(Some(17)));
        assert_eq!(Exponent::new(1_000_003 * 3), composite(Some(3)));
        assert_eq!(Exponent::new(65_521 * 65_519), composite(None));
        assert_eq!(Exponent::new(u64::from(u32::MAX)), composite(Some(3)));
    }

    #[test]
    fn primes_are_exponents_up_to_the_largest_of_32_bits() {
        for value in [2, 3, 5, 4_423, 136_279_841, 4_294_967_291] {
            assert_eq!(Exponent::new(value).map(u64::from), Ok(value));
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let message = |value| Exponent::new(value).unwrap_err().to_string();
        assert_eq!(message(1), "an exponent is at least 2");
        assert_eq!(message(1 << 40), "an exponent is at most 4294967295");
        assert_eq!(message(9), "an exponent is prime, and this one is not: it is divisible by 3");
        assert_eq!(message(1_009 * 1_013), "an exponent is prime, and this one is not");
    }

    #[test]
    fn the_next_exponents_are_the_primes_in_order() {
        let successors = |start| std::iter::successors(Some(start), |&e| Exponent::next_above(Some(e)));
        let first = Exponent::next_above(None).unwrap();
        let primes: Vec<u32> = successors(first).map(Exponent::get).take(10).collect();
        assert_eq!(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        let after_4423 = Exponent::next_above(Some(Exponent::new(4_423).unwrap()));
        assert_eq!(after_4423, Some(Exponent::new(4_441).unwrap()));
    }

    #[test]
    fn above_the_largest_exponent_there_is_none() {
        let largest = Exponent::new(4_294_967_291).unwrap();
        assert_eq!(Exponent::next_above(Some(largest)), None);
    }

    #[test]
    fn an_exponent_prints_and_serialises_as_its_number() {
        let exponent = Exponent::new(4_423).unwrap();
        assert_eq!(exponent.to_string(), "4423");
        assert_eq!(format!("{exponent:>6}"), "  4423");
        assert_eq!(serde_json::to_string(&exponent).unwrap(), "4423");
    }

    #[test]
    fn exactly_numbers_one_below_a_power_of_two_look_like_mersenne_numbers() {
        let powers: Vec<u64> = (2..=64).map(|bits| u64::MAX >> (64 - bits)).collect();
        for &value in &powers {
            assert!(looks_like_mersenne_number(value), "{value}");
            assert!(!looks_like_mersenne_number(value - 1), "{}", value - 1);
        }
        for value in (0..100_000).filter(|value| !powers.contains(value)) {
            assert!(!looks_like_mersenne_number(value), "{value}");
        }
    }
}
