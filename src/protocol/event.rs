//! What happened, for people: the log, the event stream, the lab's console.
//!
//! An event holds addresses and numbers, never text that came from the network, so one event always is one line.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::counters::{ClaimResult, DiscoveredVia, EvictionReason, Label, labels};
use super::message::{MessageId, MessageType, Ttl};
use crate::mersenne::Exponent;

/// Something that happened at a node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A datagram was accepted.
    Received(Traffic),
    /// A datagram is on its way.
    Sent(Traffic),
    /// An address has answered and is an active peer now.
    PeerUp {
        /// Its address.
        peer: SocketAddr,
        /// How this node heard of it.
        via: DiscoveredVia,
        /// Whether it has proven its address, or speaks plain messages only.
        kind: PeerKind,
    },
    /// An active peer was dropped.
    PeerDown {
        /// Its address.
        peer: SocketAddr,
        /// Why.
        reason: EvictionReason,
    },
    /// An active peer has started anew.
    PeerRestarted {
        /// Its address.
        peer: SocketAddr,
    },
    /// This address turned out to be this node's own.
    OwnAddress {
        /// The address.
        address: SocketAddr,
    },
    /// The search was set on its way.
    SearchStarted {
        /// It looks for the next Mersenne prime above this exponent.
        above: Option<Exponent>,
    },
    /// This node's search found a prime.
    PrimeFound {
        /// p of 2^p − 1.
        exponent: Exponent,
        /// The id of the announcement.
        id: MessageId,
    },
    /// Somebody's claim passed the cheap checks and waits for its test.
    ClaimQueued {
        /// p of 2^p − 1.
        exponent: Exponent,
        /// Who claims it.
        originator: SocketAddr,
        /// Who told this node.
        from: SocketAddr,
    },
    /// Somebody's claim was tested by this node and is true.
    PrimeVerified {
        /// p of 2^p − 1.
        exponent: Exponent,
        /// Who is credited with it.
        originator: SocketAddr,
    },
    /// A claim did not become knowledge.
    ClaimEnded {
        /// The number that was claimed to be an exponent.
        exponent: u64,
        /// Who claimed it.
        originator: SocketAddr,
        /// What became of it.
        result: ClaimResult,
        /// Whether the number is of the form 2^n − 1: then somebody sent the prime where its exponent belongs.
        is_mersenne_number: bool,
    },
    /// A better claim to a known prime moved its credit.
    CreditMoved {
        /// p of 2^p − 1.
        exponent: Exponent,
        /// Who had it.
        from: SocketAddr,
        /// Who has it.
        to: SocketAddr,
    },
    /// This node stood still for a while; what was queued meanwhile is ignored and all deadlines moved.
    Stalled {
        /// How long.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        gap: Duration,
    },
    /// This node was told to sleep: from now on it hears, says and looks for nothing.
    Asleep,
    /// This node was woken.
    Awake,
    /// This node was told to forget its primes and peers.
    Reset,
    /// The node says goodbye.
    Leaving {
        /// To so many peers.
        peers: usize,
    },
}

labels! {
    /// How a peer talks.
    PeerKind {
        /// It has proven that it receives at its address.
        Proven = "proven",
        /// It speaks the six fields with nil data only.
        Plain = "plain",
    }
}

labels! {
    /// Why an active peer is one.
    #[derive(PartialOrd, Ord)]
    PeerRole {
        /// It is one of the nearest on the ring.
        Leaf = "leaf",
        /// This node chose it from its address book: nobody else decides who these are.
        Chosen = "chosen",
        /// It asked first, and there was a place.
        Guest = "guest",
    }
}

/// One message, sent or received.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Traffic {
    /// `msg_type`.
    #[serde(serialize_with = "type_name")]
    pub msg_type: MessageType,
    /// Who sent it, or to whom it goes.
    pub peer: SocketAddr,
    /// `msg_id`.
    pub msg_id: MessageId,
    /// `msg_originator`, resolved.
    pub originator: SocketAddr,
    /// `ttl`, as it is written.
    pub ttl: Ttl,
    /// PRIME: the exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<u64>,
    /// Length in bytes.
    pub bytes: usize,
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn type_name<S: Serializer>(message_type: &MessageType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(message_type.as_str())
}

