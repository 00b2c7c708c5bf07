//! What happens in a scenario, and when.

use serde::{Deserialize, Serialize};

use super::span::{Share, Span};

/// One thing that happens.
///
/// In a file: `at = "10s"` and one of the happenings by name, such as `kill = { share = 0.5 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Happening {
    /// When, from the beginning.
    pub at: Span,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What can happen. Whom it happens to is drawn by the run's seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A node finds a prime.
    Find(Find),
    /// Honest nodes die for good, without a word.
    Kill(Chosen),
    /// Honest nodes say goodbye and end.
    Leave(Chosen),
    /// Hosts cannot reach each other for a while.
    Partition(Partition),
    /// Honest nodes die and new ones come, for a while.
    Churn(Churn),
    /// Honest nodes die and come back.
    Restart(Restart),
    /// Honest nodes stand still for a while, as a suspended machine does.
    Stall(ForAWhile),
    /// Honest nodes are put to sleep, and woken after a while.
    Sleep(ForAWhile),
    /// Honest nodes are made to forget their primes and peers.
    Reset(Chosen),
    /// From now on so many datagrams are lost.
    Loss(Share),
}

impl Deed {
    /// Its name in a file.
    pub fn name(&self) -> &'static str {
        match self {
            Deed::Find(_) => "find",
            Deed::Kill(_) => "kill",
            Deed::Leave(_) => "leave",
            Deed::Partition(_) => "partition",
            Deed::Churn(_) => "churn",
            Deed::Restart(_) => "restart",
            Deed::Stall(_) => "stall",
            Deed::Sleep(_) => "sleep",
            Deed::Reset(_) => "reset",
            Deed::Loss(_) => "loss",
        }
    }

    /// How long after its beginning it is over.
    pub fn lasts(&self) -> Span {
        match self {
            Deed::Find(_) | Deed::Kill(_) | Deed::Leave(_) | Deed::Reset(_) | Deed::Loss(_) => Span::ZERO,
            Deed::Partition(partition) => partition.lasts,
            Deed::Churn(churn) => churn.lasts,
            Deed::Restart(restart) => restart.after,
            Deed::Stall(deed) | Deed::Sleep(deed) => deed.lasts,
        }
    }
}

/// A node finds a prime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Find {
    /// Which node, from 0. Unless given, one by chance that searches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<usize>,
}

/// Some nodes by chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Chosen {
    /// The share of those that live.
    pub share: Share,
}

/// Some nodes by chance, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ForAWhile {
    /// The share of those that live.
    pub share: Share,
    /// How long.
    pub lasts: Span,
}

/// Hosts cannot reach each other for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Partition {
    /// The share of hosts on the smaller side.
    pub share: Share,
    /// How long.
    pub lasts: Span,
    /// Who cannot reach whom. Full.
    #[serde(default)]
    pub kind: PartitionKind,
}

/// Who cannot reach whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionKind {
    /// The share and all others cannot reach each other.
    #[default]
    Full,
    /// The share cannot reach the others, but hears them.
    OneWay,
    /// The share and as many others cannot reach each other; everybody else reaches both.
    Partial,
}

/// Honest nodes die and new ones come, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Churn {
    /// The share of nodes that is replaced each minute: an old one is killed, a new one starts from one that lives.
    pub per_minute: Share,
    /// How long.
    pub lasts: Span,
}

/// Honest nodes die and come back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Restart {
    /// The share of those that live.
    pub share: Share,
    /// How long they are dead. 5 s.
    #[serde(default = "five_seconds")]
    pub after: Span,
    /// What becomes of their disks. Kept.
    #[serde(default)]
    pub disk: DiskFate,
}

fn five_seconds() -> Span {
    Span::s(5)
}

/// What becomes of the disk of a node that dies and comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFate {
    /// It is there again.
    #[default]
    Kept,
    /// It is empty.
    Lost,
}

/// A happening as it is written: one table, in which an unknown key has a line of its own.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    at: Span,
    find: Option<Find>,
    kill: Option<Chosen>,
    leave: Option<Chosen>,
    partition: Option<Partition>,
    churn: Option<Churn>,
    restart: Option<Restart>,
    stall: Option<ForAWhile>,
    sleep: Option<ForAWhile>,
    reset: Option<Chosen>,
    loss: Option<Share>,
}

impl TryFrom<Written> for Happening {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Happening, &'static str> {
        let Written { at, find, kill, leave, partition, churn, restart, stall, sleep, reset, loss } = written;
        let deeds = [
            find.map(Deed::Find),
            kill.map(Deed::Kill),
            leave.map(Deed::Leave),
            partition.map(Deed::Partition),
            churn.map(Deed::Churn),
            restart.map(Deed::Restart),
            stall.map(Deed::Stall),
            sleep.map(Deed::Sleep),
            reset.map(Deed::Reset),
            loss.map(Deed::Loss),
        ];
        let mut deeds = deeds.into_iter().flatten();
        match (deeds.next(), deeds.next()) {
            (Some(deed), None) => Ok(Happening { at, deed }),
            (None | Some(_), _) => Err(
                "beside `at` give exactly one of find, kill, leave, partition, churn, restart, stall, sleep, reset, loss",
            ),
        }
    }
}
