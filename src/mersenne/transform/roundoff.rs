//! What is remembered of the round-off: the one thing that tells a transform that went well from one that did not.
//!
//! Uses step errors. NaN is larger than anything: once something was not a number, it stays that way until a new start.

use crate::mersenne::engine::StepError;

/// The largest error at which a result is used; Prime95's. Errors of one transform are near each other's size: one that is
/// above ½, and so was taken for a small one, comes with others between this and ½.
const LIMIT: f64 = 0.40625;

/// The largest distance from an integer since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RoundOff(f64);

impl RoundOff {
    /// Remembers an error that was measured. Not with `f64::max`, which drops NaN.
    pub(super) fn note(&mut self, measured: f64) {
        if measured.is_nan() || measured > self.0 {
            self.0 = measured;
        }
    }

    /// The largest so far, NaN if something was not a number.
    pub(super) fn largest(self) -> f64 {
        self.0
    }

    /// Whether results may be used.
    pub(super) fn check(self) -> Result<(), StepError> {
        // False for NaN.
        if self.0 <= LIMIT { Ok(()) } else { Err(StepError::RoundOff { measured: self.0, limit: LIMIT }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_stays_and_is_never_good_enough() {
        let mut roundoff = RoundOff::default();
        assert_eq!(roundoff.check(), Ok(()));
        for error in [0.1, LIMIT, 0.2] {
            roundoff.note(error);
            assert_eq!(roundoff.check(), Ok(()));
        }
        assert_eq!(roundoff.largest(), LIMIT);
        roundoff.note(0.41);
        assert!(roundoff.check().is_err());
        let mut roundoff = RoundOff::default();
        roundoff.note(f64::NAN);
        roundoff.note(0.0);
        assert!(roundoff.largest().is_nan() && roundoff.check().is_err());
    }
}
