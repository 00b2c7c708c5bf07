//! The sweep between two squarings: across the rows back, out of the weights, to integers, carry, into the weights, and
//! across the rows forward again. Every number is read and written once.
//!
//! Uses butterflies and weights. The carry has no chain (the bulk of it goes up one digit and what that leaves goes up one
//! more), so that nothing waits for a neighbour. Of the two digits a and b of a complex number, rounded to integers:
//!
//! ```text
//! H = a to the nearest multiple of its base      a - H stays, H goes up as a carry to b
//! I = b likewise                                 b - I stays, I goes up to the next number's a
//! G = a + (what came up) likewise                a + … - G stays, G goes up to b
//! ```
//!
//! G's carry is as small as the carry's carry: about √n/12, and b keeps it without rounding again. Next time around it is
//! part of what the transform squares, and digits of 8 bits and more are not disturbed by it. Sums are kept exactly:
//! nothing is lost, digits are only not always as small as they could be.
//!
//! Rounding to a multiple of a power of two is an addition and a subtraction of 1.5·2^52 times that power.

use super::butterfly::butterfly;
use super::complex::{Complex, Direction, Forward, Inverse};
use super::geometry::{Geometry, place};
use super::middle::Pass;
use super::rows::{Column, Rows};
use super::tables::{Roots, Weights};
use super::vector::{Kernel, Simd};
use crate::mersenne::transform::roundoff::RoundOff;

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

/// What carries along the rows in one part of the data.
struct Part<V, const R: usize> {
    /// What goes up from the last column done, for each row.
    carries: [V; R],
    /// The first column, which waits for what comes up to it from the last column of the part before.
    first: [Pending<V>; R],
}

/// A number between its own carries and what comes up to it.
#[derive(Clone, Copy)]
struct Pending<V> {
    digits: Complex<V>,
    /// What goes up from it.
    carry: V,
}

/// Columns of a block that goes through memory once, where the first level is done in the sweep.
const BLOCK: usize = 8;

/// What all of this works on.
pub(super) struct Field<'a, V> {
    pub(super) geometry: &'a Geometry,
    pub(super) weights: &'a Weights<V>,
    pub(super) roots: &'a Roots<V>,
    pub(super) data: &'a mut [Complex<V>],
}

impl<V: Copy> Field<'_, V> {
    #[inline(always)]
    fn rows<const R: usize>(&mut self) -> Rows<'_, Complex<V>, R> {
        let mut offsets = [0; R];
        for (row, offset) in offsets.iter_mut().enumerate() {
            *offset = row * self.geometry.row_stride;
        }
        Rows::new(self.data, offsets, place(self.geometry.columns - 1) + 1)
    }

    /// The first level, where it is done in the sweep, on some columns of every part.
    #[inline(always)]
    fn first_level<S: Simd<Vector = V>, D: Direction>(&mut self, s: S, direction: D, columns: (usize, usize)) {
        if self.geometry.parts > 1 {
            let pass = Pass::new(self.geometry, self.roots, 0).of_columns(columns.0, columns.1);
            for row in 0..self.geometry.rows {
                pass.run(s, direction, &mut self.data[row * self.geometry.row_stride..]);
            }
        }
    }
}

/// A whole sweep.
pub(super) struct Sweep<'a, V, M, const R: usize> {
    pub(super) field: Field<'a, V>,
    pub(super) _measure: M,
}

impl<S: Simd, M: Measure, const R: usize> Kernel<S> for Sweep<'_, S::Vector, M, R> {
    /// The largest distance from an integer; 0 if it is not measured.
    type Output = RoundOff;

    #[inline(always)]
    fn run(self, s: S) -> RoundOff {
        let mut field = self.field;
        let zero = s.splat(0.0);
        let nothing = Pending { digits: Complex { re: zero, im: zero }, carry: zero };
        let empty = || Part::<_, R> { carries: [zero; R], first: [nothing; R] };
        let (mut one, mut several) = ([empty()], Vec::new());
        let parts: &mut [_] = if field.geometry.parts == 1 {
            &mut one
        } else {
            several.resize_with(field.geometry.parts, empty);
            &mut several
        };
        let length = field.geometry.columns / parts.len();
        let block = if parts.len() == 1 { length } else { BLOCK };
        let mut error = zero;
        let mut from = 0;
        while from < length {
            field.first_level(s, Inverse, (from, from + block));
            for (number, part) in parts.iter_mut().enumerate() {
                let begin = number * length;
                let columns = (begin + from, begin + from + block);
                sweep_columns::<S, M, R>(s, &mut field, part, columns, begin, &mut error);
            }
            // The first column waits.
            field.first_level(s, Forward, (from.max(1), from + block));
            from += block;
        }
        finish::<S, R>(s, &mut field, parts);
        field.first_level(s, Forward, (0, 1));
        let mut largest = RoundOff::default();
        s.store(error).into_iter().for_each(|lane| largest.note(lane));
        largest
    }
}

