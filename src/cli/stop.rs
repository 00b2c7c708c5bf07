//! Ctrl-C and SIGTERM for commands that compute: the first asks the computation to stop, a second one ends the program.
//!
//! Uses tokio's signals on a thread of their own, since the computation is on the main one.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use anyhow::{Context as _, Result};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::mersenne::Interrupt;

/// The signals of this process, from the moment it is made.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Interrupt,
    /// The signal that came; 0 while none has.
    signal: Arc<AtomicU8>,
}

/// A command was stopped by a signal, and its work is not done.
#[derive(Debug, Error)]
#[error("{told}")]
pub(super) struct Stopped {
    told: String,
    signal: u8,
}

impl Stopped {
    /// What the shell expects of a process ended by this signal: 130 after Ctrl-C, 143 after SIGTERM.
    pub(super) fn exit_code(&self) -> u8 {
        128 + self.signal
    }
}

impl Stop {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system gives no thread or no signals; they then end the process as they always do.
    pub(super) fn listen() -> Result<Stop> {
        let stop = Stop { interrupt: Interrupt::new(), signal: Arc::default() };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().build().context("cannot wait for signals")?;
        let (mut keyboard, mut terminate) = {
            let _inside = runtime.enter();
            let listen = |kind| signal(kind).context("cannot wait for signals");
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?)
        };
        let (interrupt, first) = (stop.interrupt.clone(), Arc::clone(&stop.signal));
        let wait = async move {
            loop {
                let number = tokio::select! {
                    _ = keyboard.recv() => SignalKind::interrupt(),
                    _ = terminate.recv() => SignalKind::terminate(),
                }
                .as_raw_value() as u8;
                if interrupt.is_requested() {
                    // Whoever asks twice does not want to wait.
                    process::exit(i32::from(128 + number));
                }
                first.store(number, Ordering::Relaxed);
                interrupt.request();
            }
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(wait))
            .context("cannot wait for signals")?;
        Ok(stop)
    }

    /// What is raised by the first signal.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The error of a command that has stopped, with what its user should know.
    pub(super) fn stopped(&self, told: String) -> Stopped {
        // Nobody but a signal raises the interrupt.
        Stopped { told, signal: self.signal.load(Ordering::Relaxed) }
    }
}
