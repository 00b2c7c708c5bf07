//! Where the value of a setting comes from, and which one counts.

use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;

use super::file::{self, Content, similar};
use super::flags::Flags;
use super::key::{Draft, Key, Shape};
use super::problem::{ConfigError, Problem};
use super::table::KEYS;
use super::value::{LogFormat, LogLevel};
use super::{FILE_VARIABLE, PREFIX};
use crate::daemon;

/// Where a value comes from. Later ones count for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The table.
    Default,
    /// A line of the configuration file.
    File {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag, named without its dashes.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) => write!(f, "${name}"),
            Origin::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// What a setting was given as, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// One text; of a list, one for each element; none where nothing is set.
    pub texts: Vec<String>,
    /// Where they come from.
    pub origin: Origin,
}

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
    fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Where a node keeps its memory when nothing says otherwise: `$STATE_DIRECTORY` (set by systemd), else the user's state
    /// directory as the XDG base directory specification has it.
    pub fn state_dir(&self, port: NonZeroU16) -> Option<PathBuf> {
        if let Some(directories) = self.path("STATE_DIRECTORY") {
            // systemd separates several by colons.
            let first = directories.to_str().and_then(|text| text.split(':').next().map(PathBuf::from));
            return Some(first.unwrap_or(directories));
        }
        let home = self.path("XDG_STATE_HOME").or_else(|| Some(self.path("HOME")?.join(".local/state")))?;
        Some(home.join("mersenned").join(port.to_string()))
    }

    /// An empty variable is as good as none, except that it empties a list.
    fn setting(&self, key: &'static Key) -> Result<Option<Setting>, Problem> {
        let name = key.variable();
        let Some(value) = self.get(&name) else { return Ok(None) };
        let origin = Origin::Variable(name);
        let Some(value) = value.to_str() else {
            return Err(Problem::Value { key: key.name, origin, reason: "it is not UTF-8".to_owned() });
        };
        let texts = match key.shape {
            Shape::List => value.split([',', ' ']).filter(|text| !text.is_empty()).map(str::to_owned).collect(),
            Shape::Text | Shape::Number | Shape::Switch if value.is_empty() => return Ok(None),
            Shape::Text | Shape::Number | Shape::Switch => vec![value.to_owned()],
        };
        Ok(Some(Setting { texts, origin }))
    }

    /// Variables that look like settings and are none. No error: container platforms make up such names.
    fn warnings(&self) -> Vec<String> {
        let is_known = |name: &str| name == FILE_VARIABLE || KEYS.iter().any(|key| key.variable() == name);
        let unknown = self.0.iter().filter(|(name, _)| name.starts_with(PREFIX) && !is_known(name));
        let warning = |(name, _): &(String, OsString)| {
            let hint = match similar(&name[PREFIX.len()..]).and_then(super::table::find) {
                Some(key) => format!("did you mean ${}?", key.variable()),
                None => "it is ignored".to_owned(),
            };
            format!("${} is no setting; {hint}", name.escape_debug())
        };
        unknown.map(warning).collect()
    }
}

/// Settings from everywhere, with what they make.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// What is odd and no error.
    pub warnings: Vec<String>,
    /// Everything a node is told.
    pub daemon: daemon::Settings,
    /// How much is logged.
    pub log_level: LogLevel,
    /// How lines of the log look.
    pub log_format: LogFormat,
    /// For each key of the table, in its order, what counts.
    effective: Vec<Setting>,
}

impl Loaded {
    /// Reads the file if there is one, and puts the layers over each other.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Loaded, ConfigError> {
        let file = flags.file.clone().or_else(|| environment.path(FILE_VARIABLE));
        let Content { settings: in_file, mut problems } = file.as_deref().map(file::read).unwrap_or_default();
        let in_layer = |layer: &[(&'static Key, Setting)], key: &Key| {
            layer.iter().find(|(other, _)| other.name == key.name).map(|(_, setting)| setting.clone())
        };
        let mut draft = Draft::new();
        let mut effective = Vec::new();
        for key in KEYS {
            let variable = environment.setting(key).unwrap_or_else(|problem| {
                problems.push(problem);
                None
            });
            // What a stronger layer hides has to be right all the same: it will count one day.
            let layers = [in_layer(&in_file, key), variable, in_layer(&flags.settings, key)];
            problems.extend(layers.iter().flatten().filter_map(|setting| wrong(key, setting)));
            let strongest = layers.into_iter().flatten().next_back();
            let setting = strongest.unwrap_or_else(|| by_default(key));
            for text in &setting.texts {
                // What is wrong with it has been noted.
                drop((key.set)(&mut draft, text));
            }
            effective.push(setting);
        }
        let mut loaded = Loaded {
            file,
            warnings: environment.warnings(),
            daemon: draft.daemon,
            log_level: draft.log_level,
            log_format: draft.log_format,
            effective,
        };
        loaded.conclude(draft.state_dir, environment, &mut problems);
        // Whoever mends a file goes from top to bottom.
        problems.sort_by_key(Problem::line);
        if problems.is_empty() { Ok(loaded) } else { Err(ConfigError(problems)) }
    }

    /// What follows from several settings together.
    fn conclude(&mut self, state_dir: Option<PathBuf>, environment: &Environment, problems: &mut Vec<Problem>) {
        let node = &mut self.daemon.node;
        node.silent_after = node.peer_timeout.mul_f64(0.6);
        if node.peer_timeout <= node.ping_interval && problems.is_empty() {
            let (timeout, timeout_origin) = self.told("peer-timeout");
            let (ping, ping_origin) = self.told("ping-interval");
            problems.push(Problem::TimeoutTooShort { timeout, timeout_origin, ping, ping_origin });
        }
        let Some(directory) = state_dir.or_else(|| environment.state_dir(self.daemon.port)) else {
            return problems.push(Problem::NoStateDirectory);
        };
        for (key, setting) in KEYS.iter().zip(&mut self.effective) {
            if key.name == "state-dir" && setting.origin == Origin::Default {
                setting.texts = vec![directory.display().to_string()];
            }
        }
        self.daemon.state_dir = directory;
    }

    fn told(&self, name: &str) -> (String, Origin) {
        let of_name = self.all().find(|(key, _)| key.name == name);
        of_name
            .map_or((String::new(), Origin::Default), |(_, setting)| (setting.texts.join(", "), setting.origin.clone()))
    }

    /// Every setting with what counts, in the order of the table.
    pub fn all(&self) -> impl Iterator<Item = (&'static Key, &Setting)> {
        KEYS.iter().zip(&self.effective)
    }

    /// The settings that have another value now than they had `before`.
    pub fn changes<'a>(&'a self, before: &'a Loaded) -> impl Iterator<Item = (&'static Key, &'a Setting, &'a Setting)> {
        let pairs = before.all().zip(self.all());
        pairs.filter(|((_, old), (_, new))| old.texts != new.texts).map(|((key, old), (_, new))| (key, old, new))
    }
}

fn wrong(key: &'static Key, setting: &Setting) -> Option<Problem> {
    let reason = setting.texts.iter().find_map(|text| key.check(text).err())?;
    Some(Problem::Value { key: key.name, origin: setting.origin.clone(), reason })
}

fn by_default(key: &Key) -> Setting {
    Setting { texts: key.default.map(str::to_owned).into_iter().collect(), origin: Origin::Default }
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
}
