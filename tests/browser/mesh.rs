//! The mesh: nodes, who has whom as a peer, and messages on their way.

use serde_json::json;

use crate::browser::Browser;
use crate::lab::Lab;

/// Whether every pair of these nodes is joined by an edge that both ends have.
fn is_whole(lab: &Lab) -> String {
    let edges = json!(lab.edges());
    format!("{edges}.every((key) => document.querySelector(`[data-edge=\"${{key}}\"]`)?.dataset.state === 'both')")
}

#[test]
fn four_nodes_are_drawn_and_messages_move_between_them() {
    let Some(mut browser) = Browser::open() else { return };
    let lab = Lab::start(4, &["--speed", "2"]);
    browser.go(&lab.url());
    browser
        .wait("four nodes are awake", "document.querySelectorAll('#mesh [data-node][data-status=awake]').length === 4");
    for place in 0..4 {
        browser.wait("each is there", &format!("document.querySelector('#mesh [data-node=\"{}\"]')", lab.node(place)));
    }
    browser.wait("all are each other's peers", &is_whole(&lab));
    assert_eq!(browser.eval("document.querySelectorAll('#mesh [data-edge]').length"), 6);
    browser.wait("a message is on its way", "Number(document.getElementById('messages').dataset.flying) > 0");
    // What moves is seen to move: two pictures of the canvas, some frames apart, differ.
    browser.call(
        "const canvas = document.getElementById('messages');
        const first = canvas.toDataURL();
        const look = () => { document.body.dataset.moved = canvas.toDataURL() !== first; if (document.body.dataset.moved === 'false') requestAnimationFrame(look); };
        requestAnimationFrame(look);",
        Vec::new(),
    );
    browser.wait("it moves", "document.body.dataset.moved === 'true'");
    browser
        .wait("a PRIME's path is drawn, hop by hop", "document.querySelectorAll('#path [data-hop=\"1\"]').length > 0");
    browser.wait(
        "its largest prime is in its disc",
        "/^M[0-9]+$/.test(document.querySelector('#mesh [data-node] .prime').textContent)",
    );
    assert_eq!(browser.eval("document.getElementById('errors').hidden"), true);
    browser.done();
}

#[test]
fn the_table_has_every_field_of_every_state() {
    let Some(mut browser) = Browser::open() else { return };
    let lab = Lab::start(4, &["--speed", "2"]);
    browser.go(&lab.url());
    browser.wait("the columns are nodes", "document.querySelectorAll('#nodes-table thead th').length === 4");
    let state =
        crate::support::http(lab.page_port + 1, &format!("GET /state HTTP/1.1\r\nHost: {}\r\n\r\n", lab.node(0)));
    let state: serde_json::Value = serde_json::from_str(&state.expect("a node answers").1).unwrap();
    let heads = browser
        .eval("[...document.querySelectorAll('#nodes-table tbody th')].map((th) => th.textContent.replace('≠ ', ''))");
    let heads = heads.as_array().unwrap();
    assert!(state.as_object().unwrap().len() > 5);
    for field in state.as_object().unwrap().keys().filter(|field| *field != "address") {
        assert!(heads.contains(&json!(field.replace('_', " "))), "{field} is in {heads:?}");
    }
    browser.done();
}
