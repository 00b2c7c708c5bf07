//! What must hold after every event, whatever happens: section 11 of the protocol, 1 to 9.
//!
//! The checks look at what a node did from outside, and remember by themselves what it may rely on; they return what is wrong
//! and never panic. Each has a test in which it finds something wrong.

use std::fmt;

use super::host::HostId;
use crate::protocol::Time;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// Everything, after every event: for worlds of up to 64 hosts.
    Every,
    /// What takes a constant time: bounds, TTLs, sizes, that only PRIME is forwarded, that nobody is his own peer. For large
    /// worlds. Disks are perfect then, and hold nothing while their host lives.
    Light,
}

/// A rule that must hold at every moment; the numbers are those of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// 1: the largest prime a node holds is verified and never decreases, through restarts with its disk too.
    LargestPrime,
    /// 2: every credit has a claim that is valid for exactly that exponent.
    Credit,
    /// 3: a message is processed at most once in a life.
    Once,
    /// 4: what failed its checks changes nothing; what is not verified changes no knowledge and no search.
    Unverified,
    /// 5: every table is within its bound.
    Bounds,
    /// 6: forwards and TTLs are limited.
    Ttl,
    /// 6: to an unproven address goes only what may.
    Unproven,
    /// 7: a peer has answered lately.
    Liveness,
    /// 8: a node is never its own peer.
    OwnPeer,
    /// 8: only PRIMEs are forwarded, unchanged.
    Forwarding,
    /// 9: no id is used for two messages.
    Ids,
    /// A node that sleeps says, learns and looks for nothing.
    Sleep,
    /// What a node sends can be read, and is no longer than a datagram may be.
    Datagram,
}

/// What was found wrong, where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule that was broken.
    pub invariant: Invariant,
    /// By whom.
    pub host: HostId,
    /// When.
    pub at: Time,
    /// How, in words.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { invariant, host, at, what } = self;
        write!(f, "{invariant:?} broken by host {} at {:.6} s: {what}", host.0, at.as_micros() as f64 / 1e6)
    }
}

impl std::error::Error for Violation {}
