//! Catching up: peers whose sets of known primes differ send each other what the other may lack.
//!
//! A joining node, a healed partition, a lost flood: all take this one path, and it costs nothing while sets are equal.

use std::net::SocketAddr;

use super::Node;
use crate::protocol::claims::Claim;
use crate::protocol::event::PeerKind;
use crate::protocol::message::Ttl;
use crate::protocol::outbox::Outbox;
use crate::protocol::time::Time;

impl Node {
    /// Sends a proven peer the next batch of stored claims, if its known primes differ from ours: largest first, then on
    /// through the set; each again only after a pause that doubles, and after those that were not sent yet.
    pub(super) fn catch_up(&self, now: Time, to: SocketAddr, out: &mut Outbox) {
        let own = self.primes.digest();
        let differs = self.peers.with(to, |peer| {
            let Some(known) = peer.known.filter(|_| peer.kind == PeerKind::Proven) else { return false };
            if known == own {
                peer.catchup.sent.clear();
                return false;
            }
            peer.catchup.next <= now
        });
        if differs != Some(true) {
            return;
        }
        let all = self.announced();
        let due = self.peers.with(to, |peer| {
            let sent = &peer.catchup.sent;
            let is_due = |claim: &&Claim| sent.get(&claim.exponent).is_none_or(|(at, _)| *at <= now);
            let mut batch: Vec<Claim> = all.iter().filter(is_due).copied().collect();
            batch.sort_by_key(|claim| sent.contains_key(&claim.exponent));
            // Before it has accepted us it takes one claim at a time, and the rest of a batch would be lost.
            batch.truncate(if peer.accepts == Some(true) { self.settings.catchup_batch } else { 1 });
            if !batch.is_empty() {
                // The next PING may come early by its jitter.
                peer.catchup.next = now + self.settings.ping_interval.mul_f64(1.0 - self.settings.ping_jitter);
            }
            for claim in &batch {
                let first = self.settings.catchup_backoff_min;
                let pause = peer.catchup.sent.get(&claim.exponent).map_or(first, |(_, pause)| *pause);
                let next_pause = (pause * 2).min(self.settings.catchup_backoff_max);
                peer.catchup.sent.insert(claim.exponent, (now + pause, next_pause));
            }
            batch
        });
        for claim in due.unwrap_or_default() {
            self.counters.catchup_sent.one();
            self.send_claim(now, claim, Ttl::ZERO, &[to], out);
        }
    }
}
