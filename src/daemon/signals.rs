//! What a person or a service manager asks of the process by signals.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that mean something. From here on none of them ends the process by itself.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What was asked.
#[derive(Debug)]
pub(super) enum Asked {
    /// To leave; why, for the log.
    Leave(&'static str),
    /// To read the settings again.
    Reload,
}

impl Signals {
    /// Listens from now on, so that no early signal is lost while something else is waited for.
    pub(super) fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal. Can be dropped and called again without losing one.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Leave("SIGTERM"),
            _ = self.interrupt.recv() => Asked::Leave("interrupted"),
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// Waits until it is asked to leave; settings that have just been read are not read again.
    pub(super) async fn leave(&mut self) {
        while let Asked::Reload = self.next().await {}
    }
}
