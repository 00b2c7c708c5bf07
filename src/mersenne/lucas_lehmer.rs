//! The Lucas-Lehmer test, on any squaring engine: the proof that 2^p - 1 is prime, or that it is not.
//!
//! Uses engines and interrupts. For odd p, 2^p - 1 is prime exactly when it divides the last of s = 4,
//! s² - 2, … after p - 2 squarings: D. H. Lehmer, "An extended theory of Lucas' functions",
//! Annals of Mathematics 31 (1930). 2^2 - 1 = 3 is outside the theorem, and prime.
//!
//! What a broken engine makes of it is a residue of 0, 1, 2 or their negatives, which reproduce themselves, and 0 reads
//! "prime". So such a residue on the way is a fault; and the last but one before a zero has to be a square root of 2, which
//! modulo a Mersenne prime is ±2^((p+1)/2), and no accident is.

use num_bigint::BigUint;

use super::course::{Build, Course, GaveUp};
use super::engine::{EngineError, Recurrence, StepError};
use super::exponent::Exponent;
use super::interrupt::Interrupt;
use super::jacobi_check::{JacobiCheck, Judgement};
use super::method::{Fault, Method};
use super::plan::Plan;
use super::snapshot::{Mark, Snapshot};
use super::test::{Advance, State};

/// Every so many squarings the residue is kept, to go back to: taking one costs as much as some 10 squarings, less than 0.5 %.
const DISTANCE: u32 = 4_096;

const DEGENERATE: StepError = StepError::SelfCheck { property: "that no residue reproduces itself" };
const NO_ROOT: StepError = StepError::SelfCheck { property: "that a root of two comes before zero" };

/// One test.
pub struct LucasLehmer {
    course: Course,
    exponent: Exponent,
    iteration: u32,
    start_shift: u32,
    /// Where the engine was content.
    good: Mark,
    /// Where Jacobi's symbol was right; `None` is the beginning.
    checked: Option<Mark>,
    jacobi: JacobiCheck,
    /// What a snapshot came upon.
    pending: Option<StepError>,
    /// Whether the last residue but one was a root of two.
    root_of_two: bool,
    /// The last residue, once it has passed.
    ending: Option<BigUint>,
}

fn beginning(shift: u32) -> Mark {
    Mark { iteration: 0, shift, residue: BigUint::from(4u32), product: None }
}

impl LucasLehmer {
    /// The test of `plan`'s exponent, from the beginning, its residue held rotated by `shift` mod p bits.
    ///
    /// # Errors
    /// When the engine cannot be built.
    pub fn new(plan: Plan, build: Build, shift: u32) -> Result<Self, EngineError> {
        let exponent = plan.exponent();
        let shift = shift % exponent.get();
        let course = Course::new(plan, build, Default::default())?;
        Ok(Self::at(course, shift, beginning(shift), None))
    }

    /// The test from where `snapshot` was taken.
    ///
    /// # Errors
    /// When the engine cannot be built.
    pub fn resume(snapshot: &Snapshot, plan: Plan, build: Build) -> Result<Self, EngineError> {
        let course = Course::new(snapshot.plan(plan), build, snapshot.errors)?;
        Ok(Self::at(course, snapshot.start_shift, snapshot.current.clone(), snapshot.checked.clone()))
    }

    fn at(mut course: Course, start_shift: u32, good: Mark, checked: Option<Mark>) -> Self {
        let exponent = course.plan().exponent();
        course.start(&good.residue, good.shift);
        let mut test = LucasLehmer {
            jacobi: JacobiCheck::of(course.plan()),
            course,
            exponent,
            iteration: good.iteration,
            start_shift,
            good,
            checked,
            pending: None,
            root_of_two: false,
            ending: None,
        };
        if exponent == Exponent::SMALLEST {
            test.ending = Some(BigUint::ZERO);
        }
        test
    }

    fn total(&self) -> u32 {
        self.exponent.get() - 2
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
        while self.ending.is_none() {
            if done >= squarings {
                return Ok(Advance { squarings: done, state: State::Running });
            }
            // Up to the next place at which there is something to do beside squaring.
            let stop = (self.iteration / DISTANCE + 1).saturating_mul(DISTANCE);
            let until = stop.min(self.total()).min(self.iteration.saturating_add(squarings - done));
            while self.iteration < until {
                if interrupt.is_requested() {
                    return Ok(Advance { squarings: done, state: State::Interrupted });
                }
                if self.iteration + 1 == self.total() {
                    match self.is_root_of_two() {
                        Ok(is_root) => self.root_of_two = is_root,
                        Err(error) => return self.go_back(error.into(), done),
                    }
                }
                done += 1;
                if let Err(error) = self.course.engine().step(Recurrence::SquareMinusTwo) {
                    return self.go_back(error.into(), done);
                }
                self.iteration += 1;
            }
            let checked =
                if self.iteration == self.total() { self.finish(interrupt) } else { self.keep(stop, interrupt) };
            if let Err(fault) = checked {
                return self.go_back(fault, done);
            }
            if self.iteration == self.total() && self.ending.is_none() {
                return Ok(Advance { squarings: done, state: State::Interrupted });
            }
        }
        Ok(Advance { squarings: done, state: State::Finished })
    }

