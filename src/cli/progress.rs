//! How far a test is, as GIMPS users know it: `Iteration: 1230000 / 57600769 [2.13%], roundoff: 0.156, ms/iter: 2.314,
//! ETA: 1d 12:04`; with a bar on a terminal, a line every ten seconds elsewhere.
//!
//! Uses indicatif for the bar. Everything goes to standard error.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::output;
use crate::search::Progress;

/// How often progress is shown on a terminal.
const ON_TERMINAL: Duration = Duration::from_millis(250);

/// How often progress is shown elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(10);

/// Lines, and on a terminal a bar below them.
#[derive(Debug)]
pub(super) struct Shown {
    pace: Pace,
    last: Instant,
    /// What the next lines are about, where it has not been said yet.
    heading: Option<String>,
    /// `None` where there is no terminal.
    bar: Option<ProgressBar>,
}

impl Shown {
    /// Nothing shown yet.
    pub(super) fn new() -> Shown {
        let now = Instant::now();
        let style = ProgressStyle::with_template("{msg}\n[{wide_bar}]").map(|style| style.progress_chars("#> "));
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(1);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Shown { pace: Pace::from(now), last: now, heading: None, bar }
    }

    /// A test begins, or begins again: what was measured before is no measure of it.
    pub(super) fn restart(&mut self) {
        self.pace = Pace::from(Instant::now());
    }

    /// Says what the next lines are about, when there are any: what is done at once is not worth a word.
    pub(super) fn head(&mut self, heading: String) {
        self.heading = Some(heading);
    }

    /// Shows progress when it is time to.
    pub(super) fn show(&mut self, progress: &Progress) {
        let now = Instant::now();
        self.pace.note(progress);
        if now - self.last < if self.bar.is_some() { ON_TERMINAL } else { ELSEWHERE } {
            return;
        }
        self.last = now;
        if let Some(heading) = self.heading.take() {
            self.say(&heading);
        }
        let line = self.pace.line(progress, now);
        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.total.into());
                bar.set_message(line);
                bar.set_position(progress.iteration.into());
            }
            None => output::tell(&line),
        }
    }

    /// Says something, above the bar if there is one.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::tell(line)),
            None => output::tell(line),
        }
    }

    /// Prints a line of the command's output, above the bar if there is one.
    pub(super) fn print(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::offer(line)),
            None => output::offer(line),
        }
    }

    /// Takes the bar away, so that what follows stands alone.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How fast squarings come, since the line before.
#[derive(Debug)]
struct Pace {
    since: Instant,
    squarings: u32,
    /// Seconds each, of the line before.
    before: Option<f64>,
}

impl Pace {
    fn from(now: Instant) -> Pace {
        Pace { since: now, squarings: 0, before: None }
    }

    fn note(&mut self, progress: &Progress) {
        self.squarings = self.squarings.saturating_add(progress.squarings);
    }

    /// The line for now; the next is about what comes after it.
    fn line(&mut self, progress: &Progress, now: Instant) -> String {
        let measured = (self.squarings > 0).then(|| (now - self.since).as_secs_f64() / f64::from(self.squarings));
        let seconds = measured.or(self.before).unwrap_or(0.0);
        *self = Pace { since: now, squarings: 0, before: Some(seconds) };
        line(progress, seconds)
    }
}

/// The line of a test whose squarings take so many seconds each.
fn line(progress: &Progress, seconds: f64) -> String {
    let Progress { iteration, total, roundoff, .. } = *progress;
    // Never 100 before the end.
    let percent = (1e4 * f64::from(iteration) / f64::from(total.max(1))).floor() / 100.0;
    let left = (seconds * f64::from(total.saturating_sub(iteration))) as u64;
    // Where nothing is rounded there is no error to show.
    let roundoff = progress.plan.length().map_or_else(String::new, |_| format!(", roundoff: {roundoff:.3}"));
    let milliseconds = 1e3 * seconds;
    format!(
        "Iteration: {iteration} / {total} [{percent:.2}%]{roundoff}, ms/iter: {milliseconds:.3}, ETA: {}",
        clock(left)
    )
}

/// Seconds as `HH:MM:SS`, from a day up as `Dd HH:MM`.
pub(super) fn clock(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days}d {hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mersenne::{EngineKind, Exponent, Plan};

    #[test]
    fn time_left_is_written_as_gimps_users_know_it() {
        assert_eq!(clock(0), "00:00:00");
        assert_eq!(clock(3_725), "01:02:05");
        assert_eq!(clock(86_399), "23:59:59");
        assert_eq!(clock(129_840), "1d 12:04");
    }

    #[test]
    fn the_line_is_the_one_gimps_users_know() {
        let exponent = Exponent::new(57_600_769).unwrap();
        let plan = Plan::of(exponent, EngineKind::Avx512).unwrap();
        let progress = Progress { iteration: 1_230_000, total: 57_600_769, squarings: 0, roundoff: 0.156_25, plan };
        let expected = "Iteration: 1230000 / 57600769 [2.13%], roundoff: 0.156, ms/iter: 2.314, ETA: 1d 12:14";
        assert_eq!(line(&progress, 2.314e-3), expected);
        let exact = Plan::of(Exponent::new(4_423).unwrap(), EngineKind::Exact).unwrap();
        let progress = Progress { iteration: 1, total: 4_421, squarings: 1, roundoff: 0.0, plan: exact };
        assert_eq!(line(&progress, 0.01), "Iteration: 1 / 4421 [0.02%], ms/iter: 10.000, ETA: 00:00:44");
    }

    #[test]
    fn a_line_is_about_the_squarings_since_the_line_before() {
        let began = Instant::now();
        let plan = Plan::of(Exponent::new(4_423).unwrap(), EngineKind::Exact).unwrap();
        let progress = |iteration, squarings| Progress { iteration, total: 4_421, squarings, roundoff: 0.0, plan };
        let mut pace = Pace::from(began);
        pace.note(&progress(500, 500));
        pace.note(&progress(1_000, 500));
        assert!(pace.line(&progress(1_000, 0), began + Duration::from_secs(1)).contains("ms/iter: 1.000"));
        pace.note(&progress(1_100, 100));
        assert!(pace.line(&progress(1_100, 0), began + Duration::from_secs(2)).contains("ms/iter: 10.000"));
        // Nothing has come since: the last pace is the best guess.
        assert!(pace.line(&progress(1_100, 0), began + Duration::from_secs(3)).contains("ms/iter: 10.000"));
    }
}
