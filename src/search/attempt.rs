//! One exponent, from looking for factors to the verdict: what `test`, `search`, `work` and the daemon all call.
//!
//! Uses the tests of `mersenne` and checkpoints. Runs on the calling thread until it is done or interrupted, and says on the
//! way what it does. Nothing is called prime that two different computations do not agree on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::mersenne::factor::{FactorLimit, quick_factor, smallest_factor};
use crate::mersenne::{
    Build, EngineSet, Errors, Exponent, Fault, Finding, Interrupt, Interrupted, Method, Plan, Res64, ResidueType,
    largest_exponent, prp,
};

mod computation;

use computation::{Ended, Task, compute};

/// How often a running test writes a checkpoint.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(30);

/// So many computations at most are made of an exponent, if they disagree.
const COMPUTATIONS: u32 = 4;

/// What is to be done with one exponent.
#[derive(Clone)]
pub struct Attempt {
    /// The p of 2^p − 1.
    pub exponent: Exponent,
    /// Which test; [`Attempt::new`] leaves the choice to the exponent.
    pub method: MethodChoice,
    /// Whether factors are looked for first.
    pub factoring: Factoring,
    /// The engines that may be used.
    pub engines: EngineSet,
    /// The engine and length the test begins with, instead of the fastest. Round-off may still make it longer, and a hit is
    /// confirmed by another.
    pub plan: Option<Plan>,
    /// The directory for checkpoints, made if there is none; without one the test begins anew each time.
    pub checkpoints: Option<PathBuf>,
    /// How often a checkpoint is written.
    pub checkpoint_interval: Duration,
    /// Where the shifts come from: the same seed, the same computation.
    pub seed: u64,
    /// Makes engines.
    pub build: Build,
}

/// Which test is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodChoice {
    /// Lucas and Lehmer's, or from a certain size on Fermat's with Gerbicz's check.
    Auto,
    /// This one.
    Only(Method),
}

/// How far factors are looked for before a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factoring {
    /// Not at all.
    None,
    /// As far as it saves more time than it takes.
    Balanced,
    /// Below this limit.
    UpTo(FactorLimit),
}

/// What an attempt does. Told on the thread that computes, which waits: return at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It looks for factors below this limit.
    Factoring {
        /// The limit.
        limit: FactorLimit,
    },
    /// A test begins, from the beginning or from a checkpoint.
    Testing {
        /// Which test.
        method: Method,
        /// On which engine.
        plan: Plan,
        /// By how many bits the residue was held rotated at the test's beginning.
        shift: u32,
        /// Squarings that the checkpoint has, 0 from the beginning.
        iteration: u32,
    },
    /// Squarings were done; told every few hundred microseconds, or after every one that takes longer.
    Progress(Progress),
    /// A checkpoint was written, and is durable.
    Checkpointed {
        /// Squarings it has.
        iteration: u32,
    },
    /// A checkpoint could not be written; the test goes on, and tries again.
    CheckpointFailed {
        /// What the system said.
        reason: String,
    },
    /// A checkpoint could not be used, and the one before it, or none, is.
    CheckpointUnusable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The computation went wrong, was noticed, and goes on from before.
    Error {
        /// What was noticed.
        fault: Fault,
        /// To which squaring the test went back.
        back_to: u32,
        /// The engine it goes on with.
        plan: Plan,
    },
    /// The test found a prime; a different computation repeats it. Its progress follows.
    Confirming {
        /// Which test.
        method: Method,
        /// On which engine.
        plan: Plan,
        /// By how many bits its residue was held rotated at its beginning.
        shift: u32,
        /// Squarings that its checkpoint has, 0 from the beginning.
        iteration: u32,
    },
}

