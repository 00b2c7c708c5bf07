//! Hosts that do not keep to the protocol.
//!
//! A hostile host runs a real node, so that others take it as a peer, and an [`Adversary`] stands between that node and the
//! network: it sees what comes in, changes or drops what goes out, and acts by the clock. It may know every address and send
//! with a forged envelope address. It may not read what others were sent: cookies are secrets (the threat model of Dolev &
//! Yao, "On the security of public key protocols", 1983, without the ear on every wire).

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::faults::Fault;
use super::host::HostId;
use crate::mersenne::Exponent;
use crate::protocol::message::Message;
use crate::protocol::{Random, Time};

mod fake;
mod flood;
mod forge;
mod forwarding;
mod kind;
mod lies;
mod poison;
mod replay;
mod silent;
#[cfg(test)]
mod tests;
mod wire;

pub use fake::Fake;
pub use flood::Flood;
pub use forge::Forge;
pub use forwarding::{Squash, TtlRaiser};
pub use kind::{AdversaryKind, UnknownAdversary};
pub use lies::{FalseAccept, LyingKnown};
pub use poison::Poison;
pub use replay::Replay;
pub use silent::Silent;

/// What makes a host hostile. Every method does by default what an honest host does.
pub trait Adversary: fmt::Debug + Send {
    /// What kind of adversary it is, in one word.
    fn name(&self) -> &'static str;

    /// Its node wants to send this message. What is sent instead?
    fn outgoing(&mut self, stage: &mut Stage<'_>, to: SocketAddr, message: &Message) -> Outgoing {
        let _ = (stage, to, message);
        Outgoing::Unchanged
    }

    /// A datagram has come. Does its node get it?
    fn incoming(&mut self, stage: &mut Stage<'_>, from: SocketAddr, datagram: &[u8]) -> Incoming {
        let _ = (stage, from, datagram);
        Incoming::Passed
    }

    /// Acts by the clock: first when its host starts, then each time after what it returned last; `None` for never again.
    fn tick(&mut self, stage: &mut Stage<'_>) -> Option<Duration> {
        let _ = stage;
        None
    }
}

/// What is sent instead of what a hostile host's node wanted to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// The very same.
    Unchanged,
    /// Nothing.
    Dropped,
    /// This.
    Instead(Box<Message>),
}

/// Whether a hostile host's node gets a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming {
    /// It does.
    Passed,
    /// It does not.
    Kept,
}

/// What an adversary sends.
#[derive(Debug)]
pub(super) struct Deed {
    /// The envelope's address.
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) datagram: Vec<u8>,
    /// What it counts as; what is sent in its sender's own name need not be a fault.
    pub(super) fault: Option<Fault>,
}

/// What an adversary knows and can do.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The virtual time.
    pub now: Time,
    /// The adversary's host.
    pub host: HostId,
    /// Its address.
    pub address: SocketAddr,
    /// The addresses of all hosts of the world, by their numbers.
    pub addresses: &'a [SocketAddr],
    /// The exponents that are known to give primes in this world: claims to others are false.
    pub primes: &'a [Exponent],
    pub(super) random: &'a Random,
    pub(super) deeds: &'a mut Vec<Deed>,
}

impl Stage<'_> {
    /// Sends a message.
    pub fn send(&mut self, to: SocketAddr, message: &Message) {
        self.send_as(self.address, to, message);
    }

    /// Sends a message in an envelope that names somebody else as its sender.
    pub fn send_as(&mut self, from: SocketAddr, to: SocketAddr, message: &Message) {
        let mut datagram = Vec::new();
        crate::protocol::codec::encode(message, &mut datagram);
        self.send_bytes(from, to, datagram);
    }

    /// Sends any bytes at all, in any envelope.
    pub fn send_bytes(&mut self, from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        let fault = (from != self.address).then_some(Fault::Forged);
        self.deeds.push(Deed { from, to, datagram, fault });
    }

    /// Sends again what somebody else has sent, in any envelope.
    pub fn replay(&mut self, from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        self.deeds.push(Deed { from, to, datagram, fault: Some(Fault::Replayed) });
    }

    /// Sends a message to every other host.
    pub fn send_to_all(&mut self, message: &Message) {
        let mut datagram = Vec::new();
        crate::protocol::codec::encode(message, &mut datagram);
        for to in self.others().collect::<Vec<_>>() {
            self.send_bytes(self.address, to, datagram.clone());
        }
    }

    /// The addresses of all other hosts.
    pub fn others(&self) -> impl Iterator<Item = SocketAddr> + use<'_> {
        self.addresses.iter().copied().filter(|&address| address != self.address)
    }

    /// A random number below `bound`; 0 when that is 0.
    pub fn below(&self, bound: usize) -> usize {
        self.random.below(bound)
    }

    /// Any random number.
    pub fn any(&self) -> u64 {
        self.random.next()
    }

    /// Whether something that has this chance, 0 to 1, happens.
    pub fn happens(&self, chance: f64) -> bool {
        self.random.unit() < chance
    }

    /// The address of another host, by chance.
    pub fn somebody(&self) -> SocketAddr {
        self.addresses[self.random.below(self.addresses.len())]
    }
}
