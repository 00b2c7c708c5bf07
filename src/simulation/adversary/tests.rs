//! Invariant 14: whatever a fifth of all nodes does, the honest ones find each other, agree, and hear of every prime.
//!
//! `MERSENNED_HOSTILE_SEEDS=20` makes so many runs with 100 nodes for every kind of adversary;
//! `MERSENNED_HOSTILE=forge MERSENNED_HOSTILE_NODES=40 MERSENNED_HOSTILE_SEED=1` repeats one.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::mersenne::Exponent;
use crate::protocol::{Random, Settings};
use crate::simulation::{Checks, Latency, Link, Plan, World, convergence, run};

mod deeds;

/// Runs of each kind, and their hosts, unless more are asked for.
const FEW: (u64, usize) = (2, 40);

/// Hosts of a run when a number of seeds is asked for.
const MANY_HOSTS: usize = 100;

/// Every so many hosts one is hostile.
const HOSTILE_EVERY: usize = 5;

/// The honest nodes have so long to find each other.
const SETTLES: Duration = Duration::from_secs(30);

/// Within so long all of them hold a prime, and agree.
const BOUND: Duration = Duration::from_secs(30);

/// Before the last prime there is so long a pause, in which the hostile go on.
const PAUSE: Duration = Duration::from_secs(20);

/// How often they are asked.
const LOOK: Duration = Duration::from_millis(500);

/// Who is hostile in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hostile {
    /// All of one kind.
    Kind(AdversaryKind),
    /// Each of another kind.
    Mixed,
}

impl Hostile {
    fn all() -> impl Iterator<Item = Hostile> {
        AdversaryKind::ALL.into_iter().map(Hostile::Kind).chain([Hostile::Mixed])
    }

    fn named(name: &str) -> Hostile {
        if name == "mixed" { Hostile::Mixed } else { Hostile::Kind(name.parse().unwrap()) }
    }

    fn make(self, number: usize) -> Box<dyn Adversary> {
        match self {
            Hostile::Kind(kind) => kind.make(),
            Hostile::Mixed => AdversaryKind::ALL[number % AdversaryKind::ALL.len()].make(),
        }
    }
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hostile::Kind(kind) => kind.fmt(f),
            Hostile::Mixed => f.write_str("mixed"),
        }
    }
}

/// One run.
#[derive(Debug, Clone, Copy)]
struct Trial {
    hostile: Hostile,
    seed: u64,
    hosts: usize,
}

impl Trial {
    /// Honest nodes in eight address groups, each told of one that came before, on links of 10 to 100 ms, some of which
    /// lose; hostile ones in groups of their own or among the honest, who know a few of them.
    fn world(self) -> World {
        let random = self.random();
        let latency = Latency::Uniform { from: Duration::from_millis(10), to: Duration::from_millis(100) };
        let loss = [0.0, 0.01, 0.05][random.below(3)];
        let mut world = World::new(self.seed, Link { latency, loss, ..Link::default() }, Checks::Every);
        let settings = Arc::new(Settings::default());
        let hostile = self.hosts / HOSTILE_EVERY;
        let honest = self.hosts - hostile;
        let address_of = |number: usize, group: usize| {
            SocketAddr::from(([10, group as u8, (number >> 8) as u8, number as u8], 5_001))
        };
        let honest_addresses: Vec<SocketAddr> = (0..honest).map(|number| address_of(number, number % 8)).collect();
        for number in 0..honest {
            let seed = if number == 0 { 1 } else { random.below(number) };
            let plan = Plan::new(honest_addresses[number], Arc::clone(&settings)).with_seeds([honest_addresses[seed]]);
            world.add_node(plan);
        }
        let groups = [1, hostile, 8][random.below(3)];
        for number in 0..hostile {
            let group = if groups == 8 { number % 8 } else { 100 + number % groups };
            let seeds = [(); 8].map(|()| honest_addresses[random.below(honest)]);
            let plan = Plan::new(address_of(honest + number, group), Arc::clone(&settings)).with_seeds(seeds);
            world.add_adversary(plan, self.hostile.make(number));
        }
        world.hosts().for_each(|host| world.start(host));
        world
    }

    fn random(self) -> Random {
        let mut key = *b"nodes and others";
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        Random::from_seed(key)
    }

    /// Settles; then honest nodes find a few primes, the last after a pause. How long each took to be known to all and agreed
    /// upon.
    fn run(self) -> Result<Vec<Duration>, String> {
        let mut world = self.world();
        run_for(&mut world, SETTLES)?;
        convergence::connected(&world).map_err(|what| format!("{SETTLES:?} after the start, {what}"))?;
        let mut took = Vec::new();
        for pause in [Duration::ZERO, Duration::ZERO, PAUSE] {
            run_for(&mut world, pause)?;
            let (finder, exponent) = self.find(&mut world)?;
            let agreed = agrees_within(&mut world, BOUND);
            took.push(agreed.map_err(|what| format!("M{exponent} of host {}: {what}", finder.0))?);
        }
        Ok(took)
    }

