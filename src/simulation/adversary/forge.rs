//! An adversary that speaks in the names of others: in the fields of its messages, and on their envelopes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::wire::{self, Heard};
use super::{Adversary, Incoming, Stage};
use crate::protocol::address::NodeRef;
use crate::protocol::codec;
use crate::protocol::hash;
use crate::protocol::message::{Body, Exchange, KnownDigest, Message, MessageId};

/// How often it forges some messages.
const PAUSE: Duration = Duration::from_millis(100);

/// How many each time.
const AT_ONCE: usize = 10;

/// How many ids of others it remembers.
const IDS_MAX: usize = 256;

/// From so many claims it makes the one that ranks best.
const GROUND: usize = 64;

/// The chance that it sends back what came: who hears himself from somewhere takes that for an address of his own.
const MIRRORS: f64 = 0.02;

/// How many exponents it remembers.
const EXPONENTS_MAX: usize = 64;

/// Sends claims, PINGs and PONGs that others seem to have made, with ids that they have really given.
#[derive(Debug, Default)]
pub struct Forge {
    /// Who has given which id, to any message.
    ids: Vec<(SocketAddr, MessageId)>,
    /// Exponents that others have claimed.
    exponents: BTreeSet<u64>,
}

impl Adversary for Forge {
    fn name(&self) -> &'static str {
        "forge"
    }

    fn incoming(&mut self, stage: &mut Stage<'_>, from: SocketAddr, datagram: &[u8]) -> Incoming {
        let Ok(message) = codec::decode(datagram) else { return Incoming::Passed };
        let gave = match wire::claim_in(&message, from) {
            Some((claim, _)) => {
                if self.exponents.len() < EXPONENTS_MAX {
                    self.exponents.insert(claim.exponent);
                }
                (claim.originator, claim.id)
            }
            None => (from, message.id),
        };
        if self.ids.len() < IDS_MAX {
            self.ids.push(gave);
        } else {
            self.ids[stage.below(IDS_MAX)] = gave;
        }
        if stage.happens(MIRRORS) {
            stage.replay(stage.address, from, datagram.to_vec());
        }
        Incoming::Passed
    }

    fn tick(&mut self, stage: &mut Stage<'_>) -> Option<Duration> {
        for _ in 0..AT_ONCE {
            let to = stage.somebody();
            let envelope = if stage.happens(0.5) { stage.address } else { stage.somebody() };
            let mut message = match stage.below(8) {
                0 => wire::own(envelope, stage.any(), Body::Ping(Some(junk(stage)))),
                1 => wire::own(envelope, stage.any(), Body::Pong(Some(junk(stage)))),
                2 => wire::own(envelope, stage.any(), Body::Ping(None)),
                3 => wire::own(envelope, stage.any(), Body::Pong(None)),
                _ => match self.claim(stage) {
                    Some(claim) => wire::prime(envelope, claim, [0, 1, 2, 8, 255][stage.below(5)]),
                    None => continue,
                },
            };
            if stage.happens(0.5) {
                message.forwarder = NodeRef::Address(stage.somebody());
            }
            stage.send_as(envelope, to, &message);
            self.tell_others(stage, to, &message);
        }
        Some(PAUSE)
    }
}

impl Forge {
    /// A claim that nobody has made, to a number that is prime as far as it has heard.
    fn claim(&self, stage: &Stage<'_>) -> Option<Heard> {
        let exponent = *self.exponents.iter().nth(stage.below(self.exponents.len()))?;
        let &(originator, id) = self.ids.get(stage.below(self.ids.len()))?;
        let best = |claims: &mut dyn Iterator<Item = Heard>| {
            claims.min_by_key(|claim| hash::rank(claim.originator, claim.id, claim.exponent))
        };
        match stage.below(5) {
            // An id that its originator has given to another message.
            0 => Some(Heard { originator, id, exponent }),
            1 => best(&mut self.ids.iter().map(|&(originator, id)| Heard { originator, id, exponent })),
            // One that it will give.
            2 => Some(Heard { originator, id: MessageId(id.0.saturating_add(stage.below(100) as u64)), exponent }),
            // In its own name, and then in anybody's.
            3 => best(&mut (0..GROUND).map(|_| Heard {
                originator: stage.address,
                id: MessageId(stage.any()),
                exponent,
            })),
            _ => Some(Heard { originator: stage.somebody(), id: MessageId(stage.any()), exponent }),
        }
    }

    /// Some claims go to everybody at once.
    fn tell_others(&self, stage: &mut Stage<'_>, told: SocketAddr, message: &Message) {
        if !matches!(message.body, Body::Prime(_)) || !stage.happens(0.05) {
            return;
        }
        for to in stage.others().filter(|&to| to != told).collect::<Vec<_>>() {
            stage.send(to, message);
        }
    }
}

/// What a PING or PONG may say, all of it invented.
fn junk(stage: &Stage<'_>) -> Exchange {
    Exchange {
        nonce: Some(stage.any()),
        echo: Some(stage.any()),
        known: Some(KnownDigest { count: stage.any(), largest: stage.any(), xor: stage.any() }),
        instance: Some(stage.any()),
        alone: stage.happens(0.5),
        leave: stage.happens(0.5),
        accept: Some(stage.happens(0.5)),
        you: Some(stage.somebody()),
        ..Exchange::default()
    }
}
