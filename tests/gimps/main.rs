//! What people who come from GIMPS do with the program: tests that are interrupted, lists of work, measurements.
//!
//! Real processes throughout. Residues are those of other programs, from `oracle/`.

mod interrupted;
mod measured;
#[path = "../support/mod.rs"]
mod support;
mod work;

use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

/// How a process ended, and what it has printed.
struct Ended {
    code: Option<i32>,
    output: String,
    errors: String,
}

/// The program with these arguments; what it keeps by default goes below `home`.
fn mersenned(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(support::program());
    command.args(arguments).env("XDG_STATE_HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

/// Runs it to its end.
fn run(home: &Path, arguments: &[&str]) -> Ended {
    ended(mersenned(home, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Waits for its end.
fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), output: text(output.stdout), errors: text(output.stderr) }
}

/// The Res64 of a full Lucas–Lehmer test, as other programs have it.
fn full_test(exponent: u32) -> &'static str {
    let rows = include_str!("../oracle/ll_residues.csv").lines().map(|row| row.split(',').collect::<Vec<_>>());
    let mut full = rows.filter(|row| row[0] == exponent.to_string() && row[3] == "1");
    full.next().expect("the oracle has it")[2]
}

/// The Res64 of a PRP test to base 3, as other programs have it: of types 1 and 3.
fn prp(exponent: u32) -> [&'static str; 2] {
    let rows = include_str!("../oracle/prp3_residues.csv").lines().map(|row| row.split(',').collect::<Vec<_>>());
    let row = rows.into_iter().find(|row| row[0] == exponent.to_string()).expect("the oracle has it");
    [row[1], row[2]]
}

/// Whether a directory holds anything.
fn has_files(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

/// Reads lines until one begins with this; what was read by then.
fn read_until(from: ChildStderr, begin: &str) -> (std::io::BufReader<ChildStderr>, String) {
    use std::io::BufRead as _;
    let mut lines = std::io::BufReader::new(from);
    let mut read = String::new();
    loop {
        let before = read.len();
        assert!(lines.read_line(&mut read).unwrap() > 0, "no line begins with {begin}: {read}");
        if read[before..].starts_with(begin) {
            return (lines, read);
        }
    }
}
