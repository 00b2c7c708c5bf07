//! Trial division of 32 candidates by AVX2 and FMA: products of doubles with their exact errors, four at a time.
//!
//! Uses the chain of squarings. A product a·b is held exactly as the sum of two doubles, h = a·b rounded and
//! l = fma(a, b, -h); with n the integer next to h/q, the remainder (h - n·q) + l is exact too, because it is less than 2^53.
//! For q < 2^49 and |a| ≤ 0.67·q, |b| ≤ 1.34·q the quotient is less than 2^49 and its error, by three roundings, less
//! than 0.17, so that the remainder is within 0.67·q again. (T. Dekker, "A floating-point technique for extending the
//! available precision", Numerische Mathematik 18, 1971.)
//!
//! # Safety
//! The instructions may only run where the processor has them. An [`Fma`] exists only where they were detected, and
//! [`Fma::hits`] is the only way to the kernel. No pointers are involved: numbers come and go by value.

#![allow(unsafe_code)]

use super::chain::{BATCH, Chain};

/// Proof that the processor has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Fma(());

#[cfg(target_arch = "x86_64")]
mod kernel {
    use std::arch::x86_64::*;

    use super::{BATCH, Chain};

    /// Vectors in flight: a squaring takes several times as long as the multipliers are busy with it.
    const VECTORS: usize = 8;

    /// Rounds to the nearest integer.
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn hits(chain: &Chain, candidates: &[u64; BATCH]) -> u32 {
        let (groups, _) = candidates.as_chunks::<{ 4 * VECTORS }>();
        groups.iter().rev().fold(0, |mask, group| mask.unbounded_shl(4 * VECTORS as u32) | group_hits(chain, group))
    }

    #[target_feature(enable = "avx2,fma")]
    fn group_hits(chain: &Chain, candidates: &[u64; 4 * VECTORS]) -> u32 {
        let one = _mm256_set1_pd(1.0);
        let start = _mm256_set1_pd((1u64 << chain.start) as f64);
        let mut moduli = [one; VECTORS];
        let mut inverses = [one; VECTORS];
        let mut powers = [one; VECTORS];
        for (vector, lanes) in candidates.as_chunks::<4>().0.iter().enumerate() {
            let [a, b, c, d] = lanes.map(|lane| lane as f64);
            let modulus = _mm256_set_pd(d, c, b, a);
            let inverse = _mm256_div_pd(one, modulus);
            let quotient = _mm256_round_pd::<NEAREST>(_mm256_mul_pd(start, inverse));
            powers[vector] = _mm256_fnmadd_pd(quotient, modulus, start);
            moduli[vector] = modulus;
            inverses[vector] = inverse;
        }
        for doubles in chain.steps() {
            let mut others = powers;
            if doubles {
                for other in &mut others {
                    *other = _mm256_add_pd(*other, *other);
                }
            }
            for vector in 0..VECTORS {
                let (a, b) = (powers[vector], others[vector]);
                let high = _mm256_mul_pd(a, b);
                let low = _mm256_fmsub_pd(a, b, high);
                let quotient = _mm256_round_pd::<NEAREST>(_mm256_mul_pd(high, inverses[vector]));
                powers[vector] = _mm256_add_pd(_mm256_fnmadd_pd(quotient, moduli[vector], high), low);
            }
        }
        powers.into_iter().rev().fold(0, |mask, power| {
            let is_one = _mm256_cmp_pd::<_CMP_EQ_OQ>(power, one);
            mask << 4 | _mm256_movemask_pd(is_one) as u32
        })
    }
}

impl Fma {
    /// Asks the processor.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn detect() -> Option<Fma> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Fma(()))
    }

    /// Other processors do not have it.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn detect() -> Option<Fma> {
        None
    }

    /// Bit i of the answer: whether candidate i, odd and below 2^49, divides 2^p - 1. The chain leads upward.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn hits(self, chain: &Chain, candidates: &[u64; BATCH]) -> u32 {
        // SAFETY: `self` exists because both features of the kernel were detected.
        unsafe { kernel::hits(chain, candidates) }
    }

    /// Cannot be called, since there is no value.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn hits(self, _chain: &Chain, _candidates: &[u64; BATCH]) -> u32 {
        0
    }
}
