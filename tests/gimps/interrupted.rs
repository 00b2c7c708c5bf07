//! Tests that are stopped, killed, watched.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::support::{self, wait_until};
use super::{Ended, ended, full_test, has_files, mersenned, prp, read_until, run};

/// A test of some seconds on big integers, and what it ends with.
const LONG: u32 = 30_011;

/// Starts the test of `LONG`, and waits until it has a checkpoint to go on from.
fn started(home: &Path, more: &[&str]) -> Child {
    let exponent = LONG.to_string();
    let all = ["test", &exponent, "--engine", "exact", "--checkpoint-interval", "100ms"];
    let mut command = mersenned(home, &[&all, more].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(Duration::from_secs(20), "a checkpoint is there", || has_checkpoint(&home.join("mersenned/tests")));
    child
}

/// Whether a checkpoint in this directory is whole: those that are being written have another name.
fn has_checkpoint(directory: &Path) -> bool {
    let files = directory.read_dir().into_iter().flatten().flatten();
    files.map(|file| file.path()).any(|path| path.extension().is_some_and(|extension| extension == "ckpt"))
}

/// The iteration that a line says the test goes on from.
fn resumed_at(ended: &Ended) -> u32 {
    let line = ended.errors.lines().find_map(|line| line.strip_prefix("Resuming at iteration "));
    let line = line.unwrap_or_else(|| panic!("it has not gone on: {}", ended.errors));
    line.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn a_test_that_is_stopped_by_a_signal_says_how_to_go_on_and_goes_on() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let home = tempfile::tempdir().unwrap();
        let child = started(home.path(), &[]);
        support::signal(child.id(), signal);
        let stopped = ended(child);
        assert_eq!(stopped.code, Some(code), "{}", stopped.errors);
        assert_eq!(stopped.output, "", "there is no verdict");
        let (told, again) = stopped.errors.trim_end().rsplit_once("to go on: ").expect("it says how");
        assert!(told.contains(&format!("M{LONG} is kept at iteration ")), "{told}");
        assert!(again.starts_with(&format!("mersenned test {LONG} ")), "{again}");
        let words: Vec<&str> = again.split(' ').skip(1).collect();
        let finished = run(home.path(), &words);
        assert_eq!(
            finished.output,
            format!("M{LONG} is not prime. Res64: {}\n", full_test(LONG)),
            "{}",
            finished.errors
        );
        let kept: u32 = told.trim_end_matches("; ").rsplit(' ').next().and_then(|word| word.parse().ok()).expect(told);
        assert_eq!(resumed_at(&finished), kept);
        assert!(kept > 0 && kept < LONG - 2);
        // A test that has a verdict leaves nothing to go on from.
        let anew = run(home.path(), &["test", "4999", "--engine", "exact"]);
        assert_eq!(anew.output, format!("M4999 is not prime. Res64: {}\n", full_test(4_999)));
        assert!(!anew.errors.contains("Resuming"), "{}", anew.errors);
    }
}

#[test]
fn a_test_that_is_killed_goes_on_from_its_last_checkpoint() {
    let home = tempfile::tempdir().unwrap();
    for round in 0..2 {
        let mut child = started(home.path(), &[]);
        child.kill().unwrap();
        let killed = ended(child);
        assert_eq!(killed.output, "", "round {round}: it was killed in the middle");
    }
    let finished = run(home.path(), &["test", &LONG.to_string(), "--engine", "exact"]);
    assert!(resumed_at(&finished) > 0);
    assert_eq!(finished.output, format!("M{LONG} is not prime. Res64: {}\n", full_test(LONG)), "{}", finished.errors);
}

