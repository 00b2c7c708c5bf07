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
                peer.catchup.is_done();
                return false;
            }
            peer.catchup.next <= now
        });
        if differs != Some(true) {
            return;
        }
        let all = self.announced();
        let due = self.peers.with(to, |peer| {
            let in_turn = |claim: &Claim| Some((peer.catchup.is_repeat(now, claim.exponent)?, *claim));
            let mut batch: Vec<(bool, Claim)> = all.iter().filter_map(in_turn).collect();
            batch.sort_by_key(|&(is_repeat, _)| is_repeat);
            // Before it has accepted us it takes one claim at a time, and the rest of a batch would be lost.
            batch.truncate(if peer.accepts == Some(true) { self.settings.catchup_batch } else { 1 });
            if !batch.is_empty() {
                // The next PING may come early by its jitter.
                peer.catchup.next = now + self.settings.ping_interval.mul_f64(1.0 - self.settings.ping_jitter);
            }
            let (first, longest) = (self.settings.catchup_backoff_min, self.settings.catchup_backoff_max);
            for (_, claim) in &batch {
                peer.catchup.deliver(now, claim.exponent, first, longest);
            }
            batch
        });
        for (_, claim) in due.unwrap_or_default() {
            self.counters.catchup_sent.one();
            self.send_claim(now, claim, Ttl::ZERO, &[to], out);
        }
    }
}
