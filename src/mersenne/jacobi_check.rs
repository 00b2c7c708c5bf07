//! When a Lucas-Lehmer test is checked by Jacobi's symbol.
//!
//! Uses plans and symbols. ((s - 2) / 2^p - 1) = -1 for every right residue after the first squaring, and for half of the wrong ones: a
//! computation that has gone wrong once stays wrong, and each look finds that out with the same even chance only once. So
//! it is worth little time: 1 % of the test's, one look kept for the end.

use std::time::Duration;

use num_bigint::BigUint;

use super::exponent::Exponent;
use super::interrupt::{Interrupt, Interrupted};
use super::jacobi;
use super::plan::Plan;

/// The share of a test's time that goes into symbols.
const SHARE: f64 = 0.01;

/// What a look at the symbol said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// It costs too much now, or was interrupted.
    NotAsked,
}

/// Looks at symbols while they are affordable.
pub(super) struct JacobiCheck {
    exponent: Exponent,
    step: Duration,
    /// What a look takes.
    look: Duration,
    looks: u32,
}

impl JacobiCheck {
    /// For a test by this plan.
    pub(super) fn of(plan: Plan) -> JacobiCheck {
        JacobiCheck {
            exponent: plan.exponent(),
            step: plan.typical_step(),
            look: jacobi::typical_time(plan.exponent()),
            looks: 0,
        }
    }

    /// After `iteration` squarings, if there will be one more look at the end.
    pub(super) fn on_the_way(&mut self, iteration: u32, residue: &BigUint, interrupt: &Interrupt) -> Judgement {
        self.look(iteration, 2, residue, interrupt)
    }

    /// At the end of a test of so many squarings.
    pub(super) fn at_the_end(&mut self, total: u32, residue: &BigUint, interrupt: &Interrupt) -> Judgement {
        self.look(total, 1, residue, interrupt)
    }

    fn look(&mut self, squarings: u32, looks: u32, residue: &BigUint, interrupt: &Interrupt) -> Judgement {
        let spent = self.look.as_secs_f64() * f64::from(self.looks + looks);
        // What 4 is before the first squaring no later residue is.
        if squarings == 0 || spent > SHARE * self.step.as_secs_f64() * f64::from(squarings) {
            return Judgement::NotAsked;
        }
        match jacobi::is_plausible(residue, self.exponent, interrupt) {
            Ok(is_right) => {
                self.looks += 1;
                if is_right { Judgement::Passed } else { Judgement::Failed }
            }
            Err(Interrupted) => Judgement::NotAsked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl JacobiCheck {
        /// Looks whenever it is asked.
        pub(in crate::mersenne) fn always(exponent: Exponent) -> JacobiCheck {
            JacobiCheck { exponent, step: Duration::from_secs(1), look: Duration::ZERO, looks: 0 }
        }
    }

    #[test]
    fn looks_take_no_more_than_their_share_and_one_is_kept_for_the_end() {
        let exponent = Exponent::new(9_689).unwrap();
        let residue = BigUint::from(14u32);
        let (now, interrupt) = (Interrupt::new(), Interrupt::new());
        // A look takes as long as 10 squarings: one after 1,000 and one in reserve, so the first after 2,000.
        let ten = Duration::from_secs(10);
        let mut check = JacobiCheck { look: ten, ..JacobiCheck::always(exponent) };
        let judgements = [1_999, 2_000, 2_999, 3_000].map(|iteration| check.on_the_way(iteration, &residue, &now));
        use Judgement::{NotAsked, Passed};
        assert_eq!(judgements, [NotAsked, Passed, NotAsked, Passed]);
        assert_eq!(check.at_the_end(3_000, &residue, &interrupt), Passed);
        assert_eq!(check.at_the_end(3_999, &residue, &interrupt), NotAsked);
        let mut short = JacobiCheck { look: ten, ..JacobiCheck::always(exponent) };
        assert_eq!(short.at_the_end(999, &residue, &interrupt), NotAsked);
    }

    #[test]
    fn a_residue_that_has_the_other_symbol_fails() {
        let exponent = Exponent::new(9_689).unwrap();
        let mut check = JacobiCheck::always(exponent);
        // 4 - 2 = 2 is a square; it is the one before the first squaring, and right nowhere else.
        assert_eq!(check.on_the_way(1, &BigUint::from(4u32), &Interrupt::new()), Judgement::Failed);
        assert_eq!(check.on_the_way(1, &BigUint::from(14u32), &Interrupt::new()), Judgement::Passed);
    }
}
