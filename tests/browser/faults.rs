//! What somebody does to a lab by the page's controls, and what the page shows of it.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::lab::Lab;
use crate::support::{http, wait_until};

/// A browser that shows a lab of four whose nodes are all each other's peers.
fn meshed(arguments: &[&str]) -> Option<(Browser, Lab)> {
    let mut browser = Browser::open()?;
    let lab = Lab::start(4, arguments);
    browser.go(&lab.url());
    for edge in lab.edges() {
        wait_for_edge(&browser, &edge, "both");
    }
    Some((browser, lab))
}

fn wait_for_status(browser: &Browser, node: &str, status: &str) {
    browser.wait(
        &format!("{node} is {status}"),
        &format!("document.querySelector('#mesh [data-node=\"{node}\"]')?.dataset.status === '{status}'"),
    );
}

fn wait_for_edge(browser: &Browser, edge: &str, state: &str) {
    browser.wait(
        &format!("{edge} is {state}"),
        &format!("document.querySelector('[data-edge=\"{edge}\"]')?.dataset.state === '{state}'"),
    );
}

fn wait_for_no_edge(browser: &Browser, edge: &str) {
    browser.wait(&format!("{edge} is gone"), &format!("!document.querySelector('[data-edge=\"{edge}\"]')"));
}

/// Chooses a node in the mesh and presses one of the buttons beside it.
fn press(browser: &Browser, node: &str, button: &str) {
    browser.click(&format!("#mesh [data-node=\"{node}\"] .disc"));
    browser.click(&format!("#chosen button[data-do={button}][data-node=\"{node}\"]"));
}

