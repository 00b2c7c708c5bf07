//! One address of the virtual network: what lives there, what its disk holds, and how fast it is.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::adversary::Adversary;
use super::nat::NatId;
use super::queue::DatagramId;
use crate::mersenne::Exponent;
use crate::protocol::{Node, Saved, Scan, Settings, Time};

/// A host of a world, by its number: the first that was added is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HostId(pub u32);

impl HostId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How slow a host is: so long each datagram and each tick keeps it busy. What comes meanwhile waits in its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace(pub Duration);

/// What becomes of the disk of a host that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// What was durable is there at the next start.
    Kept,
    /// The next start begins with an empty disk.
    Lost,
}

/// What a host is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its address, which nobody else in the world has; behind a NAT, the inside address.
    pub address: SocketAddr,
    /// The address at which others reach it, when it was told.
    pub advertised: Option<SocketAddr>,
    /// Of its node, at every start.
    pub settings: Arc<Settings>,
    /// Ways into the network that it is told at every start.
    pub seeds: Vec<SocketAddr>,
    /// Addresses it PINGs once each at every start.
    pub scan: Scan,
    /// What its disk holds before its first start.
    pub saved: Saved,
    /// The box it is behind.
    pub nat: Option<NatId>,
    /// How slow it is.
    pub pace: Pace,
}

impl Plan {
    /// A fast host with a public address, an empty disk, and nobody to turn to.
    pub fn new(address: SocketAddr, settings: Arc<Settings>) -> Plan {
        Plan {
            address,
            advertised: None,
            settings,
            seeds: Vec::new(),
            scan: Scan::default(),
            saved: Saved::default(),
            nat: None,
            pace: Pace::default(),
        }
    }

    /// The same with these ways into the network.
    pub fn with_seeds(self, seeds: impl IntoIterator<Item = SocketAddr>) -> Plan {
        Plan { seeds: seeds.into_iter().collect(), ..self }
    }
}

/// How many datagrams a socket holds while its process stands still or is busy: the usual 208 KiB.
pub(super) const SOCKET_MAX: usize = 256;

/// A state on its way to the disk.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) revision: u64,
    pub(super) saved: Saved,
}

/// One address of the network.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) address: SocketAddr,
    pub(super) advertised: Option<SocketAddr>,
    pub(super) settings: Arc<Settings>,
    pub(super) seeds: Vec<SocketAddr>,
    pub(super) scan: Scan,
    pub(super) nat: Option<NatId>,
    pub(super) pace: Pace,
    /// The node, while it lives.
    pub(super) node: Option<Box<Node>>,
    /// What bends what the node hears and says.
    pub(super) adversary: Option<Box<dyn Adversary>>,
    /// What is durable.
    pub(super) disk: Saved,
    /// The newest revision of this life that is durable: a disk writes one state after the other.
    pub(super) revision: u64,
    /// What is being written.
    pub(super) writing: Vec<Write>,
    /// Counts lives, so that what is meant for an earlier one is not given to a later.
    pub(super) life: u32,
    /// How far its wall clock will be behind at its next start.
    pub(super) clock_behind: Duration,
    /// Stands still until then.
    pub(super) stalled_until: Option<Time>,
    /// Is busy until then.
    pub(super) busy_until: Time,
    /// What its socket holds while it stands still or is busy.
    pub(super) mailbox: VecDeque<DatagramId>,
    /// What the search was last told to look above; `None` while there is no search.
    pub(super) searching: Option<Option<Exponent>>,
    /// The exponent being tested; a new order replaces it.
    pub(super) testing: Option<Exponent>,
    /// When the tick is scheduled that counts; others are ignored.
    pub(super) tick_at: Time,
}

impl Host {
    pub(super) fn new(plan: Plan, adversary: Option<Box<dyn Adversary>>) -> Host {
        let Plan { address, advertised, settings, seeds, scan, saved, nat, pace } = plan;
        Host {
            address,
            advertised,
            settings,
            seeds,
            scan,
            nat,
            pace,
            node: None,
            adversary,
            disk: saved,
            revision: 0,
            writing: Vec::new(),
            life: 0,
            clock_behind: Duration::ZERO,
            stalled_until: None,
            busy_until: Time::ZERO,
            mailbox: VecDeque::new(),
            searching: None,
            testing: None,
            tick_at: Time::NEVER,
        }
    }

    /// Whether a node lives here and does not stand still.
    pub(super) fn is_running(&self) -> bool {
        self.node.is_some() && self.stalled_until.is_none()
    }

    pub(super) fn is_honest(&self) -> bool {
        self.adversary.is_none()
    }
}
