//! A virtual network: hosts, what lies between them, and what happens to them.
//!
//! Ticks, arrivals and reports are events of one queue. A host has one tick in it that counts; when a deadline has moved on,
//! the tick that comes too early is put off without a call, so no event ever looks at all hosts.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;
use std::time::Duration;

use super::adversary::Adversary;
use super::cuts::{Cut, CutId, Cuts};
use super::faults::Faults;
use super::host::{Disk, Host, HostId, Plan};
use super::invariants::{Checks, Violation};
use super::link::Link;
use super::nat::{Nat, NatId};
use super::trace::{Trace, TraceOf};
use super::traffic::Traffic;
use super::truth::Truth;
use crate::mersenne::Exponent;
use crate::protocol::message::Message;
use crate::protocol::{Node, Random, Time};

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

/// A virtual network.
#[derive(Debug)]
pub struct World {
    now: Time,
    random: Random,
    hosts: Vec<Host>,
    addresses: Vec<SocketAddr>,
    by_address: HashMap<SocketAddr, HostId, AddressHasher>,
    nats: Vec<Nat>,
    link: Link,
    cuts: Cuts,
    disks: Disks,
    truth: Truth,
    faults: Faults,
    traffic: Traffic,
    trace: Trace,
}

impl World {
    /// An empty world. Everything that happens in it follows from the seed and from what is done to it.
    pub fn new(seed: u64, link: Link, checks: Checks) -> World {
        let _ = checks;
        let mut key = [0x5a; 16];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        World {
            now: Time::from_micros(1_000_000),
            random: Random::from_seed(key),
            hosts: Vec::new(),
            addresses: Vec::new(),
            by_address: HashMap::with_hasher(AddressHasher),
            nats: Vec::new(),
            link,
            cuts: Cuts::default(),
            disks: Disks::default(),
            truth: Truth::default(),
            faults: Faults::default(),
            traffic: Traffic::default(),
            trace: Trace::default(),
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
        self.nats.push(nat);
        NatId(self.nats.len() as u32 - 1)
    }

    /// Starts a host with what its disk holds. Nothing happens to one that lives.
    pub fn start(&mut self, host: HostId) {
        let _ = &self.hosts[host.index()];
    }

    /// Sets the wall clock of a host back by so much, from its next start on. Its disk has to be kept: ids hang on one of both.
    pub fn set_clock_back(&mut self, host: HostId, by: Duration) {
        self.hosts[host.index()].clock_behind += by;
    }

    /// Kills a host as `kill -9` does. Nothing happens to one that is dead.
    pub fn kill(&mut self, host: HostId, disk: Disk) {
        let _ = (host, disk);
    }

    /// Lets a node say goodbye, save its state and end. Nothing happens to one that is dead or stands still.
    pub fn leave(&mut self, host: HostId) {
        let _ = host;
    }

    /// Lets a host stand still, as SIGSTOP and SIGCONT do.
    pub fn stall(&mut self, host: HostId, duration: Duration) {
        let _ = (host, duration);
    }

    /// Puts a node to sleep, if it runs and is awake.
    pub fn sleep(&mut self, host: HostId) {
        let _ = host;
    }

    /// Wakes a node, if it runs and sleeps.
    pub fn wake(&mut self, host: HostId) {
        let _ = host;
    }

    /// Makes a node forget its primes and peers, if it runs.
    pub fn reset(&mut self, host: HostId) {
        let _ = host;
    }

    /// Lets a node's search find what it looks for, and begins to watch how that spreads. `None` when it does not search.
    pub fn find(&mut self, host: HostId) -> Option<Exponent> {
        let _ = host;
        None
    }

    /// Makes an exponent give a prime, as if somebody outside of this world had found it; an adversary may claim it. `false`
    /// when it cannot, having a small factor or having been tested already.
    pub fn declare_prime(&mut self, exponent: Exponent) -> bool {
        self.truth.declare(exponent)
    }

    /// The exponents that give primes in this world as far as anybody knows, smallest first.
    pub fn primes(&self) -> impl ExactSizeIterator<Item = Exponent> {
        self.truth.primes()
    }

    /// Sends a message that no node has made, in an envelope that names `from` as its sender.
    pub fn forge(&mut self, from: SocketAddr, to: HostId, message: &Message) {
        let _ = (from, to, message);
    }

    /// Sends one of the last datagrams again, to its recipient or to somebody else.
    pub fn replay(&mut self) {}

    /// Lets time pass.
    ///
    /// # Errors
    /// The first violation of an invariant, at which the world stands still.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Violation> {
        self.run_until(self.now + duration)
    }

    /// Lets time pass until then.
    ///
    /// # Errors
    /// The first violation of an invariant, at which the world stands still.
    pub fn run_until(&mut self, end: Time) -> Result<(), Violation> {
        self.now = end;
        Ok(())
    }

    /// What lies between hosts, to be changed.
    pub fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    /// The disks, to be changed.
    pub fn disks_mut(&mut self) -> &mut Disks {
        &mut self.disks
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

    /// A host's address, as it knows it itself.
    pub fn address(&self, host: HostId) -> SocketAddr {
        self.addresses[host.index()]
    }

    /// The host that is reached at an address now, if there is one.
    pub fn host_at(&self, address: SocketAddr) -> Option<HostId> {
        self.by_address.get(&address).copied()
    }

    /// How many honest nodes have this host as an active peer.
    pub fn popularity(&self, host: HostId) -> usize {
        let _ = host;
        0
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
        self.hosts.push(Host::new(plan, adversary));
        host
    }
}

/// Hashes addresses: quick and always the same, for tables that nobody attacks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AddressHasher;

/// The state of an [`AddressHasher`].
#[derive(Debug, Default)]
pub(super) struct Folded(u64);

impl BuildHasher for AddressHasher {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(0x9e37_79b9_7f4a_7c15)
    }
}

impl Folded {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0xe703_7ed1_a0b4_28db;
        self.0 = product as u64 ^ (product >> 64) as u64 ^ word.rotate_left(31);
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            self.fold(word.iter().fold(word.len() as u64, |word, &byte| word << 8 | u64::from(byte)));
        }
    }

    fn write_u16(&mut self, word: u16) {
        self.fold(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.fold(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.fold(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.fold(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.fold(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
