//! Arithmetic modulo an odd number of 64 bits without division: for primality and trial factors.
//!
//! Uses nothing. A number x is held as x·2^64 mod n; the product of two such is brought back by one
//! multiplication with n^-1 mod 2^64: P. Montgomery, "Modular multiplication without trial division",
//! Mathematics of Computation 44 (1985).

/// One odd modulus and its inverse. Values "in Montgomery form" are below the modulus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Montgomery {
    modulus: u64,
    /// modulus^-1 mod 2^64
    inverse: u64,
}

impl Montgomery {
    /// `modulus` must be odd; an even one has no inverse, and results would be meaningless.
    pub(super) const fn new(modulus: u64) -> Self {
        debug_assert!(modulus % 2 == 1);
        // Right to 5 bits; Newton's step doubles that: 10, 20, 40, 80.
        let mut inverse = modulus.wrapping_mul(3) ^ 2;
        let mut step = 0;
        while step < 4 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(modulus.wrapping_mul(inverse)));
            step += 1;
        }
        Montgomery { modulus, inverse }
    }

    /// The Montgomery form of 1, which is 2^64 mod n. Costs a division.
    pub(super) const fn one(self) -> u64 {
        self.modulus.wrapping_neg() % self.modulus
    }

    /// The Montgomery form of `value`, which may be above the modulus. Costs a wide division.
    pub(super) const fn enter(self, value: u64) -> u64 {
        (((value as u128) << 64) % self.modulus as u128) as u64
    }

    /// a·b / 2^64 mod n, below n. The product a·b must be below n·2^64.
    #[inline(always)]
    pub(super) const fn multiply(self, a: u64, b: u64) -> u64 {
        let product = a as u128 * b as u128;
        let quotient = (product as u64).wrapping_mul(self.inverse);
        let excess = ((quotient as u128 * self.modulus as u128) >> 64) as u64;
        let (difference, borrowed) = ((product >> 64) as u64).overflowing_sub(excess);
        if borrowed { difference.wrapping_add(self.modulus) } else { difference }
    }

    /// a² / 2^64 mod n, below n. The square must be below n·2^64.
    #[inline(always)]
    pub(super) const fn square(self, a: u64) -> u64 {
        self.multiply(a, a)
    }

    /// 2a mod n, for a below n and n below 2^63.
    #[inline(always)]
    pub(super) const fn double(self, a: u64) -> u64 {
        let double = a << 1;
        if double >= self.modulus { double - self.modulus } else { double }
    }

    /// The plain number behind the Montgomery form `a`.
    #[cfg(test)]
    pub(super) const fn leave(self, a: u64) -> u64 {
        self.multiply(a, 1)
    }

    /// base^exponent, both `base` and the result in Montgomery form.
    pub(super) fn power(self, base: u64, exponent: u64) -> u64 {
        let mut result = self.one();
        for bit in (0..u64::BITS - exponent.leading_zeros()).rev() {
            result = self.square(result);
            if (exponent >> bit) & 1 == 1 {
                result = self.multiply(result, base);
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn odd_modulus() -> impl Strategy<Value = u64> {
        prop_oneof![any::<u64>(), (0u32..64).prop_map(|bits| u64::MAX >> bits), 3u64..1000]
            .prop_map(|number| (number | 1).max(3))
    }

    proptest! {
        #[test]
        fn the_inverse_is_one(modulus in odd_modulus()) {
            let field = Montgomery::new(modulus);
            prop_assert_eq!(field.inverse.wrapping_mul(modulus), 1);
        }

        #[test]
        fn entering_and_leaving_gives_the_number_back(modulus in odd_modulus(), value: u64) {
            let field = Montgomery::new(modulus);
            prop_assert_eq!(field.leave(field.enter(value)), value % modulus);
        }

        #[test]
        fn a_product_is_the_product_modulo_n(modulus in odd_modulus(), a: u64, b: u64) {
            let field = Montgomery::new(modulus);
            let product = field.leave(field.multiply(field.enter(a), field.enter(b)));
            let expected = u128::from(a) * u128::from(b) % u128::from(modulus);
            prop_assert_eq!(u128::from(product), expected);
        }

        #[test]
        fn a_double_is_the_double_modulo_n(modulus in odd_modulus(), a: u64) {
            let modulus = (modulus >> 1) | 1;
            prop_assume!(modulus > 1);
            let a = a % modulus;
            prop_assert_eq!(Montgomery::new(modulus).double(a), (a * 2) % modulus);
        }

        #[test]
        fn a_power_is_the_power_modulo_n(modulus in odd_modulus(), base: u64, exponent in 0u64..40) {
            let field = Montgomery::new(modulus);
            let expected = (0..exponent).fold(1 % u128::from(modulus), |power, _| {
                power * u128::from(base % modulus) % u128::from(modulus)
            });
            let power = field.leave(field.power(field.enter(base), exponent));
            prop_assert_eq!(u128::from(power), expected);
        }
    }
}
