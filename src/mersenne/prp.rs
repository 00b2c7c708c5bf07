//! Fermat's test to base 3, under Gerbicz's check: what finds probable primes, with next to no chance of an error unseen.
//!
//! Uses engines, interrupts and Gerbicz's blocks. N = 2^p - 1 is a probable prime when 3^(N-1) = 1, and so 3^(N+1) = 9,
//! modulo N. N + 1 = 2^p, so the second is p squarings of 3 and nothing else, which is what the check needs; the first
//! follows by dividing by 9.
//!
//! Blocks end exactly at the last squaring, so everything is checked: what is left over stands before the first block, and is
//! so short that it is written down.

use num_bigint::BigUint;

use super::course::{Build, Course, GaveUp};
use super::engine::{EngineError, Recurrence, StepError};
use super::exponent::Exponent;
use super::gerbicz::{self, Blocks, NoProduct};
use super::interrupt::Interrupt;
use super::method::{Fault, Method, ResidueType};
use super::plan::Plan;
use super::snapshot::{Mark, Snapshot};
use super::test::{Advance, State};

/// From this exponent on the check costs less than 1 % of a test, by its model: see [`relative_cost`].
pub const WORTHWHILE_FROM: u32 = 1_000_000;

const NOT_ZERO: StepError = StepError::SelfCheck { property: "that no power of three is zero" };

/// What Gerbicz's check takes, relative to the squarings of the test: a model, whose figures are measured.
pub fn relative_cost(exponent: Exponent) -> f64 {
    Blocks::of(exponent).relative_cost(exponent)
}

/// One test.
pub struct Prp {
    course: Course,
    exponent: Exponent,
    residue_type: ResidueType,
    blocks: Blocks,
    /// 3^(2^head) modulo 2^p - 1
    base: BigUint,
    start_shift: u32,
    iteration: u32,
    /// The product of the residues at the ends of all blocks before this place, and of the base.
    product: BigUint,
    phase: Phase,
    /// The end of the last block, at which the engine was content.
    good: Mark,
    /// The end of the last block that has passed the check; `None` is the beginning.
    checked: Option<Mark>,
    pending: Option<StepError>,
}

enum Phase {
    /// Between the ends of blocks.
    Squaring,
    /// At the end of a block with this residue, which is to go into the product.
    BlockEnd(BigUint),
    /// The same, with the next product; the one before is raised to 2^L, so many squarings of which are left.
    Raising { residue: BigUint, next: BigUint, left: u32 },
    /// The same, the one before raised.
    Comparing { residue: BigUint, next: BigUint, power: BigUint },
    /// 3^(2^p), checked.
    Done(BigUint),
}

/// What stops a slice.
enum Stop {
    Interrupted,
    Fault(Fault),
}

impl From<StepError> for Stop {
    fn from(error: StepError) -> Self {
        Stop::Fault(error.into())
    }
}

impl From<NoProduct> for Stop {
    fn from(reason: NoProduct) -> Self {
        match reason {
            NoProduct::Interrupted => Stop::Interrupted,
            NoProduct::Failed(error) => error.into(),
        }
    }
}

impl Prp {
    /// The test of `plan`'s exponent, an odd prime, from the beginning, its residue held rotated by `shift` mod p bits.
    ///
    /// # Errors
    /// When the engine cannot be built.
    pub fn new(residue: ResidueType, plan: Plan, build: Build, shift: u32) -> Result<Self, EngineError> {
        let blocks = Blocks::of(plan.exponent());
        let shift = shift % plan.exponent().get();
        let course = Course::new(plan, build, Default::default())?;
        Ok(Self::at(course, residue, blocks, shift, None, None))
    }

    /// The test from where `snapshot` was taken.
    ///
    /// # Errors
    /// When the engine cannot be built.
    pub fn resume(snapshot: &Snapshot, residue: ResidueType, plan: Plan, build: Build) -> Result<Self, EngineError> {
        let course = Course::new(snapshot.plan(plan), build, snapshot.errors)?;
        let blocks = Blocks::with_length(snapshot.exponent, snapshot.block.clamp(1, snapshot.exponent.get()));
        let current = (snapshot.current.iteration > blocks.head).then(|| snapshot.current.clone());
        Ok(Self::at(course, residue, blocks, snapshot.start_shift, current, snapshot.checked.clone()))
    }

