use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

fn engine(exponent: u64) -> ExactEngine {
    ExactEngine::new(Exponent::new(exponent).unwrap()).unwrap()
}

fn modulus(exponent: u64) -> BigUint {
    (BigUint::ONE << exponent) - 1u32
}

/// s² - 2 mod M by division.
fn naive_step(residue: &BigUint, modulus: &BigUint) -> BigUint {
    (residue * residue + modulus - 2u32) % modulus
}

fn any_exponent() -> impl Strategy<Value = u64> {
    (2u64..3_000).prop_map(|above| (above..).find(|&p| Exponent::new(p).is_ok()).unwrap())
}

proptest! {
    #[test]
    fn a_step_is_square_and_subtract_two_modulo_m(
        exponent in any_exponent(),
        words in prop::collection::vec(any::<u32>(), 0..100),
        shift: u32,
    ) {
        let mut engine = engine(exponent);
        let start = BigUint::new(words);
        engine.start(&start, shift);
        let modulus = modulus(exponent);
        prop_assert_eq!(engine.residue().unwrap(), &start % &modulus);
        let mut expected = start % &modulus;
        for _ in 0..3 {
            engine.step(Recurrence::SquareMinusTwo).unwrap();
            expected = naive_step(&expected, &modulus);
            prop_assert_eq!(&engine.residue().unwrap(), &expected);
        }
    }

    #[test]
    fn a_step_is_right_next_to_0_to_m_and_to_powers_of_two(
        exponent in any_exponent(),
        power in 0u64..3_000,
        offset in 0u32..3,
    ) {
        let modulus = modulus(exponent);
        let power = BigUint::ONE << (power % exponent);
        let values = [
            BigUint::from(offset),
            &modulus - offset,
            (&power + offset) % &modulus,
            (&modulus + &power - offset) % &modulus,
        ];
        let mut engine = engine(exponent);
        for value in values {
            engine.start(&value, 0);
            engine.step(Recurrence::SquareMinusTwo).unwrap();
            prop_assert_eq!(engine.residue().unwrap(), naive_step(&(value % &modulus), &modulus));
        }
    }
}

#[test]
fn every_residue_of_the_smallest_moduli_steps_correctly() {
    for exponent in [2, 3, 5, 7] {
        let modulus = modulus(exponent);
        let mut engine = engine(exponent);
        for value in 0u32..1 << exponent {
            engine.start(&BigUint::from(value), 0);
            engine.step(Recurrence::SquareMinusTwo).unwrap();
            assert_eq!(
                engine.residue().unwrap(),
                naive_step(&BigUint::from(value), &modulus),
                "p={exponent} s={value}"
            );
        }
    }
}

#[test]
fn m_itself_starts_as_zero() {
    let mut engine = engine(127);
    engine.start(&modulus(127), 0);
    assert_eq!(engine.residue(), Ok(BigUint::ZERO));
}

#[test]
fn the_largest_prime_up_to_the_limit_is_taken_and_the_next_is_refused() {
    let largest = Exponent::new(999_983).unwrap();
    assert_eq!(ExactEngine::new(largest).unwrap().exponent(), largest);
    let exponent = Exponent::next_above(Some(largest)).unwrap();
    let refused = ExactEngine::new(exponent).unwrap_err();
    assert_eq!(refused, EngineError::BeyondLimit { exponent, limit: MAX_EXPONENT });
    assert_eq!(refused.to_string(), "exponent 1000003 is beyond this engine, whose limit is 1000000");
}

#[test]
fn larger_exponents_are_expected_to_take_longer() {
    let times = [2, 127, 4_423, 44_497, 999_983].map(|p| typical_step(Exponent::new(p).unwrap()));
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}
