//! `mersenned search`: all Mersenne primes of a range of exponents, on all cores, each printed as it comes.
//!
//! Uses the search of a range, which finds them in ascending order; how it goes is read from its board.

use std::io::{self, IsTerminal as _};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::attempt::{self, quoted};
use super::choice;
use super::output;
use super::progress::clock;
use super::stop::Stop;
use crate::mersenne::{EngineKind, Exponent, Interrupt, decimal};
use crate::search::{AllOutcome, CandidateResult, Range, SearchBoard, find_all};

/// How often progress is shown on a terminal.
const ON_TERMINAL: Duration = Duration::from_millis(250);

/// How often progress is shown elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(10);

/// Arguments of `mersenned search`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SearchArgs {
    /// The smallest exponent; 2 gives the smallest Mersenne prime
    #[arg(long, value_name = "P", default_value_t = 2)]
    from: u32,

    /// The largest exponent
    #[arg(long, value_name = "P")]
    to: u32,

    /// How many threads search [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroU16>,

    /// On this engine: exact, portable, avx2, avx512 [default: fastest]
    #[arg(long, value_name = "NAME", value_parser = choice::parse_engine)]
    engine: Option<EngineKind>,

    /// Where long tests are kept [default: ~/.local/state/mersenned/tests]
    #[arg(long, value_name = "DIR", conflicts_with = "no_checkpoint")]
    checkpoints: Option<PathBuf>,

    /// Keep nothing
    #[arg(long)]
    no_checkpoint: bool,
}

const EXAMPLES: &str = "\
Examples:
  mersenned search --to 2300
  mersenned search --from 2 --to 44497 --threads 2

Primes are printed in ascending order, each as soon as every exponent below it is settled.
Ctrl-C and SIGTERM say how to go on.";

/// Searches, prints, and sums up.
///
/// # Errors
/// An empty range, a range beyond the engines, a test that failed, a search that was stopped.
pub fn search(args: &SearchArgs) -> Result<()> {
    if args.from > args.to {
        bail!("nothing lies from {} to {}: give the smaller exponent with --from", args.from, args.to);
    }
    let cores = thread::available_parallelism().ok().and_then(|cores| u16::try_from(cores.get()).ok());
    let threads = args.threads.or(cores.and_then(NonZeroU16::new)).unwrap_or(NonZeroU16::MIN);
    let checkpoints = match &args.checkpoints {
        _ if args.no_checkpoint => None,
        Some(directory) => Some(directory.clone()),
        None => attempt::default_checkpoints(),
    };
    let range = Range { from: args.from, to: args.to, engines: choice::engines(args.engine)?, checkpoints };
    let stop = Stop::listen()?;
    let board = SearchBoard::new(threads);
    let (outcome, sum) = watched(&range, stop.interrupt(), &board);
    match outcome {
        AllOutcome::Complete => {
            output::offer(&sum);
            Ok(())
        }
        AllOutcome::Interrupted { next } => {
            let again = go_on(args, next);
            Err(stop.stopped(format!("stopped; every exponent below {next} is settled; to go on: {again}")).into())
        }
        AllOutcome::BeyondEngine { limit } => {
            output::offer(&sum);
            bail!("exponents above {limit} are beyond the engines here; up to there all are settled")
        }
        AllOutcome::Failed { exponent, fault } => bail!(
            "the test of M{exponent} has failed again and again, last because {fault}; every exponent below it is settled. \
             `mersenned selftest` shows whether this machine calculates as it should"
        ),
    }
}

/// The command that searches what is left.
fn go_on(args: &SearchArgs, next: u64) -> String {
    let mut command = format!("mersenned search --from {next} --to {}", args.to);
    if let Some(threads) = args.threads {
        command += &format!(" --threads {threads}");
    }
    if let Some(engine) = args.engine {
        command += &format!(" --engine {engine}");
    }
    if let Some(directory) = &args.checkpoints {
        command += &format!(" --checkpoints {}", quoted(&directory.to_string_lossy()));
    }
    if args.no_checkpoint {
        command += " --no-checkpoint";
    }
    command
}

