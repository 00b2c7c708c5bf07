//! What the daemon does for a node, and a world as well: disk, search and tests; each takes its time and may fail.

use std::time::Duration;

use super::{Happening, World};
use crate::mersenne::Exponent;
use crate::protocol::Order;
use crate::protocol::message::MessageId;
use crate::simulation::faults::Fault;
use crate::simulation::host::{HostId, Write};
use crate::simulation::invariants::{Call, Checks};

/// When a disk that refused to write is tried again.
const SAVE_AGAIN: Duration = Duration::from_secs(2);

impl World {
    /// Does what a node has ordered.
    pub(super) fn obey(&mut self, host: HostId, order: Order) {
        let life = self.hosts[host.index()].life;
        match order {
            Order::Save => self.save(host, life),
            Order::ReserveIds { below } => {
                let delay = self.up_to(self.disks.delay / 3);
                self.schedule(delay, Happening::Reserved { host, life, below });
            }
            Order::Search { above } => self.hosts[host.index()].searching = Some(above),
            Order::StopSearch => self.hosts[host.index()].searching = None,
            Order::StopVerify => self.hosts[host.index()].testing = None,
            Order::Verify(exponent) => {
                self.hosts[host.index()].testing = Some(exponent);
                let delay = self.test_time.from + self.up_to(self.test_time.to.saturating_sub(self.test_time.from));
                self.schedule(delay, Happening::Tested { host, life, exponent });
            }
        }
    }

    fn save(&mut self, host: HostId, life: u32) {
        if self.checks == Checks::Every && self.random.unit() < self.disks.failure {
            self.faults.one(Fault::FailedSave);
            return self.schedule(SAVE_AGAIN, Happening::SavesAgain { host, life });
        }
        let delay = self.up_to(self.disks.delay);
        let it = &mut self.hosts[host.index()];
        let Some(node) = &it.node else { return };
        let revision = match self.checks {
            Checks::Every => {
                let (saved, revision) = node.state();
                it.writing.push(Write { revision, saved });
                revision
            }
            Checks::Light => node.revision(),
        };
        self.schedule(delay, Happening::Durable { host, life, revision });
    }

    /// A state has reached the disk, unless its host has died meanwhile.
    pub(super) fn durable(&mut self, host: HostId, life: u32, revision: u64) {
        if self.is_put_off(host, Happening::Durable { host, life, revision }) {
            return;
        }
        let it = &mut self.hosts[host.index()];
        if it.life != life || it.node.is_none() {
            return;
        }
        if let Some(place) = it.writing.iter().position(|write| write.revision == revision) {
            let Write { saved, .. } = it.writing.swap_remove(place);
            if revision >= it.revision {
                it.revision = revision;
                let id_floor = saved.id_floor.max(it.disk.id_floor);
                it.disk = crate::protocol::Saved { id_floor, ..saved };
            }
        }
        self.call(host, Call::Reported, |node, now, out| node.saved(now, revision, out));
    }

    pub(super) fn reserved(&mut self, host: HostId, life: u32, below: MessageId) {
        if self.is_put_off(host, Happening::Reserved { host, life, below }) {
            return;
        }
        let it = &mut self.hosts[host.index()];
        if it.life == life && it.node.is_some() {
            it.disk.id_floor = below.max(it.disk.id_floor);
            self.call(host, Call::Reported, |node, _, _| node.ids_reserved(below));
        }
    }

    pub(super) fn save_again(&mut self, host: HostId, life: u32) {
        if self.hosts[host.index()].life == life {
            self.save(host, life);
        }
    }

    /// A test has come to its end, unless another was ordered meanwhile.
    pub(super) fn tested(&mut self, host: HostId, life: u32, exponent: Exponent) {
        if self.is_put_off(host, Happening::Tested { host, life, exponent }) {
            return;
        }
        let it = &mut self.hosts[host.index()];
        if it.life == life && it.testing == Some(exponent) {
            it.testing = None;
            self.report_verdict(host, exponent);
        }
    }

    pub(super) fn report_verdict(&mut self, host: HostId, exponent: Exponent) {
        let verdict = self.truth.test(exponent);
        self.call(host, Call::Reported, |node, now, out| node.verdict(now, exponent, verdict, out));
    }

    /// Lets a node's search find what it looks for, and begins to watch how that spreads. `None` when it does not search.
    pub fn find(&mut self, host: HostId) -> Option<Exponent> {
        let it = &mut self.hosts[host.index()];
        let above = it.is_running().then_some(it.searching)??;
        let found = self.truth.next_above(above)?;
        it.searching = None;
        self.faults.one(Fault::Found);
        self.traffic.watch(found, self.now, host, self.hosts.len());
        self.report_found(host, above, found);
        Some(found)
    }

    pub(super) fn report_found(&mut self, host: HostId, above: Option<Exponent>, found: Exponent) {
        self.call(host, Call::Reported, |node, now, out| node.found(now, above, found, out));
    }

    /// Puts a report off while its host stands still. It is heard right before what is in the socket, or right after.
    fn is_put_off(&mut self, host: HostId, report: Happening) -> bool {
        const MOMENT: Duration = Duration::from_micros(1);
        let Some(until) = self.hosts[host.index()].stalled_until.filter(|&until| self.now + MOMENT < until) else {
            return false;
        };
        let at = if self.random.below(2) == 0 { until.back(MOMENT) } else { until };
        self.queue.schedule(at, report);
        true
    }

    /// A random part of a duration.
    pub(super) fn up_to(&self, duration: Duration) -> Duration {
        Duration::from_micros(self.random.below(duration.as_micros() as usize + 1) as u64)
    }
}
