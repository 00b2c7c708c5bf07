//! The journal: the latest events with numbers and times, for `/log` and `/events`.
//!
//! The gossip thread hands events to a [`Recorder`], which neither waits nor locks: what does not fit is counted, and the
//! journal says so in an entry of its own. A [`Keeper`] on the HTTP runtime puts them into a ring of fixed size. Whoever
//! follows the journal reads from that ring, so a slow reader costs no memory and misses entries rather than delaying any.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tokio::sync::{mpsc, watch};

use crate::protocol::Event;

/// How many entries are kept unless told otherwise: an hour of a quiet node, at about 200 bytes each.
pub const CAPACITY: usize = 4_096;

/// How many can follow the journal at the same time.
pub const SUBSCRIBERS_MAX: usize = 32;

/// Events on their way from the recorder to the ring.
const IN_FLIGHT: usize = 1_024;

/// Messages, and whatever else strangers can cause, recorded each second unless told otherwise, and twice as many at once;
/// more would push all other news out of the ring.
pub const RATE: u32 = 200;

/// How often the journal says what it does not hold.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);

/// How many entries a subscriber is handed at once.
const BATCH: usize = 64;

/// What an entry tells.
#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    /// Something happened at the node.
    Event(Event),
    /// So many messages and other events are not in the journal, for lack of room.
    Unlogged(Unlogged),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "event", rename = "unlogged")]
struct Unlogged {
    messages: u64,
    events: u64,
}

/// One line of the journal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Its number: 1, 2, 3 … from the start of the daemon.
    pub seq: u64,
    /// When it was recorded.
    pub time: Timestamp,
    what: What,
}

impl Entry {
    /// As one line of JSON.
    pub fn to_json(&self) -> String {
        // Numbers, addresses and fixed strings only: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether this is about messages, of which there are thousands, rather than news.
    pub fn is_traffic(&self) -> bool {
        match self.what {
            What::Event(event) => event.is_traffic(),
            What::Unlogged(Unlogged { messages: _, events }) => events == 0,
        }
    }

    /// What kind of entry this is.
    pub const fn name(&self) -> &'static str {
        match &self.what {
            What::Event(event) => event.name(),
            What::Unlogged(_) => "unlogged",
        }
    }

    /// In words.
    pub fn text(&self) -> String {
        match self.what {
            What::Event(event) => event.to_string(),
            What::Unlogged(Unlogged { messages, events: 0 }) => format!("{messages} messages not logged"),
            What::Unlogged(Unlogged { messages, events }) => {
                format!("{messages} messages and {events} other events not logged")
            }
        }
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<T: Serialize> {
            seq: u64,
            time: String,
            #[serde(flatten)]
            what: T,
            text: String,
        }
        let &Entry { seq, time, what } = self;
        let text = self.text();
        // RFC 3339, in UTC, to the millisecond.
        let time = format!("{time:.3}");
        match what {
            What::Event(what) => Line { seq, time, what, text }.serialize(serializer),
            What::Unlogged(what) => Line { seq, time, what, text }.serialize(serializer),
        }
    }
}

/// The latest entries, and who follows them.
#[derive(Debug)]
pub struct Journal {
    ring: Mutex<Ring>,
    latest: watch::Sender<u64>,
    unlogged_messages: AtomicU64,
    unlogged_events: AtomicU64,
    subscribers: AtomicUsize,
    lagged: AtomicU64,
}

#[derive(Debug)]
struct Ring {
    entries: VecDeque<Entry>,
    capacity: usize,
    /// The number of the entry that was added last; 0 before the first.
    latest: u64,
}

impl Ring {
    /// The number of the oldest entry held, or of the one to come.
    fn oldest(&self) -> u64 {
        self.latest + 1 - self.entries.len() as u64
    }

    fn after(&self, seq: u64, max: usize) -> Vec<Entry> {
        let skip = seq.saturating_add(1).saturating_sub(self.oldest());
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries.range(skip..).take(max).copied().collect()
    }
}

