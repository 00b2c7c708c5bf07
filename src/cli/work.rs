//! `mersenned work FILE`: the tests of a GIMPS `worktodo.txt`, one after the other; results beside it, nothing sent anywhere.
//!
//! Uses the driver of tests. A line leaves the file once its result is durable, so that whatever happens in between costs
//! at most a repetition. The file is read again before each test: lines may be added to it at any time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jiff::Timestamp;

use self::results::{ResultLine, Results, TestStatus};
use self::worktodo::Assignment;
use super::attempt;
use super::choice;
use super::output;
use super::progress::Shown;
use super::stop::Stop;
use crate::config::value::Interval;
use crate::mersenne::factor::FactorLimit;
use crate::mersenne::{EngineKind, EngineSet, Plan};
use crate::search::{Attempt, Conclusion, Factoring, MethodChoice};

mod results;
mod worktodo;

/// Arguments of `mersenned work`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct WorkArgs {
    /// The list, as Prime95 writes it: Test=, DoubleCheck= and PRP= lines
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// On this engine: exact, portable, avx2, avx512 [default: fastest]
    #[arg(long, value_name = "NAME", value_parser = choice::parse_engine)]
    engine: Option<EngineKind>,

    /// Where tests are kept [default: `checkpoints` beside FILE]
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,

    /// How often they are kept
    #[arg(long, value_name = "TIME", default_value = "30s")]
    checkpoint_interval: Interval,
}

const EXAMPLES: &str = "\
Examples:
  mersenned work worktodo.txt

Lines such as Test=57600769,74,1 or PRP=N/A,1,2,57600769,-1,74,0 are done in their order. Each
result is added to results.json.txt beside FILE, with Prime95's keys; then its line is taken out.
Ctrl-C and SIGTERM keep the test and leave its line; the same command then goes on.

Nothing is ever sent anywhere: results earn no PrimeNet credit unless you report them by hand.";

/// How an assignment has ended.
enum Ending {
    Done,
    /// There is no verdict, and the line stays.
    LeftOpen,
}

/// Works until nothing is left, and says what was done.
///
/// # Errors
/// A file that cannot be read or that has lines which cannot be done: then nothing was started. A test that failed or was
/// stopped: its line is still there.
pub fn work(args: &WorkArgs) -> Result<()> {
    let file = args.file.as_path();
    let first = read(file)?;
    if first.is_empty() {
        output::offer(&format!("{} has no work.", file.display()));
        return Ok(());
    }
    let engines = choice::engines(args.engine)?;
    let mut worker = Worker {
        file,
        checkpoints: args.checkpoints.clone().unwrap_or_else(|| file.with_file_name("checkpoints")),
        engines,
        engine: args.engine,
        checkpoint_interval: args.checkpoint_interval.0,
        results: {
            worktodo::check_replaceable(file)
                .with_context(|| format!("lines could not be taken out of {}", file.display()))?;
            Results::beside(file)?
        },
        stop: Stop::listen()?,
    };
    let mut done = 0;
    let mut open: Vec<String> = Vec::new();
    while let Some(assignment) = read(file)?.into_iter().find(|one| !open.contains(&one.line)) {
        match worker.make(&assignment)? {
            Ending::Done => done += 1,
            Ending::LeftOpen => open.push(assignment.line),
        }
    }
    let results = worker.results.path().display();
    let tests = |count| if count == 1 { "1 test is".to_owned() } else { format!("{count} tests are") };
    output::offer(&format!("{} done; the results are in {results}.", tests(done)));
    output::offer("Nothing was sent anywhere: they earn no PrimeNet credit unless you report them by hand.");
    if !open.is_empty() {
        bail!("{} not done, and still in {}", tests(open.len()), file.display());
    }
    Ok(())
}

/// All that is to be done.
fn read(file: &Path) -> Result<Vec<Assignment>> {
    let shown = file.display();
    let text = worktodo::read(file).with_context(|| format!("cannot read {shown}"))?;
    worktodo::parse(&text).or_else(|bad| {
        let lines: String = bad.iter().map(|bad| format!("\n{shown}:{}: {}", bad.number, bad.reason)).collect();
        bail!("{shown} has lines that cannot be done; it was left as it is{lines}\n{}", worktodo::UNDERSTOOD)
    })
}

/// What all assignments share.
struct Worker<'a> {
    file: &'a Path,
    checkpoints: PathBuf,
    engines: EngineSet,
    engine: Option<EngineKind>,
    checkpoint_interval: Duration,
    results: Results,
    stop: Stop,
}

impl Worker<'_> {
    fn make(&mut self, assignment: &Assignment) -> Result<Ending> {
        let exponent = assignment.exponent;
        let attempt = Attempt {
            method: MethodChoice::Only(assignment.method),
            factoring: self.factoring(assignment),
            plan: match choice::plan(exponent, self.engine, None) {
                Ok(plan) => plan,
                Err(error) => {
                    output::tell(&format!("mersenned: {error}"));
                    return Ok(Ending::LeftOpen);
                }
            },
            checkpoints: Some(self.checkpoints.clone()),
            checkpoint_interval: self.checkpoint_interval,
            // The shift is drawn by chance: a double check is another computation than the first.
            ..Attempt::new(exponent)
        };
        let conclusion = attempt::run(&attempt, self.stop.interrupt(), &mut Shown::new());
        let id = assignment.id.as_deref();
        let now = Timestamp::now();
        let line = match &conclusion {
            Conclusion::Prime(report) => ResultLine::tested(TestStatus::Prime, report, id, now),
            Conclusion::Composite(report) => ResultLine::tested(TestStatus::Composite, report, id, now),
            Conclusion::HasFactor(factor) => ResultLine::factored(exponent, *factor, id, now),
            Conclusion::Interrupted { iteration, checkpoint } => {
                let how_far = attempt::how_far(exponent, *iteration, *checkpoint);
                let file = self.file.display();
                let told = format!("{how_far}; its line stays in {file}; to go on: {}", attempt::this_command());
                return Err(self.stop.stopped(told).into());
            }
            Conclusion::BeyondEngine { .. } | Conclusion::Failed { .. } => {
                output::tell(&format!("mersenned: {}", attempt::no_verdict(exponent, &conclusion)));
                return Ok(Ending::LeftOpen);
            }
        };
        // Written down before it is told: the checkpoint has gone.
        self.note(assignment, &line)?;
        output::offer(&attempt::verdict(exponent, &conclusion).unwrap_or_default());
        Ok(Ending::Done)
    }

    /// Looks for factors unless whoever wrote the line has looked as far as it pays.
    fn factoring(&self, assignment: &Assignment) -> Factoring {
        let Ok(plan) = Plan::fastest(assignment.exponent, self.engines) else { return Factoring::Balanced };
        let worthwhile = FactorLimit::balanced(assignment.exponent, plan.typical_step());
        if assignment.factored_to >= worthwhile.get() { Factoring::None } else { Factoring::Balanced }
    }

    /// Writes the result down, and only then takes the line out of the list.
    fn note(&mut self, assignment: &Assignment, line: &ResultLine) -> Result<()> {
        if let Err(error) = self.results.append(line) {
            // The checkpoint has gone with the verdict: what was found out is in this message or nowhere.
            let json = serde_json::to_string(line)?;
            let path = self.results.path().display();
            return Err(error).with_context(|| format!("cannot write to {path}, where this belongs: {json}"));
        }
        let shown = self.file.display();
        worktodo::remove(self.file, &assignment.line)
            .with_context(|| format!("the result is written, but `{}` cannot be taken out of {shown}", assignment.line))
    }
}
