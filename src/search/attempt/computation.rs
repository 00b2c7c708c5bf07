//! One computation: a test from its beginning or its checkpoint to its end.
//!
//! Uses tests and checkpoints, and the clock to space them.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Attempt, Confirmation, Event, Progress};
use crate::mersenne::{Advance, Errors, Fault, Finding, GaveUp, Interrupt, Method, Plan, Snapshot, State, Test};
use crate::search::checkpoint::{Checkpoints, Loaded};

/// How long a test computes between two looks at the clock.
const SLICE: Duration = Duration::from_micros(200);

/// Work of less time is not worth a file when it is interrupted.
const WORTH_A_FILE: Duration = Duration::from_secs(1);

/// Which of the computations that settle an exponent this is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    /// From 1 on.
    pub(super) number: u32,
    pub(super) method: Method,
    pub(super) plan: Plan,
    pub(super) shift: u32,
}

/// How a computation ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With this finding, by this computation.
    Found {
        finding: Finding,
        by: Confirmation,
        errors: Errors,
    },
    Interrupted {
        iteration: u32,
        checkpoint: Option<u32>,
    },
    GaveUp {
        fault: Fault,
        errors: Errors,
    },
    /// The engine cannot be built here.
    NoEngine,
}

/// A test with its file.
struct Computation<'a> {
    attempt: &'a Attempt,
    test: Test,
    checkpoints: Option<Checkpoints>,
    /// The squarings of the checkpoint on disk.
    on_disk: Option<u32>,
    /// When that was written or tried, or the computation began.
    secured: Instant,
}

/// The checkpoint of a task that an earlier run has left.
pub(super) fn left_behind(
    attempt: &Attempt,
    method: Method,
    number: u32,
    on_event: &mut dyn FnMut(&Event),
) -> Option<Snapshot> {
    let checkpoints = checkpoints(attempt, method, number)?;
    let Loaded { snapshot, unusable } = checkpoints.load(attempt.exponent, method);
    for (path, reason) in unusable {
        on_event(&Event::CheckpointUnusable { path, reason });
    }
    snapshot
}

/// Removes the checkpoint of a task.
pub(super) fn forget(attempt: &Attempt, method: Method, number: u32) {
    if let Some(checkpoints) = checkpoints(attempt, method, number) {
        checkpoints.remove();
    }
}

fn checkpoints(attempt: &Attempt, method: Method, number: u32) -> Option<Checkpoints> {
    let directory: &Path = attempt.checkpoints.as_deref()?;
    Some(Checkpoints::of(directory, attempt.exponent, method, number))
}

/// Carries out a task, from `snapshot` if there is one.
pub(super) fn compute(
    attempt: &Attempt,
    task: Task,
    snapshot: Option<Snapshot>,
    interrupt: &Interrupt,
    on_event: &mut dyn FnMut(&Event),
) -> Ended {
    let build = attempt.build.clone();
    let test = match &snapshot {
        Some(snapshot) => Test::resume(snapshot, task.plan, build),
        None => Test::new(task.method, task.plan, build, task.shift),
    };
    let Ok(test) = test else { return Ended::NoEngine };
    let computation = Computation {
        attempt,
        checkpoints: checkpoints(attempt, task.method, task.number),
        on_disk: snapshot.map(|snapshot| snapshot.current.iteration),
        secured: Instant::now(),
        test,
    };
    computation.run(task.number, interrupt, on_event)
}

impl Computation<'_> {
    fn run(mut self, number: u32, interrupt: &Interrupt, on_event: &mut dyn FnMut(&Event)) -> Ended {
        let Confirmation { method, plan, shift } = self.by();
        let iteration = self.on_disk.unwrap_or(0);
        on_event(&if number == 1 {
            Event::Testing { method, plan, shift, iteration }
        } else {
            Event::Confirming { method, plan, shift, iteration }
        });
        loop {
            let slice = SLICE.as_nanos() / self.test.plan().typical_step().as_nanos().max(1);
            let Advance { squarings, state } = match self.test.advance(slice.clamp(1, 4_096) as u32, interrupt) {
                Ok(advance) => advance,
                Err(GaveUp { fault, iteration: _ }) => return Ended::GaveUp { fault, errors: self.test.errors() },
            };
            let (iteration, total) = self.test.progress();
            let (roundoff, plan) = (self.test.roundoff(), self.test.plan());
            if squarings > 0 {
                on_event(&Event::Progress(Progress { iteration, total, squarings, roundoff, plan }));
            }
            match state {
                State::Running => {
                    if self.secured.elapsed() >= self.attempt.checkpoint_interval {
                        self.secure(on_event);
                    }
                }
                State::WentBack(fault) => on_event(&Event::Error { fault, back_to: iteration, plan }),
                State::Interrupted => {
                    if self.secured.elapsed() >= self.attempt.checkpoint_interval.min(WORTH_A_FILE) {
                        self.secure(on_event);
                    }
                    return Ended::Interrupted { iteration, checkpoint: self.on_disk };
                }
                State::Finished => {
                    if let Some(finding) = self.test.finding() {
                        return Ended::Found { finding, by: self.by(), errors: self.test.errors() };
                    }
                }
            }
        }
    }

    fn by(&self) -> Confirmation {
        Confirmation { method: self.test.method(), plan: self.test.plan(), shift: self.test.start_shift() }
    }

    /// Writes a checkpoint, if there is a place for them. One that fails changes nothing, and is tried again when the next is due.
    fn secure(&mut self, on_event: &mut dyn FnMut(&Event)) {
        if let Some(checkpoints) = &self.checkpoints {
            let snapshot = self.test.snapshot();
            let iteration = snapshot.current.iteration;
            match checkpoints.write(&snapshot) {
                Ok(()) => {
                    self.on_disk = Some(iteration);
                    on_event(&Event::Checkpointed { iteration });
                }
                Err(error) => on_event(&Event::CheckpointFailed { reason: error.to_string() }),
            }
        }
        self.secured = Instant::now();
    }
}