    /// Lets an honest node find a prime. One that does not search at the moment is not asked.
    fn find(self, world: &mut World) -> Result<(HostId, Exponent), String> {
        let honest = self.hosts - self.hosts / HOSTILE_EVERY;
        loop {
            let finder = HostId(world.below(honest) as u32);
            match world.find(finder) {
                Some(exponent) => return Ok((finder, exponent)),
                None => run_for(world, LOOK)?,
            }
        }
    }

    /// The run, and how to repeat it if it fails.
    fn pass(self) -> Result<Vec<Duration>, String> {
        self.run().map_err(|what| {
            let Trial { hostile, seed, hosts } = self;
            format!(
                "{hostile}, seed {seed}, {hosts} nodes: {what}\nrepeat it with\nMERSENNED_HOSTILE={hostile} \
                 MERSENNED_HOSTILE_NODES={hosts} MERSENNED_HOSTILE_SEED={seed} cargo test --lib \
                 simulation::adversary::tests::honest"
            )
        })
    }
}

fn run_for(world: &mut World, duration: Duration) -> Result<(), String> {
    world.run_for(duration).map_err(|violation| violation.to_string())
}

/// Runs until all honest nodes hold the prime that was found last and agree on everything, and tells how long that took.
/// Whoever is hostile goes on all the time, so they may agree at one moment and not at the next.
fn agrees_within(world: &mut World, bound: Duration) -> Result<Duration, String> {
    let since = world.now();
    let mut knows = None;
    loop {
        run_for(world, LOOK)?;
        let took = world.now().since(since);
        let lacking = lacking(world);
        if lacking.is_empty() {
            knows.get_or_insert(took);
        }
        let agreed = convergence::agreement(world).and_then(|()| convergence::connected(world));
        match (knows, agreed) {
            (Some(_), Ok(())) => return Ok(took),
            (Some(knows), Err(what)) if took >= bound => {
                return Err(format!("known to all after {knows:?}, and after {took:?} {what}"));
            }
            (None, _) if took >= bound => {
                return Err(format!("after {took:?} not known to {} nodes: {lacking:?}", lacking.len()));
            }
            (Some(_) | None, _) => {}
        }
    }
}

/// The honest nodes that do not know the prime that was found last.
fn lacking(world: &World) -> Vec<HostId> {
    let Some(exponent) = world.traffic().watched().map(|watched| watched.exponent) else { return Vec::new() };
    let knows = |node: &crate::protocol::Node| node.prime_views().iter().any(|prime| prime.exponent == exponent);
    world.living().filter(|(_, node)| !knows(node)).map(|(host, _)| host).collect()
}

/// Makes all runs, on all cores. What failed, and how long primes took in the others.
fn pass_all(trials: &[Trial]) -> (Vec<String>, Vec<(Trial, Vec<Duration>)>) {
    let one = |place: u64, _: &mut dyn FnMut(())| {
        let trial = trials[place as usize];
        trial.pass().map(|took| (trial, took))
    };
    let tell = |result: &Result<_, String>| {
        if let Err(what) = result {
            eprintln!("{what}");
        }
    };
    let results = run::each(0, trials.len() as u64, run::threads(), one, |_, ()| {}, tell);
    let (passed, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    (failed.into_iter().filter_map(Result::err).collect(), passed.into_iter().filter_map(Result::ok).collect())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn honest_nodes_find_each_other_and_agree_among_a_fifth_of_hostile_ones_of_every_kind() {
    let only = std::env::var("MERSENNED_HOSTILE").ok().map(|name| Hostile::named(&name));
    let kinds: Vec<Hostile> = Hostile::all().filter(|&kind| only.is_none_or(|only| only == kind)).collect();
    let (seeds, hosts) = number("MERSENNED_HOSTILE_SEEDS").map_or(FEW, |seeds| (seeds, MANY_HOSTS));
    let hosts = number("MERSENNED_HOSTILE_NODES").map_or(hosts, |hosts| hosts as usize);
    let seeds = number("MERSENNED_HOSTILE_SEED").map_or(0..seeds, |seed| seed..seed + 1);
    let of_kind = |hostile| seeds.clone().map(move |seed| Trial { hostile, seed, hosts });
    let trials: Vec<Trial> = kinds.iter().flat_map(|&kind| of_kind(kind)).collect();
    let (failed, passed) = pass_all(&trials);
    for kind in kinds {
        let took = passed.iter().filter(|(trial, _)| trial.hostile == kind).flat_map(|(_, took)| took);
        let longest = took.max().copied().unwrap_or_default();
        eprintln!("{kind}: at most {longest:?} until all agree");
    }
    assert!(failed.is_empty(), "{} of {} runs failed, the first:\n{}", failed.len(), trials.len(), failed[0]);
}
