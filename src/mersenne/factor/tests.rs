use std::time::Duration;

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
fn every_kernel_and_every_beginning_gives_the_same_factor() {
    for p in [4_423, 9_973, 44_483, 1_000_003, 4_294_967_291] {
        let p = exponent(p);
        let by = |kernel, from, to| {
            let (from, to) = (FactorLimit::bits(from), FactorLimit::bits(to));
            smallest_factor_by(kernel, p, from, to, &Interrupt::new(), &mut |_| {}).unwrap()
        };
        let bits = 20 + p.get().ilog2();
        let factor = by(Kernel::Scalar, 0, bits);
        for kernel in Kernel::ALL {
            assert_eq!(by(kernel, 0, bits), factor, "{kernel:?} {p}");
            for from in [bits - 15, bits - 5, bits - 1] {
                assert_eq!(by(kernel, from, bits), by(Kernel::Scalar, from, bits), "{kernel:?} {p}");
                let is_above = factor.is_some_and(|factor| factor >> from > 0);
                assert!(!is_above || by(kernel, from, bits) == factor);
            }
        }
    }
}

#[test]
fn a_look_can_begin_above_a_factor() {
    // M29 = 233 · 1103 · 2089
    let between = |from, to| {
        let (from, to) = (FactorLimit::bits(from), FactorLimit::bits(to));
        smallest_factor_from(exponent(29), from, to, &Interrupt::new(), &mut |_| {}).unwrap()
    };
    assert_eq!(between(0, 32), Some(233));
    assert_eq!(between(7, 8), Some(233));
    assert_eq!(between(8, 32), Some(1_103));
    assert_eq!(between(11, 32), Some(2_089));
    assert_eq!(between(12, 14), None);
    assert_eq!(between(9, 9), None);
    assert_eq!(between(32, 9), None);
    // M67, whose factors have 28 and 40 bits.
    let far = smallest_factor_from(
        exponent(67),
        FactorLimit::bits(28),
        FactorLimit::bits(40),
        &Interrupt::new(),
        &mut |_| {},
    );
    assert_eq!(far, Ok(Some(761_838_257_287)));
}

#[test]
fn progress_rises_to_the_end_of_the_interval() {
    let mut told = Vec::new();
    let (from, to) = (FactorLimit::bits(20), FactorLimit::bits(34));
    let interrupt = Interrupt::new();
    let factor =
        smallest_factor_from(exponent(4_423), from, to, &interrupt, &mut |progress| told.push(progress)).unwrap();
    assert_eq!(factor, None);
    assert!(told.len() > 5);
    assert!(told.is_sorted_by(|a, b| a.done < b.done && a.below < b.below && a.tried <= b.tried));
    let last = told.last().unwrap();
    assert_eq!(last.done, last.total);
    assert_eq!(last.total, (1 << 34) / 8_846 - (1 << 20) / 8_846);
    assert!(last.below > (1 << 34) - 8_846 && last.below < (1 << 34) + 8_846);
    // Of all k, one in sixteen to one in eight has a q worth a trial.
    assert!((last.total / 20..last.total / 8).contains(&last.tried), "{last:?}");
}

#[test]
fn an_interrupt_between_two_segments_ends_the_look() {
    let interrupt = Interrupt::new();
    let mut told = 0;
    let result =
        smallest_factor_from(exponent(4_423), FactorLimit::bits(0), FactorLimit::DEEPEST, &interrupt, &mut |_| {
            told += 1;
            if told == 3 {
                interrupt.request();
            }
        });
    assert_eq!((result, told), (Err(Interrupted), 3));
}

#[test]
fn the_deepest_candidates_do_not_overflow() {
    for p in [67, 4_423, 44_497, 4_294_967_291] {
        let p = exponent(p);
        for kernel in Kernel::ALL {
            let mut look =
                Look::new(p, kernel, last_k(p, FactorLimit::DEEPEST) - 5_000, last_k(p, FactorLimit::DEEPEST));
            while !look.is_over() {
                assert_eq!(look.segment(), None);
            }
            assert_eq!(look.progress().done, 5_001);
            assert!(look.progress().below > (1 << 63) - 4 * u64::from(p));
        }
    }
}

#[test]
fn a_look_goes_deeper_when_the_test_takes_longer_or_the_kernel_is_faster() {
    for kernel in Kernel::ALL {
        let limit = |p, squaring| FactorLimit::balanced_by(kernel, exponent(p), Duration::from_nanos(squaring)).get();
        for p in [1_009, 4_423, 44_497, 216_091] {
            let limits: Vec<u32> = (0..12).map(|power| limit(p, 100 << power)).collect();
            assert!(limits.is_sorted(), "{limits:?}");
            assert!((9..=11).contains(&(limits[11] - limits[0])), "{limits:?}");
        }
        assert!(limit(2, 0) < 2);
        let for_ever = FactorLimit::balanced_by(kernel, exponent(4_294_967_291), Duration::MAX);
        assert_eq!(for_ever, FactorLimit::DEEPEST);
    }
    let by = |kernel| FactorLimit::balanced_by(kernel, exponent(44_497), Duration::from_micros(5));
    assert!(by(Kernel::Scalar) < by(Kernel::Ifma));
}

#[test]
fn a_limit_is_at_most_63_bits() {
    assert_eq!(FactorLimit::bits(64), FactorLimit::DEEPEST);
    assert_eq!(FactorLimit::bits(u32::MAX).get(), 63);
}

#[test]
fn a_limit_is_written_and_read_as_a_number_of_bits() {
    for bits in [0, 1, 42, 63] {
        assert_eq!(bits.to_string().parse(), Ok(FactorLimit::bits(bits)));
        assert_eq!(FactorLimit::bits(bits).to_string(), bits.to_string());
    }
    for text in ["64", "-1", "", "4e1", "99999999999"] {
        assert_eq!(text.parse::<FactorLimit>(), Err(FactorLimitError), "{text:?}");
    }
    assert_eq!(FactorLimitError.to_string(), "give a number of bits from 0 to 63");
}
