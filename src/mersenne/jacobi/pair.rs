//! Two numbers on their way to their greatest common divisor, and what becomes of their Jacobi symbol.
//!
//! Uses nothing but words. Of two numbers without common divisor, one of them odd, the symbol meant is (larger / smaller) if
//! both are odd, and otherwise (even / odd). Two changes come up. Exchanged, two odd numbers change the sign when both
//! are 3 mod 4 (Gauss). And x may become x - q·y: nothing happens when y is odd or a multiple of 4; when y is
//! 2 mod 4, each of the q subtractions changes the sign if x is 3 mod 4 at that time (by the rules for 2 and for odd y/2).
//! So x, y and q modulo 4 tell all.

use super::Jacobi;
use crate::mersenne::interrupt::{Interrupt, Interrupted};

/// Cofactors stay below 2^62, so that the sum of two products and a carry is in the range of 128 bits with sign.
const COFACTOR_BITS: u32 = 62;

/// The two numbers, the words from the lowest up without zeros at the end, and the sign so far.
pub(super) struct Pair {
    /// x ≥ y at the beginning of every round.
    x: Vec<u64>,
    y: Vec<u64>,
    is_minus: bool,
}

/// x and y become a·x - b·y and d·y - c·x, or the negatives of these.
struct Cofactors {
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    /// Whether it is the negatives.
    is_negated: bool,
}

impl Pair {
    /// `odd` is odd and above `value`.
    pub(super) fn new(odd: Vec<u64>, value: Vec<u64>) -> Self {
        Pair { x: odd, y: value, is_minus: false }
    }

    /// (value / odd)
    pub(super) fn symbol(mut self, interrupt: &Interrupt) -> Result<Jacobi, Interrupted> {
        // Up to here the symbol meant is that of the smaller over the larger.
        if is_odd(&self.x) && is_odd(&self.y) {
            self.is_minus = reciprocity(self.x[0], self.y[0]);
        }
        while self.x.len() > 2 && !self.y.is_empty() {
            if interrupt.is_requested() {
                return Err(Interrupted);
            }
            match self.certain_quotients() {
                Some(cofactors) => self.apply(&cofactors),
                None => self.subtract_some(),
            }
            self.put_in_order();
        }
        let small = |words: &[u64]| words.iter().rev().fold(0u128, |number, word| number << 64 | u128::from(*word));
        if self.x.len() > 2 {
            // The other is 0, and this one divides both.
            return Ok(Jacobi::Zero);
        }
        Ok(symbol_of_small(small(&self.x), small(&self.y), self.is_minus))
    }

    fn put_in_order(&mut self) {
        if is_less(&self.x, &self.y) {
            if is_odd(&self.x) && is_odd(&self.y) {
                self.is_minus ^= reciprocity(self.x[0], self.y[0]);
            }
            std::mem::swap(&mut self.x, &mut self.y);
        }
    }

    /// Steps of Euclid's as far as the first 128 bits of the numbers decide the quotients: x and y lie between the beginnings
    /// and the beginnings + 1, and the sign follows the steps. None if the first quotient is not certain.
    ///
    /// A quotient is certain when the next remainder r and cofactors u, v obey r ≥ v and last r - r ≥ u + last u (T. Jebelean,
    /// "A double-digit Lehmer-Euclid algorithm", Journal of Symbolic Computation 19, 1995), here with the larger of the cofactors.
    fn certain_quotients(&mut self) -> Option<Cofactors> {
        let bits = bits(&self.x);
        let (mut x, mut y) = (window(&self.x, bits), window(&self.y, bits));
        let (mut low_x, mut low_y) = (self.x[0], self.y[0]);
        let mut is_minus = self.is_minus;
        let (mut a, mut b, mut c, mut d) = (1u64, 0u64, 0u64, 1u64);
        let mut is_negated = false;
        loop {
            if y == 0 {
                break;
            }
            let quotient = quotient(x, y);
            let remainder = x - quotient * y;
            let Ok(quotient) = u64::try_from(quotient) else { break };
            let next = |last: u64, this: u64| quotient.checked_mul(this).and_then(|product| product.checked_add(last));
            let (Some(next_c), Some(next_d)) = (next(a, c), next(b, d)) else { break };
            let largest = next_c.max(next_d);
            let is_certain =
                remainder >= u128::from(largest) && y - remainder >= u128::from(largest) + u128::from(c.max(d));
            if largest >> COFACTOR_BITS != 0 || !is_certain {
                break;
            }
            is_minus ^= subtraction(low_x, low_y, quotient);
            let low = low_x.wrapping_sub(quotient.wrapping_mul(low_y));
            is_minus ^= low & low_y & 1 == 1 && reciprocity(low, low_y);
            (low_x, low_y) = (low_y, low);
            (x, y) = (y, remainder);
            (a, b, c, d) = (c, d, next_c, next_d);
            is_negated = !is_negated;
        }
        if b == 0 {
            return None;
        }
        self.is_minus = is_minus;
        Some(Cofactors { a, b, c, d, is_negated })
    }

    /// Puts the steps into effect. Nearly all of the time is spent here; by itself the loop keeps more in registers.
    #[inline(never)]
    fn apply(&mut self, cofactors: &Cofactors) {
        let Cofactors { a, b, c, d, is_negated } = *cofactors;
        self.y.resize(self.x.len(), 0);
        let pairs = self.x.iter_mut().zip(&mut self.y);
        if is_negated {
            combine(pairs, |x, y| (product(b, y) - product(a, x), product(c, x) - product(d, y)));
        } else {
            combine(pairs, |x, y| (product(a, x) - product(b, y), product(d, y) - product(c, x)));
        }
        trim(&mut self.x);
        trim(&mut self.y);
    }

