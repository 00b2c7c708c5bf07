//! Whatever comes from a node is text: names, fields, log lines full of markup.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::lab::Lab;

const NAME: &str = "<img src=x onerror=alert(1)><b>x";
const SCRIPT: &str = "</td></table><script>document.title = 'taken'</script><svg onload=alert(2)>\u{202e}\u{0}";

/// Elements that only markup in a text could have made.
const MADE: &str =
    "document.querySelectorAll('img, b b, [onload], [onerror], main script, main svg svg, iframe').length";

#[test]
fn a_name_full_of_markup_stays_text_everywhere() {
    let Some(mut browser) = Browser::open() else { return };
    let lab = Lab::start(3, &["--speed", "5", "--", "--name", NAME]);
    browser.go(&lab.url());
    let part = "<img src=x";
    let says = |selector: &str| {
        format!("[...document.querySelectorAll('{selector}')].some((e) => e.textContent.includes('{part}'))")
    };
    for place in ["#mesh .name", "#nodes-table th", "#cards .name", "#log .who", "#log-node option", "#cut-one option"]
    {
        browser.wait(&format!("{place} shows it"), &says(place));
    }
    browser.click(&format!("#mesh [data-node=\"{}\"] .disc", lab.node(0)));
    browser.wait("the chosen node's title shows it", &says("#chosen-title"));
    browser.wait("who heard of a prime shows it", &says("#path .who"));
    assert_eq!(browser.eval(MADE), 0);
    browser.done();
}

/// A node as a student might write one: JSON over HTTP, one connection at a time, until the test ends.
fn student(port: u16, answer: impl Fn(&str) -> Option<Value> + Send + 'static) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            drop(serve(stream, &answer));
        }
    });
}

fn serve(mut stream: TcpStream, answer: impl Fn(&str) -> Option<Value>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut line) = (String::new(), String::from("-"));
    reader.read_line(&mut first)?;
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let (status, body) = match answer(first.split(' ').nth(1).unwrap_or_default()) {
        Some(value) => ("200 OK", value.to_string()),
        None => ("404 Not Found", String::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[test]
fn a_students_node_is_shown_with_fields_of_its_own_whatever_is_in_them() {
    let Some(mut browser) = Browser::open() else { return };
    let lab = Lab::start(4, &["--speed", "5", "--exercise", "3"]);
    browser.go(&lab.url());
    let mine = lab.node(3);
    let status = format!("document.querySelector('#mesh [data-node=\"{mine}\"]')?.dataset.status");
    browser.wait("its place is left out", &format!("{status} === 'left-out'"));
    browser.wait("the exercise is told", "!document.getElementById('exercise').hidden && document.querySelectorAll('#exercise .conditions li').length > 0");
    let peers = json!([{ "address": lab.node(0) }, { "address": SCRIPT }, 7, null, { "address": { "a": 1 } }]);
    student(mine.rsplit(':').next().unwrap().parse().unwrap(), move |path| match path.split('?').next()? {
        "/state" => Some(json!({
            "name": NAME, "largest_prime": SCRIPT, "asleep": "perhaps", "position": ["x"], "search": SCRIPT,
            "<b>mood</b>": "good", "nested": { SCRIPT: [SCRIPT, { "deep": SCRIPT }] }, "__proto__": { "x": 1 }, "constructor": "c", "toString": 5,
        })),
        "/peers/" => Some(json!({ "peers": peers })),
        "/log" => Some(json!({ "entries": [
            { "event": SCRIPT, "text": SCRIPT, "msg_type": NAME, "seq": 1 }, { "event": "received", "msg_type": { "a": 1 }, "peer": 5, "seq": 2 },
            { "seq": 3, "event": "sent", "msg_type": "PRIME", "peer": "<b>", "originator": null, "data": [SCRIPT], "ttl": NAME, "msg_id": {} },
            { "seq": 4, "event": "log", "text": SCRIPT },
        ] })),
        _ => None,
    });
    browser.wait("it is there", &format!("{status} === 'awake'"));
    browser.wait(
        "its field is in the table",
        "[...document.querySelectorAll('#nodes-table th')].some((th) => th.textContent.includes('<b>mood</b>'))",
    );
    for field in ["constructor", "toString", "nested"] {
        browser.wait(
            "fields with awkward names are too",
            &format!("[...document.querySelectorAll('#nodes-table th')].some((th) => th.textContent === '{field}')"),
        );
    }
    // Among the others' entries it would soon be too old to be shown.
    browser.select("#log-node", &mine);
    browser.wait(
        "its log is text",
        "[...document.querySelectorAll('#log .what')].some((e) => e.textContent.includes('<script>'))",
    );
    browser.wait(
        "its line among the errors is too",
        "document.querySelector('#errors li .text')?.textContent.includes('<script>')",
    );
    browser.click(&format!("#mesh [data-node=\"{mine}\"] .disc"));
    browser.wait("its card is shown", "document.querySelector('#chosen-title').textContent.includes('<img src=x')");
    let states = browser.number("document.documentElement.dataset.states");
    browser.wait("the page goes on", &format!("Number(document.documentElement.dataset.states) > {states} + 12"));
    assert_eq!(browser.eval(MADE), 0);
    assert_eq!(browser.eval("document.title.includes('taken')"), false);
    browser.done();
}