/// The columns from the first to the one before the second, of a part that begins at column `begin`.
#[inline(always)]
fn sweep_columns<S: Simd, M: Measure, const R: usize>(
    s: S,
    field: &mut Field<'_, S::Vector>,
    part: &mut Part<S::Vector, R>,
    (from, to): (usize, usize),
    begin: usize,
    error: &mut S::Vector,
) {
    let weights = field.weights;
    let constants = Constants::new(s, weights);
    let all_roots = &field.roots.first[from * (R - 1)..to * (R - 1)];
    let column_weights = weights.columns[from..to].iter().zip(&weights.inverse_columns[from..to]);
    let row_weights = row_weights::<R>(weights);
    let mut rows = field.rows::<R>();
    let mut carries = part.carries;
    let mut largest = *error;
    for (number, (weight, inverse)) in column_weights.enumerate() {
        let column = from + number;
        let roots = &all_roots[number * (R - 1)..][..R - 1];
        let mut places = rows.at(place(column));
        let mut x = back::<S, R>(s, &places, roots);
        for r in 0..R {
            let digit = Digit::new(s, &constants, (*weight, *inverse), row_weights[r]);
            let rounded = digit.rounded::<S, M>(s, x[r], &mut largest);
            let pending = digit.carried(s, rounded);
            if column == begin {
                part.first[r] = pending;
            }
            let coming = s.shift_in(pending.carry, carries[r]);
            carries[r] = pending.carry;
            x[r] = digit.settled(s, pending.digits, coming);
        }
        forth::<S, R>(s, x, &mut places, roots);
    }
    part.carries = carries;
    *error = largest;
}

/// The end of a sweep: the first columns of all parts, each with what comes up from the part before.
#[inline(always)]
fn finish<S: Simd, const R: usize>(s: S, field: &mut Field<'_, S::Vector>, parts: &[Part<S::Vector, R>]) {
    let weights = field.weights;
    let roots = field.roots;
    let constants = Constants::new(s, weights);
    let row_weights = row_weights::<R>(weights);
    let length = field.geometry.columns / parts.len();
    let mut rows = field.rows::<R>();
    for (number, part) in parts.iter().enumerate() {
        // Before the first part of a row comes the last of the row before; before the first row the last, as 2^p = 1.
        let before = &parts[(number + parts.len() - 1) % parts.len()];
        let column = number * length;
        let column_weight = (weights.columns[column], weights.inverse_columns[column]);
        let mut x = [part.first[0].digits; R];
        for r in 0..R {
            let digit = Digit::new(s, &constants, column_weight, row_weights[r]);
            let carries = if number == 0 { before.carries[(r + R - 1) % R] } else { before.carries[r] };
            let coming = s.shift_in(part.first[r].carry, carries);
            x[r] = digit.settled(s, part.first[r].digits, coming);
        }
        forth::<S, R>(s, x, &mut rows.at(place(column)), &roots.first[column * (R - 1)..][..R - 1]);
    }
}

/// The weight and the inverse weight of each row.
#[inline(always)]
fn row_weights<const R: usize>(weights: &Weights<impl Copy>) -> [(f64, f64); R] {
    let mut both = [(1.0, 1.0); R];
    for (row, both) in both.iter_mut().enumerate() {
        *both = (weights.rows[row], weights.inverse_rows[row]);
    }
    both
}

/// Digits, as they are, into weights and across the rows; to begin with.
pub(super) struct Begin<'a, V, const R: usize>(pub(super) Field<'a, V>);

