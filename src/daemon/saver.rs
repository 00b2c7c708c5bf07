//! Writes the state file on a thread of its own, so that no slow disk ever delays an answer.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::gossip::Report;
use super::readiness::{Readiness, StateCondition};
use super::state_file::StateFile;
use crate::protocol::Saved;
use crate::protocol::message::MessageId;

/// How long after a failure writing is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What is to be made durable.
#[derive(Debug)]
enum Job {
    /// This state, known as this revision.
    State(Saved, u64),
    /// Ids below this one may be used.
    Ids(MessageId),
}

/// The thread that writes the state file.
#[derive(Debug)]
pub struct Saver {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

/// What is known to the thread, and how much of it has been reported as durable.
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
        let (jobs, inbox) = mpsc::channel();
        let desk = Desk { file, saved, revision: 0, dirty: false };
        let thread =
            thread::Builder::new().name("save".to_owned()).spawn(move || desk.work(&inbox, &readiness, &reports))?;
        Ok(Saver { jobs, thread })
    }

    /// Asks for this state to be written; a later one replaces one that still waits.
    pub fn save(&self, saved: Saved, revision: u64) {
        // The thread ends only when this sender is dropped.
        drop(self.jobs.send(Job::State(saved, revision)));
    }

    /// Asks for these ids to be reserved.
    pub fn reserve(&self, below: MessageId) {
        drop(self.jobs.send(Job::Ids(below)));
    }

    /// Writes what is still to be written, once, and ends.
    pub fn close(self) {
        drop(self.jobs);
        if self.thread.join().is_err() {
            tracing::error!("the thread that writes the state file has panicked");
        }
    }
}

impl Desk {
    fn work(mut self, inbox: &Receiver<Job>, readiness: &Readiness, reports: &UnboundedSender<Report>) {
        loop {
            let job = if self.dirty { inbox.recv_timeout(RETRY) } else { inbox.recv().map_err(Into::into) };
            match job {
                Ok(job) => self.note(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // What came meanwhile is written in one go.
            inbox.try_iter().for_each(|job| self.note(job));
            self.write(readiness, reports);
        }
        if self.dirty {
            self.write(readiness, reports);
        }
    }

    fn note(&mut self, job: Job) {
        self.dirty = true;
        match job {
            Job::State(saved, revision) => {
                let id_floor = self.saved.id_floor.max(saved.id_floor);
                self.saved = Saved { id_floor, ..saved };
                self.revision = revision;
            }
            Job::Ids(below) => self.saved.id_floor = self.saved.id_floor.max(below),
        }
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
