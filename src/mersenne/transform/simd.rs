//! The engines on a processor's vectors: one transform, written once, for AVX-512 and for AVX2 with FMA.

use num_bigint::BigUint;

use self::complex::Complex;
use self::geometry::Geometry;
use self::middle::Middle;
use self::schedule::Schedule;
use self::sweep::{Begin, Field, Measured, Peek, Sweep, Unmeasured};
use self::tables::{Roots, Weights};
use self::vector::{MOST_LANES, Simd};
use super::digits::DigitLayout;
use super::weights::{root, weight};
use crate::mersenne::engine::{EngineError, EngineKind, Recurrence, Squaring, StepError};
use crate::mersenne::exponent::Exponent;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod butterfly;
mod complex;
mod geometry;
#[cfg(test)]
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

/// The engine of this kind and length.
pub(super) fn engine(exponent: Exponent, kind: EngineKind, length: usize) -> Result<Box<dyn Squaring>, EngineError> {
    match kind {
        #[cfg(target_arch = "x86_64")]
        EngineKind::Avx2 => Ok(Box::new(SimdEngine::<avx2::Avx2>::new(exponent, length)?)),
        #[cfg(target_arch = "x86_64")]
        EngineKind::Avx512 => Ok(Box::new(SimdEngine::<avx512::Avx512>::new(exponent, length)?)),
        #[cfg(not(target_arch = "x86_64"))]
        EngineKind::Avx2 | EngineKind::Avx512 => Err(EngineError::Unavailable { engine: kind }),
        EngineKind::Exact | EngineKind::Portable => Err(EngineError::Unavailable { engine: kind }),
    }
}

/// Round-off above this is not trusted; GIMPS's bound.
const ROUNDOFF_LIMIT: f64 = 0.406_25;

/// One squaring in so many is measured, and each of the first 64.
const MEASURED_ONE_IN: u64 = 64;

/// An engine on vectors of one kind.
struct SimdEngine<S: Simd> {
    simd: S,
    layout: DigitLayout,
    geometry: Geometry,
    schedule: Schedule,
    weights: Weights<S::Vector>,
    roots: Roots<S::Vector>,
    data: Vec<Complex<S::Vector>>,
    shift: u32,
    squarings: u64,
    roundoff: f64,
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
    fn new(exponent: Exponent, length: usize) -> Result<Self, EngineError> {
        let simd = S::detect().ok_or(EngineError::Unavailable { engine: S::KIND })?;
        let no_such_length = EngineError::NoSuchLength { exponent, engine: S::KIND, length };
        let layout =
            DigitLayout::new(exponent, length).filter(|layout| layout.small_bits() >= 8).ok_or(no_such_length)?;
        let geometry = Geometry::new::<S>(length).ok_or(no_such_length)?;
        let schedule = Schedule::new(&geometry, S::LANES);
        let zero = simd.splat(0.0);
        Ok(SimdEngine {
            simd,
            layout,
            weights: Weights::new(simd, layout, &geometry),
            roots: Roots::new(simd, &geometry, &schedule),
            data: vec![Complex { re: zero, im: zero }; geometry.size()],
            geometry,
            schedule,
            shift: 0,
            squarings: 0,
            roundoff: 0.0,
        })
    }

    fn square(&mut self) -> f64 {
        self.simd.run(Middle {
            geometry: &self.geometry,
            roots: &self.roots,
            steps: self.schedule.steps(),
            data: &mut self.data,
        });
        let measured = self.squarings < 64 || self.squarings.is_multiple_of(MEASURED_ONE_IN);
        self.squarings += 1;
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

    /// Subtracts 2·2^shift, where the digits already are: in their weights and across the rows.
    fn subtract_two(&mut self) {
        let p = self.exponent().get();
        let (digit, offset) = self.layout.place((self.shift + 1) % p);
        let amount = -((1u64 << offset) as f64) * weight(self.layout, digit);
        let (row, column, lane) = self.geometry.locate(digit / 2, S::LANES);
        let Geometry { rows, columns, parts, .. } = self.geometry;
        // e^(-2πi·(row·k/R + column·k/M)), and the same for the first level where it is done.
        let part = columns / parts;
        for k in 0..rows {
            let first = root((k * (row * columns + column)) as u64, (rows * columns) as u32);
            for q in 0..parts {
                let second = root((q * column) as u64, columns as u32);
                let (re, im) = (first.0 * second.0 - first.1 * second.1, first.0 * second.1 + first.1 * second.0);
                let reversed = if parts == 1 { 0 } else { q.reverse_bits() >> (usize::BITS - parts.trailing_zeros()) };
                let place = self.geometry.place(k, reversed * part + column % part);
                let number = &mut self.data[place];
                let (mut res, mut ims) = (self.simd.to_lanes(number.re), self.simd.to_lanes(number.im));
                let (re, im) = if digit % 2 == 0 { (amount * re, amount * im) } else { (-amount * im, amount * re) };
                res[lane] += re;
                ims[lane] += im;
                *number = Complex { re: self.simd.from_lanes(res), im: self.simd.from_lanes(ims) };
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
            let (re, im) = (simd.to_lanes(number.re), simd.to_lanes(number.im));
            (0..S::LANES).flat_map(move |lane| [re[lane], im[lane]])
        })
    }
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
        self.roundoff = 0.0;
        let simd = self.simd;
        let digits = self.layout.digits(value, self.shift);
        for (vector, digits) in digits.chunks_exact(2 * S::LANES).enumerate() {
            let (mut re, mut im) = ([0.0; MOST_LANES], [0.0; MOST_LANES]);
            for (lane, digits) in digits.chunks_exact(2).enumerate() {
                (re[lane], im[lane]) = (digits[0] as f64, digits[1] as f64);
            }
            let place = self.geometry.place(vector / self.geometry.columns, vector % self.geometry.columns);
            self.data[place] = Complex { re: simd.from_lanes(re), im: simd.from_lanes(im) };
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
        // Not a number is never smaller.
        if !(error <= self.roundoff) {
            self.roundoff = error;
        }
        if error <= ROUNDOFF_LIMIT {
            Ok(())
        } else {
            Err(StepError::RoundOff { measured: error, limit: ROUNDOFF_LIMIT })
        }
    }

    fn shift(&self) -> u32 {
        self.shift
    }

    fn roundoff(&self) -> f64 {
        self.roundoff
    }

    fn residue(&self) -> Result<BigUint, StepError> {
        let mut worst = 0.0;
        let digits = self.peek().map(|digit| {
            let rounded = digit.round();
            let error = if digit.abs() < (1u64 << 40) as f64 { (digit - rounded).abs() } else { f64::NAN };
            if !(error <= worst) {
                worst = error;
            }
            rounded as i64
        });
        let residue = self.layout.join(digits, self.shift);
        if worst <= ROUNDOFF_LIMIT {
            Ok(residue)
        } else {
            Err(StepError::RoundOff { measured: worst, limit: ROUNDOFF_LIMIT })
        }
    }
}
