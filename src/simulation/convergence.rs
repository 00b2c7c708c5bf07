//! What must hold once faults have stopped for a while: agreement, connection, the ring. Section 11 of the protocol, 11 to 15.
//!
//! Everything here looks at all nodes at once, as nobody in the network can; what it asks of honest nodes that are awake it
//! asks of nobody else.

use std::collections::HashMap;
use std::fmt::Write;

use super::host::HostId;
use super::world::World;
use crate::protocol::message::KnownDigest;
use crate::protocol::{Latest, Node, PrimeView, RingPosition};

#[cfg(test)]
mod tests;

/// How many nodes are named when something is wrong.
const NAMED: usize = 5;

/// Active peers that every node has at least, where there are as many others.
const PEERS_MIN: usize = 3;

/// Whether all honest nodes that are awake hold the same primes, credits and newest claims of every originator (11).
///
/// # Errors
/// What differs, with the first few nodes named.
pub fn agreement(world: &World) -> Result<(), String> {
    let mut opinions: Vec<(Opinion, Vec<HostId>)> = Vec::new();
    for (host, node) in world.living() {
        let opinion = Opinion::of(world, node);
        match opinions.iter_mut().find(|(known, _)| *known == opinion) {
            Some((_, hosts)) => hosts.push(host),
            None => opinions.push((opinion, vec![host])),
        }
    }
    if opinions.len() <= 1 {
        return Ok(());
    }
    let mut wrong = format!("{} opinions where there should be one:", opinions.len());
    for (opinion, hosts) in opinions.iter().take(NAMED) {
        let known = opinion.known;
        _ = write!(
            wrong,
            " {} know {} primes up to M{} ({:016x});",
            named(world, hosts),
            known.count,
            known.largest,
            known.xor
        );
    }
    if let [(one, _), (other, _), ..] = &opinions[..] {
        let differs = one.primes.iter().find(|prime| !other.primes.contains(prime));
        let differs = differs.or_else(|| other.primes.iter().find(|prime| !one.primes.contains(prime)));
        _ = write!(wrong, " the first two differ in {differs:?}");
    }
    Err(wrong)
}

/// What a node holds for true.
#[derive(PartialEq)]
struct Opinion {
    known: KnownDigest,
    primes: Vec<PrimeView>,
    originators: Vec<Latest>,
}

impl Opinion {
    fn of(_: &World, node: &Node) -> Opinion {
        let view = node.state_view();
        Opinion { known: view.known, primes: node.prime_views(), originators: view.originators }
    }
}

/// Whether every honest node that is awake has at least min(3, n − 1) active peers (12), and all of them are in one
/// component.
///
/// # Errors
/// Who has too few, or is apart.
pub fn connected(world: &World) -> Result<(), String> {
    let living: Vec<(HostId, &Node)> = world.living().collect();
    let least = PEERS_MIN.min(living.len().saturating_sub(1));
    let lonely: Vec<HostId> =
        living.iter().filter(|(_, node)| node.peer_addresses().len() < least).map(|(host, _)| *host).collect();
    if !lonely.is_empty() {
        return Err(format!("{} of {} have fewer than {least} peers", named(world, &lonely), living.len()));
    }
    match &components(world)[..] {
        [] | [_] => Ok(()),
        [_, others @ ..] => {
            let others: Vec<HostId> = others.iter().flatten().copied().collect();
            Err(format!("{} of {} are apart from the rest", named(world, &others), living.len()))
        }
    }
}

/// Whether every living honest node is an active peer of at least min(3, n − 1) others (15).
///
/// # Errors
/// Who is not.
pub fn welcomed(world: &World) -> Result<(), String> {
    let living = world.living().count();
    let least = PEERS_MIN.min(living.saturating_sub(1));
    let mut popularity: HashMap<HostId, usize> = HashMap::new();
    for (_, node) in world.living() {
        for peer in node.peer_addresses() {
            if let Some(host) = world.host_at(peer) {
                *popularity.entry(host).or_default() += 1;
            }
        }
    }
    let is_lonely = |host: &HostId| popularity.get(host).copied().unwrap_or_default() < least;
    let lonely: Vec<HostId> = world.living().map(|(host, _)| host).filter(is_lonely).collect();
    if lonely.is_empty() {
        return Ok(());
    }
    Err(format!("{} of {living} are peers of fewer than {least} others", named(world, &lonely)))
}

