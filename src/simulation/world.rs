//! A virtual network: hosts, what lies between them, and what happens to them.
//!
//! Ticks, arrivals and reports are events of one queue. A host has one tick in it that counts; when a deadline has moved on,
//! the tick that comes too early is put off without a call, so no event ever looks at all hosts.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::address_hasher::AddressHasher;
use super::adversary::{Adversary, Deed};
use super::cuts::{Cut, CutId, Cuts};
use super::faults::Faults;
use super::host::{Host, HostId, Plan};
use super::invariants::{Checker, Checks, Violation};
use super::link::Link;
use super::nat::{Nat, NatId};
use super::queue::{DatagramId, Datagrams, EventQueue};
use super::trace::{Trace, TraceOf};
use super::traffic::Traffic;
use super::truth::Truth;
use crate::mersenne::Exponent;
use crate::protocol::message::MessageId;
use crate::protocol::{Node, Outbox, Random, Time};

mod control;
mod driver;
mod events;
mod transport;

/// How the disks of all hosts are. Those of worlds with light checks are perfect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disks {
    /// A write takes up to so long, by chance. 300 ms.
    pub delay: Duration,
    /// The chance that a write is refused, 0 to 1; it is tried again after 2 s. 0.
    pub failure: f64,
}

impl Default for Disks {
    fn default() -> Disks {
        Disks { delay: Duration::from_millis(300), failure: 0.0 }
    }
}

/// How long a test for a claim takes, by chance anew for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestTime {
    /// The shortest. 20 ms.
    pub from: Duration,
    /// The longest. 520 ms.
    pub to: Duration,
}

impl Default for TestTime {
    fn default() -> TestTime {
        TestTime { from: Duration::from_millis(20), to: Duration::from_millis(520) }
    }
}

/// A virtual network.
#[derive(Debug)]
pub struct World {
    now: Time,
    random: Random,
    hosts: Vec<Host>,
    /// Of each host, by its number.
    addresses: Vec<SocketAddr>,
    by_address: HashMap<SocketAddr, HostId, AddressHasher>,
    nats: Vec<Nat>,
    nat_by_ip: HashMap<IpAddr, NatId, AddressHasher>,
    link: Link,
    cuts: Cuts,
    disks: Disks,
    test_time: TestTime,
    /// The chance that work which is stopped has come to its end already, and is reported all the same.
    late_reports: f64,
    truth: Truth,
    queue: EventQueue<Happening>,
    datagrams: Datagrams,
    /// Some datagrams that were sent, to be sent again.
    overheard: Vec<Overheard>,
    checks: Checks,
    checker: Checker,
    violation: Option<Violation>,
    faults: Faults,
    traffic: Traffic,
    trace: Trace,
    out: Outbox,
    deeds: Vec<Deed>,
}

/// What happens at a later time.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Arrives(DatagramId),
    Ticks {
        host: HostId,
        life: u32,
    },
    /// A slow host has done what it was busy with.
    Ready {
        host: HostId,
        life: u32,
    },
    Tested {
        host: HostId,
        life: u32,
        exponent: Exponent,
    },
    Durable {
        host: HostId,
        life: u32,
        revision: u64,
    },
    Reserved {
        host: HostId,
        life: u32,
        below: MessageId,
    },
    /// The disk is tried again, as the daemon does.
    SavesAgain {
        host: HostId,
        life: u32,
    },
    Resumes {
        host: HostId,
        life: u32,
    },
    /// An adversary acts by the clock.
    Plots {
        host: HostId,
        life: u32,
    },
}

/// A datagram that was sent.
#[derive(Debug, Default)]
struct Overheard {
    from: Option<SocketAddr>,
    to: HostId,
    bytes: Vec<u8>,
}

impl World {
    /// An empty world. Everything that happens in it follows from the seed and from what is done to it.
    pub fn new(seed: u64, link: Link, checks: Checks) -> World {
        let mut key = [0x5a; 16];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        World {
            now: Time::from_micros(1_000_000),
            random: Random::from_seed(key),
            hosts: Vec::new(),
            addresses: Vec::new(),
            by_address: HashMap::with_hasher(AddressHasher),
            nats: Vec::new(),
            nat_by_ip: HashMap::with_hasher(AddressHasher),
            link,
            cuts: Cuts::default(),
            disks: Disks::default(),
            test_time: TestTime::default(),
            late_reports: 0.0,
            truth: Truth::default(),
            queue: EventQueue::new(),
            datagrams: Datagrams::default(),
            overheard: Vec::new(),
            checks,
            checker: Checker::new(checks),
            violation: None,
            faults: Faults::default(),
            traffic: Traffic::default(),
            trace: Trace::default(),
            out: Outbox::new(),
            deeds: Vec::new(),
        }
    }

    /// The virtual time; a world begins at 1 s.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Adds a host with an honest node, which is not started yet.
    ///
    /// # Panics
    /// When somebody has its address already.
    pub fn add_node(&mut self, plan: Plan) -> HostId {
        self.add(plan, None)
    }

