//! The carry: what a transform gives, out of its weights, to integers, to digits, and into the weights again.
//!
//! Uses complex vectors and weights. The carry has no chain (the bulk of it goes up one digit and what that leaves goes up one
//! more), so that nothing waits for a neighbour. Of the two digits a and b of a complex number, rounded to integers:
//!
//! ```text
//! H = a to the nearest multiple of its base             a - H stays, H goes up as a carry to b
//! I = b + (H's carry) likewise                          b + … - I stays, I goes up to the next number's a
//! G = a - H + (what came up to it) likewise             a - H + … - G stays, G goes up to b
//! ```
//!
//! With digits of b bits the sums are some 2^(2b)·√n/5 before they are carried, so that I carries 2^b·√n/5 and G, what is
//! too much of that, √n/5. That the second digit keeps without rounding again, and the next squaring squares it too. Nothing
//! is lost; but does it stay so small? If σ² is the mean square of digits, sums are σ²·√(2n), G carries σ²·√(2n)/2^(2b), and
//! half of the digits have the square of that on top of 2^(2b)/12: σ² = 2^(2b)/12 + n·σ⁴/2^(4b), which has a solution as
//! long as n < 3·2^(2b). At the bits a length is for, 2^(2b) is thousands of times n and more; with 8 bits it ends at
//! n = 196,608. Beyond, which only a length chosen by hand can be, digits grow until round-off stops the test.
//!
//! Rounding to a multiple of a power of two is an addition and a subtraction of 1.5·2^52 times that power: doubles of
//! that size have just those multiples between them.

use super::complex::Complex;
use super::tables::Weights;
use super::vector::Simd;

/// Adding and subtracting this rounds to an integer.
const TO_INTEGER: f64 = 1.5 * (1u64 << 52) as f64;

/// Whether the distance of the results from integers is measured.
pub(super) trait Measure: Copy {
    const MEASURES: bool;
}

/// Measured.
#[derive(Clone, Copy)]
pub(super) struct Measured;

/// Not measured, which is a little faster.
#[derive(Clone, Copy)]
pub(super) struct Unmeasured;

impl Measure for Measured {
    const MEASURES: bool = true;
}

impl Measure for Unmeasured {
    const MEASURES: bool = false;
}

/// A number between its own carries and what comes up to it.
#[derive(Clone, Copy)]
pub(super) struct Pending<V> {
    pub(super) digits: Complex<V>,
    /// What goes up from it.
    pub(super) carry: V,
}

/// What is the same for all digits.
pub(super) struct Constants<V> {
    wrap: V,
    large_below: V,
    half: V,
    two: V,
    to_integer: V,
    /// What rounds to a multiple of the base, and one over the base, for the digits with a bit more.
    large: (V, V),
    /// The same for the others.
    small: (V, V),
}

impl<V: Copy> Constants<V> {
    #[inline(always)]
    pub(super) fn new<S: Simd<Vector = V>>(s: S, weights: &Weights<V>) -> Self {
        let base = (1u64 << weights.bits) as f64;
        Constants {
            wrap: s.splat(weights.wrap),
            large_below: s.splat(weights.large_below),
            half: s.splat(0.5),
            two: s.splat(2.0),
            to_integer: s.splat(TO_INTEGER),
            large: (s.splat(2.0 * base * TO_INTEGER), s.splat(0.5 / base)),
            small: (s.splat(base * TO_INTEGER), s.splat(1.0 / base)),
        }
    }
}

/// The weights and bases of one vector of complex numbers.
pub(super) struct Digit<'a, V> {
    pub(super) re: Scale<V>,
    pub(super) im: Scale<V>,
    constants: &'a Constants<V>,
}

#[derive(Clone, Copy)]
pub(super) struct Scale<V> {
    pub(super) weight: V,
    pub(super) inverse: V,
    to_multiple: V,
    per_base: V,
}

impl<V: Copy> Scale<V> {
    #[inline(always)]
    pub(super) fn new<S: Simd<Vector = V>>(s: S, constants: &Constants<V>, column: (V, V), row: (V, V)) -> Self {
        let (weight, inverse) = (s.mul(column.0, row.0), s.mul(column.1, row.1));
        let fits = s.less(weight, constants.wrap);
        let weight = s.select(fits, weight, s.mul(weight, constants.half));
        let inverse = s.select(fits, inverse, s.mul(inverse, constants.two));
        let large = s.less(weight, constants.large_below);
        Scale {
            weight,
            inverse,
            to_multiple: s.select(large, constants.large.0, constants.small.0),
            per_base: s.select(large, constants.large.1, constants.small.1),
        }
    }
}

impl<'a, V: Copy> Digit<'a, V> {
    #[inline(always)]
    pub(super) fn new<S: Simd<Vector = V>>(
        s: S,
        constants: &'a Constants<V>,
        column: (Complex<V>, Complex<V>),
        row: (f64, f64),
    ) -> Self {
        let row = (s.splat(row.0), s.splat(row.1));
        Digit {
            re: Scale::new(s, constants, (column.0.re, column.1.re), row),
            im: Scale::new(s, constants, (column.0.im, column.1.im), row),
            constants,
        }
    }

    /// The nearest integers of what the transform gave.
    #[inline(always)]
    pub(super) fn rounded<S: Simd<Vector = V>, M: Measure>(&self, s: S, x: Complex<V>, error: &mut V) -> Complex<V> {
        let to_integer = self.constants.to_integer;
        let re = s.sub(s.mul_add(x.re, self.re.inverse, to_integer), to_integer);
        let im = s.sub(s.mul_add(x.im, self.im.inverse, to_integer), to_integer);
        if M::MEASURES {
            *error = s.max_abs(*error, s.mul_sub(x.re, self.re.inverse, re));
            *error = s.max_abs(*error, s.mul_sub(x.im, self.im.inverse, im));
        }
        Complex { re, im }
    }

    /// The digits without their bulk, which goes up.
    #[inline(always)]
    pub(super) fn carried<S: Simd<Vector = V>>(&self, s: S, x: Complex<V>) -> Pending<V> {
        let high = s.sub(s.add(x.re, self.re.to_multiple), self.re.to_multiple);
        let im = s.mul_add(high, self.re.per_base, x.im);
        let higher = s.sub(s.add(im, self.im.to_multiple), self.im.to_multiple);
        Pending {
            digits: Complex { re: s.sub(x.re, high), im: s.sub(im, higher) },
            carry: s.mul(higher, self.im.per_base),
        }
    }

    /// The digits with what comes up to them, weighted.
    #[inline(always)]
    pub(super) fn settled<S: Simd<Vector = V>>(&self, s: S, digits: Complex<V>, coming: V) -> Complex<V> {
        let re = s.add(digits.re, coming);
        let high = s.sub(s.add(re, self.re.to_multiple), self.re.to_multiple);
        let im = s.mul_add(high, self.re.per_base, digits.im);
        Complex { re: s.mul(s.sub(re, high), self.re.weight), im: s.mul(im, self.im.weight) }
    }
}