#[test]
fn without_checkpoints_a_stopped_test_says_that_nothing_was_kept() {
    let home = tempfile::tempdir().unwrap();
    let mut command = mersenned(home.path(), &["test", "110503", "--engine", "exact", "--no-checkpoint"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut rest, told) = read_until(child.stderr.take().unwrap(), "Iteration: ");
    progress_is_as_known(told.lines().last().unwrap(), 110_501);
    support::signal(child.id(), "INT");
    let mut errors = String::new();
    rest.read_to_string(&mut errors).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(errors.contains("nothing of it was kept; to begin anew: mersenned test 110503 "), "{errors}");
    assert!(!has_files(home.path()), "nothing is left behind");
}

/// `Iteration: 1230000 / 57600769 [2.13%], roundoff: 0.156, ms/iter: 2.314, ETA: 1d 12:04`, the round-off where there is one.
fn progress_is_as_known(line: &str, total: u32) {
    let parts: Vec<&str> = line.split(", ").collect();
    let is_fixed = |text: &str, decimals: usize| {
        text.split_once('.').is_some_and(|(whole, rest)| {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits(whole) && digits(rest) && rest.len() == decimals
        })
    };
    let iteration = parts[0].strip_prefix("Iteration: ").and_then(|part| part.strip_suffix("%]"));
    let (iteration, percent) = iteration.and_then(|part| part.split_once(" [")).unwrap_or_else(|| panic!("{line}"));
    let (done, of) = iteration.split_once(" / ").unwrap();
    let done: u32 = done.parse().unwrap();
    assert!(done > 0 && done < total && of == total.to_string() && is_fixed(percent, 2), "{line}");
    let percent: f64 = percent.parse().unwrap();
    assert!((percent - 100.0 * f64::from(done) / f64::from(total)).abs() <= 0.01, "{line}");
    let last = match parts[1].strip_prefix("roundoff: ") {
        Some(roundoff) => {
            assert!(is_fixed(roundoff, 3), "{line}");
            2
        }
        None => 1,
    };
    assert!(parts[last].strip_prefix("ms/iter: ").is_some_and(|each| is_fixed(each, 3)), "{line}");
    let eta = parts[last + 1].strip_prefix("ETA: ").unwrap_or_else(|| panic!("{line}"));
    let clock = eta.split_once("d ").map_or(eta, |(_, clock)| clock);
    assert!(clock.split(':').all(|part| part.len() == 2 && part.parse::<u32>().is_ok()), "{line}");
    assert_eq!(parts.len(), last + 2, "{line}");
}

#[test]
fn on_a_terminal_there_is_a_bar_and_the_verdict_stands_alone() {
    let home = tempfile::tempdir().unwrap();
    let test = format!("{} test {LONG} --engine exact --no-checkpoint", support::program().display());
    let mut script = Command::new("script");
    script.args(["-qec", &test, "/dev/null"]).env("XDG_STATE_HOME", home.path()).env("TERM", "xterm");
    let Ok(output) = script.stdin(Stdio::null()).output() else { return support::skip("script cannot be run here") };
    let shown = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = shown.split(['\r', '\n']).collect();
    let progress: Vec<&&str> = lines.iter().filter(|line| line.contains("Iteration: ")).collect();
    assert!(progress.len() > 1, "{shown}");
    assert!(lines.iter().any(|line| line.contains('[') && line.contains('#') && line.contains(']')), "{shown}");
    let verdict = format!("M{LONG} is not prime. Res64: {}", full_test(LONG));
    assert!(
        lines.iter().any(|line| line.trim_start_matches(|c| !char::is_alphabetic(c)).ends_with(&verdict)),
        "{shown}"
    );
}

#[test]
fn a_probable_prime_is_told_then_decided_and_a_composite_is_told_with_the_residues_type() {
    let home = tempfile::tempdir().unwrap();
    let prime = run(home.path(), &["test", "4423", "--prp"]);
    let lines: Vec<&str> = prime.output.lines().collect();
    assert_eq!(lines.len(), 2, "{}", prime.output);
    assert!(lines[0].starts_with("M4423 is a probable prime! "), "{}", lines[0]);
    assert_eq!(lines[1], "M4423 is prime!");
    let composite = run(home.path(), &["test", "10007", "--prp"]);
    let [type_1, _] = prp(10_007);
    assert_eq!(composite.output, format!("M10007 is not prime. Res64: {type_1} (PRP, base 3, residue type 1)\n"));
}

#[test]
fn factors_are_looked_for_when_they_are_asked_for_and_as_far() {
    let home = tempfile::tempdir().unwrap();
    // 26,647 is the smallest factor of M4441; it has 15 bits.
    for (flag, verdict) in [("--factor", "has a factor: 26647"), ("--factor=15", "has a factor: 26647")] {
        assert_eq!(run(home.path(), &["test", "4441", flag]).output, format!("M4441 {verdict}\n"));
    }
    assert!(run(home.path(), &["test", "4441", "--factor=14"]).output.starts_with("M4441 is not prime. Res64: "));
}
