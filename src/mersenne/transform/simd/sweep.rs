//! The sweep between two squarings: across the rows back, out of the weights, to integers, carry, into the weights, and
//! across the rows forward again. Every number is read and written once; in long rows the first level is done on the way
//! as well, block by block, so that a large residue passes through memory twice in a squaring and not four times.
//!
//! Uses butterflies, passes, weights and the carry.

use super::butterfly::butterfly;
use super::carry::{Constants, Digit, Measure, Pending};
use super::complex::{Complex, Direction, Forward, Inverse};
use super::geometry::{Geometry, place};
use super::middle::Pass;
use super::rows::{Column, Rows};
use super::tables::{Roots, Weights};
use super::vector::{Kernel, Simd};
use crate::mersenne::transform::roundoff::RoundOff;

/// What carries along the rows in one part of the data.
struct Part<V, const R: usize> {
    /// What goes up from the last column done, for each row.
    carries: [V; R],
    /// The first column, which waits for what comes up to it from the last column of the part before.
    first: [Pending<V>; R],
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
