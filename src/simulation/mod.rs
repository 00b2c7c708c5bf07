//! A virtual network for the very same [`Node`](crate::protocol::Node) that the daemon runs: a virtual clock, a queue of
//! events, and a seed from which every chance follows.
//!
//! Nothing reaches a node but datagrams, the clock, and what its driver reports. A run is a function of its seed: the same
//! seed and build give the same trace, byte for byte. That the network itself is simulated deterministically, and a checker
//! looks after every event, is FoundationDB's idea (Zhou et al., "FoundationDB: A Distributed Unbundled Transactional Key
//! Value Store", 2021, section 4).
//!
//! May use `protocol`, `search` and `mersenne`.
//!
//! * [`World`]: hosts, and what happens to them; `host`, `queue`, `link`, `cuts`, `nat`: what it is made of
//! * [`Faults`]: how often each fault really happened, and each rare branch was really taken
//! * [`invariants`]: what must hold after every event · [`convergence`]: what must hold once faults have stopped
//! * [`adversary`]: hosts that do not keep to the protocol
//! * [`chaos`]: everything at once, from a seed · [`Trace`]: what was said, for reading and for comparing
//! * [`scenario`]: networks and happenings as data · [`run`]: makes one happen · [`report`], [`plot`]: what was measured

mod address_hasher;
pub mod adversary;
pub mod chaos;
pub mod convergence;
mod cuts;
mod faults;
mod host;
pub mod invariants;
mod link;
mod nat;
pub mod plot;
mod queue;
pub mod report;
pub mod run;
pub mod scenario;
#[cfg(test)]
mod tests;
mod trace;
mod traffic;
mod truth;
mod world;

pub use cuts::{Cut, CutId, HostSet};
pub use faults::{Fault, Faults, Rarity};
pub use host::{Disk, HostId, Pace, Plan};
pub use invariants::{Checks, Invariant, Violation};
pub use link::{Latency, Link};
pub use nat::{Nat, NatId};
pub use trace::{Trace, TraceOf};
pub use traffic::{Arrival, Traffic, Watched};
pub use world::{Disks, TestTime, World};
