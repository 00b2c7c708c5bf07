//! How a transform's complex numbers lie in memory, and by which radices they are transformed.
//!
//! Uses nothing. The residue's n digits are m = n/2 complex numbers, digit 2i the real and 2i + 1 the imaginary part of
//! number i. Lane l of vector v holds number L·v + l, and the vectors are rows of equal length, one after the other:
//!
//! * the first radix goes across the rows, fused with the carry (`sweep`);
//! * the levels go along each row, depth first (`schedule` in which order, `middle` how);
//! * the last two radices, both L, take L consecutive vectors: across the vectors, and after a transposition
//!   across what were the lanes (`leaves`).
//!
//! Each radix along the rows leaves its blocks in the order of their numbers' bits reversed; nothing is ever put back in
//! order. The first radix is the only one that need not be a power of two: it takes the odd factor of the length, and the rows
//! lie in the natural order of their frequencies. After every 32 vectors of a row one is left out: at strides by powers of
//! two all numbers of a butterfly would compete for the same lines of the cache.

use super::vector::Simd;

/// Vectors between two that are left out.
const STRIP: usize = 32;

/// Rows of at least so many vectors have their first level done in the sweep, so that they pass through memory once less.
const LONG_ROW: usize = 1 << 12;

/// A transform's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Digits, n.
    pub(super) length: usize,
    /// The first radix.
    pub(super) rows: usize,
    /// Vectors in a row: a power of two, at least as many as a vector has lanes.
    pub(super) columns: usize,
    /// The radices along a row, before the last two.
    pub(super) levels: Vec<Level>,
    /// From one row to the next, in vectors.
    pub(super) row_stride: usize,
    /// In how many parts the sweep goes through a row: 1, or the radix of the first level where it is done in the sweep.
    pub(super) parts: usize,
}

/// One radix along the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    /// 2, 4 or 8.
    pub(super) radix: usize,
    /// Vectors in a block, which this level splits into as many as the radix.
    pub(super) block: usize,
}

/// Where vector `index` of a row is, from the row's beginning.
#[inline(always)]
pub(super) const fn place(index: usize) -> usize {
    index + index / STRIP
}

impl Level {
    /// Where the parts of a block begin.
    #[inline(always)]
    pub(super) fn offsets<const Q: usize>(self) -> [usize; Q] {
        let mut offsets = [0; Q];
        for (part, offset) in offsets.iter_mut().enumerate() {
            *offset = place(part * (self.block / Q));
        }
        offsets
    }
}

impl Geometry {
    /// The shape of a transform of `length` digits; `None` if there is none.
    pub(super) fn new<S: Simd>(length: usize) -> Option<Geometry> {
        let vectors = length / 2 / S::LANES;
        if vectors * 2 * S::LANES != length || vectors == 0 {
            return None;
        }
        let odd = vectors >> vectors.trailing_zeros();
        // The first radix that leaves at least L columns: 8 to 14 where there is a choice, and smaller ones for short transforms.
        let radices = [odd, 2 * odd, 4 * odd, 8 * odd];
        let fits =
            |rows: &usize| FIRST_RADICES.contains(rows) && vectors.is_multiple_of(*rows) && vectors / rows >= S::LANES;
        let rows = radices.into_iter().rfind(fits)?;
        let columns = vectors / rows;
        let levels = levels(columns, S::LANES);
        let pad = if columns < STRIP { 0 } else { 1 };
        let parts = if columns < LONG_ROW { 1 } else { levels[0].radix };
        Some(Geometry { length, rows, columns, levels, row_stride: place(columns) + pad, parts })
    }

    /// Vectors in memory.
    pub(super) fn size(&self) -> usize {
        self.rows * self.row_stride
    }

    /// Row, column and lane of the complex number `index`, for vectors of `lanes`.
    pub(super) fn locate(&self, index: usize, lanes: usize) -> (usize, usize, usize) {
        let vector = index / lanes;
        (vector / self.columns, vector % self.columns, index % lanes)
    }

    /// Where the vector in this row and column is.
    pub(super) fn place(&self, row: usize, column: usize) -> usize {
        row * self.row_stride + place(column)
    }
}

/// The first radices there are sweeps for.
pub(super) const FIRST_RADICES: [usize; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14];

/// The radices from `columns` down to `lanes`: eights, and at most two smaller ones.
fn levels(columns: usize, lanes: usize) -> Vec<Level> {
    let mut levels = Vec::new();
    let mut block = columns;
    while block > lanes {
        let radix = match (block / lanes).trailing_zeros() {
            1 => 2,
            2 | 4 => 4,
            _ => 8,
        };
        levels.push(Level { radix, block });
        block /= radix;
    }
    levels
}
