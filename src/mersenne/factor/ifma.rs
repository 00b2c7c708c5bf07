//! Trial division of 32 candidates by AVX-512 IFMA: multiplications of 52 bits, eight at a time.
//!
//! Uses the chain of squarings. Montgomery's reduction with R = 2^52, without ever bringing a number below the modulus:
//! for q < 2^49, a < 2q and b < 4q, the upper half of a·b is less than q, so that `upper + q - reduction` is in 0..2q again.
//!
//! # Safety
//! The instructions may only run where the processor has them. An [`Ifma`] exists only where they were detected, and
//! [`Ifma::hits`] is the only way to the kernel. No pointers are involved: numbers come and go by value.

#![allow(unsafe_code)]

use super::chain::{BATCH, Chain};

/// Proof that the processor has AVX-512 with IFMA.
#[derive(Clone, Copy)]
pub(super) struct Ifma(());

#[cfg(target_arch = "x86_64")]
mod kernel {
    use std::arch::x86_64::*;

    use super::{BATCH, Chain};

    /// Vectors in flight: a squaring takes three times as long as the multiplier is busy with it.
    const VECTORS: usize = BATCH / 8;

    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn hits(chain: &Chain, candidates: &[u64; BATCH]) -> u32 {
        let zero = _mm512_setzero_si512();
        let one = _mm512_set1_epi64(1);
        let two = _mm512_set1_epi64(2);
        let mut moduli = [zero; VECTORS];
        let mut inverses = [zero; VECTORS];
        for (vector, lanes) in candidates.as_chunks::<8>().0.iter().enumerate() {
            let [a, b, c, d, e, f, g, h] = lanes.map(|lane| lane as i64);
            moduli[vector] = _mm512_set_epi64(h, g, f, e, d, c, b, a);
            // 1/q mod 2^5; Newton's step doubles the bits: 10, 20, 40, 80.
            let triple = _mm512_add_epi64(_mm512_slli_epi64::<1>(moduli[vector]), moduli[vector]);
            inverses[vector] = _mm512_xor_si512(triple, two);
        }
        for _ in 0..4 {
            for (inverse, modulus) in inverses.iter_mut().zip(moduli) {
                let error = _mm512_sub_epi64(two, _mm512_madd52lo_epu64(zero, modulus, *inverse));
                *inverse = _mm512_madd52lo_epu64(zero, *inverse, error);
            }
        }
        let mut powers = [_mm512_set1_epi64(1 << chain.start); VECTORS];
        for doubles in chain.steps() {
            let mut others = powers;
            if doubles {
                for other in &mut others {
                    *other = _mm512_add_epi64(*other, *other);
                }
            }
            for vector in 0..VECTORS {
                let (a, b, modulus) = (powers[vector], others[vector], moduli[vector]);
                let upper = _mm512_madd52hi_epu64(modulus, a, b);
                let lower = _mm512_madd52lo_epu64(zero, a, b);
                let quotient = _mm512_madd52lo_epu64(zero, lower, inverses[vector]);
                let reduction = _mm512_madd52hi_epu64(zero, quotient, modulus);
                powers[vector] = _mm512_sub_epi64(upper, reduction);
            }
        }
        let mut mask = 0;
        for (power, modulus) in powers.into_iter().zip(moduli).rev() {
            // 1 modulo q, below 2q.
            let is_one = _mm512_cmpeq_epi64_mask(power, one);
            let is_above = _mm512_cmpeq_epi64_mask(power, _mm512_add_epi64(modulus, one));
            mask = mask << 8 | u32::from(is_one | is_above);
        }
        mask
    }
}

impl Ifma {
    /// Asks the processor.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn detect() -> Option<Ifma> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")).then_some(Ifma(()))
    }

    /// Other processors do not have it.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn detect() -> Option<Ifma> {
        None
    }

    /// Bit i of the answer: whether candidate i, odd and below 2^49, divides 2^p - 1. The chain leads downward in words of
    /// 52 bits.
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
