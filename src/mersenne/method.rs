//! Which test is made of a number, and what may go wrong in one.
//!
//! Uses what engines notice. A test is a chain of squarings whose end decides; a fault is what shows that the chain is
//! broken, so that a part of it is done again.

use std::fmt;

use thiserror::Error;

use super::engine::StepError;

/// The tests there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Lucas and Lehmer's, which proves primes: p - 2 squarings from 4.
    LucasLehmer,
    /// Fermat's to base 3, which finds probable primes, under Gerbicz's check: p squarings from 3.
    Prp(ResidueType),
}

/// Which power of 3 a Fermat test reports, by the numbers that GIMPS uses for them. The squarings are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResidueType {
    /// 3^(N-1), 1 for a probable prime.
    One,
    /// 3^(N+1), 9 for a probable prime.
    Three,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Method::LucasLehmer => "Lucas-Lehmer",
            Method::Prp(ResidueType::One) => "PRP type 1",
            Method::Prp(ResidueType::Three) => "PRP type 3",
        })
    }
}

/// What showed that a computation had gone wrong.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum Fault {
    /// The engine noticed.
    #[error(transparent)]
    Engine(#[from] StepError),
    /// Gerbicz's check failed: a squaring since the last one was wrong.
    #[error("Gerbicz's check failed")]
    Gerbicz,
    /// The residue has a Jacobi symbol that no residue of this test has.
    #[error("the Jacobi symbol of the residue is wrong")]
    Jacobi,
    /// A number that one computation found prime is composite by another.
    #[error("two computations disagree")]
    Unconfirmed,
}

/// How often a computation went wrong and was noticed, by what noticed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// The round-off error was too large.
    pub round_off: u32,
    /// A property of every right residue did not hold.
    pub self_check: u32,
    /// Gerbicz's check failed.
    pub gerbicz: u32,
    /// A Jacobi symbol was wrong.
    pub jacobi: u32,
    /// A prime was not confirmed.
    pub unconfirmed: u32,
}

impl Errors {
    /// Counts a fault.
    pub fn count(&mut self, fault: &Fault) {
        let count = match fault {
            Fault::Engine(StepError::RoundOff { .. }) => &mut self.round_off,
            Fault::Engine(StepError::SelfCheck { .. }) => &mut self.self_check,
            Fault::Gerbicz => &mut self.gerbicz,
            Fault::Jacobi => &mut self.jacobi,
            Fault::Unconfirmed => &mut self.unconfirmed,
        };
        *count = count.saturating_add(1);
    }

    /// All of them.
    pub fn total(&self) -> u32 {
        let Errors { round_off, self_check, gerbicz, jacobi, unconfirmed } = *self;
        [round_off, self_check, gerbicz, jacobi, unconfirmed].into_iter().fold(0, u32::saturating_add)
    }

    /// Both together, as when a test goes on in another computation.
    pub fn and(self, other: Errors) -> Errors {
        Errors {
            round_off: self.round_off.saturating_add(other.round_off),
            self_check: self.self_check.saturating_add(other.self_check),
            gerbicz: self.gerbicz.saturating_add(other.gerbicz),
            jacobi: self.jacobi.saturating_add(other.jacobi),
            unconfirmed: self.unconfirmed.saturating_add(other.unconfirmed),
        }
    }
}
