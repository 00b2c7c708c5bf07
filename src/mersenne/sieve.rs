//! The sieve of trial factoring: which q = 2kp + 1 are worth a trial.
//!
//! Uses its own tables. A segmented sieve of Eratosthenes over k: what divides 2^p - 1 is ±1 mod 8, and its smallest
//! divisor has no divisor of its own. As in the programs of GIMPS the values of k are kept apart by their class modulo a
//! small number, here 60: classes whose q are not ±1 mod 8, or divisible by 3 or 5, never come up, and 16 are left. A bit
//! is a value of k. The smallest primes strike 8 words at a time by ready-made masks, larger ones bit by bit.

use super::exponent::Exponent;
use primes::Divider;

mod primes;

/// The modulus of the classes.
const WHEEL: u64 = 60;

/// How many classes are left when p is not in the wheel: 2 of 4, times 2 of 3, times 4 of 5.
const CLASSES: usize = 16;

/// How many values of k a row has, which is one word of each class.
pub(super) const ROW: u64 = WHEEL * 64;

/// More candidates than a row can have.
pub(super) const ROW_CANDIDATES: usize = CLASSES * 64;

/// Masks are laid on so many words at a time; segments are multiples of it.
const CHUNK: usize = 8;

/// The longest segment in rows: with the masks it fits a first-level cache.
pub(super) const LONGEST_SEGMENT: usize = 64;

/// The smallest exponent there is a sieve for. Those below are too small for a proper divisor of this form.
pub(super) const SMALLEST_EXPONENT: u32 = 7;

/// Walks over the k of one exponent by rows: row n is those from n·[`ROW`] on.
pub(super) struct Sieve {
    /// 2p
    step: u64,
    /// The classes of k, ascending.
    classes: [u64; CLASSES],
    masks: Vec<Mask>,
    strikes: Vec<Strike>,
    /// The bits of each class in the current segment.
    alive: [[u64; LONGEST_SEGMENT]; CLASSES],
    /// The row with which the next segment begins.
    next_row: u64,
    /// The rows of the next segment: the first ones are short, because small factors are frequent.
    rows: usize,
}

/// A prime that strikes by a mask.
struct Mask {
    words: &'static [u64],
    /// After so many words the mask repeats: the prime.
    period: usize,
    /// By how many words it is further on after a chunk.
    advance: usize,
    /// The word of the mask with which each class goes on.
    place: [u8; CLASSES],
}

/// A prime that strikes bit by bit.
struct Strike {
    prime: usize,
    /// The first bit of each class to strike, counted from the beginning of the next segment.
    next: [u32; CLASSES],
}

impl Sieve {
    /// A sieve that begins with row `first_row` and strikes multiples of the primes below 128 and of those up to
    /// `largest_prime`, at most 8,191. `exponent` is at least [`SMALLEST_EXPONENT`].
    pub(super) fn new(exponent: Exponent, first_row: u64, largest_prime: u64) -> Self {
        debug_assert!(exponent.get() >= SMALLEST_EXPONENT);
        let step = 2 * u64::from(exponent);
        let survives = |&class: &u64| {
            let q = class * step + 1;
            matches!(q % 8, 1 | 7) && !q.is_multiple_of(3) && !q.is_multiple_of(5)
        };
        let mut classes = [0; CLASSES];
        classes.iter_mut().zip((0..WHEEL).filter(survives)).for_each(|(slot, class)| *slot = class);
        let first = |divider: &Divider| divider.first(step, &classes, first_row);
        let masks = primes::SMALL.iter().enumerate().filter_map(|(index, divider)| {
            first(divider).map(|first| Mask::new(divider.prime, primes::mask(index), first))
        });
        let larger = primes::LARGE.iter().take_while(|divider| u64::from(divider.prime) <= largest_prime);
        let strikes =
            larger.filter_map(|divider| first(divider).map(|next| Strike { prime: divider.prime as usize, next }));
        Sieve {
            step,
            classes,
            masks: masks.collect(),
            strikes: strikes.collect(),
            alive: [[0; LONGEST_SEGMENT]; CLASSES],
            next_row: first_row,
            rows: CHUNK,
        }
    }

