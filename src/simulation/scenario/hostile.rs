//! Which hosts of a scenario are hostile, and how.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::span::Share;
use crate::simulation::adversary::{Adversary, Silent};

/// Hostile hosts of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hostile {
    /// What they do.
    pub kind: HostileKind,
    /// The share of all hosts that they are.
    pub share: Share,
}

/// What a hostile host does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostileKind {
    /// Is a good peer in all but one thing: it forwards nothing.
    Silent,
}

impl HostileKind {
    /// All of them.
    pub const ALL: [HostileKind; 1] = [HostileKind::Silent];

    /// Its name in a file.
    pub const fn name(self) -> &'static str {
        match self {
            HostileKind::Silent => "silent",
        }
    }

    /// What it does, as the end of "a fifth of all hosts …".
    pub const fn does(self) -> &'static str {
        match self {
            HostileKind::Silent => "answer every PING and forward no PRIME",
        }
    }

    /// One more of them.
    pub fn make(self) -> Box<dyn Adversary> {
        match self {
            HostileKind::Silent => Box::new(Silent),
        }
    }
}

impl fmt::Display for HostileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HostileKind {
    type Err = String;

    fn from_str(text: &str) -> Result<HostileKind, String> {
        let known = || HostileKind::ALL.map(HostileKind::name).join(", ");
        HostileKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| format!("give one of {}", known()))
    }
}
