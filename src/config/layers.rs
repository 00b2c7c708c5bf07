//! The layers put over each other: which value of a setting counts, and what all of them make.

use std::path::PathBuf;

use super::FILE_VARIABLE;
use super::environment::Environment;
use super::file::{self, Content};
use super::flags::Flags;
use super::key::{Draft, Key};
use super::problem::{ConfigError, Problem};
use super::setting::{Origin, Setting};
use super::table::KEYS;
use super::value::{LogFormat, LogLevel};
use crate::daemon::{self, PeerName, socket};

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
        let unreachable = |peer: &&PeerName| peer.address().is_some_and(|to| !socket::can_reach(self.daemon.bind, to));
        for peer in self.daemon.peers.iter().filter(unreachable) {
            let (_, origin) = self.told("peer");
            let (bind, bind_origin) = self.told("bind");
            problems.push(Problem::OutOfReach { peer: peer.to_string(), origin, bind, bind_origin });
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
        pairs
            .filter(|((key, old), (_, new))| effect(key, old) != effect(key, new))
            .map(|((key, old), (_, new))| (key, old, new))
    }
}

fn wrong(key: &'static Key, setting: &Setting) -> Option<Problem> {
    let (text, reason) = setting.texts.iter().find_map(|text| Some((text, key.check(text).err()?)))?;
    Some(Problem::Value { key: key.name, text: Some(text.clone()), origin: setting.origin.clone(), reason })
}

/// What a setting makes: 10s and 10000ms are the same.
fn effect(key: &Key, setting: &Setting) -> String {
    let mut draft = Draft::new();
    for text in &setting.texts {
        // A value that is none has no effect.
        drop((key.set)(&mut draft, text));
    }
    format!("{draft:?}")
}

fn by_default(key: &Key) -> Setting {
    Setting { texts: key.default.map(str::to_owned).into_iter().collect(), origin: Origin::Default }
}
