//! Scenarios in TOML files. What is wrong with one is told with file, line and key.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Scenario;

/// The longest file that is read, in bytes.
const SIZE_MAX: u64 = 1 << 20;

/// Why a file is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read the scenario file {}: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// What it says is no scenario.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
}

/// Reads a scenario from a file.
///
/// # Errors
/// The file cannot be read, or what it says is no scenario.
pub fn read(path: &Path) -> Result<Scenario, FileError> {
    let unreadable = |reason: String| FileError::Unreadable { path: path.to_owned(), reason };
    let metadata = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    if metadata.len() > SIZE_MAX {
        return Err(unreadable(format!("it is longer than {SIZE_MAX} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let mut scenario = parse(path, &text)?;
    if scenario.name.is_empty() {
        scenario.name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    }
    Ok(scenario)
}

/// The scenario in a text; `path` is what it is called in errors.
///
/// # Errors
/// The text is no TOML, has unknown keys or values that cannot be.
pub fn parse(path: &Path, text: &str) -> Result<Scenario, FileError> {
    let place = |at: usize| format!("{}:{}", path.display(), line_of(text, at));
    let scenario: Scenario = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        FileError::Wrong(vec![format!("{}: {}", place(span.start), told(text, &span, error.message()))])
    })?;
    let wrong = scenario.check();
    if wrong.is_empty() {
        return Ok(scenario);
    }
    let document = DeTable::parse(text).ok();
    let told = wrong.iter().map(|wrong| {
        let at = document.as_ref().and_then(|document| place_of(document.get_ref(), &wrong.key)).unwrap_or_default();
        format!("{}: {wrong}", place(at))
    });
    Err(FileError::Wrong(told.collect()))
}

/// What serde says, in the words of the configuration file.
fn told(text: &str, span: &Range<usize>, message: &str) -> String {
    let quoted = |text: &str| text.split('`').nth(1).map(str::to_owned);
    let unknown = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "));
    if let Some(rest) = unknown {
        let name = quoted(rest).unwrap_or_default();
        let expected: Vec<&str> = rest.split('`').skip(3).step_by(2).collect();
        let hint = match similar(&name, &expected) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", expected.join(", ")),
        };
        let what = if message.starts_with("unknown field ") { "unknown key" } else { "unknown value" };
        return format!("{what} `{}`; {hint}", name.escape_debug());
    }
    if let Some(name) = message.strip_prefix("missing field ").and_then(quoted) {
        return format!("the key `{name}` is missing");
    }
    let document = DeTable::parse(text).ok();
    match document.as_ref().and_then(|document| key_at(document.get_ref(), span)) {
        Some(key) => format!("{key}: {message}"),
        None => message.to_owned(),
    }
}

/// The name that was probably meant.
fn similar<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |known: &str| strsim::damerau_levenshtein(&name.replace('_', "-"), known);
    let (distance, meant) = known.iter().map(|&known| (distance(known), known)).min()?;
    (distance <= 1 + meant.len() / 4).then_some(meant)
}

/// The path of the innermost key whose value spans what is wrong.
fn key_at(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    table.iter().find_map(|(name, value)| {
        let inner = within(value, &holds, span)?;
        Some(format!("{}{inner}", name.get_ref()))
    })
}

fn within(value: &Spanned<DeValue<'_>>, holds: &dyn Fn(Range<usize>) -> bool, span: &Range<usize>) -> Option<String> {
    match value.get_ref() {
        DeValue::Table(table) => match key_at(table, span) {
            Some(key) => Some(format!(".{key}")),
            None => holds(value.span()).then(String::new),
        },
        DeValue::Array(elements) => {
            let inner = elements.iter().enumerate();
            let inner = inner.filter_map(|(index, value)| Some(format!("[{index}]{}", within(value, holds, span)?)));
            inner.into_iter().next().or_else(|| holds(value.span()).then(String::new))
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            holds(value.span()).then(String::new)
        }
    }
}

/// Where a key stands, or the nearest one around it.
fn place_of(table: &DeTable<'_>, path: &str) -> Option<usize> {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, index) = match step.split_once('[') {
        Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
        None => (step, None),
    };
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
    let element = match (index, value.get_ref()) {
        (Some(index), DeValue::Array(elements)) => elements.get(index)?,
        _ => value,
    };
    let outer = if index.is_some() { element.span().start } else { key.span().start };
    match element.get_ref() {
        DeValue::Table(inner) => Some(place_of(inner, rest).unwrap_or(outer)),
        DeValue::Array(_)
        | DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => Some(outer),
    }
}

/// The number of the line a byte is in, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
