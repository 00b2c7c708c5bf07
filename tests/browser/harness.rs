//! The harness itself: what it should complain of it does, and it leaves nothing behind.

use crate::browser::Browser;
use crate::lab::Lab;
use crate::stage::Stage;
use crate::support::{is_alive, wait_until};

/// A page of one node, so that there is something to open.
fn opened() -> Option<(Browser, Lab)> {
    let mut browser = Browser::open()?;
    let lab = Lab::start(1, &[]);
    browser.go(&lab.url());
    browser.wait("the page is connected", "document.documentElement.dataset.connected === 'true'");
    Some((browser, lab))
}

#[test]
fn an_error_on_the_console_is_a_complaint() {
    let Some((mut browser, _lab)) = opened() else { return };
    browser.call("setTimeout(() => { throw new Error('on purpose') }); console.error('by the way')", Vec::new());
    browser.eval_async("new Promise((resolve) => setTimeout(resolve, 1))");
    let complaints = browser.complaints();
    assert!(complaints.iter().any(|line| line.contains("on purpose")), "{complaints:?}");
    assert!(complaints.iter().any(|line| line.contains("by the way")), "{complaints:?}");
}

#[test]
fn a_request_to_another_server_is_a_complaint() {
    let Some((mut browser, lab)) = opened() else { return };
    let other = Stage::start(lab.page_port, |_| {});
    // Its policy would forbid the page to ask.
    browser.devtools("Page.setBypassCSP", serde_json::json!({ "enabled": true }));
    browser.go(&lab.url());
    browser.eval_async(&format!("fetch('{}page/main.js', {{ mode: 'no-cors' }})", other.url()));
    let complaints = browser.complaints();
    assert!(
        complaints.iter().any(|line| line.contains("a request to") && line.contains(&other.port.to_string())),
        "{complaints:?}"
    );
}

#[test]
fn a_browser_that_is_dropped_ends_with_all_its_processes() {
    let Some((browser, _lab)) = opened() else { return };
    let processes = browser.processes();
    assert!(processes.len() > 2 && processes.iter().all(|&pid| is_alive(pid)), "{processes:?}");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _browser = browser;
        panic!("a test that fails, on purpose");
    }));
    assert!(panicked.is_err());
    wait_until(crate::browser::PATIENCE, "all have ended", || !processes.iter().any(|&pid| is_alive(pid)));
}
