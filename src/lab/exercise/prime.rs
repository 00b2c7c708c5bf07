//! Claims that examiners make, and what comes back of them.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::stage::Stage;
use crate::protocol::hash;
use crate::protocol::message::{Announcement, Body, Message, MessageId, Ttl};

/// How many numbers are drawn for one whose rank is as it should be.
const DRAWS: usize = 64;

/// A claim as its originator makes it. It is told apart by originator and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) originator: NonZeroU16,
    pub(super) id: MessageId,
    pub(super) exponent: u64,
}

/// Which of several claims to one prime would be credited by the rule of the ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// One that loses against nearly all others.
    Last,
    /// One that wins against nearly all others.
    First,
}

/// A PRIME that the student's node sent to an examiner.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeardPrime {
    pub(super) id: MessageId,
    pub(super) forwarder: Option<SocketAddr>,
    pub(super) originator: Option<SocketAddr>,
    pub(super) ttl: Ttl,
    pub(super) exponent: u64,
}

impl HeardPrime {
    /// Whether originator, number and exponent are the claim's.
    pub(super) fn is_exact(&self, claim: &Claim, stage: &Stage) -> bool {
        self.id == claim.id
            && self.exponent == claim.exponent
            && self.originator == Some(stage.address(claim.originator))
    }
}

impl Stage {
    /// A claim with a number of its own.
    pub(super) fn claim(&self, originator: NonZeroU16, exponent: u64, rank: Rank) -> Claim {
        let address = self.address(originator);
        let drawn = std::iter::repeat_with(|| self.fresh_id()).take(DRAWS);
        let by_rank = |id: &MessageId| hash::rank(address, *id, exponent);
        let id = match rank {
            Rank::Last => drawn.max_by_key(by_rank),
            Rank::First => drawn.min_by_key(by_rank),
        };
        Claim { originator, id: id.unwrap_or(MessageId(0)), exponent }
    }

    /// An examiner says a PRIME: its own, or one that it forwards.
    pub(super) fn announce(&mut self, from: NonZeroU16, claim: &Claim, ttl: u8) {
        self.remember(claim.id);
        let announcement = Announcement { ttl: Ttl(ttl), exponent: claim.exponent, signature: None };
        self.say(from, claim.originator, claim.id, Body::Prime(announcement));
    }

    /// The PRIMEs that an examiner has been sent since then, oldest first.
    pub(super) fn primes(&self, port: NonZeroU16, since: Duration) -> impl Iterator<Item = HeardPrime> {
        self.heard(port, since).filter_map(|heard| match &heard.what {
            Ok(Message { id, forwarder, originator, body: Body::Prime(announcement) }) => Some(HeardPrime {
                id: *id,
                forwarder: self.resolve(*forwarder),
                originator: self.resolve(*originator),
                ttl: announcement.ttl,
                exponent: announcement.exponent,
            }),
            Ok(Message { body: Body::Ping(_) | Body::Pong(_), .. }) | Err(_) => None,
        })
    }

    /// What has come of a claim to an examiner since then, though not all of it was kept: who keeps the number is recognised
    /// by it, who makes one up by originator and exponent.
    pub(super) fn copies(&self, port: NonZeroU16, claim: &Claim, since: Duration) -> Vec<HeardPrime> {
        let originator = Some(self.address(claim.originator));
        let is_of = |copy: &HeardPrime| {
            copy.id == claim.id
                || copy.originator == originator && copy.exponent == claim.exponent && !self.was_announced(copy.id)
        };
        self.primes(port, since).filter(is_of).collect()
    }

    /// An exponent to claim that changes as little as possible: one that the lab knows, each time another, and its largest
    /// only if it knows no other; the first Mersenne prime's, as long as the lab knows none.
    pub(super) fn modest_exponent(&self, turn: usize) -> u64 {
        let known: Vec<u64> = self.reports.known().collect();
        let others = known.len().saturating_sub(1).max(1);
        known.get(turn % others).copied().unwrap_or(2)
    }
}
