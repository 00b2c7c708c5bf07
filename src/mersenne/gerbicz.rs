//! Gerbicz's check of a chain of squarings.
//!
//! Uses engines, of which it only asks squarings. With u_i = 3^(2^i) and blocks of L squarings, the product of the residues
//! at the ends of blocks, d_t = u_r · u_{r+L} · … · u_{r+tL}, satisfies d_t = u_r · d_{t-1}^(2^L): every factor but the first
//! is the one before it raised to 2^L. A wrong squaring anywhere before the last factor spoils one side and not the other, so that
//! L further squarings and a product check all that went before. R. Gerbicz, mersenneforum.org, 2017.
//!
//! The products are made of squares: 4ab = (a + b)² - (a - b)². To divide by 4 modulo 2^p - 1 is to rotate by two bits.

use num_bigint::BigUint;

use super::engine::{Recurrence, Squaring, StepError};
use super::exponent::Exponent;
use super::interrupt::Interrupt;

/// What a product costs, in squarings: two of them, three times a residue is handed in and three times out. Measured on the
/// AVX-512 engine from p = 216,091 to 20,996,011: 1.4 to 2.2 squarings to hand one in, 4.0 to 5.5 to hand it out.
const PRODUCT_COST: f64 = 22.0;

/// After so many squarings there is a check, roughly: what a failed one takes back.
const CHECK_EVERY: f64 = 2_500_000.0;

/// How the squarings of a test are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Squarings in a block.
    pub(super) length: u32,
    /// Squarings before the first block: so few that big integers do them at once.
    pub(super) head: u32,
    /// Blocks from one check to the next.
    pub(super) per_check: u32,
}

impl Blocks {
    /// The division of a test of `exponent`, which ends with a block and a check.
    ///
    /// n products and m checks cost n·c + m·L with n = p / L: least for L = √(c·p / m). Near it there is a length
    /// that leaves next to nothing over, because p mod L is anything from 0 to L - 1.
    pub(super) fn of(exponent: Exponent) -> Blocks {
        let p = exponent.get();
        let checks = (f64::from(p) / CHECK_EVERY).round().max(1.0);
        let best = ((PRODUCT_COST * f64::from(p) / checks).sqrt() as u32).clamp(1, p);
        let fits = |length: &u32| *length >= 1 && *length <= p && p % length <= head_max(exponent);
        let length = (0..best).flat_map(|away| [best - away, best + away]).find(fits).unwrap_or(1);
        Blocks::with_length(exponent, length)
    }

    /// The division into blocks of this length, 1 to p.
    pub(super) fn with_length(exponent: Exponent, length: u32) -> Blocks {
        let p = exponent.get();
        let checks = (f64::from(p) / CHECK_EVERY).round().max(1.0);
        let per_check = (f64::from(p / length) / checks).ceil().max(1.0) as u32;
        Blocks { length, head: p % length, per_check }
    }

    /// The number of blocks.
    fn count(self, exponent: Exponent) -> u32 {
        exponent.get() / self.length
    }

    /// What products and checks take, relative to the squarings of the test.
    pub(super) fn relative_cost(self, exponent: Exponent) -> f64 {
        let blocks = self.count(exponent);
        let checks = blocks.div_ceil(self.per_check);
        let cost = f64::from(blocks) * PRODUCT_COST + f64::from(checks) * (f64::from(self.length) + PRODUCT_COST);
        cost / f64::from(exponent.get())
    }

    /// The squaring at which the block ends that holds the squaring after `iteration`.
    pub(super) fn end_after(self, iteration: u32) -> u32 {
        iteration + self.length - (iteration - self.head) % self.length
    }

    /// Whether `iteration` ends a block.
    pub(super) fn is_end(self, iteration: u32) -> bool {
        iteration > self.head && (iteration - self.head).is_multiple_of(self.length)
    }

    /// Whether there is a check after the block that ends at `iteration`.
    pub(super) fn is_check(self, iteration: u32, exponent: Exponent) -> bool {
        ((iteration - self.head) / self.length).is_multiple_of(self.per_check) || iteration == exponent.get()
    }

    /// 3^(2^head) modulo 2^p - 1, where the blocks begin.
    pub(super) fn base(self, exponent: Exponent) -> BigUint {
        let power = (0..self.head).fold(BigUint::from(3u32), |power, _| fold(&power * &power, exponent));
        // What folding leaves is at most the modulus, which is 0.
        if power.count_ones() == u64::from(exponent) { BigUint::ZERO } else { power }
    }
}

/// The bits from p upward added to those below, as often as there are any: the same modulo 2^p - 1. A division by big integers
/// would take minutes where p is a hundred million.
fn fold(mut value: BigUint, exponent: Exponent) -> BigUint {
    let p = exponent.get();
    while value.bits() > p.into() {
        let high = &value >> p;
        value &= (BigUint::ONE << p) - 1u32;
        value += high;
    }
    value
}

/// As many squarings of 3 as hardly need a modulus, and at most so many that they take no time that anybody notices.
fn head_max(exponent: Exponent) -> u32 {
    const AT_ONCE: u32 = 20;
    exponent.get().ilog2().min(AT_ONCE)
}

/// Why there is no product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NoProduct {
    Interrupted,
    Failed(StepError),
}

impl From<StepError> for NoProduct {
    fn from(error: StepError) -> Self {
        NoProduct::Failed(error)
    }
}

/// a · b modulo 2^p - 1, for odd p; both are below the modulus. The engine's residue is something else afterwards.
pub(super) fn product(
    engine: &mut dyn Squaring,
    a: &BigUint,
    b: &BigUint,
    shift: u32,
    interrupt: &Interrupt,
) -> Result<BigUint, NoProduct> {
    let p = engine.exponent().get();
    let difference = if a >= b { a - b } else { b - a };
    let square_of_sum = square(engine, &(a + b), shift, interrupt)?;
    let square_of_difference = square(engine, &difference, shift, interrupt)?;
    let fourfold = if square_of_sum >= square_of_difference {
        square_of_sum - square_of_difference
    } else {
        square_of_sum + ((BigUint::ONE << p) - 1u32) - square_of_difference
    };
    let last_two = &fourfold & BigUint::from(3u32);
    Ok((fourfold >> 2u32) | (last_two << (p - 2)))
}

fn square(engine: &mut dyn Squaring, value: &BigUint, shift: u32, interrupt: &Interrupt) -> Result<BigUint, NoProduct> {
    if interrupt.is_requested() {
        return Err(NoProduct::Interrupted);
    }
    engine.start(value, shift);
    engine.step(Recurrence::Square)?;
    if interrupt.is_requested() {
        return Err(NoProduct::Interrupted);
    }
    Ok(engine.residue()?)
}

#[cfg(test)]
mod tests;
