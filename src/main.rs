//! The `mersenned` command: parse, dispatch, exit code.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    mersenned::cli::main(mersenned::cli::Cli::parse())
}
