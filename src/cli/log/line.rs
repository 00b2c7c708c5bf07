//! One event, one line, in each of the formats.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use tracing::Level;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Time, level, message.
    Text,
    /// The same, with colours.
    Colour,
    /// A priority as sd-daemon(3) has it, and the message: journald knows the time.
    Journal,
    /// A JSON object.
    Json,
}

/// What a line tells.
pub(super) struct Line<'a> {
    pub(super) level: Level,
    pub(super) message: &'a str,
    /// A JSON object with the details of the event.
    pub(super) entry: Option<&'a str>,
}

impl Line<'_> {
    /// Writes it, with its end.
    pub(super) fn write(&self, style: Style, out: &mut String) {
        // Writing to a string does not fail.
        let _ = match style {
            Style::Text => self.write_text(out, "", "", ""),
            Style::Colour => self.write_text(out, "\x1b[2m", colour(self.level), "\x1b[0m"),
            Style::Journal => write!(out, "<{}>{}", priority(self.level), Escaped(self.message)),
            Style::Json => self.write_json(out),
        };
        out.push('\n');
    }

    fn write_text(&self, out: &mut String, dim: &str, colour: &str, plain: &str) -> fmt::Result {
        let (time, level, message) = (Timestamp::now(), self.level, Escaped(self.message));
        write!(out, "{dim}{time:.3}{plain} {colour}{level:>5}{plain} {message}")
    }

    fn write_json(&self, out: &mut String) -> fmt::Result {
        let level = self.level.as_str().to_ascii_lowercase();
        let (time, message) = (Timestamp::now(), serde_json::Value::from(self.message));
        write!(out, "{{\"time\":\"{time:.3}\",\"level\":\"{level}\",\"message\":{message}")?;
        if let Some(entry) = self.entry {
            write!(out, ",\"entry\":{entry}")?;
        }
        out.write_char('}')
    }
}

/// A message in which control characters are written out: whatever is in it, it stays on its line and moves no cursor.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Beside control characters: separators, and the marks that turn text round.
        let is_harmful = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let mut each = self.0.chars();
        each.try_for_each(|c| if is_harmful(c) { write!(f, "{}", c.escape_default()) } else { f.write_char(c) })
    }
}

/// syslog's priorities, which journald understands at the beginning of a line.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG | Level::TRACE => "\x1b[34m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(style: Style, message: &str, entry: Option<&str>) -> String {
        let mut out = String::new();
        Line { level: Level::WARN, message, entry }.write(style, &mut out);
        out
    }

    #[test]
    fn whatever_is_in_a_message_it_is_one_line() {
        let hostile = "a\nb\r\x1b[2J\u{7}\u{85}\u{2028}\u{202e}é\"";
        for style in [Style::Text, Style::Journal, Style::Json] {
            let line = written(style, hostile, None);
            assert!(
                line.ends_with('\n') && !line[..line.len() - 1].contains(['\n', '\r', '\x1b', '\u{7}']),
                "{line:?}"
            );
            assert!(line.contains('é'), "{line:?}");
        }
        assert!(written(Style::Text, hostile, None).contains("a\\nb\\r\\u{1b}[2J\\u{7}\\u{85}\\u{2028}\\u{202e}é\""));
    }

    #[test]
    fn journald_gets_the_priority_and_no_time() {
        assert_eq!(written(Style::Journal, "no space", None), "<4>no space\n");
    }

    #[test]
    fn a_json_line_has_time_level_message_and_details() {
        let line = written(Style::Json, "x\ny", Some("{\"seq\":1}"));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["level"], &value["message"]), (&"warn".into(), &"x\ny".into()));
        assert_eq!(value["entry"]["seq"], 1);
        assert!(value["time"].as_str().unwrap().parse::<Timestamp>().is_ok());
    }
}
