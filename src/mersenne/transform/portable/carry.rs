//! The sweep between two squarings: unweight, round, carry, weight.
//!
//! Uses layouts and weights. A carry that runs from digit to digit is a chain of dependent operations. Instead each digit splits
//! off what it has too much, h = round(r / base), and adds its neighbour's h, twice: loops without a chain, which compilers turn
//! into vector code. What is left over after the second time is a few units, if digits have at least 8 bits.
//!
//! Weights are products of two table entries: those of digits a·B and b make that of digit a·B + b, or twice that.

use pulp::{Arch, Simd, WithSimd};
use rustfft::num_complex::Complex;

use crate::mersenne::transform::digits::DigitLayout;
use crate::mersenne::transform::weights::{inverse_weight, weight};

/// At most so many digits are a block: its intermediate values stay in the first-level cache.
const BLOCK: usize = 256;

/// Adding it to a number below 2^51 and subtracting it again rounds to an integer.
const ROUNDER: f64 = 1.5 * (1u64 << 52) as f64;

/// From here on the round-off error is not seen any more: neighbouring doubles are an eighth apart.
const TOO_LARGE: f64 = (1u64 << 50) as f64;

/// Weighted digits are whole numbers times weights, rounded once: so far they may be off, relatively.
const NEARLY: f64 = 1.0 / (1u64 << 50) as f64;

pub(super) struct CarrySweep {
    bases: Bases,
    /// By how much a digit may be beyond ±base after two rounds of carrying: the worst squaring of n digits leaves n/4.
    slack: f64,
    /// Of the first digit of each block.
    outer: Vec<Weighting>,
    /// Of each digit of the first block, before scaling; apart, as vector code wants them.
    inner_weights: Vec<f64>,
    inner_inverses: Vec<f64>,
    workspace: Workspace,
}

/// What turns a digit into a weighted one, and a transform's result into a digit.
#[derive(Clone, Copy)]
struct Weighting {
    weight: f64,
    inverse: f64,
}

/// Both sizes of digits.
#[derive(Clone, Copy)]
struct Bases {
    small: f64,
    small_inverse: f64,
    /// Weights of large digits are below it. It lies between two that occur.
    threshold: f64,
}

/// One block's intermediate values.
struct Workspace {
    digits: Vec<f64>,
    weights: Vec<f64>,
    /// What the digit before the block, and then each digit of it, hands on in the first and in the second round.
    first: Vec<f64>,
    second: Vec<f64>,
}

impl CarrySweep {
    pub(super) fn new(layout: DigitLayout) -> Self {
        let n = layout.length();
        let block = BLOCK.min(1 << n.trailing_zeros());
        let weighting = |j| Weighting { weight: weight(layout, j), inverse: inverse_weight(layout, j) };
        // A transform forth and one back multiply by their length, which is n/2.
        let scaled = |j| Weighting { inverse: weighting(j).inverse * (2.0 / n as f64), ..weighting(j) };
        CarrySweep {
            bases: Bases::new(layout),
            slack: n as f64,
            outer: (0..n).step_by(block).map(scaled).collect(),
            inner_weights: (0..block).map(|j| weighting(j).weight).collect(),
            inner_inverses: (0..block).map(|j| weighting(j).inverse).collect(),
            workspace: Workspace {
                digits: vec![0.0; block],
                weights: vec![0.0; block],
                first: vec![0.0; block + 1],
                second: vec![0.0; block + 1],
            },
        }
    }

    /// The weight of a digit.
    pub(super) fn weight(&self, index: usize) -> f64 {
        self.weighting(index).weight
    }

    /// The digit that `weighted` stands for; `None` if that is no integer, or not in its range.
    pub(super) fn digit(&self, index: usize, weighted: f64) -> Option<i64> {
        let weight = self.weight(index);
        let value = weighted / weight;
        let digit = nearest(value);
        let is_right =
            (value - digit).abs() <= digit.abs() * NEARLY && digit.abs() <= self.bases.of(weight).0 + self.slack;
        is_right.then_some(digit as i64)
    }

    fn weighting(&self, index: usize) -> Weighting {
        let block = self.inner_weights.len();
        let (weight, inverse) = (self.inner_weights[index % block], self.inner_inverses[index % block]);
        self.outer[index / block].times(Weighting { weight, inverse })
    }

    /// Makes weighted digits, in their range, of the conjugate of what an inverse transform would make, after subtracting a
    /// power of two from a digit. Returns the largest distance from an integer: ½ when numbers were too large to tell, NaN
    /// when one was not finite.
    pub(super) fn sweep(&mut self, data: &mut [Complex<f64>], less: Option<(usize, f64)>) -> f64 {
        let into_the_first = self.out_of_the_last(data, less);
        Arch::new().dispatch(Sweep { tables: self, data, less, into_the_first })
    }

