//! How long a transform has to be: the lengths each engine has, and how large an exponent each length carries.
//!
//! Uses engine kinds and exponents. A digit of b bits, squared and summed n times, has to be told from its neighbours in
//! 53 bits: the error grows with the root of n for digits as random as residues', and with the number of additions on the
//! way, so that b falls by about 0.3 bits each time n doubles. The constants are measured: 1,000 squarings at the
//! largest exponent of every length stay within a round-off error of 0.25. One bit more would be four times the error.

use crate::mersenne::engine::EngineKind;
use crate::mersenne::exponent::Exponent;

/// The shortest transform, in points.
pub const SHORTEST: usize = 128;

/// The longest transform, in points.
pub const LONGEST: usize = 1 << 23;

/// The lengths of an engine's transforms in points, ascending; none for the exact engine. Between a power of two and the
/// next they are so many eighths of it.
pub fn lengths(kind: EngineKind) -> impl Iterator<Item = usize> {
    // Butterflies of 11, 13 and 15 points cost more than the shorter transform saves; the library's are better.
    let eighths: &[usize] = match kind {
        EngineKind::Exact => &[],
        EngineKind::Portable => &[8, 9, 10, 11, 12, 13, 14, 15],
        EngineKind::Avx2 | EngineKind::Avx512 => &[8, 9, 10, 12, 14],
    };
    // Whole rows of at least as many vectors as a vector has lanes, of complex numbers.
    let row = match kind {
        EngineKind::Exact | EngineKind::Portable => 16,
        EngineKind::Avx2 => 2 * 4 * 4,
        EngineKind::Avx512 => 2 * 8 * 8,
    };
    let ladder = (4..=20).flat_map(move |power| eighths.iter().map(move |eighths| eighths << power));
    ladder.filter(move |&length| (SHORTEST..=LONGEST).contains(&length) && length.is_multiple_of(row))
}

/// The largest number that may be an exponent for a transform of `length` points.
pub fn largest_exponent(kind: EngineKind, length: usize) -> u32 {
    let doublings = (length as f64).log2() - 11.0;
    let bits = match kind {
        EngineKind::Portable => {
            // Measured at every length to 360,448: these two factors cost the library's transforms a fifth of a bit. Short
            // transforms have a margin more, because the largest of few errors says less of those to come.
            let awkward = if length.is_multiple_of(3) || length.is_multiple_of(13) { 0.2 } else { 0.0 };
            let short = if doublings < 0.0 { 0.2 } else { 0.0 };
            (21.1 - 0.30 * doublings - awkward - short).min(21.9)
        }
        // Its butterflies of 9 points are the least exact.
        EngineKind::Exact | EngineKind::Avx2 => 21.26 - 0.30 * doublings,
        EngineKind::Avx512 => 21.36 - 0.30 * doublings,
    };
    (bits * length as f64) as u32
}

/// The smallest number that may be an exponent: digits of the shortest transform have at least 8 bits.
pub fn smallest_exponent(_kind: EngineKind) -> u32 {
    8 * SHORTEST as u32
}

/// Whether a transform of this length can go well: digits have 8 bits or more, and so many that what the carry leaves in them
/// does not grow from squaring to squaring (4^b well above n), and at most 23, beyond which nothing is measured.
pub fn is_conceivable(exponent: Exponent, length: usize) -> bool {
    let fewest_bits = 8.max(length.ilog2() as usize / 2 + 2);
    (fewest_bits * length..=23 * length).contains(&(exponent.get() as usize))
}
