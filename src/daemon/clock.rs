//! The node's time: monotonic, from the start of this process.

use std::time::{Duration, Instant};

use crate::protocol::Time;

/// Reads the monotonic clock, which no change of the wall clock moves.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that shows zero now.
    pub fn start() -> Clock {
        Clock { started: Instant::now() }
    }

    /// The time since the start.
    pub fn now(&self) -> Time {
        Time::ZERO + self.started.elapsed()
    }

    /// When this clock will show `time`; for [`Time::NEVER`], in a long time.
    pub fn at(&self, time: Time) -> tokio::time::Instant {
        let since_start = time.since(Time::ZERO).min(Duration::from_secs(10 * 365 * 86_400));
        (self.started + since_start).into()
    }
}
