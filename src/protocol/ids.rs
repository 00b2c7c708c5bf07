//! Message ids: numbers that this node has never used before, whatever happened to it.
//!
//! Ids begin at the larger of a floor that was saved before and the wall clock in microseconds. A node uses an id only
//! below a ceiling that is durable already, reserved in large blocks, so that a crash loses numbers but never repeats one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::message::MessageId;

/// How many ids are reserved at a time.
const BLOCK: u64 = 1 << 20;

/// Hands out this node's message ids.
#[derive(Debug)]
pub(crate) struct Ids {
    first: u64,
    /// Ids given before this one were given in what has been forgotten since.
    remembered: AtomicU64,
    next: AtomicU64,
    reserved: AtomicU64,
    asked: AtomicU64,
}

impl Ids {
    /// Begins at `first`, with nothing reserved.
    pub(crate) const fn new(first: MessageId) -> Ids {
        let first = first.0;
        Ids {
            first,
            remembered: AtomicU64::new(first),
            next: AtomicU64::new(first),
            reserved: AtomicU64::new(first),
            asked: AtomicU64::new(first),
        }
    }

    /// Whether any id may be used: not before a first block of them is durable.
    pub(crate) fn are_reserved(&self) -> bool {
        self.reserved.load(Ordering::Relaxed) > self.first
    }

    /// The next id.
    ///
    /// While the disk refuses to reserve more than the first block, ids beyond the reserve are still given: silence would be worse, and a
    /// clock that ticks a million times a second outruns any node.
    pub(crate) fn next(&self) -> MessageId {
        MessageId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The id that comes next.
    pub(crate) fn peek(&self) -> MessageId {
        MessageId(self.next.load(Ordering::Relaxed))
    }

    /// Whether this start of the node has given this id, and not forgotten it since.
    pub(crate) fn gave(&self, id: MessageId) -> bool {
        (self.remembered.load(Ordering::Relaxed)..self.next.load(Ordering::Relaxed)).contains(&id.0)
    }

    /// Forgets what the ids given so far were given to. None of them is given again.
    pub(crate) fn forget(&self) {
        self.remembered.store(self.next.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The ceiling to reserve now, if less than half a block is left and it has not been asked for yet.
    pub(crate) fn wanted(&self) -> Option<MessageId> {
        let next = self.next.load(Ordering::Relaxed);
        if next.saturating_add(BLOCK / 2) <= self.asked.load(Ordering::Relaxed) {
            return None;
        }
        let below = next.saturating_add(BLOCK);
        self.asked.store(below, Ordering::Relaxed);
        Some(MessageId(below))
    }

    /// Notes that no later start will begin below `below`.
    pub(crate) fn reserve(&self, below: MessageId) {
        self.reserved.fetch_max(below.0, Ordering::Relaxed);
    }

    /// The ceiling that is durable.
    pub(crate) fn reserved(&self) -> MessageId {
        MessageId(self.reserved.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_only_grow_and_are_recognised() {
        let ids = Ids::new(MessageId(100));
        assert_eq!((ids.next(), ids.next()), (MessageId(100), MessageId(101)));
        assert!(ids.gave(MessageId(101)));
        assert!(!ids.gave(MessageId(102)) && !ids.gave(MessageId(99)));
    }

    #[test]
    fn what_was_forgotten_is_not_recognised_and_not_given_again() {
        let ids = Ids::new(MessageId(100));
        ids.next();
        ids.reserve(MessageId(200));
        ids.forget();
        assert!(!ids.gave(MessageId(100)) && ids.are_reserved());
        assert_eq!(ids.next(), MessageId(101));
        assert!(ids.gave(MessageId(101)));
    }

    #[test]
    fn a_block_is_asked_for_at_once_and_again_when_half_is_used() {
        let ids = Ids::new(MessageId(0));
        assert_eq!(ids.wanted(), Some(MessageId(BLOCK)));
        assert_eq!(ids.wanted(), None);
        ids.next.store(BLOCK / 2, Ordering::Relaxed);
        assert_eq!(ids.wanted(), None);
        ids.next();
        assert_eq!(ids.wanted(), Some(MessageId(BLOCK + BLOCK / 2 + 1)));
    }
}
