//! What all Mersenne primes up to an exponent will take on one core, by what was measured.
//!
//! Uses trial factoring on a sample of exponents of several sizes: it says how long the look for factors takes, and how many
//! tests it saves. Between the sizes a power law is assumed, as between lengths.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::measure::{Speeds, interpolated};
use crate::mersenne::factor::{FactorLimit, smallest_factor};
use crate::mersenne::{EngineSet, Exponent, Interrupt, Interrupted, Plan};

/// Sizes of exponents to sample, each about as many times the one before.
const SIZES: [u32; 6] = [500, 2_000, 9_000, 40_000, 100_000, 200_000];

/// At least so many exponents of each size are looked at, however long that takes.
const LEAST: u32 = 5;

/// At most so many.
const MOST: u32 = 400;

/// What trial factoring does for exponents of several sizes.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// Seconds per exponent, by size.
    seconds: BTreeMap<usize, f64>,
    looked_at: u32,
    without_factor: u32,
}

impl Sample {
    /// Looks for factors of exponents up to `largest` as deeply as a search would, for about `budget` at each size.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub(super) fn take(
        engines: EngineSet,
        largest: u32,
        budget: Duration,
        interrupt: &Interrupt,
    ) -> Result<Sample, Interrupted> {
        let mut sample = Sample::default();
        for size in SIZES.into_iter().filter(|&size| size <= largest) {
            let began = Instant::now();
            let mut exponent = Exponent::new(size.into()).ok();
            let mut count = 0;
            while count < MOST && (count < LEAST || began.elapsed() < budget) {
                let Some(next) = next_above(exponent, size) else { break };
                exponent = Some(next);
                let Ok(plan) = Plan::fastest(next, engines) else { break };
                let limit = FactorLimit::balanced(next, plan.typical_step());
                let factor = smallest_factor(next, limit, interrupt)?;
                count += 1;
                sample.without_factor += u32::from(factor.is_none());
            }
            sample.looked_at += count;
            if count > 0 {
                sample.seconds.insert(size as usize, began.elapsed().as_secs_f64() / f64::from(count));
            }
        }
        Ok(sample)
    }

    /// How many exponents were looked at.
    pub(super) fn looked_at(&self) -> u32 {
        self.looked_at
    }

    /// The share of them that needs a test, 0 to 1.
    pub(super) fn without_factor(&self) -> f64 {
        f64::from(self.without_factor) / f64::from(self.looked_at.max(1))
    }
}

/// The next exponent, from `size` on.
fn next_above(exponent: Option<Exponent>, size: u32) -> Option<Exponent> {
    match exponent {
        Some(_) => Exponent::next_above(exponent),
        None => (size..).find_map(|number| Exponent::new(number.into()).ok()),
    }
}

/// What a search will take.
#[derive(Debug, Serialize)]
pub(super) struct Estimate {
    /// The largest exponent.
    pub(super) to: u32,
    /// Primes up to there.
    pub(super) exponents: u32,
    /// Those that will need a test.
    pub(super) tests: u32,
    pub(super) factoring_seconds: f64,
    pub(super) testing_seconds: f64,
}

impl Estimate {
    /// For all exponents from 2 to `to`; `None` when nothing was measured to go by.
    pub(super) fn of(to: u32, engines: EngineSet, speeds: &Speeds, sample: &Sample) -> Option<Estimate> {
        let share = sample.without_factor();
        let mut sum = Estimate { to, exponents: 0, tests: 0, factoring_seconds: 0.0, testing_seconds: 0.0 };
        let mut at = Exponent::next_above(None);
        while let Some(exponent) = at.filter(|exponent| exponent.get() <= to) {
            let p = exponent.get();
            let plan = Plan::fastest(exponent, engines).ok()?;
            sum.exponents += 1;
            sum.factoring_seconds += interpolated(&sample.seconds, p as usize)?;
            sum.testing_seconds += share * f64::from(p) * speeds.of(plan)?;
            at = Exponent::next_above(at);
        }
        sum.tests = (share * f64::from(sum.exponents)).round() as u32;
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mersenne::EngineKind;

    #[test]
    fn an_estimate_adds_up_all_exponents_of_the_range() {
        let mut speeds = Speeds::default();
        let plan = |p| Plan::of(Exponent::new(p).unwrap(), EngineKind::Exact).unwrap();
        // A microsecond for every thousand of the exponent.
        speeds.add(plan(1_009), 1.009e-6);
        speeds.add(plan(10_007), 10.007e-6);
        let seconds = BTreeMap::from([(500, 5e-3), (2_000, 5e-3)]);
        let sample = Sample { seconds, looked_at: 4, without_factor: 1 };
        let estimate = Estimate::of(100, EngineSet::EXACT, &speeds, &sample).unwrap();
        assert_eq!((estimate.exponents, estimate.tests), (25, 6));
        assert!((estimate.factoring_seconds - 25.0 * 5e-3).abs() < 1e-9, "{estimate:?}");
        // The squares of the primes below 100 add up to 65,796.
        assert!((estimate.testing_seconds - 0.25 * 65_796e-9).abs() < 1e-12, "{estimate:?}");
    }

    #[test]
    fn a_sample_finds_that_about_half_of_all_exponents_need_a_test() {
        let sample = Sample::take(EngineSet::EXACT, 2_000, Duration::ZERO, &Interrupt::new()).unwrap();
        assert_eq!(sample.looked_at(), 2 * LEAST);
        // M503, M509, M521, M523, M541 and M2003, M2011, M2017, M2027, M2029.
        assert!((0.1..=0.9).contains(&sample.without_factor()), "{sample:?}");
        assert!(sample.seconds.values().all(|&seconds| seconds > 0.0));
    }
}
