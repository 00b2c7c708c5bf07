use proptest::prelude::*;

use super::*;
use crate::mersenne::exact::ExactEngine;

fn prime_from(least: u32) -> Exponent {
    (least..).find_map(|p| Exponent::new(p.into()).ok()).unwrap()
}

fn prime_below(limit: u32) -> Exponent {
    (0..limit).rev().find_map(|p| Exponent::new(p.into()).ok()).unwrap()
}

fn smallest(length: usize) -> Exponent {
    prime_from(8 * length as u32)
}

fn largest(length: usize) -> Exponent {
    prime_below(length::largest_exponent(EngineKind::Portable, length) + 1)
}

fn lengths_to(longest: usize) -> impl Iterator<Item = usize> {
    length::lengths(EngineKind::Portable).filter(move |&length| length <= longest)
}

fn engine(exponent: Exponent, length: usize) -> PortableEngine {
    PortableEngine::new(exponent, length).unwrap()
}

fn modulus(exponent: Exponent) -> BigUint {
    (BigUint::ONE << exponent.get()) - 1u32
}

/// Bits as good as random.
fn noise(exponent: Exponent, mut seed: u64) -> BigUint {
    let words = (0..=exponent.get() / 32).map(|_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as u32
    });
    BigUint::new(words.collect()) % modulus(exponent)
}

/// s² or s² - 2 modulo M by division.
fn expected(residue: &BigUint, exponent: Exponent, recurrence: Recurrence) -> BigUint {
    let m = modulus(exponent);
    let less = match recurrence {
        Recurrence::Square => 0u32,
        Recurrence::SquareMinusTwo => 2,
    };
    (residue * residue + &m - less) % m
}

/// The residue whose balanced digits are `sign(j)` times the largest there are.
fn extreme(layout: DigitLayout, sign: impl Fn(usize) -> i64) -> BigUint {
    let digits = layout.sizes().enumerate().map(|(j, bits)| sign(j) * ((1i64 << (bits - 1)) - 1));
    layout.join(digits.collect::<Vec<_>>(), 0)
}

