//! An adversary that sends so much that others have no time, or no budget, for anybody else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::wire::{self, Heard};
use super::{Adversary, Outgoing, Stage};
use crate::protocol::codec;
use crate::protocol::message::{Body, Exchange, Message, MessageId};

/// It floods for a second, then rests while others of its kind flood, and begins again after so many seconds: with a few of
/// them somebody always does, and everybody gets hundreds of datagrams a second.
const TURNS: u64 = 5;

/// How often it sends to everybody.
const PAUSE: Duration = Duration::from_millis(100);

/// To each address, each time: 120 a second, more than a stranger may.
const TO_ANYBODY: usize = 12;

/// To each of its peers, beside that, each time: 200 a second, more than a peer may.
const TO_PEERS: usize = 20;

/// Different messages that it repeats to everybody.
const JUNK_MAX: usize = 32;

/// It thinks of new ones once in so many times.
const NEW_EVERY: usize = 10;

/// Sends PINGs and PRIMEs to everybody, and as many PINGs as it can that return a cookie to its peers.
#[derive(Debug, Default)]
pub struct Flood {
    /// The last PING to each address that returns a cookie.
    pings: BTreeMap<SocketAddr, Vec<u8>>,
    /// What it sends to anybody.
    junk: Vec<Vec<u8>>,
    /// How often it has sent.
    times: usize,
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
        let second = stage.now.as_micros() / 1_000_000;
        if !(second + u64::from(stage.host.0)).is_multiple_of(TURNS) {
            return Some(PAUSE);
        }
        if self.times.is_multiple_of(NEW_EVERY) {
            self.think_of_more(stage);
        }
        self.times += 1;
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
    /// A few new messages, and the last few dozen of before.
    fn think_of_more(&mut self, stage: &Stage<'_>) {
        let here = stage.address;
        let exchange = Exchange { nonce: Some(stage.any()), alone: true, pad: 300, ..Exchange::default() };
        let known = stage.primes.get(stage.below(stage.primes.len())).map_or(stage.any(), |&prime| prime.into());
        let claim = |exponent| Heard { originator: stage.somebody(), id: MessageId(stage.any()), exponent };
        let claims = [claim(known), claim(4), claim(stage.any()), claim(11)];
        let pings = [Body::Ping(None), Body::Ping(Some(exchange))].map(|body| wire::own(here, stage.any(), body));
        let new = claims.map(|claim| wire::prime(here, claim, 16)).into_iter().chain(pings);
        self.junk.splice(0..0, new.map(|message| written(&message)));
        self.junk.truncate(JUNK_MAX);
    }
}

fn written(message: &Message) -> Vec<u8> {
    let mut datagram = Vec::new();
    codec::encode(message, &mut datagram);
    datagram
}
