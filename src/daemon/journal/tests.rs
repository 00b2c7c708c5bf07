use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::protocol::message::{MessageId, MessageType, Ttl};
use crate::protocol::{EvictionReason, Traffic};

fn peer() -> SocketAddr {
    "127.0.0.1:5002".parse().unwrap()
}

fn news() -> Event {
    Event::PeerDown { peer: peer(), reason: EvictionReason::Leave }
}

fn traffic() -> Event {
    let (msg_type, msg_id) = (MessageType::Prime, MessageId(7));
    Event::Received(Traffic {
        msg_type,
        peer: peer(),
        msg_id,
        originator: peer(),
        ttl: Ttl(2),
        data: Some(31),
        bytes: 90,
    })
}

/// Everything that was recorded before the recorder is dropped is in the journal afterwards.
async fn kept(recorder: Recorder, keeper: Keeper) {
    drop(recorder);
    keeper.run().await;
}

fn numbers(extract: &Extract) -> Vec<u64> {
    extract.entries.iter().map(|entry| entry.seq).collect()
}

#[tokio::test]
async fn entries_are_numbered_from_one_and_given_from_any_number_on() {
    let (journal, mut recorder, keeper) = Journal::new(10, RATE);
    assert_eq!(journal.since(0), Extract { entries: vec![], oldest: 1, latest: 0 });
    for _ in 0..3 {
        recorder.record(news());
    }
    kept(recorder, keeper).await;
    assert_eq!(numbers(&journal.since(0)), [1, 2, 3]);
    assert_eq!(numbers(&journal.since(2)), [3]);
    assert_eq!(numbers(&journal.since(3)), [] as [u64; 0]);
    assert_eq!(numbers(&journal.since(u64::MAX)), [] as [u64; 0]);
}

#[tokio::test]
async fn a_full_ring_gives_up_its_oldest_and_says_so() {
    let (journal, mut recorder, keeper) = Journal::new(4, RATE);
    for _ in 0..10 {
        recorder.record(news());
    }
    kept(recorder, keeper).await;
    let extract = journal.since(2);
    assert_eq!((extract.oldest, extract.latest), (7, 10));
    assert_eq!(numbers(&extract), [7, 8, 9, 10]);
}

#[tokio::test]
async fn an_entry_is_one_line_of_json_with_number_time_and_the_events_fields() {
    let (journal, mut recorder, keeper) = Journal::new(4, RATE);
    recorder.record(traffic());
    kept(recorder, keeper).await;
    let line = journal.since(0).entries[0].to_json();
    assert!(!line.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["seq"], 1);
    let time: Timestamp = value["time"].as_str().unwrap().parse().unwrap();
    assert!(value["time"].as_str().unwrap().ends_with('Z'), "{line}");
    assert!(Timestamp::now().duration_since(time).as_secs().abs() < 60);
    assert_eq!(
        (&value["event"], &value["msg_type"], &value["data"]),
        (&"received".into(), &"PRIME".into(), &31.into())
    );
    assert_eq!(value["text"], "received PRIME 7 of 127.0.0.1:5002 with 127.0.0.1:5002, TTL 2, M31");
}

#[tokio::test]
async fn messages_beyond_their_rate_are_counted_and_other_news_is_always_recorded() {
    let (journal, mut recorder, keeper) = Journal::new(CAPACITY, RATE);
    let started = Instant::now();
    for _ in 0..900 {
        recorder.record(traffic());
    }
    for _ in 0..100 {
        recorder.record(news());
    }
    let refilled = (started.elapsed().as_secs_f64() * f64::from(RATE)).ceil() as usize;
    kept(recorder, keeper).await;
    let entries = journal.since(0).entries;
    let messages =
        entries.iter().filter(|entry| matches!(entry.what, What::Event(event) if event.is_traffic())).count();
    assert!((400..=400 + refilled).contains(&messages), "{messages}");
    assert_eq!(entries.iter().filter(|entry| entry.what == What::Event(news())).count(), 100);
    let unlogged: u64 = entries
        .iter()
        .filter_map(|entry| match entry.what {
            What::Unlogged(Unlogged { messages, events: 0 }) => Some(messages),
            What::Unlogged(_) | What::Event(_) => None,
        })
        .sum();
    assert_eq!(messages as u64 + unlogged, 900, "each message is either logged or counted");
    assert!(entries.last().unwrap().to_json().contains(&format!("\"{unlogged} messages not logged\"")));
}

#[tokio::test]
async fn a_peer_that_starts_anew_all_the_time_leaves_room_for_other_news() {
    let (journal, mut recorder, keeper) = Journal::new(CAPACITY, 1);
    recorder.record(news());
    for _ in 0..1_000 {
        recorder.record(Event::PeerRestarted { peer: peer() });
    }
    kept(recorder, keeper).await;
    let entries = journal.since(0).entries;
    assert_eq!(entries[0].what, What::Event(news()));
    // The news, two restarts at once and one a second, and how many were left out.
    assert!((4..100).contains(&entries.len()), "{}", entries.len());
}

