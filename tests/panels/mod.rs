//! The Grafana dashboards as data: their panels, the queries of these, and what a query names.

#![allow(dead_code, reason = "every test program uses its own part")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The dashboards, by the names of their files without `.json`.
pub const NAMES: [&str; 2] = ["mersenned-network", "mersenned-node"];

/// A file of the repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the repository.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A dashboard as it is shipped.
pub fn dashboard(name: &str) -> Value {
    serde_json::from_str(&text(&format!("grafana/{name}.json"))).expect("a dashboard is JSON")
}

/// Panels and rows, those in collapsed rows included.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let outer = list(&dashboard["panels"]);
    outer.iter().flat_map(|panel| std::iter::once(panel).chain(list(&panel["panels"]))).collect()
}

/// The entries of a JSON array; none, if it is no array.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text in JSON; empty, if it is none.
pub fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every name in an expression that stands for a metric: it is followed by a selector, or has the prefix of one.
pub fn metrics(expression: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_name) {
        rest = &rest[start..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if after.starts_with('{') || name.starts_with("mersenned_") || name.starts_with("process_") {
            found.insert(name);
        }
        rest = after;
    }
    found
}
