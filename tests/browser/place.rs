//! Places for browsers that draw at the same time: as many as there are processors. More would only starve each other, and the
//! nodes they look at.

use std::sync::{Condvar, Mutex, PoisonError};

static TAKEN: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place(());

impl Place {
    /// Waits for a place.
    pub fn take() -> Place {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = FREED.wait_while(taken, |taken| *taken >= all).unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Place(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}
