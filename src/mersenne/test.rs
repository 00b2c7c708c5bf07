//! A test of either method, advanced a slice at a time.
//!
//! Uses both tests. Has no clock and no file: whoever runs it decides how long a slice is, and what to do with snapshots.

use num_bigint::BigUint;

use super::course::{Build, Course, GaveUp};
use super::engine::{EngineError, Res64};
use super::interrupt::Interrupt;
use super::lucas_lehmer::LucasLehmer;
use super::method::{Errors, Fault, Method};
use super::plan::Plan;
use super::prp::{self, Prp};
use super::snapshot::Snapshot;

/// What a slice of a test came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advance {
    /// Squarings done, checks included.
    pub squarings: u32,
    /// How it ended.
    pub state: State,
}

/// How a slice of a test ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// There is more to do.
    Running,
    /// This was noticed, and the test stands where it was right.
    WentBack(Fault),
    /// It was asked to stop, and can be run on.
    Interrupted,
    /// All is done.
    Finished,
}

/// What the end of a test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The residue is a prime's. One computation's word: it may be wrong.
    Hit(Res64),
    /// It is not.
    Composite(Res64),
}

/// One test.
pub enum Test {
    /// Lucas and Lehmer's.
    LucasLehmer(LucasLehmer),
    /// Fermat's, under Gerbicz's check.
    Prp(Prp),
}

impl Test {
    /// The test of `plan`'s exponent from the beginning, its residue held rotated by `shift` mod p bits. 2 is tested by Lucas
    /// and Lehmer whatever the method: 3 is no base for 3.
    ///
    /// # Errors
    /// When the engine cannot be built.
    pub fn new(method: Method, plan: Plan, build: Build, shift: u32) -> Result<Test, EngineError> {
        match method {
            Method::Prp(residue) if plan.exponent().get() > 2 => Prp::new(residue, plan, build, shift).map(Test::Prp),
            Method::Prp(_) | Method::LucasLehmer => LucasLehmer::new(plan, build, shift).map(Test::LucasLehmer),
        }
    }

    /// The test from where `snapshot` was taken, on `plan` or on the longer transform that it has turned out to need.
    ///
    /// # Errors
    /// When the engine cannot be built.
    pub fn resume(snapshot: &Snapshot, plan: Plan, build: Build) -> Result<Test, EngineError> {
        match snapshot.method {
            Method::LucasLehmer => LucasLehmer::resume(snapshot, plan, build).map(Test::LucasLehmer),
            Method::Prp(residue) => Prp::resume(snapshot, residue, plan, build).map(Test::Prp),
        }
    }

    /// Squares up to about `squarings` times, and looks at `interrupt` before each. Comes back early when it went back, is
    /// done, or was interrupted.
    ///
    /// # Errors
    /// When it has failed again and again. The test is then worthless.
    pub fn advance(&mut self, squarings: u32, interrupt: &Interrupt) -> Result<Advance, GaveUp> {
        match self {
            Test::LucasLehmer(test) => test.advance(squarings, interrupt),
            Test::Prp(test) => test.advance(squarings, interrupt),
        }
    }

    /// The test at this moment, or at the last good one if the engine cannot vouch for this.
    pub fn snapshot(&mut self) -> Snapshot {
        match self {
            Test::LucasLehmer(test) => test.snapshot(),
            Test::Prp(test) => test.snapshot(),
        }
    }

    /// Squarings done that count, of so many.
    pub fn progress(&self) -> (u32, u32) {
        match self {
            Test::LucasLehmer(test) => test.progress(),
            Test::Prp(test) => test.progress(),
        }
    }

    fn course(&self) -> &Course {
        match self {
            Test::LucasLehmer(test) => test.course(),
            Test::Prp(test) => test.course(),
        }
    }

    /// The method.
    pub fn method(&self) -> Method {
        match self {
            Test::LucasLehmer(_) => Method::LucasLehmer,
            Test::Prp(test) => Method::Prp(test.residue_type()),
        }
    }

    /// The engine it is on now.
    pub fn plan(&self) -> Plan {
        self.course().plan()
    }

    /// What went wrong and was repaired.
    pub fn errors(&self) -> Errors {
        self.course().errors()
    }

    /// The largest round-off error so far, 0 to 0.5.
    pub fn roundoff(&self) -> f64 {
        self.course().roundoff()
    }

    /// By how many bits the residue was held rotated at the beginning.
    pub fn start_shift(&self) -> u32 {
        match self {
            Test::LucasLehmer(test) => test.start_shift(),
            Test::Prp(test) => test.start_shift(),
        }
    }

    /// What came of it; `None` while it goes on.
    pub fn finding(&self) -> Option<Finding> {
        match self {
            Test::LucasLehmer(test) => test.ending().map(|residue| {
                if *residue == BigUint::ZERO {
                    Finding::Hit(Res64::new(0))
                } else {
                    Finding::Composite(Res64::of(residue))
                }
            }),
            Test::Prp(test) => test.ending().map(|power| {
                let exponent = self.plan().exponent();
                let res64 = Res64::of(&prp::residue(test.residue_type(), power, exponent));
                if prp::is_hit(power, exponent) { Finding::Hit(res64) } else { Finding::Composite(res64) }
            }),
        }
    }
}

impl std::fmt::Debug for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (iteration, total) = self.progress();
        write!(f, "Test({} of {}, {iteration} of {total})", self.method(), self.plan().exponent())
    }
}
