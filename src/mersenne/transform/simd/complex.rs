//! Vectors of complex numbers: real parts in one vector, imaginary parts in another.
//!
//! Uses vectors. A forward transform multiplies by e^(-2πi·jk/N), an inverse one by the conjugate; what differs is in
//! [`Direction`], so that every butterfly and pass is written once.

use super::vector::Simd;

/// As many complex numbers as a vector has lanes.
#[derive(Clone, Copy)]
pub(super) struct Complex<V> {
    pub(super) re: V,
    pub(super) im: V,
}

/// Whether roots of unity are taken as they are or conjugated.
pub(super) trait Direction: Copy {
    /// Whether this is the direction from digits to their spectrum.
    const IS_FORWARD: bool;

    /// The other one.
    type Back: Direction;

    /// The other one.
    fn back(self) -> Self::Back;

    /// a·w forward, a·conj(w) inverse.
    fn times<S: Simd>(self, s: S, a: Complex<S::Vector>, w: Complex<S::Vector>) -> Complex<S::Vector>;

    /// a - ib forward, a + ib inverse.
    fn minus_i<S: Simd>(self, s: S, a: Complex<S::Vector>, b: Complex<S::Vector>) -> Complex<S::Vector>;

    /// a + ib forward, a - ib inverse.
    fn plus_i<S: Simd>(self, s: S, a: Complex<S::Vector>, b: Complex<S::Vector>) -> Complex<S::Vector>;
}

/// From digits to their spectrum.
#[derive(Clone, Copy)]
pub(super) struct Forward;

/// From the spectrum to the digits.
#[derive(Clone, Copy)]
pub(super) struct Inverse;

impl Direction for Forward {
    const IS_FORWARD: bool = true;
    type Back = Inverse;

    #[inline(always)]
    fn back(self) -> Inverse {
        Inverse
    }

    #[inline(always)]
    fn times<S: Simd>(self, s: S, a: Complex<S::Vector>, w: Complex<S::Vector>) -> Complex<S::Vector> {
        Complex { re: s.mul_sub(a.re, w.re, s.mul(a.im, w.im)), im: s.mul_add(a.re, w.im, s.mul(a.im, w.re)) }
    }

    #[inline(always)]
    fn minus_i<S: Simd>(self, s: S, a: Complex<S::Vector>, b: Complex<S::Vector>) -> Complex<S::Vector> {
        Complex { re: s.add(a.re, b.im), im: s.sub(a.im, b.re) }
    }

    #[inline(always)]
    fn plus_i<S: Simd>(self, s: S, a: Complex<S::Vector>, b: Complex<S::Vector>) -> Complex<S::Vector> {
        Complex { re: s.sub(a.re, b.im), im: s.add(a.im, b.re) }
    }
}

impl Direction for Inverse {
    const IS_FORWARD: bool = false;
    type Back = Forward;

    #[inline(always)]
    fn back(self) -> Forward {
        Forward
    }

    #[inline(always)]
    fn times<S: Simd>(self, s: S, a: Complex<S::Vector>, w: Complex<S::Vector>) -> Complex<S::Vector> {
        Complex { re: s.mul_add(a.re, w.re, s.mul(a.im, w.im)), im: s.mul_sub(a.im, w.re, s.mul(a.re, w.im)) }
    }

    #[inline(always)]
    fn minus_i<S: Simd>(self, s: S, a: Complex<S::Vector>, b: Complex<S::Vector>) -> Complex<S::Vector> {
        Forward.plus_i(s, a, b)
    }

    #[inline(always)]
    fn plus_i<S: Simd>(self, s: S, a: Complex<S::Vector>, b: Complex<S::Vector>) -> Complex<S::Vector> {
        Forward.minus_i(s, a, b)
    }
}

impl<V: Copy> Complex<V> {
    #[inline(always)]
    pub(super) fn splat<S: Simd<Vector = V>>(s: S, (re, im): (f64, f64)) -> Self {
        Complex { re: s.splat(re), im: s.splat(im) }
    }

    #[inline(always)]
    pub(super) fn plus<S: Simd<Vector = V>>(self, s: S, b: Self) -> Self {
        Complex { re: s.add(self.re, b.re), im: s.add(self.im, b.im) }
    }

    #[inline(always)]
    pub(super) fn minus<S: Simd<Vector = V>>(self, s: S, b: Self) -> Self {
        Complex { re: s.sub(self.re, b.re), im: s.sub(self.im, b.im) }
    }

    /// self + f·b for a real f.
    #[inline(always)]
    pub(super) fn plus_scaled<S: Simd<Vector = V>>(self, s: S, f: V, b: Self) -> Self {
        Complex { re: s.mul_add(f, b.re, self.re), im: s.mul_add(f, b.im, self.im) }
    }

    /// self - f·b for a real f.
    #[inline(always)]
    pub(super) fn minus_scaled<S: Simd<Vector = V>>(self, s: S, f: V, b: Self) -> Self {
        Complex { re: s.neg_mul_add(f, b.re, self.re), im: s.neg_mul_add(f, b.im, self.im) }
    }

    /// f·self for a real f.
    #[inline(always)]
    pub(super) fn scaled<S: Simd<Vector = V>>(self, s: S, f: V) -> Self {
        Complex { re: s.mul(f, self.re), im: s.mul(f, self.im) }
    }
}
