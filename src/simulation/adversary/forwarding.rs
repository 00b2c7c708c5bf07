//! Adversaries that pass PRIMEs on otherwise than they should: so that they go nowhere, or everywhere for ever.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::wire::{self, Heard};
use super::{Adversary, Incoming, Outgoing, Stage};
use crate::protocol::codec;
use crate::protocol::message::{Body, Message, Ttl};

/// Hears of a PRIME and sends it at once to everybody with TTL 0, and never with another: whoever hears this copy first takes
/// all others for duplicates if he only asks whether he has heard it.
#[derive(Debug, Default)]
pub struct Squash {
    done: BTreeSet<Heard>,
}

impl Adversary for Squash {
    fn name(&self) -> &'static str {
        "squash"
    }

    fn outgoing(&mut self, _: &mut Stage<'_>, _: SocketAddr, message: &Message) -> Outgoing {
        match message.body {
            Body::Prime(_) => Outgoing::Dropped,
            Body::Ping(_) | Body::Pong(_) => Outgoing::Unchanged,
        }
    }

    fn incoming(&mut self, stage: &mut Stage<'_>, from: SocketAddr, datagram: &[u8]) -> Incoming {
        let heard = codec::decode(datagram).ok().and_then(|message| wire::claim_in(&message, from));
        if let Some((claim, _)) = heard
            && self.done.insert(claim)
        {
            let copy = wire::prime(stage.address, claim, 0);
            stage.send_to_all(&copy);
        }
        Incoming::Passed
    }
}

/// To so many does it send what was to go no further.
const REVIVED_TO: usize = 8;

/// Forwards with TTL 255, and also what was to go no further.
#[derive(Debug, Default)]
pub struct TtlRaiser {
    revived: BTreeSet<Heard>,
}

impl Adversary for TtlRaiser {
    fn name(&self) -> &'static str {
        "ttl"
    }

    fn outgoing(&mut self, _: &mut Stage<'_>, _: SocketAddr, message: &Message) -> Outgoing {
        let mut message = message.clone();
        match &mut message.body {
            Body::Prime(announcement) => announcement.ttl = Ttl(u8::MAX),
            Body::Ping(_) | Body::Pong(_) => return Outgoing::Unchanged,
        }
        Outgoing::Instead(Box::new(message))
    }

    fn incoming(&mut self, stage: &mut Stage<'_>, from: SocketAddr, datagram: &[u8]) -> Incoming {
        let heard = codec::decode(datagram).ok().and_then(|message| wire::claim_in(&message, from));
        if let Some((claim, Ttl::ZERO)) = heard
            && self.revived.insert(claim)
        {
            let copy = wire::prime(stage.address, claim, u8::MAX);
            for _ in 0..REVIVED_TO {
                let to = stage.somebody();
                stage.send(to, &copy);
            }
        }
        Incoming::Passed
    }
}
