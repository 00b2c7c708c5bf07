//! What a connection is doing, so that the right one is closed when there are too many.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// One connection, seen from outside. Its task writes, the accept loop reads.
#[derive(Debug)]
pub(crate) struct Connection(Mutex<Phase>);

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The client's: it has a head or a body to send, or an answer to read.
    Waiting {
        /// Since when.
        since: Instant,
    },
    /// The server's.
    Working,
    /// An event stream.
    Streaming {
        /// When it was last ready to take something.
        taken: Instant,
    },
}

impl Connection {
    pub(super) fn new() -> Connection {
        Connection(Mutex::new(Phase::Waiting { since: Instant::now() }))
    }

    pub(super) fn phase(&self) -> Phase {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server has all it needs to go on.
    pub(super) fn works(&self) {
        self.set(Phase::Working);
    }

    /// The client has to go on.
    pub(super) fn waits(&self) {
        self.set(Phase::Waiting { since: Instant::now() });
    }

    /// An event stream takes what there is.
    pub(super) fn takes(&self) {
        self.set(Phase::Streaming { taken: Instant::now() });
    }

    /// The answer's head is written.
    pub(super) fn answered(&self) {
        match self.phase() {
            Phase::Waiting { .. } | Phase::Working => self.waits(),
            Phase::Streaming { .. } => {}
        }
    }

    fn set(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }
}
