//! The engines on a processor's vectors: one transform, written once, for AVX-512 and for AVX2 with FMA.
//!
//! Uses digits, weights and roots of unity. It is Crandall and Fagin's weighted transform in the way of programs for large
//! exponents: decimation in frequency forward, squares where the numbers lie, decimation in time back, so that nothing is
//! ever put back in order; and the inverse's end, the carry and the forward transform's begin are one sweep.
//!
//! # Where the numbers lie
//!
//! n digits are m = n/2 complex numbers z_i = d_2i + i·d_(2i+1). L consecutive ones are a vector of real parts and a vector of
//! imaginary parts (L = 4 or 8 lanes), and the vectors are R rows of C columns, m = R·C·L:
//!
//! ```text
//!             column 0           column 1          …         column C-1
//! row 0       z_0 … z_(L-1)      z_L … z_(2L-1)    …         … z_(CL-1)
//! row 1       z_CL …                                         … z_(2CL-1)
//!  ⋮
//! row R-1     …                                              … z_(m-1)
//!
//!    │ sweep: a butterfly of R numbers down each column, R = 1 … 14, the only radix that need not be a power of two
//!    ▼
//!    ───▶ levels: butterflies of 2, 4 or 8 along each row, down to blocks of L columns, the groups
//!    ▣ leaves: in a group of L vectors a butterfly across the vectors, a transposition, a butterfly across what were lanes
//! ```
//!
//! The rows and the levels treat all lanes alike and multiply by roots that are the same for all of them; lanes meet in the
//! leaves only. After the forward transform row s holds the frequencies that are s modulo R, with the rest of their bits
//! reversed along the columns, so that k and -k are mirror images: that is how squaring, which couples them, finds its pairs.
//!
//! # A squaring
//!
//! 1. [`Middle`]: the levels forward, the leaves, the levels back, pair of blocks by pair of blocks as [`Schedule`] says, so
//!    that each pair stays in the cache from its first pass to its last.
//! 2. [`Sweep`]: back across the rows, out of the weights, to integers, carry, into the weights, forward across the rows.
//!    Where rows are long it does the first level of both directions too, a few columns at a time. A squaring then goes
//!    through memory twice: once here, and once in the middle.
//! 3. `subtract_two`, for Lucas and Lehmer's test: 2·2^shift is one bit of one digit, which after the sweep is spread over one
//!    number in each row, or in each part of each row where the sweep has done the first level.
//!
//! Between two squarings the engine holds what a sweep has left, never plain digits. To hand these out, [`Peek`] undoes the last
//! of it on a copy.
//!
//! # What is where
//!
//! * `vector`: the operations that kernels ask for, [`Simd`]. A value of an implementing type is the proof that the processor has
//!   the instructions, so kernels are safe code. Implementations: `avx512` and `avx2`, one intrinsic a line; `lanes`, plain
//!   arrays, the twin that tests compare both with, bit for bit.
//! * `complex`, `butterfly`: arithmetic on them, forward and inverse by one source.
//! * `geometry`, `schedule`, `tables`: the shape, the order of the steps, and what is multiplied by.
//! * `rows`, `sweep`, `carry`, `middle`, `leaves`: the kernels.
//!
//! Unsafe code is in `avx512`, `avx2` and `rows` alone.

use num_bigint::BigUint;

use self::carry::{Measured, Unmeasured};
use self::complex::Complex;
use self::geometry::Geometry;
use self::middle::Middle;
use self::schedule::Schedule;
use self::sweep::{Begin, Field, Peek, Sweep};
use self::tables::{Roots, Weights};
use self::vector::{MOST_LANES, Simd};
use super::digits::DigitLayout;
use super::length::largest_exponent;
use super::roundoff::RoundOff;
use super::weights::root;
use crate::mersenne::engine::{EngineKind, Recurrence, Squaring, StepError};
use crate::mersenne::exponent::Exponent;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod butterfly;
mod carry;
mod complex;
mod geometry;
#[cfg(all(test, target_arch = "x86_64"))]
mod lanes;
mod leaves;
mod middle;
mod rows;
mod schedule;
mod sweep;
mod tables;
mod vector;

