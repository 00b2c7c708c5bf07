//! What `test` and `work` share: an exponent is settled, and what happens on the way is told on standard error.
//!
//! Uses the driver of tests in `search`, and the progress line.

use std::env;
use std::path::PathBuf;

use super::choice::points;
use super::progress::Shown;
use crate::config::Environment;
use crate::mersenne::{EngineError, Exponent, Interrupt, Method, Plan, ResidueType};
use crate::search::{Attempt, Conclusion, Event};

/// From so many bits on, looking for factors takes seconds or more.
const LONG_LOOK: u32 = 45;

/// Where tests keep their checkpoints when no flag says so: `None` when the user has no home.
pub(super) fn default_checkpoints() -> Option<PathBuf> {
    Environment::of_this_process().tests_dir()
}

/// The command line of this process, to be typed again.
pub(super) fn this_command() -> String {
    let words = env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    ["mersenned".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Settles an exponent and shows how that goes.
pub(super) fn run(attempt: &Attempt, interrupt: &Interrupt, shown: &mut Shown) -> Conclusion {
    let p = attempt.exponent;
    let conclusion = attempt.run(interrupt, &mut |event| match event {
        Event::Factoring { limit } => {
            let heading = format!("M{p}: looking for factors below 2^{}", limit.get());
            // Nothing more is told of it, so that what may take long is told before.
            if limit.get() >= LONG_LOOK { shown.say(&heading) } else { shown.head(heading) }
        }
        Event::Testing { method, plan, shift, iteration } => {
            shown.restart();
            shown.head(format!("M{p}: {method} test {}, shift {shift}", on(*plan)));
            resuming(shown, p, *iteration);
        }
        Event::Progress(progress) => shown.show(progress),
        Event::Checkpointed { .. } => {}
        Event::CheckpointFailed { reason } => {
            shown.say(&format!("M{p}: no checkpoint could be written ({reason}); the test goes on"));
        }
        Event::CheckpointUnusable { path, reason } => {
            shown.say(&format!("M{p}: the checkpoint {} cannot be used: {reason}", path.display()));
        }
        Event::Error { fault, back_to, plan } => {
            shown.restart();
            shown.say(&format!("M{p}: {fault}; the test goes on from iteration {back_to} {}", on(*plan)));
        }
        Event::Confirming { method, plan, shift, iteration } => {
            shown.restart();
            if let MethodOf::Prp = MethodOf::of(attempt) {
                shown.print(&format!("M{p} is a probable prime! A {method} test decides."));
            }
            shown.head(format!("M{p}: confirming by a {method} test {}, shift {shift}", on(*plan)));
            resuming(shown, p, *iteration);
        }
    });
    shown.clear();
    conclusion
}

/// Says so when a test goes on from a checkpoint.
fn resuming(shown: &Shown, exponent: Exponent, iteration: u32) {
    if iteration > 0 {
        shown.say(&format!("Resuming at iteration {iteration} of M{exponent}"));
    }
}

/// What kind of test was asked for.
enum MethodOf {
    LucasLehmer,
    Prp,
}

impl MethodOf {
    fn of(attempt: &Attempt) -> MethodOf {
        use crate::search::MethodChoice::{Auto, Only};
        match attempt.method {
            Only(Method::Prp(_)) => MethodOf::Prp,
            Auto | Only(Method::LucasLehmer) => MethodOf::LucasLehmer,
        }
    }
}

fn on(plan: Plan) -> String {
    let length = plan.length().map_or_else(String::new, |length| format!(", {} points", points(length)));
    format!("on the {} engine{length}", plan.kind())
}

/// The verdict in words; `None` when there is none.
pub(super) fn verdict(exponent: Exponent, conclusion: &Conclusion) -> Option<String> {
    match conclusion {
        Conclusion::Prime(_) => Some(format!("M{exponent} is prime!")),
        Conclusion::Composite(report) => {
            let kind = match report.method {
                Method::LucasLehmer => "",
                Method::Prp(ResidueType::One) => " (PRP, base 3, residue type 1)",
                Method::Prp(ResidueType::Three) => " (PRP, base 3, residue type 3)",
            };
            Some(format!("M{exponent} is not prime. Res64: {}{kind}", report.res64))
        }
        Conclusion::HasFactor(factor) => Some(format!("M{exponent} has a factor: {factor}")),
        Conclusion::Interrupted { .. } | Conclusion::BeyondEngine { .. } | Conclusion::Failed { .. } => None,
    }
}

/// Why there is no verdict, when nobody interrupted.
pub(super) fn no_verdict(exponent: Exponent, conclusion: &Conclusion) -> String {
    match conclusion {
        Conclusion::BeyondEngine { limit } => EngineError::BeyondLimit { exponent, limit: *limit }.to_string(),
        Conclusion::Failed { fault, errors } => format!(
            "the test of M{exponent} has gone wrong {} times, last because {fault}; nothing is known. \
             `mersenned selftest` shows whether this machine calculates as it should",
            errors.total()
        ),
        Conclusion::Prime(_) | Conclusion::Composite(_) | Conclusion::HasFactor(_) | Conclusion::Interrupted { .. } => {
            format!("M{exponent} has no verdict")
        }
    }
}

/// How far an interrupted test is, in words.
pub(super) fn how_far(exponent: Exponent, iteration: u32, checkpoint: Option<u32>) -> String {
    match (iteration, checkpoint) {
        (_, Some(kept)) => format!("stopped; M{exponent} is kept at iteration {kept}"),
        (0, None) => format!("stopped before the test of M{exponent} began"),
        (iteration, None) => format!("stopped at iteration {iteration} of M{exponent}, and nothing of it was kept"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_to_be_typed_again_survives_the_shell() {
        assert_eq!(quoted("--checkpoints=/a/b-c_1.d"), "--checkpoints=/a/b-c_1.d");
        assert_eq!(quoted("my work"), "'my work'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$HOME;x"), "'$HOME;x'");
    }

    #[test]
    fn how_far_a_test_came_is_told_with_what_was_kept() {
        let p = Exponent::new(44_501).unwrap();
        assert_eq!(how_far(p, 700, Some(650)), "stopped; M44501 is kept at iteration 650");
        assert_eq!(how_far(p, 700, None), "stopped at iteration 700 of M44501, and nothing of it was kept");
        assert_eq!(how_far(p, 0, None), "stopped before the test of M44501 began");
    }
}
