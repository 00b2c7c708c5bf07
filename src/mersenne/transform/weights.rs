//! The irrational numbers of a weighted transform: weights and roots of unity, each as near to the truth as a double gets.
//!
//! Uses digit layouts. Every argument is a fraction of integers and is reduced as such, so that nothing is lost before the
//! one call of `exp2`, `sin` or `cos`. Errors of tables go into every product of a transform and cannot be averaged away.

use std::f64::consts::FRAC_PI_4;

use super::digits::DigitLayout;

/// π/4 - [`FRAC_PI_4`]: what the double nearest to π/4 is short of.
const FRAC_PI_4_REST: f64 = 3.061_616_997_868_383e-17;

/// The weight of digit j, 2^(ceil(pj/n) - pj/n): at least 1, below 2, within one unit of the last place.
pub fn weight(layout: DigitLayout, digit: usize) -> f64 {
    exp2_fraction(layout.lateness(digit), layout.length())
}

/// One divided by the weight of digit j: at most 1, above ½, within one unit of the last place.
pub fn inverse_weight(layout: DigitLayout, digit: usize) -> f64 {
    match layout.lateness(digit) as usize {
        0 => 1.0,
        lateness => 0.5 * exp2_fraction((layout.length() - lateness) as u32, layout.length()),
    }
}

/// 2^(numerator/denominator) for a fraction 0 ≤ x < 1.
fn exp2_fraction(numerator: u32, denominator: usize) -> f64 {
    (f64::from(numerator) / denominator as f64).exp2()
}

/// The real and the imaginary part of e^(-2πi·numerator/denominator), each within one unit of the last place. The
/// multiples of an eighth of a turn are exact, or the nearest doubles. The denominator must not be 0.
pub fn root(numerator: u64, denominator: u32) -> (f64, f64) {
    let denominator = u64::from(denominator);
    // An eighth of a turn at a time; odd eighths are measured from their other end.
    let eighths = numerator % denominator * 8;
    let (octant, beyond) = (eighths / denominator, eighths % denominator);
    let beyond = if octant % 2 == 0 { beyond } else { denominator - beyond };
    let (cos, sin) = first_octant(beyond, denominator);
    match octant {
        0 => (cos, -sin),
        1 => (sin, -cos),
        2 => (-sin, -cos),
        3 => (-cos, -sin),
        4 => (-cos, sin),
        5 => (-sin, cos),
        6 => (sin, cos),
        _ => (cos, sin),
    }
}

/// Cosine and sine of numerator/denominator of an eighth of a turn, 0 to 1.
fn first_octant(numerator: u64, denominator: u64) -> (f64, f64) {
    if numerator == denominator {
        return (std::f64::consts::FRAC_1_SQRT_2, std::f64::consts::FRAC_1_SQRT_2);
    }
    let (numerator, denominator) = (numerator as f64, denominator as f64);
    let quotient = numerator / denominator;
    let (product, product_rest) = exact_product(quotient, denominator);
    let quotient_rest = ((numerator - product) - product_rest) / denominator;
    // The angle as a sum of two doubles; the functions see the first, their derivatives the second.
    let (angle, angle_rest) = exact_product(quotient, FRAC_PI_4);
    let rest = angle_rest + (quotient * FRAC_PI_4_REST + quotient_rest * FRAC_PI_4);
    let (sin, cos) = angle.sin_cos();
    (cos - rest * sin, sin + rest * cos)
}

/// a·b as the nearest double and what that is short of (Dekker 1971), without asking the processor for a fused operation.
fn exact_product(a: f64, b: f64) -> (f64, f64) {
    let halves = |x: f64| {
        let shifted = x * f64::from((1u32 << 27) + 1);
        let high = shifted - (shifted - x);
        (high, x - high)
    };
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
    (product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low)
}

#[cfg(test)]
mod tests;
