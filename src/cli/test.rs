//! `mersenned test P`: one exponent, tested to the end whatever factors its number has, unless they are asked for.
//!
//! Uses the driver of tests. A test that is stopped is kept, and the same command goes on with it.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::attempt;
use super::choice;
use super::output;
use super::progress::Shown;
use super::stop::Stop;
use crate::config::value::Interval;
use crate::mersenne::factor::FactorLimit;
use crate::mersenne::{EngineKind, Exponent, ExponentError, Method, ResidueType, looks_like_mersenne_number};
use crate::search::{Attempt, Conclusion, Factoring, MethodChoice};

/// Arguments of `mersenned test`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TestArgs {
    /// The exponent, a prime number
    #[arg(value_name = "P", allow_negative_numbers = true, value_parser = parse_number)]
    exponent: u64,

    /// Test by PRP to base 3 under Gerbicz's check, as GIMPS does first
    #[arg(long)]
    prp: bool,

    /// Look for factors first, as far as it saves time or below 2^BITS
    #[arg(long, value_name = "BITS", num_args = 0..=1, require_equals = true, value_parser = clap::value_parser!(u32).range(1..=63))]
    factor: Option<Option<u32>>,

    /// On this engine: exact, portable, avx2, avx512 [default: fastest]
    #[arg(long, value_name = "NAME", value_parser = choice::parse_engine)]
    engine: Option<EngineKind>,

    /// Begin with N points [default: the shortest that is long enough]
    #[arg(long, value_name = "N", value_parser = choice::parse_points)]
    length: Option<usize>,

    /// Where it is kept [default: ~/.local/state/mersenned/tests]
    #[arg(long, value_name = "DIR", conflicts_with = "no_checkpoint")]
    checkpoints: Option<PathBuf>,

    /// How often it is kept
    #[arg(long, value_name = "TIME", default_value = "30s")]
    checkpoint_interval: Interval,

    /// Keep nothing
    #[arg(long)]
    no_checkpoint: bool,
}

const EXAMPLES: &str = "\
Examples:
  mersenned test 4423             M4423 is prime!
  mersenned test 4999             M4999 is not prime. Res64: 9116B0BE48100D73
  mersenned test 4441 --factor    M4441 has a factor: 26647
  mersenned test 57600769 --prp   as GIMPS tests first; a probable prime is then proved

Res64 is the low 64 bits of the last residue; other programs report the same. A test that
is stopped by Ctrl-C or SIGTERM, or killed, goes on when the same command is given again.";

fn parse_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "give a prime number from 2 up".to_owned())
}

/// Tests one exponent and prints the verdict.
///
/// # Errors
/// A number that is no exponent, an engine that is not to be had, a test that failed or was stopped.
pub fn test(args: &TestArgs) -> Result<()> {
    let exponent = exponent(args.exponent)?;
    let checkpoints = match &args.checkpoints {
        _ if args.no_checkpoint => None,
        Some(directory) => Some(directory.clone()),
        None => attempt::default_checkpoints(),
    };
    let attempt = Attempt {
        method: MethodChoice::Only(if args.prp { Method::Prp(ResidueType::One) } else { Method::LucasLehmer }),
        factoring: match args.factor {
            None => Factoring::None,
            Some(None) => Factoring::Balanced,
            Some(Some(bits)) => Factoring::UpTo(FactorLimit::bits(bits)),
        },
        plan: choice::plan(exponent, args.engine, args.length)?,
        checkpoints,
        checkpoint_interval: args.checkpoint_interval.0,
        ..Attempt::new(exponent)
    };
    let stop = Stop::listen()?;
    let conclusion = attempt::run(&attempt, stop.interrupt(), &mut Shown::new());
    if let Conclusion::Interrupted { iteration, checkpoint } = conclusion {
        let how_far = attempt::how_far(exponent, iteration, checkpoint);
        let again = if checkpoint.is_some() { "to go on" } else { "to begin anew" };
        return Err(stop.stopped(format!("{how_far}; {again}: {}", attempt::this_command())).into());
    }
    match attempt::verdict(exponent, &conclusion) {
        Some(verdict) => output::line(&verdict)?,
        None => bail!(attempt::no_verdict(exponent, &conclusion)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_the_number_instead_of_its_exponent_is_told() {
        let error = exponent(2_047).unwrap_err().to_string();
        assert!(error.contains("mersenned test 11"), "{error}");
    }
}
