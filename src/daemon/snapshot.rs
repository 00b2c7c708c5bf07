//! A node as the page shows it: everything `/state`, `/peers/` and `/primes` say, its timers, and how its search goes, at one
//! moment and in one piece.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::clock::Clock;
use super::journal::Entry;
use crate::protocol::{Node, PeerView, PrimeView, Settings, StateView, Time};
use crate::search::SearchBoard;

/// Whose snapshots are taken.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The node.
    pub node: Arc<Node>,
    /// Its time.
    pub clock: Clock,
    /// How its search goes.
    pub board: Arc<SearchBoard>,
    /// What its owner calls it.
    pub name: Option<String>,
    /// Its timers.
    pub timers: Timers,
}

/// The timers one can see at work, in seconds of the node's own time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Timers {
    ping_interval: f64,
    silent_after: f64,
    peer_timeout: f64,
}

impl Timers {
    /// The timers among a node's settings.
    pub fn of(settings: &Settings) -> Timers {
        Timers {
            ping_interval: settings.ping_interval.as_secs_f64(),
            silent_after: settings.silent_after.as_secs_f64(),
            peer_timeout: settings.peer_timeout.as_secs_f64(),
        }
    }
}

/// `/state`.
#[derive(Debug, Serialize)]
pub struct State {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    uptime_seconds: f64,
    #[serde(flatten)]
    view: StateView,
}

/// A node at one moment, as a frame of the feed.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    node: String,
    name: Option<String>,
    time: f64,
    status: &'static str,
    speed: f64,
    timers: Timers,
    search: Search,
    state: State,
    peers: Vec<PeerView>,
    primes: Vec<Prime>,
}

#[derive(Debug, Serialize)]
struct Search {
    exponent: Option<u32>,
    progress: Option<f64>,
}

/// A known prime. Its id is a text.
#[derive(Debug, Serialize)]
struct Prime {
    exponent: u32,
    finder: String,
    msg_id: String,
}

impl Subject {
    /// What `/state` says.
    pub fn state(&self) -> State {
        State {
            version: env!("CARGO_PKG_VERSION"),
            name: self.name.clone(),
            uptime_seconds: self.clock.now().since(Time::ZERO).as_secs_f64(),
            view: self.node.state_view(),
        }
    }

    /// Everything at once.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let at_hand = self.board.at_hand();
        Snapshot {
            node: state.view.address.to_string(),
            name: self.name.clone(),
            time: millis(Timestamp::now()),
            status: "ready",
            speed: self.clock.pace(),
            timers: self.timers,
            search: Search {
                exponent: at_hand.map(|at_hand| at_hand.exponent),
                progress: at_hand.map(|at_hand| at_hand.progress()),
            },
            state,
            peers: self.node.peer_views(self.clock.now()),
            primes: self.node.prime_views().into_iter().map(Prime::of).collect(),
        }
    }

    /// An entry of the journal as the feed carries it: the node's address, milliseconds since 1970, the event's own fields,
    /// ids as text, and what it says in words unless it is one message among thousands.
    pub fn entry(&self, entry: &Entry) -> Value {
        let Ok(Value::Object(mut fields)) = serde_json::to_value(entry) else {
            return Value::Null;
        };
        fields.remove("seq");
        if entry.is_traffic() {
            fields.remove("text");
        }
        ids_as_text(&mut fields);
        fields.insert("node".to_owned(), self.node.own_address().to_string().into());
        fields.insert("time".to_owned(), millis(entry.time).into());
        fields.into()
    }
}

impl Prime {
    fn of(prime: PrimeView) -> Prime {
        Prime { exponent: prime.exponent.into(), finder: prime.finder.to_string(), msg_id: prime.msg_id.0.to_string() }
    }
}

/// Makes ids text, in an entry: JavaScript has no whole numbers beyond 2^53.
pub(crate) fn ids_as_text(entry: &mut Map<String, Value>) {
    for id in ["msg_id", "id"] {
        if let Some(number) = entry.get_mut(id).filter(|id| id.is_number()) {
            *number = number.to_string().into();
        }
    }
}

/// Milliseconds since 1970, to the microsecond.
pub fn millis(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1_000.0
}
