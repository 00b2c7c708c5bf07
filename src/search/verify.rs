//! Settling one exponent: is 2^p - 1 prime or not?
//!
//! Uses trial factors, which are cheap and tell most composites, then the Lucas-Lehmer test on
//! the exact engine, which tells the rest.

use std::time::Duration;

use crate::mersenne::factor::{FactorLimit, quick_factor, smallest_factor};
use crate::mersenne::{
    EngineError, EngineKind, EngineSet, ExactEngine, Exponent, Interrupt, Interrupted, LucasLehmer, Outcome, Plan,
    Progress, Res64, Squaring, StepError, Verdict, largest_exponent,
};

/// What came of settling an exponent p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verification {
    /// 2^p - 1 is prime.
    Prime,
    /// 2^p - 1 has this factor.
    HasFactor(u64),
    /// 2^p - 1 is composite: the end of its last Lucas-Lehmer residue.
    Composite(Res64),
    /// The interrupt was raised first. Nothing is known, and nothing is kept.
    Interrupted,
    /// No engine here can test it, and it has no quick factor.
    BeyondEngine {
        /// The largest number that can be tested as an exponent.
        limit: u32,
    },
    /// The engine noticed that it had miscalculated. Nothing is known.
    EngineFailed(StepError),
}

/// What [`verify_with`] is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// Looking for factors.
    Factoring,
    /// Testing: a squaring was done.
    Testing(Progress),
    /// Done. Always the last stage, and the value returned.
    Done(Verification),
}

/// Settles `exponent`. Takes about a second at p = 20,000 and six hours at a million if there is no factor.
pub fn verify(exponent: Exponent, interrupt: &Interrupt) -> Verification {
    verify_with(exponent, interrupt, &mut |_| {})
}

/// Settles `exponent` and tells `on_stage` of every stage and every squaring, on this thread.
pub fn verify_with(exponent: Exponent, interrupt: &Interrupt, on_stage: &mut dyn FnMut(Stage)) -> Verification {
    let verification = match ExactEngine::new(exponent) {
        Ok(engine) => settle(engine, interrupt, on_stage),
        Err(
            EngineError::BeyondLimit { .. }
            | EngineError::TooSmall { .. }
            | EngineError::Unavailable { .. }
            | EngineError::NoSuchLength { .. },
        ) => {
            on_stage(Stage::Factoring);
            let limit = largest_exponent(EngineSet::EXACT);
            quick_factor(exponent).map_or(Verification::BeyondEngine { limit }, Verification::HasFactor)
        }
    };
    on_stage(Stage::Done(verification));
    verification
}

fn settle(engine: impl Squaring, interrupt: &Interrupt, on_stage: &mut dyn FnMut(Stage)) -> Verification {
    on_stage(Stage::Factoring);
    let exponent = engine.exponent();
    let limit = FactorLimit::balanced(
        exponent,
        Plan::of(exponent, EngineKind::Exact).map_or(Duration::ZERO, Plan::typical_step),
    );
    match smallest_factor(exponent, limit, interrupt) {
        Ok(Some(factor)) => return Verification::HasFactor(factor),
        Ok(None) => {}
        Err(Interrupted) => return Verification::Interrupted,
    }
    let mut test = LucasLehmer::new(engine);
    match test.run(interrupt, &mut |progress| on_stage(Stage::Testing(progress))) {
        Ok(Outcome::Finished(Verdict::Prime)) => Verification::Prime,
        Ok(Outcome::Finished(Verdict::Composite { res64 })) => Verification::Composite(res64),
        Ok(Outcome::Interrupted) => Verification::Interrupted,
        Err(error) => Verification::EngineFailed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponent(p: u64) -> Exponent {
        Exponent::new(p).unwrap()
    }

    fn verify_undisturbed(p: u64) -> Verification {
        verify(exponent(p), &Interrupt::new())
    }

    #[test]
    fn true_claims_are_prime() {
        for p in [2, 3, 31, 61, 127, 2_203] {
            assert_eq!(verify_undisturbed(p), Verification::Prime, "{p}");
        }
    }

    #[test]
    fn false_claims_are_refuted_by_a_factor_or_by_a_residue() {
        assert_eq!(verify_undisturbed(4_441), Verification::HasFactor(26_647));
        assert_eq!(verify_undisturbed(149), Verification::Composite(Res64::new(0xA3AC_59EA_95DF_097F)));
    }

    #[test]
    fn beyond_the_engine_a_claim_is_refuted_by_a_quick_factor_or_left_open() {
        let limit = crate::mersenne::MAX_EXPONENT;
        assert_eq!(verify_undisturbed(4_294_967_291), Verification::HasFactor(8_589_934_583));
        assert_eq!(verify_undisturbed(136_279_841), Verification::BeyondEngine { limit });
    }

    #[test]
    fn an_interrupt_ends_the_look_for_factors() {
        let interrupt = Interrupt::new();
        interrupt.request();
        assert_eq!(verify(exponent(4_423), &interrupt), Verification::Interrupted);
    }

    #[test]
    fn an_interrupt_ends_the_test() {
        let interrupt = Interrupt::new();
        let mut stages = Vec::new();
        let verification = verify_with(exponent(4_423), &interrupt, &mut |stage| {
            stages.push(stage);
            if stages.len() == 3 {
                interrupt.request();
            }
        });
        assert_eq!(verification, Verification::Interrupted);
        let testing = |iteration| Stage::Testing(Progress { iteration, total: 4_421 });
        let expected = [Stage::Factoring, testing(1), testing(2), Stage::Done(Verification::Interrupted)];
        assert_eq!(stages, expected);
    }
}
