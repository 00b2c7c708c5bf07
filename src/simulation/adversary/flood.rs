//! An adversary that sends so much that others have no time, or no budget, for anybody else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::wire::{self, Heard};
use super::{Adversary, Outgoing, Stage};
use crate::protocol::codec;
use crate::protocol::message::{Body, Exchange, Message, MessageId};

/// How often it sends to everybody.
const PAUSE: Duration = Duration::from_millis(100);

/// To each address, each time: 50 a second, more than a stranger may.
const TO_ANYBODY: usize = 5;

/// To each of its peers, beside that, each time: 150 a second, more than a peer may.
const TO_PEERS: usize = 15;

/// Claims of its own that it repeats.
const CLAIMS: usize = 32;

/// Sends PINGs and PRIMEs to everybody, and as many PINGs as it can that return a cookie to its peers.
#[derive(Debug, Default)]
pub struct Flood {
    /// The last PING to each address that returns a cookie.
    pings: BTreeMap<SocketAddr, Vec<u8>>,
    /// What it sends to anybody.
    junk: Vec<Vec<u8>>,
}

impl Adversary for Flood {
    fn name(&self) -> &'static str {
        "flood"
    }

    fn outgoing(&mut self, _: &mut Stage<'_>, to: SocketAddr, message: &Message) -> Outgoing {
        if let Body::Ping(Some(exchange)) = &message.body
            && exchange.echo.is_some()
        {
            self.pings.insert(to, written(message));
        }
        Outgoing::Unchanged
    }

    fn tick(&mut self, stage: &mut Stage<'_>) -> Option<Duration> {
        self.think_of_more(stage);
        let here = stage.address;
        for to in stage.others().collect::<Vec<_>>() {
            for _ in 0..TO_ANYBODY {
                let junk = self.junk[stage.below(self.junk.len())].clone();
                stage.send_bytes(here, to, junk);
            }
        }
        for (&to, ping) in &self.pings {
            for turn in 0..TO_PEERS {
                let bytes = if turn % 3 == 0 { &self.junk[stage.below(self.junk.len())] } else { ping };
                stage.send_bytes(here, to, bytes.clone());
            }
        }
        Some(PAUSE)
    }
}

impl Flood {
    /// A few new messages each time, and the last few dozen of before.
    fn think_of_more(&mut self, stage: &Stage<'_>) {
        let here = stage.address;
        let exchange = Exchange { nonce: Some(stage.any()), alone: true, pad: 300, ..Exchange::default() };
        let known = stage.primes.get(stage.below(stage.primes.len())).map_or(stage.any(), |&prime| prime.into());
        let claim = |exponent| Heard { originator: stage.somebody(), id: MessageId(stage.any()), exponent };
        let claims = [claim(known), claim(4), claim(stage.any()), claim(11)];
        self.junk.truncate(CLAIMS);
        self.junk.splice(0..0, claims.map(|claim| written(&wire::prime(here, claim, 16))));
        self.junk.push(written(&wire::own(here, stage.any(), Body::Ping(None))));
        self.junk.push(written(&wire::own(here, stage.any(), Body::Ping(Some(exchange)))));
    }
}

fn written(message: &Message) -> Vec<u8> {
    let mut datagram = Vec::new();
    codec::encode(message, &mut datagram);
    datagram
}
