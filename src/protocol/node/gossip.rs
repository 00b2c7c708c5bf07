//! PRIME: a claim, checked from cheap to dear, forwarded, and believed only once this node has tested it itself.

use std::net::SocketAddr;
use std::time::Duration;

use super::Node;
use super::membership::SMALL_NETWORK;
use super::receive::Fate;
use crate::mersenne::{self, Exponent, ExponentError};
use crate::protocol::address::NodeRef;
use crate::protocol::candidate::Source;
use crate::protocol::claims::{Claim, Queued, SourceLimit};
use crate::protocol::counters::{ClaimResult, DiscoveredVia};
use crate::protocol::event::{Event, PeerKind};
use crate::protocol::message::{Announcement, Body, Message, MessageId, Ttl};
use crate::protocol::outbox::{Measurement, Order, Outbox};
use crate::protocol::primes::Learned;
use crate::protocol::seen::{SeenKey, Sight};
use crate::protocol::time::Time;

/// Up to so many peers, a message goes to all of them.
const FAN_OUT_ALL: usize = 8;

/// With more peers, it goes to so many at random.
const FAN_OUT: usize = 6;

/// How many claims of a peer that has proven its address may wait: what it sends at once for catching up.
const PROVEN_SOURCE: SourceLimit = SourceLimit(8);

/// How many claims of anybody else may wait.
const OTHER_SOURCE: SourceLimit = SourceLimit(1);

/// A prime that was just sent to a peer is not sent to it for catching up before this.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// TTLs of small networks: all of a full mesh is reached by one hop, and by a second if a datagram is lost.
const TTL_SMALL: Ttl = Ttl(2);

impl Node {
    pub(super) fn on_prime(
        &self,
        now: Time,
        from: SocketAddr,
        id: MessageId,
        originator: SocketAddr,
        announcement: &Announcement,
        out: &mut Outbox,
    ) -> Fate {
        let &Announcement { ttl, exponent, signature } = announcement;
        let ttl = ttl.clamped(self.settings.ttl_max);
        if self.own.is_bound(originator) && self.has_come_back(originator, id, exponent) {
            return Fate::Own;
        }
        if let Ok(exponent) = Exponent::new(exponent) {
            // Who tells of a prime need not be told, even if he is still testing it.
            let pause = self.settings.catchup_backoff_min;
            self.peers.with(from, |peer| peer.catchup.hold(exponent, now + pause, pause));
        }
        let key = self.seen.key(originator, id, exponent, signature.as_ref());
        let ttl = match self.seen.look(key, ttl) {
            Sight::New => ttl,
            Sight::Untested(ttl) => ttl,
            Sight::Duplicate => {
                self.counters.duplicates.one();
                return Fate::Duplicate;
            }
            Sight::HigherTtl(before) => {
                self.counters.duplicates.one();
                // From here it has reached everybody who could be reached.
                if before >= self.sufficient_ttl() {
                    return Fate::Duplicate;
                }
                let Ok(exponent) = Exponent::new(exponent) else { return Fate::Duplicate };
                // All of it but its TTL and forwarder is in its key, so what is forwarded is what was heard first.
                let claim = Claim { exponent, originator, id, signature };
                let credited = self.primes.credit(exponent);
                let is_news = credited.is_none_or(|credited| (credited.originator, credited.id) == (originator, id));
                if !is_news && !self.budgets.echoes.take(now, self.settings.echo_rate) {
                    return Fate::Duplicate;
                }
                self.forward(now, claim, ttl, from, out);
                return Fate::ForwardedAgain;
            }
        };
        let fate = self.judge(now, from, originator, id, announcement, ttl, key, out);
        if let Fate::Decided(result) = fate {
            self.counters.claims.of(result).one();
            if !matches!(result, ClaimResult::Credited | ClaimResult::NoNews) {
                let is_mersenne_number = mersenne::looks_like_mersenne_number(exponent);
                out.events.push(Event::ClaimEnded { exponent, originator, result, is_mersenne_number });
            }
        }
        fate
    }

