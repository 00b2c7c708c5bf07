//! The commands, one file each. They read their arguments, ask the rooms below to do the work, and print.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::stop::Stopped;
use crate::config::ConfigError;

mod ask;
mod attempt;
pub mod bench;
mod choice;
pub mod completions;
pub mod config;
pub mod control;
pub mod decode;
pub mod lab;
mod log;
pub mod man;
mod output;
pub mod peers;
mod progress;
pub mod run;
pub mod search;
pub mod selftest;
pub mod simulate;
pub mod status;
mod stop;
pub mod test;
pub mod work;

/// The Mersenne daemon: nodes that find Mersenne primes, gossip them over UDP and verify each other, without a server.
#[derive(Debug, Parser)]
#[command(name = "mersenned", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  mersenned lab                                    four nodes that find each other and primes
  mersenned run --port 5001 --peer 127.0.0.1:5002  one node
  mersenned status --port 5001                     what a running node knows
  mersenned test 4423                              is 2^4423 − 1 prime?
  mersenned search --from 2 --to 44497             all Mersenne primes of a range
  mersenned work worktodo.txt                      tests that GIMPS has assigned";

#[derive(Debug, Subcommand)]
enum Command {
    /// Start several nodes on this machine and watch them
    Lab(lab::LabArgs),
    /// Run one node until it is told to stop
    Run(Box<run::RunArgs>),
    /// Show what a running node knows
    Status(status::StatusArgs),
    /// Show the peers of a running node
    Peers(peers::PeersArgs),
    /// Send a running node to sleep: it hears, says and looks for nothing
    Sleep(control::ControlArgs),
    /// Wake a node that sleeps
    Wake(control::ControlArgs),
    /// Make a running node forget its primes and peers
    Reset(control::ResetArgs),
    /// Test whether 2^P − 1 is prime
    Test(test::TestArgs),
    /// Find all Mersenne primes of a range of exponents
    Search(search::SearchArgs),
    /// Make the tests of a GIMPS worktodo.txt
    Work(work::WorkArgs),
    /// Measure the engines, and what a search will take
    Bench(bench::BenchArgs),
    /// Check that the engines calculate as they should on this machine
    Selftest(selftest::SelftestArgs),
    /// Run a virtual network: faults, adversaries, and what must hold all the same
    Simulate(Box<simulate::SimulateArgs>),
    /// Show a datagram as JSON, or why it is refused
    Decode(decode::DecodeArgs),
    /// Check, show or explain settings
    Config(config::ConfigArgs),
    /// Print what a shell needs to complete commands and flags
    Completions(completions::CompletionsArgs),
    /// Print a manual page, or write all of them
    Man(man::ManArgs),
}

/// The exit code for a wrong configuration, as sysexits.h has it: systemd is told not to try again.
const EX_CONFIG: u8 = 78;

/// Runs one command. Errors go to standard error, in one line with their causes.
pub fn main(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Lab(args) => lab::lab(&args),
        Command::Run(args) => run::run(&args),
        Command::Status(args) => status::status(&args),
        Command::Peers(args) => peers::peers(&args),
        Command::Sleep(args) => control::sleep(&args),
        Command::Wake(args) => control::wake(&args),
        Command::Reset(args) => control::reset(&args),
        Command::Test(args) => test::test(&args),
        Command::Search(args) => search::search(&args),
        Command::Work(args) => work::work(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Selftest(args) => selftest::selftest(&args),
        Command::Simulate(args) => simulate::simulate(&args),
        Command::Decode(args) => decode::decode(args),
        Command::Config(args) => config::config(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => man::man(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever has closed our output has read what he wanted.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<ConfigError>() {
            // One line for each thing that is wrong, as compilers write them.
            Some(wrong) => {
                output::tell(&wrong.to_string());
                ExitCode::from(EX_CONFIG)
            }
            None => {
                output::tell(&format!("mersenned: {}", with_causes(&error)));
                error.downcast_ref::<Stopped>().map_or(ExitCode::FAILURE, |stopped| stopped.exit_code().into())
            }
        },
    }
}

/// An error and what caused it, each said once: some errors say themselves what caused them.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        so_far if so_far.contains(&cause) => told,
        so_far => format!("{so_far}: {cause}"),
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