/// Searches while another thread shows how it goes. Returns the end, and the summary.
fn watched(range: &Range, interrupt: &Interrupt, board: &SearchBoard) -> (AllOutcome, String) {
    let began = Instant::now();
    let bar = io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{spinner} {msg}");
        ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
    });
    let (ended, wait) = mpsc::channel::<()>();
    let mut primes = 0;
    let outcome = thread::scope(|scope| {
        let show = || {
            let line = progress(range, board, began.elapsed());
            match &bar {
                Some(bar) => {
                    bar.set_message(line);
                    bar.tick();
                }
                None => output::tell(&line),
            }
        };
        let interval = if bar.is_some() { ON_TERMINAL } else { ELSEWHERE };
        // Without it the search is as good, and quiet.
        drop(thread::Builder::new().name("progress".to_owned()).spawn_scoped(scope, move || {
            while let Err(RecvTimeoutError::Timeout) = wait.recv_timeout(interval) {
                show();
            }
        }));
        let outcome = find_all(range, interrupt, board, &mut |exponent| {
            primes += 1;
            let line = found(exponent, began.elapsed());
            match &bar {
                Some(bar) => bar.suspend(|| output::offer(&line)),
                None => output::offer(&line),
            }
        });
        drop(ended);
        outcome
    });
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    let Tally { factored, tested } = Tally::of(board);
    let sum = format!(
        "{} to {}: {} exponents, {factored} with a factor, {tested} tested; {primes} Mersenne {} in {}",
        range.from,
        range.to,
        factored + tested,
        if primes == 1 { "prime" } else { "primes" },
        seconds(began.elapsed())
    );
    (outcome, sum)
}

/// What was settled, and how.
struct Tally {
    factored: u64,
    tested: u64,
}

impl Tally {
    fn of(board: &SearchBoard) -> Tally {
        let count = |result| board.candidates(result);
        Tally {
            factored: count(CandidateResult::Factored),
            tested: count(CandidateResult::Composite) + count(CandidateResult::Prime),
        }
    }
}

fn progress(range: &Range, board: &SearchBoard, elapsed: Duration) -> String {
    let Tally { factored, tested } = Tally::of(board);
    let at = match board.at_hand() {
        Some(at) => format!("M{} [{:.0}%]", at.exponent, (100.0 * at.progress()).floor()),
        None => "nothing at hand".to_owned(),
    };
    let to = range.to;
    format!("{at} on the way to {to}: {factored} with a factor, {tested} tested, {}", clock(elapsed.as_secs()))
}

fn found(exponent: Exponent, elapsed: Duration) -> String {
    let digits = decimal::digits(exponent);
    let digits = if digits == 1 { "1 digit".to_owned() } else { format!("{digits} digits") };
    format!("M{exponent} is prime! ({digits}, after {})", seconds(elapsed))
}

/// A time, as exact as it is interesting.
fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(100) { format!("{:.1} s", time.as_secs_f64()) } else { clock(time.as_secs()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_stopped_is_told_the_very_command_that_goes_on() {
        let mut args =
            SearchArgs { from: 2, to: 9_000, threads: None, engine: None, checkpoints: None, no_checkpoint: false };
        assert_eq!(go_on(&args, 4_001), "mersenned search --from 4001 --to 9000");
        args.threads = NonZeroU16::new(3);
        args.checkpoints = Some("my tests".into());
        assert_eq!(go_on(&args, 4_001), "mersenned search --from 4001 --to 9000 --threads 3 --checkpoints 'my tests'");
    }

    #[test]
    fn a_prime_is_told_with_its_digits_and_the_time() {
        let of = |p| Exponent::new(p).unwrap();
        assert_eq!(found(of(2), Duration::ZERO), "M2 is prime! (1 digit, after 0.0 s)");
        let late = Duration::from_millis(4_003_210);
        assert_eq!(found(of(4_423), late), "M4423 is prime! (1332 digits, after 01:06:43)");
    }
}
