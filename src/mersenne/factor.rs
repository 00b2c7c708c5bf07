//! Trial factors of 2^p - 1: most composites are told by a small divisor, thousands of times cheaper than by a test.
//!
//! Uses primality's words, the sieve and the kernels. For odd p every divisor q of 2^p - 1 is 2kp + 1 for some k, and
//! ±1 mod 8 (Fermat, Euler). The candidates with no small divisor of their own are tried in ascending order, row by row
//! of the sieve, so that the smallest hit of the first row with one is the smallest factor, and prime.

use super::exponent::Exponent;
use super::interrupt::{Interrupt, Interrupted};
use super::sieve::{ROW, ROW_CANDIDATES, SMALLEST_EXPONENT, Sieve};
use chain::BATCH;
use trial::Trial;

mod chain;
mod fma;
mod ifma;
mod limit;
mod trial;

pub use limit::{FactorLimit, FactorLimitError};
pub use trial::Kernel;

/// How many values of k [`quick_factor`] looks at.
const QUICK_CANDIDATES: u64 = 4096;

/// How far a look for factors has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorProgress {
    /// There is no factor below this number, as far as was looked for.
    pub below: u64,
    /// How many values of k were looked at.
    pub done: u64,
    /// How many there are to be looked at, if no factor is found.
    pub total: u64,
    /// How many candidates were tried: those the sieve left.
    pub tried: u64,
}

/// The smallest factor of 2^p - 1 among the first few candidates, if there is one.
///
/// Takes 5 to 35 µs, whatever the exponent, so that a claim can be refused where it arrives. Never
/// 2^p - 1 itself.
pub fn quick_factor(exponent: Exponent) -> Option<u64> {
    let last = last_k(exponent, FactorLimit::DEEPEST).min(QUICK_CANDIDATES);
    let mut look = Look::new(exponent, Kernel::of_this_machine(), 1, last);
    while !look.is_over() {
        let factor = look.segment();
        if factor.is_some() {
            return factor;
        }
    }
    None
}

/// The smallest factor of 2^p - 1 below `limit`, if there is one. Never 2^p - 1 itself.
///
/// # Errors
/// [`Interrupted`] within a few milliseconds of the request.
pub fn smallest_factor(
    exponent: Exponent,
    limit: FactorLimit,
    interrupt: &Interrupt,
) -> Result<Option<u64>, Interrupted> {
    smallest_factor_from(exponent, FactorLimit::bits(0), limit, interrupt, &mut |_| {})
}

/// The smallest divisor q ≥ 2^`from` of 2^p - 1 below `to`, if there is one. Never 2^p - 1 itself. It is prime when there
/// is no factor below 2^`from`.
///
/// Tells `on_progress` how far it is, about once a millisecond.
///
/// # Errors
/// [`Interrupted`] within a few milliseconds of the request; the last progress told stands.
pub fn smallest_factor_from(
    exponent: Exponent,
    from: FactorLimit,
    to: FactorLimit,
    interrupt: &Interrupt,
    on_progress: &mut dyn FnMut(FactorProgress),
) -> Result<Option<u64>, Interrupted> {
    smallest_factor_by(Kernel::of_this_machine(), exponent, from, to, interrupt, on_progress)
}

/// As [`smallest_factor_from`], by a kernel of choice, or the scalar one where that is not available. All give the same
/// answer.
///
/// # Errors
/// As there.
pub fn smallest_factor_by(
    kernel: Kernel,
    exponent: Exponent,
    from: FactorLimit,
    to: FactorLimit,
    interrupt: &Interrupt,
    on_progress: &mut dyn FnMut(FactorProgress),
) -> Result<Option<u64>, Interrupted> {
    let first = first_k(exponent, from);
    let mut look = Look::new(exponent, kernel, first, last_k(exponent, to));
    while !look.is_over() {
        if interrupt.is_requested() {
            return Err(Interrupted);
        }
        let factor = look.segment();
        if factor.is_some() {
            return Ok(factor);
        }
        on_progress(look.progress());
    }
    Ok(None)
}

/// The smallest k ≥ 1 with q of at least 2^from.
fn first_k(exponent: Exponent, from: FactorLimit) -> u64 {
    ((1u64 << from.get()) - 1).div_ceil(2 * u64::from(exponent)).max(1)
}

