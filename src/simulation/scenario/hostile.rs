//! Which hosts of a scenario are hostile, and how.

use serde::{Deserialize, Serialize};

use super::span::Share;
use crate::simulation::adversary::AdversaryKind;

/// Hostile hosts of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hostile {
    /// What they do.
    pub kind: AdversaryKind,
    /// The share of all hosts that they are.
    pub share: Share,
}