/// Whether this processor has what the engine needs.
pub(super) fn is_available(kind: EngineKind) -> bool {
    match kind {
        #[cfg(target_arch = "x86_64")]
        EngineKind::Avx2 => avx2::Avx2::detect().is_some(),
        #[cfg(target_arch = "x86_64")]
        EngineKind::Avx512 => avx512::Avx512::detect().is_some(),
        #[cfg(not(target_arch = "x86_64"))]
        EngineKind::Avx2 | EngineKind::Avx512 => false,
        EngineKind::Exact | EngineKind::Portable => false,
    }
}

/// The engine of this kind for residues in this layout; `None` where the processor lacks what it needs, or there is no transform
/// of that length.
pub(super) fn engine(kind: EngineKind, layout: DigitLayout) -> Option<Box<dyn Squaring>> {
    match kind {
        #[cfg(target_arch = "x86_64")]
        EngineKind::Avx2 => Some(Box::new(SimdEngine::<avx2::Avx2>::new(layout)?)),
        #[cfg(target_arch = "x86_64")]
        EngineKind::Avx512 => Some(Box::new(SimdEngine::<avx512::Avx512>::new(layout)?)),
        #[cfg(not(target_arch = "x86_64"))]
        EngineKind::Avx2 | EngineKind::Avx512 => None,
        EngineKind::Exact | EngineKind::Portable => None,
    }
}

/// The same, for tests that make faults.
#[cfg(test)]
pub(super) fn corruptible(kind: EngineKind, layout: DigitLayout) -> Box<dyn super::Corruptible> {
    match kind {
        #[cfg(target_arch = "x86_64")]
        EngineKind::Avx2 => Box::new(SimdEngine::<avx2::Avx2>::new(layout).unwrap()),
        #[cfg(target_arch = "x86_64")]
        EngineKind::Avx512 => Box::new(SimdEngine::<avx512::Avx512>::new(layout).unwrap()),
        other => panic!("the {other} engine does not calculate with vectors here"),
    }
}

/// Digits that are looked at are below this, and this near an integer: one butterfly lies between them and the integers that
/// the carry has made.
const LARGEST_DIGIT: f64 = (1u64 << 40) as f64;
/// See [`LARGEST_DIGIT`].
const FROM_INTEGER: f64 = 1.0 / (1u64 << 16) as f64;

/// Every squaring is measured where digits have nearly as many bits as they may, or more: here in bits.
const NEAR: f64 = 0.25;

/// Elsewhere one squaring in so many is measured, and the first ones all.
const MEASURED_ONE_IN: u32 = 64;

/// An engine on vectors of one kind.
struct SimdEngine<S: Simd> {
    simd: S,
    layout: DigitLayout,
    geometry: Geometry,
    schedule: Schedule,
    weights: Weights<S::Vector>,
    roots: Roots<S::Vector>,
    /// e^(-2πi·k/R)
    row_roots: Vec<(f64, f64)>,
    data: Vec<Complex<S::Vector>>,
    shift: u32,
    /// One squaring in so many is measured.
    measured_one_in: u32,
    /// Squarings since the start, or since any multiple of [`MEASURED_ONE_IN`] after the first.
    squarings: u32,
    roundoff: RoundOff,
}

/// Calls a kernel with the number of rows as a constant.
macro_rules! with_rows {
    ($rows:expr, $kernel:ident => $call:expr) => {
        match $rows {
            1 => {
                const $kernel: usize = 1;
                $call
            }
            2 => {
                const $kernel: usize = 2;
                $call
            }
            3 => {
                const $kernel: usize = 3;
                $call
            }
            4 => {
                const $kernel: usize = 4;
                $call
            }
            5 => {
                const $kernel: usize = 5;
                $call
            }
            6 => {
                const $kernel: usize = 6;
                $call
            }
            7 => {
                const $kernel: usize = 7;
                $call
            }
            8 => {
                const $kernel: usize = 8;
                $call
            }
            9 => {
                const $kernel: usize = 9;
                $call
            }
            10 => {
                const $kernel: usize = 10;
                $call
            }
            12 => {
                const $kernel: usize = 12;
                $call
            }
            14 => {
                const $kernel: usize = 14;
                $call
            }
            rows => unreachable!("no sweep has {rows} rows"),
        }
    };
}

