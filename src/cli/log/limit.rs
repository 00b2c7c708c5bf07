//! So many lines of one cause and no more: a token bucket for each.
//!
//! Causes are places in the program and kinds of events, so there is a fixed number of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;

/// Lines of one cause at once: a node that catches up on every known prime, or meets a full table of peers, tells it all.
const AT_ONCE: f64 = 100.0;

/// After that, one line so often.
const ONE_IN: Duration = Duration::from_secs(1);

/// What an event is about: its place in the program, and the kind of event where one place tells of many.
pub(super) type Cause = (Identifier, String);

/// Whether a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// It is.
    Yes {
        /// So many of the same cause were not, since the last one that was.
        left_out: u64,
    },
    /// It is not, but counted.
    No,
}

/// The buckets.
#[derive(Debug)]
pub(super) struct Limiter<C = Cause> {
    buckets: HashMap<C, Bucket>,
}

impl<C> Default for Limiter<C> {
    fn default() -> Limiter<C> {
        Limiter { buckets: HashMap::new() }
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
    left_out: u64,
}

impl<C: Eq + std::hash::Hash> Limiter<C> {
    /// Whether one more line of this cause is written now.
    pub(super) fn pass(&mut self, cause: C, now: Instant) -> Pass {
        let bucket = self.buckets.entry(cause).or_insert(Bucket { tokens: AT_ONCE, filled: now, left_out: 0 });
        let refill = now.saturating_duration_since(bucket.filled).div_duration_f64(ONE_IN);
        bucket.tokens = (bucket.tokens + refill).min(AT_ONCE);
        bucket.filled = now;
        if bucket.tokens < 1.0 {
            bucket.left_out += 1;
            return Pass::No;
        }
        bucket.tokens -= 1.0;
        Pass::Yes { left_out: std::mem::take(&mut bucket.left_out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_has_a_hundred_lines_and_then_one_a_second_and_says_what_was_left_out() {
        let (mut limiter, start) = (Limiter::default(), Instant::now());
        let written = (0..1_000).filter(|_| limiter.pass("claims", start) == Pass::Yes { left_out: 0 });
        assert_eq!(written.count(), 100);
        assert_eq!(limiter.pass("peers", start), Pass::Yes { left_out: 0 }, "another cause is not touched");
        assert_eq!(limiter.pass("claims", start + ONE_IN), Pass::Yes { left_out: 900 });
        assert_eq!(limiter.pass("claims", start + ONE_IN), Pass::No);
        let much_later = start + 3_600 * ONE_IN;
        let written = (0..1_000).filter(|_| limiter.pass("claims", much_later) != Pass::No);
        assert_eq!(written.count(), 100);
    }
}
