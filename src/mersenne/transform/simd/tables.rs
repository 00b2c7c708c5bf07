//! What a transform multiplies by: roots of unity and weights.
//!
//! Uses the geometry and the schedule. All of it together is smaller than the residue: what a formula gives from
//! something already there is not stored.

use super::complex::Complex;
use super::geometry::Geometry;
use super::leaves::STORED_POWERS;
use super::schedule::Schedule;
use super::vector::{MOST_LANES, Simd};
use crate::mersenne::transform::digits::DigitLayout;
use crate::mersenne::transform::weights::{inverse_weight, root, weight};

/// Roots of unity for the passes.
pub(super) struct Roots<V> {
    /// For each column j the roots e^(-2πi·js/M) for s = 1 … R - 1, where M is the number of vectors.
    pub(super) first: Vec<(f64, f64)>,
    /// For each level: for each column j of a part the roots e^(-2πi·js/B) for s = 1 … Q - 1, where B is the block's length.
    pub(super) levels: Vec<Vec<(f64, f64)>>,
    /// For each pair of groups, in the order of the schedule: e^(-2πi·lk/m) for l = 1 and 2, where lane p has the k that
    /// the first group of the pair has in its vector p.
    pub(super) leaves: Vec<Complex<V>>,
}

/// The weights 2^(ceil(pj/n) - pj/n) of the digits, and what the digits' sizes follow from.
pub(super) struct Weights<V> {
    /// The weights of the first row's digits.
    pub(super) columns: Vec<Complex<V>>,
    /// One over those, and over m, which undoes the transforms' scale.
    pub(super) inverse_columns: Vec<Complex<V>>,
    /// The weight of the first digit of each row.
    pub(super) rows: Vec<f64>,
    /// One over those.
    pub(super) inverse_rows: Vec<f64>,
    /// A digit's weight is that of its column times that of its row, or half of it from here on.
    pub(super) wrap: f64,
    /// Digits with a weight below this have a bit more.
    pub(super) large_below: f64,
    /// floor(p/n), the bits of the smaller digits.
    pub(super) bits: u32,
}

impl<V: Copy> Roots<V> {
    pub(super) fn new<S: Simd<Vector = V>>(s: S, geometry: &Geometry, schedule: &Schedule) -> Self {
        let Geometry { rows, columns, .. } = *geometry;
        let twiddles = |columns: usize, radix: usize, order: usize| {
            let products = (0..columns).flat_map(move |j| (1..radix).map(move |k| j * k));
            products.map(|product| root(product as u64, order as u32)).collect::<Vec<_>>()
        };
        let first = twiddles(columns, rows, rows * columns);
        let levels = geometry.levels.iter();
        let levels = levels.map(|level| twiddles(level.block / level.radix, level.radix, level.block)).collect();

        let order = geometry.length / 2;
        let bits = columns.trailing_zeros();
        let mut leaves = Vec::new();
        for group in schedule.first_groups() {
            let frequency = |lane: usize| {
                let reversed = (group.column + lane).reverse_bits() >> (usize::BITS - bits);
                rows * reversed + group.row
            };
            for l in 1..=STORED_POWERS {
                let roots = lanes::<S>(|lane| root((l * frequency(lane)) as u64, order as u32));
                leaves.push(Complex { re: s.load(roots.0), im: s.load(roots.1) });
            }
        }
        Roots { first, levels, leaves }
    }
}

impl<V: Copy> Weights<V> {
    pub(super) fn new<S: Simd<Vector = V>>(s: S, layout: DigitLayout, geometry: &Geometry) -> Self {
        let Geometry { length, rows, columns, .. } = *geometry;
        let scale = 2.0 / length as f64;
        let vectors = |of: &dyn Fn(usize) -> f64| {
            let vector = |column: usize| {
                let first = |lane| 2 * (S::LANES * column + lane);
                let (re, im) = lanes::<S>(|lane| (of(first(lane)), of(first(lane) + 1)));
                Complex { re: s.load(re), im: s.load(im) }
            };
            (0..columns).map(vector).collect()
        };
        let first_digits = (0..rows).map(|row| row * (length / rows));
        // Weights are powers of two by multiples of 1/n; the bounds lie half way between two of them.
        let half = 0.5 / length as f64;
        let fraction = f64::from(layout.large_digits()) / length as f64;
        Weights {
            columns: vectors(&|digit| weight(layout, digit)),
            inverse_columns: vectors(&|digit| scale * inverse_weight(layout, digit)),
            rows: first_digits.clone().map(|digit| weight(layout, digit)).collect(),
            inverse_rows: first_digits.map(|digit| inverse_weight(layout, digit)).collect(),
            wrap: (1.0 - half).exp2(),
            large_below: (fraction - half).exp2(),
            bits: layout.small_bits(),
        }
    }
}

impl<V: Copy> Weights<V> {
    /// The weight of a digit: the real (0) or imaginary (1) part in this row, column and lane.
    pub(super) fn of<S: Simd<Vector = V>>(&self, s: S, row: usize, column: usize, lane: usize, part: usize) -> f64 {
        let vector = if part == 0 { self.columns[column].re } else { self.columns[column].im };
        let weight = s.store(vector)[lane] * self.rows[row];
        if weight < self.wrap { weight } else { 0.5 * weight }
    }
}

/// Two arrays of lanes from a function that gives both.
fn lanes<S: Simd>(mut of: impl FnMut(usize) -> (f64, f64)) -> ([f64; MOST_LANES], [f64; MOST_LANES]) {
    let (mut first, mut second) = ([0.0; MOST_LANES], [0.0; MOST_LANES]);
    for lane in 0..S::LANES {
        (first[lane], second[lane]) = of(lane);
    }
    (first, second)
}
