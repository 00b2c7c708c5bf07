//! The race search: every exponent above the largest known one, in order, until one gives a prime.
//!
//! Uses the verifier, on as many threads as the board has desks. Every node that races does the same work; the fastest finds
//! the next prime first.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::board::{Desk, SearchBoard};
use super::verify::{Verification, verify_with};
use crate::mersenne::{Exponent, Interrupt, StepError};

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SearchOutcome {
    /// The next Mersenne prime has this exponent.
    Found(Exponent),
    /// There is none up to the maximum, or the next candidate is beyond the engine.
    Exhausted,
    /// It was asked to stop.
    Interrupted,
    /// The engine noticed that it had miscalculated; all exponents before are settled.
    EngineFailed {
        /// The exponent it was testing.
        exponent: Exponent,
        /// What it noticed.
        error: StepError,
    },
}

/// Looks for the smallest exponent above `known` (or of all) and at most `max` that gives a prime, and tells `board` how it
/// goes.
///
/// Runs on the calling thread and on further ones, one for each desk of the board, which have ended when this returns.
/// They take the exponents in order. When one gives a prime, those above it are given up and those below it settled first,
/// so that no prime is ever skipped.
pub fn find_above(known: Option<Exponent>, max: u32, interrupt: &Interrupt, board: &SearchBoard) -> SearchOutcome {
    let plan = Plan { last: known, at_hand: BTreeMap::new(), end: None };
    let race = Race { max, interrupt, board, plan: Mutex::new(plan) };
    board.set_exhausted(false);
    race.publish(&race.lock());
    if let Some((own, others)) = board.desks().split_first() {
        thread::scope(|scope| {
            for (number, desk) in (2..).zip(others) {
                let name = format!("search-{number}");
                // Fewer threads find the same primes, later.
                if let Err(error) = thread::Builder::new().name(name).spawn_scoped(scope, || race.work(desk)) {
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

/// One search, shared by its threads.
struct Race<'a> {
    max: u32,
    interrupt: &'a Interrupt,
    board: &'a SearchBoard,
    plan: Mutex<Plan>,
}

/// Who has what.
struct Plan {
    /// The exponent handed out last, or the one to begin above.
    last: Option<Exponent>,
    /// Handed out and not known to be composite, each with what stops its test.
    at_hand: BTreeMap<Exponent, Interrupt>,
    /// The smallest exponent so far that ends the search, and how.
    end: Option<(Exponent, SearchOutcome)>,
}

impl Race<'_> {
    /// Settles one exponent after the other.
    fn work(&self, desk: &Desk) {
        while let Some((exponent, interrupt)) = self.take() {
            let verification = verify_with(exponent, &interrupt, &mut |stage| desk.note(exponent, stage));
            self.settle(exponent, verification);
        }
        desk.clear();
    }

    /// The next exponent, unless the search is over.
    fn take(&self) -> Option<(Exponent, Interrupt)> {
        let mut plan = self.lock();
        if self.interrupt.is_requested() || plan.end.is_some() {
            return None;
        }
        let next = Exponent::next_above(plan.last).filter(|next| next.get() <= self.max)?;
        let interrupt = self.interrupt.child();
        plan.last = Some(next);
        plan.at_hand.insert(next, interrupt.clone());
        Some((next, interrupt))
    }

    fn settle(&self, exponent: Exponent, verification: Verification) {
        self.board.settled(&verification);
        let mut plan = self.lock();
        let end = match verification {
            Verification::HasFactor(_) | Verification::Composite(_) => {
                plan.at_hand.remove(&exponent);
                self.publish(&plan);
                return;
            }
            // It stays at hand, by which `outcome` knows.
            Verification::Interrupted => return,
            Verification::Prime => SearchOutcome::Found(exponent),
            Verification::BeyondEngine { .. } => SearchOutcome::Exhausted,
            Verification::EngineFailed(error) => SearchOutcome::EngineFailed { exponent, error },
        };
        if plan.end.is_none_or(|(sooner, _)| exponent < sooner) {
            plan.end = Some((exponent, end));
            plan.at_hand.range(exponent..).for_each(|(_, interrupt)| interrupt.request());
        }
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

#[cfg(test)]
mod tests;
