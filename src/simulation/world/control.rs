//! What is done to hosts: started, killed, stopped for a while, told to leave, to sleep, to wake, to forget.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use super::{Happening, World};
use crate::protocol::{Birth, Node, Outbox, Saved, Time, Whereabouts};
use crate::simulation::faults::Fault;
use crate::simulation::host::{Disk, HostId};
use crate::simulation::invariants::{Call, Checks};

/// The wall clock at the origin of a world's time, in microseconds.
const CLOCK: u64 = 1_700_000_000_000_000;

impl World {
    /// Starts a host with what its disk holds. Nothing happens to one that lives.
    pub fn start(&mut self, host: HostId) {
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&self.random.next().to_be_bytes());
        seed[8..].copy_from_slice(&self.random.next().to_be_bytes());
        let it = &mut self.hosts[host.index()];
        let Some(port) = NonZeroU16::new(it.address.port()).filter(|_| it.node.is_none()) else { return };
        let behind = std::mem::take(&mut it.clock_behind).as_micros() as u64;
        // What perfect disks hold is needed only here.
        let saved = match self.checks {
            Checks::Every => it.disk.clone(),
            Checks::Light => std::mem::take(&mut it.disk),
        };
        let birth = Birth {
            seed,
            now: self.now,
            whereabouts: Whereabouts { port, bound: it.address.ip(), advertised: it.advertised },
            wall_clock_micros: (CLOCK + self.now.as_micros()).saturating_sub(behind),
            saved,
            scan: it.scan.clone(),
        };
        let node = Node::new(Arc::clone(&it.settings), birth);
        it.seeds.iter().for_each(|&seed| node.add_seed(self.now, seed));
        if it.life > 0 {
            self.faults.one(Fault::Restarted);
        }
        it.life += 1;
        it.revision = 0;
        it.tick_at = Time::NEVER;
        it.busy_until = self.now;
        let life = it.life;
        if it.is_honest() {
            let born = self.checker.born(host, &node, &self.truth, self.now);
            self.violation = self.violation.take().or(born.err());
        } else {
            self.queue.schedule(self.now, Happening::Plots { host, life });
        }
        self.hosts[host.index()].node = Some(Box::new(node));
        self.plan_tick(host);
    }

    /// Sets the wall clock of a host back by so much for its next start. Its disk has to be kept: ids hang on one of both.
    pub fn set_clock_back(&mut self, host: HostId, by: Duration) {
        self.faults.one(Fault::ClockSetBack);
        self.hosts[host.index()].clock_behind += by;
    }

    /// Kills a host as `kill -9` does. Nothing happens to one that is dead.
    pub fn kill(&mut self, host: HostId, disk: Disk) {
        let it = &mut self.hosts[host.index()];
        let Some(node) = &it.node else { return };
        match (disk, self.checks) {
            (Disk::Kept, Checks::Every) => {}
            (Disk::Kept, Checks::Light) => it.disk = node.state().0,
            (Disk::Lost, _) => it.disk = Saved::default(),
        }
        match disk {
            Disk::Kept => self.faults.one(Fault::CrashedWithDisk),
            Disk::Lost => {
                self.faults.one(Fault::CrashedWithoutDisk);
                self.checker.disk_lost(host);
            }
        }
        self.bury(host);
    }

    /// Lets a node say goodbye, save its state and end. Nothing happens to one that is dead or stands still.
    pub fn leave(&mut self, host: HostId) {
        if !self.is_running(host) {
            return;
        }
        self.faults.one(Fault::Left);
        self.call(host, Call::Told, |node, now, out| node.leave(now, out));
        let it = &mut self.hosts[host.index()];
        if let Some(node) = &it.node {
            let saved = node.state().0;
            let id_floor = saved.id_floor.max(it.disk.id_floor);
            it.disk = Saved { id_floor, ..saved };
        }
        self.bury(host);
    }

    /// Removes a node that has ended.
    fn bury(&mut self, host: HostId) {
        let it = &mut self.hosts[host.index()];
        it.node = None;
        it.stalled_until = None;
        (it.searching, it.testing) = (None, None);
        it.writing.clear();
        for id in std::mem::take(&mut it.mailbox) {
            self.datagrams.drop(id);
        }
    }

    /// Lets a host stand still, as SIGSTOP and SIGCONT do. One that stands still already does so until the later of both.
    pub fn stall(&mut self, host: HostId, duration: Duration) {
        let it = &mut self.hosts[host.index()];
        let until = self.now + duration;
        if it.node.is_some() && it.stalled_until.is_none_or(|already| already < until) {
            it.stalled_until = Some(until);
            self.faults.one(Fault::Stalled);
            let life = it.life;
            self.queue.schedule(until, Happening::Resumes { host, life });
        }
    }

    /// Puts a node to sleep, if it runs and is awake.
    pub fn sleep(&mut self, host: HostId) {
        if self.is_running(host) && !self.is_asleep(host) {
            self.faults.one(Fault::Slept);
            self.interrupt(host, |node, now, out| {
                node.sleep(now, out);
            });
        }
    }

    /// Wakes a node, if it runs and sleeps.
    pub fn wake(&mut self, host: HostId) {
        if self.is_running(host) && self.is_asleep(host) {
            self.faults.one(Fault::Woken);
            self.call(host, Call::Told, |node, now, out| {
                node.wake(now, out);
            });
        }
    }

    /// Makes a node forget its primes and peers, if it runs.
    pub fn reset(&mut self, host: HostId) {
        if !self.is_running(host) {
            return;
        }
        self.faults.one(Fault::Reset);
        if self.is_asleep(host) {
            self.faults.one(Fault::ResetAsleep);
        }
        self.checker.reset(host);
        self.interrupt(host, |node, now, out| {
            node.reset(now, out);
        });
    }

    /// Whether a host's node lives and sleeps.
    pub fn is_asleep(&self, host: HostId) -> bool {
        self.node(host).is_some_and(Node::is_asleep)
    }

    /// Tells a node something that stops its work. That work may have come to its end already: then its reports come late.
    fn interrupt(&mut self, host: HostId, tell: impl FnOnce(&Node, Time, &mut Outbox)) {
        let it = &self.hosts[host.index()];
        let (searching, testing) = (it.searching, it.testing);
        self.call(host, Call::Told, tell);
        if self.late_reports <= 0.0 || self.random.unit() >= self.late_reports {
            return;
        }
        if let Some(above) = searching
            && let Some(found) = self.truth.next_above(above)
        {
            self.faults.one(Fault::ReportedLate);
            self.report_found(host, above, found);
        }
        if let Some(tested) = testing {
            self.faults.one(Fault::ReportedLate);
            self.report_verdict(host, tested);
        }
    }
}