    /// Sieves the next rows, at least 8 and at most [`LONGEST_SEGMENT`].
    pub(super) fn segment(&mut self) -> Segment<'_> {
        let rows = self.rows;
        for words in &mut self.alive {
            words[..rows].fill(u64::MAX);
        }
        for mask in &mut self.masks {
            mask.lay(&mut self.alive, rows);
        }
        for strike in &mut self.strikes {
            strike.strike(&mut self.alive, rows);
        }
        let first_row = self.next_row;
        if first_row == 0 {
            self.revive_small_candidates();
        }
        self.next_row += rows as u64;
        self.rows = (2 * rows).min(LONGEST_SEGMENT);
        Segment { sieve: self, first_row, rows }
    }

    /// Primes of the sieve that are candidates themselves have been struck, as their own multiples. All candidates that
    /// small live, be they prime or not; 1 does not, which is the q of k = 0.
    fn revive_small_candidates(&mut self) {
        let largest = primes::LARGEST / self.step;
        for (words, class) in self.alive.iter_mut().zip(self.classes) {
            for k in (class..=largest).step_by(WHEEL as usize) {
                let bit = k / WHEEL;
                words[bit as usize / 64] |= 1 << (bit % 64);
            }
        }
        if self.classes[0] == 0 {
            self.alive[0][0] &= !1;
        }
    }
}

impl Mask {
    /// A mask whose prime strikes the bits `first` of the classes first.
    fn new(prime: u32, words: &'static [u64], first: [u32; CLASSES]) -> Self {
        // Bit j of the class is bit j - first of the mask, which is the beginning of a word n where 64·n ≡ -first.
        let per_bit = prime - primes::inverse(64 % prime, prime);
        let place = first.map(|first| (first * per_bit % prime) as u8);
        let period = prime as usize;
        Mask { words, period, advance: CHUNK % period, place }
    }

    fn lay(&mut self, alive: &mut [[u64; LONGEST_SEGMENT]; CLASSES], rows: usize) {
        for (words, place) in alive.iter_mut().zip(&mut self.place) {
            let mut at = usize::from(*place);
            for chunk in words[..rows].as_chunks_mut::<CHUNK>().0 {
                for (word, mask) in chunk.iter_mut().zip(&self.words[at..at + CHUNK]) {
                    *word &= mask;
                }
                at += self.advance;
                if at >= self.period {
                    at -= self.period;
                }
            }
            *place = at as u8;
        }
    }
}

impl Strike {
    fn strike(&mut self, alive: &mut [[u64; LONGEST_SEGMENT]; CLASSES], rows: usize) {
        for (words, next) in alive.iter_mut().zip(&mut self.next) {
            let words = &mut words[..rows];
            let mut bit = *next as usize;
            while let Some(word) = words.get_mut(bit / 64) {
                *word &= !(1 << (bit % 64));
                bit += self.prime;
            }
            *next = (bit - 64 * rows) as u32;
        }
    }
}

/// Some rows, sieved.
pub(super) struct Segment<'a> {
    sieve: &'a Sieve,
    first_row: u64,
    rows: usize,
}

impl Segment<'_> {
    /// The rows' numbers.
    pub(super) fn rows(&self) -> std::ops::Range<u64> {
        self.first_row..self.first_row + self.rows as u64
    }

    /// Appends the candidates q of a row of the segment, in no particular order. They must fit in 64 bits.
    pub(super) fn append_row(&self, row: u64, candidates: &mut Vec<u64>) {
        let Sieve { step, classes, alive, .. } = self.sieve;
        for (words, class) in alive.iter().zip(classes) {
            let first = (row * ROW + class) * step + 1;
            let mut word = words[(row - self.first_row) as usize];
            while word != 0 {
                candidates.push(first + u64::from(word.trailing_zeros()) * (WHEEL * step));
                word &= word - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
