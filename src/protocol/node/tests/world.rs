//! Several nodes on a virtual network: fixed latency, seeded loss, partitions, crashes, stalls, slow and failing disks.
//!
//! A run is a function of its seed. What the invariants say is checked after everything that happens, by `watch`.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use super::watch::{Call, Watch, prime_of};
use super::*;
use crate::protocol::random::Random;

/// What one address does on the network.
pub(super) struct Host {
    pub(super) address: SocketAddr,
    /// The node, while it lives.
    pub(super) node: Option<Node>,
    /// What is durable.
    pub(super) disk: Saved,
    /// The newest revision of this life that is durable: a disk writes one state after the other.
    revision: u64,
    /// Counts lives, so that what is meant for an earlier one is not given to a later.
    life: u64,
    stalled: bool,
    /// What the socket holds while the process stands still.
    mailbox: Vec<(SocketAddr, Vec<u8>)>,
    /// What the search was last told to look above; `None` while there is no search.
    searching: Option<Option<Exponent>>,
    /// The exponent being tested; a new order replaces it.
    testing: Option<Exponent>,
    seeds: Vec<SocketAddr>,
}

/// What happens at a later time.
enum Later {
    Arrives {
        to: SocketAddr,
        from: SocketAddr,
        datagram: Vec<u8>,
    },
    Tested {
        host: usize,
        life: u64,
        exponent: Exponent,
    },
    Durable {
        host: usize,
        life: u64,
        saved: Saved,
        revision: u64,
    },
    Reserved {
        host: usize,
        life: u64,
        below: MessageId,
    },
    Wakes {
        host: usize,
    },
    /// The disk is tried again, as the daemon does.
    SavesAgain {
        host: usize,
        life: u64,
    },
}

/// How often each fault really happened.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Faults {
    pub(super) lost: u64,
    pub(super) cut: u64,
    pub(super) crashes_with_disk: u64,
    pub(super) crashes_without_disk: u64,
    pub(super) stalls: u64,
    pub(super) failed_saves: u64,
    pub(super) forged: u64,
    pub(super) replayed: u64,
    pub(super) found: u64,
    pub(super) sleeps: u64,
    pub(super) wakes: u64,
    pub(super) resets: u64,
    pub(super) resets_asleep: u64,
    pub(super) reported_late: u64,
}

pub(super) struct World {
    pub(super) now: Time,
    pub(super) random: Random,
    pub(super) hosts: Vec<Host>,
    pub(super) settings: Settings,
    /// The chance that a datagram is lost.
    pub(super) loss: f64,
    /// The chance that a disk refuses to write.
    pub(super) disk_failure: f64,
    /// Hosts before this one cannot reach those from it on.
    pub(super) partition: Option<usize>,
    pub(super) faults: Faults,
    pub(super) watch: Watch,
    later: BTreeMap<(Time, u64), Later>,
    scheduled: u64,
    /// Some datagrams that were sent, for replay.
    heard: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    out: Outbox,
}

const LATENCY: Duration = millis(10);
const CLOCK: u64 = 1_700_000_000_000_000;

impl World {
    /// So many nodes, each told of the one before, all started at once.
    pub(super) fn new(seed: u64, count: usize, settings: Settings) -> World {
        let address = |host: usize| SocketAddr::new([10, 0, 0, host as u8 + 1].into(), 5_001);
        let host = |number: usize| Host {
            address: address(number),
            node: None,
            disk: Saved::default(),
            revision: 0,
            life: 0,
            stalled: false,
            mailbox: Vec::new(),
            searching: None,
            testing: None,
            seeds: number.checked_sub(1).map(address).into_iter().collect(),
        };
        let mut key = [0x5a; 16];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        let mut world = World {
            now: Time::from_micros(1_000_000),
            random: Random::from_seed(key),
            hosts: (0..count).map(host).collect(),
            settings,
            loss: 0.0,
            disk_failure: 0.0,
            partition: None,
            faults: Faults::default(),
            watch: Watch::new(count),
            later: BTreeMap::new(),
            scheduled: 0,
            heard: Vec::new(),
            out: Outbox::new(),
        };
        (0..count).for_each(|host| world.start(host, Duration::ZERO));
        world
    }

