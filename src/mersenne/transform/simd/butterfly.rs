//! Discrete Fourier transforms of 1 to 14 points, each point a vector of complex numbers, in registers.
//!
//! Uses complex vectors. X_k = Σ x_j e^(∓2πi·jk/N), in natural order and in place. Powers of two split by hand; an odd
//! prime by the symmetry of its roots, x_j ± x_(P-j), which halves the multiplications; a product of coprime factors
//! without any twiddle (Good 1958, Thomas 1963); 9 as 3 × 3 with twiddles.
//!
//! The loops have constant bounds and are unrolled, so that every point stays in a register as long as there are any.

use std::f64::consts::FRAC_1_SQRT_2;

use super::complex::{Complex, Direction};
use super::vector::Simd;

/// Transforms all points of `x`, whose number has to be known where this is compiled.
///
/// # Panics
/// For a number of points there is no butterfly for: 0, 11, 13, and from 15 up.
#[inline(always)]
pub(super) fn butterfly<S: Simd, D: Direction>(s: S, d: D, x: &mut [Complex<S::Vector>]) {
    match x.len() {
        1 => {}
        6 => coprime::<S, D, 2, 3>(s, d, x),
        8 => eight(s, d, x),
        9 => nine(s, d, x),
        10 => coprime::<S, D, 2, 5>(s, d, x),
        12 => coprime::<S, D, 4, 3>(s, d, x),
        14 => coprime::<S, D, 2, 7>(s, d, x),
        _ => simple(s, d, x),
    }
}

/// The butterflies that others are made of.
#[inline(always)]
fn simple<S: Simd, D: Direction>(s: S, d: D, x: &mut [Complex<S::Vector>]) {
    match x.len() {
        2 => two(s, x),
        3 => odd_prime(s, d, x, &THREE),
        4 => four(s, d, x),
        5 => odd_prime(s, d, x, &FIVE),
        7 => odd_prime(s, d, x, &SEVEN),
        points => unreachable!("no butterfly has {points} points"),
    }
}

#[inline(always)]
fn two<S: Simd>(s: S, x: &mut [Complex<S::Vector>]) {
    (x[0], x[1]) = (x[0].plus(s, x[1]), x[0].minus(s, x[1]));
}

#[inline(always)]
fn four<S: Simd, D: Direction>(s: S, d: D, x: &mut [Complex<S::Vector>]) {
    let (even, odd) = (x[0].plus(s, x[2]), x[0].minus(s, x[2]));
    let (even2, odd2) = (x[1].plus(s, x[3]), x[1].minus(s, x[3]));
    x[0] = even.plus(s, even2);
    x[1] = d.minus_i(s, odd, odd2);
    x[2] = even.minus(s, even2);
    x[3] = d.plus_i(s, odd, odd2);
}

#[inline(always)]
fn eight<S: Simd, D: Direction>(s: S, d: D, x: &mut [Complex<S::Vector>]) {
    let mut even = [x[0].plus(s, x[4]), x[1].plus(s, x[5]), x[2].plus(s, x[6]), x[3].plus(s, x[7])];
    let odd = [x[0].minus(s, x[4]), x[1].minus(s, x[5]), x[2].minus(s, x[6]), x[3].minus(s, x[7])];
    four(s, d, &mut even);
    // The odd outputs: odd[j]·w^j with w = (1 - i)/√2, whose square is -i; the factor 1/√2 goes into the last addition.
    let root = s.splat(FRAC_1_SQRT_2);
    let (low, high) = (d.minus_i(s, odd[0], odd[2]), d.plus_i(s, odd[0], odd[2]));
    let (right, left) = (d.minus_i(s, odd[1], odd[3]), d.plus_i(s, odd[1], odd[3]));
    // √2·w·right and √2·w³·left
    let right = d.minus_i(s, right, right);
    let left = d.plus_i(s, left, left);
    x[0] = even[0];
    x[2] = even[1];
    x[4] = even[2];
    x[6] = even[3];
    x[1] = low.plus_scaled(s, root, right);
    x[5] = low.minus_scaled(s, root, right);
    x[3] = high.minus_scaled(s, root, left);
    x[7] = high.plus_scaled(s, root, left);
}