    /// Subtracts from x a multiple of y that is at least y, and unless they are about equally long most of x.
    fn subtract_some(&mut self) {
        let (bits_x, bits_y) = (bits(&self.x), bits(&self.y));
        // 125 bits over 64, rounded down: 61 or 62 bits, to be moved up by so many.
        let quotient = (window(&self.x, bits_x) >> 3) / ((window(&self.y, bits_y) >> 64) + 1);
        let up = bits_x as isize - bits_y as isize - 61;
        // Up by whole words only, so the rest goes down, or is left out where nothing would remain.
        let (words, down) = match up % 64 {
            _ if up <= 0 => (0, -up),
            0..=3 => (up / 64, 0),
            beyond => (up / 64 + 1, 64 - beyond),
        };
        let quotient = quotient >> down;
        let quotient = quotient.max(1) as u64;
        self.is_minus ^= words == 0 && subtraction(self.x[0], self.y[0], quotient);
        let mut carry = 0i128;
        let multiplied = self.y.iter().copied().chain(std::iter::repeat(0));
        for (x, y) in self.x[words as usize..].iter_mut().zip(multiplied) {
            let new = i128::from(*x) - product(quotient, y) + carry;
            (*x, carry) = (new as u64, new >> 64);
        }
        debug_assert!(carry == 0);
        trim(&mut self.x);
    }
}

/// Replaces each pair of words by `step` of it, carrying from word to word. The last carries are 0.
#[inline(always)]
fn combine<'a>(pairs: impl Iterator<Item = (&'a mut u64, &'a mut u64)>, step: impl Fn(u64, u64) -> (i128, i128)) {
    let (mut carry_x, mut carry_y) = (0, 0);
    for (x, y) in pairs {
        let (new_x, new_y) = step(*x, *y);
        let (new_x, new_y) = (new_x + i128::from(carry_x), new_y + i128::from(carry_y));
        (*x, carry_x) = (new_x as u64, (new_x >> 64) as i64);
        (*y, carry_y) = (new_y as u64, (new_y >> 64) as i64);
    }
    debug_assert!(carry_x == 0 && carry_y == 0);
}

/// Of a cofactor below 2^63.
#[inline(always)]
fn product(cofactor: u64, word: u64) -> i128 {
    (u128::from(cofactor) * u128::from(word)) as i128
}

/// Whether exchanging two odd numbers changes the sign.
fn reciprocity(x: u64, y: u64) -> bool {
    x & y & 2 != 0
}

/// Whether x - `times`·y instead of x changes the sign. Looks at the last two bits only; x or y is odd.
fn subtraction(x: u64, y: u64, times: u64) -> bool {
    y & 3 == 2 && ((times & 1 != 0 && x & 2 != 0) != (times & 2 != 0))
}

/// The symbol meant by x ≥ y, when the sign so far is this.
fn symbol_of_small(mut x: u128, mut y: u128, mut is_minus: bool) -> Jacobi {
    while y != 0 {
        let quotient = x / y;
        is_minus ^= subtraction(x as u64, y as u64, quotient as u64);
        (x, y) = (y, x - quotient * y);
        is_minus ^= x & y & 1 == 1 && reciprocity(x as u64, y as u64);
    }
    match (x, is_minus) {
        (1, true) => Jacobi::Minus,
        (1, false) => Jacobi::Plus,
        (_, true | false) => Jacobi::Zero,
    }
}

/// x / y for x ≥ y > 0. Mostly by one division of 64 bits, which is several times as fast.
fn quotient(x: u128, y: u128) -> u128 {
    let down = 65 - x.leading_zeros().min(65);
    let divisor = (y >> down) as u64;
    // With so long a divisor the quotient is at most one too small.
    if divisor >> 33 == 0 {
        return x / y;
    }
    let low = u128::from(((x >> down) as u64) / (divisor + 1));
    if x - low * y >= y { low + 1 } else { low }
}

fn is_odd(words: &[u64]) -> bool {
    words.first().is_some_and(|word| word & 1 == 1)
}

fn is_less(x: &[u64], y: &[u64]) -> bool {
    x.len() < y.len() || (x.len() == y.len() && x.iter().rev().lt(y.iter().rev()))
}

/// How many bits a number has that has no zero words at the end.
fn bits(words: &[u64]) -> usize {
    words.last().map_or(0, |last| 64 * words.len() - last.leading_zeros() as usize)
}

/// The 128 bits below bit `end`, moved up with zeros when there are fewer.
fn window(words: &[u64], end: usize) -> u128 {
    let word = |index: usize| u128::from(words.get(index).copied().unwrap_or(0));
    let three = |lowest: usize, down: usize| {
        let low = word(lowest) | word(lowest + 1) << 64;
        if down == 0 { low } else { low >> down | word(lowest + 2) << (128 - down) }
    };
    match end.checked_sub(128) {
        Some(begin) => three(begin / 64, begin % 64),
        None => three(0, 0) << (128 - end),
    }
}

fn trim(words: &mut Vec<u64>) {
    while words.last() == Some(&0) {
        words.pop();
    }
}
