//! The flag by which long computations are asked to stop.
//!
//! Uses only std. Whoever computes looks at the flag at least every 50 ms, which is also how
//! late a computation may stop: that is the shutdown budget of the whole program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

/// A request to stop, shared by all clones. Once made it stands: a new run takes a new flag.
///
/// Every function here that takes an `&Interrupt` returns within 50 ms of [`Interrupt::request`].
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    raised: Arc<AtomicBool>,
    parent: Option<Arc<AtomicBool>>,
}

impl Interrupt {
    /// A flag that nobody has raised yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that can be raised by itself, and that is raised when this one is. A child's child hears of its parent only.
    pub fn child(&self) -> Self {
        Interrupt { raised: Arc::default(), parent: Some(Arc::clone(&self.raised)) }
    }

    /// Asks everyone who holds a clone to stop. May be called from any thread, and more than once.
    pub fn request(&self) {
        self.raised.store(true, Ordering::Relaxed);
    }

    /// Whether someone has asked to stop. Cheap enough to ask at every squaring.
    pub fn is_requested(&self) -> bool {
        self.raised.load(Ordering::Relaxed) || self.parent.as_ref().is_some_and(|parent| parent.load(Ordering::Relaxed))
    }
}

/// A computation was stopped before it had a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("interrupted")]
pub struct Interrupted;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reaches_every_clone() {
        let flag = Interrupt::new();
        let clone = flag.clone();
        assert!(!clone.is_requested());
        flag.request();
        assert!(clone.is_requested());
        assert!(!Interrupt::new().is_requested());
    }

    #[test]
    fn a_child_is_raised_with_its_parent_and_leaves_it_alone() {
        let parent = Interrupt::new();
        let (first, second) = (parent.child(), parent.child());
        first.request();
        assert!(first.is_requested() && !second.is_requested() && !parent.is_requested());
        parent.request();
        assert!(second.is_requested());
    }
}
