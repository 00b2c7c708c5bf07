//! A student's node: what it serves, if it serves anything, made into what the page shows.
//!
//! Its `/state`, `/peers/` and `/log` are asked for each second. All three may be missing, and what they hold may be
//! anything: fields that a node of ours has too are understood, others are passed on to be shown.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::daemon::http::client::exchange;
use crate::daemon::snapshot::millis;

/// How often it is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many entries are taken of one answer.
const ENTRIES_MAX: usize = 500;

/// What is known of it now.
#[derive(Debug, PartialEq)]
pub(super) struct Known {
    /// A frame of the feed; without what only a node that serves its state can tell.
    pub(super) frame: Value,
    /// What it logged since it was last asked.
    pub(super) entries: Vec<Value>,
}

/// Asks the node at this address again and again, until nobody wants to know.
pub(super) async fn follow(address: SocketAddr, tell: mpsc::Sender<Known>) {
    let mut rounds = interval(INTERVAL);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since = 0;
    loop {
        rounds.tick().await;
        let state = get(address, "/state").await;
        let known = match state {
            Some(Value::Object(state)) => {
                let peers = get(address, "/peers/").await.map(|mut peers| peers["peers"].take());
                let log = get(address, &format!("/log?since={since}")).await;
                let entries = log.map_or_else(Vec::new, |log| entries_of(address, log, &mut since));
                Known { frame: frame(address, state, peers), entries }
            }
            Some(_) | None => {
                since = 0;
                Known { frame: absent(address), entries: Vec::new() }
            }
        };
        if tell.send(known).await.is_err() {
            return;
        }
    }
}

async fn get(address: SocketAddr, path: &str) -> Option<Value> {
    let request = Request::get(path).body(String::new()).ok()?;
    let answer = timeout(PATIENCE, exchange(address, request)).await.ok()?.ok()?;
    (answer.status == StatusCode::OK).then_some(answer.value)
}

/// The place that is left out until somebody takes it.
pub(super) fn absent(address: SocketAddr) -> Value {
    json!({
        "node": address,
        "name": "yours",
        "time": millis(Timestamp::now()),
        "status": "left out",
        "detail": null,
        "speed": 1,
        "search": { "exponent": null, "progress": null },
        "state": null,
        "peers": [],
        "primes": [],
    })
}

/// Its state as a frame. Its peers are those of `/peers/`, or a list in its state.
fn frame(address: SocketAddr, mut state: Map<String, Value>, peers: Option<Value>) -> Value {
    let mut frame = absent(address);
    frame["status"] = "ready".into();
    let peers = peers.filter(Value::is_array).or_else(|| state.get("peers").filter(|peers| peers.is_array()).cloned());
    frame["peers"] = peers.map_or_else(|| json!([]), |peers| peers_of(&peers));
    if let Some(name) = state.get("name").and_then(Value::as_str) {
        frame["name"] = name.into();
    }
    // Beside the list a number says how many they are, as with ours.
    if let Some(peers) = state.get_mut("peers").filter(|peers| peers.is_array()) {
        *peers = peers.as_array().map_or(0, Vec::len).into();
    }
    frame["state"] = state.into();
    frame
}

/// Peers as ours are: an object with an address. A port or an address alone will do.
fn peers_of(peers: &Value) -> Value {
    let peer = |peer: &Value| match peer {
        Value::Object(fields) => fields.contains_key("address").then(|| peer.clone()),
        Value::String(address) => Some(json!({ "address": address })),
        Value::Number(port) => Some(json!({ "address": format!("127.0.0.1:{port}") })),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    };
    peers.as_array().into_iter().flatten().filter_map(peer).collect()
}

/// Entries of its log that are new, as the feed carries them.
fn entries_of(address: SocketAddr, mut log: Value, since: &mut u64) -> Vec<Value> {
    let Value::Array(entries) = log["entries"].take() else { return Vec::new() };
    let mut shown = Vec::new();
    for entry in entries.into_iter().take(ENTRIES_MAX) {
        let Value::Object(mut entry) = entry else { continue };
        match entry.remove("seq").and_then(|seq| seq.as_u64()) {
            Some(seq) if seq <= *since => continue,
            Some(seq) => *since = seq,
            None => {}
        }
        let told = entry.get("time").and_then(Value::as_str).and_then(|time| time.parse::<Timestamp>().ok());
        entry.insert("time".to_owned(), millis(told.unwrap_or_else(Timestamp::now)).into());
        entry.insert("node".to_owned(), address.to_string().into());
        for id in ["msg_id", "id"] {
            if let Some(number) = entry.get_mut(id).filter(|id| id.is_number()) {
                *number = number.to_string().into();
            }
        }
        shown.push(entry.into());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 5004))
    }

    #[test]
    fn a_state_of_any_shape_becomes_a_frame() {
        let state = json!({ "name": "<b>mine</b>", "peers": [5001, "127.0.0.1:5002", null], "mood": { "good": true } });
        let Value::Object(state) = state else { unreachable!() };
        let frame = frame(address(), state, None);
        assert_eq!((&frame["status"], &frame["name"]), (&json!("ready"), &json!("<b>mine</b>")));
        assert_eq!(frame["peers"], json!([{ "address": "127.0.0.1:5001" }, { "address": "127.0.0.1:5002" }]));
        assert_eq!((&frame["state"]["mood"]["good"], &frame["state"]["peers"]), (&json!(true), &json!(3)));
    }

    #[test]
    fn each_entry_of_a_log_is_taken_once() {
        let log = json!({ "entries": [
            { "seq": 1, "time": "2026-11-22T01:00:00Z", "event": "sent", "msg_id": 18_446_744_073_709_551_615u64 },
            "nonsense",
            { "seq": 2, "text": "hello" },
        ] });
        let mut since = 0;
        let entries = entries_of(address(), log.clone(), &mut since);
        assert_eq!((entries.len(), since), (2, 2));
        assert_eq!(entries[0]["msg_id"], json!("18446744073709551615"));
        assert_eq!(entries[0]["node"], json!("127.0.0.1:5004"));
        assert!(entries_of(address(), log, &mut since).is_empty());
    }
}
