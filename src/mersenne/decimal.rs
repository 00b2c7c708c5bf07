//! The decimal form of 2^p - 1: how many digits, the first and the last of them, without the rest.
//!
//! Uses num-bigint on numbers of a few words, whatever p: nothing here takes more than 0.2 ms. The
//! first digits come from powers rounded both down and up (interval arithmetic), and are right where
//! both agree.

use num_bigint::BigUint;

use super::exponent::Exponent;

/// How many digits [`first_digits`] and [`last_digits`] give.
pub const END_DIGITS: u32 = 20;

/// ⌊2^96 · log10(2)⌋
const LOG10_2: u128 = 0x4d10_4d42_7de7_fbcc_47c4_acd6;

/// How many decimal digits 2^p - 1 has, exactly.
pub fn digits(exponent: Exponent) -> u64 {
    // As many as 2^p, which is no power of 10: ⌊p·log10(2)⌋ + 1. The product is short by less than p/2^96;
    // see the tests for why no integer lies in that gap.
    ((u128::from(exponent.get()) * LOG10_2) >> 96) as u64 + 1
}

/// The first 20 digits of 2^p - 1, or all if there are no more.
pub fn first_digits(exponent: Exponent) -> String {
    if digits(exponent) <= u64::from(END_DIGITS) {
        return last_digits(exponent);
    }
    // 2^p does not end in 0, so that taking 1 away changes its last digit only.
    let mut precision = 2 * END_DIGITS;
    loop {
        if let Some(digits) = leading_digits_of_power_of_two(exponent, precision) {
            return digits;
        }
        precision *= 2;
    }
}

/// The last 20 digits of 2^p - 1, with leading zeros, or all if there are no more.
pub fn last_digits(exponent: Exponent) -> String {
    let power = BigUint::from(2u32).modpow(&BigUint::from(exponent.get()), &ten_to(END_DIGITS));
    let width = digits(exponent).min(u64::from(END_DIGITS)) as usize;
    format!("{:0>width$}", (power - 1u32).to_string())
}

/// The first 20 digits of 2^p, unless `precision` digits (at least 20) are too few to tell.
fn leading_digits_of_power_of_two(exponent: Exponent, precision: u32) -> Option<String> {
    let unit = ten_to(precision);
    let wide = ten_to(2 * precision);
    // 2^p is in lower..=upper times a power of 10 that is forgotten.
    let mut lower = BigUint::ONE;
    let mut upper = BigUint::ONE;
    for bit in (0..u32::BITS - exponent.get().leading_zeros()).rev() {
        let doubling = (exponent.get() >> bit) & 1;
        lower = (&lower * &lower) << doubling;
        upper = (&upper * &upper) << doubling;
        while upper >= wide {
            lower /= &unit;
            upper = upper / &unit + 1u32;
        }
    }
    let (lower, upper) = (lower.to_string(), upper.to_string());
    let first = lower.get(..END_DIGITS as usize)?;
    (lower.len() == upper.len() && upper.starts_with(first)).then(|| first.to_owned())
}

fn ten_to(power: u32) -> BigUint {
    BigUint::from(10u32).pow(power)
}

#[cfg(test)]
mod tests;