    /// The checks of a claim that is new here, cheapest first. What fails them has no effect at all.
    #[expect(clippy::too_many_arguments, reason = "the parts of one message, taken apart by the caller")]
    fn judge(
        &self,
        now: Time,
        from: SocketAddr,
        originator: SocketAddr,
        id: MessageId,
        announcement: &Announcement,
        ttl: Ttl,
        key: SeenKey,
        out: &mut Outbox,
    ) -> Fate {
        if announcement.exponent > self.settings.exponent_max {
            return Fate::Decided(ClaimResult::OutOfRange);
        }
        let exponent = match Exponent::new(announcement.exponent) {
            Ok(exponent) => exponent,
            Err(ExponentError::TooSmall | ExponentError::TooLarge { .. }) => {
                return Fate::Decided(ClaimResult::OutOfRange);
            }
            Err(ExponentError::Composite { .. }) => return Fate::Decided(ClaimResult::CompositeExponent),
        };
        let claim = Claim { exponent, originator, id, signature: announcement.signature };
        if let Some(credited) = self.primes.credit(exponent) {
            if self.unconfirmed.remove(exponent.into()).is_some() {
                // Behind a translator nobody else can ever hear the form in which this node credits itself. Should others
                // know it after all, it comes back by catching up.
                self.primes.replace(claim);
                self.note_credit(claim, credited, out);
            }
            if claim.beats(&credited) && !self.has_budget_for_claim(now, from) {
                return Fate::Decided(ClaimResult::Budget);
            }
            self.accept(now, claim, ttl, key, out);
            return Fate::Decided(self.weigh(now, claim, ttl, from, out));
        }
        if self.refuted.contains(exponent) {
            return Fate::Decided(ClaimResult::KnownComposite);
        }
        if !self.has_budget_for_claim(now, from) {
            return Fate::Decided(ClaimResult::Budget);
        }
        if mersenne::factor::quick_factor(exponent).is_some() {
            return Fate::Decided(ClaimResult::Factored);
        }
        if u64::from(exponent) > self.settings.verify_exponent_max {
            self.accept(now, claim, ttl, key, out);
            self.forward(now, claim, ttl, from, out);
            return Fate::Decided(ClaimResult::Untestable);
        }
        let limit = if self.peers.kind(from) == Some(PeerKind::Proven) { PROVEN_SOURCE } else { OTHER_SOURCE };
        let queued = self.queue.push(claim, from, limit);
        self.accept(now, claim, ttl, key, out);
        self.forward(now, claim, ttl, from, out);
        match queued {
            Queued::Full => {
                // It was passed on, and may come again when there is room.
                self.give_up(&claim);
                Fate::Decided(ClaimResult::Queue)
            }
            Queued::Waits(dropped) => {
                dropped.iter().for_each(|claim| self.give_up(claim));
                out.events.push(Event::ClaimQueued { exponent, originator, from });
                self.verify_next(out);
                Fate::Queued
            }
        }
    }

    /// Takes a token for a claim that costs work: a few cheap ones must not become many dear ones. Proven peers draw from a
    /// bucket of their own, so that strangers cannot starve them.
    fn has_budget_for_claim(&self, now: Time, from: SocketAddr) -> bool {
        let bucket = match self.peers.kind(from) {
            Some(PeerKind::Proven) => &self.budgets.proven_claims,
            Some(PeerKind::Plain) | None => &self.budgets.claims,
        };
        bucket.take(now, self.settings.claim_rate)
    }

    /// Notes a claim that passed the cheap checks as heard, and its originator as somebody who may become a peer.
    fn accept(&self, now: Time, claim: Claim, ttl: Ttl, key: SeenKey, out: &mut Outbox) {
        self.seen.record(now, key, ttl);
        self.add_candidate(now, claim.originator, DiscoveredVia::Prime, Source::of(claim.originator));
        // What came with no TTL left may have been sent for catching up, and says nothing of its way.
        if ttl > Ttl::ZERO {
            let hops = self.initial_ttl().0.saturating_sub(ttl.0).saturating_add(1);
            out.measurements.push(Measurement::Hops(hops));
        }
    }

    /// A claim to a prime that is known here: a better one takes the credit and goes on, another goes on only within a
    /// small budget. A small network then behaves as the exercise says, and a large one is not flooded by echoes.
    fn weigh(&self, now: Time, claim: Claim, ttl: Ttl, from: SocketAddr, out: &mut Outbox) -> ClaimResult {
        match self.primes.learn(claim) {
            Learned::Credit(before) => {
                self.note_credit(claim, before, out);
                self.forward(now, claim, ttl, from, out);
                ClaimResult::Credited
            }
            Learned::Prime | Learned::Nothing => {
                if ttl > Ttl::ZERO && self.budgets.echoes.take(now, self.settings.echo_rate) {
                    self.forward(now, claim, ttl, from, out);
                }
                ClaimResult::NoNews
            }
        }
    }

    /// Whether a claim in this node's own name is the one that it credits itself with: then others know it in the form in
    /// which this node does. Any other that bears its name is judged like anybody's, since anybody can have made it up.
    fn has_come_back(&self, originator: SocketAddr, id: MessageId, exponent: u64) -> bool {
        let Ok(exponent) = Exponent::new(exponent) else { return false };
        let is_credited = |credited: Claim| (credited.originator, credited.id) == (originator, id);
        let has_come_back = self.primes.credit(exponent).is_some_and(is_credited);
        if has_come_back {
            self.unconfirmed.remove(exponent.into());
        }
        has_come_back
    }

    pub(super) fn note_credit(&self, claim: Claim, before: Claim, out: &mut Outbox) {
        self.changed(out);
        if before.originator != claim.originator {
            let (from, to) = (before.originator, claim.originator);
            out.events.push(Event::CreditMoved { exponent: claim.exponent, from, to });
        }
    }

