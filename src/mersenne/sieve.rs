//! The sieve of trial factoring: which q = 2kp + 1 are worth a trial.
//!
//! Uses primality's small primes, and num-integer for inverses. A segmented sieve of Eratosthenes over k: what
//! divides 2^p - 1 is ±1 mod 8, and its smallest divisor has no divisor of its own.

use num_integer::Integer;

use super::exponent::Exponent;
use super::primality::SMALL_PRIMES;

/// The longest segment, in values of k, a byte each: half of a first-level cache.
pub(super) const SEGMENT: usize = 1 << 14;

/// The odd primes a shallow sieve strikes out: setting up more costs more than it saves.
const SHALLOW_PRIMES: usize = 40;

/// Where a small prime divides 2kp + 1.
struct Strike {
    prime: usize,
    /// The first place to strike, counted from the beginning of the next segment.
    next: usize,
}

/// Walks over k = 1, 2, 3, … of one odd exponent in segments.
pub(super) struct Sieve {
    strikes: Vec<Strike>,
    /// Whether a k ≡ 0, 1, 2, 3 mod 4 gives a q ≡ ±1 mod 8, beginning at the next segment's first k.
    pattern: [bool; 4],
    alive: Vec<bool>,
}

impl Sieve {
    /// A sieve for a few thousand values of k.
    pub(super) fn shallow(exponent: Exponent) -> Self {
        Self::new(exponent, &SMALL_PRIMES[1..=SHALLOW_PRIMES])
    }

    /// A sieve for millions of values of k.
    pub(super) fn deep(exponent: Exponent) -> Self {
        Self::new(exponent, &SMALL_PRIMES[1..])
    }

    fn new(exponent: Exponent, primes: &[u16]) -> Self {
        // 2kp + 1 is 1 mod 8 where 4 divides k, and 7 where kp ≡ 3, that is k ≡ 3p mod 4.
        let other = 3 * (exponent.get() % 4) % 4;
        let mut pattern = [0, 1, 2, 3].map(|k| k == 0 || k == other);
        pattern.rotate_left(1);
        let strikes = primes.iter().filter_map(|&prime| Strike::first(exponent, prime)).collect();
        Sieve { strikes, pattern, alive: Vec::new() }
    }

    /// For each of the next `length` values of k, at most [`SEGMENT`], whether q is worth a trial.
    pub(super) fn segment(&mut self, length: usize) -> &[bool] {
        self.alive.clear();
        self.alive.extend(self.pattern.iter().cycle().take(length));
        self.pattern.rotate_left(length % 4);
        for strike in &mut self.strikes {
            let mut place = strike.next;
            while let Some(alive) = self.alive.get_mut(place) {
                *alive = false;
                place += strike.prime;
            }
            strike.next = place - length;
        }
        &self.alive
    }
}

impl Strike {
    /// The first k ≥ 1 where `prime` divides 2kp + 1 and is not 2kp + 1 itself. None if it divides p.
    fn first(exponent: Exponent, prime: u16) -> Option<Self> {
        let modulus = i32::from(prime);
        let double = (2 * u64::from(exponent) % u64::from(prime)) as i32;
        let inverse = double.extended_gcd(&modulus);
        if inverse.gcd != 1 {
            return None;
        }
        let mut k = (-inverse.x).mod_floor(&modulus) as u64;
        if 2 * k * u64::from(exponent) + 1 == u64::from(prime) {
            k += u64::from(prime);
        }
        Some(Strike { prime: usize::from(prime), next: k as usize - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_worth_a_trial(exponent: u64, k: u64, primes: &[u16]) -> bool {
        let q = 2 * k * exponent + 1;
        let composite = primes.iter().any(|&r| q != u64::from(r) && q.is_multiple_of(u64::from(r)));
        (q % 8 == 1 || q % 8 == 7) && !composite
    }

    #[test]
    fn exactly_candidates_of_the_right_form_without_small_divisors_stay_in_segments_of_any_length() {
        for p in [3, 5, 7, 11, 13, 499, 997, 1_009, 44_497, 4_294_967_291] {
            let mut sieve = Sieve::deep(Exponent::new(p).unwrap());
            let mut k = 1;
            for length in [1, 7, 1_000, SEGMENT, 0, 3, SEGMENT] {
                for &alive in sieve.segment(length) {
                    assert_eq!(alive, is_worth_a_trial(p, k, &SMALL_PRIMES[1..]), "p={p} k={k}");
                    k += 1;
                }
            }
        }
    }

    #[test]
    fn a_shallow_sieve_strikes_fewer_primes() {
        let exponent = Exponent::new(44_497).unwrap();
        let shallow = Sieve::shallow(exponent).segment(SEGMENT).to_vec();
        for (k, alive) in (1..).zip(shallow) {
            assert_eq!(alive, is_worth_a_trial(44_497, k, &SMALL_PRIMES[1..=SHALLOW_PRIMES]), "k={k}");
        }
    }
}
