//! What hearsay a full book need not look at, because nobody would go for it: such a book is offered dozens of addresses a
//! second, and nearly all in vain.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::places::Badness;

/// What need not be looked at until the book changes: a full book is offered dozens of addresses a second.
#[derive(Debug)]
pub(super) struct Closed {
    /// From here on in the random order.
    from: AtomicU64,
    /// The same for those near on the ring.
    near_from: AtomicU64,
    /// So many more, whatever they are, where quotas make it hard to say.
    next: AtomicU32,
}

/// Where a quota binds, so many offers of hearsay are passed over after one that was refused.
const PASSED_OVER: u32 = 15;

impl Closed {
    pub(super) const fn nothing() -> Closed {
        Closed { from: AtomicU64::new(u64::MAX), near_from: AtomicU64::new(u64::MAX), next: AtomicU32::new(0) }
    }

    /// Everything has to be looked at again.
    pub(super) fn open(&self) {
        self.from.store(u64::MAX, Ordering::Relaxed);
        self.near_from.store(u64::MAX, Ordering::Relaxed);
        self.next.store(0, Ordering::Relaxed);
    }

    /// Notes what the worst is that hearsay would have to be better than, after some was not.
    pub(super) fn behind(&self, (_, is_far, over_group, over_source, lot): Badness) {
        let (from, near_from) = if is_far { (lot, u64::MAX) } else { (0, lot) };
        if over_group == 0 && over_source == 0 {
            self.from.store(from, Ordering::Relaxed);
            self.near_from.store(near_from, Ordering::Relaxed);
        } else {
            self.next.store(PASSED_OVER, Ordering::Relaxed);
        }
    }

    pub(super) fn shuts_out(&self, lot: u64, is_near: bool) -> bool {
        let from = if is_near { &self.near_from } else { &self.from };
        let passes_over = self.next.load(Ordering::Relaxed);
        if passes_over > 0 && !is_near {
            self.next.store(passes_over - 1, Ordering::Relaxed);
            return true;
        }
        // Who is near is always looked at where quotas bind: he may be a neighbour, and nobody else may know.
        lot >= from.load(Ordering::Relaxed)
    }
}