    fn at(
        course: Course,
        residue_type: ResidueType,
        blocks: Blocks,
        start_shift: u32,
        current: Option<Mark>,
        checked: Option<Mark>,
    ) -> Self {
        let base = blocks.base(course.plan().exponent());
        let beginning =
            Mark { iteration: blocks.head, shift: start_shift, residue: base.clone(), product: Some(base.clone()) };
        let mut test = Prp {
            exponent: course.plan().exponent(),
            course,
            residue_type,
            blocks,
            base,
            start_shift,
            iteration: 0,
            product: BigUint::ZERO,
            phase: Phase::Squaring,
            good: current.unwrap_or(beginning),
            checked,
            pending: None,
        };
        test.stand(test.good.shift);
        test
    }

    fn beginning(&self) -> Mark {
        Mark {
            iteration: self.blocks.head,
            shift: self.start_shift,
            residue: self.base.clone(),
            product: Some(self.base.clone()),
        }
    }

    /// Goes on from the last good place.
    fn stand(&mut self, shift: u32) {
        let Mark { iteration, residue, product, .. } = &self.good;
        self.iteration = *iteration;
        self.product = product.clone().unwrap_or_else(|| self.base.clone());
        self.course.start(residue, shift);
        self.phase = if self.blocks.is_end(*iteration) { Phase::BlockEnd(residue.clone()) } else { Phase::Squaring };
    }

    /// Squares up to `squarings` times, and looks at `interrupt` before each. Comes back early when it went back, is
    /// done, or was interrupted; it can then be called again.
    ///
    /// # Errors
    /// When it has failed again and again. The test is then worthless.
    pub fn advance(&mut self, squarings: u32, interrupt: &Interrupt) -> Result<Advance, GaveUp> {
        let mut done = 0;
        if let Some(error) = self.pending.take() {
            return self.go_back(error.into(), done);
        }
        loop {
            if let Phase::Done(_) = self.phase {
                return Ok(Advance { squarings: done, state: State::Finished });
            }
            if done >= squarings {
                return Ok(Advance { squarings: done, state: State::Running });
            }
            match self.work(squarings, &mut done, interrupt) {
                Ok(()) => {}
                Err(Stop::Interrupted) => return Ok(Advance { squarings: done, state: State::Interrupted }),
                Err(Stop::Fault(fault)) => return self.go_back(fault, done),
            }
        }
    }

    /// Does the next thing: squarings, a product, a comparison.
    fn work(&mut self, squarings: u32, done: &mut u32, interrupt: &Interrupt) -> Result<(), Stop> {
        let shift = self.course.shift();
        match &mut self.phase {
            Phase::Squaring => {
                let until = self.blocks.end_after(self.iteration).min(self.iteration.saturating_add(squarings - *done));
                while self.iteration < until {
                    if interrupt.is_requested() {
                        return Err(Stop::Interrupted);
                    }
                    *done += 1;
                    self.course.engine().step(Recurrence::Square)?;
                    self.iteration += 1;
                }
                if self.blocks.is_end(self.iteration) {
                    let residue = self.course.residue()?;
                    if residue == BigUint::ZERO {
                        return Err(NOT_ZERO.into());
                    }
                    // Products begin by starting the engine anew.
                    self.course.keep_roundoff();
                    self.phase = Phase::BlockEnd(residue);
                }
            }
            Phase::BlockEnd(residue) => {
                let next = gerbicz::product(self.course.engine(), &self.product, residue, shift, interrupt)?;
                let residue = residue.clone();
                *done += 2;
                if self.blocks.is_check(self.iteration, self.exponent) {
                    self.course.start(&self.product, shift);
                    self.phase = Phase::Raising { residue, next, left: self.blocks.length };
                } else {
                    self.course.start(&residue, shift);
                    self.enter_block(residue, next, shift);
                }
            }
            Phase::Raising { residue, next, left } => {
                while *left > 0 && *done < squarings {
                    if interrupt.is_requested() {
                        return Err(Stop::Interrupted);
                    }
                    *done += 1;
                    self.course.engine().step(Recurrence::Square)?;
                    *left -= 1;
                }
                if *left == 0 {
                    let (residue, next) = (std::mem::take(residue), std::mem::take(next));
                    let power = self.course.residue()?;
                    self.phase = Phase::Comparing { residue, next, power };
                }
            }
            Phase::Comparing { residue, next, power } => {
                let other = gerbicz::product(self.course.engine(), power, &self.base, shift, interrupt)?;
                *done += 2;
                if other != *next || other == BigUint::ZERO {
                    return Err(Stop::Fault(Fault::Gerbicz));
                }
                let (residue, next) = (std::mem::take(residue), std::mem::take(next));
                self.course.passed(self.iteration);
                self.checked = Some(self.mark(residue.clone(), shift));
                if self.iteration == self.exponent.get() {
                    self.phase = Phase::Done(residue);
                } else {
                    self.course.start(&residue, shift);
                    self.enter_block(residue, next, shift);
                }
            }
            Phase::Done(_) => {}
        }
        Ok(())
    }

