//! So many squarings on an engine of its own, and what they end with.
//!
//! Uses engines directly.

use std::time::{Duration, Instant};

use num_bigint::BigUint;
use thiserror::Error;

use crate::mersenne::{EngineError, EngineKind, EngineSet, Interrupt, Interrupted, Plan, Recurrence, Res64, StepError};

/// The largest exponent that big integers repeat 1,000 squarings of within seconds.
const EXACT_TO: u32 = 200_000;

/// What a chain may typically take for its engine to be chosen for its simplicity.
const QUICK: Duration = Duration::from_secs(10);

/// How a chain ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct End {
    pub(super) res64: Res64,
    /// The largest round-off error of the chain.
    pub(super) roundoff: f64,
    pub(super) took: Duration,
}

/// Why a chain has no end.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Whether the residue is held rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shifted {
    /// By a third of its bits, which then are other digits at every squaring.
    Yes,
    No,
}

/// Squares so many times from 4 on, as Lucas and Lehmer do.
pub(super) fn run(plan: Plan, iterations: u32, shifted: Shifted, interrupt: &Interrupt) -> Result<End, Broken> {
    let mut engine = plan.build()?;
    let shift = match shifted {
        Shifted::Yes => plan.exponent().get() / 3,
        Shifted::No => 0,
    };
    engine.start(&BigUint::from(4u32), shift);
    let began = Instant::now();
    for _ in 0..iterations {
        if interrupt.is_requested() {
            return Err(Interrupted.into());
        }
        engine.step(Recurrence::SquareMinusTwo)?;
    }
    let took = began.elapsed();
    Ok(End { res64: Res64::of(&engine.residue()?), roundoff: engine.roundoff(), took })
}

/// Another computation of the same chain: by another kind of engine if one can, else at the next length.
pub(super) fn other(plan: Plan, engines: EngineSet) -> Option<Plan> {
    let is_other = |other: &Plan| other.kind() != plan.kind() && is_affordable(other);
    let others = engines.iter().filter_map(|kind| Plan::of(plan.exponent(), kind).ok()).filter(is_other);
    others.min_by_key(|other| other.typical_step()).or_else(|| plan.longer())
}

/// Two kinds of engine for one chain: the fastest, and one that shares as little as possible with it while that is quick.
pub(super) fn two(plan: Plan, iterations: u32, engines: EngineSet) -> Option<[Plan; 2]> {
    let plans = engines.iter().filter_map(|kind| Plan::of(plan.exponent(), kind).ok()).filter(is_affordable);
    let fastest = Plan::fastest(plan.exponent(), engines).ok()?;
    // The slowest are the simplest, and come first.
    let others: Vec<Plan> = plans.filter(|other| other.kind() != fastest.kind()).collect();
    let is_quick = |other: &&Plan| other.typical_step() * iterations <= QUICK;
    let other = others.iter().find(is_quick).or(others.last())?;
    Some([fastest, *other])
}

fn is_affordable(plan: &Plan) -> bool {
    plan.kind() != EngineKind::Exact || plan.exponent().get() <= EXACT_TO
}
