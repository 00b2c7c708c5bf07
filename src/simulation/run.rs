//! Makes a scenario happen with a seed, and measures it.
//!
//! A run is an agenda: starts, happenings and their ends, samples, and bounds that are looked at on the way. Everything drawn
//! by chance comes from the world's seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use self::measure::Meter;
use super::convergence;
use super::host::HostId;
use super::invariants::{Checks, Violation};
use super::report::{self, Report};
use super::scenario::{Deed, Happening, Probe, Scenario, Share};
use super::trace::TraceOf;
use super::traffic::Watched;
use super::world::World;
use super::{CutId, Fault};
use crate::mersenne::Exponent;
use crate::protocol::{Label as _, Time};

mod deeds;
mod many;
mod measure;
mod setup;

pub use many::{each, threads};

/// The most hosts of a world in which everything is checked after every event.
const CHECKED_MAX: usize = 64;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Virtual time that has passed.
    pub done: Duration,
    /// Virtual time in all.
    pub total: Duration,
    /// Datagrams sent.
    pub datagrams: u64,
}

/// Runs a scenario with one seed. What does not hold is in the report; a broken invariant ends the run.
pub fn run(scenario: &Scenario, seed: u64, trace: Option<TraceOf>, progress: &mut dyn FnMut(Progress)) -> Report {
    let began = (Instant::now(), measure::core_time());
    let mut run = Run::new(scenario, seed);
    if let Some(of) = trace {
        run.world.follow(of);
    }
    let violation = run.go_to_end(progress).err();
    let mut report = run.report(seed, violation);
    let seconds = began.0.elapsed().as_secs_f64();
    let on_core = began.1.zip(measure::core_time()).map(|(from, to)| to.saturating_sub(from).as_secs_f64());
    // What took a few ticks of the scheduler only was not measured.
    let core_seconds = on_core.filter(|&core_seconds| core_seconds > 0.02).unwrap_or(seconds);
    let speed = report.seconds / core_seconds.max(1e-6);
    report.real = report::Real { seconds, core_seconds, speed, peak_memory: measure::peak_memory() };
    report
}

/// What comes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Start(HostId),
    /// The happening at this place of the schedule.
    Happen(usize),
    Heal(CutId),
    /// One node is replaced, and the next after this pause, until the end of the happening at this place.
    Replace(usize),
    Wake(HostId),
    /// The bound at this place of the probes.
    Look(usize),
    Sample,
    MeterUpkeep,
}

/// A run on its way.
struct Run<'a> {
    scenario: &'a Scenario,
    world: World,
    began: Time,
    agenda: BinaryHeap<Reverse<(Time, u64, Step)>>,
    /// Orders what comes at the same time.
    scheduled: u64,
    probes: Vec<(super::scenario::Span, Probe)>,
    plans: setup::Plans,
    finds: Vec<Found>,
    cuts: Vec<CutId>,
    meter: Meter,
    failures: Vec<String>,
    adversaries: usize,
}

