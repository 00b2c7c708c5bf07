//! A residue modulo M = 2^p - 1 as the digits of a weighted transform: cut into n pieces, and put together again.
//!
//! Uses big integers. The variable base is Crandall and Fagin's ("Discrete weighted transforms and large-integer
//! arithmetic", 1994): digit j begins at bit ceil(pj/n), so that it has floor(p/n) or ceil(p/n) bits. Digits are balanced
//! around zero, which saves about half of them their carry and makes the sums of a squaring small. 2^p ≡ 1: what is
//! carried out of the last digit goes into the first.

use num_bigint::BigUint;

use crate::mersenne::exponent::Exponent;

/// The most bits a digit may have.
pub const MAX_BITS: u32 = 32;

/// How the p bits of a residue are spread over n digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitLayout {
    exponent: Exponent,
    length: u32,
}

impl DigitLayout {
    /// `length` digits; `None` when they would have less than one bit or more than [`MAX_BITS`].
    pub fn new(exponent: Exponent, length: usize) -> Option<Self> {
        let length = u32::try_from(length).ok().filter(|&length| (1..=exponent.get()).contains(&length))?;
        (exponent.get().div_ceil(length) <= MAX_BITS).then_some(DigitLayout { exponent, length })
    }

    /// The p of the modulus.
    pub fn exponent(self) -> Exponent {
        self.exponent
    }

    /// The number n of digits.
    pub fn length(self) -> usize {
        self.length as usize
    }

    /// floor(p/n): what the smaller digits have.
    pub fn small_bits(self) -> u32 {
        self.exponent.get() / self.length
    }

    /// p mod n: so many digits have one bit more than [`small_bits`](Self::small_bits).
    pub fn large_digits(self) -> u32 {
        self.exponent.get() % self.length
    }

    /// n·(ceil(pj/n) - pj/n), 0 to n - 1: by so many n-ths of a bit digit j begins later than it would if digits had p/n
    /// bits each. This is n times the exponent of its weight. The digit is large where it is below
    /// [`large_digits`](Self::large_digits).
    pub fn lateness(self, digit: usize) -> u32 {
        let n = u64::from(self.length);
        // j mod n keeps the product in 64 bits for any digit and exponent.
        let before = u64::from(self.exponent) * (digit as u64 % n) % n;
        ((n - before) % n) as u32
    }

    /// The number of bits of digit j < n.
    pub fn bits(self, digit: usize) -> u32 {
        self.small_bits() + u32::from(self.lateness(digit) < self.large_digits())
    }

    /// The first bit of digit j ≤ n: ceil(pj/n).
    pub fn first_bit(self, digit: usize) -> u32 {
        (u64::from(self.exponent) * digit as u64).div_ceil(u64::from(self.length)) as u32
    }

    /// Which digit holds a bit below p, and how many bits of the digit are below it.
    pub fn place(self, bit: u32) -> (usize, u32) {
        // The last j with ceil(pj/n) ≤ bit, which is the last with pj ≤ n·bit.
        let digit = (u64::from(self.length) * u64::from(bit) / u64::from(self.exponent)) as usize;
        (digit, bit - self.first_bit(digit))
    }

    /// The bits of every digit in order, without a division for each.
    pub fn sizes(self) -> impl Iterator<Item = u32> {
        let (small, large) = (self.small_bits(), self.large_digits());
        let mut lateness = 0;
        (0..self.length).map(move |_| {
            let is_large = lateness < large;
            lateness = if is_large { lateness + self.length - large } else { lateness - large };
            small + u32::from(is_large)
        })
    }

    /// Cuts `value` mod M, rotated left by `shift` bits, into balanced digits: |d| ≤ 2^(b - 1) for a digit of b bits.
    /// Hands each with its index to `take`, digit 0 last: it needs to know what the others carry.
    pub fn split(self, value: &BigUint, shift: u32, mut take: impl FnMut(usize, i64)) {
        let residue = self.rotate_left(self.reduce(value.clone()), shift % self.exponent.get());
        // Two words are read for each digit, so two more than there are.
        let words: Vec<u64> = residue.iter_u64_digits().chain([0; 2]).collect();
        let (mut bit, mut carry, mut first) = (0, 0, 0);
        for (index, bits) in self.sizes().enumerate() {
            let two = words.get(bit / 64..bit / 64 + 2).map_or(0, |two| u128::from(two[1]) << 64 | u128::from(two[0]));
            let digit = (two >> (bit % 64)) as i64 & ((1 << bits) - 1);
            bit += bits as usize;
            let sum = digit + carry;
            carry = i64::from(sum >= 1 << (bits - 1));
            let balanced = sum - (carry << bits);
            if index == 0 {
                first = balanced;
            } else {
                take(index, balanced);
            }
        }
        // Below 2^(b - 1) until now, so still in its range.
        take(0, first + carry);
    }

    /// The digits that [`split`](Self::split) makes, in order.
    pub fn digits(self, value: &BigUint, shift: u32) -> Vec<i64> {
        let mut digits = vec![0; self.length()];
        self.split(value, shift, |index, digit| digits[index] = digit);
        digits
    }

    /// The residue 0 ≤ s < M of n digits in order, each |d| < 2^50 and not necessarily in its range, rotated right by
    /// `shift` bits. Digits that are missing count as 0, those beyond n are not asked for.
    pub fn join(self, digits: impl IntoIterator<Item = i64>, shift: u32) -> BigUint {
        let mut words: Vec<u32> = Vec::with_capacity(self.exponent.get() as usize / 32 + 1);
        let (mut pending, mut filled, mut carry) = (0u64, 0, 0i64);
        let mut digits = digits.into_iter();
        for bits in self.sizes() {
            let sum = digits.next().unwrap_or(0) + carry;
            carry = sum >> bits;
            pending |= ((sum - (carry << bits)) as u64) << filled;
            filled += bits;
            if filled >= 32 {
                words.push(pending as u32);
                pending >>= 32;
                filled -= 32;
            }
        }
        words.push(pending as u32);
        let mut residue = BigUint::new(words);
        if carry >= 0 {
            residue += carry.unsigned_abs();
        } else {
            residue += self.reduce_negative(carry.unsigned_abs());
        }
        let residue = self.reduce(residue);
        self.rotate_left(residue, self.exponent.get() - shift % self.exponent.get())
    }

    /// 2^p - 1.
    fn modulus(self) -> BigUint {
        (BigUint::ONE << self.exponent.get()) - 1u32
    }

    /// What -`value` is modulo M.
    fn reduce_negative(self, value: u64) -> BigUint {
        self.modulus() - self.reduce(BigUint::from(value))
    }

    /// `value` mod M.
    fn reduce(self, mut value: BigUint) -> BigUint {
        let p = u64::from(self.exponent);
        if value.bits() < p {
            return value;
        }
        let modulus = self.modulus();
        while value > modulus {
            let high = &value >> p;
            value &= &modulus;
            value += high;
        }
        if value == modulus { BigUint::ZERO } else { value }
    }

    /// A residue below M times 2^`by`, by ≤ p, which moves its highest `by` bits to the bottom.
    fn rotate_left(self, residue: BigUint, by: u32) -> BigUint {
        let rest = self.exponent.get() - by;
        if by == 0 || rest == 0 {
            return residue;
        }
        let high = &residue >> rest;
        let low = residue & ((BigUint::ONE << rest) - 1u32);
        (low << by) + high
    }
}

#[cfg(test)]
mod tests;
