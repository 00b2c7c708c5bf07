//! A student's node: what it serves, if it serves anything, made into what the page shows.
//!
//! Its `/state`, `/peers/` and `/log` are asked for each second. All three may be missing, and what they hold may be
//! anything, of any size: fields that a node of ours has too are understood, others are passed on to be shown, and what is
//! too long is not. Nothing it serves stops the lab or fills its memory.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::exercise::Pace;
use crate::daemon::http::client::exchange;
use crate::daemon::snapshot::{ids_as_text, millis};

/// How often it is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many entries are taken of one answer.
const ENTRIES_MAX: usize = 500;

/// How long an entry may be, as JSON, in bytes.
const ENTRY_MAX: usize = 4 * 1_024;

/// How long its state may be, as JSON, in bytes.
const STATE_MAX: usize = 64 * 1_024;

/// How many of its peers are shown: as many as a lab can have nodes.
const PEERS_MAX: usize = 64;

/// How long its name may be, in characters.
const NAME_MAX: usize = 40;

/// What is known of it now.
#[derive(Debug, PartialEq)]
pub(super) struct Known {
    /// A frame of the feed; without what only a node that serves its state can tell.
    pub(super) frame: Value,
    /// What it logged since it was last asked.
    pub(super) entries: Vec<Value>,
}

/// Asks the node at this address again and again, until nobody wants to know.
pub(super) async fn follow(address: SocketAddr, pace: Pace, tell: mpsc::Sender<Known>) {
    let mut rounds = interval(INTERVAL);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut taken = Taken::default();
    loop {
        rounds.tick().await;
        let known = match get(address, "/state").await {
            Some(Value::Object(state)) => {
                let peers = get(address, "/peers/").await.and_then(|peers| list("peers", peers));
                let log = get(address, &format!("/log?since={}", taken.since)).await;
                let entries = log.map_or_else(Vec::new, |log| taken.new_ones(address, log));
                Known { frame: frame(address, pace, state, peers), entries }
            }
            Some(_) | None => {
                taken = Taken::default();
                Known { frame: absent(address, pace), entries: Vec::new() }
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

/// A list, or an object that has it under its name.
fn list(name: &str, value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) => Some(list),
        Value::Object(mut fields) => match fields.remove(name) {
            Some(Value::Array(list)) => Some(list),
            Some(_) | None => None,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// The place that is left out until somebody takes it.
fn absent(address: SocketAddr, pace: Pace) -> Value {
    json!({
        "node": address,
        "name": "yours",
        "time": millis(Timestamp::now()),
        "status": "left out",
        "detail": null,
        "speed": 1,
        "timers": {
            "ping_interval": pace.ping.as_secs_f64(),
            "silent_after": pace.timeout.as_secs_f64() * 0.6,
            "peer_timeout": pace.timeout.as_secs_f64(),
        },
        "search": { "exponent": null, "progress": null },
        "state": null,
        "peers": [],
        "primes": [],
    })
}

/// Its state as a frame. Its peers are those of `/peers/`, or a list in its state.
fn frame(address: SocketAddr, pace: Pace, mut state: Map<String, Value>, peers: Option<Vec<Value>>) -> Value {
    let mut frame = absent(address, pace);
    frame["status"] = "ready".into();
    let listed = match state.get("peers") {
        Some(Value::Array(peers)) => Some(peers.clone()),
        Some(_) | None => None,
    };
    if let Some(listed) = &listed {
        // Beside the list a number says how many they are, as with ours.
        state.insert("peers".to_owned(), listed.len().into());
    }
    let peers = peers.or(listed).unwrap_or_default();
    frame["peers"] = peers.iter().filter_map(peer).take(PEERS_MAX).collect();
    if let Some(name) = state.get("name").and_then(Value::as_str) {
        frame["name"] = name.chars().take(NAME_MAX).collect::<String>().into();
    }
    let state = Value::from(state);
    let length = state.to_string().len();
    frame["state"] = match length <= STATE_MAX {
        true => state,
        false => json!({ "too_long": format!("/state has {length} bytes; {STATE_MAX} are shown") }),
    };
    frame
}

/// A peer as ours are: an object with an address and plain values. A port or an address alone will do.
fn peer(peer: &Value) -> Option<Value> {
    let mut fields = match peer {
        Value::Object(fields) => fields.clone(),
        Value::String(_) | Value::Number(_) => Map::from_iter([("address".to_owned(), peer.clone())]),
        Value::Null | Value::Bool(_) | Value::Array(_) => return None,
    };
    let address = match fields.get("address")? {
        Value::String(address) => address.parse::<SocketAddr>().ok()?,
        Value::Number(port) => SocketAddr::from(([127, 0, 0, 1], u16::try_from(port.as_u64()?).ok()?)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    fields.retain(|_, value| !value.is_array() && !value.is_object());
    fields.insert("address".to_owned(), address.to_string().into());
    let peer = Value::from(fields);
    (peer.to_string().len() <= ENTRY_MAX).then_some(peer)
}

/// What of its log has been taken.
#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    /// The largest number of an entry.
    since: u64,
    /// How many entries without a number.
    unnumbered: usize,
}

impl Taken {
    /// Entries of its log that are new, as the feed carries them.
    fn new_ones(&mut self, address: SocketAddr, log: Value) -> Vec<Value> {
        let latest = log.get("latest").and_then(Value::as_u64);
        let Some(entries) = list("entries", log) else { return Vec::new() };
        let number = |entry: &Value| entry.get("seq").and_then(Value::as_u64);
        let latest = latest.or_else(|| entries.iter().filter_map(number).max());
        if latest.is_some_and(|latest| latest < self.since) {
            // It has started anew, and counts from the beginning.
            self.since = 0;
        }
        let unnumbered = entries.iter().filter(|entry| number(entry).is_none()).count();
        let mut known = if unnumbered < self.unnumbered { 0 } else { self.unnumbered };
        self.unnumbered = unnumbered;
        let mut shown = Vec::new();
        for entry in entries {
            match number(&entry) {
                Some(seq) if seq <= self.since => continue,
                Some(seq) => self.since = seq,
                None if known > 0 => {
                    known -= 1;
                    continue;
                }
                None => {}
            }
            shown.extend(self::entry(address, entry));
        }
        shown.split_off(shown.len().saturating_sub(ENTRIES_MAX))
    }
}

/// An entry as the feed carries it: plain values, a time, the node's address.
fn entry(address: SocketAddr, entry: Value) -> Option<Value> {
    let Value::Object(mut entry) = entry else { return None };
    entry.remove("seq");
    let told = entry.get("time").and_then(Value::as_str).and_then(|time| time.parse::<Timestamp>().ok());
    ids_as_text(&mut entry);
    for value in entry.values_mut().filter(|value| value.is_array() || value.is_object()) {
        *value = value.to_string().into();
    }
    entry.insert("time".to_owned(), millis(told.unwrap_or_else(Timestamp::now)).into());
    entry.insert("node".to_owned(), address.to_string().into());
    let entry = Value::from(entry);
    (entry.to_string().len() <= ENTRY_MAX).then_some(entry)
}

#[cfg(test)]
mod tests;