/// A prime that was found.
struct Found {
    exponent: Exponent,
    by: HostId,
    at: Time,
    /// The honest nodes that lived.
    lived: Vec<HostId>,
    /// How it spread, and until when that was watched: until the next one was found, or the end.
    watched: Option<(Watched, Time)>,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, seed: u64) -> Run<'a> {
        let checks = if scenario.nodes <= CHECKED_MAX { Checks::Every } else { Checks::Light };
        let mut world = World::new(seed, scenario.link.link(), checks);
        world.disks_mut().delay = scenario.disk.0;
        let (plans, starts) = setup::build(scenario, &mut world);
        let adversaries = world.hosts().filter(|&host| !world.is_honest(host)).count();
        let mut run = Run {
            scenario,
            began: world.now(),
            world,
            agenda: BinaryHeap::new(),
            scheduled: 0,
            probes: scenario.expect.probes(),
            plans,
            finds: Vec::new(),
            cuts: Vec::new(),
            meter: Meter::new(scenario),
            failures: Vec::new(),
            adversaries,
        };
        for (host, at) in starts {
            run.plan(at, Step::Start(host));
        }
        for (index, happening) in scenario.schedule.iter().enumerate() {
            run.plan(happening.at.0, Step::Happen(index));
        }
        for index in 0..run.probes.len() {
            run.plan(run.probes[index].0.0, Step::Look(index));
        }
        let every = run.meter.interval();
        let samples = (scenario.duration.0.as_secs_f64() / every.as_secs_f64()).floor() as u32;
        for sample in 1..=samples {
            run.plan(every * sample, Step::Sample);
        }
        run.plan(run.meter.upkeep_from(), Step::MeterUpkeep);
        run
    }

    /// Puts a step on the agenda, so long after the beginning.
    fn plan(&mut self, at: Duration, step: Step) {
        self.scheduled += 1;
        self.agenda.push(Reverse((self.began + at, self.scheduled, step)));
    }

    /// Puts a step on the agenda, so long from now.
    fn later(&mut self, after: Duration, step: Step) {
        self.plan(self.passed() + after, step);
    }

    /// Virtual time since the beginning.
    fn passed(&self) -> Duration {
        self.world.now().since(self.began)
    }

    fn go_to_end(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), Violation> {
        let total = self.scenario.duration.0;
        let end = self.began + total;
        let mut shown = Instant::now();
        while let Some(Reverse((at, _, step))) = self.agenda.pop() {
            if at > end {
                break;
            }
            self.world.run_until(at)?;
            self.take(step);
            if shown.elapsed() > Duration::from_millis(100) {
                shown = Instant::now();
                progress(Progress { done: self.passed(), total, datagrams: self.world.traffic().datagrams() });
            }
        }
        self.world.run_until(end)
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Start(host) => self.world.start(host),
            Step::Happen(index) => self.happen(index),
            Step::Heal(cut) => self.world.heal(cut),
            Step::Replace(index) => self.replace(index),
            Step::Wake(host) => self.world.wake(host),
            Step::Look(index) => self.look(index),
            Step::Sample => self.meter.sample(&self.world, self.passed()),
            Step::MeterUpkeep => self.meter.begin_upkeep(&self.world, self.passed()),
        }
    }

    /// Looks whether a bound holds now.
    fn look(&mut self, index: usize) {
        let (at, probe) = self.probes[index];
        let failure = match probe {
            Probe::Ring(share) => ring_failure(convergence::ring(&self.world), share),
            Probe::OneComponent => {
                let components = convergence::components(&self.world).len();
                (components > 1).then(|| format!("{components} components, one is wanted"))
            }
            Probe::Connected => convergence::connected(&self.world).err(),
            Probe::Agreement => convergence::agreement(&self.world).err(),
        };
        self.failures.extend(failure.map(|failure| format!("at {at}: {failure}")));
    }

    fn report(mut self, seed: u64, violation: Option<Violation>) -> Report {
        let ended = violation.is_none();
        self.meter.sample(&self.world, self.passed());
        if let Some(found) = self.finds.last_mut() {
            found.watched = self.world.traffic().watched().cloned().map(|watched| (watched, self.world.now()));
        }
        let seconds = self.passed().as_secs_f64();
        let mut report = self.meter.report(&self.world, &self.finds, self.began);
        report.seed = seed;
        report.seconds = seconds;
        report.hosts = self.world.hosts().len();
        report.adversaries = self.adversaries;
        let disturbed = self.scenario.schedule.iter().filter(|happening| !matches!(happening.deed, Deed::Find(_)));
        let disturbed = disturbed.map(|happening| happening.at.0 + happening.deed.lasts().0).max().unwrap_or_default();
        let disturbed = disturbed.max(self.scenario.start.last().0);
        report.converged_after = report::converged_after(&report.samples, disturbed.as_secs_f64());
        report.failures.extend(violation.map(|violation| violation.to_string()));
        report.failures.append(&mut self.failures);
        if ended {
            // What was cut short says nothing about bounds.
            report.failures.extend(report::judge(&self.scenario.expect, &report));
            report.failures.extend(self.never_happened());
        }
        report
    }

    /// What was to happen and did not: a run without its faults shows nothing.
    fn never_happened(&self) -> Vec<String> {
        let faults = self.world.faults();
        let mut wanted: Vec<Fault> = Vec::new();
        let link = &self.scenario.link;
        for (chance, fault) in
            [(link.loss, Fault::Lost), (link.duplication, Fault::Duplicated), (link.reordering, Fault::Reordered)]
        {
            wanted.extend((chance > Share::NONE).then_some(fault));
        }
        wanted.extend(self.scenario.nat.as_ref().filter(|nat| nat.share > Share::NONE).map(|_| Fault::Translated));
        let schedule = self.scenario.schedule.iter();
        wanted.extend(schedule.flat_map(|Happening { deed, .. }| deeds::faults_of(deed)));
        let missing = faults.faults().filter(|(fault, times)| *times == 0 && wanted.contains(fault));
        let mut told: Vec<String> = missing.map(|(fault, _)| format!("there were no {}", fault.as_str())).collect();
        let idle = self.cuts.iter().filter(|&&cut| self.world.dropped_by(cut) == 0).count();
        if idle > 0 {
            told.push(format!("{idle} partitions dropped nothing"));
        }
        if self.adversaries > 0 && !self.meter.met_adversaries() {
            told.push("no hostile host ever was a peer of an honest one".to_owned());
        }
        let finds = self.scenario.schedule.iter().filter(|happening| matches!(happening.deed, Deed::Find(_))).count();
        if self.finds.len() < finds {
            told.push(format!("{} of {finds} primes were found", self.finds.len()));
        }
        told
    }
}

/// Why a ring is not as right as it should be.
fn ring_failure(truth: convergence::RingTruth, share: Share) -> Option<String> {
    let wrong = truth.right < share.at_least_of(truth.nodes);
    wrong.then(|| {
        let percent = 100.0 * truth.share();
        let convergence::RingTruth { nodes, right, wrong } = truth;
        let wrong: Vec<String> = wrong.iter().map(|host| host.0.to_string()).collect();
        format!(
            "{right} of {nodes} nodes ({percent:.3} %) know their true neighbours on the ring, {share} are wanted; wrong are \
             hosts {} …",
            wrong.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
