//! Squaring the spectrum of real numbers that were transformed two by two, as n/2 complex ones.
//!
//! Z is the transform of z_k = x_2k + i·x_2k+1, N = n/2 its length. The transforms E and O of the even and the odd x are
//! E_k = (Z_k + Z*_-k)/2 and i·O_k = (Z_k - Z*_-k)/2, and that of x is E + wO and E - wO with w = e^(-2πi·k/n). Squares have the
//! even part E² + w²O² and the odd part 2EO, to be put together as Z' = E² + w²O² + 2i·EO. In terms of A = Z_k and B = Z*_-k
//!
//! Z'_k = A² - T and Z'*_-k = B² - T with T = (1 + w²)/4 · (A - B)²
//!
//! so that two numbers take four complex multiplications, and neither E nor O is ever written down.

use pulp::Arch;
use rustfft::num_complex::Complex;

use crate::mersenne::transform::weights::root;

pub(super) struct Pairing {
    /// (1 + w²)/4 for 1 ≤ k < N/2.
    factors: Vec<Complex<f64>>,
}

impl Pairing {
    /// For spectra of `length` complex numbers, which is even.
    pub(super) fn new(length: usize) -> Self {
        let factor = |k| {
            let (re, im) = root(k as u64, length as u32);
            Complex::new(0.25 + 0.25 * re, 0.25 * im)
        };
        Pairing { factors: (1..length / 2).map(factor).collect() }
    }

    /// Makes of the spectrum of x the conjugate of that of x convolved with itself. The forward transform of it is the conjugate
    /// of what the inverse would make, so one table of twiddle factors does for both.
    pub(super) fn square(&self, spectrum: &mut [Complex<f64>]) {
        Arch::new().dispatch(
            #[inline(always)]
            || self.square_on_any(spectrum),
        );
    }

    #[inline(always)]
    fn square_on_any(&self, spectrum: &mut [Complex<f64>]) {
        let (low, high) = spectrum.split_at_mut(spectrum.len() / 2);
        if let ([zeroth, low @ ..], [middle, high @ ..]) = (low, high) {
            // E and O are real in the first number, and w² = 1; in the middle one w² = -1, and T is 0.
            *zeroth = Complex::new(zeroth.re * zeroth.re + zeroth.im * zeroth.im, -2.0 * zeroth.re * zeroth.im);
            *middle = square(*middle).conj();
            for ((a, b), factor) in low.iter_mut().zip(high.iter_mut().rev()).zip(&self.factors) {
                let mirrored = b.conj();
                let t = factor * square(*a - mirrored);
                let new = square(*a) - t;
                *b = square(mirrored) - t;
                *a = new.conj();
            }
        }
    }
}

/// In two multiplications.
#[inline(always)]
fn square(z: Complex<f64>) -> Complex<f64> {
    Complex::new((z.re + z.im) * (z.re - z.im), 2.0 * z.re * z.im)
}
