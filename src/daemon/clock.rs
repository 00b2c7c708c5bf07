//! The node's time: monotonic, from the start of this process, and in a lab as fast as its owner wants it.
//!
//! A plain node's clock is the machine's and never changes its pace. A lab's goes `n` times as fast: every timer of the
//! protocol, which knows no other time, then does too. The pace is changed by the gossip loop alone; others read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::protocol::Time;

/// How far ahead a deadline can be: a timer that is never due is due then.
const FAR: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Reads the monotonic clock, which no change of the wall clock moves.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    /// `None` at the machine's own pace, so that a plain node takes no lock to know the time.
    course: Option<Arc<Mutex<Course>>>,
}

/// A pace and since when.
#[derive(Debug, Clone, Copy)]
struct Course {
    pace: f64,
    /// In the machine's time and in the node's, when it was set.
    since: (Instant, Time),
}

impl Clock {
    /// A clock that shows zero now and goes with the machine's.
    pub fn start() -> Clock {
        Clock { started: Instant::now(), course: None }
    }

    /// A clock that shows zero now and whose pace can be changed.
    pub fn adjustable() -> Clock {
        let started = Instant::now();
        let course = Course { pace: 1.0, since: (started, Time::ZERO) };
        Clock { started, course: Some(Arc::new(Mutex::new(course))) }
    }

    /// The time since the start.
    pub fn now(&self) -> Time {
        match self.course() {
            None => Time::ZERO + self.started.elapsed(),
            Some(course) => course.at(Instant::now()),
        }
    }

    /// When this clock will show `time`, at its present pace; for [`Time::NEVER`], in a long time.
    pub fn at(&self, time: Time) -> tokio::time::Instant {
        let instant = match self.course() {
            None => self.started + time.since(Time::ZERO).min(FAR),
            Some(Course { pace, since: (instant, shown) }) => instant + time.since(shown).min(FAR).div_f64(pace),
        };
        instant.into()
    }

    /// How many seconds of this clock go by in one of the machine's.
    pub fn pace(&self) -> f64 {
        self.course().map_or(1.0, |course| course.pace)
    }

    /// Goes on from what it shows now at another pace, above 0; a clock that was not made for that stays as it is.
    pub(super) fn set_pace(&self, pace: f64) {
        if let Some(course) = &self.course {
            let mut course = course.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            *course = Course { pace, since: (now, course.at(now)) };
        }
    }

    fn course(&self) -> Option<Course> {
        self.course.as_ref().map(|course| *course.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Course {
    fn at(&self, instant: Instant) -> Time {
        let (since, shown) = self.since;
        shown + instant.saturating_duration_since(since).mul_f64(self.pace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_pace_moves_nothing_that_was_shown_and_everything_that_comes() {
        let began = Instant::now();
        let slow = Course { pace: 1.0, since: (began, Time::ZERO) };
        let after = began + Duration::from_secs(4);
        let fast = Course { pace: 10.0, since: (after, slow.at(after)) };
        assert_eq!(fast.at(after), Time::ZERO + Duration::from_secs(4));
        assert_eq!(fast.at(after + Duration::from_secs(1)), Time::ZERO + Duration::from_secs(14));
    }

    #[test]
    fn deadlines_come_sooner_on_a_fast_clock_and_never_stays_never() {
        let clock = Clock::adjustable();
        clock.set_pace(10.0);
        let wait = clock.at(clock.now() + Duration::from_secs(10)).duration_since(tokio::time::Instant::now());
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert!(clock.at(Time::NEVER).duration_since(tokio::time::Instant::now()) > Duration::from_secs(86_400));
    }

    #[test]
    fn a_plain_clock_keeps_the_machines_pace() {
        let clock = Clock::start();
        clock.set_pace(10.0);
        assert_eq!(clock.pace(), 1.0);
    }
}
