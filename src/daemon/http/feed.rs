//! `/feed`: what the page follows: this node, and what it knows of others.
//!
//! Events `hello` (who serves), `state` (a snapshot), `entries` (of the journal, with the number of the last as id) and `gap`.
//! A browser that comes again with the last id goes on behind it, as far as the journal reaches.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::response::sse::Event;
use jiff::Timestamp;
use serde_json::json;

use super::App;
use super::answer::Shared;
use super::connection::Connection;
use super::stream::{self, Source};
use crate::daemon::feed::{Feed, Frame};
use crate::daemon::snapshot::millis;

pub(super) async fn feed(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let app = &shared.app;
    // A new page is shown what the journal still holds.
    let after = match stream::resume_after(&headers, &uri) {
        Ok(after) => after.unwrap_or(0),
        Err(refusal) => return *refusal,
    };
    let Some(subscription) = app.journal.subscribe(Some(after)) else { return stream::full() };
    let feed = Feed::new(app.subject.clone(), subscription);
    stream::stream(Following { hello: Some(hello(app)), feed }, connection, shared.shutdown.clone())
}

/// Who serves, and what a page may do here.
fn hello(app: &App) -> Event {
    let hello = json!({
        "kind": "node",
        // Numbers of entries begin again with the process.
        "run": format!("{:016x}", app.run),
        "version": env!("CARGO_PKG_VERSION"),
        "address": app.subject.node.own_address(),
        "controls": if app.token.is_some() { "token" } else { "open" },
        "entries_kept": app.journal.capacity(),
        "now": millis(Timestamp::now()),
        "exercise": null,
    });
    stream::event("hello", &hello)
}

struct Following {
    /// Until it has been said.
    hello: Option<Event>,
    feed: Feed,
}

impl Source for Following {
    async fn next(&mut self) -> Option<Vec<Event>> {
        let frames = self.feed.next().await?;
        Some(self.hello.take().into_iter().chain(frames.into_iter().map(event_of)).collect())
    }
}

fn event_of(frame: Frame) -> Event {
    match frame {
        Frame::Snapshot(snapshot) => stream::event("state", &snapshot),
        Frame::Entries { last, entries } => stream::event("entries", &entries).id(last.to_string()),
        Frame::Missed(missed) => stream::event("gap", &json!({ "missed": missed })),
    }
}
