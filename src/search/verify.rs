//! What a claim is worth: is 2^p - 1 prime or not?
//!
//! Uses attempts. A claim is settled as a candidate of the search is, but leaves nothing on disk.

use crate::mersenne::{Exponent, Interrupt};
use crate::search::attempt::{Attempt, Conclusion};

/// Settles `exponent`. If there is no factor it takes tens of milliseconds at p = 20,000 and a minute or two at a million on
/// AVX-512; with nothing but big integers, a second and six hours.
pub fn verify(exponent: Exponent, interrupt: &Interrupt) -> Conclusion {
    Attempt::new(exponent).run(interrupt, &mut |_| {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mersenne::{EngineSet, Res64, largest_exponent};

    fn exponent(p: u64) -> Exponent {
        Exponent::new(p).unwrap()
    }

    fn verify_undisturbed(p: u64) -> Conclusion {
        verify(exponent(p), &Interrupt::new())
    }

    #[test]
    fn true_claims_are_prime_by_two_computations_that_differ() {
        for p in [2, 3, 5, 7, 13, 31, 61, 127, 2_203] {
            let Conclusion::Prime(report) = verify_undisturbed(p) else { panic!("M{p} is prime") };
            let confirmed = report.confirmed.unwrap();
            assert!(confirmed.plan != report.plan || confirmed.shift != report.shift, "{p}");
        }
    }

    #[test]
    fn false_claims_are_refuted_by_a_factor_or_by_a_residue() {
        assert_eq!(verify_undisturbed(4_441), Conclusion::HasFactor(26_647));
        let Conclusion::Composite(report) = verify_undisturbed(149) else { panic!("M149 is composite") };
        assert_eq!(report.res64, Res64::new(0xA3AC_59EA_95DF_097F));
    }

    #[test]
    fn beyond_the_engines_a_claim_is_refuted_by_a_quick_factor_or_left_open() {
        let limit = largest_exponent(EngineSet::of_this_machine());
        assert_eq!(verify_undisturbed(4_294_967_291), Conclusion::HasFactor(8_589_934_583));
        let open = (u64::from(limit) + 1..).filter(|&p| Exponent::new(p).is_ok()).map(verify_undisturbed);
        let open = open.take(100).find(|conclusion| !matches!(conclusion, Conclusion::HasFactor(_)));
        assert_eq!(open, Some(Conclusion::BeyondEngine { limit }));
    }

    #[test]
    fn an_interrupt_ends_the_look_for_factors() {
        let interrupt = Interrupt::new();
        interrupt.request();
        assert_eq!(verify(exponent(4_423), &interrupt), Conclusion::Interrupted { iteration: 0, checkpoint: None });
    }
}
