//! The way to a power of two that every kernel goes, with as many candidates at once.
//!
//! Uses exponents.

use crate::mersenne::exponent::Exponent;

/// How many candidates are tried at once.
pub(super) const BATCH: usize = 32;

/// How to come to a power of two with a given exponent by squarings and doublings.
///
/// Upward to 2^p. Or downward to 2^-p, which is 1 modulo q exactly when 2^p is, in Montgomery form with R = 2^w: that of
/// 2^-e is the small number 2^(w-e), without a division. Downward to 2^-(p+w), whose Montgomery form is 2^-p itself and
/// saves coming back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// The number to start from is 2 to this.
    pub(super) start: u32,
    /// How many squarings follow.
    pub(super) squarings: u32,
    /// Bit i: whether a doubling follows the squaring that i more come after.
    pub(super) doublings: u64,
}

impl Chain {
    /// To 2^p, for exponents above 64, starting from at most 2^52.
    pub(super) fn upward(exponent: Exponent) -> Self {
        let p = u64::from(exponent);
        let squarings = (0..).find(|squarings| p >> squarings <= 52).unwrap_or(0);
        Chain { start: (p >> squarings) as u32, squarings, doublings: p }
    }

    /// To 2^-p, for exponents above 64, in words of `width` bits, of which at most the lower half and one more is set at
    /// the start.
    pub(super) fn downward(exponent: Exponent, width: u64) -> Self {
        let total = u64::from(exponent) + width;
        let squarings = (0..).find(|&squarings| total.div_ceil(1 << squarings) <= width).unwrap_or(0);
        let leading = total.div_ceil(1 << squarings);
        Chain { start: (width - leading) as u32, squarings, doublings: (leading << squarings) - total }
    }

    /// Whether a doubling follows each squaring, in order.
    #[inline(always)]
    pub(super) fn steps(&self) -> impl Iterator<Item = bool> {
        let doublings = self.doublings;
        (0..self.squarings).rev().map(move |bit| doublings >> bit & 1 == 1)
    }
}