    /// Starts a node with what its disk holds, its clock set back by so much.
    pub(super) fn start(&mut self, host: usize, clock_set_back: Duration) {
        let random = &self.random;
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&random.next().to_be_bytes());
        let Host { address, node, disk, revision, life, mailbox, searching, testing, seeds, .. } =
            &mut self.hosts[host];
        assert!(node.is_none(), "it lives already");
        let port = NonZeroU16::new(address.port()).expect("not port 0");
        let birth = Birth {
            seed,
            now: self.now,
            whereabouts: Whereabouts { port, bound: address.ip(), advertised: None },
            wall_clock_micros: CLOCK + self.now.as_micros() - clock_set_back.as_micros() as u64,
            saved: disk.clone(),
            scan: Scan::default(),
        };
        let born = Node::new(self.settings.clone(), birth);
        seeds.iter().for_each(|&seed| born.add_seed(self.now, seed));
        *node = Some(born);
        *life += 1;
        mailbox.clear();
        (*searching, *testing, *revision) = (None, None, 0);
        self.watch.born(host);
    }

    /// Kills a node as `kill -9` does.
    pub(super) fn crash(&mut self, host: usize) {
        let host = &mut self.hosts[host];
        host.node = None;
        host.stalled = false;
    }

    /// Throws away what a dead node's disk holds.
    pub(super) fn lose_disk(&mut self, host: usize) {
        self.hosts[host].disk = Saved::default();
        self.watch.disk_lost(host, self.hosts[host].address);
    }

    /// Stops a node as SIGSTOP does.
    pub(super) fn stall(&mut self, host: usize, duration: Duration) {
        self.hosts[host].stalled = true;
        self.schedule(duration, Later::Wakes { host });
    }

    pub(super) fn is_running(&self, host: usize) -> bool {
        self.hosts[host].node.is_some() && !self.hosts[host].stalled
    }

    /// Lets a node's search find what it looks for.
    pub(super) fn find(&mut self, host: usize) -> bool {
        let Some(above) = self.hosts[host].searching.filter(|_| self.is_running(host)) else { return false };
        let Some(found) = PRIMES.into_iter().map(exponent).find(|&prime| Some(prime) > above) else { return false };
        self.hosts[host].searching = None;
        self.faults.found += 1;
        self.call(host, Call::Other, |node, now, out| node.found(now, above, found, out));
        true
    }

    /// Whether a node runs and sleeps.
    pub(super) fn is_asleep(&self, host: usize) -> bool {
        self.is_running(host) && self.hosts[host].node.as_ref().is_some_and(Node::is_asleep)
    }

    pub(super) fn sleep(&mut self, host: usize) {
        self.faults.sleeps += 1;
        self.interrupt(host, |node, now, out| {
            node.sleep(now, out);
        });
    }

    pub(super) fn wake(&mut self, host: usize) {
        self.faults.wakes += 1;
        self.call(host, Call::Other, |node, now, out| {
            node.wake(now, out);
        });
    }

    pub(super) fn reset(&mut self, host: usize) {
        self.faults.resets += 1;
        self.faults.resets_asleep += u64::from(self.is_asleep(host));
        self.watch.reset(host);
        self.interrupt(host, |node, now, out| {
            node.reset(now, out);
        });
    }

    /// Tells a node something that stops its work; half of the time that work has come to its end already, and its reports
    /// come late.
    fn interrupt(&mut self, host: usize, tell: impl FnOnce(&Node, Time, &mut Outbox)) {
        let Host { searching, testing, .. } = self.hosts[host];
        self.call(host, Call::Other, tell);
        if self.random.below(2) == 0 {
            return;
        }
        if let Some(above) = searching
            && let Some(found) = PRIMES.into_iter().map(exponent).find(|&prime| Some(prime) > above)
        {
            self.faults.reported_late += 1;
            self.call(host, Call::Other, |node, now, out| node.found(now, above, found, out));
        }
        if let Some(tested) = testing {
            self.faults.reported_late += 1;
            self.call(host, Call::Other, |node, now, out| node.verdict(now, tested, truth(tested), out));
        }
    }

    /// Sends a datagram that no node has made.
    pub(super) fn forge(&mut self, from: SocketAddr, to: usize, message: &Message) {
        if let Some(((originator, id, number), _)) = prime_of(message, from) {
            self.watch.claimed(originator, id, number);
        }
        self.faults.forged += 1;
        let to = self.hosts[to].address;
        self.schedule(LATENCY, Later::Arrives { to, from, datagram: super::desk::encoded(message) });
    }

    /// Sends a datagram again that was sent before, to the same node or to another.
    pub(super) fn replay(&mut self) {
        if self.heard.is_empty() {
            return;
        }
        let (from, mut to, datagram) = self.heard[self.random.below(self.heard.len())].clone();
        if self.random.below(3) == 0 {
            to = self.hosts[self.random.below(self.hosts.len())].address;
        }
        self.faults.replayed += 1;
        self.schedule(LATENCY, Later::Arrives { to, from, datagram });
    }

    pub(super) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let event = self.later.first_key_value().map(|(&(at, _), _)| at);
            let tick = (0..self.hosts.len())
                .filter(|&host| self.is_running(host))
                .filter_map(|host| Some((self.hosts[host].node.as_ref()?.next_deadline().max(self.now), host)))
                .min();
            match (event, tick) {
                (Some(at), tick) if at <= end && tick.is_none_or(|(due, _)| at <= due) => {
                    self.now = self.now.max(at);
                    let (_, later) = self.later.pop_first().expect("just seen");
                    self.happen(later);
                }
                (_, Some((due, host))) if due <= end => {
                    self.now = due;
                    self.call(host, Call::Other, |node, now, out| node.tick(now, out));
                }
                (_, _) => break,
            }
        }
        self.now = end;
    }

    fn happen(&mut self, later: Later) {
        match later {
            Later::Arrives { to, from, datagram } => {
                let Some(host) = self.hosts.iter().position(|host| host.address == to) else { return };
                if self.hosts[host].stalled {
                    self.hosts[host].mailbox.push((from, datagram));
                } else {
                    self.receive(host, from, &datagram);
                }
            }
            Later::Tested { host, life, exponent } => {
                if self.hosts[host].life == life && self.hosts[host].testing == Some(exponent) {
                    self.hosts[host].testing = None;
                    self.call(host, Call::Other, |node, now, out| node.verdict(now, exponent, truth(exponent), out));
                }
            }
            Later::Durable { host, life, saved, revision } => {
                if self.hosts[host].life == life && self.hosts[host].node.is_some() {
                    if revision >= self.hosts[host].revision {
                        let id_floor = saved.id_floor.max(self.hosts[host].disk.id_floor);
                        self.hosts[host].disk = Saved { id_floor, ..saved };
                        self.hosts[host].revision = revision;
                    }
                    self.call(host, Call::Other, |node, now, out| node.saved(now, revision, out));
                }
            }
            Later::Reserved { host, life, below } => {
                if self.hosts[host].life == life && self.hosts[host].node.is_some() {
                    let floor = &mut self.hosts[host].disk.id_floor;
                    *floor = below.max(*floor);
                    self.call(host, Call::Other, |node, _, _| node.ids_reserved(below));
                }
            }
            Later::SavesAgain { host, life } => {
                if self.hosts[host].life == life {
                    self.obey(host, Order::Save);
                }
            }
            Later::Wakes { host } => {
                if !std::mem::take(&mut self.hosts[host].stalled) {
                    return;
                }
                for (from, datagram) in std::mem::take(&mut self.hosts[host].mailbox) {
                    self.receive(host, from, &datagram);
                }
                self.call(host, Call::Other, |node, now, out| node.tick(now, out));
            }
        }
    }

    fn receive(&mut self, host: usize, from: SocketAddr, datagram: &[u8]) {
        self.call(host, Call::Receive { from, datagram }, |node, now, out| node.receive(now, from, datagram, out));
    }

    /// Calls a node, checks what it did, and carries out what it wants.
    fn call(&mut self, host: usize, call: Call<'_>, act: impl FnOnce(&Node, Time, &mut Outbox)) {
        let Some(node) = &self.hosts[host].node else { return };
        let address = self.hosts[host].address;
        let mut out = std::mem::take(&mut self.out);
        let before = self.watch.before(node);
        act(node, self.now, &mut out);
        self.watch.after(host, address, node, self.now, call, &before, &out);
        for order in std::mem::take(&mut out.orders) {
            self.obey(host, order);
        }
        for (to, datagram) in out.datagrams() {
            self.transmit(host, to, datagram);
        }
        out.clear();
        self.out = out;
    }

    fn obey(&mut self, host: usize, order: Order) {
        let life = self.hosts[host].life;
        let Some(node) = &self.hosts[host].node else { return };
        match order {
            Order::Save if self.random.unit() < self.disk_failure => {
                self.faults.failed_saves += 1;
                self.schedule(seconds(2), Later::SavesAgain { host, life });
            }
            Order::Save => {
                let (saved, revision) = node.state();
                let delay = millis(self.random.below(300) as u64);
                self.schedule(delay, Later::Durable { host, life, saved, revision });
            }
            Order::ReserveIds { below } => {
                let delay = millis(self.random.below(100) as u64);
                self.schedule(delay, Later::Reserved { host, life, below });
            }
            Order::Search { above } => self.hosts[host].searching = Some(above),
            Order::StopSearch => self.hosts[host].searching = None,
            Order::StopVerify => self.hosts[host].testing = None,
            Order::Verify(exponent) => {
                self.hosts[host].testing = Some(exponent);
                let delay = millis(20 + self.random.below(500) as u64);
                self.schedule(delay, Later::Tested { host, life, exponent });
            }
        }
    }

    fn transmit(&mut self, host: usize, to: SocketAddr, datagram: &[u8]) {
        let from = self.hosts[host].address;
        if self.heard.len() < 256 {
            self.heard.push((from, to, datagram.to_vec()));
        } else {
            let place = self.random.below(256);
            self.heard[place] = (from, to, datagram.to_vec());
        }
        let Some(target) = self.hosts.iter().position(|host| host.address == to) else { return };
        if self.partition.is_some_and(|border| (host < border) != (target < border)) {
            self.faults.cut += 1;
        } else if self.random.unit() < self.loss {
            self.faults.lost += 1;
        } else {
            self.schedule(LATENCY, Later::Arrives { to, from, datagram: datagram.to_vec() });
        }
    }

    fn schedule(&mut self, after: Duration, later: Later) {
        self.scheduled += 1;
        self.later.insert((self.now + after, self.scheduled), later);
    }

    /// How many nodes have this one as an active peer.
    pub(super) fn popularity(&self, host: usize) -> usize {
        let address = self.hosts[host].address;
        self.hosts.iter().filter(|host| host.node.as_ref().is_some_and(|node| node.peers.contains(address))).count()
    }

    /// The nodes that live.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.hosts.iter().filter_map(|host| host.node.as_ref())
    }

    /// Checks invariants 11 and 12: all agree, and nobody is alone.
    pub(super) fn assert_converged(&self) {
        let nodes: Vec<&Node> = self.nodes().collect();
        for node in &nodes {
            let (first, view) = (nodes[0].state_view(), node.state_view());
            assert_eq!(node.prime_views(), nodes[0].prime_views(), "{} and {}", view.address, first.address);
            assert_eq!((view.known, view.originators), (first.known, first.originators));
            assert!(view.peers >= 3.min(nodes.len() - 1), "{} has {} peers", view.address, view.peers);
        }
    }
}
