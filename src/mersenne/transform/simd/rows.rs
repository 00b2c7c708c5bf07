//! A few places in an array, moved along together: what a butterfly reads and writes.
//!
//! Uses nothing. Unsafe because the compiler cannot see that offset and column stay within the array: both are checked, the
//! offsets once when the view is made and the column once for all its places.

#![allow(unsafe_code)]

use std::marker::PhantomData;

/// `R` places of an array at fixed offsets from a column that moves.
pub(super) struct Rows<'a, T, const R: usize> {
    base: *mut T,
    offsets: [usize; R],
    /// Columns that may be asked for.
    columns: usize,
    array: PhantomData<&'a mut [T]>,
}

/// The places of one column.
pub(super) struct Column<'a, T, const R: usize> {
    base: *mut T,
    offsets: &'a [usize; R],
    array: PhantomData<&'a mut [T]>,
}

impl<'a, T: Copy, const R: usize> Rows<'a, T, R> {
    /// The places `offsets` in `array`, for columns 0 to `columns`, exclusive.
    ///
    /// # Panics
    /// When a place would be outside.
    #[inline(always)]
    pub(super) fn new(array: &'a mut [T], offsets: [usize; R], columns: usize) -> Self {
        let farthest = offsets.iter().copied().max().unwrap_or(0);
        assert!(farthest <= array.len() && columns <= array.len() - farthest, "rows within the array");
        Rows { base: array.as_mut_ptr(), offsets, columns, array: PhantomData }
    }

    /// The places at `column`.
    ///
    /// # Panics
    /// When it is none of the view's columns.
    #[inline(always)]
    pub(super) fn at(&mut self, column: usize) -> Column<'_, T, R> {
        assert!(column < self.columns, "a column of these rows");
        // SAFETY: `column` + every offset is below the array's length, so this is within the array.
        let base = unsafe { self.base.add(column) };
        Column { base, offsets: &self.offsets, array: PhantomData }
    }
}

impl<T: Copy, const R: usize> Column<'_, T, R> {
    /// What is in row `r`.
    #[inline(always)]
    pub(super) fn get(&self, r: usize) -> T {
        // SAFETY: column + offset is within the array, which is borrowed for as long as this.
        unsafe { *self.base.add(self.offsets[r]) }
    }

    /// Puts `value` into row `r`.
    #[inline(always)]
    pub(super) fn set(&mut self, r: usize, value: T) {
        // SAFETY: column + offset is within the array, which is borrowed mutably for as long as this.
        unsafe { *self.base.add(self.offsets[r]) = value }
    }
}
