//! Server-sent events (HTML Living Standard, section 9.2), from whatever there is to follow.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::answer;
use super::connection::Connection;
use super::server::stopped;

/// What a browser repeats when it connects again.
const LAST_EVENT_ID: &str = "last-event-id";

/// What a stream is made of.
pub(crate) trait Source: Send + 'static {
    /// The longest silence: proxies and clients take longer ones for death.
    const HEARTBEAT: Duration = Duration::from_secs(15);

    /// What ends it.
    fn still_here() -> Event {
        Event::default().comment("still here")
    }

    /// Waits for the next events. `None` when there will be no more. May be dropped and called again.
    fn next(&mut self) -> impl Future<Output = Option<Vec<Event>>> + Send;
}

/// An answer that lasts for as long as there is something to tell, the client reads, and the server is not shut down.
pub(crate) fn stream(source: impl Source, connection: Arc<Connection>, shutdown: watch::Receiver<bool>) -> Response {
    connection.takes();
    // Something at once, so that the client knows that it is connected.
    let ready = VecDeque::from([Event::default().comment("events follow")]);
    let stream = Stream { source, shutdown, ready, streaming: Streaming(connection) };
    Sse::new(futures_util::stream::unfold(stream, Stream::next)).into_response()
}

/// The number of the last entry the client has, if it has any.
///
/// The address of a stream stays the same over reconnections, so the header is newer than `?since`.
pub(crate) fn resume_after(headers: &HeaderMap, uri: &Uri) -> Result<Option<u64>, Box<Response>> {
    match headers.get(LAST_EVENT_ID) {
        Some(id) => match id.to_str().ok().and_then(|id| id.parse().ok()) {
            Some(id) => Ok(Some(id)),
            None => {
                let reason = "Last-Event-ID must be the number of an entry";
                Err(Box::new(answer::error(StatusCode::BAD_REQUEST, reason)))
            }
        },
        None => answer::since(uri),
    }
}

/// The answer to one who comes when too many follow already.
pub(crate) fn full() -> Response {
    answer::error(StatusCode::SERVICE_UNAVAILABLE, "too many event streams are open")
}

/// An event with this name, and its value as JSON.
pub(crate) fn event(name: &str, value: &impl serde::Serialize) -> Event {
    // Numbers, texts and lists only: this cannot fail.
    Event::default().event(name).data(serde_json::to_string(value).unwrap_or_default())
}

struct Stream<S> {
    source: S,
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

impl<S: Source> Stream<S> {
    /// The next event to be sent; asked for only when the one before has been taken.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Stream<S>)> {
        self.streaming.0.takes();
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            tokio::select! {
                biased;
                () = stopped(&mut self.shutdown) => return None,
                events = self.source.next() => self.ready.extend(events?),
                () = tokio::time::sleep(S::HEARTBEAT) => self.ready.push_back(S::still_here()),
            }
        }
    }
}
