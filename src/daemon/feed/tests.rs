use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::sync::Arc;

use super::*;
use crate::daemon::clock::Clock;
use crate::daemon::journal::{Journal, RATE, Recorder};
use crate::daemon::snapshot::Timers;
use crate::protocol::message::{MessageId, MessageType, Ttl};
use crate::protocol::{Birth, Event, Node, Saved, Scan, Settings, Time, Traffic, Whereabouts};
use crate::search::SearchBoard;

/// A node to which only these tests do anything, its journal of `capacity` entries, and who writes there.
fn quiet(capacity: usize) -> (Subject, Arc<Journal>, Recorder) {
    let port = NonZeroU16::new(5001).unwrap();
    let birth = Birth {
        seed: [7; 16],
        now: Time::ZERO,
        whereabouts: Whereabouts { port, bound: Ipv4Addr::LOCALHOST.into(), advertised: None },
        wall_clock_micros: 1,
        saved: Saved::default(),
        scan: Scan::default(),
    };
    let settings = Settings::default();
    let subject = Subject {
        timers: Timers::of(&settings),
        node: Arc::new(Node::new(settings, birth)),
        clock: Clock::start(),
        board: Arc::new(SearchBoard::new(NonZeroU16::MIN)),
        name: Some("<b>Marin</b>".to_owned()),
    };
    let (journal, recorder, keeper) = Journal::new(capacity, RATE);
    tokio::spawn(keeper.run());
    (subject, journal, recorder)
}

fn message() -> Event {
    Event::Sent(Traffic {
        msg_type: MessageType::Prime,
        peer: "127.0.0.1:5002".parse().unwrap(),
        msg_id: MessageId(u64::MAX),
        originator: "127.0.0.1:5001".parse().unwrap(),
        ttl: Ttl(2),
        data: Some(31),
        bytes: 80,
    })
}

/// Waits until so many entries are in the journal.
async fn has(journal: &Journal, latest: u64) {
    while journal.since(latest).latest < latest {
        tokio::task::yield_now().await;
    }
}

/// The next frames that are no snapshots.
async fn entries(feed: &mut Feed) -> (u64, Vec<Value>) {
    loop {
        for frame in feed.next().await.unwrap() {
            if let Frame::Entries { last, entries } = frame {
                return (last, entries);
            }
        }
    }
}

#[tokio::test]
async fn the_first_frame_is_a_snapshot_with_all_a_page_shows() {
    let (subject, journal, mut recorder) = quiet(64);
    recorder.record(Event::Asleep);
    has(&journal, 1).await;
    let mut feed = Feed::new(subject, journal.subscribe(Some(0)).unwrap());
    let frames = feed.next().await.unwrap();
    let Frame::Snapshot(snapshot) = &frames[0] else { panic!("{frames:?}") };
    let snapshot = serde_json::to_value(snapshot).unwrap();
    assert_eq!((&snapshot["node"], &snapshot["name"]), (&"127.0.0.1:5001".into(), &"<b>Marin</b>".into()));
    assert_eq!(snapshot["timers"]["peer_timeout"], 10.0);
    assert!(snapshot["state"]["known"].is_object() && snapshot["peers"].is_array() && snapshot["primes"].is_array());
}

#[tokio::test]
async fn entries_that_come_together_are_one_frame_with_ids_as_text() {
    let (subject, journal, mut recorder) = quiet(64);
    let mut feed = Feed::new(subject, journal.subscribe(Some(0)).unwrap());
    recorder.record(message());
    recorder.record(Event::Asleep);
    let (mut last, mut all) = entries(&mut feed).await;
    while all.len() < 2 {
        let (later, more) = entries(&mut feed).await;
        (last, all) = (later, [all, more].concat());
    }
    assert_eq!(
        (last, &all[0]["msg_id"], &all[0]["node"]),
        (2, &"18446744073709551615".into(), &"127.0.0.1:5001".into())
    );
    assert!(all[0].get("text").is_none() && all[0].get("seq").is_none());
    assert!(all[1]["text"].as_str().unwrap().starts_with("asleep"));
    assert!(all[0]["time"].as_f64().unwrap() > 1e12);
}

#[tokio::test]
async fn after_news_a_snapshot_comes_soon_and_after_messages_it_does_not() {
    let (subject, journal, mut recorder) = quiet(64);
    let mut feed = Feed::new(subject, journal.subscribe(Some(0)).unwrap());
    feed.next().await.unwrap();
    recorder.record(message());
    entries(&mut feed).await;
    assert!(feed.next_snapshot - Instant::now() > SNAPSHOT_SOON);
    recorder.record(Event::Asleep);
    entries(&mut feed).await;
    assert!(feed.next_snapshot - Instant::now() <= SNAPSHOT_SOON);
}

#[tokio::test]
async fn entries_that_are_gone_are_counted() {
    let (subject, journal, mut recorder) = quiet(64);
    let mut feed = Feed::new(subject, journal.subscribe(Some(0)).unwrap());
    for _ in 0..74 {
        recorder.record(message());
    }
    has(&journal, 74).await;
    let mut missed = 0;
    let mut count = 0;
    while let Some(frames) = feed.next().await {
        for frame in frames {
            match frame {
                Frame::Missed(more) => missed += more,
                Frame::Entries { entries, .. } => count += entries.len(),
                Frame::Snapshot(_) => {}
            }
        }
        if count + missed as usize == 74 {
            break;
        }
    }
    assert_eq!((missed, count), (10, 64));
}