/// How near to the truth the ring is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingTruth {
    /// Honest nodes that are awake and have a position.
    pub nodes: usize,
    /// Those whose both neighbours are the truly nearest ones.
    pub right: usize,
    /// The first few of the others.
    pub wrong: Vec<HostId>,
}

impl RingTruth {
    /// The share of nodes that know their true neighbours, 0 to 1; 1 for nobody.
    pub fn share(&self) -> f64 {
        if self.nodes == 0 { 1.0 } else { self.right as f64 / self.nodes as f64 }
    }
}

/// How many honest nodes know their true neighbours, among all nodes that are awake, hostile ones too (13). Every key then
/// has exactly one owner.
pub fn ring(world: &World) -> RingTruth {
    let awake = world.hosts().filter_map(|host| Some((host, world.node(host)?))).filter(|(_, node)| !node.is_asleep());
    let mut positions: Vec<(RingPosition, HostId)> =
        awake.filter_map(|(host, node)| Some((node.position()?, host))).collect();
    positions.sort_unstable();
    let nodes = positions.len();
    let mut truth = RingTruth { nodes: 0, right: 0, wrong: Vec::new() };
    for (place, &(_, host)) in positions.iter().enumerate() {
        if !world.is_honest(host) {
            continue;
        }
        truth.nodes += 1;
        let predecessor = positions[(place + nodes - 1) % nodes].1;
        let successor = positions[(place + 1) % nodes].1;
        let neighbours = world.node(host).and_then(Node::neighbours);
        let is_right = match neighbours {
            Some(neighbours) => {
                world.host_at(neighbours.predecessor) == Some(predecessor)
                    && world.host_at(neighbours.successor) == Some(successor)
            }
            None => nodes == 1,
        };
        if is_right {
            truth.right += 1;
        } else if truth.wrong.len() < NAMED {
            truth.wrong.push(host);
        }
    }
    truth
}

/// The components of the honest nodes that are awake, largest first: a component's nodes reach each other through active
/// peers.
pub fn components(world: &World) -> Vec<Vec<HostId>> {
    let living: Vec<(HostId, &Node)> = world.living().collect();
    let places: HashMap<HostId, usize> = living.iter().enumerate().map(|(place, (host, _))| (*host, place)).collect();
    let mut parents: Vec<usize> = (0..living.len()).collect();
    for (place, (_, node)) in living.iter().enumerate() {
        for peer in node.peer_addresses() {
            if let Some(&other) = world.host_at(peer).and_then(|host| places.get(&host)) {
                let (one, other) = (root(&mut parents, place), root(&mut parents, other));
                parents[one.max(other)] = one.min(other);
            }
        }
    }
    let mut components: Vec<Vec<HostId>> = vec![Vec::new(); living.len()];
    for (place, (host, _)) in living.iter().enumerate() {
        components[root(&mut parents, place)].push(*host);
    }
    components.retain(|component| !component.is_empty());
    components.sort_by_key(|component| std::cmp::Reverse(component.len()));
    components
}

/// Union and find, halving paths on the way (Tarjan & van Leeuwen, 1984).
fn root(parents: &mut [usize], mut place: usize) -> usize {
    while parents[place] != place {
        parents[place] = parents[parents[place]];
        place = parents[place];
    }
    place
}

/// How many honest nodes that are awake have how many active peers: the place is the number of peers.
pub fn degrees(world: &World) -> Vec<usize> {
    let mut degrees = Vec::new();
    for (_, node) in world.living() {
        let degree = node.peer_count();
        if degrees.len() <= degree {
            degrees.resize(degree + 1, 0);
        }
        degrees[degree] += 1;
    }
    degrees
}

/// How many hosts, and the first few of them.
fn named(world: &World, hosts: &[HostId]) -> String {
    let mut text = format!("{} nodes (", hosts.len());
    for (place, &host) in hosts.iter().take(NAMED).enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        _ = write!(text, "{comma}{} at {}", host.0, world.address(host));
    }
    text.push_str(if hosts.len() > NAMED { " …)" } else { ")" });
    text
}
