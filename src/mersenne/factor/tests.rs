use proptest::prelude::*;

use super::*;

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

fn factor_below(p: u64, bits: u32) -> Option<u64> {
    smallest_factor(exponent(p), FactorLimit::bits(bits), &Interrupt::new()).unwrap()
}

/// The smallest q > 1 below 2^bits which divides 2^p - 1 and is not that number, trying them all.
fn naive_factor_below(p: u64, bits: u32) -> Option<u64> {
    let power_modulo = |q: u64| {
        (0..64 - p.leading_zeros()).rev().fold(1, |power, bit| power * power % q * (1 << ((p >> bit) & 1)) % q)
    };
    let number = 1u64.checked_shl(p as u32).map(|power| power - 1);
    (3..1 << bits).step_by(2).find(|&q| power_modulo(q) == 1 && Some(q) != number)
}

#[test]
fn agrees_with_trying_every_number_for_every_exponent_below_1000() {
    for p in (2..1_000).filter(|&p| Exponent::new(p).is_ok()) {
        assert_eq!(factor_below(p, 16), naive_factor_below(p, 16), "{p}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_trying_every_number(above in 2u64..200_000, bits in 1u32..22) {
        let p = (above..).find(|&p| Exponent::new(p).is_ok()).unwrap();
        prop_assert_eq!(factor_below(p, bits), naive_factor_below(p, bits));
    }

    #[test]
    fn a_quick_factor_is_a_proper_divisor(above in 2u64..u64::from(u32::MAX) - 5) {
        let p = (above..).find(|&p| Exponent::new(p).is_ok()).unwrap();
        if let Some(factor) = quick_factor(exponent(p)) {
            let q = u128::from(factor);
            let power = (0..32).rev().fold(1, |power, bit| power * power % q * (1 << ((p >> bit) & 1)) % q);
            prop_assert_eq!(power, 1);
            prop_assert!(p > 64 || q < (1 << p) - 1);
        }
    }
}

#[test]
fn the_number_itself_is_never_its_factor() {
    for p in [2, 3, 5, 7, 13, 17, 19, 31, 61] {
        assert_eq!(factor_below(p, 63), None, "{p}");
        assert_eq!(quick_factor(exponent(p)), None, "{p}");
    }
}

#[test]
fn known_smallest_factors_are_found() {
    // Those of M67 (Cole's) and M103 lie beyond the first segment of k.
    for (p, factor) in [
        (11, 23),
        (23, 47),
        (29, 233),
        (37, 223),
        (41, 13_367),
        (43, 431),
        (47, 2_351),
        (53, 6_361),
        (59, 179_951),
        (67, 193_707_721),
        (71, 228_479),
        (73, 439),
        (103, 2_550_183_799),
        (1_009, 3_454_817),
    ] {
        assert_eq!(factor_below(p, 32), Some(factor), "{p}");
    }
}

#[test]
fn a_limit_of_n_bits_finds_factors_of_n_bits_and_no_larger_ones() {
    // 431 has 9 bits, 13,367 has 14.
    assert_eq!(factor_below(43, 8), None);
    assert_eq!(factor_below(43, 9), Some(431));
    assert_eq!(factor_below(41, 13), None);
    assert_eq!(factor_below(41, 14), Some(13_367));
}

#[test]
fn quick_factors_are_found_up_to_the_largest_exponents() {
    assert_eq!(quick_factor(exponent(11)), Some(23));
    assert_eq!(quick_factor(exponent(2_011)), Some(2_171_881));
    // The largest exponent of all has 2p + 1 for a factor.
    assert_eq!(quick_factor(exponent(4_294_967_291)), Some(8_589_934_583));
}

#[test]
fn an_interrupt_ends_a_look_that_would_take_for_ever() {
    let interrupt = Interrupt::new();
    let looking = std::thread::spawn({
        let interrupt = interrupt.clone();
        move || smallest_factor(exponent(4_423), FactorLimit::DEEPEST, &interrupt)
    });
    interrupt.request();
    assert_eq!(looking.join().unwrap(), Err(Interrupted));
}

#[test]
fn a_look_goes_deeper_when_the_test_takes_longer() {
    let limit = |p, squaring| FactorLimit::balanced(exponent(p), Duration::from_micros(squaring)).get();
    assert_eq!(limit(44_497, 200), 42);
    assert_eq!(limit(44_497, 2), 36);
    assert!(limit(44_497, 400) > limit(44_497, 200));
    assert!(FactorLimit::balanced(exponent(2), Duration::ZERO) < FactorLimit::bits(2));
    assert!(FactorLimit::balanced(exponent(4_294_967_291), Duration::MAX) <= FactorLimit::DEEPEST);
}

#[test]
fn a_limit_is_at_most_63_bits() {
    assert_eq!(FactorLimit::bits(64), FactorLimit::DEEPEST);
    assert_eq!(FactorLimit::bits(u32::MAX).get(), 63);
}