    /// Sends a claim on with one TTL less, neither to where it came from nor to its originator.
    fn forward(&self, now: Time, claim: Claim, ttl: Ttl, from: SocketAddr, out: &mut Outbox) {
        let Some(ttl) = ttl.forwarded() else { return };
        let mut to = self.peers.addresses();
        let fan_out = if to.len() <= FAN_OUT_ALL { FAN_OUT_ALL } else { FAN_OUT };
        to.retain(|&peer| peer != from && peer != claim.originator);
        self.random.choose(&mut to, fan_out);
        if !to.is_empty() {
            self.counters.forwarded(ttl);
            self.send_claim(now, claim, ttl, &to, out);
        }
    }

    /// Tells the peers of a prime found here.
    pub(super) fn announce(&self, now: Time, claim: Claim, out: &mut Outbox) {
        let mut to = self.peers.addresses();
        if to.len() > FAN_OUT_ALL {
            self.random.choose(&mut to, FAN_OUT);
        }
        self.send_claim(now, claim, self.initial_ttl(), &to, out);
    }

    /// Sends one claim to several peers: written once, addressed many times. Plain peers get so many a second and no more.
    pub(super) fn send_claim(&self, now: Time, claim: Claim, ttl: Ttl, to: &[SocketAddr], out: &mut Outbox) {
        let message = Message {
            id: claim.id,
            forwarder: self.own.node_ref(),
            originator: self.name_originator(&claim),
            body: Body::Prime(Announcement { ttl, exponent: claim.exponent.into(), signature: claim.signature }),
        };
        let written = out.write(&message);
        for &peer in to {
            let allowed = self.peers.with(peer, |peer| match peer.kind {
                PeerKind::Proven => {
                    peer.catchup.hold(claim.exponent, now + ON_ITS_WAY, self.settings.catchup_backoff_min);
                    true
                }
                PeerKind::Plain => peer.plain_budget.take(now, self.settings.plain_rate),
            });
            if allowed == Some(true) {
                self.send(peer, &message, claim.originator, written.clone(), out);
            }
        }
    }

    /// How the originator of a claim is named to others. What this node found it announces by its port, whatever address others
    /// know it by; once they know the claim, the name is the one they know, which a translator must not change any more.
    fn name_originator(&self, claim: &Claim) -> NodeRef {
        let originator = claim.originator;
        let has_come_back = || !self.unconfirmed.contains(claim.exponent.into());
        if !self.own.is_bound(originator) {
            self.own.name(originator)
        } else if has_come_back() && !originator.ip().is_loopback() {
            NodeRef::Address(originator)
        } else {
            self.own.node_ref()
        }
    }

    /// Sends the largest known prime to a peer that has just become active and cannot say what it knows.
    pub(super) fn send_largest(&self, now: Time, to: SocketAddr, out: &mut Outbox) {
        if let Some(claim) = self.announced().first().copied() {
            self.send_claim(now, claim, Ttl::ZERO, &[to], out);
        }
    }

    /// Sees to it that a later copy of a claim that found no place is judged again.
    pub(super) fn give_up(&self, claim: &Claim) {
        self.seen.give_up(self.seen_key(claim));
    }

    /// The credited claims that may be told to others, largest exponent first: what was found here has to be durable.
    pub(super) fn announced(&self) -> Vec<Claim> {
        let mut all = self.primes.all();
        all.retain(|claim| !self.unannounced.contains(claim.exponent.into()));
        all
    }

    pub(super) fn seen_key(&self, claim: &Claim) -> SeenKey {
        self.seen.key(claim.originator, claim.id, claim.exponent.into(), claim.signature.as_ref())
    }

    /// Orders the test of the claim that is next, if that is a change.
    pub(super) fn verify_next(&self, out: &mut Outbox) {
        if let Some(exponent) = self.queue.next() {
            out.orders.push(Order::Verify(exponent));
        }
    }

    /// A TTL that is enough, so that a copy with a higher one need not be forwarded again. On links of different speed the
    /// first copy often is not the one with the highest TTL, and to send each better one on would nearly double the traffic.
    fn sufficient_ttl(&self) -> Ttl {
        Ttl(self.initial_ttl().0.div_ceil(2)).min(TTL_SUFFICIENT)
    }

    /// The TTL of this node's own announcements.
    fn initial_ttl(&self) -> Ttl {
        ttl_for(self.network_size()).clamped(self.settings.ttl_max)
    }
}

/// Three hops on, a copy has met hundreds of nodes; whoever of them is new to it hears of it from others too, with more TTL.
const TTL_SUFFICIENT: Ttl = Ttl(3);

/// The TTL that reaches all of so many nodes: 2 in a small network, else twice the depth of a tree of fan-out 6 over all of
/// them, and 2 more.
pub(super) fn ttl_for(size: u64) -> Ttl {
    if size <= SMALL_NETWORK {
        return TTL_SMALL;
    }
    let mut depth = 0;
    let mut reached = 1u64;
    while reached < size {
        reached = reached.saturating_mul(FAN_OUT as u64);
        depth += 1;
    }
    Ttl(2 * depth + 2)
}
