//! Vectors of four doubles on AVX2 and FMA. Safe twin: `lanes`.
//!
//! Uses std's intrinsics. Unsafe because an intrinsic is undefined on a processor that lacks it: a value of [`Avx2`] is made by
//! [`Simd::detect`] only, after the processor was asked, and nothing here can be reached without one. No pointers are used.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::vector::{Kernel, MOST_LANES, Simd};
use crate::mersenne::engine::EngineKind;

/// The proof that this processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

#[target_feature(enable = "avx2,fma")]
fn compiled<K: Kernel<Avx2>>(simd: Avx2, kernel: K) -> K::Output {
    kernel.run(simd)
}

/// Safe names for intrinsics.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) -> $result:ty = $value:expr;)*) => {
        $($(#[$doc])*
        #[inline(always)]
        fn $name(self, $($argument: $kind),*) -> $result {
            // SAFETY: `self` proves that the processor has the instructions.
            unsafe { $value }
        })*
    };
}

impl Simd for Avx2 {
    type Vector = __m256d;
    type Mask = __m256d;
    const LANES: usize = 4;
    const KIND: EngineKind = EngineKind::Avx2;

    fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }

    #[inline]
    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { compiled(self, kernel) }
    }

    operations! {
        // As an array: std's function for it is sometimes left as a call in kernels that need many constants.
        splat(x: f64) -> __m256d = std::mem::transmute::<[f64; 4], __m256d>([x; 4]);
        load(l: [f64; MOST_LANES]) -> __m256d = _mm256_setr_pd(l[0], l[1], l[2], l[3]);
        add(a: __m256d, b: __m256d) -> __m256d = _mm256_add_pd(a, b);
        sub(a: __m256d, b: __m256d) -> __m256d = _mm256_sub_pd(a, b);
        mul(a: __m256d, b: __m256d) -> __m256d = _mm256_mul_pd(a, b);
        mul_add(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fmadd_pd(a, b, c);
        mul_sub(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fmsub_pd(a, b, c);
        neg_mul_add(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fnmadd_pd(a, b, c);
        // The second operand wins where one is not a number.
        max_abs(a: __m256d, b: __m256d) -> __m256d = _mm256_max_pd(a, _mm256_andnot_pd(_mm256_set1_pd(-0.0), b));
        less(a: __m256d, b: __m256d) -> __m256d = _mm256_cmp_pd::<_CMP_LT_OQ>(a, b);
        select(mask: __m256d, yes: __m256d, no: __m256d) -> __m256d = _mm256_blendv_pd(no, yes, mask);
        shift_in(v: __m256d, before: __m256d) -> __m256d =
            _mm256_blend_pd::<0b0001>(_mm256_permute4x64_pd::<0b10_01_00_11>(v), _mm256_permute4x64_pd::<0b11_11_11_11>(before));
        reverse(v: __m256d) -> __m256d = _mm256_permute4x64_pd::<0b00_01_10_11>(v);
        negate_index(v: __m256d) -> __m256d = _mm256_permute4x64_pd::<0b10_11_01_00>(v);
        with_first(v: __m256d, first: __m256d) -> __m256d = _mm256_blend_pd::<0b0001>(v, first);
    }

    #[inline(always)]
    fn store(self, v: __m256d) -> [f64; MOST_LANES] {
        // SAFETY: four doubles either way.
        let four = unsafe { std::mem::transmute::<__m256d, [f64; 4]>(v) };
        [four[0], four[1], four[2], four[3], 0.0, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn transpose(self, v: &mut [__m256d; MOST_LANES]) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe {
            let (low, high) = (_mm256_unpacklo_pd(v[0], v[1]), _mm256_unpackhi_pd(v[0], v[1]));
            let (low2, high2) = (_mm256_unpacklo_pd(v[2], v[3]), _mm256_unpackhi_pd(v[2], v[3]));
            v[0] = _mm256_permute2f128_pd::<0x20>(low, low2);
            v[1] = _mm256_permute2f128_pd::<0x20>(high, high2);
            v[2] = _mm256_permute2f128_pd::<0x31>(low, low2);
            v[3] = _mm256_permute2f128_pd::<0x31>(high, high2);
        }
    }
}