/// A part of the journal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Extract {
    /// The entries asked for that are still held, oldest first.
    pub entries: Vec<Entry>,
    /// The number of the oldest entry held, or of the one to come if none is. If it is more than one above the number
    /// asked for, entries between them are gone.
    pub oldest: u64,
    /// The number of the latest entry; 0 before the first.
    pub latest: u64,
}

impl Journal {
    /// A journal of the latest `capacity` entries, with at most `rate` messages a second, its recorder, and its keeper, without which nothing gets into it.
    pub fn new(capacity: usize, rate: u32) -> (Arc<Journal>, Recorder, Keeper) {
        let journal = Arc::new(Journal {
            ring: Mutex::new(Ring { entries: VecDeque::new(), capacity: capacity.max(1), latest: 0 }),
            latest: watch::Sender::new(0),
            unlogged_messages: AtomicU64::new(0),
            unlogged_events: AtomicU64::new(0),
            subscribers: AtomicUsize::new(0),
            lagged: AtomicU64::new(0),
        });
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let recorder = Recorder {
            sender,
            journal: Arc::clone(&journal),
            rate,
            tokens: 2.0 * f64::from(rate),
            refilled: Instant::now(),
        };
        let keeper = Keeper { receiver, journal: Arc::clone(&journal) };
        (journal, recorder, keeper)
    }

    /// All entries held with numbers above `seq`.
    pub fn since(&self, seq: u64) -> Extract {
        self.extract(seq, usize::MAX)
    }

    /// Follows the journal from the entry after `seq`, or from now on. `None` when too many follow it already.
    pub fn subscribe(self: &Arc<Journal>, after: Option<u64>) -> Option<Subscription> {
        let admit = |subscribers| (subscribers < SUBSCRIBERS_MAX).then_some(subscribers + 1);
        self.subscribers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).ok()?;
        let mut latest = self.latest.subscribe();
        let now = *latest.borrow_and_update();
        latest.mark_changed();
        let resumed = after.is_some();
        Some(Subscription { journal: Arc::clone(self), latest, read: after.unwrap_or(now), resumed })
    }

    /// How many entries it keeps.
    pub fn capacity(&self) -> usize {
        self.ring().capacity
    }

    /// How many follow the journal now.
    pub fn subscribers(&self) -> usize {
        self.subscribers.load(Ordering::Relaxed)
    }

    /// How many entries were gone before a subscriber came to read them, over all subscribers; of one that never came
    /// again it is known when it ends.
    pub fn lagged(&self) -> u64 {
        self.lagged.load(Ordering::Relaxed)
    }

    fn extract(&self, seq: u64, max: usize) -> Extract {
        let ring = self.ring();
        Extract { entries: ring.after(seq, max), oldest: ring.oldest(), latest: ring.latest }
    }

    /// The ring; a thread that panicked with it cannot have left it half-changed in a way that matters.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, entries: impl IntoIterator<Item = (Timestamp, What)>) {
        let mut ring = self.ring();
        for (time, what) in entries {
            if ring.entries.len() == ring.capacity {
                ring.entries.pop_front();
            }
            ring.latest += 1;
            let seq = ring.latest;
            ring.entries.push_back(Entry { seq, time, what });
        }
        let latest = ring.latest;
        drop(ring);
        self.latest.send_replace(latest);
    }

    /// Tells of what has not been logged since this was last called, if there is any.
    fn note_unlogged(&self) {
        let unlogged = Unlogged {
            messages: self.unlogged_messages.swap(0, Ordering::Relaxed),
            events: self.unlogged_events.swap(0, Ordering::Relaxed),
        };
        if unlogged != (Unlogged { messages: 0, events: 0 }) {
            self.add([(Timestamp::now(), What::Unlogged(unlogged))]);
        }
    }
}

/// Takes events from the one thread that has them. Never blocks.
#[derive(Debug)]
pub struct Recorder {
    sender: mpsc::Sender<(Timestamp, Event)>,
    journal: Arc<Journal>,
    rate: u32,
    tokens: f64,
    refilled: Instant,
}