    /// At `stop`, keeps the residue to go back to.
    fn keep(&mut self, stop: u32, interrupt: &Interrupt) -> Result<(), Fault> {
        if self.iteration != stop {
            return Ok(());
        }
        let mark = self.mark()?;
        if self.is_degenerate(&mark.residue) || mark.residue == BigUint::ZERO {
            return Err(DEGENERATE.into());
        }
        match self.jacobi.on_the_way(self.iteration, &mark.residue, interrupt) {
            Judgement::Passed => self.checked = Some(mark.clone()),
            Judgement::NotAsked => {}
            Judgement::Failed => return Err(Fault::Jacobi),
        }
        self.course.passed(self.iteration);
        self.good = mark;
        Ok(())
    }

    /// Judges the last residue. Leaves no ending when it was interrupted.
    fn finish(&mut self, interrupt: &Interrupt) -> Result<(), Fault> {
        let residue = self.course.residue()?;
        if self.is_degenerate(&residue) {
            return Err(DEGENERATE.into());
        }
        if residue == BigUint::ZERO && !self.root_of_two {
            return Err(NO_ROOT.into());
        }
        match self.jacobi.at_the_end(self.total(), &residue, interrupt) {
            Judgement::Failed => Err(Fault::Jacobi),
            Judgement::NotAsked if interrupt.is_requested() => Ok(()),
            Judgement::Passed | Judgement::NotAsked => {
                self.ending = Some(residue);
                Ok(())
            }
        }
    }

    /// Whether the residue is one of those, beside 0, that only reproduce themselves. Numbers of less than 64 bits may come
    /// upon them by right.
    fn is_degenerate(&self, residue: &BigUint) -> bool {
        let p = self.exponent.get();
        let is_small = (1..=2).contains(&residue.bits());
        let is_small_negative = residue.count_ones() + 1 == u64::from(p) && !(residue.bit(0) && residue.bit(1));
        p >= 64 && (is_small || is_small_negative)
    }

    fn is_root_of_two(&self) -> Result<bool, StepError> {
        let residue = self.course.residue()?;
        let power = u64::from(self.exponent).div_ceil(2);
        let ones = residue.count_ones();
        // 2^((p+1)/2), or all ones but that one
        let p = u64::from(self.exponent);
        Ok(ones == 1 && residue.bit(power) || ones == p - 1 && !residue.bit(power))
    }

    fn mark(&self) -> Result<Mark, StepError> {
        let residue = self.course.residue()?;
        Ok(Mark { iteration: self.iteration, shift: self.course.shift(), residue, product: None })
    }

    fn go_back(&mut self, fault: Fault, squarings: u32) -> Result<Advance, GaveUp> {
        self.course.fail(fault, self.iteration)?;
        if fault == Fault::Jacobi || self.course.is_stuck() {
            self.good = self.checked.clone().unwrap_or_else(|| beginning(self.start_shift));
        }
        let shift = self.course.other_shift(self.good.shift);
        self.course.start(&self.good.residue, shift);
        self.iteration = self.good.iteration;
        Ok(Advance { squarings, state: State::WentBack(fault) })
    }

    /// The test at this moment; from the last good place, if the engine cannot vouch for this one.
    pub fn snapshot(&mut self) -> Snapshot {
        // At the end the last residue but one would be missing, so it is not a place to go on from.
        let stands = self.pending.is_none() && self.iteration < self.total();
        let current = if stands { self.mark() } else { Ok(self.good.clone()) };
        let current = current.unwrap_or_else(|error| {
            self.pending = Some(error);
            self.good.clone()
        });
        let plan = self.course.plan();
        Snapshot {
            exponent: self.exponent,
            method: Method::LucasLehmer,
            engine: (plan.kind(), plan.length().unwrap_or(0)),
            start_shift: self.start_shift,
            block: 0,
            errors: self.course.errors(),
            current,
            checked: self.checked.clone(),
        }
    }

    /// Squarings done, of so many.
    pub fn progress(&self) -> (u32, u32) {
        (self.iteration, self.total())
    }

    pub(super) fn course(&self) -> &Course {
        &self.course
    }

    pub(super) fn start_shift(&self) -> u32 {
        self.start_shift
    }

    /// The last residue, 0 when this test finds 2^p - 1 prime; `None` while the test goes on.
    pub fn ending(&self) -> Option<&BigUint> {
        self.ending.as_ref()
    }
}

#[cfg(test)]
mod tests;