    /// What the last digit hands on to the first, in both rounds.
    fn out_of_the_last(&self, data: &[Complex<f64>], less: Option<(usize, f64)>) -> (f64, f64) {
        let Some(number) = data.last() else { return (0.0, 0.0) };
        let last = 2 * data.len() - 1;
        let rounded = |index, value| {
            let Weighting { weight, inverse } = self.weighting(index);
            let (base, inverse_base) = self.bases.of(weight);
            let (digit, carry) = split(nearest(value * inverse), base, inverse_base);
            (digit, carry, base, inverse_base)
        };
        let (_, before, ..) = rounded(last - 1, number.re);
        let (digit, first, base, inverse_base) = rounded(last, -number.im);
        let less = less.filter(|&(index, _)| index == last).map_or(0.0, |(_, power)| power);
        (first, split(digit - less + before, base, inverse_base).1)
    }
}

impl Weighting {
    #[inline(always)]
    fn times(self, other: Weighting) -> Weighting {
        let (weight, inverse) = (self.weight * other.weight, self.inverse * other.inverse);
        // A weight of exactly 2 does not occur; the nearest is as far from it as the nth root of 2 from 1.
        let (less, more) = (if weight >= 2.0 { 0.5 } else { 1.0 }, if weight >= 2.0 { 2.0 } else { 1.0 });
        Weighting { weight: weight * less, inverse: inverse * more }
    }
}

impl Bases {
    fn new(layout: DigitLayout) -> Self {
        let small = (1u64 << layout.small_bits()) as f64;
        let threshold = ((f64::from(layout.large_digits()) - 0.5) / layout.length() as f64).exp2();
        Bases { small, small_inverse: 1.0 / small, threshold }
    }

    /// The base of a digit of this weight, and its inverse.
    #[inline(always)]
    fn of(self, weight: f64) -> (f64, f64) {
        // Products of constants, chosen: a choice between two fields becomes a load from a calculated address.
        let more = if weight < self.threshold { 2.0 } else { 1.0 };
        let less = if weight < self.threshold { 0.5 } else { 1.0 };
        (self.small * more, self.small_inverse * less)
    }
}

/// To the nearest integer, for numbers below 2^51; NaN stays NaN.
#[inline(always)]
fn nearest(value: f64) -> f64 {
    (value + ROUNDER) - ROUNDER
}

/// What is left of an integer within ±base/2, and what it is over, in units of its base.
#[inline(always)]
fn split(value: f64, base: f64, inverse_base: f64) -> (f64, f64) {
    let carry = nearest(value * inverse_base);
    (value - carry * base, carry)
}

/// A sweep, to be run on whatever vectors the processor has.
struct Sweep<'a> {
    tables: &'a mut CarrySweep,
    data: &'a mut [Complex<f64>],
    less: Option<(usize, f64)>,
    into_the_first: (f64, f64),
}

impl WithSimd for Sweep<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let CarrySweep { bases, outer, inner_weights, inner_inverses, workspace, .. } = self.tables;
        let Workspace { digits, weights, first, second } = workspace;
        let block = digits.len();
        let vectors = Vectors::new(simd, *bases);
        let mut watch = Watch::new(simd);
        (first[0], second[0]) = self.into_the_first;
        for (number, (data, &outer)) in self.data.chunks_exact_mut(block / 2).zip(&*outer).enumerate() {
            for (pair, number) in digits.as_chunks_mut::<2>().0.iter_mut().zip(&*data) {
                *pair = [number.re, -number.im];
            }
            vectors.round(digits, weights, &mut first[1..], outer, inner_weights, inner_inverses, &mut watch);
            if let Some((index, power)) = self.less.filter(|&(index, _)| index / block == number) {
                digits[index % block] -= power;
            }
            vectors.carry(digits, weights, first, &mut second[1..]);
            vectors.weight(digits, weights, second);
            for (pair, number) in digits.as_chunks::<2>().0.iter().zip(data) {
                *number = Complex::new(pair[0], pair[1]);
            }
            (first[0], second[0]) = (first[block], second[block]);
        }
        watch.verdict(simd)
    }
}

/// The arithmetic of [`Bases`], [`Weighting`], [`nearest`] and [`split`] on vectors.
#[derive(Clone, Copy)]
struct Vectors<S: Simd> {
    simd: S,
    one: S::f64s,
    two: S::f64s,
    half: S::f64s,
    rounder: S::f64s,
    threshold: S::f64s,
    small: S::f64s,
    large: S::f64s,
    small_inverse: S::f64s,
    large_inverse: S::f64s,
}

impl<S: Simd> Vectors<S> {
    #[inline(always)]
    fn new(simd: S, bases: Bases) -> Self {
        let all = |value| simd.splat_f64s(value);
        let (small, small_inverse) = bases.of(2.0);
        let (large, large_inverse) = bases.of(0.0);
        Vectors {
            simd,
            one: all(1.0),
            two: all(2.0),
            half: all(0.5),
            rounder: all(ROUNDER),
            threshold: all(bases.threshold),
            small: all(small),
            large: all(large),
            small_inverse: all(small_inverse),
            large_inverse: all(large_inverse),
        }
    }

