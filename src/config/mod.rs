//! Settings: from the table's defaults, a file, the environment and the command line, each stronger than the one before.
//!
//! One table ([`KEYS`]) says everything there is to say about a setting. `ping-interval` is the key in the file,
//! `MERSENNED_PING_INTERVAL` the variable, `--ping-interval` the flag. No file is read unless `--config` or
//! `MERSENNED_CONFIG` names it.

mod environment;
mod example;
mod file;
mod flags;
mod key;
mod layers;
mod problem;
mod setting;
mod table;
#[cfg(test)]
mod tests;
pub mod value;

pub use environment::Environment;
pub use example::{example, line};
pub use flags::{BOUNDS_HEADING, Flags};
pub use key::{Group, Key, Reload, Shape};
pub use layers::Loaded;
pub use problem::{ConfigError, Problem};
pub use setting::{Origin, Setting};
pub use table::KEYS;
pub use value::{LogFormat, LogLevel};

/// What the name of every variable begins with.
pub const PREFIX: &str = "MERSENNED_";

/// The variable that names the file to read.
pub const FILE_VARIABLE: &str = "MERSENNED_CONFIG";