#[test]
fn a_step_is_the_square_of_any_residue_at_both_ends_of_every_short_length() {
    for length in lengths_to(2_048).chain([4_608, 10_240, 14_336]) {
        for exponent in [smallest(length), largest(length)] {
            let mut engine = engine(exponent, length);
            let m = modulus(exponent);
            let layout = DigitLayout::new(exponent, length).unwrap();
            let random = noise(exponent, length as u64 + 1);
            let values = [
                BigUint::ZERO,
                BigUint::ONE,
                BigUint::from(2u32),
                &m - 1u32,
                &m >> 1,
                noise(exponent, length as u64),
                extreme(layout, |_| 1),
                extreme(layout, |_| -1),
                extreme(layout, |j| if j % 2 == 0 { 1 } else { -1 }),
                extreme(layout, |j| if random.bit(j as u64) { 1 } else { -1 }),
            ];
            for (number, value) in values.iter().enumerate() {
                for (recurrence, shift) in [
                    (Recurrence::Square, 0),
                    (Recurrence::SquareMinusTwo, 0),
                    (Recurrence::SquareMinusTwo, exponent.get() - 1),
                    (Recurrence::SquareMinusTwo, exponent.get() / 2),
                ] {
                    engine.start(value, shift);
                    let step = engine.step(recurrence);
                    // The worst sums of squares of the longest digits are beyond what a double can tell from its neighbours.
                    let bits = f64::from(exponent.get()) / length as f64;
                    if number >= 6 && 2.0 * (bits - 1.0) + (length as f64).log2() > 48.0 && step.is_err() {
                        assert!(engine.residue().is_err());
                        continue;
                    }
                    step.unwrap();
                    let residue = engine.residue().unwrap();
                    let right = residue == expected(value, exponent, recurrence);
                    assert!(right, "value {number}, {exponent} in {length}, shift {shift}, {recurrence:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_put_in_comes_out() {
    for length in lengths_to(1_024) {
        let exponent = largest(length);
        let mut engine = engine(exponent, length);
        for shift in [0, 1, exponent.get() - 1, exponent.get(), u32::MAX] {
            let value = noise(exponent, 7);
            engine.start(&(&value + modulus(exponent)), shift);
            assert_eq!(engine.shift(), shift % exponent.get());
            assert_eq!(engine.residue().unwrap(), value);
        }
    }
}

#[test]
fn the_residue_after_200_steps_is_the_exact_engines_whatever_the_shift() {
    for (p, length) in [(1_279, 128), (4_423, 240), (9_689, 512), (9_689, 704), (44_497, 2_304)] {
        let exponent = Exponent::new(p).unwrap();
        for recurrence in [Recurrence::SquareMinusTwo, Recurrence::Square] {
            let mut exact = ExactEngine::new(exponent).unwrap();
            let mut engine = engine(exponent, length);
            exact.start(&BigUint::from(4u32), 12_345);
            engine.start(&BigUint::from(4u32), 12_345);
            for _ in 0..200 {
                exact.step(recurrence).unwrap();
                engine.step(recurrence).unwrap();
                assert_eq!(engine.shift(), exact.shift());
            }
            assert_eq!(engine.residue(), exact.residue(), "{p} in {length}");
        }
    }
}

proptest! {
    #[test]
    fn a_step_is_the_square_of_random_residues_at_any_exponent_and_shift(
        length in prop::sample::select(lengths_to(1_536).collect::<Vec<_>>()),
        where_between in 0.0..1.0,
        seed in 1u64..,
        shift: u32,
    ) {
        let (least, most) = (smallest(length).get(), largest(length).get());
        let exponent = prime_from(least + (where_between * f64::from(most - least)) as u32);
        let mut engine = engine(exponent, length);
        let value = noise(exponent, seed);
        engine.start(&value, shift);
        for recurrence in [Recurrence::SquareMinusTwo, Recurrence::Square] {
            let before = engine.residue().unwrap();
            engine.step(recurrence).unwrap();
            prop_assert_eq!(engine.residue().unwrap(), expected(&before, exponent, recurrence));
        }
    }

    #[test]
    fn a_flipped_bit_gives_an_error_or_a_residue_in_its_range(index in 0usize..512, bit in 0u32..64) {
        let exponent = Exponent::new(9_689).unwrap();
        let mut engine = engine(exponent, 512);
        engine.start(&noise(exponent, 3), 5);
        engine.corrupt(index, |value| f64::from_bits(value.to_bits() ^ 1 << bit));
        // Weights are irrational but for the first: no other mantissa is a digit. Signs and powers of two may be.
        if index > 0 && bit < 52 {
            prop_assert!(engine.residue().is_err() || engine.residue().unwrap() == noise(exponent, 3));
        }
        if engine.step(Recurrence::Square).is_ok() && let Ok(residue) = engine.residue() {
            prop_assert!(residue < modulus(exponent));
        }
    }
}

#[test]
fn the_round_off_is_within_a_quarter_at_the_largest_exponent_of_every_length() {
    for length in lengths_to(65_536) {
        let exponent = largest(length);
        let mut engine = engine(exponent, length);
        engine.start(&noise(exponent, 11), 0);
        for _ in 0..100 {
            engine.step(Recurrence::SquareMinusTwo).unwrap();
        }
        assert!(engine.roundoff() <= 0.25, "{exponent} in {length}: {}", engine.roundoff());
        assert!(engine.roundoff() > 0.001, "{exponent} in {length}: the error was not measured");
    }
}

#[test]
fn numbers_that_are_none_never_become_a_residue() {
    let exponent = Exponent::new(9_689).unwrap();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1e200, 1e100] {
        for index in [0, 1, 255, 256, 510, 511] {
            let mut engine = engine(exponent, 512);
            engine.start(&noise(exponent, 5), 0);
            engine.corrupt(index, |_| bad);
            assert!(engine.residue().is_err(), "{bad} as digit {index}");
            assert!(engine.step(Recurrence::SquareMinusTwo).is_err(), "{bad} as digit {index}");
            assert!(engine.residue().is_err(), "{bad} as digit {index}");
            // And so it stays, even if the data recovered.
            engine.data.fill(Complex::new(0.0, 0.0));
            assert!(engine.step(Recurrence::Square).is_err(), "{bad} as digit {index}");
            assert!(engine.residue().is_err(), "{bad} as digit {index}");
            engine.start(&BigUint::from(4u32), 0);
            assert_eq!(engine.roundoff(), 0.0);
            engine.step(Recurrence::SquareMinusTwo).unwrap();
            assert_eq!(engine.residue().unwrap(), BigUint::from(14u32));
        }
    }
}

#[test]
fn what_is_no_digit_is_not_handed_out() {
    let exponent = Exponent::new(9_689).unwrap();
    for change in [|v: f64| v + 0.01, |v| v + 1e9, |v| v - 1e15, |_| 1e-300, |v| v * 1.001 + 0.3] {
        let mut engine = engine(exponent, 512);
        engine.start(&noise(exponent, 5), 0);
        engine.corrupt(77, change);
        assert!(matches!(engine.residue(), Err(StepError::SelfCheck { .. })));
    }
}

#[test]
fn digits_too_long_for_their_transform_give_an_error_or_the_right_residue() {
    let length = 4_096;
    let exponent = prime_below(22 * length as u32);
    let mut engine = engine(exponent, length);
    engine.start(&extreme(DigitLayout::new(exponent, length).unwrap(), |_| 1), 0);
    assert!(matches!(engine.step(Recurrence::Square), Err(StepError::RoundOff { .. })));
    assert!(engine.residue().is_err());
    let mut residue = noise(exponent, 17);
    engine.start(&residue, 0);
    for _ in 0..20 {
        residue = expected(&residue, exponent, Recurrence::SquareMinusTwo);
        if engine.step(Recurrence::SquareMinusTwo).is_err() {
            break;
        }
        assert_eq!(engine.residue().unwrap(), residue);
    }
}

#[test]
fn digits_below_8_bits_and_lengths_that_there_are_not_are_refused() {
    let new = |p: u64, length| PortableEngine::new(Exponent::new(p).unwrap(), length).err();
    let (exponent, engine) = (Exponent::new(4_093).unwrap(), EngineKind::Portable);
    assert_eq!(new(4_093, 512), Some(EngineError::NoSuchLength { exponent, engine, length: 512 }));
    assert_eq!(new(4_099, 512), None);
    assert!(matches!(new(44_497, 2_000), Some(EngineError::NoSuchLength { .. })));
    assert!(matches!(new(44_497, 2_310), Some(EngineError::NoSuchLength { .. })));
    assert!(matches!(new(44_497, 0), Some(EngineError::NoSuchLength { .. })));
    assert!(matches!(new(2_819, 128), Some(EngineError::NoSuchLength { .. })));
    assert!(matches!(new(1_021, 128), Some(EngineError::TooSmall { least: 1_024, .. })));
}
