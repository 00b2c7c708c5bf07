//! The page of one node: itself, its peers as far as it knows them, and what its owner may do.

use crate::browser::Browser;
use crate::lab::Lab;
use crate::support::{self, Node, free_ports, wait_for_mesh};

#[test]
fn a_nodes_own_page_shows_it_and_its_peers_and_its_owner_sends_it_to_sleep_with_the_token() {
    let Some(mut browser) = Browser::open() else { return };
    let directory = tempfile::tempdir().unwrap();
    let first = free_ports(2);
    let other = format!("127.0.0.1:{}", first + 1);
    let nodes =
        [Node::start(first, directory.path(), &["--peer", &other]), Node::start(first + 1, directory.path(), &[])];
    wait_for_mesh(&nodes, crate::browser::PATIENCE);
    browser.go(&format!("http://127.0.0.1:{first}/"));
    let mine = format!("document.querySelector('#mesh [data-node=\"127.0.0.1:{first}\"]')?.dataset.status");
    browser.wait("it is awake", &format!("{mine} === 'awake'"));
    browser.wait(
        "its peer is known by hearsay",
        &format!("document.querySelector('#mesh [data-node=\"{other}\"]')?.dataset.status === 'peer'"),
    );
    browser.wait(
        "there is an edge to it",
        &format!("document.querySelector('[data-edge=\"127.0.0.1:{first} {other}\"]')?.dataset.state === 'both'"),
    );
    browser.wait("messages move", "Number(document.getElementById('messages').dataset.drawn) > 0");
    assert_eq!(
        browser.eval("document.querySelector('[data-do=add], [data-do=kill], [data-do=cut]')"),
        serde_json::Value::Null
    );

    // The browser writes the refusal on its console.
    browser.expect(&["/sleep"]);
    browser.click("#controls button[data-do=sleep]");
    browser.wait(
        "without the token it is refused",
        "document.querySelector('#errors li .text')?.textContent.includes('was refused')",
    );
    assert_eq!(nodes[0].state()["asleep"], false);
    browser.type_into("#token", &support::token(&nodes[0].state));
    browser.click("#controls button[data-do=sleep]");
    browser.wait("with it, it sleeps", &format!("{mine} === 'asleep'"));
    assert_eq!(nodes[0].state()["asleep"], true);
    browser.click("#controls button[data-do=wake]");
    browser.wait("and wakes", &format!("{mine} === 'awake'"));
    browser.done();
}

#[test]
fn each_node_of_a_lab_serves_the_page_of_what_it_knows() {
    let Some(mut browser) = Browser::open() else { return };
    let lab = Lab::start(3, &["--speed", "5"]);
    browser.go(&format!("http://{}/", lab.node(1)));
    browser.wait(
        "itself is awake",
        &format!("document.querySelector('#mesh [data-node=\"{}\"]')?.dataset.status === 'awake'", lab.node(1)),
    );
    browser
        .wait("both peers are known", "document.querySelectorAll('#mesh [data-node][data-status=peer]').length === 2");
    browser.wait("the log is its own", "document.querySelectorAll('#log [data-entry]').length > 0");
    let port = lab.node(1).rsplit(':').next().unwrap().to_owned();
    assert_eq!(
        browser.eval(&format!(
            "[...document.querySelectorAll('#log .who')].every((who) => who.textContent.endsWith('{port}'))"
        )),
        true
    );
    browser.done();
}
