//! What happens to the hosts of a run.

use std::time::Duration;

use super::{Found, Run, Step};
use crate::simulation::scenario::{Chosen, Deed, DiskFate, Find, Partition, PartitionKind, Share};
use crate::simulation::{Cut, Disk, Fault, HostId};

/// When somebody is asked again who searches, when nobody did.
const FIND_AGAIN: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// Lets the happening at this place of the schedule happen.
    pub(super) fn happen(&mut self, index: usize) {
        match self.scenario.schedule[index].deed {
            Deed::Find(find) => self.find(index, find),
            Deed::Kill(Chosen { share }) => {
                for host in self.some(share) {
                    self.world.kill(host, Disk::Kept);
                }
            }
            Deed::Leave(Chosen { share }) => {
                for host in self.some(share) {
                    self.world.leave(host);
                }
            }
            Deed::Partition(partition) => self.cut(partition),
            Deed::Churn(_) => self.replace(index),
            Deed::Restart(restart) => {
                for host in self.some(restart.share) {
                    let disk = match restart.disk {
                        DiskFate::Kept => Disk::Kept,
                        DiskFate::Lost => Disk::Lost,
                    };
                    self.world.kill(host, disk);
                    self.later(restart.after.0, Step::Start(host));
                }
            }
            Deed::Stall(deed) => {
                for host in self.some(deed.share) {
                    self.world.stall(host, deed.lasts.0);
                }
            }
            Deed::Sleep(deed) => {
                for host in self.some(deed.share) {
                    self.world.sleep(host);
                    self.later(deed.lasts.0, Step::Wake(host));
                }
            }
            Deed::Reset(Chosen { share }) => {
                for host in self.some(share) {
                    self.world.reset(host);
                }
            }
            Deed::Loss(share) => self.world.link_mut().loss = share.get(),
        }
    }

    /// A share of the honest nodes that run, by chance.
    fn some(&mut self, share: Share) -> Vec<HostId> {
        let mut all: Vec<HostId> = self.running();
        let count = share.of(all.len());
        (0..count).map(|_| all.swap_remove(self.world.below(all.len()))).collect()
    }

    /// The honest nodes that run, by number.
    fn running(&self) -> Vec<HostId> {
        self.world.living().map(|(host, _)| host).filter(|&host| self.world.is_running(host)).collect()
    }

    fn find(&mut self, index: usize, find: Find) {
        let mut asked = match find.node {
            Some(node) => vec![HostId(node as u32)],
            None => self.running(),
        };
        // Whoever finds the next one ends the watch of the last.
        let watched = self.world.traffic().watched().cloned().map(|watched| (watched, self.world.now()));
        while !asked.is_empty() {
            let host = asked.swap_remove(self.world.below(asked.len()));
            if let Some(exponent) = self.world.find(host) {
                if let Some(before) = self.finds.last_mut() {
                    before.watched = watched;
                }
                let lived = self.world.living().map(|(host, _)| host).collect();
                let at = self.world.now();
                return self.finds.push(Found { exponent, by: host, at, lived, watched: None });
            }
        }
        self.later(FIND_AGAIN, Step::Happen(index));
    }

    fn cut(&mut self, Partition { share, lasts, kind }: Partition) {
        let mut others: Vec<HostId> = self.world.hosts().collect();
        let count = share.of(others.len());
        let mut draw = |count: usize| -> Vec<HostId> {
            let count = count.min(others.len());
            (0..count).map(|_| others.swap_remove(self.world.below(others.len()))).collect()
        };
        let some = draw(count);
        let cut = match kind {
            PartitionKind::Full => Cut::off(some),
            PartitionKind::OneWay => Cut::OneWay(some.into_iter().collect(), others.into_iter().collect()),
            PartitionKind::Partial => {
                let as_many = draw(count);
                Cut::Between(some.into_iter().collect(), as_many.into_iter().collect())
            }
        };
        let id = self.world.cut(cut);
        self.cuts.push(id);
        self.later(lasts.0, Step::Heal(id));
    }

    /// Replaces one node, and plans the next replacement.
    pub(super) fn replace(&mut self, index: usize) {
        let happening = &self.scenario.schedule[index];
        let Deed::Churn(churn) = happening.deed else { return };
        let mut running = self.running();
        let each_minute = churn.per_minute.get() * running.len() as f64;
        if self.passed() >= happening.at.0 + churn.lasts.0 || each_minute <= 0.0 {
            return;
        }
        if running.len() > 1 {
            let old = running.swap_remove(self.world.below(running.len()));
            self.world.kill(old, Disk::Lost);
            let known = running[self.world.below(running.len())];
            let plan = self.plans.newcomer([self.world.address(known)]);
            let new = self.world.add_node(plan);
            self.world.start(new);
        }
        self.later(Duration::from_secs_f64(60.0 / each_minute), Step::Replace(index));
    }
}

/// What has to have happened when a deed was done.
pub(super) fn faults_of(deed: &Deed) -> Vec<Fault> {
    let unless_none = |share: Share, faults: &[Fault]| if share > Share::NONE { faults.to_vec() } else { Vec::new() };
    match deed {
        // Each is looked for by itself.
        Deed::Find(_) => Vec::new(),
        Deed::Kill(some) => unless_none(some.share, &[Fault::CrashedWithDisk]),
        Deed::Leave(some) => unless_none(some.share, &[Fault::Left]),
        Deed::Partition(partition) => {
            let fault = match partition.kind {
                PartitionKind::Full => Fault::Cut,
                PartitionKind::OneWay => Fault::CutOneWay,
                PartitionKind::Partial => Fault::CutBetween,
            };
            unless_none(partition.share, &[fault])
        }
        Deed::Churn(churn) => unless_none(churn.per_minute, &[Fault::CrashedWithoutDisk]),
        Deed::Restart(restart) => {
            let crash = match restart.disk {
                DiskFate::Kept => Fault::CrashedWithDisk,
                DiskFate::Lost => Fault::CrashedWithoutDisk,
            };
            unless_none(restart.share, &[crash, Fault::Restarted])
        }
        Deed::Stall(deed) => unless_none(deed.share, &[Fault::Stalled]),
        Deed::Sleep(deed) => unless_none(deed.share, &[Fault::Slept, Fault::Woken]),
        Deed::Reset(some) => unless_none(some.share, &[Fault::Reset]),
        Deed::Loss(share) => unless_none(*share, &[Fault::Lost]),
    }
}
