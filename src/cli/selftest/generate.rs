//! Writes the file of stored residues: one line for each largest exponent of a length, by two engines that agree.
//!
//! Uses engines directly. What is stored already is kept: the self-test itself computes it again.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::stored::Stored;
use super::{ITERATIONS, chain};
use crate::cli::choice;
use crate::cli::output;
use crate::cli::stop::Stop;
use crate::mersenne::transform::length;
use crate::mersenne::{EngineKind, EngineSet, Exponent, Plan};

/// Prints the file, for all lengths up to this one and whatever is stored above it.
///
/// # Errors
/// Engines that do not agree; a signal.
pub(super) fn generate(longest: usize, stop: &Stop) -> Result<()> {
    output::line("exponent,iterations,res64,engines")?;
    for (exponent, plan) in exponents() {
        if let Some(line) = Stored::line(exponent, ITERATIONS) {
            output::line(line)?;
            continue;
        }
        if plan.length().is_some_and(|length| length > longest) {
            continue;
        }
        let Some(plans) = chain::two(plan, ITERATIONS, EngineSet::of_this_machine()) else {
            output::tell(&format!("mersenned: M{exponent} is left out: there is but one engine for it here"));
            continue;
        };
        let ends = plans.map(|plan| chain::run(plan, ITERATIONS, chain::Shifted::Yes, stop.interrupt()));
        if stop.interrupt().is_requested() {
            return Err(stop.stopped("stopped before all residues were computed".to_owned()).into());
        }
        let [first, second] = ends;
        let (first, second) = (first?, second?);
        let [one, other] = plans.map(Plan::kind);
        if first.res64 != second.res64 {
            bail!(
                "the {one} and the {other} engine do not agree about M{exponent}: {} and {}",
                first.res64,
                second.res64
            );
        }
        output::line(&format!("{exponent},{ITERATIONS},{},{one} + {other}", first.res64))?;
    }
    Ok(())
}

/// The largest exponents of all lengths of all engines, ascending, each once.
fn exponents() -> BTreeMap<Exponent, Plan> {
    let transforms = EngineKind::ALL.into_iter().filter(|kind| *kind != EngineKind::Exact);
    let plans =
        transforms.flat_map(|kind| length::lengths(kind).filter_map(move |length| choice::at_its_limit(kind, length)));
    plans.map(|plan| (plan.exponent(), plan)).collect()
}
