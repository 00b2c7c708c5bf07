//! What a setting is: its one name, how its value looks, what it does, what it trades.

use std::num::NonZeroU16;
use std::path::PathBuf;

use super::value::{LogFormat, LogLevel};
use crate::daemon::{Console, Settings};
use crate::protocol;

/// The part of the file a setting stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Where a node is, and how it is reached.
    Place,
    /// How it finds others.
    Network,
    /// What it computes.
    Search,
    /// What it tells.
    Log,
    /// The protocol's timers.
    Timers,
    /// The protocol's bounds.
    Bounds,
}

impl Group {
    /// All groups, in the file's order.
    pub const ALL: [Group; 6] = [Group::Place, Group::Network, Group::Search, Group::Log, Group::Timers, Group::Bounds];

    /// The heading in the file.
    pub const fn heading(self) -> &'static str {
        match self {
            Group::Place => "Where the node is",
            Group::Network => "Finding others",
            Group::Search => "Searching",
            Group::Log => "Logs",
            Group::Timers => "Timers. The defaults suit any network; a class may want everything ten times faster.",
            Group::Bounds => "Bounds. Nothing that strangers send makes a node larger or busier than these say.",
        }
    }
}

/// How the value of a setting looks in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// A duration: a string, or a number of seconds.
    Time,
    /// A whole number.
    Number,
    /// `true` or `false`; on the command line `on` or `off`, and `on` when nothing follows.
    Switch,
    /// An array of strings; a flag to be repeated; in the environment separated by commas or spaces.
    List,
}

/// Whether a running node takes a new value from its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// On SIGHUP.
    Live,
    /// Not before it is started again.
    Restart,
}

/// What the settings make, while they are being read.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) daemon: Settings,
    pub(super) state_dir: Option<PathBuf>,
    pub(super) log_level: LogLevel,
    pub(super) log_format: LogFormat,
}

impl Draft {
    /// What there is before any setting is read; every default in the table replaces a part of it.
    pub(super) fn new() -> Draft {
        let unspecified = std::net::Ipv4Addr::UNSPECIFIED.into();
        let daemon = Settings {
            name: None,
            port: NonZeroU16::MIN,
            bind: unspecified,
            http_bind: unspecified,
            http_hosts: Vec::new(),
            advertise: None,
            peers: Vec::new(),
            scan: Vec::new(),
            state_dir: PathBuf::new(),
            receive_buffer: 0,
            journal_entries: 0,
            journal_rate: 0,
            threads: NonZeroU16::MIN,
            node: protocol::Settings::default(),
            console: Console::Log,
        };
        Draft { daemon, state_dir: None, log_level: LogLevel::Info, log_format: LogFormat::Auto }
    }
}

type Set = fn(&mut Draft, &str) -> Result<(), String>;

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// The part of the file it stands in.
    pub group: Group,
    /// How its value looks.
    pub shape: Shape,
    /// The default; `None` where there is none, or where it depends on the machine.
    pub default: Option<&'static str>,
    /// What stands for the value in `--help`.
    pub placeholder: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// What it trades, and where to start.
    pub notes: &'static str,
    /// The only values there are, where they can be listed.
    pub choices: &'static [&'static str],
    /// A value for the example, where there is no default.
    pub example: Option<&'static str>,
    /// When a new value counts.
    pub reload: Reload,
    /// Puts a value into the draft; of a list, one more element.
    pub(super) set: Set,
}

impl Key {
    pub(super) const fn new(group: Group, name: &'static str, placeholder: &'static str, set: Set) -> Key {
        Key {
            name,
            group,
            shape: Shape::Text,
            default: None,
            placeholder,
            help: "",
            notes: "",
            choices: &[],
            example: None,
            reload: Reload::Restart,
            set,
        }
    }

    pub(super) const fn default(self, default: &'static str) -> Key {
        Key { default: Some(default), ..self }
    }

    pub(super) const fn choices(self, choices: &'static [&'static str]) -> Key {
        Key { choices, ..self }
    }

    pub(super) const fn switch(self) -> Key {
        Key { shape: Shape::Switch, choices: &["on", "off"], ..self }
    }

    pub(super) const fn time(self) -> Key {
        Key { shape: Shape::Time, ..self }
    }

    pub(super) const fn shape(self, shape: Shape) -> Key {
        Key { shape, ..self }
    }

    pub(super) const fn example(self, example: &'static str) -> Key {
        Key { example: Some(example), ..self }
    }

    pub(super) const fn help(self, help: &'static str) -> Key {
        Key { help, ..self }
    }

    pub(super) const fn notes(self, notes: &'static str) -> Key {
        Key { notes, ..self }
    }

    pub(super) const fn live(self) -> Key {
        Key { reload: Reload::Live, ..self }
    }

    /// The environment variable of this setting.
    pub fn variable(&self) -> String {
        format!("{}{}", super::PREFIX, self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// Whether a text is a value of this setting; of a list, an element.
    ///
    /// # Errors
    /// What would be right.
    pub fn check(&self, text: &str) -> Result<(), String> {
        (self.set)(&mut Draft::new(), text)
    }
}
