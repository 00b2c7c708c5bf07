//! Adversaries that lie in their PINGs and PONGs: about what they know, and about the places they have.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::wire;
use super::{Adversary, Outgoing, Stage};
use crate::protocol::message::{Body, KnownDigest, Message};

/// Says each time that it knows other primes than before: whoever compares sees a difference for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct LyingKnown;

impl Adversary for LyingKnown {
    fn name(&self) -> &'static str {
        "lying-known"
    }

    fn outgoing(&mut self, stage: &mut Stage<'_>, _: SocketAddr, message: &Message) -> Outgoing {
        let count = if stage.happens(0.5) { u64::MAX } else { stage.any() };
        let lie = KnownDigest { count, largest: stage.any(), xor: stage.any() };
        match wire::saying(message, |exchange| exchange.known = Some(lie)) {
            Some(message) => Outgoing::Instead(Box::new(message)),
            None => Outgoing::Unchanged,
        }
    }
}

/// Keeps up an acceptance for so long, then takes it back for as long.
const MOOD: Duration = Duration::from_secs(12);

/// Accepts everybody and passes nothing on; is always alone, so that others make room for it; and refuses, every so often,
/// whom it has accepted.
#[derive(Debug, Default)]
pub struct FalseAccept {
    /// When it first answered whom: moods differ.
    since: BTreeMap<SocketAddr, Duration>,
}

impl Adversary for FalseAccept {
    fn name(&self) -> &'static str {
        "false-accept"
    }

    fn outgoing(&mut self, stage: &mut Stage<'_>, to: SocketAddr, message: &Message) -> Outgoing {
        if let Body::Prime(_) = message.body {
            return Outgoing::Dropped;
        }
        let now = Duration::from_micros(stage.now.as_micros());
        let since = *self.since.entry(to).or_insert(now);
        let mood = (now.saturating_sub(since).as_micros() / MOOD.as_micros()) % 2;
        // Half of them never take anything back.
        let accepts = mood == 0 || stage.host.0.is_multiple_of(2);
        let lie = wire::saying(message, |exchange| {
            exchange.accept = Some(accepts);
            exchange.alone = true;
        });
        lie.map_or(Outgoing::Unchanged, |lie| Outgoing::Instead(Box::new(lie)))
    }
}
