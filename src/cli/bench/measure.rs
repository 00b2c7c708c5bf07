//! How long a squaring takes: measured on a warm engine, the median of several runs; and a guess for what lies between.
//!
//! Uses engines directly.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use num_bigint::BigUint;

use crate::mersenne::{EngineKind, Interrupt, Interrupted, Plan, Recurrence, Squaring};

/// Runs of which the median counts.
pub(super) const RUNS: usize = 5;

/// From 4 on, a residue has all its digits after as many squarings as its exponent has bits.
const WARM_UP: u32 = 40;

/// Seconds per squaring. Takes about `budget`, more where a squaring is long.
///
/// # Errors
/// The engine's; [`Interrupted`].
pub(super) fn step(plan: Plan, budget: Duration, interrupt: &Interrupt) -> Result<f64> {
    let mut engine = plan.build()?;
    engine.start(&BigUint::from(4u32), 0);
    let first = run(&mut *engine, WARM_UP, interrupt)?;
    let steps = (budget.as_secs_f64() / RUNS as f64 / first.max(1e-9)).clamp(1.0, 1e6) as u32;
    // Once more: the processor's clock may still be rising.
    run(&mut *engine, steps, interrupt)?;
    let mut seconds = [0.0; RUNS];
    for one in &mut seconds {
        *one = run(&mut *engine, steps, interrupt)?;
    }
    // A wrong result is not worth measuring.
    engine.residue()?;
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[RUNS / 2])
}

fn run(engine: &mut dyn Squaring, steps: u32, interrupt: &Interrupt) -> Result<f64> {
    let began = Instant::now();
    for _ in 0..steps {
        if interrupt.is_requested() {
            return Err(Interrupted.into());
        }
        engine.step(Recurrence::SquareMinusTwo)?;
    }
    Ok(began.elapsed().as_secs_f64() / f64::from(steps))
}

/// What was measured, by engine and size: the length, or the exponent where there is none.
#[derive(Debug, Default)]
pub(super) struct Speeds(BTreeMap<EngineKind, BTreeMap<usize, f64>>);

impl Speeds {
    /// Notes a measurement, in seconds.
    pub(super) fn add(&mut self, plan: Plan, seconds: f64) {
        self.0.entry(plan.kind()).or_default().insert(size(plan), seconds);
    }

    /// Seconds per squaring of a plan, measured or between what was measured; `None` if nothing of its engine was.
    pub(super) fn of(&self, plan: Plan) -> Option<f64> {
        interpolated(self.0.get(&plan.kind())?, size(plan))
    }
}

fn size(plan: Plan) -> usize {
    plan.length().unwrap_or(plan.exponent().get() as usize)
}

/// A straight line between neighbours on a doubly logarithmic scale; beyond the ends the slope of the whole, which two
/// neighbours would not give as well.
pub(super) fn interpolated(known: &BTreeMap<usize, f64>, at: usize) -> Option<f64> {
    let points: Vec<(f64, f64)> =
        known.iter().map(|(&size, &value)| ((size as f64).ln(), value.max(1e-12).ln())).collect();
    let at = (at as f64).ln();
    let [(x0, y0), (x1, y1)] = match points.as_slice() {
        [] => return None,
        [(x, y)] => [(*x, *y), (*x + 1.0, *y + 1.0)],
        [first, .., last] => match points.partition_point(|(x, _)| *x < at) {
            0 => [*first, *last],
            end if end == points.len() => [*last, *first],
            above => [points[above - 1], points[above]],
        },
    };
    Some((y0 + (y1 - y0) * (at - x0) / (x1 - x0)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mersenne::Exponent;

    fn near(a: Option<f64>, b: f64) {
        assert!(a.is_some_and(|a| (a / b - 1.0).abs() < 1e-9), "{a:?}, not {b}");
    }

    #[test]
    fn what_lies_between_two_measurements_is_their_power_law() {
        let known = BTreeMap::from([(100, 1.0), (400, 4.0), (1_600, 256.0)]);
        near(interpolated(&known, 100), 1.0);
        near(interpolated(&known, 200), 2.0);
        near(interpolated(&known, 1_600), 256.0);
        // The slope from end to end is 2.
        near(interpolated(&known, 3_200), 1_024.0);
        near(interpolated(&known, 50), 0.25);
        near(interpolated(&BTreeMap::from([(100, 1.0)]), 300), 3.0);
        assert_eq!(interpolated(&BTreeMap::new(), 100), None);
    }

    #[test]
    fn a_squaring_is_measured_and_an_interrupt_ends_it() {
        let plan = Plan::of(Exponent::new(4_423).unwrap(), EngineKind::Exact).unwrap();
        let interrupt = Interrupt::new();
        let seconds = step(plan, Duration::from_millis(5), &interrupt).unwrap();
        assert!(seconds > 0.0 && seconds.is_finite(), "{seconds}");
        interrupt.request();
        assert!(step(plan, Duration::from_millis(5), &interrupt).unwrap_err().is::<Interrupted>());
    }
}
