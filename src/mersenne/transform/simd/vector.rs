//! What the kernels ask of a processor: vectors of a few doubles, and the operations on them.
//!
//! Uses nothing. A value of a type that implements [`Simd`] is the proof that this processor has the instructions: it comes
//! from [`Simd::detect`] only, every operation takes it, and it occupies no memory. So all kernels are safe code; what
//! is unsafe is in the implementations, one intrinsic a line, and in `rows`.

use crate::mersenne::engine::EngineKind;

/// The most lanes any implementation has.
pub(super) const MOST_LANES: usize = 8;

/// A processor's vectors. Lane 0 is the first in memory.
///
/// Every operation is `#[inline(always)]`, and so is every kernel down to the one function that [`run`](Simd::run)
/// compiles for the processor: an intrinsic outside of that would be a call, twenty times slower.
pub(super) trait Simd: Copy + Send + Sync + 'static {
    /// A vector of [`LANES`](Self::LANES) doubles.
    type Vector: Copy + Send + Sync;
    /// A truth value for each lane.
    type Mask: Copy;
    /// Lanes of a vector: 4 or 8.
    const LANES: usize;
    /// The engine that calculates with these.
    const KIND: EngineKind;

    /// The proof that this processor has the instructions, if it has.
    fn detect() -> Option<Self>;

    /// Runs `kernel`, compiled for this processor.
    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output;

    /// `x` in every lane.
    fn splat(self, x: f64) -> Self::Vector;
    /// The first [`LANES`](Self::LANES) of these.
    fn load(self, lanes: [f64; MOST_LANES]) -> Self::Vector;
    /// The lanes, and 0 behind them.
    fn store(self, v: Self::Vector) -> [f64; MOST_LANES];

    /// a + b
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a - b
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a·b
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a·b + c, rounded once
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// a·b - c, rounded once
    fn mul_sub(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// c - a·b, rounded once
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger of a and |b|; b where that is not a number.
    fn max_abs(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a < b
    fn less(self, a: Self::Vector, b: Self::Vector) -> Self::Mask;
    /// `yes` where the mask is true, `no` elsewhere.
    fn select(self, mask: Self::Mask, yes: Self::Vector, no: Self::Vector) -> Self::Vector;

    /// The lanes moved up by one; the last of `before` comes first.
    fn shift_in(self, v: Self::Vector, before: Self::Vector) -> Self::Vector;
    /// The lanes in reverse.
    fn reverse(self, v: Self::Vector) -> Self::Vector;
    /// The lane of index -k where there was k, both read with their bits reversed: 0 1 3 2 7 6 5 4.
    fn negate_index(self, v: Self::Vector) -> Self::Vector;
    /// `v` with lane 0 of `first`.
    fn with_first(self, v: Self::Vector, first: Self::Vector) -> Self::Vector;
    /// Lane i of vector j for lane j of vector i; as many vectors as lanes.
    fn transpose(self, vectors: &mut [Self::Vector; MOST_LANES]);
}

/// A computation that is compiled for each processor.
pub(super) trait Kernel<S: Simd> {
    /// What it gives.
    type Output;

    /// Does it. Must be `#[inline(always)]`.
    fn run(self, simd: S) -> Self::Output;
}