impl Event {
    /// What kind of event this is, as it is written in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Event::Received(_) => "received",
            Event::Sent(_) => "sent",
            Event::PeerUp { .. } => "peer_up",
            Event::PeerDown { .. } => "peer_down",
            Event::PeerRestarted { .. } => "peer_restarted",
            Event::OwnAddress { .. } => "own_address",
            Event::SearchStarted { .. } => "search_started",
            Event::PrimeFound { .. } => "prime_found",
            Event::ClaimQueued { .. } => "claim_queued",
            Event::PrimeVerified { .. } => "prime_verified",
            Event::ClaimEnded { .. } => "claim_ended",
            Event::CreditMoved { .. } => "credit_moved",
            Event::Stalled { .. } => "stalled",
            Event::Asleep => "asleep",
            Event::Awake => "awake",
            Event::Reset => "reset",
            Event::Leaving { .. } => "leaving",
        }
    }

    /// Whether this is one message among thousands, rather than news.
    pub const fn is_traffic(&self) -> bool {
        matches!(self, Event::Received(_) | Event::Sent(_))
    }

    /// Whether strangers can cause any number of these.
    pub const fn is_unbounded(&self) -> bool {
        self.is_traffic()
            || matches!(self, Event::ClaimQueued { .. } | Event::ClaimEnded { .. } | Event::PeerRestarted { .. })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Received(traffic) => write!(f, "received {traffic}"),
            Event::Sent(traffic) => write!(f, "sent {traffic}"),
            Event::PeerUp { peer, via, kind: PeerKind::Proven } => {
                write!(f, "{peer} is a peer (heard of by {})", via.as_str())
            }
            Event::PeerUp { peer, via, kind: PeerKind::Plain } => {
                write!(f, "{peer} is a plain peer (heard of by {})", via.as_str())
            }
            Event::PeerDown { peer, reason: EvictionReason::Timeout } => {
                write!(f, "{peer} is silent and no peer any more")
            }
            Event::PeerDown { peer, reason: EvictionReason::Leave } => write!(f, "{peer} has left"),
            Event::PeerDown { peer, reason: EvictionReason::Refused } => write!(f, "{peer} has no place for this node"),
            Event::PeerDown { peer, reason: EvictionReason::Displaced } => {
                write!(f, "{peer} is no peer any more: its place went to another")
            }
            Event::PeerDown { peer, reason: EvictionReason::Own } => {
                write!(f, "{peer} is this node itself and no peer")
            }
            Event::PeerDown { peer, reason: EvictionReason::Asleep } => {
                write!(f, "{peer} is no peer while this node sleeps")
            }
            Event::PeerDown { peer, reason: EvictionReason::Reset } => {
                write!(f, "{peer} is forgotten with all other peers")
            }
            Event::PeerRestarted { peer } => write!(f, "{peer} has started anew"),
            Event::OwnAddress { address } => write!(f, "{address} is an address of this node itself"),
            Event::SearchStarted { above: None } => write!(f, "looking for the first Mersenne prime"),
            Event::SearchStarted { above: Some(above) } => {
                write!(f, "looking for a Mersenne prime larger than M{above}")
            }
            Event::PrimeFound { exponent, id: _ } => write!(f, "M{exponent} is prime! Found here"),
            Event::ClaimQueued { exponent, originator, from } if originator == from => {
                write!(f, "{originator} claims M{exponent}")
            }
            Event::ClaimQueued { exponent, originator, from } => {
                write!(f, "{originator} claims M{exponent} (told by {from})")
            }
            Event::PrimeVerified { exponent, originator } => {
                write!(f, "M{exponent} is prime: verified, found by {originator}")
            }
            Event::ClaimEnded { exponent, originator, result, is_mersenne_number } => {
                write!(f, "claim of {exponent} by {originator}: {}", result.explanation())?;
                if *is_mersenne_number {
                    write!(f, " ({exponent} is 2^n − 1 itself; `data` should be the exponent n)")?;
                }
                Ok(())
            }
            Event::CreditMoved { exponent, from, to } => write!(f, "credit for M{exponent} moves from {from} to {to}"),
            Event::Stalled { gap } => {
                write!(f, "this node stood still for {:.1} s; peers keep their time", gap.as_secs_f64())
            }
            Event::Asleep => write!(f, "asleep: it hears, says and looks for nothing until it is woken"),
            Event::Awake => write!(f, "awake again"),
            Event::Reset => write!(f, "reset: its primes and peers are forgotten"),
            Event::Leaving { peers } => write!(f, "leaving, {peers} peers told"),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traffic { msg_type, peer, msg_id, originator, ttl, data, bytes: _ } = self;
        write!(f, "{} {msg_id} of {originator} with {peer}", msg_type.as_str())?;
        match data {
            Some(exponent) => write!(f, ", TTL {}, M{exponent}", ttl.0),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_event_is_the_one_in_its_json() {
        let address: SocketAddr = "127.0.0.1:5001".parse().unwrap();
        let exponent = Exponent::new(31).unwrap();
        let message = Traffic {
            msg_type: MessageType::Ping,
            peer: address,
            msg_id: MessageId(1),
            originator: address,
            ttl: Ttl(0),
            data: None,
            bytes: 69,
        };
        let result = ClaimResult::Refuted;
        for event in [
            Event::Received(message),
            Event::Sent(message),
            Event::PeerUp { peer: address, via: DiscoveredVia::Seed, kind: PeerKind::Plain },
            Event::PeerDown { peer: address, reason: EvictionReason::Leave },
            Event::PeerRestarted { peer: address },
            Event::OwnAddress { address },
            Event::SearchStarted { above: None },
            Event::PrimeFound { exponent, id: MessageId(1) },
            Event::ClaimQueued { exponent, originator: address, from: address },
            Event::PrimeVerified { exponent, originator: address },
            Event::ClaimEnded { exponent: 31, originator: address, result, is_mersenne_number: true },
            Event::CreditMoved { exponent, from: address, to: address },
            Event::Stalled { gap: Duration::from_secs(3) },
            Event::Asleep,
            Event::Awake,
            Event::Reset,
            Event::Leaving { peers: 3 },
        ] {
            assert_eq!(serde_json::to_value(event).unwrap()["event"], event.name());
        }
    }
}