impl<S: Simd, const R: usize> Kernel<S> for Begin<'_, S::Vector, R> {
    type Output = ();

    #[inline(always)]
    fn run(self, s: S) {
        let mut field = self.0;
        let (geometry, weights, roots) = (field.geometry, field.weights, field.roots);
        let constants = Constants::new(s, weights);
        let row_weights = row_weights::<R>(weights);
        let mut rows = field.rows::<R>();
        for column in 0..geometry.columns {
            let mut places = rows.at(place(column));
            let column_weight = (weights.columns[column], weights.inverse_columns[column]);
            let mut x = [places.get(0); R];
            for r in 0..R {
                let digit = Digit::new(s, &constants, column_weight, row_weights[r]);
                let digits = places.get(r);
                x[r] = Complex { re: s.mul(digits.re, digit.re.weight), im: s.mul(digits.im, digit.im.weight) };
            }
            forth::<S, R>(s, x, &mut places, &roots.first[column * (R - 1)..][..R - 1]);
        }
        field.first_level(s, Forward, (0, geometry.columns / geometry.parts));
    }
}

/// The digits, not rounded, from what a sweep has left; to look at.
pub(super) struct Peek<'a, V, const R: usize>(pub(super) Field<'a, V>);

impl<S: Simd, const R: usize> Kernel<S> for Peek<'_, S::Vector, R> {
    type Output = ();

    #[inline(always)]
    fn run(self, s: S) {
        let mut field = self.0;
        let (geometry, weights, roots) = (field.geometry, field.weights, field.roots);
        field.first_level(s, Inverse, (0, geometry.columns / geometry.parts));
        // The weights undo the scale of the whole transform, of which this is a part.
        let scale = s.splat((geometry.length / 2 / R / geometry.parts) as f64);
        let constants = Constants::new(s, weights);
        let row_weights = row_weights::<R>(weights);
        let mut rows = field.rows::<R>();
        for column in 0..geometry.columns {
            let mut places = rows.at(place(column));
            let x = back::<S, R>(s, &places, &roots.first[column * (R - 1)..][..R - 1]);
            let column_weight = (weights.columns[column], weights.inverse_columns[column]);
            for r in 0..R {
                let digit = Digit::new(s, &constants, column_weight, row_weights[r]);
                let (re, im) = (s.mul(x[r].re, digit.re.inverse), s.mul(x[r].im, digit.im.inverse));
                places.set(r, Complex { re: s.mul(re, scale), im: s.mul(im, scale) });
            }
        }
    }
}

/// A column of the spectrum, back across the rows.
#[inline(always)]
fn back<S: Simd, const R: usize>(
    s: S,
    places: &Column<'_, Complex<S::Vector>, R>,
    roots: &[(f64, f64)],
) -> [Complex<S::Vector>; R] {
    let mut x = [places.get(0); R];
    for k in 1..R {
        x[k] = Inverse.times(s, places.get(k), Complex::splat(s, roots[k - 1]));
    }
    butterfly(s, Inverse, &mut x);
    x
}

/// A column of weighted digits, forward across the rows.
#[inline(always)]
fn forth<S: Simd, const R: usize>(
    s: S,
    mut x: [Complex<S::Vector>; R],
    places: &mut Column<'_, Complex<S::Vector>, R>,
    roots: &[(f64, f64)],
) {
    butterfly(s, Forward, &mut x);
    places.set(0, x[0]);
    for k in 1..R {
        places.set(k, Forward.times(s, x[k], Complex::splat(s, roots[k - 1])));
    }
}

/// What is the same for all digits.
struct Constants<V> {
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
    fn new<S: Simd<Vector = V>>(s: S, weights: &Weights<V>) -> Self {
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
struct Digit<'a, V> {
    re: Scale<V>,
    im: Scale<V>,
    constants: &'a Constants<V>,
}

#[derive(Clone, Copy)]
struct Scale<V> {
    weight: V,
    inverse: V,
    to_multiple: V,
    per_base: V,
}

impl<V: Copy> Scale<V> {
    #[inline(always)]
    fn new<S: Simd<Vector = V>>(s: S, constants: &Constants<V>, column: (V, V), row: (V, V)) -> Self {
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
    fn new<S: Simd<Vector = V>>(
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
    fn rounded<S: Simd<Vector = V>, M: Measure>(&self, s: S, x: Complex<V>, error: &mut V) -> Complex<V> {
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
    fn carried<S: Simd<Vector = V>>(&self, s: S, x: Complex<V>) -> Pending<V> {
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
    fn settled<S: Simd<Vector = V>>(&self, s: S, digits: Complex<V>, coming: V) -> Complex<V> {
        let re = s.add(digits.re, coming);
        let high = s.sub(s.add(re, self.re.to_multiple), self.re.to_multiple);
        let im = s.mul_add(high, self.re.per_base, digits.im);
        Complex { re: s.mul(s.sub(re, high), self.re.weight), im: s.mul(im, self.im.weight) }
    }
}
