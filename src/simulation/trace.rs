//! What was said: a running hash of all of it, and, if asked, lines about one host or one claim.

use std::net::SocketAddr;

use super::host::HostId;
use crate::protocol::message::MessageId;
use crate::protocol::{Event, Time};

/// What a trace is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceOf {
    /// All that one host does and hears.
    Host(HostId),
    /// Every PRIME with this id, wherever it comes.
    Claim(MessageId),
}

/// The hash of everything that was sent, when, by whom and to whom; and lines about what was asked for.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    hash: u64,
    of: Option<TraceOf>,
    lines: Vec<String>,
}

/// The most lines that are kept.
const LINES_MAX: usize = 100_000;

impl Trace {
    /// Two runs that said the same have the same.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// What was asked for, oldest first.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(super) fn follow(&mut self, of: TraceOf) {
        self.of = Some(of);
    }

    pub(super) fn sent(&mut self, now: Time, host: HostId, to: SocketAddr, datagram: &[u8]) {
        self.mix(now.as_micros());
        self.mix(u64::from(host.0) << 16 | u64::from(to.port()));
        match to {
            SocketAddr::V4(v4) => self.mix(u64::from(v4.ip().to_bits())),
            SocketAddr::V6(v6) => {
                self.mix((v6.ip().to_bits() >> 64) as u64);
                self.mix(v6.ip().to_bits() as u64);
            }
        }
        let words = datagram.chunks_exact(8);
        let rest = words.remainder();
        for word in words {
            self.mix(word.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
        self.mix(rest.iter().fold(rest.len() as u64, |word, &byte| word << 8 | u64::from(byte)));
    }

    pub(super) fn happened(&mut self, now: Time, host: HostId, event: &Event) {
        let Some(of) = self.of else { return };
        let is_asked_for = match of {
            TraceOf::Host(asked) => asked == host,
            TraceOf::Claim(asked) => {
                matches!(event, Event::Sent(traffic) | Event::Received(traffic)
                    if traffic.data.is_some() && traffic.msg_id == asked)
            }
        };
        if is_asked_for && self.lines.len() < LINES_MAX {
            self.lines.push(format!("{:>12.6} host {:<4} {event}", now.as_micros() as f64 / 1e6, host.0));
        }
    }

    /// Folds a word in: a multiplication by an odd constant, both halves of it kept (as in wyhash, Wang Yi 2019).
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.hash ^ word ^ 0xa076_1d64_78bd_642f) * 0xe703_7ed1_a0b4_28db;
        self.hash = (product as u64 ^ (product >> 64) as u64).rotate_left(23) ^ word;
    }
}