/// How far a test is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Squarings that count, 0 to `total`.
    pub iteration: u32,
    /// Squarings needed.
    pub total: u32,
    /// Squarings done since this was told last, checks included: also those that are done again.
    pub squarings: u32,
    /// The largest round-off error of this test, 0 to 0.5; 0 where there is none.
    pub roundoff: f64,
    /// The engine and its length.
    pub plan: Plan,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Conclusion {
    /// 2^p − 1 is prime, by at least two different computations.
    Prime(Report),
    /// 2^p − 1 is composite by a test.
    Composite(Report),
    /// 2^p − 1 has this factor.
    HasFactor(u64),
    /// The interrupt was raised first.
    Interrupted {
        /// The squarings done of the test at hand; 0 while factors are looked for.
        iteration: u32,
        /// The squarings of the last checkpoint that is on disk and can be resumed from, if there is one.
        checkpoint: Option<u32>,
    },
    /// None of the engines can test it. It has no small factor.
    BeyondEngine {
        /// The largest number that can be tested as an exponent.
        limit: u32,
    },
    /// The computation went wrong again and again, or its repetitions disagree. Nothing is known.
    Failed {
        /// What was noticed last.
        fault: Fault,
        /// All that was noticed.
        errors: Errors,
    },
}

/// What there is to say about a test that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The p of 2^p − 1.
    pub exponent: Exponent,
    /// The test that decided; for a prime, the one that found it.
    pub method: Method,
    /// The low 64 bits of its last residue, as other programs give them: 0 for a prime by Lucas and Lehmer, 1 or 9 by Fermat.
    pub res64: Res64,
    /// The engine it ended with.
    pub plan: Plan,
    /// By how many bits its residue was held rotated at the beginning.
    pub shift: u32,
    /// What went wrong and was repaired.
    pub errors: Errors,
    /// For a prime: the different computation that agrees.
    pub confirmed: Option<Confirmation>,
}

/// The computation that confirmed a prime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Which test.
    pub method: Method,
    /// On which engine.
    pub plan: Plan,
    /// By how many bits its residue was held rotated at the beginning.
    pub shift: u32,
}

impl Attempt {
    /// Settles `exponent` on this machine's fastest engine: factors first as far as they pay, then the test, with a shift by
    /// chance and no checkpoints.
    pub fn new(exponent: Exponent) -> Attempt {
        let mut seed = [0; 8];
        // Without chance it is the same computation each time, and as right.
        let _ = getrandom::fill(&mut seed);
        Attempt {
            exponent,
            method: MethodChoice::Auto,
            factoring: Factoring::Balanced,
            engines: EngineSet::of_this_machine(),
            plan: None,
            checkpoints: None,
            checkpoint_interval: CHECKPOINT_INTERVAL,
            seed: u64::from_le_bytes(seed),
            build: Arc::new(Plan::build),
        }
    }

    /// Does it. `on_event` is called on this thread.
    ///
    /// Returns within 50 ms of a request by `interrupt`, and the time it takes to write the checkpoint. Checkpoints are
    /// removed when there is a verdict; what an earlier run has left is gone on with.
    pub fn run(&self, interrupt: &Interrupt, on_event: &mut dyn FnMut(&Event)) -> Conclusion {
        let Some(plan) = self.plan.or_else(|| Plan::fastest(self.exponent, self.engines).ok()) else {
            let limit = largest_exponent(self.engines);
            return quick_factor(self.exponent).map_or(Conclusion::BeyondEngine { limit }, Conclusion::HasFactor);
        };
        let method = self.method();
        let snapshot = computation::left_behind(self, method, 1, on_event);
        // Whoever has left a checkpoint has looked for factors before.
        if snapshot.is_none() {
            match self.look_for_factors(plan, interrupt, on_event) {
                Ok(Some(factor)) => return Conclusion::HasFactor(factor),
                Ok(None) => {}
                Err(Interrupted) => return Conclusion::Interrupted { iteration: 0, checkpoint: None },
            }
        }
        let mut random = Random(self.seed);
        let shift = random.below(self.exponent.get());
        let task = Task { number: 1, method, plan, shift };
        let conclusion = match compute(self, task, snapshot, interrupt, on_event) {
            Ended::Found { finding: Finding::Composite(res64), by, errors } => {
                Conclusion::Composite(self.report(by, res64, errors, None))
            }
            Ended::Found { finding: Finding::Hit(res64), by, errors } => {
                let hit = self.report(by, res64, errors, None);
                self.confirm(hit, &mut random, interrupt, on_event)
            }
            ended => self.without_finding(ended),
        };
        match &conclusion {
            Conclusion::Prime(_) | Conclusion::Composite(_) | Conclusion::Failed { .. } => {
                computation::forget(self, method, 1);
                (2..=COMPUTATIONS).for_each(|number| computation::forget(self, Method::LucasLehmer, number));
            }
            Conclusion::HasFactor(_) | Conclusion::Interrupted { .. } | Conclusion::BeyondEngine { .. } => {}
        }
        conclusion
    }

