//! The log: filtered, paused and copied.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::lab::Lab;

/// Rows that are shown, and whether a condition on each (`row`) holds for all of them.
fn all_rows(condition: &str) -> String {
    format!(
        "(() => {{ const rows = [...document.querySelectorAll('#log [data-entry]')]; return rows.length > 0 && rows.every((row) => {condition}); }})()"
    )
}

const NEWEST: &str = "document.querySelector('#log [data-entry]').dataset.entry";

/// A lab of three with its page, and some log.
fn logging() -> Option<(Browser, Lab)> {
    let mut browser = Browser::open()?;
    let lab = Lab::start(3, &["--speed", "5"]);
    browser.go(&lab.url());
    browser.wait("there is a log", "document.querySelectorAll('#log [data-entry]').length >= 40");
    Some((browser, lab))
}

#[test]
fn the_log_is_filtered_by_node_type_direction_and_text() {
    let Some((browser, lab)) = logging() else { return };
    let port = lab.node(1)["127.0.0.1:".len()..].to_owned();
    let is_mixed = format!("!{}", all_rows("row.querySelector('.tag').textContent === 'PING'"));
    browser.wait("unfiltered it is mixed", &is_mixed);

    browser.select("#log-node", &lab.node(1));
    browser.wait("one node only", &all_rows(&format!("row.querySelector('.who').textContent.endsWith('{port}')")));
    browser.select("#log-type", "PING");
    browser.wait("PINGs only", &all_rows("row.querySelector('.tag').textContent === 'PING'"));
    browser.select("#log-direction", "received");
    browser.wait("received ones only", &all_rows("row.querySelector('.what').textContent.startsWith('← received')"));
    let (one, other) = (lab.node(0), lab.node(2));
    let others = [&one["127.0.0.1:".len()..], &other["127.0.0.1:".len()..]];
    browser.type_into("#log-text", &format!("FROM {}", others[0]));
    browser.wait(
        "from one peer only",
        &all_rows(&format!("row.querySelector('.what').textContent.includes('{}')", others[0])),
    );
    assert_eq!(
        browser.eval(&all_rows(&format!("!row.querySelector('.what').textContent.includes('from {}')", others[1]))),
        true
    );

    browser.type_into("#log-text", " no such thing");
    browser.wait("nothing passes", "document.querySelectorAll('#log [data-entry]').length === 0");
    browser.call("document.getElementById('log-text').select()", Vec::new());
    browser.type_into("#log-text", "\u{e003}");
    for select in ["#log-node", "#log-type", "#log-direction"] {
        browser.select(select, "");
    }
    browser.wait("all is there again", &is_mixed);
    browser.select("#log-type", "PRIME");
    browser.wait(
        "PRIMEs, with their TTL",
        &all_rows("/M[0-9]+ · TTL [0-9]/.test(row.querySelector('.what').textContent)"),
    );
    browser.select("#log-type", "peer_up");
    browser.wait("events too", &all_rows("row.querySelector('.what').textContent.includes('is a peer')"));
    browser.done();
}

#[test]
fn a_paused_log_stands_still_and_then_shows_what_came() {
    let Some((browser, _lab)) = logging() else { return };
    browser.click("#log-pause");
    browser.wait("it is paused", "document.getElementById('log-pause').getAttribute('aria-pressed') === 'true' && document.getElementById('log-note').textContent.includes('paused')");
    let newest = browser.number(NEWEST);
    browser.wait(
        "entries come all the same",
        &format!("Number(document.documentElement.dataset.entries) > {newest} + 50"),
    );
    browser.wait("their number is told", "/[1-9][0-9]* waiting/.test(document.getElementById('log-note').textContent)");
    assert_eq!(browser.number(NEWEST), newest);
    browser.click("#log-pause");
    browser.wait("the newest is on top", &format!("Number({NEWEST}) > {newest} + 50"));
    let numbers =
        browser.eval("[...document.querySelectorAll('#log [data-entry]')].map((row) => Number(row.dataset.entry))");
    let numbers: Vec<f64> = numbers.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] == pair[1] + 1.0), "none is missing: {numbers:?}");
    browser.done();
}

/// What has been copied in the page.
pub fn copied(browser: &Browser, lab_url: &str, button: &str) -> String {
    let origin = lab_url.trim_end_matches('/');
    let permissions = json!(["clipboardReadWrite", "clipboardSanitizedWrite"]);
    browser.devtools("Browser.grantPermissions", json!({ "origin": origin, "permissions": permissions }));
    browser.click(button);
    browser.wait("it says so", "document.getElementById('log-said').textContent.includes('copied')");
    browser.eval_async("navigator.clipboard.readText()").as_str().unwrap().to_owned()
}

#[test]
fn what_is_shown_is_copied_as_text_and_as_json_lines() {
    let Some((browser, lab)) = logging() else { return };
    browser.select("#log-type", "PRIME");
    browser.select("#log-direction", "sent");
    browser.wait("PRIMEs only", &all_rows("row.querySelector('.tag').textContent === 'PRIME'"));
    browser.click("#log-pause");
    browser.wait("it is paused", "document.getElementById('log-note').textContent.includes('paused')");
    // What the filter leaves is copied, also what is too much to be shown.
    let shown = browser.number("document.querySelectorAll('#log [data-entry]').length");
    let lines = copied(&browser, &lab.url(), "#log-copy-json");
    let entries: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    let all = shown < 300.0 && entries.len() as f64 == shown;
    assert!(all || entries.len() >= 300, "{} copied, {shown} shown", entries.len());
    for entry in &entries {
        assert_eq!((&entry["event"], &entry["msg_type"]), (&json!("sent"), &json!("PRIME")), "{entry}");
        assert!(entry["msg_id"].is_string() && entry["time"].as_f64().is_some_and(|time| time > 1.7e12), "{entry}");
    }
    browser.wait("it stops saying so", "document.getElementById('log-said').textContent === ''");
    let text = copied(&browser, &lab.url(), "#log-copy-text");
    assert_eq!(text.lines().count(), entries.len());
    assert!(text.lines().all(|line| line.contains("sent PRIME to") && line.contains("TTL")), "{text}");
    browser.done();
}
