//! Settings in the environment: a variable for each, and where a node keeps its memory by default.

use std::ffi::OsString;
use std::num::NonZeroU16;
use std::path::PathBuf;

use super::key::{Key, Shape};
use super::problem::Problem;
use super::setting::{Origin, Setting};
use super::table::{self, KEYS, similar};
use super::{FILE_VARIABLE, PREFIX};
use crate::mersenne::ENGINES_VARIABLE;

/// The variables of a process.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(String, OsString)>);

impl Environment {
    /// This process's own.
    pub fn of_this_process() -> Environment {
        Environment::new(std::env::vars_os())
    }

    /// These variables. A name that is not UTF-8 is none of ours.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Environment {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Environment(variables.into_iter().filter_map(named).collect())
    }

    fn get(&self, name: &str) -> Option<&OsString> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// A path; an empty one is none.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Where a node keeps its memory when nothing says otherwise: `$STATE_DIRECTORY` (set by systemd), else the user's state
    /// directory as the XDG base directory specification has it.
    pub(super) fn state_dir(&self, port: NonZeroU16) -> Option<PathBuf> {
        if let Some(directories) = self.path("STATE_DIRECTORY") {
            // systemd separates several by colons.
            let first = directories.to_str().and_then(|text| text.split(':').next().map(PathBuf::from));
            return Some(first.unwrap_or(directories));
        }
        Some(self.own_state()?.join(port.to_string()))
    }

    /// Where tests made by hand keep their checkpoints: beside the memories of the user's nodes.
    pub fn tests_dir(&self) -> Option<PathBuf> {
        Some(self.own_state()?.join("tests"))
    }

    /// This program's part of the user's state directory.
    fn own_state(&self) -> Option<PathBuf> {
        let home = self
            .path("XDG_STATE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| Some(self.path("HOME")?.join(".local/state")))?;
        Some(home.join("mersenned"))
    }

    /// An empty variable is as good as none, except that it empties a list.
    pub(super) fn setting(&self, key: &'static Key) -> Result<Option<Setting>, Problem> {
        let name = key.variable();
        let Some(value) = self.get(&name) else { return Ok(None) };
        let origin = Origin::Variable(name);
        let Some(value) = value.to_str() else {
            return Err(Problem::Value { key: key.name, text: None, origin, reason: "it is not UTF-8".to_owned() });
        };
        let texts = match key.shape {
            Shape::List => value.split([',', ' ']).filter(|text| !text.is_empty()).map(str::to_owned).collect(),
            Shape::Text | Shape::Time | Shape::Number | Shape::Switch if value.is_empty() => return Ok(None),
            Shape::Text | Shape::Time | Shape::Number | Shape::Switch => vec![value.to_owned()],
        };
        Ok(Some(Setting { texts, origin }))
    }

    /// Variables that look like settings and are none. No error: container platforms make up such names.
    pub(super) fn warnings(&self) -> Vec<String> {
        let is_other = |name: &str| [FILE_VARIABLE, ENGINES_VARIABLE].contains(&name);
        let is_known = |name: &str| is_other(name) || KEYS.iter().any(|key| key.variable() == name);
        let unknown = self.0.iter().filter(|(name, _)| name.starts_with(PREFIX) && !is_known(name));
        let warning = |(name, _): &(String, OsString)| {
            let hint = match similar(&name[PREFIX.len()..]).and_then(table::find) {
                Some(key) => format!("did you mean ${}?", key.variable()),
                None => "it is ignored".to_owned(),
            };
            format!("${} is no setting; {hint}", name.escape_debug())
        };
        unknown.map(warning).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_directory_is_systemds_or_the_users() {
        let port = NonZeroU16::new(5001).unwrap();
        let directory = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
            Environment::new(variables).state_dir(port).map(|path| path.display().to_string())
        };
        assert_eq!(directory(&[("STATE_DIRECTORY", "/s"), ("HOME", "/h")]).unwrap(), "/s");
        assert_eq!(directory(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")]).unwrap(), "/x/mersenned/5001");
        assert_eq!(directory(&[("HOME", "/h")]).unwrap(), "/h/.local/state/mersenned/5001");
        assert_eq!(directory(&[("STATE_DIRECTORY", "/s:/t")]).unwrap(), "/s");
        assert_eq!(directory(&[]), None);
        assert_eq!(directory(&[("HOME", "")]), None);
    }

    #[test]
    fn tests_made_by_hand_are_kept_beside_the_memories_of_nodes() {
        let home = |name: &str| Environment::new([(OsString::from(name), OsString::from("/h"))]).tests_dir();
        assert_eq!(home("HOME"), Some(PathBuf::from("/h/.local/state/mersenned/tests")));
        assert_eq!(home("XDG_STATE_HOME"), Some(PathBuf::from("/h/mersenned/tests")));
        assert_eq!(home("STATE_DIRECTORY"), None);
    }

    #[test]
    fn what_chooses_engines_is_known_although_it_is_no_setting() {
        let warnings = |name: &str| Environment::new([(OsString::from(name), OsString::from("exact"))]).warnings();
        assert_eq!(warnings(ENGINES_VARIABLE), Vec::<String>::new());
        assert_eq!(warnings("MERSENNED_ENGINE").len(), 1);
    }
}
