//! What a lab's page follows: entries of all nodes in one numbered row, and the latest of everything that has a state.
//!
//! Entries lie in a ring of fixed size; of states only the last is kept, so whoever reads slowly misses old states and, when
//! the ring has gone round, is told how many entries. Nobody waits for a reader.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Entries kept: about ten minutes of four nodes, or one of forty.
pub(super) const ENTRIES_KEPT: usize = 65_536;

/// How many pages can follow a lab at the same time.
const FOLLOWERS_MAX: usize = 32;

/// How long entries are gathered.
const GATHER: Duration = Duration::from_millis(40);

/// How many entries a batch holds at most.
const BATCH: usize = 512;

/// What a reader is handed.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    /// The state of a node, of the faults, of the exercise, as JSON.
    State(Subject, Arc<str>),
    /// Entries as a JSON array, and the number of the last.
    Entries(u64, String),
    /// So many entries are gone.
    Missed(u64),
}

/// What has a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Faults,
    Exercise,
    Node(SocketAddr),
}

/// Where all that is published.
#[derive(Debug)]
pub(super) struct Hub {
    shelf: Mutex<Shelf>,
    /// Counts what was published.
    published: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Shelf {
    entries: VecDeque<Arc<str>>,
    /// The number of the entry that was added last; 0 before the first.
    latest: u64,
    /// With the count at which each was published.
    states: BTreeMap<Subject, (u64, Arc<str>)>,
}

impl Hub {
    pub(super) fn new() -> Arc<Hub> {
        Arc::new(Hub { shelf: Mutex::default(), published: watch::Sender::new(0) })
    }

    /// Adds entries, each a JSON object.
    pub(super) fn add<'a>(&self, entries: impl IntoIterator<Item = &'a str>) {
        let mut shelf = self.shelf();
        for entry in entries {
            if shelf.entries.len() == ENTRIES_KEPT {
                shelf.entries.pop_front();
            }
            shelf.entries.push_back(entry.into());
            shelf.latest += 1;
        }
        drop(shelf);
        self.published.send_modify(|count| *count += 1);
    }

    /// Replaces a state.
    pub(super) fn set(&self, subject: Subject, state: &str) {
        self.published.send_modify(|count| {
            *count += 1;
            self.shelf().states.insert(subject, (*count, state.into()));
        });
    }

    /// Follows from the entry after this one, or from the oldest held. `None` when too many do.
    pub(super) fn follow(self: &Arc<Hub>, after: Option<u64>) -> Option<Follower> {
        if self.published.receiver_count() >= FOLLOWERS_MAX {
            return None;
        }
        let mut published = self.published.subscribe();
        published.mark_changed();
        let latest = self.shelf().latest;
        // A number from the future is one of another lab.
        let read = after.filter(|&after| after <= latest);
        Some(Follower { hub: Arc::clone(self), published, read, states: 0, next: Instant::now() })
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who follows a lab.
#[derive(Debug)]
pub(super) struct Follower {
    hub: Arc<Hub>,
    published: watch::Receiver<u64>,
    /// The number of the last entry it was handed; `None` if it takes what there is.
    read: Option<u64>,
    /// It has all states up to this count.
    states: u64,
    next: Instant,
}

impl Follower {
    /// Waits for news. `None` when there will be none. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Option<Vec<News>> {
        self.published.changed().await.ok()?;
        // Whoever is late by then is handed it in one piece.
        self.published.mark_changed();
        tokio::time::sleep_until(self.next).await;
        self.next = Instant::now() + GATHER;
        let count = *self.published.borrow_and_update();
        let shelf = self.hub.shelf();
        let oldest = shelf.latest + 1 - shelf.entries.len() as u64;
        let read = self.read.unwrap_or(oldest - 1);
        let mut news = Vec::new();
        if read + 1 < oldest {
            news.push(News::Missed(oldest - read - 1));
        }
        let begin = read.max(oldest - 1);
        let skip = (begin + 1 - oldest) as usize;
        let entries: Vec<&str> = shelf.entries.range(skip..).take(BATCH).map(|entry| &**entry).collect();
        let last = begin + entries.len() as u64;
        let states = shelf.states.iter().filter(|(_, (published, _))| *published > self.states);
        news.extend(states.map(|(&subject, (_, state))| News::State(subject, Arc::clone(state))));
        if !entries.is_empty() {
            news.push(News::Entries(last, format!("[{}]", entries.join(","))));
        }
        (self.read, self.states) = (Some(last), count);
        if last < shelf.latest {
            self.published.mark_changed();
        }
        drop(shelf);
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> Subject {
        Subject::Node(SocketAddr::from(([127, 0, 0, 1], 5001)))
    }

    #[tokio::test]
    async fn a_follower_gets_all_states_first_and_then_what_changes() {
        let hub = Hub::new();
        hub.set(Subject::Faults, "{}");
        hub.set(node(), "1");
        hub.add(["{\"a\":1}", "{\"a\":2}"]);
        let mut follower = hub.follow(None).unwrap();
        let first = follower.next().await.unwrap();
        let entries = News::Entries(2, "[{\"a\":1},{\"a\":2}]".to_owned());
        assert_eq!(first, [News::State(Subject::Faults, "{}".into()), News::State(node(), "1".into()), entries]);
        hub.set(node(), "2");
        hub.set(node(), "3");
        assert_eq!(follower.next().await.unwrap(), [News::State(node(), "3".into())], "the last state counts");
    }

    #[tokio::test]
    async fn whoever_comes_back_goes_on_where_he_was() {
        let hub = Hub::new();
        hub.add(["1", "2", "3"]);
        let mut follower = hub.follow(Some(2)).unwrap();
        assert_eq!(follower.next().await.unwrap(), [News::Entries(3, "[3]".to_owned())]);
        let mut stranger = hub.follow(Some(99)).unwrap();
        assert_eq!(stranger.next().await.unwrap(), [News::Entries(3, "[1,2,3]".to_owned())]);
    }

    #[tokio::test]
    async fn what_is_gone_from_the_ring_is_counted() {
        let hub = Hub::new();
        let mut follower = hub.follow(Some(0)).unwrap();
        (0..ENTRIES_KEPT + 10).for_each(|_| hub.add(["0"]));
        let news = follower.next().await.unwrap();
        assert_eq!(news[0], News::Missed(10));
        let mut entries = 0;
        let mut last = 0;
        let mut batch = news;
        while last < (ENTRIES_KEPT + 10) as u64 {
            for piece in batch {
                if let News::Entries(number, text) = piece {
                    last = number;
                    entries += text.matches('0').count();
                }
            }
            batch = if last < (ENTRIES_KEPT + 10) as u64 { follower.next().await.unwrap() } else { Vec::new() };
        }
        assert_eq!(entries, ENTRIES_KEPT);
    }

    #[test]
    fn not_everybody_can_follow() {
        let hub = Hub::new();
        let followers: Vec<_> = (0..FOLLOWERS_MAX).map(|_| hub.follow(None).unwrap()).collect();
        assert!(hub.follow(None).is_none());
        drop(followers);
        assert!(hub.follow(None).is_some());
    }
}
