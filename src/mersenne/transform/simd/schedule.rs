//! In which order the middle of a squaring is done: everything between two sweeps.
//!
//! Uses the geometry. Squaring couples the spectrum at k with that at -k. The vector in row s and column c has k = s + R·c',
//! c' being c with its bits reversed, and for s > 0 -k is (R - s) + R·(C - 1 - c'): the complement of all bits, which reversed
//! is the complement again. So row s mirrors row R - s backwards, and a row in the middle mirrors itself. Blocks are gone
//! through in pairs, depth first: both forward, their parts pair by pair, both back, all while they are in the cache.
//!
//! In row 0 -k is R·(C - c'), which keeps the lowest set bit of c' and complements those above it. Reversed, the lowest set bit is
//! the highest of c: columns pair up within each power of two, 2 with 3, 4 to 7 with 7 to 4; 0 and 1 are alone.

use super::geometry::Geometry;

/// One step of the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A forward pass of this level on one block.
    Forward(usize, Block),
    /// An inverse pass of this level on one block.
    Inverse(usize, Block),
    /// The last two radices, the squaring, and the same back.
    Leaves(Leaves),
}

/// What is squared together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// `count` groups from `first` on upward, each with one from `second` on downward.
    Pairs {
        /// The first group.
        first: Block,
        /// The group that the first one is paired with.
        second: Block,
        /// How many pairs.
        count: usize,
    },
    /// A group that is its own mirror image.
    Mirror(Block),
    /// The group of frequency 0.
    Zero(Block),
}

/// Where vectors begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) row: usize,
    pub(super) column: usize,
}

/// The steps of the middle, in order.
pub(super) struct Schedule {
    steps: Vec<Step>,
    /// Columns of a group, which are as many as lanes.
    group: usize,
}

impl Schedule {
    pub(super) fn new(geometry: &Geometry, lanes: usize) -> Schedule {
        let first_level = if geometry.parts > 1 { 1 } else { 0 };
        let mut builder = Builder { geometry, lanes, steps: Vec::new() };
        let rows = geometry.rows;
        for row in 0..=rows / 2 {
            let mirrored = (rows - row) % rows;
            // A row whose first level is done in the sweep consists of that level's parts.
            let part = geometry.columns / geometry.parts;
            let block = |row: usize, part_number: usize| Block { row, column: part_number * part };
            if row == 0 {
                builder.zero_parts(block(0, 0), part, geometry.parts, first_level);
            } else if mirrored == row {
                builder.mirror_parts(block(row, 0), part, geometry.parts, first_level);
            } else {
                for number in 0..geometry.parts {
                    builder.pair(block(row, number), block(mirrored, geometry.parts - 1 - number), first_level);
                }
            }
        }
        Schedule { steps: builder.steps, group: lanes }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The groups that come first in their pairs, in order; and those that are alone.
    pub(super) fn first_groups(&self) -> impl Iterator<Item = Block> {
        let group = self.group;
        self.steps.iter().flat_map(move |step| {
            let (first, count) = match *step {
                Step::Forward(..) | Step::Inverse(..) => (Block { row: 0, column: 0 }, 0),
                Step::Leaves(Leaves::Pairs { first, count, .. }) => (first, count),
                Step::Leaves(Leaves::Mirror(block) | Leaves::Zero(block)) => (block, 1),
            };
            (0..count).map(move |number| Block { row: first.row, column: first.column + number * group })
        })
    }
}

struct Builder<'a> {
    geometry: &'a Geometry,
    lanes: usize,
    steps: Vec<Step>,
}

impl Builder<'_> {
    /// Two blocks that mirror each other, from this level on.
    fn pair(&mut self, first: Block, second: Block, level: usize) {
        let Some(radix) = self.geometry.levels.get(level).map(|level| level.radix) else {
            self.leaves(first, second, 1);
            return;
        };
        self.steps.extend([Step::Forward(level, first), Step::Forward(level, second)]);
        let part = self.geometry.levels[level].block / radix;
        if part == self.lanes {
            self.leaves(first, second.part(radix - 1, part), radix);
        } else {
            for number in 0..radix {
                self.pair(first.part(number, part), second.part(radix - 1 - number, part), level + 1);
            }
        }
        self.steps.extend([Step::Inverse(level, first), Step::Inverse(level, second)]);
    }

    fn leaves(&mut self, first: Block, second: Block, count: usize) {
        self.steps.push(Step::Leaves(Leaves::Pairs { first, second, count }));
    }

    /// A block that is its own mirror image.
    fn mirror(&mut self, block: Block, level: usize) {
        let Some(radix) = self.geometry.levels.get(level).map(|level| level.radix) else {
            self.steps.push(Step::Leaves(Leaves::Mirror(block)));
            return;
        };
        self.steps.push(Step::Forward(level, block));
        self.mirror_parts(block, self.geometry.levels[level].block / radix, radix, level + 1);
        self.steps.push(Step::Inverse(level, block));
    }

    /// The parts of a block that is its own mirror image.
    fn mirror_parts(&mut self, block: Block, part: usize, parts: usize, level: usize) {
        if parts == 1 {
            self.mirror(block, level);
        } else if part == self.lanes {
            self.leaves(block, block.part(parts - 1, part), parts / 2);
        } else {
            for number in 0..parts / 2 {
                self.pair(block.part(number, part), block.part(parts - 1 - number, part), level);
            }
        }
    }

    /// The block of frequency 0.
    fn zero(&mut self, block: Block, level: usize) {
        let Some(radix) = self.geometry.levels.get(level).map(|level| level.radix) else {
            self.steps.push(Step::Leaves(Leaves::Zero(block)));
            return;
        };
        self.steps.push(Step::Forward(level, block));
        self.zero_parts(block, self.geometry.levels[level].block / radix, radix, level + 1);
        self.steps.push(Step::Inverse(level, block));
    }

    /// The parts of the block of frequency 0: 0 is of its kind again, 1 its own image, and 2 to 3, 4 to 7 are mirrored.
    fn zero_parts(&mut self, block: Block, part: usize, parts: usize, level: usize) {
        self.zero(block, level);
        if parts > 1 {
            self.mirror(block.part(1, part), level);
        }
        let mut power = 2;
        while power < parts {
            for number in 0..power / 2 {
                let (first, second) = (block.part(power + number, part), block.part(2 * power - 1 - number, part));
                self.pair(first, second, level);
            }
            power *= 2;
        }
    }
}

impl Block {
    fn part(self, number: usize, columns: usize) -> Block {
        Block { row: self.row, column: self.column + number * columns }
    }
}