impl Recorder {
    /// Notes an event. Messages, claims and restarts of peers beyond its rate, and all that the keeper cannot keep up with, are counted instead.
    pub fn record(&mut self, event: Event) {
        let journal = &self.journal;
        let unlogged = if event.is_traffic() { &journal.unlogged_messages } else { &journal.unlogged_events };
        let within = !event.is_unbounded() || {
            let now = Instant::now();
            let refill = now.duration_since(self.refilled).as_secs_f64() * f64::from(self.rate);
            self.tokens = (self.tokens + refill).min(2.0 * f64::from(self.rate));
            self.refilled = now;
            self.tokens >= 1.0
        };
        if !within || self.sender.try_send((Timestamp::now(), event)).is_err() {
            unlogged.fetch_add(1, Ordering::Relaxed);
        } else if event.is_unbounded() {
            self.tokens -= 1.0;
        }
    }

    /// Whether the keeper has fallen so far behind that the next event would be counted only.
    #[cfg(test)]
    pub(super) fn is_full(&self) -> bool {
        self.sender.capacity() == 0
    }
}

/// Puts what was recorded into the journal.
#[must_use = "nothing gets into the journal unless its keeper runs"]
#[derive(Debug)]
pub struct Keeper {
    receiver: mpsc::Receiver<(Timestamp, Event)>,
    journal: Arc<Journal>,
}

impl Keeper {
    /// Runs until the recorder is dropped and all it has recorded is in the journal.
    pub async fn run(mut self) {
        let mut events = Vec::with_capacity(BATCH);
        let mut notices = tokio::time::interval(NOTICE_INTERVAL);
        notices.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                received = self.receiver.recv_many(&mut events, BATCH) => {
                    if received == 0 {
                        return self.journal.note_unlogged();
                    }
                    self.journal.add(events.drain(..).map(|(time, event)| (time, What::Event(event))));
                }
                _ = notices.tick() => self.journal.note_unlogged(),
            }
        }
    }
}

/// One who follows the journal.
#[derive(Debug)]
pub struct Subscription {
    journal: Arc<Journal>,
    latest: watch::Receiver<u64>,
    /// The number of the last entry it was handed.
    read: u64,
    /// Whether it has still to find its place: what is gone before its first read it did not miss by being slow.
    resumed: bool,
}

/// What a subscriber reads next.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// Entries it should have got and never will.
    pub gap: Option<Gap>,
    /// The next entries, oldest first.
    pub entries: Vec<Entry>,
}

/// Entries that a subscriber misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The last entry it had.
    pub since: u64,
    /// The first entry it gets.
    pub oldest: u64,
    /// The latest entry there is.
    pub latest: u64,
}

impl Subscription {
    /// Waits for the next entries. `None` when there will be no more.
    ///
    /// Can be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            self.latest.changed().await.ok()?;
            // Numbers begin again with the daemon: who has a number from the future starts over.
            let latest = *self.latest.borrow_and_update();
            let since = self.read;
            if since > latest {
                self.read = 0;
            }
            let Extract { entries, oldest, latest } = self.journal.extract(self.read, BATCH);
            let gap = (since > latest || since.saturating_add(1) < oldest).then_some(Gap { since, oldest, latest });
            if gap.is_some() && !self.resumed {
                self.journal.lagged.fetch_add(oldest.saturating_sub(since + 1), Ordering::Relaxed);
            }
            self.resumed = false;
            self.read = entries.last().map_or_else(|| self.read.max(oldest - 1), |entry| entry.seq);
            if self.read < latest {
                self.latest.mark_changed();
            }
            if gap.is_some() || !entries.is_empty() {
                return Some(Batch { gap, entries });
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // Whoever stopped reading is handed nothing more, and what he has missed by then has not been counted yet.
        let oldest = self.journal.ring().oldest();
        if !self.resumed {
            self.journal.lagged.fetch_add(oldest.saturating_sub(self.read.saturating_add(1)), Ordering::Relaxed);
        }
        self.journal.subscribers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
