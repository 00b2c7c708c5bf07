//! Which engine tests which exponent: what the processor has, what is switched on, what is fastest, what comes next
//! when a transform turns out to be too short, and what is a different computation.
//!
//! Uses the engines. Everything that tests takes its engine from a [`Plan`].

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use super::engine::{EngineError, EngineKind, Squaring};
use super::exact::{self, ExactEngine};
use super::exponent::Exponent;
use super::transform::{self, length};

/// Names the engines that may be used, separated by commas, for tests and comparisons: `MERSENNED_ENGINES=portable,exact`.
/// The exact engine is always among them. Names of no engine are ignored.
pub const ENGINES_VARIABLE: &str = "MERSENNED_ENGINES";

/// Some of the engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSet(u8);

impl EngineSet {
    /// The engine on big integers, which runs anywhere and is the last resort.
    pub const EXACT: EngineSet = EngineSet(1 << EngineKind::Exact as u8);

    /// What this machine's processor can run and [`ENGINES_VARIABLE`] leaves on; found out once.
    pub fn of_this_machine() -> EngineSet {
        static FOUND: OnceLock<EngineSet> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let wanted = env::var(ENGINES_VARIABLE).ok();
            let runs = |kind: &EngineKind| match kind {
                EngineKind::Exact => true,
                EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => {
                    transform::is_available(*kind)
                        && wanted.as_ref().is_none_or(|names| names.split(',').any(|name| name.trim() == kind.name()))
                }
            };
            EngineKind::ALL.into_iter().filter(runs).collect()
        })
    }

    /// Whether this engine is among them.
    pub const fn contains(self, kind: EngineKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Those that are in both sets.
    pub const fn and(self, other: EngineSet) -> EngineSet {
        EngineSet(self.0 & other.0)
    }

    /// The engines, the slowest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = EngineKind> {
        EngineKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<EngineKind> for EngineSet {
    fn from_iter<I: IntoIterator<Item = EngineKind>>(kinds: I) -> Self {
        EngineSet(kinds.into_iter().fold(0, |set, kind| set | 1 << kind as u8))
    }
}

/// An engine for an exponent, chosen and not yet built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    exponent: Exponent,
    kind: EngineKind,
    /// 0 for the exact engine.
    length: usize,
}

impl Plan {
    /// The fastest engine of `engines` that can test `exponent`.
    ///
    /// # Errors
    /// [`EngineError::BeyondLimit`] when none can.
    pub fn fastest(exponent: Exponent, engines: EngineSet) -> Result<Plan, EngineError> {
        let plans = engines.iter().filter_map(|kind| Plan::of(exponent, kind).ok());
        let fastest = plans.min_by_key(|plan| plan.typical_step());
        fastest.ok_or(EngineError::BeyondLimit { exponent, limit: largest_exponent(engines) })
    }

    /// This kind of engine, with its shortest transform that is long enough.
    ///
    /// # Errors
    /// [`EngineError`], when the exponent is too large or too small for it. Whether the processor can run it is not asked.
    pub fn of(exponent: Exponent, kind: EngineKind) -> Result<Plan, EngineError> {
        if kind == EngineKind::Exact {
            let limit = exact::MAX_EXPONENT;
            return if exponent.get() <= limit {
                Ok(Plan { exponent, kind, length: 0 })
            } else {
                Err(EngineError::BeyondLimit { exponent, limit })
            };
        }
        let least = length::smallest_exponent(kind);
        if exponent.get() < least {
            return Err(EngineError::TooSmall { exponent, engine: kind, least });
        }
        length::lengths(kind)
            .find(|&length| exponent.get() <= length::largest_exponent(kind, length))
            .map(|length| Plan { exponent, kind, length })
            .ok_or(EngineError::BeyondLimit { exponent, limit: largest_exponent(EngineSet::from_iter([kind])) })
    }

    /// This kind of engine with a transform of `length` points, which may be too short: its round-off will tell.
    ///
    /// # Errors
    /// [`EngineError::NoSuchLength`] when it has no such transform, or its digits would have fewer than 8 or more than 23 bits.
    pub fn with_length(exponent: Exponent, kind: EngineKind, length: usize) -> Result<Plan, EngineError> {
        if length::lengths(kind).any(|one| one == length) && length::is_conceivable(exponent, length) {
            Ok(Plan { exponent, kind, length })
        } else {
            Err(EngineError::NoSuchLength { exponent, engine: kind, length })
        }
    }

    /// The p of the modulus.
    pub fn exponent(self) -> Exponent {
        self.exponent
    }

    /// Which engine.
    pub fn kind(self) -> EngineKind {
        self.kind
    }

    /// The transform's length in points; `None` for the exact engine.
    pub fn length(self) -> Option<usize> {
        (self.length > 0).then_some(self.length)
    }

    /// The same kind of engine with its next longer transform; `None` when there is none, or no round-off to cure.
    pub fn longer(self) -> Option<Plan> {
        length::lengths(self.kind)
            .find(|&length| length > self.length && self.kind != EngineKind::Exact)
            .and_then(|length| Plan::with_length(self.exponent, self.kind, length).ok())
    }

    /// A computation that shares as little as possible with this one, to repeat a test that found a prime: big integers
    /// below 20,000, otherwise another length of the fastest engine.
    pub fn different(self, engines: EngineSet) -> Option<Plan> {
        const EXACT_BELOW: u32 = 20_000;
        if self.exponent.get() < EXACT_BELOW && self.kind != EngineKind::Exact {
            return Plan::of(self.exponent, EngineKind::Exact).ok();
        }
        let fastest = Plan::fastest(self.exponent, engines).ok()?;
        if fastest.length == self.length { fastest.longer() } else { Some(fastest) }
    }

    /// Builds the engine, its residue 0.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`] when this processor cannot run it.
    pub fn build(self) -> Result<Box<dyn Squaring>, EngineError> {
        match self.kind {
            EngineKind::Exact => Ok(Box::new(ExactEngine::new(self.exponent)?)),
            EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => {
                transform::engine(self.exponent, self.kind, self.length)
            }
        }
    }

    /// Roughly what a squaring takes, to decide what else is worth doing: figures measured once, on one machine.
    pub fn typical_step(self) -> Duration {
        match self.kind {
            EngineKind::Exact => exact::typical_step(self.exponent),
            EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => {
                transform::typical_step(self.kind, self.length)
            }
        }
    }
}

/// The largest number that one of these engines takes as an exponent.
pub fn largest_exponent(engines: EngineSet) -> u32 {
    let of = |kind| match kind {
        EngineKind::Exact => exact::MAX_EXPONENT,
        EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => {
            length::lengths(kind).last().map_or(0, |length| length::largest_exponent(kind, length))
        }
    };
    engines.iter().map(of).max().unwrap_or(0)
}
