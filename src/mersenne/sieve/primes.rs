//! The primes of the sieve, with what is the same for every exponent: calculated by the compiler.
//!
//! Uses nothing.

/// A prime above 5 as a divisor of q = 2p·(class + 60·j) + 1.
#[derive(Clone, Copy)]
pub(super) struct Divider {
    pub(super) prime: u32,
    /// 1/60 modulo the prime.
    wheel_inverse: u32,
}

impl Divider {
    /// For each class, how far above 64·`first_row` the first j is at which the prime divides q. None if it divides no q
    /// because it is p. `step` is 2p.
    pub(super) fn first<const N: usize>(self, step: u64, classes: &[u64; N], first_row: u64) -> Option<[u32; N]> {
        let prime = u64::from(self.prime);
        let residue = (step % prime) as u32;
        if residue == 0 {
            return None;
        }
        // Where it divides, -j = (2p·class + 1) / (2p·60).
        let skipped = (first_row % prime * 64 % prime) as u32;
        let least = inverse(residue, self.prime) * self.wheel_inverse + skipped;
        let mut first = [0; N];
        for (first, class) in first.iter_mut().zip(classes) {
            let below = (least + *class as u32 * self.wheel_inverse) % self.prime;
            *first = if below == 0 { 0 } else { self.prime - below };
        }
        Some(first)
    }
}

/// The primes from 7 to 127.
pub(super) const SMALL: [Divider; 28] = dividers(7);

/// The largest prime of the sieve.
pub(super) const LARGEST: u64 = 8_191;

/// The primes from 131 to [`LARGEST`].
pub(super) static LARGE: [Divider; 997] = dividers(131);

/// A small prime r as a mask of r words, after which it repeats: bit j is clear where r divides j. The first words follow
/// again at the end, so that any 8 in a row can be read.
pub(super) fn mask(index: usize) -> &'static [u64] {
    static WORDS: [u64; MASK_ENDS[SMALL.len() - 1]] = mask_words();
    let begin = if index == 0 { 0 } else { MASK_ENDS[index - 1] };
    &WORDS[begin..MASK_ENDS[index]]
}

/// Where the masks end, one after the other.
const MASK_ENDS: [usize; SMALL.len()] = {
    let mut ends = [0; SMALL.len()];
    let (mut index, mut end) = (0, 0);
    while index < ends.len() {
        end += SMALL[index].prime as usize + 7;
        ends[index] = end;
        index += 1;
    }
    ends
};

const fn mask_words<const N: usize>() -> [u64; N] {
    let mut words = [0; N];
    let (mut index, mut word, mut bit) = (0, 0, 0);
    while word < N {
        if word == MASK_ENDS[index] {
            index += 1;
            bit = 0;
        }
        let end = bit + 64;
        while bit < end {
            if bit % SMALL[index].prime != 0 {
                words[word] |= 1 << (bit % 64);
            }
            bit += 1;
        }
        word += 1;
    }
    words
}

/// The first `N` primes from `first` up.
const fn dividers<const N: usize>(first: u32) -> [Divider; N] {
    let mut dividers = [Divider { prime: 0, wheel_inverse: 0 }; N];
    let (mut found, mut candidate) = (0, first);
    while found < N {
        let mut divisor = 3;
        while divisor * divisor <= candidate && candidate % divisor != 0 {
            divisor += 2;
        }
        if divisor * divisor > candidate {
            dividers[found] = Divider { prime: candidate, wheel_inverse: inverse(60 % candidate, candidate) };
            found += 1;
        }
        candidate += 2;
    }
    dividers
}

/// 1/`number` modulo a prime below 2^15, by Euclid. `number` is not 0 modulo the prime.
pub(super) const fn inverse(number: u32, prime: u32) -> u32 {
    let (mut larger, mut smaller) = (prime, number);
    // smaller ≡ ±cofactor·number; the sign alternates.
    let (mut last, mut cofactor, mut is_negative) = (0, 1, false);
    while smaller > 1 {
        let quotient = larger / smaller;
        (larger, smaller) = (smaller, larger - quotient * smaller);
        (last, cofactor) = (cofactor, last + quotient * cofactor);
        is_negative = !is_negative;
    }
    if is_negative { prime - cofactor } else { cofactor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mersenne::primality::is_prime;

    #[test]
    fn the_tables_hold_the_primes_from_7_to_8191() {
        let primes: Vec<u32> = SMALL.iter().chain(&LARGE).map(|divider| divider.prime).collect();
        let expected: Vec<u32> = (7..=8_191).filter(|&number| is_prime(u64::from(number))).collect();
        assert_eq!(primes, expected);
    }

    #[test]
    fn a_number_times_its_inverse_is_1() {
        for prime in SMALL.iter().chain(&LARGE).map(|divider| divider.prime) {
            for number in (1..prime).step_by(1 + prime as usize / 100) {
                assert_eq!(number * inverse(number, prime) % prime, 1, "{number} modulo {prime}");
            }
        }
    }

    #[test]
    fn a_mask_is_clear_where_its_prime_divides() {
        for (index, divider) in SMALL.iter().enumerate() {
            let words = mask(index);
            assert_eq!(words.len(), divider.prime as usize + 7);
            for (j, bit) in (0..).zip(words.iter().flat_map(|word| (0..64).map(move |bit| word >> bit & 1))) {
                assert_eq!(bit == 0, j % divider.prime == 0, "{} at {j}", divider.prime);
            }
        }
    }
}