    /// Adds a hostile host, which is not started yet.
    ///
    /// # Panics
    /// When somebody has its address already.
    pub fn add_adversary(&mut self, plan: Plan, adversary: Box<dyn Adversary>) -> HostId {
        self.add(plan, Some(adversary))
    }

    /// Adds a box that translates addresses, for [`Plan::nat`].
    pub fn add_nat(&mut self, nat: Nat) -> NatId {
        let id = NatId(self.nats.len() as u32);
        self.nat_by_ip.insert(nat.public(), id);
        self.nats.push(nat);
        id
    }

    /// What lies between hosts, to be changed.
    pub fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    /// The disks, to be changed.
    pub fn disks_mut(&mut self) -> &mut Disks {
        &mut self.disks
    }

    /// How long tests for claims take, to be changed.
    pub fn test_time_mut(&mut self) -> &mut TestTime {
        &mut self.test_time
    }

    /// Sets the chance, 0 to 1, that work which a sleep or a reset stops has come to its end already: it is reported all the
    /// same. 0 at first.
    pub fn set_late_reports(&mut self, chance: f64) {
        self.late_reports = chance;
    }

    /// Keeps some hosts from reaching others until that is healed.
    pub fn cut(&mut self, cut: Cut) -> CutId {
        self.cuts.cut(cut)
    }

    /// Ends a cut.
    pub fn heal(&mut self, cut: CutId) {
        self.cuts.heal(cut);
    }

    /// Ends all cuts.
    pub fn heal_all(&mut self) {
        self.cuts.heal_all();
    }

    /// How many datagrams a cut has dropped.
    pub fn dropped_by(&self, cut: CutId) -> u64 {
        self.cuts.dropped(cut)
    }

    /// A host's node, while it lives.
    pub fn node(&self, host: HostId) -> Option<&Node> {
        self.hosts[host.index()].node.as_deref()
    }

    /// All hosts.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = HostId> + use<> {
        (0..self.hosts.len() as u32).map(HostId)
    }

    /// The honest hosts whose nodes live and are awake, stalled ones too.
    pub fn living(&self) -> impl Iterator<Item = (HostId, &Node)> {
        self.hosts().filter(|&host| self.is_honest(host)).filter_map(|host| {
            let node = self.node(host).filter(|node| !node.is_asleep())?;
            Some((host, node))
        })
    }

    /// Whether a host is no adversary.
    pub fn is_honest(&self, host: HostId) -> bool {
        self.hosts[host.index()].is_honest()
    }

    /// Whether a host's node lives and does not stand still.
    pub fn is_running(&self, host: HostId) -> bool {
        self.hosts[host.index()].is_running()
    }

    /// Whether a host's disk holds ids that its next life must not use again: then its clock need not be right.
    pub(super) fn has_id_floor(&self, host: HostId) -> bool {
        self.hosts[host.index()].disk.id_floor > MessageId(0)
    }

    /// A host's address, as it knows it itself.
    pub fn address(&self, host: HostId) -> SocketAddr {
        self.addresses[host.index()]
    }

    /// The host whose own, advertised or translated address this is or was.
    pub fn host_at(&self, address: SocketAddr) -> Option<HostId> {
        let own = self.by_address.get(&address).copied();
        own.or_else(|| {
            let nat = self.nat_by_ip.get(&address.ip())?;
            self.nats[nat.0 as usize].owner(address.port())
        })
    }

    /// The exponents that give primes in this world as far as anybody knows, smallest first.
    pub fn primes(&self) -> &[Exponent] {
        self.truth.primes()
    }

    /// Makes an exponent give a prime, as if somebody outside of this world had found it; an adversary may claim it. `false`
    /// when it cannot, having a small factor or having been tested already.
    pub fn declare_prime(&mut self, exponent: Exponent) -> bool {
        self.truth.declare(exponent)
    }

    /// How many honest nodes have this host as an active peer.
    pub fn popularity(&self, host: HostId) -> usize {
        self.living()
            .filter(|(_, node)| node.peer_addresses().into_iter().any(|peer| self.host_at(peer) == Some(host)))
            .count()
    }

    /// What has happened so far.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was said so far.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// What was recorded so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Begins to record lines.
    pub fn follow(&mut self, of: TraceOf) {
        self.trace.follow(of);
    }

    /// A random number below `bound`, from the world's seed.
    pub fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    fn add(&mut self, plan: Plan, adversary: Option<Box<dyn Adversary>>) -> HostId {
        let host = HostId(self.hosts.len() as u32);
        let before = self.by_address.insert(plan.address, host);
        assert!(before.is_none(), "{} is somebody's already", plan.address);
        self.addresses.push(plan.address);
        self.checker.added(host, plan.address, plan.advertised);
        self.hosts.push(Host::new(plan, adversary));
        host
    }
}
