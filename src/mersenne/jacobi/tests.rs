use proptest::prelude::*;

use super::*;
use crate::mersenne::{ExactEngine, Recurrence, Squaring as _};

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

fn mersenne(p: u64) -> BigUint {
    (BigUint::from(1u32) << p) - 1u32
}

/// The symbol as textbooks have it: twos out, exchange, remainder.
fn textbook(mut a: BigUint, mut n: BigUint) -> Jacobi {
    let mut is_minus = false;
    let low = |number: &BigUint| number.iter_u64_digits().next().unwrap_or(0);
    a %= &n;
    while a != BigUint::ZERO {
        while a.is_even() {
            a >>= 1;
            is_minus ^= matches!(low(&n) % 8, 3 | 5);
        }
        std::mem::swap(&mut a, &mut n);
        is_minus ^= low(&a) % 4 == 3 && low(&n) % 4 == 3;
        a %= &n;
    }
    match (n == BigUint::from(1u32), is_minus) {
        (true, true) => Jacobi::Minus,
        (true, false) => Jacobi::Plus,
        (false, _) => Jacobi::Zero,
    }
}

fn assert_right(a: &BigUint, p: u64) {
    let symbol = jacobi(a, exponent(p), &Interrupt::new());
    assert_eq!(symbol, Ok(textbook(a.clone(), mersenne(p))), "({a:x} / 2^{p} - 1)");
}

#[test]
fn agrees_with_the_textbook_on_all_small_numbers() {
    for p in [2, 3, 5, 7, 11, 13] {
        for a in 0..1u32 << p.min(12) {
            assert_right(&BigUint::from(a), p);
        }
    }
}

#[test]
fn agrees_with_the_textbook_on_numbers_of_special_form() {
    for p in [61, 67, 127, 131, 191, 193, 197, 257, 521, 1_279, 4_423] {
        for bits in (0..p + 2).step_by(1 + p as usize / 150) {
            let power = BigUint::from(1u32) << bits;
            assert_right(&power, p);
            assert_right(&(&power + 1u32), p);
            assert_right(&(&power * 3u32), p);
            // Quotients of every length, at the beginning and in the middle.
            assert_right(&(mersenne(p) / (&power + 2u32)), p);
            if power > BigUint::from(1u32) {
                assert_right(&(&power - 1u32), p);
                assert_right(&(mersenne(p) / &power * &power), p);
            }
            if bits < p {
                assert_right(&(mersenne(p) - &power), p);
            }
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_the_textbook_on_random_numbers(
        words in prop::collection::vec(any::<u32>(), 0..110),
        above in 2u64..3_300,
    ) {
        let p = (above..).find(|&p| Exponent::new(p).is_ok()).unwrap();
        assert_right(&BigUint::new(words), p);
    }

    #[test]
    fn agrees_with_the_textbook_on_numbers_with_a_common_divisor(
        words in prop::collection::vec(any::<u32>(), 1..50),
        p in prop::sample::select(vec![11u64, 23, 29, 67, 83, 131, 1_009, 1_103]),
    ) {
        let factor = crate::mersenne::factor::smallest_factor(
            exponent(p), crate::mersenne::factor::FactorLimit::bits(32), &Interrupt::new());
        let multiple = BigUint::new(words) * factor.unwrap().unwrap();
        prop_assert_eq!(jacobi(&multiple, exponent(p), &Interrupt::new()), Ok(Jacobi::Zero));
    }

    #[test]
    fn a_product_has_the_product_of_the_symbols(
        a in prop::collection::vec(any::<u32>(), 600..700),
        b in prop::collection::vec(any::<u32>(), 600..700),
    ) {
        let p = exponent(21_701);
        let symbol = |number: &BigUint| jacobi(number, p, &Interrupt::new()).unwrap();
        let (a, b) = (BigUint::new(a), BigUint::new(b));
        // M21701 is prime, so no symbol is 0 here.
        prop_assert_eq!(symbol(&(&a * &b)) == Jacobi::Plus, symbol(&a) == symbol(&b));
    }
}

#[test]
fn every_right_residue_is_plausible() {
    for p in [3, 5, 7, 13, 61, 67, 127, 521, 1_009, 4_423] {
        let mut engine = ExactEngine::new(exponent(p)).unwrap();
        engine.start(&BigUint::from(4u32), 0);
        for i in 1..=(p - 2).min(300) {
            engine.step(Recurrence::SquareMinusTwo).unwrap();
            let residue = engine.residue().unwrap();
            // Once the residue is 2 it stays 2, and has lost its symbol; that takes more steps than the test has.
            assert_eq!(is_plausible(&residue, exponent(p), &Interrupt::new()), Ok(true), "p={p} S_{i}");
        }
    }
}

#[test]
fn half_of_all_wrong_residues_are_caught_and_what_follows_from_them_inherits_the_symbol() {
    let p = exponent(2_203);
    let mut engine = ExactEngine::new(p).unwrap();
    engine.start(&BigUint::from(4u32), 0);
    let is_plausible = |residue: &BigUint| is_plausible(residue, p, &Interrupt::new()).unwrap();
    let mut caught = 0;
    for bit in 0..200 {
        engine.step(Recurrence::SquareMinusTwo).unwrap();
        let right = engine.residue().unwrap();
        let wrong = &right ^ (BigUint::from(1u32) << (11 * bit));
        engine.start(&wrong, 0);
        let is_caught = !is_plausible(&wrong);
        for _ in 0..3 {
            engine.step(Recurrence::SquareMinusTwo).unwrap();
        }
        // One squaring later the symbol is (S + 2)(S - 2), of which only the first factor can be new; from then on it stays.
        let after_three = !is_plausible(&engine.residue().unwrap());
        engine.step(Recurrence::SquareMinusTwo).unwrap();
        assert_eq!(!is_plausible(&engine.residue().unwrap()), after_three);
        caught += u32::from(is_caught);
        engine.start(&right, 0);
    }
    assert!((70..=130).contains(&caught), "{caught} of 200");
}

#[test]
fn an_interrupt_ends_it() {
    let interrupt = Interrupt::new();
    interrupt.request();
    let value = mersenne(1_279) / 7u32;
    assert_eq!(jacobi(&value, exponent(1_279), &interrupt), Err(Interrupted));
}

#[test]
fn the_typical_time_grows_with_the_square_of_the_exponent() {
    let (short, long) = (typical_time(exponent(1_000_003)), typical_time(exponent(10_000_019)));
    let ratio = long.as_secs_f64() / short.as_secs_f64();
    assert!((90.0..101.0).contains(&ratio), "{ratio}");
}
