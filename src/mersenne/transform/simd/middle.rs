//! Everything between two sweeps: along the rows forward, the squaring, and back.
//!
//! Uses the schedule, butterflies and leaves. One kernel walks the whole schedule, so that a squaring of a short residue is not
//! lost in calls.

use super::butterfly::butterfly;
use super::complex::{Complex, Direction, Forward, Inverse};
use super::geometry::{Geometry, Level};
use super::leaves::{Image, STORED_POWERS, square_alone, square_pair};
use super::rows::Rows;
use super::schedule::{Block, Leaves, Step};
use super::tables::Roots;
use super::vector::{Kernel, Simd};

/// The steps of the middle on the whole of the data.
pub(super) struct Middle<'a, V> {
    pub(super) geometry: &'a Geometry,
    pub(super) roots: &'a Roots<V>,
    pub(super) steps: &'a [Step],
    pub(super) data: &'a mut [Complex<V>],
}

impl<S: Simd> Kernel<S> for Middle<'_, S::Vector> {
    type Output = ();

    #[inline(always)]
    fn run(self, s: S) {
        let Middle { geometry, roots, steps, data } = self;
        let place = |block: Block| geometry.place(block.row, block.column);
        let mut leaves = roots.leaves.chunks_exact(STORED_POWERS);
        for step in steps {
            match *step {
                Step::Forward(level, block) => {
                    let pass = Pass::new(geometry, roots, level);
                    pass.run(s, Forward, &mut data[place(block)..]);
                }
                Step::Inverse(level, block) => {
                    let pass = Pass::new(geometry, roots, level);
                    pass.run(s, Inverse, &mut data[place(block)..]);
                }
                Step::Leaves(Leaves::Pairs { first, second, count }) => {
                    let columns = (0..count).map(|number| number * S::LANES);
                    for (columns, roots) in columns.zip(&mut leaves) {
                        let first = place(Block { column: first.column + columns, ..first });
                        let second = place(Block { column: second.column - columns, ..second });
                        square_pair(s, data, (first, second), roots);
                    }
                }
                Step::Leaves(Leaves::Mirror(block)) => {
                    let roots = leaves.next().unwrap_or_default();
                    square_alone(s, data, place(block), Image::Mirror, roots);
                }
                Step::Leaves(Leaves::Zero(block)) => {
                    let roots = leaves.next().unwrap_or_default();
                    square_alone(s, data, place(block), Image::Zero, roots);
                }
            }
        }
    }
}

/// A pass of one level over some columns of every part of a block.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    level: Level,
    /// The first column of a part, and the one after the last.
    columns: (usize, usize),
    roots: &'a [(f64, f64)],
}

impl<'a> Pass<'a> {
    /// All columns.
    #[inline(always)]
    pub(super) fn new<V>(geometry: &Geometry, roots: &'a Roots<V>, level: usize) -> Self {
        let roots = &roots.levels[level];
        let level = geometry.levels[level];
        Pass { level, columns: (0, level.block / level.radix), roots }
    }

    /// The columns from `from` to `to`, exclusive.
    #[inline(always)]
    pub(super) fn of_columns(self, from: usize, to: usize) -> Self {
        Pass { columns: (from, to), ..self }
    }

    /// Transforms the block at the beginning of `data`.
    #[inline(always)]
    pub(super) fn run<S: Simd, D: Direction>(self, s: S, direction: D, data: &mut [Complex<S::Vector>]) {
        match self.level.radix {
            8 => self.of_radix::<S, D, 8>(s, direction, data),
            4 => self.of_radix::<S, D, 4>(s, direction, data),
            _ => self.of_radix::<S, D, 2>(s, direction, data),
        }
    }

    #[inline(always)]
    fn of_radix<S: Simd, D: Direction, const Q: usize>(self, s: S, direction: D, data: &mut [Complex<S::Vector>]) {
        let (from, to) = self.columns;
        let part = self.level.block / Q;
        let mut rows = Rows::new(data, self.level.offsets::<Q>(), super::geometry::place(part - 1) + 1);
        for (column, roots) in (from..to).zip(self.roots[from * (Q - 1)..].chunks_exact(Q - 1)) {
            let mut column = rows.at(super::geometry::place(column));
            let mut x = [column.get(0); Q];
            for (part, x) in x.iter_mut().enumerate().skip(1) {
                *x = column.get(part);
            }
            // The parts of the spectrum lie with the bits of their number reversed.
            if D::IS_FORWARD {
                butterfly(s, direction, &mut x);
                column.set(0, x[0]);
                for k in 1..Q {
                    column.set(reversed::<Q>(k), direction.times(s, x[k], Complex::splat(s, roots[k - 1])));
                }
            } else {
                let spectrum = x;
                for k in 1..Q {
                    x[k] = direction.times(s, spectrum[reversed::<Q>(k)], Complex::splat(s, roots[k - 1]));
                }
                butterfly(s, direction, &mut x);
                for (part, x) in x.into_iter().enumerate() {
                    column.set(part, x);
                }
            }
        }
    }
}

/// The bits of a number below Q, a power of two, reversed.
const fn reversed<const Q: usize>(k: usize) -> usize {
    k.reverse_bits() >> (usize::BITS - Q.trailing_zeros())
}
