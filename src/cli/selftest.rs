//! `mersenned selftest`: every length of every engine at its largest exponent, against residues that two engines agreed on.
//!
//! Uses engines directly. It shows whether this machine (its processor, its memory, this build) calculates as it should: the
//! round-off error stays within what the choice of lengths allows for, and the residue is the stored one.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::stored::Stored;
use super::choice::{self, points};
use super::output;
use super::progress::clock;
use super::stop::Stop;
use crate::mersenne::transform::length;
use crate::mersenne::{EngineKind, EngineSet, Plan, Res64};

mod chain;
mod generate;
mod stored;

/// Squarings at each length.
const ITERATIONS: u32 = 1_000;

/// The largest round-off error that is good, 0 to 0.5.
const ROUNDOFF_MAX: f64 = 0.25;

/// Lengths up to which `--quick` goes. By default it is 256K points: about a minute.
const QUICK_LENGTH: usize = 4 << 10;

/// Arguments of `mersenned selftest`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SelftestArgs {
    /// Lengths up to 4K points: seconds instead of about a minute
    #[arg(long, conflicts_with_all = ["full", "to_length"])]
    quick: bool,

    /// Every length, up to 8192K points: hours
    #[arg(long, conflicts_with = "to_length")]
    full: bool,

    /// Lengths up to N points
    #[arg(long, value_name = "N", default_value = "256K", value_parser = choice::parse_points)]
    to_length: usize,

    /// Only this engine: exact, portable, avx2 or avx512 [default: all here]
    #[arg(long, value_name = "NAME", value_parser = choice::parse_engine)]
    engine: Option<EngineKind>,

    /// Print the residues to store, each computed by two engines
    // Without a heading, so that nothing takes it for one of a long list.
    #[arg(long, hide = true, help_heading = None)]
    generate: bool,
}

const EXAMPLES: &str = "\
Examples:
  mersenned selftest
  mersenned selftest --engine portable --to-length 64K
  mersenned selftest --full | tee selftest.log

Each length makes 1000 squarings at the largest exponent it is used for. Good is a round-off error
of at most 0.25 and the residue stored in the program, which two different engines agreed on;
where none is stored, another engine or length computes it on the spot.";

/// Makes the test and prints a line for each length.
///
/// # Errors
/// When something is not as it should be, or the test was stopped.
pub fn selftest(args: &SelftestArgs) -> Result<()> {
    let longest = match (args.quick, args.full) {
        (true, _) => QUICK_LENGTH,
        (_, true) => length::LONGEST,
        (false, false) => args.to_length,
    };
    let engines = choice::engines(args.engine)?;
    let stop = Stop::listen()?;
    if args.generate {
        return generate::generate(longest, &stop);
    }
    let stored = Stored::load();
    let plans = plans(engines, longest, &stored);
    if plans.is_empty() {
        bail!("there is nothing to test: no length of these engines is as short as {} points", points(longest));
    }
    let mut clock = Clock::of(&plans);
    output::offer(&format!("{} lengths, {ITERATIONS} squarings each, about {}", plans.len(), clock.left()));
    output::offer(HEADER);
    let (mut bad, mut unchecked) = (0, 0);
    for plan in plans {
        clock.show(plan);
        let tested = chain::run(plan, ITERATIONS, chain::Shifted::Yes, stop.interrupt());
        let expected = match tested {
            Err(_) => None,
            Ok(_) => stored.find(plan.exponent(), ITERATIONS).map(Expected::Stored).or_else(|| {
                let other = chain::other(plan, EngineSet::of_this_machine())?;
                chain::run(other, ITERATIONS, chain::Shifted::No, stop.interrupt())
                    .ok()
                    .map(|end| Expected::By(other, end.res64))
            }),
        };
        if stop.interrupt().is_requested() {
            clock.clear();
            let to = plan.length().map_or_else(String::new, |length| format!(" at {} points", points(length)));
            return Err(stop
                .stopped(format!("stopped at the {} engine{to}; nothing of it is kept", plan.kind()))
                .into());
        }
        let judgement = Judgement::of(&tested, expected);
        match judgement {
            Judgement::Good(_) => {}
            Judgement::Unchecked => unchecked += 1,
            Judgement::WrongResidue(_) | Judgement::RoundOff | Judgement::Failed(_) => bad += 1,
        }
        clock.print(&line(plan, &tested, &judgement));
        clock.done(plan);
    }
    clock.clear();
    if bad > 0 {
        bail!("{bad} lengths are not as they should be: this machine, or this build, calculates wrongly");
    }
    if unchecked > 0 {
        output::offer(&format!("Nothing is wrong; {unchecked} residues could not be compared with anything."));
    } else {
        output::offer("All is as it should be.");
    }
    Ok(())
}

