//! The race search: every exponent of a range, in order, until one gives a prime, or all of them.
//!
//! Uses attempts, on as many threads as the board has desks. Every node that races does the same work; the fastest finds
//! the next prime first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::attempt::{Attempt, Conclusion, Event};
use super::board::{Desk, SearchBoard};
use super::checkpoint;
use crate::mersenne::{EngineSet, Exponent, Fault, Interrupt};

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SearchOutcome {
    /// The next Mersenne prime has this exponent.
    Found(Exponent),
    /// There is none, or no further one, up to the maximum, or the next candidate is beyond the engines.
    Exhausted,
    /// It was asked to stop.
    Interrupted,
    /// A computation went wrong again and again; all exponents before are settled.
    EngineFailed {
        /// The exponent it was testing.
        exponent: Exponent,
        /// What was noticed last.
        fault: Fault,
    },
}

/// Where is searched, and by what.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The largest number that may be an exponent.
    pub max: u32,
    /// The engines that may be used.
    pub engines: EngineSet,
    /// The directory for checkpoints; without one a test that is interrupted begins anew.
    pub checkpoints: Option<PathBuf>,
}

impl Scope {
    /// Exponents up to `max`, on all engines of this machine, without checkpoints.
    pub fn up_to(max: u32) -> Scope {
        Scope { max, engines: EngineSet::of_this_machine(), checkpoints: None }
    }

    /// Looks for the smallest exponent above `known` (or of all) that gives a prime, and tells `board` how it goes.
    ///
    /// Runs on the calling thread and on further ones, one for each desk of the board, which have ended when this returns.
    /// They take the exponents in order. When one gives a prime, those above it are given up and those below it settled first,
    /// so that no prime is ever skipped. Checkpoints of exponents up to `known` are removed.
    pub fn find_above(&self, known: Option<Exponent>, interrupt: &Interrupt, board: &SearchBoard) -> SearchOutcome {
        if let (Some(directory), Some(known)) = (&self.checkpoints, known) {
            checkpoint::tidy(directory, known);
        }
        self.race(known, None, interrupt, board)
    }

    /// Searches above `known`: to the first prime, or, when there is somebody to tell, on to the maximum.
    pub(super) fn race(
        &self,
        known: Option<Exponent>,
        found: Option<Sender<Exponent>>,
        interrupt: &Interrupt,
        board: &SearchBoard,
    ) -> SearchOutcome {
        let plan =
            Plan { last: known, at_hand: BTreeMap::new(), end: None, goal: found.map_or(Goal::First, Goal::all) };
        let race = Race { scope: self, interrupt, board, plan: Mutex::new(plan) };
        board.set_exhausted(false);
        race.publish(&race.lock());
        if let Some((own, others)) = board.desks().split_first() {
            thread::scope(|scope| {
                for (number, desk) in (2..).zip(others) {
                    let name = format!("search-{number}");
                    // Fewer threads find the same primes, later.
                    if let Err(error) = thread::Builder::new()
                        .name(name)
                        .stack_size(super::STACK)
                        .spawn_scoped(scope, || race.work(desk))
                    {
                        tracing::warn!("the search goes on with {} threads: {error}", number - 1);
                        break;
                    }
                }
                race.work(own);
            });
        }
        let outcome = race.outcome();
        board.set_exhausted(outcome == SearchOutcome::Exhausted);
        outcome
    }
}

/// Looks for the smallest exponent above `known` (or of all) and at most `max` that gives a prime, as
/// [`Scope::find_above`] does, without checkpoints.
pub fn find_above(known: Option<Exponent>, max: u32, interrupt: &Interrupt, board: &SearchBoard) -> SearchOutcome {
    Scope::up_to(max).find_above(known, interrupt, board)
}

/// One search, shared by its threads.
struct Race<'a> {
    scope: &'a Scope,
    interrupt: &'a Interrupt,
    board: &'a SearchBoard,
    plan: Mutex<Plan>,
}

/// What ends a search.
enum Goal {
    /// The first prime.
    First,
    /// The maximum. Primes are told in order: these wait for what is at hand below them.
    All { waiting: BTreeSet<Exponent>, found: Sender<Exponent> },
}

impl Goal {
    fn all(found: Sender<Exponent>) -> Goal {
        Goal::All { waiting: BTreeSet::new(), found }
    }
}

/// Who has what.
struct Plan {
    /// The exponent handed out last, or the one to begin above.
    last: Option<Exponent>,
    /// Handed out and not settled, each with what stops its test.
    at_hand: BTreeMap<Exponent, Interrupt>,
    /// The smallest exponent so far that ends the search, and how.
    end: Option<(Exponent, SearchOutcome)>,
    goal: Goal,
}

