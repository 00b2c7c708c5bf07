use num_bigint::{BigInt, BigUint, Sign};

use super::*;
use crate::mersenne::exponent::Exponent;

/// Reference values are integers in units of 2^-128.
const FRACTION_BITS: u32 = 128;

fn one() -> BigInt {
    BigInt::from(1) << FRACTION_BITS
}

/// A double in units of 2^-128, exactly; those of tables are multiples of it.
fn fixed(value: f64) -> BigInt {
    let bits = value.abs().to_bits();
    let exponent = (bits >> 52) as i32 - 1075 + FRACTION_BITS as i32;
    let mantissa = BigInt::from(bits & ((1 << 52) - 1) | 1 << 52);
    let size = if value == 0.0 {
        BigInt::ZERO
    } else if exponent >= 0 {
        mantissa << exponent
    } else {
        mantissa >> -exponent
    };
    if value < 0.0 { -size } else { size }
}

/// By how many units of its last place a double is off.
fn units_off(value: f64, truth: &BigInt) -> f64 {
    let ulp = value.abs().next_up() - value.abs();
    let off = fixed(value) - truth;
    let off = if off.sign() == Sign::Minus { -off } else { off };
    off.to_string().parse::<f64>().unwrap() / 2f64.powi(FRACTION_BITS as i32) / ulp
}

/// The sum of x^k/k! over k = first, first + step …, with alternating signs if `alternate`.
fn series(x: &BigInt, first: u32, step: u32, alternate: bool) -> BigInt {
    let mut term = one();
    for k in 1..=first {
        term = ((term * x) >> FRACTION_BITS) / k;
    }
    let (mut sum, mut k) = (BigInt::ZERO, first);
    while term != BigInt::ZERO && k < 300 {
        sum += &term;
        for _ in 0..step {
            k += 1;
            term = ((term * x) >> FRACTION_BITS) / k;
        }
        if alternate {
            term = -term;
        }
    }
    sum
}

/// arctan(1/x)·scale, by its series.
fn arctan_of_inverse(x: u32) -> BigInt {
    let mut power = one() / x;
    let (mut sum, mut k) = (BigInt::ZERO, 0u32);
    while power != BigInt::ZERO {
        let term = &power / (2 * k + 1);
        sum += if k % 2 == 0 { term } else { -term };
        power /= x * x;
        k += 1;
    }
    sum
}

/// Machin's formula.
fn pi() -> BigInt {
    (arctan_of_inverse(5) * 4 - arctan_of_inverse(239)) * 4
}

/// ln 2 = 2·artanh(1/3).
fn ln_2() -> BigInt {
    let mut power = one() / 3;
    let (mut sum, mut k) = (BigInt::ZERO, 0u32);
    while power != BigInt::ZERO {
        sum += &power / (2 * k + 1);
        power /= 9;
        k += 1;
    }
    sum * 2
}

/// Numerators that are telling for a denominator: the ends of each octant, and some between.
fn numerators(denominator: u32) -> impl Iterator<Item = u64> {
    let d = u64::from(denominator);
    let near = (0..=8).flat_map(move |k| (0..5).map(move |off| (d * k / 8 + off).saturating_sub(2)));
    near.chain((0..60u64).map(move |k| 0x9E37_79B9_7F4A_7C15u64.wrapping_mul(k) % d))
}

#[test]
fn roots_of_unity_are_within_one_unit_of_the_last_place() {
    let turn = pi() * 2;
    for denominator in
        [1, 2, 3, 8, 9, 15, 128, 144, 2_304, 5_120, 7_168, 11 << 14, 13 << 18, 15 << 19, 1 << 23, u32::MAX]
    {
        for numerator in numerators(denominator) {
            // Full precision needs no octants, only a longer series.
            let angle = &turn * (numerator % u64::from(denominator)) / denominator;
            let (cos, sin) = root(numerator, denominator);
            let (cos_off, sin_off) =
                (units_off(cos, &series(&angle, 0, 2, true)), units_off(-sin, &series(&angle, 1, 2, true)));
            // Where the truth is zero the double has to be zero; the reference is wrong there in its last bits.
            assert!(cos_off < 1.0 || cos == 0.0, "cosine of {numerator}/{denominator}: {cos_off}");
            assert!(sin_off < 1.0 || sin == 0.0, "sine of {numerator}/{denominator}: {sin_off}");
            assert_eq!(
                cos == 0.0,
                numerator * 4 % u64::from(denominator) == 0 && numerator * 4 / u64::from(denominator) % 2 == 1
            );
            assert_eq!(sin == 0.0, numerator * 2 % u64::from(denominator) == 0);
        }
    }
}

#[test]
fn eighths_of_a_turn_are_as_exact_as_can_be() {
    let half = std::f64::consts::FRAC_1_SQRT_2;
    let expected =
        [(1.0, 0.0), (half, -half), (0.0, -1.0), (-half, -half), (-1.0, 0.0), (-half, half), (0.0, 1.0), (half, half)];
    for (k, expected) in expected.into_iter().enumerate() {
        assert_eq!(root(k as u64, 8), expected, "{k}/8");
        assert_eq!(root(k as u64 + 8_000, 8), expected, "{k}/8 and many turns");
    }
}

#[test]
fn weights_and_their_inverses_are_within_one_unit_of_the_last_place() {
    for (p, length) in [(1_279, 128), (4_423, 240), (44_497, 2_304), (756_839, 40_960), (136_279_841, 7_340_032)] {
        let layout = DigitLayout::new(Exponent::new(p).unwrap(), length).unwrap();
        for digit in (0..length).step_by(length / 100).chain([1, 2, length - 2, length - 1]) {
            // ceil(pj/n) - pj/n as it is written.
            let late = u64::from(layout.first_bit(digit)) * length as u64 - p * digit as u64;
            let exponent = ln_2() * late / length;
            let (weight, inverse) = (weight(layout, digit), inverse_weight(layout, digit));
            assert!((1.0..2.0).contains(&weight) && 0.5 < inverse && inverse <= 1.0);
            let off = units_off(weight, &series(&exponent, 0, 1, false));
            assert!(off < 1.0, "weight of digit {digit} of {p} in {length}: {off}");
            let off = units_off(inverse, &series(&-exponent, 0, 1, false));
            assert!(off < 1.0, "inverse weight of digit {digit} of {p} in {length}: {off}");
        }
        assert_eq!((weight(layout, 0), inverse_weight(layout, 0)), (1.0, 1.0));
    }
}

#[test]
fn the_reference_knows_pi_and_e() {
    let digits = |x: BigInt| ((x * BigInt::from(BigUint::from(10u32).pow(30))) >> FRACTION_BITS).to_string();
    assert_eq!(digits(pi()), "3141592653589793238462643383279");
    assert_eq!(digits(series(&one(), 0, 1, false)), "2718281828459045235360287471352");
    assert_eq!(digits(ln_2()), "693147180559945309417232121458");
}
