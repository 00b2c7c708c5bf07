//! `mersenned bench`: microseconds per squaring by length and engine, and what a search will take on this machine.
//!
//! Uses engines and trial factoring directly. Everything printed was measured here and now; what follows from it is
//! called an estimate.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Args;
use serde::Serialize;

use self::estimate::Estimate;
use self::measure::Speeds;
use super::choice::{self, points};
use super::output;
use super::progress::clock;
use super::stop::Stop;
use crate::mersenne::transform::length;
use crate::mersenne::{EngineKind, EngineSet, Interrupted, Plan};

mod estimate;
mod measure;

/// Up to where all Mersenne primes are estimated for.
const SEARCHES: [u32; 3] = [44_497, 110_503, 216_091];

/// The largest exponent that the exact engine is measured at: a squaring there takes a third of a millisecond.
const EXACT_TO: u32 = 60_000;

/// Arguments of `mersenned bench`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// Powers of two up to 16K points, measured shortly: some seconds
    #[arg(long)]
    quick: bool,

    /// Lengths up to N points [default: 1024K, with --quick 16K]
    #[arg(long, value_name = "N", value_parser = choice::parse_points)]
    to_length: Option<usize>,

    /// Only this engine: exact, portable, avx2 or avx512 [default: all here]
    #[arg(long, value_name = "NAME", value_parser = choice::parse_engine)]
    engine: Option<EngineKind>,

    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  mersenned bench --quick
  mersenned bench --engine avx2 --to-length 8M
  taskset -c 1 mersenned bench    on one core, undisturbed by the scheduler

Figures are microseconds per squaring on one core, at the largest exponent of each length: the
median of five runs after a warm-up. What a search takes is estimated from them, from trial
factoring measured on a sample of exponents, and from how many of the sample had no factor.";

/// How long and how finely is measured.
struct Effort {
    /// For one length of one engine.
    each: Duration,
    /// For trial factors of exponents of one size.
    sample: Duration,
    longest: usize,
    lengths: Steps,
}

/// Which of the lengths between two powers of two are measured.
#[derive(Clone, Copy)]
enum Steps {
    PowersOfTwo,
    /// All up to 16K points, where a step more or less matters for a search; above, every quarter.
    Fine,
}

impl Steps {
    fn has(self, length: usize) -> bool {
        match self {
            Steps::PowersOfTwo => length.is_power_of_two(),
            Steps::Fine => length <= 16 << 10 || (length >> (length.ilog2() - 2)) << (length.ilog2() - 2) == length,
        }
    }
}

/// A line of the table.
#[derive(Debug, Serialize)]
struct Row {
    points: usize,
    /// The largest prime exponent of the length, by the first engine measured.
    exponent: u32,
    /// By the engine's name.
    microseconds: BTreeMap<&'static str, f64>,
}

/// Everything, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Measured<'a> {
    version: &'static str,
    engines: Vec<&'static str>,
    lengths: &'a [Row],
    estimates: &'a [Estimate],
}

/// Measures and prints.
///
/// # Errors
/// An engine that cannot be had; a signal.
pub fn bench(args: &BenchArgs) -> Result<()> {
    let effort = if args.quick {
        let (each, sample) = (Duration::from_millis(15), Duration::from_millis(60));
        Effort { each, sample, longest: args.to_length.unwrap_or(16 << 10), lengths: Steps::PowersOfTwo }
    } else {
        let (each, sample) = (Duration::from_millis(150), Duration::from_millis(500));
        Effort { each, sample, longest: args.to_length.unwrap_or(1 << 20), lengths: Steps::Fine }
    };
    let engines = choice::engines(args.engine)?;
    let stop = Stop::listen()?;
    let measured = all(args, engines, &effort, &stop);
    match measured {
        Err(error) if error.is::<Interrupted>() => {
            Err(stop.stopped("stopped; nothing of it is kept".to_owned()).into())
        }
        other => other,
    }
}

