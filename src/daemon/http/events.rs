//! `/events`: the journal as it grows, as server-sent events (HTML Living Standard, section 9.2).
//!
//! Each event's id is its number in the journal. A client that lost its connection names the last one it had, as browsers
//! do by themselves, and goes on from there; if entries are gone meanwhile, an event `gap` says so.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::answer::{self, Shared};
use super::connection::Connection;
use super::stopped;
use crate::daemon::journal::{Batch, Subscription};

/// The longest silence of a stream: proxies and clients take longer ones for death.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a browser repeats when it connects again.
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) async fn events(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // The address of a stream stays the same over reconnections, so the header is newer.
    let after = match headers.get(LAST_EVENT_ID) {
        Some(id) => match id.to_str().ok().and_then(|id| id.parse().ok()) {
            Some(id) => Some(id),
            None => return answer::error(StatusCode::BAD_REQUEST, "Last-Event-ID must be the number of an entry"),
        },
        None => match answer::since(&uri) {
            Ok(since) => since,
            Err(refusal) => return *refusal,
        },
    };
    match shared.app.journal.subscribe(after) {
        Some(subscription) => {
            let stream = Stream::new(subscription, connection, shared.shutdown.clone());
            Sse::new(futures_util::stream::unfold(stream, Stream::next)).into_response()
        }
        None => answer::error(StatusCode::SERVICE_UNAVAILABLE, "too many event streams are open"),
    }
}

struct Stream {
    subscription: Subscription,
    shutdown: watch::Receiver<bool>,
    /// To be sent before anything new.
    ready: VecDeque<Event>,
    streaming: Streaming,
}

/// Marks a connection as an event stream for as long as there is one.
struct Streaming(Arc<Connection>);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.waits();
    }
}

impl Stream {
    fn new(subscription: Subscription, connection: Arc<Connection>, shutdown: watch::Receiver<bool>) -> Stream {
        connection.takes();
        // Something at once, so that the client knows that it is connected.
        let ready = VecDeque::from([Event::default().comment("events follow")]);
        Stream { subscription, shutdown, ready, streaming: Streaming(connection) }
    }

    /// The next event to be sent; asked for only when the one before has been taken.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Stream)> {
        self.streaming.0.takes();
        if let Some(event) = self.ready.pop_front() {
            return Some((Ok(event), self));
        }
        let event = tokio::select! {
            biased;
            () = stopped(&mut self.shutdown) => return None,
            batch = self.subscription.next() => {
                self.ready.extend(events_of(batch?));
                self.ready.pop_front()?
            }
            () = tokio::time::sleep(HEARTBEAT) => Event::default().comment("still here"),
        };
        Some((Ok(event), self))
    }
}

fn events_of(batch: Batch) -> impl Iterator<Item = Event> {
    let gap = batch.gap.map(|gap| {
        let data = serde_json::to_string(&gap).unwrap_or_default();
        Event::default().event("gap").data(data)
    });
    let entries = batch.entries.into_iter();
    gap.into_iter().chain(entries.map(|entry| Event::default().id(entry.seq.to_string()).data(entry.to_json())))
}
