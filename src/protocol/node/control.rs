//! What its owner tells a node: to sleep, to wake, to forget, and whether to search.
//!
//! Asleep, a node hears nothing, says nothing, learns nothing and looks for nothing; it only keeps its ids reserved and its
//! state saved. It says no goodbye: the others are to see it fall silent. Its peers go to the address book at once, so that
//! nobody is shown a peer that is not listened to, and as the latest former peers they are the first to be tried when it is
//! woken. Sleep is saved, and a node that was left asleep starts asleep.

use std::sync::atomic::Ordering;

use super::Node;
use super::routines::SAVE_INTERVAL;
use crate::protocol::counters::EvictionReason;
use crate::protocol::event::Event;
use crate::protocol::outbox::{Order, Outbox};
use crate::protocol::settings::SearchMode;
use crate::protocol::time::Time;

impl Node {
    /// Sends the node to sleep. Claims that wait for their test are given up; a later copy of one is judged anew.
    ///
    /// Returns the revision that has to be durable for the node to be asleep after a restart too; see
    /// [`saved`](Node::saved). A node that sleeps already is not changed.
    pub fn sleep(&self, now: Time, out: &mut Outbox) -> u64 {
        if self.is_asleep() {
            return self.revision.load(Ordering::Relaxed);
        }
        let now = self.own_time(now);
        self.stop_work(out);
        self.queue.clear().iter().for_each(|claim| self.give_up(claim));
        self.probes.clear();
        for address in self.peers.addresses() {
            self.drop_peer(now, address, EvictionReason::Asleep, out);
        }
        self.asleep.store(true, Ordering::Relaxed);
        out.events.push(Event::Asleep);
        self.timers.deadline.set(self.timers.next_save.get());
        self.changed(out)
    }

    /// Wakes the node. Former peers, seeds and everybody else in the address book are tried at once, however often they
    /// were tried in vain before.
    ///
    /// Returns the revision that has to be durable for the node to be awake after a restart too. A node that is awake is
    /// not changed.
    pub fn wake(&self, now: Time, out: &mut Outbox) -> u64 {
        if !self.is_asleep() {
            return self.revision.load(Ordering::Relaxed);
        }
        let now = self.own_time(now);
        self.asleep.store(false, Ordering::Relaxed);
        out.events.push(Event::Awake);
        self.book.rouse(now);
        self.timers.next_candidates.set(now);
        self.timers.awake_since.set(now);
        self.timers.next_save.set(now + SAVE_INTERVAL);
        self.timers.next_scan.set(now);
        self.timers.next_generate.set(now + self.settings.generate_interval.mul_f64(self.random.unit()));
        // However long it slept, it has missed no deadline.
        self.timers.deadline.set(now);
        self.changed(out)
    }

    /// Makes the node forget its primes, its peers, its address book and whatever it has heard; not which ids it must not
    /// use again, nor its seeds, nor whether it sleeps. It takes a new `instance`, by which its peers know that they have to
    /// send it again what they know, and begins to search from nothing one interval later: what the network knows comes
    /// first.
    ///
    /// Returns the revision that has to be durable for all of it to stay forgotten.
    pub fn reset(&self, now: Time, out: &mut Outbox) -> u64 {
        let now = self.settled_time(now);
        self.stop_work(out);
        self.book.clear(now);
        for address in self.peers.addresses() {
            self.drop_peer(now, address, EvictionReason::Reset, out);
        }
        self.probes.clear();
        self.scan.restart();
        self.queue.clear();
        self.primes.clear();
        self.seen.clear();
        self.refuted.clear();
        self.unannounced.clear();
        self.unconfirmed.clear();
        // Else its own claims, coming back from its peers, would be taken for known.
        self.ids.forget();
        self.instance.store(self.random.next(), Ordering::Relaxed);
        self.timers.next_generate.set(now + self.settings.generate_interval);
        if !self.is_asleep() {
            self.try_soon(now);
        }
        out.events.push(Event::Reset);
        self.changed(out)
    }

    /// Changes what the node searches by itself, until its next start. A search that runs stops at once when it is turned
    /// off; one that is turned on begins when [`generate_interval`](super::super::Settings::generate_interval) says so.
    pub fn set_search(&self, mode: SearchMode, out: &mut Outbox) {
        self.search.set(mode);
        match mode {
            SearchMode::Off => self.stop_search(out),
            SearchMode::Race => {}
        }
    }

    /// Whether the node sleeps.
    pub fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    /// What the node searches by itself.
    pub fn search_mode(&self) -> SearchMode {
        self.search.get()
    }

    fn stop_work(&self, out: &mut Outbox) {
        self.stop_search(out);
        out.orders.push(Order::StopVerify);
    }

    fn stop_search(&self, out: &mut Outbox) {
        self.searching.store(false, Ordering::Relaxed);
        out.orders.push(Order::StopSearch);
    }
}
