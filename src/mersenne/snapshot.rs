//! A test at one moment: all it takes to go on from there, on any engine.
//!
//! Uses big integers. What it holds is right as far as the engine can tell that handed it out; the mark in `checked` is right
//! by a check that does not depend on the engine's own judgement.

use num_bigint::BigUint;

use super::engine::EngineKind;
use super::exponent::Exponent;
use super::method::{Errors, Method};
use super::plan::Plan;

/// A place in a chain of squarings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Squarings done.
    pub iteration: u32,
    /// By how many bits the residue was held rotated, below p.
    pub shift: u32,
    /// The residue, 0 ≤ s < 2^p - 1, without its shift.
    pub residue: BigUint,
    /// Gerbicz's product of the residues at the ends of all blocks before this place; `None` for Lucas and Lehmer's test.
    pub product: Option<BigUint>,
}

/// A test at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The p of the modulus.
    pub exponent: Exponent,
    /// Which test.
    pub method: Method,
    /// The engine it was on, and the length of its transform in points; 0 for none.
    pub engine: (EngineKind, usize),
    /// By how many bits the residue was held rotated at the test's beginning.
    pub start_shift: u32,
    /// Squarings from one of Gerbicz's products to the next; 0 for Lucas and Lehmer's test.
    pub block: u32,
    /// What has gone wrong and was repaired so far.
    pub errors: Errors,
    /// Where it stands.
    pub current: Mark,
    /// The last place that has passed Gerbicz's or Jacobi's check; `None` is the beginning.
    pub checked: Option<Mark>,
}

impl Snapshot {
    /// Where to go on: `plan`, unless the test has already turned out to need a longer transform of the same engine.
    pub fn plan(&self, plan: Plan) -> Plan {
        let (kind, length) = self.engine;
        if kind == plan.kind() && plan.length().is_some_and(|own| own < length) {
            Plan::with_length(self.exponent, kind, length).unwrap_or(plan)
        } else {
            plan
        }
    }

    /// What is wrong with it, for one that comes from outside.
    pub fn flaw(&self) -> Option<&'static str> {
        let p = self.exponent.get();
        let (last, is_prp) = match self.method {
            // The last squaring is never a place to go on from.
            Method::LucasLehmer => (p.saturating_sub(3), false),
            Method::Prp(_) => (p, true),
        };
        let is_wrong = |mark: &Mark| {
            mark.iteration > last
                || mark.shift >= p
                || mark.residue.bits() > p.into()
                || mark.product.is_some() != is_prp
                || mark.product.as_ref().is_some_and(|product| product.bits() > p.into())
        };
        if p < 3 || self.start_shift >= p {
            Some("its shift is not below its exponent")
        } else if is_prp != (1..=p).contains(&self.block) {
            Some("it has no block length that its test could have")
        } else if is_wrong(&self.current) || self.checked.as_ref().is_some_and(is_wrong) {
            Some("it stands where its test never stands")
        } else if self.checked.as_ref().is_some_and(|checked| checked.iteration > self.current.iteration) {
            Some("it was checked later than it is")
        } else {
            None
        }
    }
}
