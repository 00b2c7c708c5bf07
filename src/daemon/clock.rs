//! The daemon's clock: the time since its start, which the protocol counts in.

use std::time::Instant;

use crate::protocol::Time;

/// Monotonic time with the daemon's start as its origin. All threads use copies of one clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        Clock { started: Instant::now() }
    }

    /// The time since its start.
    pub fn now(self) -> Time {
        Time::ZERO + self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_clock_agree_and_never_go_back() {
        let clock = Clock::start();
        let copy = clock;
        let first = clock.now();
        let second = copy.now();
        assert!(second >= first);
        assert!(second.since(Time::ZERO) <= clock.started.elapsed());
    }
}