/// What is tested: each length at its limit; on the exact engine, which has no lengths, the exponents of the stored residues.
fn plans(engines: EngineSet, longest: usize, stored: &Stored) -> Vec<Plan> {
    let of = |kind: EngineKind| -> Vec<Plan> {
        match kind {
            EngineKind::Exact => {
                let largest = length::largest_exponent(kind, longest);
                let exponents = stored.exponents().filter(|exponent| exponent.get() <= largest);
                // A second at most for each.
                let affordable = |plan: &Plan| plan.typical_step() * ITERATIONS <= Duration::from_secs(1);
                exponents.filter_map(|exponent| Plan::of(exponent, kind).ok()).filter(affordable).collect()
            }
            EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => {
                let lengths = length::lengths(kind).take_while(|&length| length <= longest);
                lengths.filter_map(|length| choice::at_its_limit(kind, length)).collect()
            }
        }
    };
    engines.iter().flat_map(of).collect()
}

/// The residue that a chain should end with, and where it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Stored(Res64),
    By(Plan, Res64),
}

impl Expected {
    fn res64(self) -> Res64 {
        match self {
            Expected::Stored(res64) | Expected::By(_, res64) => res64,
        }
    }

    fn source(self) -> String {
        match self {
            Expected::Stored(_) => "stored".to_owned(),
            Expected::By(plan, _) => {
                format!("{} {}", plan.kind(), plan.length().map_or_else(String::new, points)).trim_end().to_owned()
            }
        }
    }
}

/// What there is to say about a length.
#[derive(Debug, PartialEq)]
enum Judgement {
    Good(Expected),
    /// There was nothing to compare with.
    Unchecked,
    WrongResidue(Expected),
    RoundOff,
    /// The engine noticed by itself, or could not be built.
    Failed(String),
}

impl Judgement {
    fn of(tested: &Result<chain::End, chain::Broken>, expected: Option<Expected>) -> Judgement {
        match (tested, expected) {
            (Err(broken), _) => Judgement::Failed(broken.to_string()),
            // Written so that an error that is not a number is none that is good.
            (Ok(end), _) if !(0.0..=ROUNDOFF_MAX).contains(&end.roundoff) => Judgement::RoundOff,
            (Ok(_), None) => Judgement::Unchecked,
            (Ok(end), Some(expected)) if end.res64 == expected.res64() => Judgement::Good(expected),
            (Ok(_), Some(expected)) => Judgement::WrongResidue(expected),
        }
    }
}

const HEADER: &str = "engine    points   exponent  round-off  Res64             µs/iter  ";

fn line(plan: Plan, tested: &Result<chain::End, chain::Broken>, judgement: &Judgement) -> String {
    let told = match judgement {
        Judgement::Good(expected) => format!("good ({})", expected.source()),
        Judgement::Unchecked => "not compared".to_owned(),
        Judgement::WrongResidue(expected) => format!("WRONG: {} says {}", expected.source(), expected.res64()),
        Judgement::RoundOff => format!("WRONG: the round-off error is above {ROUNDOFF_MAX}"),
        Judgement::Failed(reason) => format!("WRONG: {reason}"),
    };
    let length = plan.length().map_or_else(|| "-".to_owned(), points);
    let (roundoff, res64, each) = match tested {
        Ok(end) => {
            let each = 1e6 * end.took.as_secs_f64() / f64::from(ITERATIONS);
            (format!("{:.3}", end.roundoff), end.res64.to_string(), format!("{each:.2}"))
        }
        Err(_) => ("-".to_owned(), "-".to_owned(), "-".to_owned()),
    };
    format!("{:8} {length:>7} {:>10} {roundoff:>10}  {res64:<16} {each:>8}  {told}", plan.kind(), plan.exponent())
}

/// How long it still takes: by typical speeds at first, then by how this machine compares with them.
struct Clock {
    began: Instant,
    bar: Option<ProgressBar>,
    done: Duration,
    all: Duration,
}

impl Clock {
    fn of(plans: &[Plan]) -> Clock {
        let style = ProgressStyle::with_template("[{bar:30}] {msg}").map(|style| style.progress_chars("#> "));
        let all = plans.iter().map(|plan| plan.typical_step() * ITERATIONS).sum();
        let bar = (io::stderr().is_terminal() && io::stdout().is_terminal())
            .then(|| ProgressBar::new(1_000).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
        Clock { began: Instant::now(), bar, done: Duration::ZERO, all }
    }

    fn left(&self) -> String {
        let pace = if self.done.is_zero() { 1.0 } else { self.began.elapsed().as_secs_f64() / self.done.as_secs_f64() };
        clock((self.all.saturating_sub(self.done)).mul_f64(pace).as_secs())
    }

    /// A plan's turn has come.
    fn show(&self, plan: Plan) {
        if let Some(bar) = &self.bar {
            bar.set_position((1e3 * self.done.as_secs_f64() / self.all.as_secs_f64().max(1e-9)) as u64);
            let length = plan.length().map_or_else(String::new, points);
            bar.set_message(format!("{} {length}, ETA: {}", plan.kind(), self.left()));
        }
    }

    fn done(&mut self, plan: Plan) {
        self.done += plan.typical_step() * ITERATIONS;
    }

    /// Prints a line, above the bar if there is one.
    fn print(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::offer(line)),
            None => output::offer(line),
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests;