impl<S: Simd> SimdEngine<S> {
    fn new(layout: DigitLayout) -> Option<Self> {
        let simd = S::detect()?;
        let length = layout.length();
        let geometry = Geometry::new::<S>(length)?;
        let schedule = Schedule::new(&geometry, S::LANES);
        let zero = simd.splat(0.0);
        let room = f64::from(largest_exponent(S::KIND, length)) - f64::from(layout.exponent().get());
        Some(SimdEngine {
            simd,
            layout,
            weights: Weights::new(simd, layout, &geometry),
            roots: Roots::new(simd, &geometry, &schedule),
            row_roots: (0..geometry.rows).map(|k| root(k as u64, geometry.rows as u32)).collect(),
            data: vec![Complex { re: zero, im: zero }; geometry.size()],
            geometry,
            schedule,
            shift: 0,
            measured_one_in: if room > NEAR * length as f64 { MEASURED_ONE_IN } else { 1 },
            squarings: 0,
            roundoff: RoundOff::default(),
        })
    }

    fn square(&mut self) -> RoundOff {
        self.simd.run(Middle {
            geometry: &self.geometry,
            roots: &self.roots,
            steps: self.schedule.steps(),
            data: &mut self.data,
        });
        let measured = self.squarings < MEASURED_ONE_IN || self.squarings.is_multiple_of(self.measured_one_in);
        self.squarings += 1;
        if self.squarings == 2 * MEASURED_ONE_IN {
            self.squarings = MEASURED_ONE_IN;
        }
        let simd = self.simd;
        let rows = self.geometry.rows;
        let field =
            Field { geometry: &self.geometry, weights: &self.weights, roots: &self.roots, data: &mut self.data };
        if measured {
            with_rows!(rows, R => simd.run(Sweep::<_, _, R> { field, _measure: Measured }))
        } else {
            with_rows!(rows, R => simd.run(Sweep::<_, _, R> { field, _measure: Unmeasured }))
        }
    }

    /// Subtracts 2·2^shift where the digits already are: weighted, across the rows, and through the first level if the sweep
    /// does that. One digit becomes less by a power of two below its base, so it stays small enough.
    fn subtract_two(&mut self) {
        let (digit, offset) = self.layout.place((self.shift + 1) % self.exponent().get());
        let (row, column, lane) = self.geometry.locate(digit / 2, S::LANES);
        let amount = -((1u64 << offset) as f64) * self.weights.of(self.simd, row, column, lane, digit % 2);
        let Geometry { rows, columns, parts, .. } = self.geometry;
        let part = columns / parts;
        for k in 0..rows {
            // e^(-2πi·(row·k/R + column·k/M))
            let first = if k == 0 {
                (1.0, 0.0)
            } else {
                product(self.row_roots[row * k % rows], self.roots.first[column * (rows - 1) + k - 1])
            };
            for q in 0..parts {
                let (re, im) = if q == 0 { first } else { product(first, root((q * column) as u64, columns as u32)) };
                let reversed = if q == 0 { 0 } else { q.reverse_bits() >> (usize::BITS - parts.trailing_zeros()) };
                let place = self.geometry.place(k, reversed * part + column % part);
                // The odd digits are the imaginary parts.
                let (re, im) = if digit.is_multiple_of(2) { (re, im) } else { (-im, re) };
                let number = &mut self.data[place];
                let (mut res, mut ims) = (self.simd.store(number.re), self.simd.store(number.im));
                res[lane] += amount * re;
                ims[lane] += amount * im;
                *number = Complex { re: self.simd.load(res), im: self.simd.load(ims) };
            }
        }
    }