impl Race<'_> {
    /// Settles one exponent after the other.
    fn work(&self, desk: &Desk) {
        while let Some((exponent, interrupt)) = self.take() {
            let attempt = Attempt {
                engines: self.scope.engines,
                checkpoints: self.scope.checkpoints.clone(),
                ..Attempt::new(exponent)
            };
            let conclusion = attempt.run(&interrupt, &mut |event| {
                self.board.note(desk, exponent, event);
                log(exponent, event);
            });
            self.settle(exponent, &conclusion);
        }
        desk.clear();
    }

    /// The next exponent, unless the search is over.
    fn take(&self) -> Option<(Exponent, Interrupt)> {
        let mut plan = self.lock();
        if self.interrupt.is_requested() || plan.end.is_some() {
            return None;
        }
        let next = Exponent::next_above(plan.last).filter(|next| next.get() <= self.scope.max)?;
        let interrupt = self.interrupt.child();
        plan.last = Some(next);
        plan.at_hand.insert(next, interrupt.clone());
        Some((next, interrupt))
    }

    fn settle(&self, exponent: Exponent, conclusion: &Conclusion) {
        self.board.settled(conclusion);
        let mut plan = self.lock();
        let end = match conclusion {
            Conclusion::HasFactor(_) | Conclusion::Composite(_) => return self.remove(&mut plan, exponent),
            // It stays at hand, by which `outcome` knows.
            Conclusion::Interrupted { .. } => return,
            Conclusion::Prime(_) => match &mut plan.goal {
                Goal::First => SearchOutcome::Found(exponent),
                Goal::All { waiting, .. } => {
                    waiting.insert(exponent);
                    return self.remove(&mut plan, exponent);
                }
            },
            Conclusion::BeyondEngine { .. } => SearchOutcome::Exhausted,
            Conclusion::Failed { fault, .. } => SearchOutcome::EngineFailed { exponent, fault: *fault },
        };
        if plan.end.is_none_or(|(sooner, _)| exponent < sooner) {
            plan.end = Some((exponent, end));
            plan.at_hand.range(exponent..).for_each(|(_, interrupt)| interrupt.request());
        }
    }

    /// An exponent is settled; primes that have waited for that are told.
    fn remove(&self, plan: &mut Plan, exponent: Exponent) {
        plan.at_hand.remove(&exponent);
        let lowest = plan.at_hand.keys().next().copied();
        if let Goal::All { waiting, found } = &mut plan.goal {
            while let Some(first) = waiting.first().copied().filter(|&first| lowest.is_none_or(|lowest| first < lowest))
            {
                waiting.remove(&first);
                // Whoever has stopped listening is not told.
                _ = found.send(first);
            }
        }
        self.publish(plan);
    }

    /// How the search has ended, once no thread works on it any more.
    fn outcome(&self) -> SearchOutcome {
        let plan = self.lock();
        match (plan.at_hand.keys().next(), plan.end) {
            (Some(&lowest), Some((exponent, outcome))) if lowest == exponent => outcome,
            (Some(_), _) => SearchOutcome::Interrupted,
            (None, _) if self.interrupt.is_requested() => SearchOutcome::Interrupted,
            (None, _) => SearchOutcome::Exhausted,
        }
    }

    /// Tells the board up to where everything is settled.
    fn publish(&self, plan: &Plan) {
        let lowest = plan.at_hand.keys().next().copied();
        if let Some(frontier) = lowest.or_else(|| Exponent::next_above(plan.last)) {
            self.board.set_frontier(frontier);
        }
    }

    /// A thread that has panicked leaves the plan whole.
    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an operator should hear of.
fn log(exponent: Exponent, event: &Event) {
    match event {
        Event::Error { fault, back_to, plan } => {
            tracing::warn!("M{exponent}: {fault}; going on from squaring {back_to} on the {} engine", plan.kind());
        }
        Event::CheckpointFailed { reason } => {
            tracing::warn!("M{exponent}: no checkpoint could be written, and the test goes on: {reason}");
        }
        Event::CheckpointUnusable { path, reason } => {
            tracing::warn!("M{exponent}: the checkpoint {} is not used: {reason}", path.display());
        }
        Event::Testing { iteration, .. } | Event::Confirming { iteration, .. } if *iteration > 0 => {
            tracing::info!("M{exponent}: going on from squaring {iteration}");
        }
        Event::Factoring { .. }
        | Event::Testing { .. }
        | Event::Progress(_)
        | Event::Checkpointed { .. }
        | Event::Confirming { .. } => {}
    }
}

#[cfg(test)]
mod tests;
