//! Vectors of eight doubles on AVX-512. Safe twin: `lanes`.
//!
//! Uses std's intrinsics. Unsafe because an intrinsic is undefined on a processor that lacks it: a value of [`Avx512`] is made by
//! [`Simd::detect`] only, after the processor was asked, and nothing here can be reached without one. No pointers are used.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::vector::{Kernel, MOST_LANES, Simd};
use crate::mersenne::engine::EngineKind;

/// The proof that this processor has AVX-512 F, DQ and VL.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn compiled<K: Kernel<Avx512>>(simd: Avx512, kernel: K) -> K::Output {
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

impl Simd for Avx512 {
    type Vector = __m512d;
    type Mask = __mmask8;
    const LANES: usize = 8;
    const KIND: EngineKind = EngineKind::Avx512;

    fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        found.then_some(Avx512(()))
    }

    #[inline]
    fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { compiled(self, kernel) }
    }

    operations! {
        // As an array: std's function for it is sometimes left as a call in kernels that need many constants.
        splat(x: f64) -> __m512d = std::mem::transmute::<[f64; 8], __m512d>([x; 8]);
        load(l: [f64; MOST_LANES]) -> __m512d = _mm512_setr_pd(l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7]);
        store(v: __m512d) -> [f64; MOST_LANES] = std::mem::transmute::<__m512d, [f64; MOST_LANES]>(v);
        add(a: __m512d, b: __m512d) -> __m512d = _mm512_add_pd(a, b);
        sub(a: __m512d, b: __m512d) -> __m512d = _mm512_sub_pd(a, b);
        mul(a: __m512d, b: __m512d) -> __m512d = _mm512_mul_pd(a, b);
        mul_add(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fmadd_pd(a, b, c);
        mul_sub(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fmsub_pd(a, b, c);
        neg_mul_add(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fnmadd_pd(a, b, c);
        // The second operand wins where one is not a number.
        max_abs(a: __m512d, b: __m512d) -> __m512d = _mm512_max_pd(a, _mm512_abs_pd(b));
        less(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b);
        select(mask: __mmask8, yes: __m512d, no: __m512d) -> __m512d = _mm512_mask_blend_pd(mask, no, yes);
        shift_in(v: __m512d, before: __m512d) -> __m512d =
            _mm512_castsi512_pd(_mm512_alignr_epi64::<7>(_mm512_castpd_si512(v), _mm512_castpd_si512(before)));
        reverse(v: __m512d) -> __m512d = _mm512_permutexvar_pd(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), v);
        negate_index(v: __m512d) -> __m512d = _mm512_permutexvar_pd(_mm512_setr_epi64(0, 1, 3, 2, 7, 6, 5, 4), v);
        with_first(v: __m512d, first: __m512d) -> __m512d = _mm512_mask_blend_pd(1, v, first);
    }

    #[inline(always)]
    fn transpose(self, v: &mut [__m512d; MOST_LANES]) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe {
            // Pairs of lanes, then pairs of pairs, then halves.
            let mut pairs = *v;
            for i in 0..4 {
                pairs[2 * i] = _mm512_unpacklo_pd(v[2 * i], v[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_pd(v[2 * i], v[2 * i + 1]);
            }
            let mut fours = pairs;
            for half in 0..2 {
                for odd in 0..2 {
                    let (low, high) = (pairs[4 * half + odd], pairs[4 * half + 2 + odd]);
                    fours[4 * half + odd] = _mm512_shuffle_f64x2::<0x88>(low, high);
                    fours[4 * half + 2 + odd] = _mm512_shuffle_f64x2::<0xDD>(low, high);
                }
            }
            for i in 0..4 {
                v[i] = _mm512_shuffle_f64x2::<0x88>(fours[i], fours[4 + i]);
                v[4 + i] = _mm512_shuffle_f64x2::<0xDD>(fours[i], fours[4 + i]);
            }
        }
    }
}
