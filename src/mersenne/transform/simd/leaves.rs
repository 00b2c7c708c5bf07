//! The innermost part of a squaring: the last two radices forward, the squaring of the spectrum, and the same back.
//!
//! Uses butterflies, the schedule and roots. A group is as many vectors as a vector has lanes, L. Its L × L complex numbers go
//! through a butterfly across the vectors, a transposition, a multiplication by roots, and another butterfly: that is
//! a whole transform of L² points for each group, without a step within a vector.
//!
//! Real input packed as complex numbers z = d_2i + i·d_(2i+1) has a spectrum Z from which that of the even and of the odd
//! digits follow by symmetry: E = (Z_k + conj Z_-k)/2, O = (Z_k - conj Z_-k)/2i. The square's even digits are E² + w·O² with
//! w = e^(-2πik/m), the odd ones 2EO, so that the packed square is E² + wO² + 2iEO = (E + iO)² + (1 + w)·O²
//! = Z_k² - (1 + w)/4·(Z_k - conj Z_-k)²: two squares and a product for both k and -k (H. Sorensen, D. Jones, M. Heideman and
//! C. Burrus, "Real-valued fast Fourier transform algorithms", IEEE ASSP 35 (1987), on the symmetry).
//!
//! Before its last butterfly a group has frequencies k < m/L, one in each lane; after it, vector r has those of k + r·m/L. The
//! group of -k is handled with the roots of its partner: its k' is m/L - k, so that its roots e^(-2πi·lk'/m) are
//! e^(-2πi·l/L)·conj(e^(-2πi·lk/m)), and the first factor only moves the outputs of the butterfly that follows by one place.

use std::f64::consts::FRAC_1_SQRT_2;

use super::butterfly::butterfly;
use super::complex::{Complex, Direction, Forward, Inverse};
use super::vector::{MOST_LANES, Simd};

/// The numbers of a group, one vector after the other.
type Group<S> = [Complex<<S as Simd>::Vector>; MOST_LANES];

/// Squares the group at `first` and the one at `second` that mirrors it; `roots` are the stored powers of the first
/// one's.
#[inline(always)]
pub(super) fn square_pair<S: Simd>(
    s: S,
    data: &mut [Complex<S::Vector>],
    (first, second): (usize, usize),
    roots: &[Complex<S::Vector>],
) {
    let roots = &powers(s, roots);
    let a = spectrum(s, Forward, natural::<S>, load::<S>(&data[first..first + S::LANES]), roots);
    data[first..first + S::LANES].copy_from_slice(&a[..S::LANES]);
    let mut b = spectrum(s, Inverse, mirrored::<S>, load::<S>(&data[second..second + S::LANES]), roots);

    let partners = &mut data[first..first + S::LANES];
    let factors = Factors::new(s, roots[1]);
    for r in 0..S::LANES {
        let (a, b) = (&mut partners[r], &mut b[(S::LANES - r) % S::LANES]);
        let common = factors.of(s, r, difference_squared(s, *a, *b));
        *a = squared_minus(s, *a, common);
        *b = squared_minus(s, *b, Complex { re: common.re, im: s.sub(s.splat(0.0), common.im) });
    }

    let b = digits(s, Inverse, mirrored::<S>, b, roots);
    data[second..second + S::LANES].copy_from_slice(&b[..S::LANES]);
    let a = digits(s, Forward, natural::<S>, load::<S>(&data[first..first + S::LANES]), roots);
    data[first..first + S::LANES].copy_from_slice(&a[..S::LANES]);
}

/// What a group that is its own mirror image is paired with.
#[derive(Clone, Copy)]
pub(super) enum Image {
    /// The same with vectors and lanes in reverse.
    Mirror,
    /// The same with each lane's negative index.
    Zero,
}

/// Squares a group that is its own mirror image.
#[inline(always)]
pub(super) fn square_alone<S: Simd>(
    s: S,
    data: &mut [Complex<S::Vector>],
    first: usize,
    image: Image,
    roots: &[Complex<S::Vector>],
) {
    let roots = &powers(s, roots);
    let group = spectrum(s, Forward, natural::<S>, load::<S>(&data[first..first + S::LANES]), roots);
    let factors = Factors::new(s, roots[1]);
    let mut squares = group;
    for r in 0..S::LANES {
        let opposite = group[S::LANES - 1 - r];
        let partner = match image {
            Image::Mirror => Complex { re: s.reverse(opposite.re), im: s.reverse(opposite.im) },
            Image::Zero => {
                let next = group[(S::LANES - r) % S::LANES];
                Complex {
                    re: s.with_first(s.negate_index(opposite.re), next.re),
                    im: s.with_first(s.negate_index(opposite.im), next.im),
                }
            }
        };
        let common = factors.of(s, r, difference_squared(s, group[r], partner));
        squares[r] = squared_minus(s, group[r], common);
    }
    let group = digits(s, Forward, natural::<S>, squares, roots);
    data[first..first + S::LANES].copy_from_slice(&group[..S::LANES]);
}

/// (a - conj b)²
#[inline(always)]
fn difference_squared<S: Simd>(s: S, a: Complex<S::Vector>, b: Complex<S::Vector>) -> Complex<S::Vector> {
    square(s, Complex { re: s.sub(a.re, b.re), im: s.add(a.im, b.im) })
}

/// a² - b
#[inline(always)]
fn squared_minus<S: Simd>(s: S, a: Complex<S::Vector>, b: Complex<S::Vector>) -> Complex<S::Vector> {
    Complex { re: s.mul_sub(a.re, a.re, s.mul_add(a.im, a.im, b.re)), im: s.mul_sub(s.add(a.re, a.re), a.im, b.im) }
}

