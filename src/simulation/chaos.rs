//! A mixed schedule of all faults from a seed, then calm, then what must hold: invariants 11 to 15.
//!
//! `trouble` is what goes wrong; `nature` draws the world it goes wrong in.

use std::time::Duration;

use super::convergence;
use super::faults::{Faults, Rarity};
use super::host::{Disk, HostId};
use super::invariants::Violation;
use super::link::Link;
use super::trace::TraceOf;
use super::world::{Disks, World};
use nature::Nature;

mod nature;
#[cfg(test)]
mod tests;
mod trouble;

/// Trouble comes this often.
const PACE: Duration = Duration::from_millis(250);

/// Within so long of the last fault all agree.
const CALM: Duration = Duration::from_secs(30);

/// So long after the last that was heard of a dead node, nobody has it as a peer: 10 s, and a tick.
const GONE: Duration = Duration::from_secs(11);

/// A run that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// What happened in it.
    pub faults: Faults,
    /// The hash of all that was sent.
    pub trace: u64,
    /// How many hosts took part.
    pub hosts: usize,
}

/// Why a run has failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// An invariant was broken.
    #[error("{0}")]
    Broken(#[from] Violation),
    /// Calm came, and what must hold then did not.
    #[error("{when}: {what}")]
    NotConverged {
        /// When it was looked at.
        when: &'static str,
        /// What did not hold.
        what: String,
    },
}

/// One run: up to a minute and a half of everything that can go wrong among 3 to 40 nodes; calm and agreement; a death and a
/// return.
///
/// # Errors
/// What did not hold.
pub fn run(seed: u64) -> Result<Passed, Failed> {
    run_following(seed, None).0
}

/// The same run, and a line for everything that one host, or one claim, went through in it.
pub fn run_following(seed: u64, of: Option<TraceOf>) -> (Result<Passed, Failed>, Vec<String>) {
    let nature = Nature::of(seed);
    let mut world = nature.world(seed);
    of.into_iter().for_each(|of| world.follow(of));
    let result = go_through(&mut world, &nature);
    (result, world.trace().lines().to_vec())
}

fn go_through(world: &mut World, nature: &Nature) -> Result<Passed, Failed> {
    let rounds = 100 + world.below(160);
    for _ in 0..rounds {
        trouble::strike(world, nature);
        world.run_for(PACE)?;
    }
    calm_down(world, nature)?;
    last_prime(world, nature)?;
    die_and_return(world, nature)?;
    Ok(Passed { faults: world.faults().clone(), trace: world.trace().hash(), hosts: nature.hosts })
}

/// Faults stop; whoever is dead starts, whoever sleeps wakes. In time all agree, and nobody is alone.
fn calm_down(world: &mut World, nature: &Nature) -> Result<(), Failed> {
    world.heal_all();
    *world.disks_mut() = Disks::default();
    let link = world.link_mut();
    *link = Link { loss: nature.calm_loss, duplication: 0.0, reordering: 0.0, ..link.clone() };
    // The longest stall ends.
    world.run_for(trouble::STALL_MAX)?;
    for host in world.hosts() {
        world.start(host);
        world.wake(host);
    }
    world.run_for(CALM)?;
    let when = "30 s after the last fault";
    hold(when, convergence::connected(world))?;
    hold(when, convergence::agreement(world))
}

/// Whoever finds the next prime, all know it soon.
fn last_prime(world: &mut World, nature: &Nature) -> Result<(), Failed> {
    let finder = HostId(world.below(nature.finders) as u32);
    if world.find(finder).is_some() {
        world.run_for(CALM)?;
        hold("30 s after a prime was found in calm", convergence::agreement(world))?;
    }
    Ok(())
}

/// Invariants 7 and 15: the living stay, the dead are gone in 11 s, and who returns is back in 10 s and heard.
fn die_and_return(world: &mut World, nature: &Nature) -> Result<(), Failed> {
    let link = world.link_mut();
    link.loss = 0.0;
    // A slow host takes its time to send, and another to hear it.
    let last_heard = link.longest() + 2 * nature.slowest().0;
    world.run_for(Duration::from_secs(10))?;
    let timeouts = world.faults().rare(Rarity::TimedOut);
    world.run_for(Duration::from_secs(60))?;
    let dropped = world.faults().rare(Rarity::TimedOut) - timeouts;
    require(dropped == 0, "in a minute without any loss", || format!("{dropped} live peers were dropped"))?;
    hold("in calm", ring_is_right(world, nature))?;

    let victim = HostId(world.below(nature.finders) as u32);
    world.kill(victim, Disk::Kept);
    world.run_for(last_heard + GONE)?;
    let left = world.popularity(victim);
    require(left == 0, "11 s after a death", || format!("{left} nodes still have host {} as a peer", victim.0))?;
    let behind = world.below(10_000) as u64;
    world.set_clock_back(victim, Duration::from_millis(behind));
    world.start(victim);
    world.run_for(Duration::from_secs(10))?;
    let when = "10 s after a return";
    let (popularity, living) = (world.popularity(victim), world.living().count());
    let least = 3.min(living - 1);
    require(popularity >= least, when, || format!("{popularity} of {living} nodes have host {}", victim.0))?;
    hold(when, convergence::connected(world))?;
    if world.find(victim).is_some() {
        // In a small network the flood alone has to do: nothing it sends is taken for a duplicate.
        let soon = if nature.hosts <= 8 && nature.hostile == 0 { Duration::from_secs(3) } else { CALM };
        world.run_for(soon)?;
        hold("after a find of one who returned", convergence::agreement(world))?;
    }
    Ok(())
}

/// Invariant 13, where nobody is behind a NAT: who is, is seen elsewhere than where it sees itself.
fn ring_is_right(world: &World, nature: &Nature) -> Result<(), String> {
    let ring = convergence::ring(world);
    if ring.right == ring.nodes || nature.translated > 0 {
        return Ok(());
    }
    Err(format!(
        "{} of {} nodes do not know their neighbours, the first {:?}",
        ring.nodes - ring.right,
        ring.nodes,
        ring.wrong
    ))
}

fn hold(when: &'static str, holds: Result<(), String>) -> Result<(), Failed> {
    holds.map_err(|what| Failed::NotConverged { when, what })
}

fn require(holds: bool, when: &'static str, what: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(Failed::NotConverged { when, what: what() }) }
}
