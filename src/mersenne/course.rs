//! The engine of a running test, and what replaces it when it fails.
//!
//! Uses plans and what may go wrong. A round-off error is cured by the next longer transform. Whatever else went wrong may
//! have been an accident of the machine: the same is tried again, and a longer transform if that fails too. A test that
//! comes no further for [`PATIENCE`] failures is given up.

use std::sync::Arc;

use num_bigint::BigUint;
use thiserror::Error;

use super::engine::{EngineError, Squaring, StepError};
use super::method::{Errors, Fault};
use super::plan::Plan;

/// Makes the engine of a plan. Tests of the program put in engines that fail.
pub type Build = Arc<dyn Fn(Plan) -> Result<Box<dyn Squaring>, EngineError> + Send + Sync>;

/// After so many failures without progress a test is given up.
const PATIENCE: u32 = 6;

/// A test that failed again and again; nothing may be concluded from it.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("the test was given up at squaring {iteration}: {fault}")]
pub struct GaveUp {
    /// What was noticed last.
    #[source]
    pub fault: Fault,
    /// The squaring at which it was noticed.
    pub iteration: u32,
}

/// What a test of `plan` calculates with.
pub(super) struct Course {
    build: Build,
    plan: Plan,
    engine: Box<dyn Squaring>,
    errors: Errors,
    /// Failures since the last progress.
    failures: u32,
    /// The furthest squaring at which one was noticed.
    failed_at: u32,
    /// The largest round-off of this test before the engine's last start.
    roundoff: f64,
}

impl Course {
    pub(super) fn new(plan: Plan, build: Build, errors: Errors) -> Result<Course, EngineError> {
        let engine = build(plan)?;
        Ok(Course { build, plan, engine, errors, failures: 0, failed_at: 0, roundoff: 0.0 })
    }

    pub(super) fn engine(&mut self) -> &mut dyn Squaring {
        &mut *self.engine
    }

    pub(super) fn residue(&self) -> Result<BigUint, StepError> {
        self.engine.residue()
    }

    pub(super) fn shift(&self) -> u32 {
        self.engine.shift()
    }

    pub(super) fn plan(&self) -> Plan {
        self.plan
    }

    pub(super) fn errors(&self) -> Errors {
        self.errors
    }

    /// Sets the residue, and keeps in mind the round-off measured so far.
    pub(super) fn start(&mut self, residue: &BigUint, shift: u32) {
        self.keep_roundoff();
        self.engine.start(residue, shift);
    }

    /// Keeps in mind the round-off measured so far, before the engine is started by anybody else.
    pub(super) fn keep_roundoff(&mut self) {
        self.roundoff = self.roundoff();
    }

    /// The largest round-off of this test. NaN is passed over: it is a fault, and told as one.
    pub(super) fn roundoff(&self) -> f64 {
        self.roundoff.max(self.engine.roundoff())
    }

    /// Notes a failure, and makes the engine that is to go on. Its residue is to be set.
    ///
    /// # Errors
    /// When it is time to give up.
    pub(super) fn fail(&mut self, fault: Fault, iteration: u32) -> Result<(), GaveUp> {
        self.errors.count(&fault);
        self.failures += 1;
        self.failed_at = self.failed_at.max(iteration);
        if self.failures >= PATIENCE {
            return Err(GaveUp { fault, iteration });
        }
        let needs_length = match fault {
            Fault::Engine(StepError::RoundOff { .. }) => true,
            Fault::Engine(StepError::SelfCheck { .. }) | Fault::Gerbicz | Fault::Jacobi | Fault::Unconfirmed => {
                self.failures > 1
            }
        };
        if let Fault::Engine(StepError::RoundOff { measured, .. }) = fault {
            self.roundoff = self.roundoff.max(measured);
        }
        if let Some(longer) = self.plan.longer().filter(|_| needs_length)
            && let Ok(engine) = (self.build)(longer)
        {
            self.engine = engine;
            self.plan = longer;
        }
        Ok(())
    }

    /// Notes that the test stands well at this squaring.
    pub(super) fn passed(&mut self, iteration: u32) {
        if iteration > self.failed_at {
            self.failures = 0;
        }
    }

    /// Whether going back to where the engine itself was content has not helped.
    pub(super) fn is_stuck(&self) -> bool {
        self.failures > 2
    }

    /// Another shift for a residue that was held rotated by `shift`: what is repeated is to be a different computation.
    pub(super) fn other_shift(&self, shift: u32) -> u32 {
        let p = u64::from(self.plan.exponent());
        let stride = p / 7 + 1;
        ((u64::from(shift) + stride * u64::from(self.failures)) % p) as u32
    }
}
