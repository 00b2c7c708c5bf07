//! `/plain`: what this node is, for whoever opens it in a browser without scripts. One page without scripts; everything shown is escaped.

use std::fmt::Write as _;

use super::App;
use crate::protocol::{Label as _, PeerView, PrimeView, Time};

/// The page loads nothing, and only this very style applies: the hash is that of the text between the style tags.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
     style-src 'sha256-rSfU84Fh0de9bzdud2TiPnC01jZd8ZHyxtnmTDoOuBw='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("landing.html");

/// How many peers and primes are listed.
const ROWS: usize = 16;

pub(super) fn render(app: &App) -> String {
    let state = app.subject.node.state_view();
    let (ready, class) = match app.readiness.objection() {
        None => ("ready", "good"),
        Some(objection) => (objection, "bad"),
    };
    let largest = match (state.largest_prime, state.largest_prime_finder) {
        (Some(exponent), Some(finder)) => {
            format!("2<sup>{exponent}</sup>&nbsp;−&nbsp;1, found by {}", escape(&finder.to_string()))
        }
        (Some(_), None) | (None, _) => "none yet".to_owned(),
    };
    let work = match (state.asleep, state.verifying, state.searching) {
        (true, _, _) => "asleep: it hears, says and looks for nothing until it is woken".to_owned(),
        (false, Some(exponent), _) => format!("testing M{exponent} for a claim"),
        (false, None, true) => "searching".to_owned(),
        (false, None, false) => "resting".to_owned(),
    };
    let now = app.subject.clock.now();
    let address = state.address.to_string();
    let uptime = duration(now.since(Time::ZERO).as_secs());
    let values = [
        ("address", escape(&address)),
        ("version", escape(env!("CARGO_PKG_VERSION"))),
        ("uptime", uptime),
        ("class", class.to_owned()),
        ("ready", escape(ready)),
        ("work", work),
        ("largest", largest),
        ("known", state.known.count.to_string()),
        ("queue", state.verification_queue.to_string()),
        ("peers", state.peers.to_string()),
        ("book", state.address_book.to_string()),
        ("network", state.network_size.to_string()),
        ("owned", format!("{:.1} %", state.owned_ratio * 100.0)),
        ("peer_rows", peer_rows(&app.subject.node.peer_views(now))),
        ("prime_rows", prime_rows(&app.subject.node.prime_views())),
    ];
    fill(PAGE, &values)
}

/// Puts values in the places of their names, in one pass: a value is never searched for names.
fn fill(page: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(2 * page.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((name, after)) = after.split_once("}}") else { break };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.push_str(value);
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn peer_rows(peers: &[PeerView]) -> String {
    if peers.is_empty() {
        return "<tr><td colspan=\"4\">none at the moment</td></tr>".to_owned();
    }
    let mut rows = String::new();
    for peer in peers.iter().take(ROWS) {
        let address = escape(&peer.address.to_string());
        let active = duration(peer.active.as_secs());
        let round_trip = match peer.round_trip {
            Some(round_trip) => format!("{:.2} ms", round_trip.as_secs_f64() * 1_000.0),
            None => "not measured yet".to_owned(),
        };
        // Writing to a string cannot fail.
        let role = peer.role.as_str();
        let _ = write!(rows, "<tr><td>{address}</td><td>{role}</td><td>{active}</td><td>{round_trip}</td></tr>");
    }
    more(&mut rows, 4, peers.len());
    rows
}

fn prime_rows(primes: &[PrimeView]) -> String {
    if primes.is_empty() {
        return "<tr><td colspan=\"3\">none yet</td></tr>".to_owned();
    }
    let mut rows = String::new();
    for prime in primes.iter().take(ROWS) {
        let finder = escape(&prime.finder.to_string());
        let _ = write!(rows, "<tr><td>M{}</td><td>{finder}</td><td>{}</td></tr>", prime.exponent, prime.msg_id);
    }
    more(&mut rows, 3, primes.len());
    rows
}

fn more(rows: &mut String, columns: usize, of: usize) {
    if of > ROWS {
        let _ = write!(rows, "<tr><td colspan=\"{columns}\">and {} more</td></tr>", of - ROWS);
    }
}

/// Seconds as people say them.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Text as it can stand in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape("<script>&\"'"), "&lt;script&gt;&amp;&quot;&#39;");
    }

    #[test]
    fn a_value_is_put_in_as_it_is_and_never_filled_itself() {
        let values = [("a", "{{b}}".to_owned()), ("b", "secret".to_owned())];
        assert_eq!(fill("<{{a}}|{{b}}|{{c}}>", &values), "<{{b}}|secret|>");
    }

    #[test]
    fn durations_are_said_in_two_units_at_most() {
        let said: Vec<String> = [0, 59, 60, 3_599, 3_660, 90_000].map(duration).into();
        assert_eq!(said, ["0 s", "59 s", "1 min", "59 min", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn the_page_has_no_script_loads_nothing_and_names_every_route() {
        for forbidden in ["<script", "<img", "<link", "<iframe", "@import", "url(", " on", "style="] {
            let found = PAGE.find(forbidden).map(|at| &PAGE[at..(at + 30).min(PAGE.len())]);
            let is_word =
                forbidden == " on" && found.is_some_and(|text| !text.split(' ').nth(1).unwrap_or("").contains('='));
            assert!(found.is_none() || is_word, "{found:?}");
        }
        for route in ["/metrics", "/-/healthy", "/-/ready", "/state", "/peers/", "/primes", "/log", "/events"] {
            assert!(PAGE.contains(&format!("href=\"{route}\"")), "{route}");
        }
        assert!(PAGE.contains("href=\"/owner?exponent=") && PAGE.contains("/gossip/"));
    }

    #[test]
    fn the_policy_allows_the_pages_own_style() {
        let (_, rest) = PAGE.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let Ok(mut sum) = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
            eprintln!("SKIPPED: sha256sum is not installed");
            return;
        };
        sum.stdin.take().unwrap().write_all(style.as_bytes()).unwrap();
        let output = sum.wait_with_output().unwrap();
        let hash = hex::decode(&output.stdout[..64]).unwrap();
        let expected = format!("style-src 'sha256-{}'", base64(&hash));
        assert!(CONTENT_SECURITY_POLICY.contains(&expected), "should be {expected}");
    }

    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for group in bytes.chunks(3) {
            let number =
                group.iter().fold(0u32, |number, &byte| number << 8 | u32::from(byte)) << (8 * (3 - group.len()));
            for at in 0..4 {
                let digit = DIGITS[(number >> (18 - 6 * at) & 63) as usize];
                text.push(if at <= group.len() { char::from(digit) } else { '=' });
            }
        }
        text
    }
}
