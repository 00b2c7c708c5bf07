//! With twelve nodes at work the page answers who types.

use std::time::Instant;

use serde_json::{Value, json};

use crate::browser::{Browser, Requests};
use crate::lab::Lab;

/// Types into the filter of the log again and again: milliseconds from each input to the frame that was painted after it.
const MEASURE: &str = "(async () => {
    const input = document.getElementById('log-text');
    const painted = () => new Promise((resolve) => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = resolve;
      port2.postMessage(0);
    }));
    const took = [];
    for (let round = 0; round < 4; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 17 + (round * 7) % 40));
      const began = performance.now();
      input.value = ['PING', 'PRIME', 'sent', ''][round % 4];
      input.dispatchEvent(new InputEvent('input', { bubbles: true }));
      await painted();
      took.push(performance.now() - began);
    }
    return took;
  })()";

/// Seconds the page's thread has worked.
fn worked(browser: &Browser) -> f64 {
    let metrics = browser.devtools("Performance.getMetrics", json!({}));
    let all = metrics["metrics"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|metric| metric["name"] == "TaskDuration").and_then(|metric| metric["value"].as_f64());
    found.unwrap_or_else(|| panic!("the time is in {metrics}"))
}

/// How often the script is run.
const ROUNDS: usize = 15;

#[test]
fn twelve_nodes_at_work_leave_the_page_time_to_answer() {
    // Writing down each event of the stream would take the page's time.
    let Some(mut browser) = Browser::open_with(Requests::Unwatched) else { return };
    let lab = Lab::start(12, &["--speed", "5"]);
    browser.go(&lab.url());
    browser.wait("all are awake", "document.querySelectorAll('#mesh [data-status=awake]').length === 12");
    browser
        .wait("they know each other", "document.querySelectorAll('#mesh [data-edge][data-state=both]').length === 66");
    browser.wait("there is a log", "document.querySelectorAll('#log [data-entry]').length === 300");
    // By the clock of the page's thread: what it takes of a processor, however busy the machine is.
    browser.devtools("Performance.enable", json!({ "timeDomain": "threadTicks" }));
    let (before, began) = (worked(&browser), Instant::now());
    let took = Value::Array(
        (0..ROUNDS).flat_map(|_| browser.eval_async(MEASURE).as_array().cloned().unwrap_or_default()).collect(),
    );
    let share = (worked(&browser) - before) / began.elapsed().as_secs_f64();
    let mut took: Vec<f64> =
        took.as_array().unwrap_or_else(|| panic!("{took}")).iter().filter_map(Value::as_f64).collect();
    took.sort_by(f64::total_cmp);
    assert_eq!(took.len(), 4 * ROUNDS, "each input was followed by a frame");
    eprintln!(
        "input to painted frame, 12 nodes: median {:.0} ms, worst {:.0} ms of {}",
        took[30],
        took[59],
        took.len()
    );
    eprintln!("the page's thread works {:.0} % of the time", 100.0 * share);

    // And what was typed has its effect, typed by keys.
    browser.type_into("#log-text", "PONG");
    let all = "(() => { const tags = [...document.querySelectorAll('#log .tag')]; return tags.length > 0 && tags.every((tag) => tag.textContent === 'PONG'); })()";
    browser.wait("only those rows are left", all);
    assert_eq!(browser.eval("document.getElementById('log-text').value"), json!("PONG"));
    browser.done();
}
