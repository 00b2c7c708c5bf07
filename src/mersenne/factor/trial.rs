//! The trial itself: which of 32 candidates divide 2^p - 1, by the fastest kernel that runs here.
//!
//! Uses Montgomery arithmetic and the kernels. All kernels raise 2 to the power by squarings and doublings, several
//! candidates at a time, whose chains of multiplications overlap in the processor.

use std::sync::OnceLock;

use super::chain::{BATCH, Chain};
use super::fma::Fma;
use super::ifma::Ifma;
use crate::mersenne::engine::EngineKind;
use crate::mersenne::exponent::Exponent;
use crate::mersenne::montgomery::Montgomery;
use crate::mersenne::plan::EngineSet;

/// The vector kernels take candidates below 2^49, which leaves their arithmetic the room it needs.
pub(super) const VECTOR_LIMIT: u64 = 1 << 49;

/// The instructions by which candidates are tried. All of them give the same answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Multiplication of 64 bits, on any processor, for any candidate.
    Scalar,
    /// Multiplication of doubles, four at a time: AVX2 and FMA. Scalar from 2^49 on.
    Fma,
    /// Multiplication of 52 bits, eight at a time: AVX-512 IFMA. Scalar from 2^49 on.
    Ifma,
}

impl Kernel {
    /// All of them, the slowest first.
    pub const ALL: [Kernel; 3] = [Kernel::Scalar, Kernel::Fma, Kernel::Ifma];

    /// The fastest that the processor has, and that the engines in use allow.
    pub fn of_this_machine() -> Kernel {
        static FOUND: OnceLock<Kernel> = OnceLock::new();
        let engines = EngineSet::of_this_machine();
        let is_allowed = |kernel: &Kernel| match kernel {
            Kernel::Scalar => true,
            Kernel::Fma => engines.contains(EngineKind::Avx2),
            Kernel::Ifma => engines.contains(EngineKind::Avx512),
        };
        let runs = |kernel: &Kernel| is_allowed(kernel) && kernel.is_available();
        *FOUND.get_or_init(|| Kernel::ALL.into_iter().rev().find(runs).unwrap_or(Kernel::Scalar))
    }

    /// Whether this processor has the instructions.
    pub fn is_available(self) -> bool {
        match self {
            Kernel::Scalar => true,
            Kernel::Fma => Fma::detect().is_some(),
            Kernel::Ifma => Ifma::detect().is_some(),
        }
    }
}

/// Tries candidates for one exponent.
pub(super) struct Trial {
    number: Number,
    vectors: Vectors,
}

/// The number to be divided.
enum Number {
    /// It fits in 64 bits.
    Word(u64),
    /// It does not: the way to 2^-p by multiplications of 64 bits.
    Power(Chain),
}

/// The kernel for candidates below [`VECTOR_LIMIT`].
enum Vectors {
    None,
    Fma(Fma, Chain),
    Ifma(Ifma, Chain),
}

impl Trial {
    /// A kernel that is not available is replaced by the scalar one.
    pub(super) fn new(exponent: Exponent, kernel: Kernel) -> Self {
        if let Some(number) = super::word(exponent) {
            return Trial { number: Number::Word(number), vectors: Vectors::None };
        }
        let vectors = match kernel {
            Kernel::Scalar => None,
            Kernel::Fma => Fma::detect().map(|fma| Vectors::Fma(fma, Chain::upward(exponent))),
            Kernel::Ifma => Ifma::detect().map(|ifma| Vectors::Ifma(ifma, Chain::downward(exponent, 52))),
        };
        Trial { number: Number::Power(Chain::downward(exponent, 64)), vectors: vectors.unwrap_or(Vectors::None) }
    }

    /// Bit i of the answer: whether candidate i divides 2^p - 1.
    ///
    /// Candidates are odd, above p and below 2^63.
    pub(super) fn hits(&self, candidates: &[u64; BATCH]) -> u32 {
        let chain = match &self.number {
            Number::Word(number) => return mask_of(candidates, |candidate| number.is_multiple_of(candidate)),
            Number::Power(chain) => chain,
        };
        // All are below a power of two when their union is.
        if candidates.iter().fold(0, |union, candidate| union | candidate) >= VECTOR_LIMIT {
            return scalar_hits(chain, candidates);
        }
        match &self.vectors {
            Vectors::None => scalar_hits(chain, candidates),
            Vectors::Fma(fma, chain) => fma.hits(chain, candidates),
            Vectors::Ifma(ifma, chain) => ifma.hits(chain, candidates),
        }
    }
}

fn mask_of(candidates: &[u64; BATCH], divides: impl Fn(u64) -> bool) -> u32 {
    candidates.iter().rev().fold(0, |mask, &candidate| mask << 1 | u32::from(divides(candidate)))
}

/// Candidates of the scalar kernel that are tried together.
const LANES: usize = 4;

/// The kernel for any processor and any odd candidate below 2^63.
fn scalar_hits(chain: &Chain, candidates: &[u64; BATCH]) -> u32 {
    let mut mask = 0;
    for lanes in candidates.as_chunks::<LANES>().0.iter().rev() {
        let fields = lanes.map(Montgomery::new);
        let mut powers = [1 << chain.start; LANES];
        for doubles in chain.steps() {
            for (power, field) in powers.iter_mut().zip(fields) {
                *power = field.square(*power);
            }
            if doubles {
                for (power, field) in powers.iter_mut().zip(fields) {
                    *power = field.double(*power);
                }
            }
        }
        mask = powers.iter().rev().fold(mask, |mask, &power| mask << 1 | u32::from(power == 1));
    }
    mask
}

#[cfg(test)]
mod tests;
