//! The safe twin of the processors' vectors: plain arrays. What a kernel computes on these is what it computes on a processor's,
//! bit for bit.
//!
//! Uses nothing. Only tests calculate with it: without an instruction for it, a multiplication and addition rounded once is
//! a hundred times slower.

use std::array;

use super::vector::{Kernel, MOST_LANES, Simd};
use crate::mersenne::engine::EngineKind;

/// Arrays of `N` doubles.
#[derive(Clone, Copy)]
pub(super) struct Lanes<const N: usize>;

impl<const N: usize> Simd for Lanes<N> {
    type Vector = [f64; N];
    type Mask = [bool; N];
    const LANES: usize = N;
    const KIND: EngineKind = if N == 8 { EngineKind::Avx512 } else { EngineKind::Avx2 };

    fn detect() -> Option<Self> {
        Some(Lanes)
    }

    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    fn splat(self, x: f64) -> [f64; N] {
        [x; N]
    }

    fn load(self, lanes: [f64; MOST_LANES]) -> [f64; N] {
        array::from_fn(|i| lanes[i])
    }

    fn store(self, v: [f64; N]) -> [f64; MOST_LANES] {
        array::from_fn(|i| if i < N { v[i] } else { 0.0 })
    }

    fn add(self, a: [f64; N], b: [f64; N]) -> [f64; N] {
        array::from_fn(|i| a[i] + b[i])
    }

    fn sub(self, a: [f64; N], b: [f64; N]) -> [f64; N] {
        array::from_fn(|i| a[i] - b[i])
    }

    fn mul(self, a: [f64; N], b: [f64; N]) -> [f64; N] {
        array::from_fn(|i| a[i] * b[i])
    }

    fn mul_add(self, a: [f64; N], b: [f64; N], c: [f64; N]) -> [f64; N] {
        array::from_fn(|i| a[i].mul_add(b[i], c[i]))
    }

    fn mul_sub(self, a: [f64; N], b: [f64; N], c: [f64; N]) -> [f64; N] {
        array::from_fn(|i| a[i].mul_add(b[i], -c[i]))
    }

    fn neg_mul_add(self, a: [f64; N], b: [f64; N], c: [f64; N]) -> [f64; N] {
        array::from_fn(|i| (-a[i]).mul_add(b[i], c[i]))
    }

    fn max_abs(self, a: [f64; N], b: [f64; N]) -> [f64; N] {
        array::from_fn(|i| if a[i] > b[i].abs() { a[i] } else { b[i].abs() })
    }

    fn less(self, a: [f64; N], b: [f64; N]) -> [bool; N] {
        array::from_fn(|i| a[i] < b[i])
    }

    fn select(self, mask: [bool; N], yes: [f64; N], no: [f64; N]) -> [f64; N] {
        array::from_fn(|i| if mask[i] { yes[i] } else { no[i] })
    }

    fn shift_in(self, v: [f64; N], before: [f64; N]) -> [f64; N] {
        array::from_fn(|i| if i == 0 { before[N - 1] } else { v[i - 1] })
    }

    fn reverse(self, v: [f64; N]) -> [f64; N] {
        array::from_fn(|i| v[N - 1 - i])
    }

    fn negate_index(self, v: [f64; N]) -> [f64; N] {
        // The bits below the highest one are inverted.
        array::from_fn(|i| if i == 0 { v[0] } else { v[i ^ ((1 << i.ilog2()) - 1)] })
    }

    fn with_first(self, v: [f64; N], first: [f64; N]) -> [f64; N] {
        array::from_fn(|i| if i == 0 { first[0] } else { v[i] })
    }

    fn transpose(self, v: &mut [[f64; N]; MOST_LANES]) {
        let rows = *v;
        for (i, row) in v.iter_mut().enumerate().take(N) {
            *row = array::from_fn(|j| rows[j][i]);
        }
    }
}
