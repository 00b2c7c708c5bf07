use proptest::prelude::*;

use super::*;

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

/// Whether q divides 2^p - 1, the way it is taught.
fn divides(p: u64, q: u64) -> bool {
    let q = u128::from(q);
    (0..64).rev().fold(1, |power, bit| power * power % q * (1 << (p >> bit & 1)) % q) == 1
}

fn trials(p: u64) -> impl Iterator<Item = (Kernel, Trial)> {
    Kernel::ALL
        .into_iter()
        .filter(|kernel| kernel.is_available())
        .map(move |kernel| (kernel, Trial::new(exponent(p), kernel)))
}

fn assert_right(p: u64, candidates: &[u64; BATCH]) {
    let expected = mask_of(candidates, |q| divides(p, q));
    for (kernel, trial) in trials(p) {
        assert_eq!(trial.hits(candidates), expected, "{kernel:?} p={p} {candidates:?}");
    }
}

/// Some exponents with factors of theirs of up to 50 bits.
const FACTORS: [(u64, &[u64]); 10] = [
    (59, &[179_951, 3_203_431_780_337]),
    (67, &[193_707_721, 761_838_257_287]),
    (101, &[7_432_339_208_719]),
    (103, &[2_550_183_799]),
    (109, &[745_988_807]),
    (113, &[3_391, 23_279, 65_993, 1_868_569, 1_066_818_132_868_207]),
    (151, &[18_121, 55_871, 165_799, 2_332_951]),
    (1_009, &[3_454_817]),
    (2_011, &[2_171_881]),
    (4_294_967_291, &[8_589_934_583]),
];

#[test]
fn every_kernel_knows_divisors_in_every_lane() {
    for (p, factors) in FACTORS {
        for &factor in factors {
            for lane in 0..BATCH {
                let mut candidates = [0; BATCH];
                candidates.iter_mut().zip(1..).for_each(|(candidate, k)| *candidate = 2 * k * p + 1);
                candidates[lane] = factor;
                assert_right(p, &candidates);
            }
        }
    }
}

#[test]
fn every_kernel_is_right_around_the_limit_of_the_vectors_and_at_the_largest_candidates() {
    for p in [67, 127, 521, 4_423, 44_497, 216_091, 136_279_841, 4_294_967_291] {
        for top in [1 << 20, 1 << 31, 1 << 32, 1 << 48, VECTOR_LIMIT, 1 << 50, 1 << 52, 1 << 53, 1 << 63] {
            let k = (top - 1) / (2 * p);
            let mut candidates = [0; BATCH];
            let nearest = (0..).map(|below| 2 * (k.max(below + 1) - below) * p + 1);
            candidates.iter_mut().zip(nearest).for_each(|(candidate, q)| *candidate = q.min((1 << 63) - 25));
            assert_right(p, &candidates);
        }
    }
}

#[test]
fn every_kernel_is_right_for_candidates_of_the_smallest_exponents() {
    for p in (2..300).filter(|&p| Exponent::new(p).is_ok()) {
        for block in 0..20 {
            let candidates = std::array::from_fn(|k| 2 * (block * BATCH as u64 + k as u64 + 1) * p + 1);
            assert_right(p, &candidates);
        }
    }
}

proptest! {
    #[test]
    fn every_kernel_agrees_with_long_division(
        above in 2u64..u64::from(u32::MAX) - 5,
        exponent_bits in 0u32..31,
        numbers in prop::array::uniform32(any::<u64>()),
        bits in 1u32..63,
    ) {
        let p = (2.max(above >> exponent_bits)..).find(|&p| Exponent::new(p).is_ok()).unwrap();
        // Any odd number above p will do, be it of the right form or not.
        assert_right(p, &numbers.map(|number| ((number >> (64 - bits)) | 1).max(2 * p + 1)));
    }
}
