//! Writes the state file on a thread of its own, so that no slow disk ever delays an answer.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::readiness::{Readiness, StateCondition};
use super::report::Report;
use super::state_file::StateFile;
use crate::protocol::Saved;
use crate::protocol::message::MessageId;

/// How long after a failure writing is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// How long the thread sleeps while there is nothing to do: a time the platform can count.
const IDLE: Duration = Duration::from_secs(3_600);

/// What is to be made durable: one place for each kind, in which the latest replaces what still waits.
#[derive(Debug, Default)]
struct Inbox {
    /// This state, known as this revision.
    state: Option<(Saved, u64)>,
    /// Ids below this one may be used.
    ids: Option<MessageId>,
    closed: bool,
}

/// The thread that writes the state file.
#[derive(Debug)]
pub struct Saver {
    inbox: Arc<(Mutex<Inbox>, Condvar)>,
    thread: JoinHandle<()>,
}

/// What is known to the thread, and how much of it is durable.
struct Desk {
    file: StateFile,
    saved: Saved,
    revision: u64,
    dirty: bool,
}

impl Saver {
    /// Starts the thread. `saved` is what the file holds; what becomes durable is sent to `reports`.
    pub fn start(
        file: StateFile,
        saved: Saved,
        readiness: Arc<Readiness>,
        reports: UnboundedSender<Report>,
    ) -> std::io::Result<Saver> {
        let inbox = Arc::new((Mutex::new(Inbox::default()), Condvar::new()));
        let theirs = Arc::clone(&inbox);
        let desk = Desk { file, saved, revision: 0, dirty: false };
        let thread =
            thread::Builder::new().name("save".to_owned()).spawn(move || desk.work(&theirs, &readiness, &reports))?;
        Ok(Saver { inbox, thread })
    }

    /// Asks for this state to be written; a later one replaces one that still waits.
    pub fn save(&self, saved: Saved, revision: u64) {
        self.put(|inbox| inbox.state = Some((saved, revision)));
    }

    /// Asks for these ids to be reserved.
    pub fn reserve(&self, below: MessageId) {
        self.put(|inbox| inbox.ids = inbox.ids.max(Some(below)));
    }

    /// Writes what is still to be written, once, and ends. A slow disk makes this slow.
    pub fn close(self) {
        self.put(|inbox| inbox.closed = true);
        if self.thread.join().is_err() {
            tracing::error!("the thread that writes the state file has panicked");
        }
    }

    fn put(&self, change: impl FnOnce(&mut Inbox)) {
        let (inbox, wake) = &*self.inbox;
        change(&mut inbox.lock().unwrap_or_else(PoisonError::into_inner));
        wake.notify_one();
    }
}

impl Desk {
    fn work(
        mut self,
        (inbox, wake): &(Mutex<Inbox>, Condvar),
        readiness: &Readiness,
        reports: &UnboundedSender<Report>,
    ) {
        loop {
            let waiting = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            let is_idle = |inbox: &mut Inbox| inbox.state.is_none() && inbox.ids.is_none() && !inbox.closed;
            // What could not be written is tried again after a while.
            let patience = if self.dirty { RETRY } else { IDLE };
            let (mut arrived, _) =
                wake.wait_timeout_while(waiting, patience, is_idle).unwrap_or_else(PoisonError::into_inner);
            let Inbox { state, ids, closed } = std::mem::take(&mut *arrived);
            drop(arrived);
            self.note(state, ids);
            if self.dirty {
                self.write(readiness, reports);
            }
            if closed {
                return;
            }
        }
    }

    fn note(&mut self, state: Option<(Saved, u64)>, ids: Option<MessageId>) {
        self.dirty |= state.is_some() || ids.is_some();
        let mut id_floor = self.saved.id_floor.max(ids.unwrap_or(MessageId(0)));
        if let Some((saved, revision)) = state {
            id_floor = id_floor.max(saved.id_floor);
            self.saved = saved;
            self.revision = revision;
        }
        self.saved.id_floor = id_floor;
    }

    fn write(&mut self, readiness: &Readiness, reports: &UnboundedSender<Report>) {
        match self.file.write(&self.saved) {
            Ok(()) => {
                self.dirty = false;
                readiness.state_is(StateCondition::Usable);
                let durable = Report::Saved { revision: self.revision, ids_below: self.saved.id_floor };
                // If the gossip loop has ended, nobody is left to be told.
                drop(reports.send(durable));
            }
            Err(error) => {
                tracing::error!("{error}; trying again in {} s", RETRY.as_secs());
                readiness.state_is(if error.is_no_space() {
                    StateCondition::NoSpace
                } else {
                    StateCondition::Unwritable
                });
            }
        }
    }
}
