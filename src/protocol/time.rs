//! Time as the protocol sees it: a count of microseconds that only grows, handed in by the driver.
//!
//! The protocol never reads a clock. A daemon hands in the time since its own start, a simulator its virtual time; a change
//! of the wall clock therefore cannot be noticed here.

use std::ops::Add;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A point in monotonic time, in microseconds since an origin that the driver chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The driver's origin.
    pub const ZERO: Time = Time(0);
    /// Later than anything that will happen.
    pub const NEVER: Time = Time(u64::MAX);

    /// The point `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Time {
        Time(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub const fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The point `duration` before this one, but not before the origin.
    pub const fn back(self, duration: Duration) -> Time {
        Time(self.0.saturating_sub(micros(duration)))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, duration: Duration) -> Time {
        Time(self.0.saturating_add(micros(duration)))
    }
}

/// `Duration` in whole microseconds; durations beyond 500,000 years are cut there.
const fn micros(duration: Duration) -> u64 {
    let micros = duration.as_micros();
    if micros > u64::MAX as u128 { u64::MAX } else { micros as u64 }
}

/// A point in time in sixteenths of a second, in four bytes, for tables in which many of them stand; good for 8 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct CoarseTime(pub(crate) u32);

/// Microseconds in a sixteenth of a second.
const SIXTEENTH: u64 = 62_500;

impl CoarseTime {
    /// The last such point that is not after `time`.
    pub(crate) fn until(time: Time) -> CoarseTime {
        CoarseTime(u32::try_from(time.0 / SIXTEENTH).unwrap_or(u32::MAX))
    }

    /// The first such point that is not before `time`.
    pub(crate) fn from(time: Time) -> CoarseTime {
        CoarseTime(u32::try_from(time.0.div_ceil(SIXTEENTH)).unwrap_or(u32::MAX))
    }

    /// The point itself.
    pub(crate) const fn time(self) -> Time {
        Time(self.0 as u64 * SIXTEENTH)
    }
}

/// A [`Time`] that can be read while its one writer sets it.
#[derive(Debug)]
pub(crate) struct AtomicTime(AtomicU64);

impl AtomicTime {
    pub(crate) const fn new(time: Time) -> AtomicTime {
        AtomicTime(AtomicU64::new(time.0))
    }

    pub(crate) fn get(&self) -> Time {
        Time(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, time: Time) {
        self.0.store(time.0, Ordering::Relaxed);
    }

    /// Moves the point forward to `time` if it lies behind it now.
    pub(crate) fn at_most(&self, time: Time) {
        self.0.fetch_min(time.0, Ordering::Relaxed);
    }
}
