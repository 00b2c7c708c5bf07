//! How far runs are: a line that changes on a terminal, one every ten seconds elsewhere. Everything goes to standard error.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output;
use crate::cli::progress::clock;
use crate::simulation::run::Progress;

/// How often progress is shown on a terminal.
const ON_TERMINAL: Duration = Duration::from_millis(250);

/// How often progress is shown elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(10);

/// What is shown.
pub(super) struct Shown {
    name: String,
    runs: u64,
    failed: u64,
    began: Instant,
    last: Instant,
    /// `None` where there is no terminal.
    bar: Option<ProgressBar>,
}

impl Shown {
    /// Nothing yet, of so many runs.
    pub(super) fn new(name: &str, runs: u64) -> Shown {
        let now = Instant::now();
        let style = ProgressStyle::with_template("{spinner} {msg}");
        let bar = io::stderr()
            .is_terminal()
            .then(|| ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())));
        Shown { name: name.to_owned(), runs, failed: 0, began: now, last: now, bar }
    }

    /// Counts a run that has failed.
    pub(super) fn failed(&mut self) {
        self.failed += 1;
    }

    /// Shows how far it is when it is time to: how many runs are done, and how far the one is that says so.
    pub(super) fn show(&mut self, done: usize, at: Option<Progress>) {
        let now = Instant::now();
        if now - self.last < if self.bar.is_some() { ON_TERMINAL } else { ELSEWHERE } {
            return;
        }
        self.last = now;
        let line = self.line(done, at, now - self.began);
        match &self.bar {
            Some(bar) => {
                bar.set_message(line);
                bar.tick();
            }
            None => output::tell(&line),
        }
    }

    fn line(&self, done: usize, at: Option<Progress>, elapsed: Duration) -> String {
        let mut line = format!("{}: ", self.name);
        if self.runs > 1 {
            line += &format!("{done} of {} runs done", self.runs);
            if self.failed > 0 {
                line += &format!(", {} failed", self.failed);
            }
        } else if let Some(Progress { done, total, datagrams }) = at {
            let (done, total) = (done.as_secs_f64(), total.as_secs_f64());
            line += &format!("{done:.1} of {total} virtual seconds, {datagrams} datagrams");
        }
        line + &format!(", {}", clock(elapsed.as_secs()))
    }

    /// Takes the line away, so that what follows stands alone.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_shows_its_virtual_time_and_several_how_many_are_done() {
        let at = Progress { done: Duration::from_millis(12_345), total: Duration::from_secs(60), datagrams: 99 };
        let one = Shown::new("spread", 1);
        let minute = Duration::from_secs(61);
        assert_eq!(one.line(0, Some(at), minute), "spread: 12.3 of 60 virtual seconds, 99 datagrams, 00:01:01");
        let mut several = Shown::new("ring-15", 300);
        assert_eq!(several.line(7, Some(at), minute), "ring-15: 7 of 300 runs done, 00:01:01");
        several.failed();
        assert_eq!(several.line(7, None, minute), "ring-15: 7 of 300 runs done, 1 failed, 00:01:01");
    }
}
