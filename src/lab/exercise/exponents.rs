//! The exponents of Mersenne primes that examiners may claim: a student's node that tests claims finds them true.

/// All that are known, in order (<https://oeis.org/A000043>).
pub(super) const MERSENNE: [u64; 52] = [
    2,
    3,
    5,
    7,
    13,
    17,
    19,
    31,
    61,
    89,
    107,
    127,
    521,
    607,
    1_279,
    2_203,
    2_281,
    3_217,
    4_253,
    4_423,
    9_689,
    9_941,
    11_213,
    19_937,
    21_701,
    23_209,
    44_497,
    86_243,
    110_503,
    132_049,
    216_091,
    756_839,
    859_433,
    1_257_787,
    1_398_269,
    2_976_221,
    3_021_377,
    6_972_593,
    13_466_917,
    20_996_011,
    24_036_583,
    25_964_951,
    30_402_457,
    32_582_657,
    37_156_667,
    42_643_801,
    43_112_609,
    57_885_161,
    74_207_281,
    77_232_917,
    82_589_933,
    136_279_841,
];

/// The smallest above; the largest of all, if there is none.
pub(super) fn next_above(exponent: u64) -> u64 {
    MERSENNE.into_iter().find(|&other| other > exponent).unwrap_or(MERSENNE[MERSENNE.len() - 1])
}

/// The largest below, if there is one.
pub(super) fn next_below(exponent: u64) -> Option<u64> {
    MERSENNE.into_iter().rev().find(|&other| other < exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mersenne::Exponent;
    use crate::mersenne::factor::quick_factor;

    #[test]
    fn every_one_is_prime_and_gives_no_small_factor() {
        for exponent in MERSENNE {
            let exponent = Exponent::new(exponent).unwrap();
            assert_eq!(quick_factor(exponent), None, "{exponent}");
        }
    }

    #[test]
    fn neighbours_are_found_at_both_ends_too() {
        assert_eq!([next_above(0), next_above(2), next_above(8), next_above(136_279_841)], [2, 3, 13, 136_279_841]);
        assert_eq!([next_below(2), next_below(3), next_below(14)], [None, Some(2), Some(13)]);
    }
}
