//! What is measured while a run goes on, and the report that is made of it.

use std::fs;
use std::time::Duration;

use super::Found;
use crate::protocol::message::MessageType;
use crate::protocol::{Label as _, Time};
use crate::simulation::report::{Degrees, Report, Ring, Sample, Spread, Times, Upkeep};
use crate::simulation::scenario::Scenario;
use crate::simulation::{HostId, World, convergence};

/// Samples of small worlds come each second; a look at all nodes of a large one takes longer than it should so often.
const SAMPLES_SMALL_MAX: usize = 20_000;

/// What is measured on the way.
#[derive(Debug)]
pub(super) struct Meter {
    interval: Duration,
    upkeep_from: Duration,
    samples: Vec<Sample>,
    /// Nodes that run, hostile ones among them, times seconds since the first number was taken.
    node_seconds: f64,
    counted: Option<(Duration, usize)>,
    before_upkeep: Option<Sent>,
    /// Whether a hostile host has been a peer of an honest one.
    met_adversaries: bool,
}

/// What was sent until some time.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Duration,
    node_seconds: f64,
    datagrams: [u64; 3],
    bytes: u64,
}

const TYPES: [MessageType; 3] = [MessageType::Ping, MessageType::Pong, MessageType::Prime];

impl Meter {
    pub(super) fn new(scenario: &Scenario) -> Meter {
        let seconds = if scenario.nodes <= SAMPLES_SMALL_MAX { 1 } else { 5 };
        let half = scenario.duration.0 / 2;
        let upkeep_from = scenario.expect.upkeep.map_or(half.max(scenario.start.last().0), |bound| bound.after.0);
        Meter {
            interval: Duration::from_secs(seconds),
            upkeep_from,
            samples: Vec::new(),
            node_seconds: 0.0,
            counted: None,
            before_upkeep: None,
            met_adversaries: false,
        }
    }

    /// How often samples are taken.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// From when on upkeep is measured.
    pub(super) fn upkeep_from(&self) -> Duration {
        self.upkeep_from
    }

    /// Looks at everybody.
    pub(super) fn sample(&mut self, world: &World, now: Duration) {
        self.count(world, now);
        let truth = convergence::ring(world);
        let components = convergence::components(world).len();
        let at = now.as_secs_f64();
        let mut hostile = world.hosts().filter(|&host| !world.is_honest(host));
        self.met_adversaries = self.met_adversaries || hostile.any(|host| world.popularity(host) > 0);
        self.samples.push(Sample { at, nodes: truth.nodes, ring_right: truth.right, components });
    }

    /// Whether a hostile host was a peer of an honest one at any sample.
    pub(super) fn met_adversaries(&self) -> bool {
        self.met_adversaries
    }

    pub(super) fn begin_upkeep(&mut self, world: &World, now: Duration) {
        self.count(world, now);
        self.before_upkeep = Some(self.sent(world, now));
    }

    fn count(&mut self, world: &World, now: Duration) {
        let running = world.hosts().filter(|&host| world.is_running(host)).count();
        if let Some((before, were)) = self.counted {
            self.node_seconds += (now - before).as_secs_f64() * (were + running) as f64 / 2.0;
        }
        self.counted = Some((now, running));
    }

    fn sent(&self, world: &World, at: Duration) -> Sent {
        let traffic = world.traffic();
        let datagrams = TYPES.map(|message_type| traffic.sent(message_type));
        Sent { at, node_seconds: self.node_seconds, datagrams, bytes: traffic.bytes() }
    }

    fn upkeep(&self, world: &World, now: Duration) -> Upkeep {
        let Some(before) = self.before_upkeep else { return Upkeep::default() };
        let after = self.sent(world, now);
        let node_seconds = after.node_seconds - before.node_seconds;
        if node_seconds <= 0.0 {
            return Upkeep::default();
        }
        let [pings, pongs, primes] =
            [0, 1, 2].map(|index| (after.datagrams[index] - before.datagrams[index]) as f64 / node_seconds);
        let bytes = (after.bytes - before.bytes) as f64 / node_seconds;
        Upkeep { from: before.at.as_secs_f64(), pings, pongs, primes, bytes }
    }

    /// All that was measured; the last sample is of the end.
    pub(super) fn report(&mut self, world: &World, finds: &[Found], began: Time) -> Report {
        let upkeep = self.upkeep(world, world.now().since(began));
        let last = self.samples.last().copied().unwrap_or_default();
        let faults = world.faults().faults().filter(|(_, times)| *times > 0);
        let rarities = world.faults().rarities().filter(|(_, times)| *times > 0);
        Report {
            nodes: last.nodes,
            primes: finds.iter().map(|found| spread(world, found, began)).collect(),
            upkeep,
            degrees: Degrees::new(convergence::degrees(world)),
            ring: Ring { nodes: last.nodes, right: last.ring_right },
            components: last.components,
            faults: faults.map(|(fault, times)| (fault.as_str(), times)).collect(),
            rarities: rarities.map(|(rarity, times)| (rarity.as_str(), times)).collect(),
            datagrams: world.traffic().datagrams(),
            trace_hash: format!("{:016x}", world.trace().hash()),
            trace: world.trace().lines().to_vec(),
            samples: std::mem::take(&mut self.samples),
            ..Report::default()
        }
    }
}

/// How a prime spread among the honest nodes that lived when it was found and live now.
fn spread(world: &World, found: &Found, began: Time) -> Spread {
    let living = |host: &HostId| world.node(*host).is_some_and(|node| !node.is_asleep());
    let nodes: Vec<HostId> = found.lived.iter().copied().filter(living).collect();
    let after = |at: Time| at.since(found.at).as_secs_f64();
    let Some((watched, until)) = &found.watched else { return Spread::default() };
    let arrivals = nodes.iter().filter_map(|&host| watched.heard(host));
    let hops: Vec<u32> = arrivals.clone().map(|arrival| arrival.hops).collect();
    let verified = nodes.iter().filter_map(|&host| watched.known(host)).map(after).collect();
    let claim = world.node(found.by).and_then(|node| {
        let primes = node.prime_views();
        primes.into_iter().find(|prime| prime.exponent == found.exponent && prime.finder == world.address(found.by))
    });
    Spread {
        exponent: found.exponent.into(),
        msg_id: claim.map(|claim| claim.msg_id.0),
        finder: found.by.0,
        found_at: found.at.since(began).as_secs_f64(),
        watched_for: after(*until),
        heard: Times::new(nodes.len(), arrivals.map(|arrival| after(arrival.at)).collect()),
        verified: Times::new(nodes.len(), verified),
        hops_mean: hops.iter().map(|&hops| f64::from(hops)).sum::<f64>() / hops.len().max(1) as f64,
        hops_max: hops.iter().copied().max().unwrap_or_default(),
        datagrams_per_node: world.traffic().primes(found.exponent) as f64 / found.lived.len().max(1) as f64,
    }
}

/// The most this process had in memory so far, in bytes, where the system says so: `VmHWM` of proc_pid_status(5).
pub(super) fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim_end().parse().ok()?;
    Some(kibibytes << 10)
}

/// How long this thread was on a core, where the system says so: the first number of proc_pid_schedstat.
pub(super) fn core_time() -> Option<Duration> {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    statistics.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
