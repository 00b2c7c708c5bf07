//! Settings on the command line: a flag for each, made from the table.

use std::ffi::OsStr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::key::{Group, Key, Shape};
use super::setting::{Origin, Setting};
use super::table::KEYS;

/// The heading under which flags stand that are hidden from `--help` to keep it short.
pub const BOUNDS_HEADING: &str = "Timers and bounds";

const CONFIG: &str = "config";

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`: the file to read.
    pub(super) file: Option<PathBuf>,
    pub(super) settings: Vec<(&'static Key, Setting)>,
}

impl Flags {
    /// As if only the port were given.
    pub fn of_port(port: NonZeroU16) -> Flags {
        let setting = Setting { texts: vec![port.to_string()], origin: Origin::Flag("port") };
        let key = KEYS.iter().find(|key| key.name == "port");
        Flags { file: None, settings: key.map(|key| (key, setting)).into_iter().collect() }
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Read settings from this file [default: $MERSENNED_CONFIG]");
        KEYS.iter().fold(command.arg(file), |command, key| command.arg(flag(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Flags, clap::Error> {
        let given = |key: &'static Key| {
            let is_given = matches.value_source(key.name) == Some(ValueSource::CommandLine);
            let texts = || matches.get_many::<String>(key.name).into_iter().flatten().cloned().collect();
            is_given.then(|| (key, Setting { texts: texts(), origin: Origin::Flag(key.name) }))
        };
        Ok(Flags { file: matches.get_one(CONFIG).cloned(), settings: KEYS.iter().filter_map(given).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Flags::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Checks a value by its setting, keeps it as it was written, and lists the choices for whoever completes words.
#[derive(Clone)]
struct Checked(&'static Key);

impl TypedValueParser for Checked {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let key = self.0;
        let check = move |text: &str| key.check(text).map(|()| text.to_owned());
        check.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let choices = || Box::new(self.0.choices.iter().map(PossibleValue::new)) as Box<dyn Iterator<Item = _>>;
        (!self.0.choices.is_empty()).then(choices)
    }
}

fn flag(key: &'static Key) -> Arg {
    let arg = Arg::new(key.name)
        .long(key.name)
        .value_name(key.placeholder)
        .value_parser(Checked(key))
        .hide_possible_values(true)
        .action(if key.shape == Shape::List { ArgAction::Append } else { ArgAction::Set });
    let arg = match key.group {
        Group::Place | Group::Network | Group::Search | Group::Log => arg,
        Group::Timers | Group::Bounds => arg.help_heading(BOUNDS_HEADING).hide(true),
    };
    let arg = match key.shape {
        Shape::Switch => arg.num_args(0..=1).default_missing_value("on").overrides_with(key.name),
        // Given twice, the last counts: so a wrapper's flags can be changed behind it.
        Shape::Text | Shape::Time | Shape::Number => arg.overrides_with(key.name),
        Shape::List => arg,
    };
    let arg = match key.default {
        Some(default) => arg.default_value(default),
        None => arg,
    };
    match key.shape {
        Shape::List => arg.help(format!("{}; repeatable", key.help)),
        Shape::Text | Shape::Time | Shape::Number | Shape::Switch => arg.help(key.help),
    }
}
