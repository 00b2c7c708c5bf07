//! What is prime in a world. There is no table: a number becomes prime when somebody finds it.

use std::collections::BTreeSet;

use crate::mersenne::Exponent;
use crate::mersenne::factor::quick_factor;
use crate::protocol::Verdict;

/// Which exponents give primes in this world.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// In order.
    primes: Vec<Exponent>,
    /// Judged composite already: that must stay true.
    composites: BTreeSet<Exponent>,
}

impl Truth {
    /// The next prime above: the next prime exponent that gives no number with a small factor, and that nobody has been
    /// told is composite. From now on it gives a prime.
    pub(super) fn next_above(&mut self, above: Option<Exponent>) -> Option<Exponent> {
        let mut candidate = Exponent::next_above(above);
        while let Some(exponent) = candidate {
            if self.declare(exponent) {
                return Some(exponent);
            }
            candidate = Exponent::next_above(Some(exponent));
        }
        None
    }

    /// Makes an exponent give a prime, if it still can: if it has no small factor and nobody was told otherwise.
    pub(super) fn declare(&mut self, exponent: Exponent) -> bool {
        let Err(place) = self.primes.binary_search(&exponent) else { return true };
        let can_be = !self.composites.contains(&exponent) && quick_factor(exponent).is_none();
        if can_be {
            self.primes.insert(place, exponent);
        }
        can_be
    }

    pub(super) fn is_prime(&self, exponent: Exponent) -> bool {
        self.primes.binary_search(&exponent).is_ok()
    }

    /// Smallest first.
    pub(super) fn primes(&self) -> &[Exponent] {
        &self.primes
    }

    /// What a test says. What it says once, it says for ever.
    pub(super) fn test(&mut self, exponent: Exponent) -> Verdict {
        if self.is_prime(exponent) {
            return Verdict::Prime;
        }
        self.composites.insert(exponent);
        Verdict::Composite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponent(number: u64) -> Exponent {
        Exponent::new(number).unwrap()
    }

    #[test]
    fn primes_are_found_in_order_and_stay_primes() {
        let mut truth = Truth::default();
        assert_eq!(truth.next_above(None), Some(exponent(2)));
        assert_eq!(truth.next_above(Some(exponent(7))), Some(exponent(13)), "2^11 − 1 has the factor 23");
        assert_eq!(truth.next_above(None), Some(exponent(2)));
        assert_eq!(truth.test(exponent(13)), Verdict::Prime);
    }

    #[test]
    fn what_was_called_composite_is_never_found() {
        let mut truth = Truth::default();
        assert_eq!(truth.test(exponent(17)), Verdict::Composite);
        assert!(!truth.declare(exponent(17)) && !truth.declare(exponent(11)));
        assert_eq!(truth.next_above(Some(exponent(13))), Some(exponent(19)));
    }
}
