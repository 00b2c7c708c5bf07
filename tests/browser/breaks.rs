//! Streams that break: the page goes on where it was, or begins anew with another lab.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::browser::{Browser, PATIENCE};
use crate::lab::{Lab, record};
use crate::log::copied;
use crate::stage::{Stage, pass_on};
use crate::support::wait_until;

const CONNECTED: &str = "document.documentElement.dataset.connected === 'true'";

#[test]
fn the_page_outlives_the_lab_and_shows_the_next_one_on_the_same_ports() {
    let Some(mut browser) = Browser::open() else { return };
    let mut lab = Lab::start(3, &["--speed", "5"]);
    // What a browser has to say of a server that is not there.
    browser.expect(&["net::ERR_"]);
    browser.go(&lab.url());
    browser.wait("three nodes are awake", "document.querySelectorAll('#mesh [data-status=awake]').length === 3");
    browser.click("#controls button[data-do=add]");
    browser.wait("a fourth comes", "document.querySelectorAll('#mesh [data-status=awake]').length === 4");
    browser.wait("there is a log", "document.querySelectorAll('#log [data-entry]').length > 20");
    browser.eval("document.body.dataset.same = 'page'");
    lab.kill();
    browser.wait("the break is seen", "document.documentElement.dataset.connected === 'false'");
    browser.wait(
        "the break is told",
        "document.querySelector('#errors li .text')?.textContent.includes('connection to the server was lost')",
    );
    let before = browser.eval(
        "Math.max(...[...document.querySelectorAll('#log [data-entry]')].map((row) => Number(row.dataset.entry)))",
    );
    lab.start_again();
    browser.wait("it is connected again", CONNECTED);
    browser.wait("the fourth is forgotten", "document.querySelectorAll('#mesh [data-node]').length === 3");
    browser.wait("the new three are awake", "document.querySelectorAll('#mesh [data-status=awake]').length === 3");
    let all_new = format!(
        "[...document.querySelectorAll('#log [data-entry]')].every((row) => Number(row.dataset.entry) > {before})"
    );
    browser.wait(
        "their log begins anew",
        &format!("document.querySelectorAll('#log [data-entry]').length > 0 && {all_new}"),
    );
    browser.wait(
        "how long it took is told",
        "document.querySelector('#errors li .text')?.textContent.includes('back after')",
    );
    assert_eq!(browser.eval("document.body.dataset.same"), "page");
    browser.done();
}

/// Entries in an order of their own, to compare.
fn sorted(entries: impl Iterator<Item = Value>) -> Vec<String> {
    let line = |mut entry: Value| {
        // Whole milliseconds are written with and without a fraction.
        entry["time"] = entry["time"].as_f64().into();
        entry.to_string()
    };
    let mut lines: Vec<String> = entries.map(line).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_stream_that_breaks_is_resumed_and_no_entry_is_lost_or_doubled() {
    let Some(mut browser) = Browser::open() else { return };
    let lab = Lab::start(3, &["--speed", "10"]);
    let origin = lab.page_port;
    let is_broken = Arc::new(AtomicBool::new(false));
    let breaks = is_broken.clone();
    let stage = Stage::start(origin, move |viewer| pass_on(viewer, origin, &breaks));
    browser.expect(&["net::ERR_"]);
    browser.go(&stage.url());
    let entries = "Number(document.documentElement.dataset.entries ?? 0)";
    for _ in 0..3 {
        let before = browser.number(entries);
        browser.wait("entries come", &format!("{entries} > {before} + 30"));
        is_broken.store(true, Ordering::Relaxed);
        browser.wait("the break is seen", "document.documentElement.dataset.connected === 'false'");
        // The lab goes on, and so does its log.
        let so_far = browser.number(entries) as usize;
        let seen = |events: &[crate::lab::Event]| {
            events.iter().filter(|event| event.name == "entries").map(count).sum::<usize>()
        };
        record(origin, "/feed?since=0", |events| seen(events) < so_far + 30);
        is_broken.store(false, Ordering::Relaxed);
        browser.wait("it is connected again", CONNECTED);
    }
    let before = browser.number(entries);
    browser.wait("entries come", &format!("{entries} > {before} + 30"));
    browser.click("#log-pause");
    browser.wait("it is paused", "document.getElementById('log-note').textContent.includes('paused')");
    let taken = copied(&browser, &stage.url(), "#log-copy-json");
    let taken: Vec<Value> = taken.lines().map(|line| serde_json::from_str(line).unwrap()).collect();

    // Batches differ from one connection to another, entries and their order do not.
    let told = record(origin, "/feed?since=0", |events| {
        events.iter().filter(|event| event.name == "entries").map(count).sum::<usize>() < taken.len()
    });
    let told = told
        .iter()
        .filter(|event| event.name == "entries")
        .flat_map(|event| event.json().as_array().cloned().unwrap_or_default());
    assert_eq!(sorted(taken.iter().cloned()), sorted(told.take(taken.len())));
    let asked = stage.asked();
    assert!(
        asked.len() >= 4 && asked[0].is_none() && asked[1..].iter().all(Option::is_some),
        "it says what it has: {asked:?}"
    );
    browser.done();
}

fn count(event: &crate::lab::Event) -> usize {
    event.json().as_array().map_or(0, Vec::len)
}

#[test]
fn a_hidden_page_follows_nothing_and_goes_on_where_it_was_when_it_is_seen_again() {
    let Some(mut browser) = Browser::open() else { return };
    let lab = Lab::start(1, &[]);
    let stage = Stage::start(lab.page_port, |viewer| {
        let next = viewer.since.unwrap_or(0) + 1;
        let hello = json!({ "kind": "lab", "run": "1", "version": "0", "address": null, "controls": "lab", "entries_kept": 9, "now": 1.8e12, "exercise": null });
        let entries =
            json!([{ "node": "127.0.0.1:9", "time": 1.8e12, "event": "lab", "text": format!("entry {next}") }]);
        viewer.send(&format!("event: hello\ndata: {hello}\n\nevent: entries\nid: {next}\ndata: {entries}\n\n"));
        viewer.stay();
    });
    browser.go(&stage.url());
    let shows =
        |text: &str| format!("[...document.querySelectorAll('#log .what')].some((e) => e.textContent === '{text}')");
    browser.wait("an entry is shown", &shows("entry 1"));
    assert_eq!(stage.open(), 1);
    browser.new_tab();
    wait_until(PATIENCE, "nobody follows", || stage.open() == 0);
    assert_eq!(stage.asked().len(), 1, "it does not come again while it is hidden");
    browser.close_tab();
    browser.wait("it is back, one further", &shows("entry 2"));
    assert_eq!((stage.open(), stage.asked()), (1, vec![None, Some(1)]));
    assert_eq!(browser.eval("document.getElementById('errors').hidden"), true, "nothing is wrong with that");
    browser.done();
}