/// `roots`: the cosine and sine of 2πj/P for j = 1 … (P-1)/2.
#[inline(always)]
fn odd_prime<S: Simd, D: Direction, const HALF: usize>(
    s: S,
    d: D,
    x: &mut [Complex<S::Vector>],
    roots: &[(f64, f64); HALF],
) {
    let points = 2 * HALF + 1;
    let mut sums = [x[0]; HALF];
    let mut differences = [x[0]; HALF];
    for j in 0..HALF {
        sums[j] = x[1 + j].plus(s, x[points - 1 - j]);
        differences[j] = x[1 + j].minus(s, x[points - 1 - j]);
    }
    let first = x[0];
    let mut total = sums[0];
    for sum in &sums[1..] {
        total = total.plus(s, *sum);
    }
    x[0] = first.plus(s, total);
    for k in 1..=HALF {
        let (mut real, mut imaginary) = (first, first);
        for j in 1..=HALF {
            // The root of index jk mod P, or the conjugate of the one of index P - jk mod P.
            let index = j * k % points;
            let (cos, sin) = if index <= HALF { roots[index - 1] } else { roots[points - index - 1] };
            real = real.plus_scaled(s, s.splat(cos), sums[j - 1]);
            imaginary = match (j, index <= HALF) {
                (1, true) => differences[0].scaled(s, s.splat(sin)),
                (1, false) => differences[0].scaled(s, s.splat(-sin)),
                (_, true) => imaginary.plus_scaled(s, s.splat(sin), differences[j - 1]),
                (_, false) => imaginary.minus_scaled(s, s.splat(sin), differences[j - 1]),
            };
        }
        x[k] = d.minus_i(s, real, imaginary);
        x[points - k] = d.plus_i(s, real, imaginary);
    }
}

/// A × B points, where A and B have no common divisor: j = (B·a + A·b) mod AB, and k is what leaves k mod A and k mod B.
#[inline(always)]
fn coprime<S: Simd, D: Direction, const A: usize, const B: usize>(s: S, d: D, x: &mut [Complex<S::Vector>]) {
    let points = A * B;
    let mut rows = [[x[0]; B]; A];
    for a in 0..A {
        for b in 0..B {
            rows[a][b] = x[(B * a + A * b) % points];
        }
        simple(s, d, &mut rows[a]);
    }
    for b in 0..B {
        let mut column = [x[0]; A];
        for a in 0..A {
            column[a] = rows[a][b];
        }
        simple(s, d, &mut column);
        for a in 0..A {
            x[both(a, A, b, B)] = column[a];
        }
    }
}

/// The number below A·B that leaves a modulo A and b modulo B.
const fn both(a: usize, modulo_a: usize, b: usize, modulo_b: usize) -> usize {
    let mut k = a;
    while k % modulo_b != b {
        k += modulo_a;
    }
    k
}

#[inline(always)]
fn nine<S: Simd, D: Direction>(s: S, d: D, x: &mut [Complex<S::Vector>]) {
    // j = 3a + b, k = c + 3e: over a, then by w^(bc), then over b.
    let mut columns = [[x[0]; 3]; 3];
    for b in 0..3 {
        columns[b] = [x[b], x[3 + b], x[6 + b]];
        odd_prime(s, d, &mut columns[b], &THREE);
    }
    for b in 1..3 {
        for c in 1..3 {
            columns[b][c] = d.times(s, columns[b][c], Complex::splat(s, NINTH[b * c]));
        }
    }
    for c in 0..3 {
        let mut row = [columns[0][c], columns[1][c], columns[2][c]];
        odd_prime(s, d, &mut row, &THREE);
        for e in 0..3 {
            x[c + 3 * e] = row[e];
        }
    }
}

/// cos and sin of 2π/3.
const THREE: [(f64, f64); 1] = [(-0.5, 0.866_025_403_784_438_6)];
/// cos and sin of 2πj/5.
const FIVE: [(f64, f64); 2] =
    [(0.309_016_994_374_947_45, 0.951_056_516_295_153_5), (-0.809_016_994_374_947_5, 0.587_785_252_292_473_1)];
/// cos and sin of 2πj/7.
const SEVEN: [(f64, f64); 3] = [
    (0.623_489_801_858_733_5, 0.781_831_482_468_029_8),
    (-0.222_520_933_956_314_4, 0.974_927_912_181_823_6),
    (-0.900_968_867_902_419_1, 0.433_883_739_117_558_1),
];
/// e^(-2πij/9) for j = 0 … 4.
const NINTH: [(f64, f64); 5] = [
    (1.0, 0.0),
    (0.766_044_443_118_978, -0.642_787_609_686_539_3),
    (0.173_648_177_666_930_34, -0.984_807_753_012_208),
    (-0.5, -0.866_025_403_784_438_6),
    (-0.939_692_620_785_908_4, -0.342_020_143_325_668_7),
];