/// The peers a node has by its own account.
fn peers(lab: &Lab, place: u16) -> Vec<String> {
    let answer = http(lab.page_port + 1 + place, &format!("GET /peers/ HTTP/1.1\r\nHost: {}\r\n\r\n", lab.node(place)));
    let body = answer.map_or(Value::Null, |(_, body)| serde_json::from_str(&body).unwrap_or(Value::Null));
    body["peers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|peer| peer["address"].as_str().map(str::to_owned))
        .collect()
}

/// Writes down each state that an edge is shown in, and each countdown: what is over before it is asked for is not lost.
const WATCH: &str = "window.states = {};
    window.countdowns = {};
    const look = () => {
      for (const edge of document.querySelectorAll('#mesh [data-edge]')) {
        (window.states[edge.dataset.edge] ??= new Set()).add(edge.dataset.state);
        (window.countdowns[edge.dataset.edge] ??= new Set()).add(edge.querySelector('.countdown').textContent);
      }
    };
    new MutationObserver(look).observe(document.getElementById('mesh'), { subtree: true, childList: true, characterData: true, attributes: true });";

#[test]
fn a_node_sent_to_sleep_counts_down_at_the_others_is_evicted_and_comes_back_when_woken() {
    let Some((browser, lab)) = meshed(&[]) else { return };
    browser.call(WATCH, Vec::new());
    let node = lab.node(1);
    press(&browser, &node, "sleep");
    wait_for_status(&browser, &node, "asleep");
    let theirs = [lab.edge(0, 1), lab.edge(1, 2), lab.edge(1, 3)];
    for edge in &theirs {
        wait_for_no_edge(&browser, edge);
        assert_eq!(browser.eval(&format!("window.states['{edge}'].has('silent')")), true, "{edge} was silent first");
        let countdowns = format!("[...window.countdowns['{edge}']]");
        let is_whole = "/^[6-9] s … evicted in [1-4] s$/";
        assert_eq!(
            browser.eval(&format!("{countdowns}.some((text) => {is_whole}.test(text))")),
            true,
            "{}",
            browser.eval(&countdowns)
        );
    }
    assert_eq!(browser.eval(&format!("window.states['{}'].has('silent')", lab.edge(0, 2))), false, "nobody else was");
    wait_for_edge(&browser, &lab.edge(0, 2), "both");
    assert!(!peers(&lab, 0).contains(&node), "it is evicted where it counts");
    // The list of what is in force undoes it.
    browser.click(&format!(".in-force button[data-do=wake][data-node=\"{node}\"]"));
    wait_for_status(&browser, &node, "awake");
    for edge in &theirs {
        wait_for_edge(&browser, edge, "both");
    }
    browser.done();
}

#[test]
fn a_killed_node_is_shown_as_killed_and_comes_back_without_a_reload() {
    let Some((browser, lab)) = meshed(&["--speed", "5"]) else { return };
    browser.eval("document.body.dataset.same = 'page'");
    let node = lab.node(2);
    press(&browser, &node, "kill");
    wait_for_status(&browser, &node, "killed");
    wait_for_no_edge(&browser, &lab.edge(0, 2));
    press(&browser, &node, "restart");
    wait_for_status(&browser, &node, "awake");
    wait_for_edge(&browser, &lab.edge(0, 2), "both");
    press(&browser, &node, "stop");
    wait_for_status(&browser, &node, "stopped");
    assert_eq!(browser.eval("document.body.dataset.same"), "page");
    browser.done();
}

#[test]
fn a_link_that_is_cut_counts_down_alone_and_carries_again_when_mended() {
    let Some((browser, lab)) = meshed(&["--speed", "2"]) else { return };
    browser.call(WATCH, Vec::new());
    let edge = lab.edge(0, 1);
    browser.select("#cut-one", &lab.node(0));
    browser.select("#cut-other", &lab.node(1));
    browser.click("#controls button[data-do=cut]");
    wait_for_edge(&browser, &edge, "cut");
    browser.wait("it is listed", "document.querySelector('.in-force').textContent.includes('is cut')");
    wait_until(crate::browser::PATIENCE, "both ends have evicted each other", || {
        !peers(&lab, 0).contains(&lab.node(1)) && !peers(&lab, 1).contains(&lab.node(0))
    });
    let countdowns = format!("[...window.countdowns['{edge}']]");
    browser.wait("it has counted down", &format!("{countdowns}.some((text) => text.includes('evicted in'))"));
    for other in lab.edges().iter().filter(|other| **other != edge) {
        wait_for_edge(&browser, other, "both");
    }
    browser.click(".in-force button[data-do=mend]");
    wait_for_edge(&browser, &edge, "both");
    assert!(peers(&lab, 0).contains(&lab.node(1)));
    browser.done();
}

#[test]
fn a_network_split_in_two_loses_the_edges_between_and_heals() {
    let Some((browser, lab)) = meshed(&["--speed", "5"]) else { return };
    browser.click("#controls summary");
    for place in [0, 1] {
        browser.click(&format!("#controls [data-side=\"{}\"]", lab.node(place)));
    }
    browser.click("#controls button[data-do=split]");
    browser.wait("the split is listed", "document.querySelector('.in-force').textContent.includes('Split')");
    for (one, other) in [(0, 2), (0, 3), (1, 2), (1, 3)] {
        wait_for_no_edge(&browser, &lab.edge(one, other));
    }
    for (one, other) in [(0, 1), (2, 3)] {
        wait_for_edge(&browser, &lab.edge(one, other), "both");
    }
    browser.click("#controls > div > .does button[data-do=heal]");
    for edge in lab.edges() {
        wait_for_edge(&browser, &edge, "both");
    }
    browser.done();
}

#[test]
fn a_node_that_is_added_joins_and_faults_are_shown_while_they_last() {
    let Some((browser, lab)) = meshed(&["--speed", "5"]) else { return };
    browser.click("#controls button[data-do=add]");
    let added = lab.node(4);
    wait_for_status(&browser, &added, "awake");
    wait_for_edge(&browser, &lab.edge(0, 4), "both");
    // A slider takes arrow keys: each is a step of 5 %.
    browser.click(&format!("#mesh [data-node=\"{added}\"] .disc"));
    let slider = format!("#chosen input[data-do=loss][data-node=\"{added}\"]");
    browser.type_into(&slider, &"\u{e014}".repeat(4));
    browser.wait("the loss is in force", "/loses 20\\s%/.test(document.querySelector('.in-force').textContent)");
    browser.wait(
        "it is on the node",
        &format!("document.querySelector('#mesh [data-node=\"{added}\"] .note').textContent.includes('loses 20')"),
    );
    browser.click(".in-force button[data-do=loss]");
    browser.wait(
        "it is over",
        &format!("!document.querySelector('#mesh [data-node=\"{added}\"] .note').textContent.includes('loses')"),
    );
    // What is said above the button goes away meanwhile, and the button moves from under the hand.
    wait_until(crate::browser::PATIENCE, "ten times", || {
        browser.click("#controls button[data-do=speed][data-value=\"10\"]");
        let pressed =
            "document.querySelector('#controls button[data-value=\"10\"]').getAttribute('aria-pressed') === 'true'";
        browser.eval(pressed) == true
    });
    browser.done();
}

#[test]
fn what_the_lab_refuses_stays_on_the_page_until_it_is_dismissed() {
    let Some((mut browser, lab)) = meshed(&["--speed", "5"]) else { return };
    // The browser writes each refusal on its console.
    browser.expect(&["409", "/lab"]);
    let node = lab.node(0);
    press(&browser, &node, "kill");
    wait_for_status(&browser, &node, "killed");
    press(&browser, &node, "sleep");
    browser.wait("the refusal is told", "document.querySelector('#errors li')?.textContent.includes('was refused')");
    browser.click("#errors button[data-do=dismiss]");
    browser.wait(
        "it is dismissed",
        "![...document.querySelectorAll('#errors li')].some((li) => li.textContent.includes('was refused'))",
    );
    lab.command(&json!({ "do": "restart", "node": node }));
    wait_for_status(&browser, &node, "awake");
    browser.done();
}
