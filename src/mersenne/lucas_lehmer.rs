//! The Lucas-Lehmer test, on any squaring engine: the proof that 2^p - 1 is prime, or that it is not.
//!
//! Uses engines and interrupts. For odd p, 2^p - 1 is prime exactly when it divides the last of s = 4,
//! s² - 2, … after p - 2 squarings: D. H. Lehmer, "An extended theory of Lucas' functions",
//! Annals of Mathematics 31 (1930). 2^2 - 1 = 3 is outside the theorem, and prime.

use num_bigint::BigUint;

use super::engine::{Recurrence, Res64, Squaring, StepError};
use super::exponent::Exponent;
use super::interrupt::Interrupt;

/// What is known of a number 2^p - 1 when its test is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is prime.
    Prime,
    /// It is composite.
    Composite {
        /// The end of the last residue, for comparison with other programs.
        res64: Res64,
    },
}

/// How a run of the test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All squarings were done.
    Finished(Verdict),
    /// It was asked to stop. The test stands where it stopped and can be run on.
    Interrupted,
}

/// How far a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Squarings done, 0 to `total`.
    pub iteration: u32,
    /// Squarings needed: p - 2.
    pub total: u32,
}

/// One test: an engine and how often it has squared.
#[derive(Clone, Debug)]
pub struct LucasLehmer<E> {
    engine: E,
    iteration: u32,
}

impl<E: Squaring> LucasLehmer<E> {
    /// The test of `engine`'s exponent, from the beginning.
    pub fn new(mut engine: E) -> Self {
        engine.start(&BigUint::from(4u32), 0);
        LucasLehmer { engine, iteration: 0 }
    }

    /// The p of the number under test.
    pub fn exponent(&self) -> Exponent {
        self.engine.exponent()
    }

    /// How far the test is.
    pub fn progress(&self) -> Progress {
        Progress { iteration: self.iteration, total: self.exponent().get() - 2 }
    }

    /// The low 64 bits of the residue after the squarings done so far.
    ///
    /// # Errors
    /// The engine's, when it cannot vouch for them.
    pub fn res64(&self) -> Result<Res64, StepError> {
        self.engine.residue().map(|residue| Res64::of(&residue))
    }

    /// Squares once. Does nothing when all squarings are done.
    ///
    /// # Errors
    /// The engine's. The test is then worthless and must be begun anew.
    pub fn step(&mut self) -> Result<(), StepError> {
        let Progress { iteration, total } = self.progress();
        if iteration < total {
            self.engine.step(Recurrence::SquareMinusTwo)?;
            self.iteration += 1;
        }
        Ok(())
    }

    /// Squares until the end, or until `interrupt` is raised, which is looked at before every squaring.
    ///
    /// `on_progress` hears of every squaring, on this thread: it should return at once.
    ///
    /// # Errors
    /// The engine's. The test is then worthless and must be begun anew.
    pub fn run(&mut self, interrupt: &Interrupt, on_progress: &mut dyn FnMut(Progress)) -> Result<Outcome, StepError> {
        while self.progress().iteration < self.progress().total {
            if interrupt.is_requested() {
                return Ok(Outcome::Interrupted);
            }
            self.step()?;
            on_progress(self.progress());
        }
        self.verdict().map(Outcome::Finished)
    }

    fn verdict(&mut self) -> Result<Verdict, StepError> {
        let residue = self.engine.residue()?;
        if self.exponent() == Exponent::SMALLEST || residue == BigUint::ZERO {
            Ok(Verdict::Prime)
        } else {
            Ok(Verdict::Composite { res64: Res64::of(&residue) })
        }
    }
}

#[cfg(test)]
mod tests;