/// The largest k worth a look: q below `limit`, and a proper divisor, so at most the root of 2^p - 1.
fn last_k(exponent: Exponent, limit: FactorLimit) -> u64 {
    let below_limit = (1 << limit.get()) - 1;
    let largest = word(exponent).map_or(below_limit, |number| below_limit.min(number.isqrt()));
    largest.saturating_sub(1) / (2 * u64::from(exponent))
}

/// 2^p - 1 if that fits in 64 bits.
fn word(exponent: Exponent) -> Option<u64> {
    1u64.checked_shl(exponent.get()).map(|power| power - 1)
}

/// A look at the candidates of an interval of k, segment by segment.
struct Look {
    /// 2p
    step: u64,
    /// The first k and the last one.
    first: u64,
    last: u64,
    /// What is left of the interval begins here.
    next: u64,
    /// None when the interval was empty from the start.
    means: Option<(Sieve, Trial)>,
    /// Candidates that wait for others to fill a batch with them.
    waiting: Vec<u64>,
    tried: u64,
}

impl Look {
    fn new(exponent: Exponent, kernel: Kernel, first: u64, last: u64) -> Self {
        let means = (first <= last && exponent.get() >= SMALLEST_EXPONENT).then(|| {
            let largest_prime = limit::largest_prime_worthwhile(kernel, last - first);
            (Sieve::new(exponent, first / ROW, largest_prime), Trial::new(exponent, kernel))
        });
        let waiting = Vec::with_capacity(BATCH + ROW_CANDIDATES);
        Look { step: 2 * u64::from(exponent), first, last, next: first, means, waiting, tried: 0 }
    }

    fn is_over(&self) -> bool {
        self.next > self.last || self.means.is_none()
    }

    fn progress(&self) -> FactorProgress {
        let next = self.next.min(self.last + 1);
        let total = self.last + 1 - self.first;
        FactorProgress { below: next * self.step + 1, done: next - self.first, total, tried: self.tried }
    }

    /// Looks at the next segment, and at all candidates waiting after the last one.
    fn segment(&mut self) -> Option<u64> {
        let (sieve, trial) = self.means.as_mut()?;
        let segment = sieve.segment();
        for row in segment.rows() {
            let (first, end) = (row * ROW, (row + 1) * ROW);
            if first > self.last {
                break;
            }
            segment.append_row(row, &mut self.waiting);
            if first < self.first || end > self.last {
                let allowed = self.first * self.step + 1..=self.last * self.step + 1;
                self.waiting.retain(|candidate| allowed.contains(candidate));
            }
            self.next = end;
            // Those that wait come from this row and at the end of the one before. So the smallest hit of all of them is the
            // smallest there is, as there was none before.
            let waiting = self.waiting.len();
            let factor = try_batches(trial, &mut self.waiting, end > self.last);
            if factor.is_some() {
                return factor;
            }
            self.tried += (waiting - self.waiting.len()) as u64;
        }
        None
    }
}

/// The smallest divisor among the candidates, which are used up but for less than a batch; entirely when there is one or
/// these `are_last`.
fn try_batches(trial: &Trial, waiting: &mut Vec<u64>, ends: bool) -> Option<u64> {
    let mut smallest = None;
    let (batches, rest) = waiting.as_chunks::<BATCH>();
    for batch in batches {
        smallest = smaller(smallest, trial, batch);
    }
    if let Some(&last) = rest.last()
        && (smallest.is_some() || ends)
    {
        let mut batch = [last; BATCH];
        batch[..rest.len()].copy_from_slice(rest);
        smallest = smaller(smallest, trial, &batch);
        waiting.clear();
        return smallest;
    }
    let used = waiting.len() - rest.len();
    waiting.drain(..used);
    smallest
}

fn smaller(smallest: Option<u64>, trial: &Trial, batch: &[u64; BATCH]) -> Option<u64> {
    let mut hits = trial.hits(batch);
    let mut smallest = smallest;
    while hits != 0 {
        let hit = batch[hits.trailing_zeros() as usize];
        smallest = Some(smallest.map_or(hit, |smallest: u64| smallest.min(hit)));
        hits &= hits - 1;
    }
    smallest
}

#[cfg(test)]
mod tests;
