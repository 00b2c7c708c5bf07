//! What happens by the clock: generate, evict, ping, and trying candidates.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Node;
use crate::protocol::counters::EvictionReason;
use crate::protocol::event::Event;
use crate::protocol::message::{Body, Exchange, MessageType};
use crate::protocol::outbox::{Order, Outbox};
use crate::protocol::peers::Peer;
use crate::protocol::settings::SearchMode;
use crate::protocol::time::Time;

/// How often the address book is saved when nothing else is.
pub(super) const SAVE_INTERVAL: Duration = Duration::from_secs(60);

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
            self.peers.change_each(|_, peer| peer.next_ping = now);
            self.timers.next_ping.set(now);
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
            self.test_candidate(now, out);
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
        self.expire_probes(now);
        if self.timers.next_evict.get() > now {
            return;
        }
        self.timers.next_evict.set(now + self.settings.evict_interval);
        self.budgets.sweep(now);
        let mut silent = Vec::new();
        self.peers.each(|address, peer| {
            if now.since(peer.last_heard) > self.settings.peer_timeout {
                silent.push(address);
            }
        });
        silent.sort_unstable();
        for address in silent {
            self.drop_peer(now, address, EvictionReason::Timeout, out);
        }
    }

    /// PINGs each peer in its turn, and one that has fallen silent more often.
    fn ping(&self, now: Time, out: &mut Outbox) {
        if self.timers.next_ping.get() > now {
            return;
        }
        let (mut due, mut next) = (Vec::new(), Time::NEVER);
        self.peers.change_each(|address, peer| {
            if peer.next_ping <= now {
                peer.next_ping = now + self.random.jittered(self.settings.ping_interval, self.settings.ping_jitter);
                due.push(address);
            } else if self.next_silent_ping(peer) <= now {
                peer.silent_pings += 1;
                due.push(address);
            }
            next = next.min(peer.next_ping).min(self.next_silent_ping(peer));
        });
        self.timers.next_ping.set(next);
        due.sort_unstable();
        for address in due {
            self.ping_peer(now, address, None, out);
        }
    }

    /// Sees to it that peers are looked at for PINGs no later than this.
    pub(super) fn ping_by(&self, time: Time) {
        self.timers.next_ping.at_most(time);
        self.timers.deadline.at_most(time);
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
        let soonest = self
            .timers
            .next_ping
            .get()
            .max(now)
            .min(self.timers.next_evict.get())
            .min(self.timers.next_generate.get())
            .min(self.timers.next_save.get());
        soonest
            .min(self.probes.next_expiry())
            .min(self.timers.next_candidates.get().max(now))
            .min(self.timers.next_test.get())
            .min(self.next_scan(now))
    }
}
