use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;
use crate::mersenne::engine::{Recurrence, StepError};
use crate::mersenne::exact::ExactEngine;
use crate::mersenne::plan::EngineSet;

fn prime_from(least: u32) -> Exponent {
    (least..).find_map(|p| Exponent::new(p.into()).ok()).unwrap()
}

fn prime_below(limit: u32) -> Exponent {
    (0..limit).rev().find_map(|p| Exponent::new(p.into()).ok()).unwrap()
}

fn smallest(length: usize) -> Exponent {
    prime_from(8 * length as u32)
}

fn largest(kind: EngineKind, length: usize) -> Exponent {
    prime_below(length::largest_exponent(kind, length) + 1)
}

/// The engines with a transform that run here.
fn kinds() -> impl Iterator<Item = EngineKind> {
    EngineSet::of_this_machine().iter().filter(|kind| *kind != EngineKind::Exact)
}

fn lengths_to(kind: EngineKind, longest: usize) -> impl Iterator<Item = usize> {
    length::lengths(kind).filter(move |&length| length <= longest)
}

fn engine(kind: EngineKind, exponent: Exponent, length: usize) -> Box<dyn Corruptible> {
    let layout = layout(exponent, kind, length).unwrap();
    match kind {
        EngineKind::Exact => panic!("big integers have no transform"),
        EngineKind::Portable => Box::new(portable::PortableEngine::new(layout)),
        EngineKind::Avx2 | EngineKind::Avx512 => simd::corruptible(kind, layout),
    }
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
    let lengths = |kind| lengths_to(kind, 2_048).chain([4_608, 10_240, 14_336]).map(move |length| (kind, length));
    for (kind, length) in kinds().flat_map(lengths) {
        for exponent in [smallest(length), largest(kind, length)] {
            let mut engine = engine(kind, exponent, length);
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
                    assert!(right, "{kind}, value {number}, {exponent} in {length}, shift {shift}, {recurrence:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_put_in_comes_out() {
    for (kind, length) in kinds().flat_map(|kind| lengths_to(kind, 1_024).map(move |length| (kind, length))) {
        let exponent = largest(kind, length);
        let mut engine = engine(kind, exponent, length);
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
    let tests = [(1_279, 128), (4_423, 256), (9_689, 512), (9_689, 768), (44_497, 2_304)];
    for (kind, (p, length)) in kinds().flat_map(|kind| tests.map(move |test| (kind, test))) {
        let exponent = Exponent::new(p).unwrap();
        for recurrence in [Recurrence::SquareMinusTwo, Recurrence::Square] {
            let mut exact = ExactEngine::new(exponent).unwrap();
            let mut engine = engine(kind, exponent, length);
            exact.start(&BigUint::from(4u32), 12_345);
            engine.start(&BigUint::from(4u32), 12_345);
            for _ in 0..200 {
                exact.step(recurrence).unwrap();
                engine.step(recurrence).unwrap();
                assert_eq!(engine.shift(), exact.shift());
            }
            assert_eq!(engine.residue(), exact.residue(), "{kind}: {p} in {length}");
        }
    }
}

proptest! {
    #[test]
    fn a_step_is_the_square_of_random_residues_at_any_exponent_and_shift(
        (kind, length) in prop::sample::select(
            kinds().flat_map(|kind| lengths_to(kind, 1_536).map(move |length| (kind, length))).collect::<Vec<_>>()
        ),
        where_between in 0.0..1.0,
        seed in 1u64..,
        shift: u32,
    ) {
        let (least, most) = (smallest(length).get(), largest(kind, length).get());
        let exponent = prime_from(least + (where_between * f64::from(most - least)) as u32);
        let mut engine = engine(kind, exponent, length);
        let value = noise(exponent, seed);
        engine.start(&value, shift);
        for recurrence in [Recurrence::SquareMinusTwo, Recurrence::Square] {
            let before = engine.residue().unwrap();
            engine.step(recurrence).unwrap();
            prop_assert_eq!(engine.residue().unwrap(), expected(&before, exponent, recurrence));
        }
    }

    #[test]
    fn a_flipped_bit_gives_an_error_or_a_residue_in_its_range(
        kind in prop::sample::select(kinds().collect::<Vec<_>>()),
        index in 0usize..512,
        bit in 0u32..64,
    ) {
        let exponent = Exponent::new(9_689).unwrap();
        let mut engine = engine(kind, exponent, 512);
        engine.start(&noise(exponent, 3), 5);
        engine.corrupt(index, &|value| f64::from_bits(value.to_bits() ^ 1 << bit));
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
    for (kind, length) in kinds().flat_map(|kind| lengths_to(kind, 65_536).map(move |length| (kind, length))) {
        let exponent = largest(kind, length);
        let mut engine = engine(kind, exponent, length);
        engine.start(&noise(exponent, 11), 0);
        for _ in 0..100 {
            engine.step(Recurrence::SquareMinusTwo).unwrap();
        }
        assert!(engine.roundoff() <= 0.25, "{kind}: {exponent} in {length}: {}", engine.roundoff());
        assert!(engine.roundoff() > 0.001, "{kind}: {exponent} in {length}: the error was not measured");
    }
}

#[test]
fn numbers_that_are_none_never_become_a_residue() {
    let exponent = Exponent::new(9_689).unwrap();
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1e200, 1e100];
    for (kind, bad) in kinds().flat_map(|kind| bad.map(move |bad| (kind, bad))) {
        for index in [0, 1, 255, 256, 510, 511] {
            let mut engine = engine(kind, exponent, 512);
            engine.start(&noise(exponent, 5), 0);
            engine.corrupt(index, &|_| bad);
            assert!(engine.residue().is_err(), "{kind}: {bad} as digit {index}");
            assert!(engine.step(Recurrence::SquareMinusTwo).is_err(), "{kind}: {bad} as digit {index}");
            assert!(engine.residue().is_err(), "{kind}: {bad} as digit {index}");
            // And so it stays, even if the data recovered.
            (0..512).for_each(|index| engine.corrupt(index, &|_| 0.0));
            assert!(engine.step(Recurrence::Square).is_err(), "{kind}: {bad} as digit {index}");
            assert!(engine.residue().is_err(), "{kind}: {bad} as digit {index}");
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
    let changes: [fn(f64) -> f64; 5] = [|v| v + 0.01, |v| v + 1e9, |v| v - 1e15, |_| 1e-300, |v| v * 1.001 + 0.3];
    for (kind, change) in kinds().flat_map(|kind| changes.map(move |change| (kind, change))) {
        let mut engine = engine(kind, exponent, 512);
        engine.start(&noise(exponent, 5), 0);
        engine.corrupt(77, &change);
        assert!(matches!(engine.residue(), Err(StepError::SelfCheck { .. })), "{kind}");
    }
}

#[test]
fn digits_too_long_for_their_transform_give_an_error_or_the_right_residue() {
    let length = 4_096;
    let exponent = prime_below(22 * length as u32);
    for kind in kinds() {
        let mut engine = engine(kind, exponent, length);
        engine.start(&extreme(DigitLayout::new(exponent, length).unwrap(), |_| 1), 0);
        assert!(matches!(engine.step(Recurrence::Square), Err(StepError::RoundOff { .. })), "{kind}");
        assert!(engine.residue().is_err(), "{kind}");
        let mut residue = noise(exponent, 17);
        engine.start(&residue, 0);
        for _ in 0..20 {
            residue = expected(&residue, exponent, Recurrence::SquareMinusTwo);
            if engine.step(Recurrence::SquareMinusTwo).is_err() {
                break;
            }
            assert_eq!(engine.residue().unwrap(), residue, "{kind}");
        }
    }
}

#[test]
fn a_transform_that_goes_through_long_rows_agrees_with_the_librarys_at_another_length() {
    for (length, other) in [(163_840, 131_072), (196_608, 163_840), (131_072, 114_688), (294_912, 229_376)] {
        let exponent = prime_from(12 * length as u32);
        let start = noise(exponent, 23);
        let mut portable = engine(EngineKind::Portable, exponent, other);
        portable.start(&start, 0);
        (0..3).for_each(|_| portable.step(Recurrence::SquareMinusTwo).unwrap());
        for kind in kinds() {
            let mut engine = engine(kind, exponent, length);
            engine.start(&start, 1_000_003);
            assert_eq!(engine.residue().unwrap(), start, "{kind}: {length}");
            (0..3).for_each(|_| engine.step(Recurrence::SquareMinusTwo).unwrap());
            assert!(engine.residue() == portable.residue(), "{kind}: {length}");
        }
    }
}

#[test]
fn digits_below_8_bits_and_lengths_that_there_are_not_are_refused() {
    for kind in kinds() {
        let new = |p: u64, length| super::engine(Exponent::new(p).unwrap(), kind, length).err();
        let exponent = Exponent::new(4_093).unwrap();
        assert_eq!(new(4_093, 512), Some(EngineError::NoSuchLength { exponent, engine: kind, length: 512 }));
        assert_eq!(new(4_099, 512), None);
        assert!(matches!(new(44_497, 2_000), Some(EngineError::NoSuchLength { .. })));
        assert!(matches!(new(44_497, 2_310), Some(EngineError::NoSuchLength { .. })));
        assert!(matches!(new(44_497, 0), Some(EngineError::NoSuchLength { .. })));
        assert!(matches!(new(2_953, 128), Some(EngineError::NoSuchLength { .. })));
        assert!(matches!(new(1_021, 128), Some(EngineError::TooSmall { least: 1_024, .. })));
        // Digits of 8 bits in a transform so long that they would grow.
        assert!(matches!(new(2_500_009, 262_144), Some(EngineError::NoSuchLength { .. })));
    }
}
