//! `mersenned simulate chaos`: the mixed schedule of all faults, in which the seed decides everything.

use std::cell::RefCell;
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;

use super::shown::Shown;
use super::{SimulateArgs, overrides, seeds, traced};
use crate::cli::output;
use crate::protocol::Label as _;
use crate::simulation::chaos::{self, Failed, Passed};
use crate::simulation::scenario::{Overrides, named};
use crate::simulation::{Faults, run};

/// So many runs together meet every fault and every rare branch; fewer may miss one.
const ALL_HAPPENS: u64 = 200;

/// Everything, as `--json` prints it.
#[derive(Serialize)]
struct Json {
    version: &'static str,
    runs: Vec<Run>,
    failing_seeds: Vec<u64>,
    /// How often each fault happened and each rare branch was taken, in all.
    happened: std::collections::BTreeMap<&'static str, u64>,
    /// What never happened.
    missing: Vec<&'static str>,
    real_seconds: f64,
}

/// One run.
#[derive(Serialize)]
struct Run {
    seed: u64,
    hosts: Option<usize>,
    trace_hash: Option<String>,
    failure: Option<String>,
}

/// Runs chaos with every seed that is wanted.
pub(super) fn chaos(args: &SimulateArgs) -> Result<()> {
    if overrides(args) != Overrides::default() || args.show || args.plot.is_some() || traced(args).is_some() {
        bail!("chaos draws everything from its seed: beside --seed, --seeds and --json nothing means anything there");
    }
    let (first, count) = seeds(args, named::CHAOS_SEEDS);
    let shown = RefCell::new(Shown::new(named::CHAOS, count));
    let began = Instant::now();
    let one = |seed: u64, tell: &mut dyn FnMut(())| {
        tell(());
        chaos::run(seed)
    };
    let show = |done, ()| shown.borrow_mut().show(done, None);
    let results = run::each(first, count, run::threads(), one, show, |result: &Result<Passed, Failed>| {
        if result.is_err() {
            shown.borrow_mut().failed();
        }
    });
    shown.borrow().clear();
    let seeds = (0..count).map(|number| first.wrapping_add(number));
    let all = gather(seeds.zip(&results), began);
    if args.json {
        output::line(&serde_json::to_string_pretty(&all)?)?;
    } else {
        print(&all)?;
    }
    verdict(&all)
}

fn gather<'a>(results: impl Iterator<Item = (u64, &'a Result<Passed, Failed>)>, began: Instant) -> Json {
    let mut faults = Faults::default();
    let runs: Vec<Run> = results
        .map(|(seed, result)| match result {
            Ok(passed) => {
                faults.add(&passed.faults);
                let trace_hash = Some(format!("{:016x}", passed.trace));
                Run { seed, hosts: Some(passed.hosts), trace_hash, failure: None }
            }
            Err(failed) => Run { seed, hosts: None, trace_hash: None, failure: Some(failed.to_string()) },
        })
        .collect();
    let counted = faults.faults().map(|(fault, times)| (fault.as_str(), times));
    let rare = faults.rarities().map(|(rarity, times)| (rarity.as_str(), times));
    Json {
        version: env!("CARGO_PKG_VERSION"),
        failing_seeds: runs.iter().filter(|run| run.failure.is_some()).map(|run| run.seed).collect(),
        happened: counted.chain(rare).collect(),
        missing: faults.missing(),
        runs,
        real_seconds: began.elapsed().as_secs_f64(),
    }
}

fn print(all: &Json) -> Result<()> {
    output::line(&format!("{}: {}\n", named::CHAOS, named::CHAOS_SHOWS))?;
    for (what, times) in &all.happened {
        output::line(&format!("{times:>12} {what}"))?;
    }
    let hosts: usize = all.runs.iter().filter_map(|run| run.hosts).sum();
    let (passed, runs) = (all.runs.len() - all.failing_seeds.len(), all.runs.len());
    output::line(&format!("\n{passed} of {runs} runs passed, with {hosts} hosts, in {:.1} s", all.real_seconds))?;
    Ok(())
}

fn verdict(all: &Json) -> Result<()> {
    let mut told: Vec<String> = Vec::new();
    for run in &all.runs {
        let Some(failure) = &run.failure else { continue };
        told.push(format!("seed {}: {failure}\n  repeat it: mersenned simulate chaos --seed {}", run.seed, run.seed));
    }
    if all.runs.len() as u64 >= ALL_HAPPENS && !all.missing.is_empty() {
        told.push(format!("in {} runs there never were {}", all.runs.len(), all.missing.join(", ")));
    }
    if told.is_empty() { Ok(()) } else { bail!("chaos failed\n{}", told.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_seed_is_told_with_the_command_that_repeats_it_and_what_never_happened_too() {
        let failed = Err(Failed::NotConverged { when: "soon", what: "no".to_owned() });
        let passed = || Ok(Passed { faults: Faults::default(), trace: 1, hosts: 3 });
        let few = [passed(), failed];
        let told = verdict(&gather((5..).zip(&few), Instant::now())).unwrap_err().to_string();
        assert_eq!(told, "chaos failed\nseed 6: soon: no\n  repeat it: mersenned simulate chaos --seed 6");
        let many: Vec<_> = (0..ALL_HAPPENS).map(|_| passed()).collect();
        let told = verdict(&gather((1..).zip(&many), Instant::now())).unwrap_err().to_string();
        assert!(told.starts_with("chaos failed\nin 200 runs there never were datagrams lost"), "{told}");
        assert!(verdict(&gather((1..).zip(&few[..1]), Instant::now())).is_ok());
    }
}
