//! Durations and shares as people write them in a scenario.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration of 0 to 24 hours: in a file, a number of seconds or a text such as `"500ms"`, `"60s"`, `"10m"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub Duration);

/// Why a text is no [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give a number of seconds, or a number with a unit such as 500ms, 10s or 2m; at most 24h")]
pub struct SpanError;

/// The longest span.
const LONGEST: Duration = Duration::from_hours(24);

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(Duration::ZERO);

    /// So many milliseconds.
    pub const fn ms(milliseconds: u64) -> Span {
        Span(Duration::from_millis(milliseconds))
    }

    /// So many seconds.
    pub const fn s(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }

    fn of_seconds(seconds: f64) -> Result<Span, SpanError> {
        let duration = Duration::try_from_secs_f64(seconds).map_err(|_| SpanError)?;
        if duration <= LONGEST { Ok(Span(duration)) } else { Err(SpanError) }
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        if let Ok(seconds) = text.parse() {
            return Span::of_seconds(seconds);
        }
        let signed: SignedDuration = text.parse().map_err(|_| SpanError)?;
        let duration = Duration::try_from(signed).map_err(|_| SpanError)?;
        if duration <= LONGEST { Ok(Span(duration)) } else { Err(SpanError) }
    }
}

impl fmt::Display for Span {
    /// In the largest unit that leaves no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        let units = [("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];
        match units.iter().find(|(_, unit)| micros > 0 && micros.is_multiple_of(*unit)) {
            Some((name, unit)) => write!(f, "{}{name}", micros / unit),
            None if micros == 0 => f.write_str("0s"),
            None => write!(f, "{micros}us"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        struct Written;

        impl Visitor<'_> for Written {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds or a text such as \"500ms\", \"10s\" or \"2m\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Span, E> {
                Span::of_seconds(seconds).map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Span, E> {
                self.visit_f64(seconds as f64)
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Span, E> {
                self.visit_f64(seconds as f64)
            }
        }

        deserializer.deserialize_any(Written)
    }
}

/// A part of a whole, 0 to 1; on the command line also `50%`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize)]
#[serde(transparent)]
pub struct Share(f64);

/// Why a number is no [`Share`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give a share from 0 to 1, or a percentage such as 5%")]
pub struct ShareError;

impl Share {
    /// Nothing.
    pub const NONE: Share = Share(0.0);
    /// All.
    pub const ALL: Share = Share(1.0);

    /// # Errors
    /// The number is not from 0 to 1.
    pub fn new(share: f64) -> Result<Share, ShareError> {
        if (0.0..=1.0).contains(&share) { Ok(Share(share)) } else { Err(ShareError) }
    }

    /// `percent` from 0 to 100; more counts as 100.
    pub const fn percent(percent: f64) -> Share {
        Share(if percent > 100.0 { 1.0 } else { percent / 100.0 })
    }

    /// From 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// This part of so many, rounded; at least one of them unless the share is none.
    pub fn of(self, many: usize) -> usize {
        let part = (self.0 * many as f64).round() as usize;
        if self.0 > 0.0 { part.max(1).min(many) } else { 0 }
    }

    /// The least number that is this part of so many.
    pub fn at_least_of(self, many: usize) -> usize {
        // A hair less, so that 0.99 of 100 is 99 whatever rounding does.
        ((self.0 * many as f64 - 1e-9).ceil().max(0.0) as usize).min(many)
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Share, ShareError> {
        let (number, scale) = match text.strip_suffix('%') {
            Some(percent) => (percent.trim_end(), 100.0),
            None => (text, 1.0),
        };
        Share::new(number.parse::<f64>().map_err(|_| ShareError)? / scale)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded to what a person would write, without zeros behind it.
        write!(f, "{} %", (self.0 * 1e6).round() / 1e4)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Share, D::Error> {
        Share::new(f64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for text in ["0s", "1s", "500ms", "10m", "24h", "90s", "1500ms", "250us"] {
            let span: Span = text.parse().unwrap();
            let written = span.to_string();
            assert_eq!(written.parse(), Ok(span), "{text} became {written}");
        }
        assert_eq!(Span::s(600).to_string(), "10m");
        assert_eq!("0.25".parse(), Ok(Span::ms(250)));
        for text in ["", "soon", "-1", "-1s", "25h", "86401", "inf", "NaN"] {
            assert_eq!(text.parse::<Span>(), Err(SpanError), "{text}");
        }
    }

    #[test]
    fn shares_are_numbers_or_percentages() {
        assert_eq!("0.05".parse(), Ok(Share(0.05)));
        assert_eq!("5%".parse::<Share>().unwrap().to_string(), "5 %");
        assert_eq!(Share::percent(99.9).to_string(), "99.9 %");
        for text in ["1.1", "-0.1", "x", "101%", "NaN", ""] {
            assert_eq!(text.parse::<Share>(), Err(ShareError), "{text}");
        }
    }

    #[test]
    fn a_share_is_at_least_one_and_at_most_all() {
        assert_eq!(Share::percent(50.0).of(10), 5);
        assert_eq!(Share::percent(1.0).of(4), 1);
        assert_eq!(Share::NONE.of(100), 0);
        assert_eq!(Share::ALL.of(0), 0);
        assert_eq!(Share::percent(99.0).at_least_of(100), 99);
        assert_eq!(Share::percent(99.0).at_least_of(4), 4);
    }
}