    #[inline(always)]
    fn nearest(&self, value: S::f64s) -> S::f64s {
        self.simd.sub_f64s(self.simd.add_f64s(value, self.rounder), self.rounder)
    }

    #[inline(always)]
    fn split(&self, value: S::f64s, weight: S::f64s) -> (S::f64s, S::f64s) {
        let simd = self.simd;
        let is_large = simd.less_than_f64s(weight, self.threshold);
        let base = simd.select_f64s(is_large, self.large, self.small);
        let inverse_base = simd.select_f64s(is_large, self.large_inverse, self.small_inverse);
        let carry = self.nearest(simd.mul_f64s(value, inverse_base));
        (simd.sub_f64s(value, simd.mul_f64s(carry, base)), carry)
    }

    /// Unweights a block, rounds it, and splits off what its digits hand on in the first round.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "slices apart are what vector code wants")]
    fn round(
        &self,
        digits: &mut [f64],
        weights: &mut [f64],
        carries: &mut [f64],
        outer: Weighting,
        inner_weights: &[f64],
        inner_inverses: &[f64],
        watch: &mut Watch<S>,
    ) {
        let simd = self.simd;
        let (outer_weight, outer_inverse) = (simd.splat_f64s(outer.weight), simd.splat_f64s(outer.inverse));
        let outputs = whole_mut::<S>(digits).iter_mut().zip(whole_mut::<S>(weights)).zip(whole_mut::<S>(carries));
        let inner = whole::<S>(inner_weights).iter().zip(whole::<S>(inner_inverses));
        for (((digit, weight), carry), (&inner_weight, &inner_inverse)) in outputs.zip(inner) {
            let product = simd.mul_f64s(outer_weight, inner_weight);
            let is_in_range = simd.less_than_f64s(product, self.two);
            *weight = simd.mul_f64s(product, simd.select_f64s(is_in_range, self.one, self.half));
            let inverse = simd.mul_f64s(outer_inverse, inner_inverse);
            let inverse = simd.mul_f64s(inverse, simd.select_f64s(is_in_range, self.one, self.two));
            let value = simd.mul_f64s(*digit, inverse);
            let rounded = self.nearest(value);
            watch.see(simd, value, rounded);
            (*digit, *carry) = self.split(rounded, *weight);
        }
    }

    /// Adds what was handed on in the first round, and splits off what is handed on in the second.
    #[inline(always)]
    fn carry(&self, digits: &mut [f64], weights: &[f64], received: &[f64], carries: &mut [f64]) {
        let outputs = whole_mut::<S>(digits).iter_mut().zip(whole_mut::<S>(carries));
        let inputs = whole::<S>(weights).iter().zip(whole::<S>(received));
        for ((digit, carry), (&weight, &received)) in outputs.zip(inputs) {
            (*digit, *carry) = self.split(self.simd.add_f64s(*digit, received), weight);
        }
    }

    /// Adds what was handed on in the second round, and weights.
    #[inline(always)]
    fn weight(&self, digits: &mut [f64], weights: &[f64], received: &[f64]) {
        let inputs = whole::<S>(weights).iter().zip(whole::<S>(received));
        for (digit, (&weight, &received)) in whole_mut::<S>(digits).iter_mut().zip(inputs) {
            *digit = self.simd.mul_f64s(self.simd.add_f64s(*digit, received), weight);
        }
    }
}

/// The whole vectors of a slice; blocks have nothing but these.
#[inline(always)]
fn whole<S: Simd>(values: &[f64]) -> &[S::f64s] {
    S::as_simd_f64s(values).0
}

#[inline(always)]
fn whole_mut<S: Simd>(values: &mut [f64]) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(values).0
}

/// What rounding tells about the transform before it.
struct Watch<S: Simd> {
    largest_error: S::f64s,
    /// Sums keep a NaN; maxima may drop it.
    sum_of_errors: S::f64s,
    largest_value: S::f64s,
}

impl<S: Simd> Watch<S> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        let zero = simd.splat_f64s(0.0);
        Watch { largest_error: zero, sum_of_errors: zero, largest_value: zero }
    }

    #[inline(always)]
    fn see(&mut self, simd: S, value: S::f64s, rounded: S::f64s) {
        let error = simd.abs_f64s(simd.sub_f64s(value, rounded));
        self.largest_error = simd.max_f64s(self.largest_error, error);
        self.sum_of_errors = simd.add_f64s(self.sum_of_errors, error);
        self.largest_value = simd.max_f64s(self.largest_value, simd.abs_f64s(value));
    }

    /// The largest distance from an integer, ½ when numbers were too large to tell, NaN when one was not finite.
    #[inline(always)]
    fn verdict(&self, simd: S) -> f64 {
        if !simd.reduce_sum_f64s(self.sum_of_errors).is_finite() {
            f64::NAN
        } else if simd.reduce_max_f64s(self.largest_value) >= TOO_LARGE {
            0.5
        } else {
            simd.reduce_max_f64s(self.largest_error)
        }
    }
}
