//! What can be wrong with a configuration, and how a person is told.

use std::path::PathBuf;

use thiserror::Error;

use super::setting::Origin;

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is no TOML.
    #[error("{origin}: {reason}")]
    Syntax {
        /// Where.
        origin: Origin,
        /// What the parser said.
        reason: String,
    },
    /// The file has a key that means nothing.
    #[error("{origin}: unknown key `{}`; {}", key.escape_debug(), hint(*meant))]
    UnknownKey {
        /// Where.
        origin: Origin,
        /// The key.
        key: String,
        /// The setting with a similar name.
        meant: Option<&'static str>,
    },
    /// A setting has a value that is none.
    #[error("{origin}: {key}: {}{reason}", quoted(.text.as_deref()))]
    Value {
        /// Which setting.
        key: &'static str,
        /// What was given, where that can be shown.
        text: Option<String>,
        /// Where its value was given.
        origin: Origin,
        /// What would be right.
        reason: String,
    },
    /// Peers would be dropped between two PINGs.
    #[error(
        "peer-timeout ({timeout}, {timeout_origin}) has to be longer than ping-interval ({ping}, {ping_origin}), else peers \
        are dropped before they are asked; twice as long is usual"
    )]
    TimeoutTooShort {
        /// The timeout as given.
        timeout: String,
        /// Where.
        timeout_origin: Origin,
        /// The ping interval as given.
        ping: String,
        /// Where.
        ping_origin: Origin,
    },
    /// A peer is somewhere else than the socket can send to.
    #[error(
        "{origin}: peer: {peer} cannot be reached from bind = \"{bind}\" ({bind_origin}); bind gossip to an address that leads \
        there, such as 0.0.0.0"
    )]
    OutOfReach {
        /// The peer as given.
        peer: String,
        /// Where.
        origin: Origin,
        /// What gossip is bound to.
        bind: String,
        /// Where that was given.
        bind_origin: Origin,
    },
    /// Nowhere to keep the node's memory.
    #[error("there is no state directory: neither state-dir nor $STATE_DIRECTORY, $XDG_STATE_HOME or $HOME is set")]
    NoStateDirectory,
}

fn hint(meant: Option<&'static str>) -> String {
    match meant {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`mersenned config example` lists all keys".to_owned(),
    }
}

fn quoted(text: Option<&str>) -> String {
    text.map(|text| format!("{text:?}: ")).unwrap_or_default()
}

impl Problem {
    /// The line of the file it stands in; 0 if it is not in the file.
    pub(super) fn line(&self) -> usize {
        match self {
            Problem::Syntax { origin, .. }
            | Problem::UnknownKey { origin, .. }
            | Problem::Value { origin, .. }
            | Problem::OutOfReach { origin, .. } => match origin {
                Origin::File { line, .. } => *line,
                Origin::Default | Origin::Variable(_) | Origin::Flag(_) => 0,
            },
            Problem::Unreadable { .. } | Problem::TimeoutTooShort { .. } | Problem::NoStateDirectory => 0,
        }
    }
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", lines(.0))]
pub struct ConfigError(pub Vec<Problem>);

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
