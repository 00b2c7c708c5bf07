//! People differ: some have no mouse, some a small screen, some want nothing to move.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::lab::Lab;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const RIGHT: &str = "\u{e014}";
const UP: &str = "\u{e013}";

/// The page of a meshed lab of four, on a screen of this many pixels.
fn meshed(width: u32, height: u32) -> Option<(Browser, Lab)> {
    let mut browser = Browser::open()?;
    let lab = Lab::start(4, &["--speed", "5"]);
    let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
    browser.devtools("Emulation.setDeviceMetricsOverride", metrics);
    browser.go(&lab.url());
    browser.wait(
        "all are each other's peers",
        "document.querySelectorAll('#mesh [data-edge][data-state=both]').length === 6",
    );
    Some((browser, lab))
}

/// How an edge and its parts are drawn.
fn look(edge: &str) -> String {
    format!(
        "[...document.querySelectorAll('[data-edge=\"{edge}\"], [data-edge=\"{edge}\"] .hit, [data-edge=\"{edge}\"] .line')]\
         .map((e) => getComputedStyle(e)).map((of) => [of.outline, of.stroke, of.strokeWidth, of.filter].join()).join(' ')"
    )
}

#[test]
fn nodes_and_edges_are_reached_and_chosen_by_keyboard_alone() {
    let Some((browser, lab)) = meshed(1280, 1000) else { return };
    let focused = |what: &str| format!("document.activeElement?.{what}");
    for _ in 0..30 {
        if browser.eval(&focused("closest('#mesh [data-node]')?.dataset.node ?? ''")) != "" {
            break;
        }
        browser.press(TAB);
    }
    let first = browser.eval(&focused("dataset.node"));
    assert!(first.is_string(), "Tab comes to a node: {}", browser.eval(&focused("outerHTML")));
    browser.press(RIGHT);
    let second = browser.eval(&focused("dataset.node"));
    assert!(second.is_string() && second != first, "{second} comes after {first}");
    browser.press(ENTER);
    let port = second.as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    browser.wait("it is chosen", &format!("document.getElementById('chosen-title').textContent.endsWith('{port}')"));
    browser.wait(
        "it is marked",
        &format!(
            "document.querySelector('#mesh [data-node=\"127.0.0.1:{port}\"]').getAttribute('aria-pressed') === 'true'"
        ),
    );
    assert_eq!(browser.eval(&focused("dataset.node")), second, "the focus stays");
    browser.press(UP);
    let edge = browser.eval(&focused("dataset.edge"));
    assert!(
        lab.edges().contains(&edge.as_str().unwrap_or_default().to_owned()) && edge.as_str().unwrap().contains(&port),
        "{edge}"
    );
    browser.press(ENTER);
    browser.wait("the edge is chosen", "document.getElementById('chosen-title').textContent.startsWith('Edge')");
    browser.press(ESCAPE);
    browser.wait("it lets go", "document.getElementById('chosen-title').textContent === 'Choose a node or an edge'");
    let unmarked = format!(
        "document.querySelector('[data-edge=\"{}\"]').getAttribute('aria-pressed') === 'false'",
        edge.as_str().unwrap()
    );
    browser.wait("it is unmarked", &unmarked);
    let focused_look = browser.eval(&look(edge.as_str().unwrap()));
    // One stop of the Tab key is the whole mesh.
    browser.press(TAB);
    assert_eq!(browser.eval("document.activeElement.closest('#mesh')"), Value::Null);
    assert_ne!(browser.eval(&look(edge.as_str().unwrap())), focused_look, "the focus is seen");
    let unnamed = "[...document.querySelectorAll('button, input, select, [role=button]')].filter((e) => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)";
    assert_eq!(browser.eval(unnamed), json!([]), "whatever can be operated has a name");
    browser.done();
}

/// Remembers where messages are drawn: each circle of the canvas over the mesh, to the tenth of a pixel.
const SPY: &str = "window.places = new Set(); window.circles = 0;
    const arc = CanvasRenderingContext2D.prototype.arc;
    CanvasRenderingContext2D.prototype.arc = function (x, y, ...rest) {
      if (this.canvas.id === 'messages') { window.circles += 1; window.places.add(`${x.toFixed(1)} ${y.toFixed(1)}`); }
      return arc.call(this, x, y, ...rest);
    };";

fn prefer_motion(browser: &Browser, preference: &str) {
    let feature = json!({ "name": "prefers-reduced-motion", "value": preference });
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
}

#[test]
fn who_wants_nothing_to_move_sees_messages_that_stand_still() {
    let Some(mut browser) = Browser::open() else { return };
    let lab = Lab::start(4, &["--speed", "5"]);
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": SPY }));
    prefer_motion(&browser, "reduce");
    browser.go(&lab.url());
    browser.wait(
        "all are each other's peers",
        "document.querySelectorAll('#mesh [data-edge][data-state=both]').length === 6",
    );
    browser.eval("void (window.places.clear(), window.circles = 0)");
    browser.wait("messages are shown", "window.circles > 300");
    // A PING and a PRIME have one place each on each of the twelve ways.
    let places = browser.number("window.places.size");
    assert!((1.0..=24.0).contains(&places), "{places} places");
    assert_eq!(browser.eval("document.getAnimations().filter((one) => one.playState === 'running').length"), 0);

    // The same count tells when things do move.
    prefer_motion(&browser, "no-preference");
    browser.eval("void (window.places.clear(), window.circles = 0)");
    browser.wait("messages move", "window.places.size > 200");
    browser.done();
}

#[test]
fn a_screen_of_390_pixels_shows_all_without_scrolling_sideways() {
    let Some((browser, lab)) = meshed(390, 844) else { return };
    lab.command(&json!({ "do": "sleep", "node": lab.node(0) }));
    lab.command(&json!({ "do": "loss", "node": lab.node(1), "value": 0.2 }));
    lab.command(&json!({ "do": "cut", "node": lab.node(2), "other": lab.node(3) }));
    browser.wait("all of it is listed", "document.querySelectorAll('.in-force li').length >= 4");
    browser.wait("there is a log", "document.querySelectorAll('#log [data-entry]').length > 20");
    browser.click(&format!("#mesh [data-node=\"{}\"] .disc", lab.node(0)));
    browser.wait("it is chosen", "document.querySelector('#chosen .card')");
    let wide = "[document.documentElement.scrollWidth, innerWidth]";
    assert_eq!(browser.eval(wide), json!([390, 390]));
    let out = "[...document.querySelectorAll('button, input, select, h1, h2')].filter((e) => e.checkVisibility())\
        .filter((e) => { for (let at = e.parentElement; at; at = at.parentElement) if (getComputedStyle(at).overflowX !== 'visible' && at !== document.body) return false; return true; })\
        .filter((e) => e.getBoundingClientRect().right > 391 || e.getBoundingClientRect().left < 0).map((e) => e.outerHTML)";
    assert_eq!(browser.eval(out), json!([]), "nothing sticks out");
    let cut_off = "(() => { const field = document.getElementById('mesh').getBoundingClientRect();\
        return [...document.querySelectorAll('#mesh text')].filter((e) => e.textContent !== '')\
        .filter((e) => e.getBoundingClientRect().left < field.left - 1 || e.getBoundingClientRect().right > field.right + 1)\
        .map((e) => e.textContent); })()";
    assert_eq!(browser.eval(cut_off), json!([]), "no word in the mesh is cut off");
    browser.done();
}
