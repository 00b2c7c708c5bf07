//! What a lab's owner can do to it, as the page asks for it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::Deserialize;
use tokio::sync::oneshot;

use crate::daemon::lab_pipe::SPEEDS;

/// The longest delay, in milliseconds: beyond the timeout of a PING everything is late.
const DELAY_MAX: f64 = 5_000.0;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Command {
    /// A node is to sleep.
    Sleep { node: SocketAddr },
    /// A node is to wake up.
    Wake { node: SocketAddr },
    /// A node is to forget its primes and peers.
    Reset { node: SocketAddr },
    /// A node is to say goodbye and end.
    Stop { node: SocketAddr },
    /// A node is to end as by a power cut.
    Kill { node: SocketAddr },
    /// A node is to be started with what it remembers, after it has ended.
    Restart { node: SocketAddr },
    /// One more node.
    Add {},
    /// The share of a node's datagrams that is lost, 0 to 1.
    Loss { node: SocketAddr, value: f64 },
    /// How much longer a node's datagrams travel, in milliseconds.
    Delay { node: SocketAddr, value: f64 },
    /// The link between two nodes carries nothing.
    Cut { node: SocketAddr, other: SocketAddr },
    /// It does again.
    Mend { node: SocketAddr, other: SocketAddr },
    /// These nodes and all others have no link with each other.
    Split { nodes: BTreeSet<SocketAddr> },
    /// All links carry again.
    Heal {},
    /// How many seconds of the nodes' clocks go by in a real one.
    Speed { value: f64 },
}

impl Command {
    /// What is wrong with its numbers, if anything is.
    pub(super) fn objection(&self) -> Option<String> {
        let outside = |what, value: f64, range: std::ops::RangeInclusive<f64>| {
            let objection = || format!("{what} must be from {} to {}", range.start(), range.end());
            (!range.contains(&value)).then(objection)
        };
        match *self {
            Command::Loss { value, .. } => outside("the share that is lost", value, 0.0..=1.0),
            Command::Delay { value, .. } => outside("the delay in milliseconds", value, 0.0..=DELAY_MAX),
            Command::Speed { value } => outside("the speed", value, SPEEDS),
            Command::Cut { node, other } | Command::Mend { node, other } => {
                (node == other).then(|| "a link is between two nodes".to_owned())
            }
            Command::Sleep { .. }
            | Command::Wake { .. }
            | Command::Reset { .. }
            | Command::Stop { .. }
            | Command::Kill { .. }
            | Command::Restart { .. }
            | Command::Add {}
            | Command::Split { .. }
            | Command::Heal {} => None,
        }
    }

    /// Whether it is about links between nodes rather than about nodes.
    pub(super) fn is_about_links(&self) -> bool {
        matches!(self, Command::Cut { .. } | Command::Mend { .. } | Command::Split { .. })
    }

    /// The nodes it names.
    pub(super) fn nodes(&self) -> Vec<SocketAddr> {
        match self {
            &(Command::Sleep { node }
            | Command::Wake { node }
            | Command::Reset { node }
            | Command::Stop { node }
            | Command::Kill { node }
            | Command::Restart { node }
            | Command::Loss { node, .. }
            | Command::Delay { node, .. }) => vec![node],
            &(Command::Cut { node, other } | Command::Mend { node, other }) => vec![node, other],
            Command::Split { nodes } => nodes.iter().copied().collect(),
            Command::Add {} | Command::Heal {} | Command::Speed { .. } => Vec::new(),
        }
    }
}

/// A command, and where its answer goes: nothing, or why it was not carried out.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Result<(), String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Command, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn commands_are_what_the_page_sends() {
        let node = "127.0.0.1:5001".parse().unwrap();
        assert_eq!(parse(r#"{"do":"sleep","node":"127.0.0.1:5001"}"#).unwrap(), Command::Sleep { node });
        assert_eq!(parse(r#"{"do":"add"}"#).unwrap(), Command::Add {});
        assert_eq!(parse(r#"{"do":"heal"}"#).unwrap(), Command::Heal {});
        let loss = parse(r#"{"do":"loss","node":"127.0.0.1:5001","value":0.2}"#).unwrap();
        assert_eq!((loss.objection(), loss.nodes()), (None, vec![node]));
        for text in [r#"{"do":"fly"}"#, r#"{"do":"sleep"}"#, r#"{"do":"add","node":"127.0.0.1:5001"}"#, "[]", ""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        for (text, range) in [
            (r#"{"do":"loss","node":"127.0.0.1:5001","value":1.5}"#, "from 0 to 1"),
            (r#"{"do":"delay","node":"127.0.0.1:5001","value":-1}"#, "from 0 to 5000"),
            (r#"{"do":"speed","value":0}"#, "from 0.1 to 20"),
            (r#"{"do":"cut","node":"127.0.0.1:5001","other":"127.0.0.1:5001"}"#, "two nodes"),
        ] {
            assert!(parse(text).unwrap().objection().unwrap().contains(range), "{text}");
        }
    }
}
