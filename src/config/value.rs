//! How the value of a setting is written, whatever it comes from: a flag, a variable or a file.
//!
//! Every function reads one text and says what would be right when it is not.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use jiff::SignedDuration;
use thiserror::Error;

use crate::protocol::address;

/// The longest name of a node, in characters.
const NAME_MAX: usize = 40;

/// A duration of 1 ms to 1 day: a number of seconds, or a number with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval(pub Duration);

/// Why a text is no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("give a number of seconds, or a number with a unit such as 500ms, 10s or 2m; from 1ms to 24h")]
pub struct IntervalError;

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Interval, IntervalError> {
        let duration = match text.parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| IntervalError)?,
            Err(_) => {
                let signed: SignedDuration = text.parse().map_err(|_| IntervalError)?;
                signed.try_into().map_err(|_| IntervalError)?
            }
        };
        let allowed = Duration::from_millis(1)..=Duration::from_secs(86_400);
        if allowed.contains(&duration) { Ok(Interval(duration)) } else { Err(IntervalError) }
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// What needs somebody's attention.
    Error,
    /// What may need it.
    Warn,
    /// What happens: peers, primes, searches.
    Info,
    /// Every message.
    Debug,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For journald when it reads standard error, else for people.
    Auto,
    /// For people, with the time; with colours on a terminal.
    Text,
    /// For journald: the priority in front, no time.
    Journal,
    /// One JSON object a line.
    Json,
}

/// One of the names of a choice.
pub(super) fn choice<C: ValueEnum>(text: &str) -> Result<C, String> {
    C::from_str(text, false).map_err(|_| {
        let values = C::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        format!("give one of {}", names.join(", "))
    })
}

/// A UDP and TCP port.
///
/// # Errors
/// It is no number from 1 to 65535.
pub fn port(text: &str) -> Result<NonZeroU16, String> {
    text.parse().map_err(|_| "ports go from 1 to 65535".to_owned())
}

pub(super) fn interval(text: &str) -> Result<Duration, String> {
    text.parse::<Interval>().map(|interval| interval.0).map_err(|error| error.to_string())
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("give on or off".to_owned()),
    }
}

pub(super) fn number<N>(text: &str, range: RangeInclusive<N>) -> Result<N, String>
where
    N: FromStr + PartialOrd + fmt::Display,
{
    let within = text.parse().ok().filter(|number| range.contains(number));
    within.ok_or_else(|| format!("give a whole number from {} to {}", range.start(), range.end()))
}

pub(super) fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "give an IP address such as 127.0.0.1, 0.0.0.0 or ::1".to_owned())
}

/// A directory. Nobody but a shell knows what `~` is.
pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err("give a directory".to_owned());
    }
    if text == "~" || text.starts_with("~/") {
        return Err("write the home directory out; ~ is a shell's".to_owned());
    }
    Ok(text.into())
}

/// An address at which others may reach a node.
pub(super) fn advertised(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| address::AddressError::Syntax.to_string())?;
    address::reachable(address).map_err(|error| error.to_string())
}

/// A name that a browser or scraper may ask for, without a port.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let is_name_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !text.is_empty() && text.chars().all(is_name_character) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("give a host name such as node.example.org, without a port".to_owned())
    }
}

/// What people call a node.
pub(super) fn node_name(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if (1..=NAME_MAX).contains(&length) && !text.chars().any(char::is_control) && text.trim() == text {
        Ok(text.to_owned())
    } else {
        Err(format!("give 1 to {NAME_MAX} characters, without control characters or spaces around them"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_number_of_seconds_or_has_a_unit() {
        let millis = |text: &str| text.parse::<Interval>().map(|interval| interval.0.as_millis());
        assert_eq!(millis("10"), Ok(10_000));
        assert_eq!(millis("0.5"), Ok(500));
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("2m"), Ok(120_000));
        for text in ["", "0", "-1", "1e-9", "NaN", "inf", "-5s", "3 days", "ten"] {
            assert_eq!(millis(text), Err(IntervalError), "{text}");
        }
    }

    #[test]
    fn a_number_outside_its_range_is_refused_with_the_range() {
        assert_eq!(number("1024", 1..=1_024_u32), Ok(1_024));
        for text in ["0", "1025", "-1", "x", "", "1.0", "99999999999999999999"] {
            assert!(number(text, 1..=1_024_u32).unwrap_err().contains("from 1 to 1024"), "{text}");
        }
    }

    #[test]
    fn what_is_none_of_the_choices_is_refused_with_all_of_them() {
        assert_eq!(choice("json"), Ok(LogFormat::Json));
        assert_eq!(choice::<LogLevel>("INFO").unwrap_err(), "give one of error, warn, info, debug");
    }

    #[test]
    fn ports_out_of_range_are_refused_with_the_range() {
        assert_eq!(port("65535").unwrap().get(), 65_535);
        for text in ["0", "65536", "-1", "x", ""] {
            assert_eq!(port(text).unwrap_err(), "ports go from 1 to 65535");
        }
    }

    #[test]
    fn a_node_name_is_one_short_line_of_anything() {
        assert_eq!(node_name("Émilie <b>").unwrap(), "Émilie <b>");
        for text in ["", " a", "a\nb", "\u{1b}[31m", &"x".repeat(NAME_MAX + 1)] {
            assert!(node_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_host_name_has_no_port_and_no_spaces() {
        assert_eq!(host_name("Node.example").unwrap(), "node.example");
        for text in ["", "a b", "a:1", "http://a", "[::1]", "é"] {
            assert!(host_name(text).is_err(), "{text}");
        }
    }
}