    /// The digits in order, not rounded.
    fn peek(&self) -> impl Iterator<Item = f64> {
        let mut data = self.data.clone();
        let simd = self.simd;
        let field = Field { geometry: &self.geometry, weights: &self.weights, roots: &self.roots, data: &mut data };
        with_rows!(self.geometry.rows, R => simd.run(Peek::<_, R>(field)));
        let vectors =
            (0..self.geometry.rows).flat_map(|row| (0..self.geometry.columns).map(move |column| (row, column)));
        vectors.flat_map(move |(row, column)| {
            let number = data[self.geometry.place(row, column)];
            let (re, im) = (simd.store(number.re), simd.store(number.im));
            (0..S::LANES).flat_map(move |lane| [re[lane], im[lane]])
        })
    }
}

/// a·b
fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

impl<S: Simd> Squaring for SimdEngine<S> {
    fn kind(&self) -> EngineKind {
        S::KIND
    }

    fn exponent(&self) -> Exponent {
        self.layout.exponent()
    }

    fn length(&self) -> Option<usize> {
        Some(self.geometry.length)
    }

    fn start(&mut self, value: &BigUint, shift: u32) {
        self.shift = shift % self.exponent().get();
        self.squarings = 0;
        self.roundoff = RoundOff::default();
        let simd = self.simd;
        let digits = self.layout.digits(value, self.shift);
        for (vector, digits) in digits.chunks_exact(2 * S::LANES).enumerate() {
            let (mut re, mut im) = ([0.0; MOST_LANES], [0.0; MOST_LANES]);
            for (lane, digits) in digits.chunks_exact(2).enumerate() {
                (re[lane], im[lane]) = (digits[0] as f64, digits[1] as f64);
            }
            let place = self.geometry.place(vector / self.geometry.columns, vector % self.geometry.columns);
            self.data[place] = Complex { re: simd.load(re), im: simd.load(im) };
        }
        let field =
            Field { geometry: &self.geometry, weights: &self.weights, roots: &self.roots, data: &mut self.data };
        with_rows!(self.geometry.rows, R => simd.run(Begin::<_, R>(field)));
    }

    fn step(&mut self, recurrence: Recurrence) -> Result<(), StepError> {
        let error = self.square();
        self.shift = (u64::from(self.shift) * 2 % u64::from(self.exponent())) as u32;
        if recurrence == Recurrence::SquareMinusTwo {
            self.subtract_two();
        }
        self.roundoff.note(error.largest());
        self.roundoff.check()
    }

    fn shift(&self) -> u32 {
        self.shift
    }

    fn roundoff(&self) -> f64 {
        self.roundoff.largest()
    }

    fn residue(&self) -> Result<BigUint, StepError> {
        self.roundoff.check()?;
        let mut all_right = true;
        let digits = self.peek().map(|digit| {
            let rounded = digit.round();
            // False for what is not a number.
            let is_digit = digit.abs() < LARGEST_DIGIT && (digit - rounded).abs() < FROM_INTEGER;
            all_right &= is_digit;
            if is_digit { rounded as i64 } else { 0 }
        });
        let residue = self.layout.join(digits, self.shift);
        if all_right {
            Ok(residue)
        } else {
            Err(StepError::SelfCheck { property: "every digit is an integer and in its range" })
        }
    }
}

#[cfg(test)]
impl<S: Simd> super::Corruptible for SimdEngine<S> {
    fn corrupt(&mut self, index: usize, change: &dyn Fn(f64) -> f64) {
        let (row, column, lane) = self.geometry.locate(index / 2, S::LANES);
        let number = &mut self.data[self.geometry.place(row, column)];
        let part = if index.is_multiple_of(2) { &mut number.re } else { &mut number.im };
        let mut lanes = self.simd.store(*part);
        lanes[lane] = change(lanes[lane]);
        *part = self.simd.load(lanes);
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests;
