use super::*;
use crate::mersenne::primality::SMALL_PRIMES;

/// The candidates of the rows of so many segments.
fn candidates(p: u64, first_row: u64, largest_prime: u64, segments: usize) -> Vec<u64> {
    let mut sieve = Sieve::new(Exponent::new(p).unwrap(), first_row, largest_prime);
    let mut found = Vec::new();
    for _ in 0..segments {
        let segment = sieve.segment();
        for row in segment.rows() {
            let before = found.len();
            segment.append_row(row, &mut found);
            assert!(found.len() - before <= ROW_CANDIDATES);
            found[before..].sort_unstable();
        }
    }
    found
}

/// What is left of an interval of k, looking at every number.
fn expected(p: u64, k: std::ops::Range<u64>, largest_prime: u64) -> Vec<u64> {
    let primes = SMALL_PRIMES[1..].iter().map(|&prime| u64::from(prime));
    let primes: Vec<u64> = primes.filter(|&prime| prime <= largest_prime).collect();
    let lives = |q: &u64| matches!(q % 8, 1 | 7) && !primes.iter().any(|&r| q.is_multiple_of(r));
    k.map(|k| 2 * k * p + 1).filter(lives).collect()
}

const EXPONENTS: [u64; 12] = [7, 11, 13, 17, 61, 67, 127, 131, 499, 997, 44_497, 4_294_967_291];

#[test]
fn exactly_candidates_of_the_right_form_without_small_divisors_live_above_the_primes_of_the_sieve() {
    for p in EXPONENTS {
        let k = (primes::LARGEST / (2 * p) + 1)..(8 + 16 + 32) * ROW;
        for largest_prime in [127, 131, 600, 997] {
            let mut found = candidates(p, 0, largest_prime, 3);
            found.retain(|&q| q > primes::LARGEST);
            assert!(found == expected(p, k.clone(), largest_prime), "p={p} primes to {largest_prime}");
        }
    }
}

#[test]
fn every_prime_of_the_right_form_lives_be_it_ever_so_small() {
    for p in EXPONENTS {
        let found = candidates(p, 0, primes::LARGEST, 1);
        assert!(!found.contains(&1));
        for q in (1..20_000).map(|k| 2 * k * p + 1) {
            let is_right = matches!(q % 8, 1 | 7) && crate::mersenne::primality::is_prime(q);
            assert!(!is_right || found.contains(&q), "p={p} q={q}");
        }
    }
}

#[test]
fn a_sieve_that_begins_later_finds_the_same() {
    for p in EXPONENTS {
        for first_row in [1, 5, 1_000, 77_777] {
            let k = first_row * ROW..(first_row + 8) * ROW;
            let mut found = candidates(p, first_row, 997, 1);
            let mut all = expected(p, k, 997);
            found.retain(|&q| q > primes::LARGEST);
            all.retain(|&q| q > primes::LARGEST);
            assert!(found == all, "p={p} row={first_row}");
        }
    }
}

#[test]
fn segments_follow_each_other_without_gaps_and_grow() {
    let mut sieve = Sieve::new(Exponent::new(4_423).unwrap(), 3, 1_000);
    let rows: Vec<_> = (0..6).map(|_| sieve.segment().rows()).collect();
    assert_eq!(rows, [3..11, 11..27, 27..59, 59..123, 123..187, 187..251]);
}

#[test]
fn the_largest_primes_of_the_sieve_strike() {
    let p = 44_497;
    let found = candidates(p, 0, primes::LARGEST, 5);
    assert!(found.len() > 10_000);
    let has_divisor = |q: &&u64| **q > 8_191 && (7..=8_191).step_by(2).any(|r| q.is_multiple_of(r));
    assert_eq!(found.iter().find(has_divisor), None);
}