#[test]
fn recording_never_waits_for_a_keeper_that_does_not_run() {
    let (journal, mut recorder, _keeper) = Journal::new(CAPACITY, RATE);
    for _ in 0..100_000 {
        recorder.record(news());
    }
    let unlogged = journal.unlogged_events.load(Ordering::Relaxed);
    assert_eq!(unlogged, 100_000 - IN_FLIGHT as u64);
}

#[tokio::test]
async fn a_subscriber_gets_what_comes_after_it_and_one_that_resumes_what_it_missed() {
    let (journal, mut recorder, keeper) = Journal::new(10, RATE);
    let keeper = tokio::spawn(keeper.run());
    let mut first = journal.subscribe(Some(0)).unwrap();
    recorder.record(news());
    assert_eq!(first.next().await.unwrap().entries[0].seq, 1);
    let mut second = journal.subscribe(None).unwrap();
    let mut third = journal.subscribe(Some(0)).unwrap();
    recorder.record(news());
    assert_eq!(second.next().await.unwrap().entries[0].seq, 2);
    let batch = third.next().await.unwrap();
    assert_eq!((batch.gap, batch.entries[0].seq), (None, 1));
    drop(recorder);
    keeper.await.unwrap();
}

#[tokio::test]
async fn a_subscriber_that_lags_is_told_of_the_gap_counted_and_goes_on_with_the_oldest_entry() {
    let (journal, mut recorder, keeper) = Journal::new(4, RATE);
    let mut slow = journal.subscribe(Some(0)).unwrap();
    let keeper = tokio::spawn(keeper.run());
    recorder.record(news());
    assert_eq!(slow.next().await.unwrap().gap, None);
    for _ in 0..20 {
        recorder.record(news());
    }
    drop(recorder);
    keeper.await.unwrap();
    let batch = slow.next().await.unwrap();
    assert_eq!(batch.gap, Some(Gap { since: 1, oldest: 18, latest: 21 }));
    assert_eq!(batch.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [18, 19, 20, 21]);
    assert_eq!(journal.lagged(), 16);
}

#[tokio::test]
async fn what_a_subscriber_missed_that_never_came_again_is_counted_when_it_ends() {
    let (journal, mut recorder, keeper) = Journal::new(4, RATE);
    let (stuck, quick) = (journal.subscribe(None).unwrap(), journal.subscribe(None).unwrap());
    let resumed = journal.subscribe(Some(0)).unwrap();
    let keeper = tokio::spawn(keeper.run());
    (0..4).for_each(|_| recorder.record(news()));
    drop(quick);
    (0..6).for_each(|_| recorder.record(news()));
    drop(recorder);
    keeper.await.unwrap();
    drop(stuck);
    assert_eq!(journal.lagged(), 6);
    // It has not begun to read; what was gone before is not its fault.
    drop(resumed);
    assert_eq!(journal.lagged(), 6);
}

#[tokio::test]
async fn who_resumes_after_a_gap_is_told_but_was_not_slow() {
    let (journal, mut recorder, keeper) = Journal::new(4, RATE);
    for _ in 0..10 {
        recorder.record(news());
    }
    kept(recorder, keeper).await;
    let gap = journal.subscribe(Some(2)).unwrap().next().await.unwrap().gap;
    assert_eq!(gap, Some(Gap { since: 2, oldest: 7, latest: 10 }));
    // A number from an earlier life of the daemon.
    let batch = journal.subscribe(Some(5_000)).unwrap().next().await.unwrap();
    assert_eq!(batch.gap, Some(Gap { since: 5_000, oldest: 7, latest: 10 }));
    assert_eq!(batch.entries[0].seq, 7);
    assert_eq!(journal.lagged(), 0);
}

#[tokio::test]
async fn a_long_past_is_handed_over_in_batches_without_waiting_for_news() {
    let (journal, mut recorder, keeper) = Journal::new(CAPACITY, RATE);
    for _ in 0..1_000 {
        recorder.record(news());
    }
    kept(recorder, keeper).await;
    let mut subscription = journal.subscribe(Some(0)).unwrap();
    let mut read = Vec::new();
    while read.len() < 1_000 {
        let batch = tokio::time::timeout(Duration::from_secs(5), subscription.next()).await.unwrap().unwrap();
        assert!(batch.entries.len() <= BATCH);
        read.extend(batch.entries.iter().map(|entry| entry.seq));
    }
    assert!(read.into_iter().eq(1..=1_000));
}

#[test]
fn subscribers_are_limited_and_make_room_when_they_go() {
    let (journal, _recorder, _keeper) = Journal::new(4, RATE);
    let mut all: Vec<_> = std::iter::from_fn(|| journal.subscribe(None)).collect();
    assert_eq!((all.len(), journal.subscribers()), (SUBSCRIBERS_MAX, SUBSCRIBERS_MAX));
    all.pop();
    assert!(journal.subscribe(None).is_some());
}
