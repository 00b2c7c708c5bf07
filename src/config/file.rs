//! The configuration file: TOML, one key for each setting, and nothing else.
//!
//! Everything wrong with a file is found at once, each with its line: whoever mends one mistake is not told of the next
//! only then.

use std::fs;
use std::io;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{Key, Shape};

use super::problem::Problem;
use super::setting::{Origin, Setting};
use super::table::{self, similar};

/// The longest file that is read, in bytes: a hundred times the example.
const SIZE_MAX: u64 = 1 << 20;

/// What a file says, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) settings: Vec<(&'static Key, Setting)>,
    pub(super) problems: Vec<Problem>,
}

/// Reads the settings of a file.
pub(super) fn read(path: &Path) -> Content {
    match text(path) {
        Ok(text) => parse(path, &text),
        Err(error) => {
            let problem = Problem::Unreadable { path: path.to_owned(), reason: error.to_string() };
            Content { problems: vec![problem], ..Content::default() }
        }
    }
}

fn text(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if metadata.len() > SIZE_MAX {
        return Err(io::Error::other(format!("it is longer than {SIZE_MAX} bytes")));
    }
    fs::read_to_string(path)
}

/// The settings in a text; `path` is what it is called in errors.
fn parse(path: &Path, text: &str) -> Content {
    let origin = |at: usize| Origin::File { path: path.to_owned(), line: line_of(text, at) };
    let (document, mistakes) = DeTable::parse_recoverable(text);
    if !mistakes.is_empty() {
        let told = |mistake: &toml::de::Error| {
            let at = mistake.span().map_or(0, |span| span.start);
            let hint = if is_bare_word(text, at) { "; texts stand in quotes" } else { "" };
            Problem::Syntax { origin: origin(at), reason: format!("{}{hint}", mistake.message()) }
        };
        return Content { problems: mistakes.iter().map(told).collect(), ..Content::default() };
    }
    let Content { mut settings, mut problems } = Content::default();
    for (name, value) in document.get_ref() {
        let origin = origin(name.span().start);
        let Some(key) = table::find(name.get_ref()) else {
            problems.push(unknown(origin, name.get_ref()));
            continue;
        };
        match texts(key, value) {
            Ok(texts) => settings.push((key, Setting { texts, origin })),
            Err(reason) => problems.push(Problem::Value { key: key.name, text: None, origin, reason }),
        }
    }
    Content { settings, problems }
}

fn unknown(origin: Origin, name: &str) -> Problem {
    Problem::UnknownKey { origin, key: name.to_owned(), meant: similar(name) }
}

/// The value as it would be written on the command line.
fn texts(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    match (key.shape, value.get_ref()) {
        (Shape::List, DeValue::Array(array)) => array.iter().map(|element| scalar(element.get_ref())).collect(),
        (Shape::List, _) => Err(format!("give an array: {} = [\"…\"]", key.name)),
        (Shape::Switch, DeValue::Boolean(on)) => Ok(vec![if *on { "on" } else { "off" }.to_owned()]),
        (Shape::Switch, DeValue::String(text)) if text == "on" || text == "off" => Ok(vec![text.to_string()]),
        (Shape::Switch, _) => Err("give true or false".to_owned()),
        (Shape::Text, DeValue::Integer(_) | DeValue::Float(_)) => Err("give a text in quotes".to_owned()),
        (Shape::Text | Shape::Time | Shape::Number, value) => Ok(vec![scalar(value)?]),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Err("the number is too large".to_owned()),
        },
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(_) => Err("true and false mean nothing here".to_owned()),
        DeValue::Datetime(_) => Err("a date means nothing here".to_owned()),
        DeValue::Array(_) => Err("give one value, not an array".to_owned()),
        DeValue::Table(_) => Err("give a value, not a table".to_owned()),
    }
}

/// Whether what begins here is a word where TOML wants quotes.
fn is_bare_word(text: &str, at: usize) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// The number of the line a byte is in, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let problems = parse(Path::new("m.toml"), text).problems;
        problems.iter().map(ToString::to_string).collect()
    }

    fn values(text: &str) -> Vec<(&'static str, Vec<String>)> {
        let content = parse(Path::new("m.toml"), text);
        assert_eq!(content.problems, []);
        content.settings.into_iter().map(|(key, setting)| (key.name, setting.texts)).collect()
    }

    #[test]
    fn values_are_read_as_a_person_would_write_them() {
        assert_eq!(values("port = 0x1389"), [("port", vec!["5001".to_owned()])]);
        assert_eq!(values("interval = 0.5"), [("interval", vec!["0.5".to_owned()])]);
        assert_eq!(values("search = false"), [("search", vec!["off".to_owned()])]);
        assert_eq!(values("peer = ['a:1', \"b:2\"]"), [("peer", vec!["a:1".to_owned(), "b:2".to_owned()])]);
        assert_eq!(values("peer = []\n# nothing else"), [("peer", vec![])]);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_what_may_have_been_meant() {
        let mut told = problems("port = 5001\n\nping_interval = '1s'\n[network]\npeer = []\n");
        told.sort();
        let expected = [
            "m.toml:3: unknown key `ping_interval`; did you mean `ping-interval`?",
            "m.toml:4: unknown key `network`; `mersenned config example` lists all keys",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_toml_is_named_with_its_line() {
        for (text, line) in [("port = 5001\nbind = ", 2), ("port = 1\nport = 2", 2), ("\n\n= 3", 3), ("peer = [", 1)] {
            let problems = problems(text);
            assert!(problems[0].starts_with(&format!("m.toml:{line}: ")), "{problems:?}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_says_what_would_be_right() {
        assert_eq!(problems("peer = 'a:1'"), ["m.toml:1: peer: give an array: peer = [\"…\"]"]);
        assert_eq!(problems("port = [1]"), ["m.toml:1: port: give one value, not an array"]);
        assert_eq!(problems("search = 1"), ["m.toml:1: search: give true or false"]);
        assert_eq!(problems("state-dir = 5"), ["m.toml:1: state-dir: give a text in quotes"]);
        assert_eq!(problems("state-dir = true"), ["m.toml:1: state-dir: true and false mean nothing here"]);
        assert!(
            problems("bind = localhost")[0].ends_with("; texts stand in quotes"),
            "{:?}",
            problems("bind = localhost")
        );
        assert_eq!(problems("port = 2026-01-01"), ["m.toml:1: port: a date means nothing here"]);
        assert_eq!(problems("\nport = 99999999999999999999"), ["m.toml:2: port: the number is too large"]);
    }
}
