//! What the page follows: a node's snapshots and the entries of its journal, in frames.
//!
//! The same frames go to a browser as server-sent events and to a lab as lines of its pipe. A snapshot is taken each
//! second, and soon after something other than a message happened; entries are gathered for a moment, so that a busy node
//! costs a frame and not a thousand.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::journal::{Batch, Subscription};
use super::snapshot::{Snapshot, Subject};

/// How often a snapshot is taken of a node to which nothing happens.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(1);

/// How soon one is taken after something happened.
const SNAPSHOT_SOON: Duration = Duration::from_millis(80);

/// How long entries are gathered.
const GATHER: Duration = Duration::from_millis(40);

/// How many entries a frame holds at most, and a few.
const ENTRIES_MAX: usize = 512;

/// A piece of the feed.
#[derive(Debug)]
pub enum Frame {
    /// How the node is now.
    Snapshot(Box<Snapshot>),
    /// What happened, oldest first.
    Entries {
        /// The number of the last of them.
        last: u64,
        /// As the page reads them.
        entries: Vec<Value>,
    },
    /// So many entries are gone that should come now.
    Missed(u64),
}

/// One who follows a node.
#[derive(Debug)]
pub struct Feed {
    subject: Subject,
    subscription: Subscription,
    next_snapshot: Instant,
    next_entries: Instant,
}

impl Feed {
    /// Follows a node; its first frame is a snapshot.
    pub fn new(subject: Subject, subscription: Subscription) -> Feed {
        let now = Instant::now();
        Feed { subject, subscription, next_snapshot: now, next_entries: now }
    }

    /// Waits for the next frames. `None` when there will be no more.
    ///
    /// Can be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Option<Vec<Frame>> {
        let gathered = async {
            sleep_until(self.next_entries).await;
            self.subscription.next().await
        };
        tokio::select! {
            biased;
            () = sleep_until(self.next_snapshot) => {
                self.next_snapshot = Instant::now() + SNAPSHOT_INTERVAL;
                Some(vec![Frame::Snapshot(Box::new(self.subject.snapshot()))])
            }
            batch = gathered => Some(self.gather(batch?)),
        }
    }

    /// The entries that are there and have not been handed out, without waiting.
    pub fn rest(&mut self) -> Vec<Frame> {
        self.subscription.next().now_or_never().flatten().map_or_else(Vec::new, |batch| self.gather(batch))
    }

    /// Frames of a batch and of what follows it already.
    fn gather(&mut self, first: Batch) -> Vec<Frame> {
        self.next_entries = Instant::now() + GATHER;
        let (mut missed, mut last, mut entries) = (0, 0, Vec::new());
        let mut batch = Some(first);
        while let Some(Batch { gap, entries: more }) = batch {
            missed += gap.map_or(0, |gap| gap.oldest.saturating_sub(gap.since.saturating_add(1)));
            for entry in &more {
                if !entry.is_traffic() {
                    self.next_snapshot = self.next_snapshot.min(Instant::now() + SNAPSHOT_SOON);
                }
                last = entry.seq;
                entries.push(self.subject.entry(entry));
            }
            batch = if entries.len() < ENTRIES_MAX { self.subscription.next().now_or_never().flatten() } else { None };
        }
        let missed = (missed > 0).then_some(Frame::Missed(missed));
        let entries = (!entries.is_empty()).then_some(Frame::Entries { last, entries });
        missed.into_iter().chain(entries).collect()
    }
}

#[cfg(test)]
mod tests;
