//! What happens by the clock: generate, evict, ping, and trying candidates.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Node;
use crate::protocol::book::Probe;
use crate::protocol::counters::EvictionReason;
use crate::protocol::event::Event;
use crate::protocol::message::{Body, Exchange, MessageType};
use crate::protocol::outbox::{Order, Outbox};
use crate::protocol::peers::Peer;
use crate::protocol::settings::SearchMode;
use crate::protocol::time::Time;

/// How often the address book is saved when nothing else is.
pub(super) const SAVE_INTERVAL: Duration = Duration::from_secs(60);

/// How often a scan that found nobody is begun again.
const SCAN_AGAIN: Duration = Duration::from_secs(60);

/// Probes that a scan leaves for candidates.
const SCAN_RESERVE: f64 = 10.0;

/// While candidates cannot be tried for lack of places or of probes, that is looked at again this often.
const CANDIDATE_PAUSE: Duration = Duration::from_millis(50);

/// Until its first ids are durable, a node looks again this often whether they are.
const RESERVE_PAUSE: Duration = Duration::from_millis(10);

impl Node {
    /// Does what is due. Call it at [`next_deadline`](Node::next_deadline), or earlier; when it comes late by more than
    /// the stall threshold, the node takes it that it stood still itself: deadlines move by the gap and everybody is
    /// PINGed.
    pub fn tick(&self, driver_now: Time, out: &mut Outbox) {
        let mut now = self.own_time(driver_now);
        if self.is_late(now) {
            let gap = now.since(self.timers.deadline.get());
            self.timers.lost.fetch_add(gap.as_micros() as u64, Ordering::Relaxed);
            out.events.push(Event::Stalled { gap });
            now = self.own_time(driver_now);
            for address in self.peers.addresses() {
                self.peers.with(address, |peer| peer.next_ping = now);
            }
        }
        if let Some(below) = self.ids.wanted() {
            out.orders.push(Order::ReserveIds { below });
        }
        if !self.ids.are_reserved() {
            // It answers, and says nothing of its own yet: after a crash, an id that is not durable would be given again.
            return self.timers.deadline.set(now + RESERVE_PAUSE);
        }
        if !self.is_asleep() {
            self.evict(now, out);
            self.ping(now, out);
            self.try_candidates(now, out);
            self.try_scan(now, out);
            self.generate(now, out);
        }
        if self.timers.next_save.get() <= now {
            self.timers.next_save.set(now + SAVE_INTERVAL);
            out.orders.push(Order::Save);
        }
        self.timers.deadline.set(self.soonest(now));
    }

    /// Says goodbye to every peer that will believe it. The node is not used after this.
    pub fn leave(&self, now: Time, out: &mut Outbox) {
        let now = self.own_time(now);
        let peers = self.peers.map(|_, peer| peer.nonce);
        out.events.push(Event::Leaving { peers: peers.len() });
        for (address, nonce) in peers {
            let Some(nonce) = nonce else { continue };
            let exchange = Exchange {
                nonce: Some(self.cookies.make(now, address)),
                echo: Some(nonce),
                instance: Some(self.instance()),
                leave: true,
                ..Exchange::default()
            };
            let id = self.originate(MessageType::Ping);
            self.send_own(address, self.own_message(id, Body::Ping(Some(exchange))), out);
        }
    }

    /// Drops peers that have been silent for too long, and probes nobody answered.
    fn evict(&self, now: Time, out: &mut Outbox) {
        self.book.expire_probes(now, &self.settings);
        self.scanned.retain(|_, probe| now.since(probe.sent) <= self.settings.probe_timeout);
        if self.timers.next_evict.get() > now {
            return;
        }
        self.timers.next_evict.set(now + self.settings.evict_interval);
        for (address, last_heard) in self.peers.map(|_, peer| peer.last_heard) {
            if now.since(last_heard) > self.settings.peer_timeout {
                self.drop_peer(now, address, EvictionReason::Timeout, out);
            }
        }
    }