fn all(args: &BenchArgs, engines: EngineSet, effort: &Effort, stop: &Stop) -> Result<()> {
    let kinds: Vec<EngineKind> = engines.iter().collect();
    if !args.json {
        output::offer(&format!("Microseconds per squaring on one core; median of {} runs.\n", measure::RUNS));
        output::offer(&heading(&kinds));
    }
    let mut speeds = Speeds::default();
    let mut rows = Vec::new();
    for length in rungs(engines, effort) {
        let mut row = Row { points: length, exponent: 0, microseconds: BTreeMap::new() };
        for &kind in kinds.iter().rev() {
            let Some(plan) = plan(kind, length) else { continue };
            let seconds = measure::step(plan, effort.each, stop.interrupt())?;
            row.exponent = row.exponent.max(plan.exponent().get());
            row.microseconds.insert(kind.name(), 1e6 * seconds);
            speeds.add(plan, seconds);
        }
        if row.microseconds.is_empty() {
            continue;
        }
        if !args.json {
            output::offer(&line(&row, &kinds));
        }
        rows.push(row);
    }
    let sample = estimate::Sample::take(engines, SEARCHES[SEARCHES.len() - 1], effort.sample, stop.interrupt())?;
    let estimates: Option<Vec<Estimate>> =
        SEARCHES.iter().map(|&to| Estimate::of(to, engines, &speeds, &sample)).collect();
    let estimates = estimates.ok_or_else(|| anyhow!("nothing was measured to estimate from"))?;
    if args.json {
        let engines = kinds.iter().map(|kind| kind.name()).collect();
        let all = Measured { version: env!("CARGO_PKG_VERSION"), engines, lengths: &rows, estimates: &estimates };
        output::line(&serde_json::to_string_pretty(&all)?)?;
    } else {
        print_estimates(&estimates, &sample);
    }
    Ok(())
}

/// The lengths to measure, ascending.
fn rungs(engines: EngineSet, effort: &Effort) -> Vec<usize> {
    // Where there is no transform, its ladder still says which exponents are worth a measurement.
    let kinds = engines.iter().chain([EngineKind::Portable]);
    let mut all: Vec<usize> = kinds.flat_map(length::lengths).filter(|&length| length <= effort.longest).collect();
    all.retain(|&length| effort.lengths.has(length));
    all.sort_unstable();
    all.dedup();
    all
}

/// What is measured of an engine at a length.
fn plan(kind: EngineKind, length: usize) -> Option<Plan> {
    match kind {
        EngineKind::Exact => {
            let exponent = choice::at_its_limit(EngineKind::Portable, length)?.exponent();
            (exponent.get() <= EXACT_TO).then(|| Plan::of(exponent, kind).ok()).flatten()
        }
        EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => {
            length::lengths(kind).any(|one| one == length).then(|| choice::at_its_limit(kind, length)).flatten()
        }
    }
}

fn heading(kinds: &[EngineKind]) -> String {
    let columns: String = kinds.iter().map(|kind| format!("{kind:>12}")).collect();
    format!("{:>8}{:>12}{columns}", "points", "exponent")
}

fn line(row: &Row, kinds: &[EngineKind]) -> String {
    let figure = |kind: &EngineKind| match row.microseconds.get(kind.name()) {
        Some(microseconds) => format!("{microseconds:>12.2}"),
        None => format!("{:>12}", "-"),
    };
    let columns: String = kinds.iter().map(figure).collect();
    format!("{:>8}{:>12}{columns}", points(row.points), row.exponent)
}

fn print_estimates(estimates: &[Estimate], sample: &estimate::Sample) {
    output::offer("\nAll Mersenne primes from 2 up, estimated for one core by these figures:\n");
    output::offer(&format!(
        "{:>10}{:>11}{:>9}{:>12}{:>12}{:>12}",
        "to", "exponents", "tests", "factoring", "tests", "together"
    ));
    for estimate in estimates {
        let time = |seconds: f64| {
            if seconds < 100.0 { format!("{seconds:.1} s") } else { clock(seconds as u64) }
        };
        output::offer(&format!(
            "{:>10}{:>11}{:>9}{:>12}{:>12}{:>12}",
            format!("M{}", estimate.to),
            estimate.exponents,
            estimate.tests,
            time(estimate.factoring_seconds),
            time(estimate.testing_seconds),
            time(estimate.factoring_seconds + estimate.testing_seconds)
        ));
    }
    output::offer(&format!(
        "\nTests are for exponents without a small factor: {:.0} % of {} that were looked at. More cores divide the time.",
        100.0 * sample.without_factor(),
        sample.looked_at()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fine_steps_are_all_up_to_16k_and_quarters_above() {
        let has = |length| Steps::Fine.has(length);
        assert!(has(9 << 10) && has(16 << 10) && has(20 << 10) && has(28 << 10) && has(1 << 20));
        assert!(!has(18 << 10) && !has(22 << 10) && !has(9 << 17));
        assert!(Steps::PowersOfTwo.has(128) && !Steps::PowersOfTwo.has(192));
    }

    #[test]
    fn a_line_has_a_column_for_each_engine_and_a_dash_where_nothing_was_measured() {
        let microseconds = BTreeMap::from([("avx512", 2.345)]);
        let row = Row { points: 2_048, exponent: 43_093, microseconds };
        let kinds = [EngineKind::Exact, EngineKind::Avx512];
        assert_eq!(heading(&kinds), "  points    exponent       exact      avx512");
        assert_eq!(line(&row, &kinds), "      2K       43093           -        2.35");
    }
}
