//! A node of a lab as the lab knows it, whether its process runs or not.

use super::process::Process;

/// A node of a lab, whether it runs or not.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) process: Option<Process>,
    /// How often it was started.
    pub(super) starts: u32,
    /// How its process ended, or is about to.
    pub(super) ending: Ending,
    /// How it ended when it last did.
    pub(super) ended: Option<Ending>,
    /// What it last said of itself.
    pub(super) last: Option<String>,
}

/// How a node's process ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Ending {
    /// Without anybody's doing.
    #[default]
    Died,
    Stopped,
    Killed,
    /// To be started again.
    Restart,
}

impl Node {
    /// Whether its process runs, and is the n-th.
    pub(super) fn is_at(&self, start: u32) -> bool {
        self.process.as_ref().is_some_and(|process| process.start == start)
    }
}

impl Ending {
    pub(super) const fn status(self) -> &'static str {
        match self {
            Ending::Died => "died",
            Ending::Stopped => "stopped",
            Ending::Killed => "killed",
            Ending::Restart => "starting",
        }
    }
}