    /// PINGs each peer in its turn, and one that has fallen silent more often.
    fn ping(&self, now: Time, out: &mut Outbox) {
        for (address, due) in self.peers.map(|_, peer| (peer.next_ping, self.next_silent_ping(peer))) {
            let (next_ping, silent_ping) = due;
            if next_ping <= now {
                let next = now + self.random.jittered(self.settings.ping_interval, self.settings.ping_jitter);
                self.peers.with(address, |peer| peer.next_ping = next);
            } else if silent_ping <= now {
                self.peers.with(address, |peer| peer.silent_pings += 1);
            } else {
                continue;
            }
            self.ping_peer(now, address, None, out);
        }
    }

    fn next_silent_ping(&self, peer: &Peer) -> Time {
        if peer.silent_pings >= self.settings.silent_pings {
            return Time::NEVER;
        }
        // Spread over what is left of its time, with some of it kept for the last answer.
        let left = self.settings.peer_timeout.saturating_sub(self.settings.silent_after);
        let apart = left.mul_f64(0.975) / u32::from(self.settings.silent_pings).max(1);
        peer.last_heard + self.settings.silent_after + apart * u32::from(peer.silent_pings)
    }

    /// PINGs candidates whose time has come, while there is room for another peer.
    fn try_candidates(&self, now: Time, out: &mut Outbox) {
        if !self.has_room() {
            return;
        }
        let free = self.settings.probes_in_flight.saturating_sub(self.book.in_flight());
        for address in self.book.due(now).into_iter().take(free) {
            self.probe(now, address, None, 0.0, out);
        }
    }

    /// Goes on with the scan, as far as the probe rate allows; from the beginning once a minute while there is no peer.
    fn try_scan(&self, now: Time, out: &mut Outbox) {
        if self.scan.len() == 0 || !self.has_room() {
            return;
        }
        if self.scan.is_done() {
            if self.peers.len() > 0 || self.timers.next_scan.get() > now {
                return;
            }
            self.scan.restart();
        }
        self.timers.next_scan.set(now + SCAN_AGAIN);
        while !self.scan.is_done() && self.budgets.probes.take_above(now, self.settings.probe_rate, SCAN_RESERVE) {
            let Some(address) = self.scan.take() else { break };
            if !self.own.contains(address) && !self.peers.contains(address) {
                let id = self.send_probe(now, address, None, out);
                self.scanned.insert(address, Probe { id, sent: now });
            }
        }
    }

    /// Sees to it that a search is on.
    fn generate(&self, now: Time, out: &mut Outbox) {
        if self.timers.next_generate.get() > now {
            return;
        }
        self.timers.next_generate.set(now + self.settings.generate_interval);
        match self.search_mode() {
            SearchMode::Off => {}
            SearchMode::Race => {
                if !self.searching.swap(true, Ordering::Relaxed) {
                    self.order_search(out);
                }
            }
        }
    }

    pub(super) fn order_search(&self, out: &mut Outbox) {
        let above = self.largest().map(|claim| claim.exponent);
        out.orders.push(Order::Search { above });
        out.events.push(Event::SearchStarted { above });
    }

    /// When `tick` is due again.
    fn soonest(&self, now: Time) -> Time {
        if self.is_asleep() {
            return self.timers.next_save.get();
        }
        let peers = self.peers.map(|_, peer| peer.next_ping.min(self.next_silent_ping(peer)));
        let pings = peers.into_iter().map(|(_, at)| at).min().unwrap_or(Time::NEVER);
        let mut soonest = pings
            .min(self.timers.next_evict.get())
            .min(self.timers.next_generate.get())
            .min(self.timers.next_save.get());
        let token = self.budgets.probes.next_token(now, self.settings.probe_rate);
        if self.has_room() {
            let candidates = self.book.next_deadline(&self.settings);
            // With all probes in flight, or none left for now, the next one waits for that.
            soonest = soonest.min(candidates.max(token).max(now + CANDIDATE_PAUSE));
            if !self.scan.is_done() {
                soonest = soonest.min(token.max(now + CANDIDATE_PAUSE));
            }
        }
        soonest
    }
}