/// (1 + w·e^(-2πi·r/L))/4 for every r, from w.
struct Factors<V> {
    /// w·e^(-2πi·r/L)/4 for r = 0 … L/2 - 1.
    turned: [Complex<V>; MOST_LANES / 2],
}

impl<V: Copy> Factors<V> {
    #[inline(always)]
    fn new<S: Simd<Vector = V>>(s: S, w: Complex<V>) -> Self {
        let zero = s.splat(0.0);
        let w = w.scaled(s, s.splat(0.25));
        let quarter_turn = Complex { re: w.im, im: s.sub(zero, w.re) };
        if S::LANES == 4 {
            return Factors { turned: [w, quarter_turn, w, w] };
        }
        let eighth = Complex { re: s.add(w.re, w.im), im: s.sub(w.im, w.re) }.scaled(s, s.splat(FRAC_1_SQRT_2));
        Factors { turned: [w, eighth, quarter_turn, Complex { re: eighth.im, im: s.sub(zero, eighth.re) }] }
    }

    /// x times the factor of r.
    #[inline(always)]
    fn of<S: Simd<Vector = V>>(&self, s: S, r: usize, x: Complex<V>) -> Complex<V> {
        let quarter = s.splat(0.25);
        let w = self.turned[r % (S::LANES / 2)];
        if r < S::LANES / 2 {
            Forward.times(s, x, Complex { re: s.add(quarter, w.re), im: w.im })
        } else {
            // Half a turn on, w is -w.
            Inverse.times(s, x, Complex { re: s.sub(quarter, w.re), im: w.im })
        }
    }
}

/// How many powers of each root are stored.
pub(super) const STORED_POWERS: usize = 2;

/// All powers of a root of which the first and the second are given; in place 0 there is nothing of use. At most two
/// multiplications lie between a power and what was stored.
#[inline(always)]
fn powers<S: Simd>(s: S, stored: &[Complex<S::Vector>]) -> Group<S> {
    let (first, second) = (stored[0], stored[1]);
    let mut powers = [first; MOST_LANES];
    powers[2] = second;
    powers[3] = Forward.times(s, first, second);
    if S::LANES == 8 {
        powers[4] = square(s, second);
        powers[5] = Forward.times(s, second, powers[3]);
        powers[6] = square(s, powers[3]);
        powers[7] = Forward.times(s, powers[3], powers[4]);
    }
    powers
}

/// a²
#[inline(always)]
fn square<S: Simd>(s: S, a: Complex<S::Vector>) -> Complex<S::Vector> {
    Complex { re: s.mul_sub(a.re, a.re, s.mul(a.im, a.im)), im: s.mul(s.add(a.re, a.re), a.im) }
}

#[inline(always)]
fn load<S: Simd>(group: &[Complex<S::Vector>]) -> Group<S> {
    let mut x = [group[0]; MOST_LANES];
    x[..S::LANES].copy_from_slice(&group[..S::LANES]);
    x
}

/// In which place of a butterfly is what goes into, or comes from, lane `lane`: bits reversed, as everywhere.
#[inline(always)]
fn natural<S: Simd>(lane: usize) -> usize {
    if S::LANES == 8 { [0, 4, 2, 6, 1, 5, 3, 7][lane] } else { [0, 2, 1, 3][lane] }
}

/// The same for a group whose lanes are to lie as its partner's: in reverse.
#[inline(always)]
fn mirrored<S: Simd>(lane: usize) -> usize {
    natural::<S>(S::LANES - 1 - lane)
}

/// The spectrum of a group: its roots taken as they are, or conjugated, as `turn` says.
#[inline(always)]
fn spectrum<S: Simd, D: Direction>(
    s: S,
    turn: D,
    order: impl Fn(usize) -> usize + Copy,
    mut x: Group<S>,
    roots: &Group<S>,
) -> Group<S> {
    butterfly(s, Forward, &mut x[..S::LANES]);
    let mut x = turned(s, &arranged::<S>(&x, order));
    for l in 1..S::LANES {
        x[l] = turn.times(s, x[l], roots[l]);
    }
    butterfly(s, Forward, &mut x[..S::LANES]);
    x
}

/// The group of which this is the spectrum.
#[inline(always)]
fn digits<S: Simd, D: Direction>(
    s: S,
    turn: D,
    order: impl Fn(usize) -> usize + Copy,
    mut x: Group<S>,
    roots: &Group<S>,
) -> Group<S> {
    butterfly(s, Inverse, &mut x[..S::LANES]);
    for l in 1..S::LANES {
        x[l] = turn.back().times(s, x[l], roots[l]);
    }
    let lanes = turned(s, &x);
    let mut x = lanes;
    for lane in 0..S::LANES {
        x[order(lane)] = lanes[lane];
    }
    butterfly(s, Inverse, &mut x[..S::LANES]);
    x
}

#[inline(always)]
fn arranged<S: Simd>(x: &Group<S>, order: impl Fn(usize) -> usize + Copy) -> Group<S> {
    let mut arranged = *x;
    for lane in 0..S::LANES {
        arranged[lane] = x[order(lane)];
    }
    arranged
}

#[inline(always)]
fn turned<S: Simd>(s: S, x: &Group<S>) -> Group<S> {
    let (mut re, mut im) = ([x[0].re; MOST_LANES], [x[0].im; MOST_LANES]);
    for lane in 0..S::LANES {
        (re[lane], im[lane]) = (x[lane].re, x[lane].im);
    }
    s.transpose(&mut re);
    s.transpose(&mut im);
    let mut turned = *x;
    for lane in 0..S::LANES {
        turned[lane] = Complex { re: re[lane], im: im[lane] };
    }
    turned
}