    fn method(&self) -> Method {
        match self.method {
            MethodChoice::Only(method) => method,
            MethodChoice::Auto if self.exponent.get() >= prp::WORTHWHILE_FROM => Method::Prp(ResidueType::One),
            MethodChoice::Auto => Method::LucasLehmer,
        }
    }

    fn look_for_factors(
        &self,
        plan: Plan,
        interrupt: &Interrupt,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Option<u64>, Interrupted> {
        let limit = match self.factoring {
            Factoring::None => return Ok(None),
            Factoring::Balanced => FactorLimit::balanced(self.exponent, plan.typical_step()),
            Factoring::UpTo(limit) => limit,
        };
        on_event(&Event::Factoring { limit });
        smallest_factor(self.exponent, limit, interrupt)
    }

    /// Repeats by Lucas and Lehmer, on other engines and with other shifts, a test that found a prime, until two computations
    /// agree: it is prime if two say so.
    fn confirm(
        &self,
        mut hit: Report,
        random: &mut Random,
        interrupt: &Interrupt,
        on_event: &mut dyn FnMut(&Event),
    ) -> Conclusion {
        let own = Confirmation { method: hit.method, plan: hit.plan, shift: hit.shift };
        let mut others: Vec<Report> = Vec::new();
        for number in 2..=COMPUTATIONS {
            // In turn, so that no engine is asked alone.
            let other = own.plan.different(self.engines).filter(|_| number % 2 == 0);
            let plan = other.unwrap_or(own.plan);
            let p = self.exponent.get();
            // Never the same shift: 1 to p - 1 away from it.
            let shift = ((u64::from(own.shift) + 1 + u64::from(random.below(p - 1))) % u64::from(p)) as u32;
            let snapshot = computation::left_behind(self, Method::LucasLehmer, number, on_event);
            let task = Task { number, method: Method::LucasLehmer, plan, shift };
            let (finding, by, errors) = match compute(self, task, snapshot, interrupt, on_event) {
                Ended::Found { finding, by, errors } => (finding, by, errors),
                ended => return self.without_finding(ended),
            };
            hit.errors = hit.errors.and(errors);
            match finding {
                Finding::Hit(_) if by != own => return Conclusion::Prime(Report { confirmed: Some(by), ..hit }),
                // A checkpoint has brought back the very computation that is to be confirmed.
                Finding::Hit(_) => computation::forget(self, Method::LucasLehmer, number),
                Finding::Composite(res64) => {
                    hit.errors.count(&Fault::Unconfirmed);
                    on_event(&Event::Error { fault: Fault::Unconfirmed, back_to: 0, plan: by.plan });
                    if others.iter().any(|other| other.res64 == res64) {
                        return Conclusion::Composite(self.report(by, res64, hit.errors, None));
                    }
                    others.push(self.report(by, res64, hit.errors, None));
                }
            }
        }
        Conclusion::Failed { fault: Fault::Unconfirmed, errors: hit.errors }
    }

    fn without_finding(&self, ended: Ended) -> Conclusion {
        match ended {
            Ended::Interrupted { iteration, checkpoint } => Conclusion::Interrupted { iteration, checkpoint },
            Ended::GaveUp { fault, errors } => Conclusion::Failed { fault, errors },
            Ended::NoEngine | Ended::Found { .. } => Conclusion::BeyondEngine { limit: largest_exponent(self.engines) },
        }
    }

    fn report(&self, by: Confirmation, res64: Res64, errors: Errors, confirmed: Option<Confirmation>) -> Report {
        let Confirmation { method, plan, shift } = by;
        Report { exponent: self.exponent, method, res64, plan, shift, errors, confirmed }
    }
}

/// Shifts by chance: SplitMix64, whose next state is an addition away (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    /// A number below `bound`, or 0.
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ word >> 31).checked_rem(bound.into()).unwrap_or(0) as u32
    }
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attempt({}, {:?}, {:?})", self.exponent, self.method, self.plan)
    }
}

#[cfg(test)]
mod tests;
