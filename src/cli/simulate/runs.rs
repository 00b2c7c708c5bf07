//! The runs of a scenario: made, printed, drawn.

use anyhow::{Result, anyhow};
use serde::Serialize;

use super::shown::Shown;
use super::{SimulateArgs, overrides, repeat, seeds, traced, write};
use crate::cli::output;
use crate::simulation::plot;
use crate::simulation::report::{Report, Summary};
use crate::simulation::run::{self, Progress};
use crate::simulation::scenario::{Overrides, Scenario};

/// The most failing seeds whose reasons are printed; all are named.
const EXPLAINED_MAX: usize = 5;

/// Everything, as `--json` prints it.
#[derive(Serialize)]
struct Json<'a> {
    version: &'static str,
    scenario: &'a Scenario,
    /// For each failing seed the command that repeats it.
    repeat: Vec<String>,
    summary: &'a Summary,
    runs: &'a [Report],
}

/// Runs a scenario with every seed that is wanted.
pub(super) fn runs(args: &SimulateArgs, scenario: &Scenario) -> Result<()> {
    let (first, count) = seeds(args, scenario.seeds);
    let of = traced(args);
    let shown = std::cell::RefCell::new(Shown::new(&scenario.name, count));
    let one = |seed: u64, tell: &mut dyn FnMut(Progress)| run::run(scenario, seed, of, tell);
    let reports = run::each(
        first,
        count,
        run::threads(),
        one,
        |done, progress| shown.borrow_mut().show(done, Some(progress)),
        |report| {
            if !report.failures.is_empty() {
                shown.borrow_mut().failed();
            }
        },
    );
    shown.borrow().clear();
    if let (Some(path), Some(report)) = (&args.plot, reports.first()) {
        write(path, &plot::svg(&scenario.name, report))?;
    }
    let summary = Summary::of(&reports);
    if args.json {
        let repeat = summary.failing_seeds.iter().map(|&seed| repeat::command(args, seed)).collect();
        let all = Json { version: env!("CARGO_PKG_VERSION"), scenario, repeat, summary: &summary, runs: &reports };
        output::line(&serde_json::to_string_pretty(&all)?)?;
    } else {
        print(args, scenario, &reports, &summary)?;
    }
    verdict(args, &scenario.name, &reports)
}

fn print(args: &SimulateArgs, scenario: &Scenario, reports: &[Report], summary: &Summary) -> Result<()> {
    let Scenario { name, shows, .. } = scenario;
    if overrides(args) == Overrides::default() {
        output::line(&format!("{name}: {shows}\n"))?;
    } else {
        output::line(&format!("{name}, changed by flags; without them: {shows}\n"))?;
    }
    match reports {
        [one] => {
            for line in &one.trace {
                output::line(line)?;
            }
            output::line(one.to_string().trim_end())?;
        }
        several => {
            let slowest = several.iter().map(|report| report.real.speed).min_by(f64::total_cmp).unwrap_or_default();
            output::line(summary.to_string().trim_end())?;
            let passed = several.len() - summary.failing_seeds.len();
            output::line(&format!(
                "\n{passed} of {} runs passed, each at {slowest:.0} × real time on one core or faster",
                several.len()
            ))?;
        }
    }
    Ok(())
}

/// Whether all runs have passed; if not, an error with what repeats those that have not.
fn verdict(args: &SimulateArgs, name: &str, reports: &[Report]) -> Result<()> {
    let failed: Vec<&Report> = reports.iter().filter(|report| !report.failures.is_empty()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(anyhow!(failure(name, reports.len(), &failed, |seed| repeat::command(args, seed))))
}

/// What did not hold, for people: each seed, why, and the command that repeats it.
fn failure(name: &str, runs: usize, failed: &[&Report], repeat: impl Fn(u64) -> String) -> String {
    let mut told = format!("{name} failed with {} of {runs} seeds", failed.len());
    if runs == 1 {
        told = format!("{name} failed");
    }
    for report in failed.iter().take(EXPLAINED_MAX) {
        told += &format!("\nseed {}:", report.seed);
        for failure in &report.failures {
            told += &format!("\n  {failure}");
        }
        told += &format!("\n  repeat it: {}", repeat(report.seed));
    }
    let more: Vec<String> = failed.iter().skip(EXPLAINED_MAX).map(|report| report.seed.to_string()).collect();
    if !more.is_empty() {
        told += &format!("\nand with the seeds {}", more.join(", "));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failing_seed_is_named_and_the_first_are_explained() {
        let report = |seed| Report { seed, failures: vec![format!("no {seed}")], ..Report::default() };
        let reports: Vec<Report> = (1..=7).map(report).collect();
        let failed: Vec<&Report> = reports.iter().collect();
        let told = failure("x", 9, &failed, |seed| format!("again {seed}"));
        assert!(
            told.starts_with("x failed with 7 of 9 seeds\nseed 1:\n  no 1\n  repeat it: again 1\nseed 2:"),
            "{told}"
        );
        assert!(told.ends_with("repeat it: again 5\nand with the seeds 6, 7"), "{told}");
        let one = failure("x", 1, &failed[..1], |_| String::new());
        assert!(one.starts_with("x failed\nseed 1:"), "{one}");
    }
}
