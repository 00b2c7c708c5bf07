//! Primality of numbers of 64 bits, deterministic and without allocation.
//!
//! Uses only Montgomery arithmetic. The Miller-Rabin test to the first twelve prime bases is a proof
//! for everything below 318,665,857,834,031,151,167,461, which is above 2^64: J. Sorenson and
//! J. Webster, "Strong pseudoprimes to twelve prime bases", Mathematics of Computation 86 (2017).

use super::montgomery::Montgomery;

/// The bases that make the test deterministic below 2^64.
const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// The primes below 1,000, ascending.
pub(super) const SMALL_PRIMES: [u16; 168] = small_primes();

/// Whether `number` is prime. Any value is allowed; costs a few microseconds at most.
pub fn is_prime(number: u64) -> bool {
    if let Some(base) = BASES.iter().find(|&&base| number.is_multiple_of(base)) {
        return number == *base;
    }
    if number < 41 * 41 {
        return number > 1;
    }
    is_strong_probable_prime(number)
}

/// The smallest prime divisor of `number` below 1,000 other than `number` itself, if it has one.
pub(super) fn small_divisor(number: u64) -> Option<u64> {
    SMALL_PRIMES
        .iter()
        .map(|&prime| u64::from(prime))
        .take_while(|&prime| prime < number)
        .find(|&prime| number.is_multiple_of(prime))
}

/// The Miller-Rabin test of an odd number above 37 to all of [`BASES`].
fn is_strong_probable_prime(number: u64) -> bool {
    let field = Montgomery::new(number);
    let one = field.one();
    let minus_one = number - one;
    let twos = (number - 1).trailing_zeros();
    let odd_part = (number - 1) >> twos;
    BASES.iter().all(|&base| {
        let mut power = field.power(field.enter(base), odd_part);
        if power == one || power == minus_one {
            return true;
        }
        (1..twos).any(|_| {
            power = field.square(power);
            power == minus_one
        })
    })
}

/// The primes below 1,000 by trial division, at compile time.
const fn small_primes() -> [u16; 168] {
    let mut primes = [0; 168];
    let mut found = 0;
    let mut candidate = 2;
    while found < primes.len() {
        let mut divisor = 2;
        while divisor * divisor <= candidate && candidate % divisor != 0 {
            divisor += 1;
        }
        if divisor * divisor > candidate {
            primes[found] = candidate;
            found += 1;
        }
        candidate += 1;
    }
    primes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_prime_by_trial_division(number: u64) -> bool {
        number >= 2 && (2..).take_while(|d| d * d <= number).all(|d| !number.is_multiple_of(d))
    }

    #[test]
    fn agrees_with_trial_division_on_every_number_below_100_000() {
        for number in 0..100_000 {
            assert_eq!(is_prime(number), is_prime_by_trial_division(number), "{number}");
        }
    }

    #[test]
    fn the_small_primes_are_the_168_primes_below_1000() {
        let expected: Vec<u16> = (0..1000).filter(|&number| is_prime_by_trial_division(u64::from(number))).collect();
        assert_eq!(SMALL_PRIMES.as_slice(), expected.as_slice());
    }

    #[test]
    fn strong_pseudoprimes_to_the_first_bases_are_unmasked() {
        // The smallest composites that pass for bases 2, 2-3, 2-5, 2-7, 2-11, 2-13, 2-17 and 2-23
        // (OEIS A014233).
        for pseudoprime in [
            2_047,
            1_373_653,
            25_326_001,
            3_215_031_751,
            2_152_302_898_747,
            3_474_749_660_383,
            341_550_071_728_321,
            3_825_123_056_546_413_051,
        ] {
            assert!(!is_prime(pseudoprime), "{pseudoprime}");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_judged_correctly() {
        // The largest primes below 2^63 and 2^64, and their neighbours.
        assert!(is_prime((1 << 61) - 1));
        assert!(is_prime((1 << 63) - 25));
        assert!(is_prime(u64::MAX - 58));
        assert!((u64::MAX - 57..=u64::MAX).all(|number| !is_prime(number)));
    }

    #[test]
    fn a_small_divisor_is_never_the_number_itself() {
        assert_eq!(small_divisor(7), None);
        assert_eq!(small_divisor(49), Some(7));
        assert_eq!(small_divisor(997 * 2), Some(2));
        assert_eq!(small_divisor(1_009 * 1_013), None);
    }

    proptest! {
        #[test]
        fn agrees_with_trial_division_on_random_numbers(number in 0u64..1 << 36) {
            prop_assert_eq!(is_prime(number), is_prime_by_trial_division(number));
        }

        #[test]
        fn a_product_is_never_prime(a in 2u64..1 << 32, b in 2u64..1 << 32) {
            prop_assert!(!is_prime(a * b));
        }
    }
}
