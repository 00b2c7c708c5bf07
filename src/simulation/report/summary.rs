//! Several runs in one table: the least, the median and the most of every figure, and the seeds that failed.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{Report, Times};

/// The least, the median and the most of one figure over all runs that have it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// The least.
    pub min: f64,
    /// As many are above as below; of two in the middle, the greater.
    pub median: f64,
    /// The most.
    pub max: f64,
    /// In how many runs it was measured.
    pub runs: usize,
}

impl Range {
    /// Of these; `None` of nothing.
    pub fn of(mut figures: Vec<f64>) -> Option<Range> {
        figures.sort_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        Some(Range { min, median: figures[figures.len() / 2], max, runs: figures.len() })
    }
}

/// What several runs of one scenario have in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// How many runs there were.
    pub runs: usize,
    /// The seeds of those that failed, smallest first.
    pub failing_seeds: Vec<u64>,
    /// Every figure.
    pub figures: BTreeMap<&'static str, Range>,
    /// How often each fault happened and each rare branch was taken, in all.
    pub happened: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// Of these runs.
    pub fn of(reports: &[Report]) -> Summary {
        let mut all: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        let mut happened: BTreeMap<&'static str, u64> = BTreeMap::new();
        for report in reports {
            for (name, figure) in figures(report) {
                all.entry(name).or_default().push(figure);
            }
            for (name, times) in report.faults.iter().chain(&report.rarities) {
                *happened.entry(name).or_default() += times;
            }
        }
        let mut failing_seeds: Vec<u64> =
            reports.iter().filter(|report| !report.failures.is_empty()).map(|report| report.seed).collect();
        failing_seeds.sort_unstable();
        let ranges = all.into_iter().filter_map(|(name, figures)| Some((name, Range::of(figures)?)));
        Summary { runs: reports.len(), failing_seeds, figures: ranges.collect(), happened }
    }
}

/// What is compared from run to run; of several primes, the slowest or the dearest counts.
fn figures(report: &Report) -> Vec<(&'static str, f64)> {
    let mut all = Vec::new();
    type Of = fn(&super::Spread) -> &Times;
    let (heard, verified): (Of, Of) = (|prime| &prime.heard, |prime| &prime.verified);
    for (name, of, percent) in [
        ("heard by 50 %, s", heard, 50.0),
        ("heard by 90 %, s", heard, 90.0),
        ("heard by 99 %, s", heard, 99.0),
        ("heard by all, s", heard, 100.0),
        ("verified by 99 %, s", verified, 99.0),
        ("verified by all, s", verified, 100.0),
    ] {
        // A prime that never came so far has no time, and the run none either: its failure says so.
        let times: Option<Vec<f64>> = report.primes.iter().map(|prime| of(prime).percent(percent)).collect();
        let slowest = times.unwrap_or_default().into_iter().max_by(f64::total_cmp);
        all.extend(slowest.map(|slowest| (name, slowest)));
    }
    let worst = |figure: fn(&super::Spread) -> f64| report.primes.iter().map(figure).max_by(f64::total_cmp);
    all.extend(worst(|prime| f64::from(prime.hops_max)).map(|hops| ("hops, most", hops)));
    all.extend(worst(|prime| prime.hops_mean).map(|hops| ("hops, mean", hops)));
    all.extend(worst(|prime| prime.datagrams_per_node).map(|sent| ("PRIMEs per node and prime", sent)));
    if report.upkeep.pings_and_pongs() > 0.0 {
        all.push(("upkeep per node and second", report.upkeep.pings_and_pongs()));
    }
    if report.nodes > 0 {
        all.push(("active peers, fewest", report.degrees.min as f64));
        all.push(("active peers, mean", report.degrees.mean));
        all.push(("active peers, most", report.degrees.max as f64));
        all.push(("ring right, %", 100.0 * report.ring.right as f64 / report.ring.nodes.max(1) as f64));
        all.push(("components", report.components as f64));
    }
    all.extend(report.converged_after.map(|seconds| ("at rest after, s", seconds)));
    all
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<30}{:>12}{:>12}{:>12}{:>8}", "", "least", "median", "most", "runs")?;
        for (name, Range { min, median, max, runs }) in &self.figures {
            writeln!(f, "{name:<30}{min:>12.3}{median:>12.3}{max:>12.3}{runs:>8}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ring, Spread};
    use super::*;

    #[test]
    fn a_range_is_least_median_and_most() {
        assert_eq!(Range::of(vec![3.0, 1.0, 2.0]), Some(Range { min: 1.0, median: 2.0, max: 3.0, runs: 3 }));
        assert_eq!(Range::of(Vec::new()), None);
    }

    #[test]
    fn a_summary_names_failing_seeds_and_takes_the_slowest_prime_of_each_run() {
        let run = |seed, times: &[f64], failures: &[&str]| {
            let prime = |time: &f64| Spread {
                heard: Times::new(1, vec![*time]),
                verified: Times::new(1, Vec::new()),
                ..Spread::default()
            };
            Report {
                seed,
                nodes: 2,
                failures: failures.iter().map(|&failure| failure.to_owned()).collect(),
                primes: times.iter().map(prime).collect(),
                ring: Ring { nodes: 2, right: 1 },
                faults: BTreeMap::from([("crashes", 2)]),
                ..Report::default()
            }
        };
        let summary = Summary::of(&[run(8, &[1.0, 3.0], &["no"]), run(2, &[2.0], &[]), run(5, &[0.5], &["no"])]);
        assert_eq!((summary.runs, &summary.failing_seeds[..]), (3, &[5, 8][..]));
        assert_eq!(summary.figures["heard by all, s"], Range { min: 0.5, median: 2.0, max: 3.0, runs: 3 });
        assert_eq!(summary.figures["ring right, %"].max, 50.0);
        assert_eq!(summary.figures.get("verified by all, s"), None, "nobody verified anything");
        assert_eq!(summary.happened["crashes"], 6);
        assert!(
            summary
                .to_string()
                .contains("heard by all, s                      0.500       2.000       3.000       3\n")
        );
    }
}
