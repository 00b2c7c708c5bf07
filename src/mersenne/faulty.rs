//! An engine for tests that goes wrong as it is told: bits flip, numbers stop being numbers, everything becomes zero.
//!
//! Under it is the exact engine, whatever kind and length it says it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use num_bigint::BigUint;

use super::course::Build;
use super::engine::{EngineKind, Recurrence, Squaring, StepError};
use super::exact::ExactEngine;
use super::exponent::Exponent;
use super::plan::Plan;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// This bit of the residue becomes the other, and nobody notices.
    Flip(u64),
    /// The residue becomes zero, and nobody notices.
    Zero,
    /// The step notices a round-off error.
    RoundOff,
    /// The step notices something else.
    SelfCheck,
    /// Nothing is a number any more, which is noticed when the residue is asked for.
    NotANumber,
}

/// What goes wrong when, shared by all engines of a test.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Steps done by all of them.
    pub(crate) steps: AtomicU32,
    /// Once, at these steps, from 1.
    pub(crate) once: Vec<(u32, Trouble)>,
    /// At every step from this one on.
    pub(crate) always: Option<(u32, Trouble)>,
    /// At every step of transforms below this length.
    pub(crate) too_short_below: usize,
}

impl Script {
    /// Something that goes wrong once, at this step.
    pub(crate) fn once(step: u32, trouble: Trouble) -> Script {
        Script { once: vec![(step, trouble)], ..Script::default() }
    }

    /// What makes engines to this script.
    pub(crate) fn build(self) -> Build {
        let script = Arc::new(self);
        Arc::new(move |plan: Plan| {
            let inner = ExactEngine::new(plan.exponent())?;
            Ok(Box::new(Faulty { inner, plan, script: Arc::clone(&script), is_number: true }))
        })
    }
}

struct Faulty {
    inner: ExactEngine,
    plan: Plan,
    script: Arc<Script>,
    is_number: bool,
}

const ROUND_OFF: StepError = StepError::RoundOff { measured: 0.45, limit: 0.4 };

impl Squaring for Faulty {
    fn kind(&self) -> EngineKind {
        self.plan.kind()
    }

    fn exponent(&self) -> Exponent {
        self.plan.exponent()
    }

    fn length(&self) -> Option<usize> {
        self.plan.length()
    }

    fn start(&mut self, value: &BigUint, shift: u32) {
        self.is_number = true;
        self.inner.start(value, shift);
    }

    fn step(&mut self, recurrence: Recurrence) -> Result<(), StepError> {
        let step = self.script.steps.fetch_add(1, Ordering::Relaxed) + 1;
        self.inner.step(recurrence)?;
        if self.plan.length().is_some_and(|length| length < self.script.too_short_below) {
            return Err(ROUND_OFF);
        }
        let once = self.script.once.iter().filter(|(at, _)| *at == step);
        let always = self.script.always.iter().filter(|(from, _)| *from <= step);
        for (_, trouble) in once.chain(always) {
            match trouble {
                Trouble::Flip(bit) => {
                    let mut residue = self.inner.residue()?;
                    residue.set_bit(*bit, !residue.bit(*bit));
                    self.inner.start(&residue, self.inner.shift());
                }
                Trouble::Zero => self.inner.start(&BigUint::ZERO, self.inner.shift()),
                Trouble::RoundOff => return Err(ROUND_OFF),
                Trouble::SelfCheck => return Err(StepError::SelfCheck { property: "made up" }),
                Trouble::NotANumber => self.is_number = false,
            }
        }
        Ok(())
    }

    fn shift(&self) -> u32 {
        self.inner.shift()
    }

    fn roundoff(&self) -> f64 {
        if self.is_number { 0.125 } else { f64::NAN }
    }

    fn residue(&self) -> Result<BigUint, StepError> {
        if self.is_number { self.inner.residue() } else { Err(StepError::RoundOff { measured: f64::NAN, limit: 0.4 }) }
    }
}