    /// Keeps the end of the block behind, and goes on with the next. A failure of this block is overcome; one of the check is
    /// only when the test is beyond where it was noticed.
    fn enter_block(&mut self, residue: BigUint, next: BigUint, shift: u32) {
        self.course.passed(self.iteration);
        self.good = self.mark(residue, shift);
        self.product = next;
        self.phase = Phase::Squaring;
    }

    fn mark(&self, residue: BigUint, shift: u32) -> Mark {
        Mark { iteration: self.iteration, shift, residue, product: Some(self.product.clone()) }
    }

    fn go_back(&mut self, fault: Fault, squarings: u32) -> Result<Advance, GaveUp> {
        self.course.fail(fault, self.iteration)?;
        if fault == Fault::Gerbicz || self.course.is_stuck() {
            self.good = self.checked.clone().unwrap_or_else(|| self.beginning());
        }
        self.stand(self.course.other_shift(self.good.shift));
        Ok(Advance { squarings, state: State::WentBack(fault) })
    }

    /// The test at this moment; from the last good place, if the engine cannot vouch for this one.
    pub fn snapshot(&mut self) -> Snapshot {
        let shift = self.course.shift();
        let residue = match &self.phase {
            _ if self.pending.is_some() => None,
            // The product already holds this block: `good` is the same place before that.
            Phase::Squaring if self.blocks.is_end(self.iteration) => None,
            Phase::Squaring => match self.course.residue() {
                Ok(residue) => Some(residue),
                Err(error) => {
                    self.pending = Some(error);
                    None
                }
            },
            Phase::BlockEnd(residue)
            | Phase::Raising { residue, .. }
            | Phase::Comparing { residue, .. }
            | Phase::Done(residue) => Some(residue.clone()),
        };
        let plan = self.course.plan();
        Snapshot {
            exponent: self.exponent,
            method: Method::Prp(self.residue_type),
            engine: (plan.kind(), plan.length().unwrap_or(0)),
            start_shift: self.start_shift,
            block: self.blocks.length,
            errors: self.course.errors(),
            current: residue.map_or_else(|| self.good.clone(), |residue| self.mark(residue, shift)),
            checked: self.checked.clone(),
        }
    }

    /// Squarings done, of so many.
    pub fn progress(&self) -> (u32, u32) {
        (self.iteration, self.exponent.get())
    }

    /// Which residue is asked for.
    pub fn residue_type(&self) -> ResidueType {
        self.residue_type
    }

    pub(super) fn course(&self) -> &Course {
        &self.course
    }

    pub(super) fn start_shift(&self) -> u32 {
        self.start_shift
    }

    /// 3^(2^p) modulo 2^p - 1; `None` while the test goes on.
    pub fn ending(&self) -> Option<&BigUint> {
        match &self.phase {
            Phase::Done(power) => Some(power),
            Phase::Squaring | Phase::BlockEnd(_) | Phase::Raising { .. } | Phase::Comparing { .. } => None,
        }
    }
}

/// Whether 3^(2^p) is that of a probable prime: 9.
pub(super) fn is_hit(power: &BigUint, exponent: Exponent) -> bool {
    *power == reduce(&BigUint::from(9u32), exponent)
}

/// The residue of this type that belongs to 3^(2^p).
pub(super) fn residue(residue_type: ResidueType, power: &BigUint, exponent: Exponent) -> BigUint {
    match residue_type {
        ResidueType::Three => power.clone(),
        ResidueType::One => third(&third(power, exponent), exponent),
    }
}

/// `value` / 3 modulo M = 2^p - 1. M = 1 modulo 3, so one of value, value + M, value + 2M is a multiple.
fn third(value: &BigUint, exponent: Exponent) -> BigUint {
    let three = BigUint::from(3u32);
    let modulus = (BigUint::ONE << exponent.get()) - 1u32;
    let remainder = value % &three;
    let wanted = (&three - remainder) % &three;
    (value + modulus * wanted) / three
}

fn reduce(value: &BigUint, exponent: Exponent) -> BigUint {
    value % ((BigUint::ONE << exponent.get()) - 1u32)
}

#[cfg(test)]
mod tests;
