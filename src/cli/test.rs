//! `mersenned test P`: one exponent, tested to the end whatever factors its number has.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use crate::mersenne::{Exponent, ExponentError, Interrupt, Method, looks_like_mersenne_number};
use crate::search::{Attempt, Conclusion, Event, Factoring, MethodChoice, Progress};

/// How often progress is shown on a terminal.
const ON_TERMINAL: Duration = Duration::from_millis(500);

/// How often progress is shown elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(10);

/// Arguments of `mersenned test`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TestArgs {
    /// The exponent, a prime number
    #[arg(value_name = "P", allow_negative_numbers = true, value_parser = parse_number)]
    exponent: u64,
}

const EXAMPLES: &str = "\
Examples:
  mersenned test 4423     M4423 is prime!
  mersenned test 4999     M4999 is not prime. Res64: 9116B0BE48100D73

Res64 is the low 64 bits of the last residue; other programs report the same.";

fn parse_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "give a prime number from 2 up".to_owned())
}

/// Tests one exponent by Lucas and Lehmer and prints the verdict.
pub fn test(args: &TestArgs) -> Result<()> {
    let exponent = exponent(args.exponent)?;
    let attempt = Attempt {
        method: MethodChoice::Only(Method::LucasLehmer),
        factoring: Factoring::None,
        ..Attempt::new(exponent)
    };
    let mut shown = Shown::new();
    let conclusion = attempt.run(&Interrupt::new(), &mut |event| {
        if let Event::Progress(progress) = event {
            shown.show(*progress);
        }
    });
    shown.clear();
    match conclusion {
        Conclusion::Prime(_) => println!("M{exponent} is prime!"),
        Conclusion::Composite(report) => println!("M{exponent} is not prime. Res64: {}", report.res64),
        Conclusion::HasFactor(factor) => println!("M{exponent} has a factor: {factor}"),
        Conclusion::Interrupted { .. } => bail!("the test was interrupted"),
        Conclusion::BeyondEngine { limit } => {
            bail!("this exponent cannot be tested: exponent {exponent} is beyond this engine, whose limit is {limit}")
        }
        Conclusion::Failed { fault, .. } => bail!("the test failed again and again: {fault}"),
    }
    Ok(())
}

fn exponent(number: u64) -> Result<Exponent> {
    match Exponent::new(number) {
        Ok(exponent) => Ok(exponent),
        Err(_) if is_mersenne_number(number) => {
            let n = number.trailing_ones();
            bail!("{number} is 2^{n} − 1; to test that number, give its exponent: mersenned test {n}")
        }
        Err(error @ ExponentError::Composite { .. }) => {
            bail!("{error}; 2^{number} − 1 then is composite too, and there is nothing to test")
        }
        Err(error @ (ExponentError::TooSmall | ExponentError::TooLarge { .. })) => Err(error.into()),
    }
}

/// Whether this is 2^n − 1 for an n that could be tested.
fn is_mersenne_number(number: u64) -> bool {
    looks_like_mersenne_number(number) && Exponent::new(number.trailing_ones().into()).is_ok()
}

/// The progress line: rewritten on a terminal, one line after another elsewhere.
struct Shown {
    began: Instant,
    last: Instant,
    on_terminal: bool,
    drawn: bool,
}

impl Shown {
    fn new() -> Shown {
        let now = Instant::now();
        Shown { began: now, last: now, on_terminal: io::stderr().is_terminal(), drawn: false }
    }

    fn show(&mut self, Progress { iteration, total, .. }: Progress) {
        let now = Instant::now();
        if now - self.last < if self.on_terminal { ON_TERMINAL } else { ELSEWHERE } {
            return;
        }
        self.last = now;
        let (done, total) = (f64::from(iteration), f64::from(total));
        let per_iteration = (now - self.began).as_secs_f64() / done;
        let left = (per_iteration * (total - done)) as u64;
        let line = format!(
            "Iteration: {iteration} / {total} [{:.2}%], ms/iter: {:.3}, ETA: {}",
            100.0 * done / total,
            1e3 * per_iteration,
            clock(left)
        );
        self.drawn = true;
        if self.on_terminal {
            eprint!("\r\x1b[K{line}");
            // Only looks suffer when this fails.
            drop(io::stderr().flush());
        } else {
            eprintln!("{line}");
        }
    }

    fn clear(&self) {
        if self.on_terminal && self.drawn {
            eprint!("\r\x1b[K");
        }
    }
}

/// Seconds as `[Dd ]HH:MM:SS`.
fn clock(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let days = if days > 0 { format!("{days}d ") } else { String::new() };
    format!("{days}{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_written_as_a_clock_shows_it() {
        assert_eq!(clock(0), "00:00:00");
        assert_eq!(clock(3_725), "01:02:05");
        assert_eq!(clock(129_840), "1d 12:04:00");
    }

    #[test]
    fn who_gives_the_number_instead_of_its_exponent_is_told() {
        let error = exponent(2_047).unwrap_err().to_string();
        assert!(error.contains("mersenned test 11"), "{error}");
    }
}
