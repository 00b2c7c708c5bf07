//! A recording of forty nodes, replayed at ten times its speed: each frame of state is taken, and memory does not grow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browser::{Browser, Requests};
use crate::lab::{Event, Lab, record};
use crate::stage::{Stage, Viewer};

/// How long the lab is recorded after all of its nodes have been heard of.
const RECORDED: Duration = Duration::from_secs(16);
const FASTER: u32 = 10;
const LOOPS: usize = 6;

/// How many entries the page has taken.
const ENTRIES: &str = "Number(document.documentElement.dataset.entries ?? 0)";

/// Memory after the last loop may be this much above that after the second: what is kept of the newest log is bounded, but
/// entries differ in length.
const GROWTH: f64 = 1.3;
const SLACK: f64 = 4e6;

/// A recording that can be played again and again.
struct Recording {
    hello: Event,
    events: Vec<Event>,
    /// Entries of one loop.
    entries: u64,
}

impl Recording {
    fn of(lab: &Lab, count: usize) -> Recording {
        let began = Instant::now();
        let mut all_since = None;
        let mut nodes = std::collections::BTreeSet::new();
        let mut seen = 0;
        let mut events = record(lab.page_port, "/feed", |events| {
            for event in &events[seen..] {
                if event.name == "state" {
                    nodes.extend(event.json()["node"].as_str().map(str::to_owned));
                }
            }
            seen = events.len();
            if nodes.len() >= count && all_since.is_none() {
                all_since = Some(began.elapsed());
            }
            all_since.is_none_or(|since| began.elapsed() < since + RECORDED)
        });
        let hello = events.remove(0);
        assert_eq!(hello.name, "hello");
        let entries = events
            .iter()
            .filter(|event| event.name == "entries")
            .map(|event| event.json().as_array().map_or(0, Vec::len))
            .sum::<usize>();
        Recording { hello, events, entries: entries as u64 }
    }

    fn states(&self) -> usize {
        self.events.iter().filter(|event| event.name == "state").count()
    }

    /// Plays one loop. Times are moved to now, so that all of it is news; numbers go on from the loop before.
    fn play(&self, viewer: &mut Viewer, turn: usize) -> bool {
        let began = Instant::now();
        let start = now();
        let mut last = turn as u64 * self.entries;
        for event in &self.events {
            let due = event.at / FASTER;
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            let time = start + due.as_secs_f64() * 1e3;
            let mut data = event.json();
            let id = match (event.name.as_str(), data.as_array_mut()) {
                ("entries", Some(entries)) => {
                    last += entries.len() as u64;
                    entries.iter_mut().for_each(|entry| entry["time"] = time.into());
                    format!("id: {last}\n")
                }
                _ => String::new(),
            };
            if event.name == "state" {
                data["time"] = time.into();
            }
            if !viewer.send(&format!("event: {}\n{id}data: {data}\n\n", event.name)) {
                return false;
            }
        }
        true
    }
}

/// An event that says nothing, so that the page does not take a pause for the end of the stream. Whether somebody listens.
fn nothing(viewer: &mut Viewer) -> bool {
    std::thread::sleep(Duration::from_millis(20));
    viewer.send("event: gap\ndata: {\"missed\":0}\n\n")
}

fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64() * 1e3
}

/// Bytes of the page's heap that are in use when all garbage is collected.
fn memory(browser: &Browser) -> f64 {
    for _ in 0..2 {
        browser.devtools("HeapProfiler.collectGarbage", json!({}));
    }
    let metrics = browser.devtools("Performance.getMetrics", json!({}));
    let all = metrics["metrics"].as_array().cloned().unwrap_or_default();
    let used = all.iter().find(|metric| metric["name"] == "JSHeapUsedSize").and_then(|metric| metric["value"].as_f64());
    used.unwrap_or_else(|| panic!("the heap's size is in {metrics}"))
}

#[test]
fn a_recorded_stream_of_forty_nodes_at_ten_times_its_speed_replays_without_a_lost_frame_or_growing_memory() {
    // Written down, each event of the stream would be kept in the driver as well.
    let Some(mut browser) = Browser::open_with(Requests::Unwatched) else { return };
    let recording = Arc::new(Recording::of(&Lab::start(40, &[]), 40));
    // The forty have ended; this one serves the page.
    let lab = Lab::start(1, &[]);
    let (states, entries) = (recording.states(), recording.entries);
    assert!(states >= 40 * 10 && entries > 1_000, "{states} states and {entries} entries are a lab at work");

    let allowed = Arc::new(AtomicUsize::new(0));
    let (turns, played) = (allowed.clone(), recording.clone());
    let stage = Stage::start(lab.page_port, move |viewer| {
        let mut hello = played.hello.json();
        hello["now"] = now().into();
        viewer.send(&format!("event: hello\ndata: {hello}\n\n"));
        for turn in 0..LOOPS {
            // The test looks at memory between two loops.
            while turns.load(Ordering::SeqCst) <= turn {
                if !nothing(viewer) {
                    return;
                }
            }
            if !played.play(viewer, turn) {
                return;
            }
        }
        while nothing(viewer) {}
    });
    browser.go(&stage.url());
    browser.devtools("Performance.enable", json!({}));
    let mut used = Vec::new();
    for turn in 1..=LOOPS {
        allowed.store(turn, Ordering::SeqCst);
        let mut taken = 0.0;
        while taken < (entries * turn as u64) as f64 {
            browser.wait("entries are taken", &format!("{ENTRIES} > {taken}"));
            taken = browser.number(ENTRIES);
        }
        used.push(memory(&browser));
    }
    browser.wait(
        "each frame of state is counted",
        &format!("Number(document.documentElement.dataset.states) >= {}", states * LOOPS),
    );
    assert_eq!(browser.number("document.documentElement.dataset.states"), (states * LOOPS) as f64);
    assert_eq!(browser.number(ENTRIES), (entries as usize * LOOPS) as f64);
    assert_eq!(browser.eval("document.querySelectorAll('#mesh [data-node]').length"), 40);
    assert_eq!(
        browser.eval("document.getElementById('mesh-note').textContent.includes('drawing 1 of')"),
        Value::Bool(true),
        "it draws fewer and says so"
    );
    assert_eq!(stage.asked(), [None], "the stream was never broken");
    let mega: Vec<String> = used.iter().map(|bytes| format!("{:.1}", bytes / 1e6)).collect();
    eprintln!("{states} states and {entries} entries a loop; heap after each loop, MB: {}", mega.join(" "));
    browser.done();
    let (after_second, after_last) = (used[1], used[LOOPS - 1]);
    assert!(after_last <= after_second * GROWTH + SLACK, "the heap grows: {} MB", mega.join(" "));
}
