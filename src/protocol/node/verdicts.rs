//! What the driver reports: primes found, claims tested, state made durable.

use std::sync::atomic::Ordering;

use super::Node;
use crate::mersenne::Exponent;
use crate::protocol::claims::Claim;
use crate::protocol::counters::ClaimResult;
use crate::protocol::event::Event;
use crate::protocol::message::{MessageId, MessageType};
use crate::protocol::outbox::Outbox;
use crate::protocol::primes::Learned;
use crate::protocol::time::Time;

/// What a test says of 2^p − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is prime.
    Prime,
    /// It is composite.
    Composite,
    /// The test could not be made.
    Untestable,
}

impl Node {
    /// The search that was ordered above `above` has found the next prime. It is announced once it has been saved; unless
    /// it has become known meanwhile, or others have claimed it: then it is theirs.
    ///
    /// A report that comes late is ignored where it would be wrong. While the node sleeps it learns nothing: the search
    /// that begins when it is awake again finds the same prime. After a reset the search begins again from nothing, and
    /// what was found above a prime that has been forgotten would skip all those between.
    pub fn found(&self, now: Time, above: Option<Exponent>, exponent: Exponent, out: &mut Outbox) {
        let is_forgotten = above.is_some_and(|above| self.primes.credit(above).is_none());
        if self.is_asleep() || is_forgotten {
            return;
        }
        if Some(exponent) > self.largest().map(|claim| claim.exponent) {
            // Otherwise another search has been ordered meanwhile.
            self.searching.store(false, Ordering::Relaxed);
        }
        if self.primes.credit(exponent).is_some() {
            return;
        }
        if self.queue.contains(exponent) {
            return self.verdict(now, exponent, Verdict::Prime, out);
        }
        let id = self.originate(MessageType::Prime);
        let claim = Claim { exponent, originator: self.own_address(), id, signature: None };
        self.primes.learn(claim);
        out.events.push(Event::PrimeFound { exponent, id });
        let revision = self.changed(out);
        self.unannounced.insert(exponent.into(), revision);
        self.unconfirmed.insert(exponent.into(), ());
    }

    /// The search that was ordered has failed for a reason of its own: it is ordered again at the next interval.
    pub fn search_failed(&self) {
        self.searching.store(false, Ordering::Relaxed);
    }

    /// The claim whose test was ordered has been tested. Of several claims to it the best is credited.
    ///
    /// A verdict that comes while the node sleeps is ignored. One that was ordered before a sleep or a reset and comes later
    /// is as true as any other, and decides the claims that wait for it by then, if there are any.
    pub fn verdict(&self, _now: Time, exponent: Exponent, verdict: Verdict, out: &mut Outbox) {
        if self.is_asleep() {
            return;
        }
        let largest = self.largest().map(|claim| claim.exponent);
        let claims = self.queue.settle(exponent);
        match verdict {
            Verdict::Prime => self.credit(&claims, largest, out),
            Verdict::Composite => {
                self.refuted.add(exponent);
                for claim in &claims {
                    self.seen.refute(self.seen_key(claim));
                    self.end(claim, ClaimResult::Refuted, out);
                }
            }
            Verdict::Untestable => claims.iter().for_each(|claim| self.end(claim, ClaimResult::Untestable, out)),
        }
        self.verify_next(out);
    }

    fn credit(&self, claims: &[Claim], largest: Option<Exponent>, out: &mut Outbox) {
        for &claim in claims {
            match self.primes.learn(claim) {
                Learned::Prime => {
                    self.counters.claims.of(ClaimResult::Verified).one();
                    self.changed(out);
                }
                Learned::Credit(before) => {
                    self.counters.claims.of(ClaimResult::Credited).one();
                    self.note_credit(claim, before, out);
                }
                Learned::Nothing => self.counters.claims.of(ClaimResult::NoNews).one(),
            }
        }
        let Some(claim) = claims.first().and_then(|claim| self.primes.credit(claim.exponent)) else { return };
        out.events.push(Event::PrimeVerified { exponent: claim.exponent, originator: claim.originator });
        if Some(claim.exponent) > largest && self.searching.load(Ordering::Relaxed) {
            // What was being looked for has become pointless.
            self.order_search(out);
        }
    }

    fn end(&self, claim: &Claim, result: ClaimResult, out: &mut Outbox) {
        self.counters.claims.of(result).one();
        let exponent = claim.exponent.into();
        let is_mersenne_number = crate::mersenne::looks_like_mersenne_number(exponent);
        out.events.push(Event::ClaimEnded { exponent, originator: claim.originator, result, is_mersenne_number });
    }

    /// What [`state`](Node::state) gave with this revision is durable: primes found here before are announced now; if
    /// the node sleeps, to nobody: those it meets again catch up.
    pub fn saved(&self, now: Time, revision: u64, out: &mut Outbox) {
        let now = self.settled_time(now);
        self.saved_revision.fetch_max(revision, Ordering::Relaxed);
        for (number, _) in self.unannounced.entries().into_iter().filter(|(_, needs)| *needs <= revision) {
            self.unannounced.remove(number);
            let Some(claim) = Exponent::new(number).ok().and_then(|exponent| self.primes.credit(exponent)) else {
                continue;
            };
            // A better claim has gone round already, with the TTL it came with.
            if self.own.is_bound(claim.originator) && self.ids.gave(claim.id) {
                self.announce(now, claim, out);
            }
        }
    }

    /// No later start of this node will use an id below `below`.
    pub fn ids_reserved(&self, below: MessageId) {
        self.ids.reserve(below);
    }
}
