//! `/events`: the journal as it grows, as server-sent events.
//!
//! Each event's id is its number in the journal. A client that lost its connection names the last one it had, as browsers
//! do by themselves, and goes on from there; if entries are gone meanwhile, an event `gap` says so.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::response::sse::Event;

use super::answer::Shared;
use super::connection::Connection;
use super::stream::{self, Source};
use crate::daemon::journal::{Batch, Subscription};

pub(super) async fn events(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let after = match stream::resume_after(&headers, &uri) {
        Ok(after) => after,
        Err(refusal) => return *refusal,
    };
    match shared.app.journal.subscribe(after) {
        Some(subscription) => stream::stream(subscription, connection, shared.shutdown.clone()),
        None => stream::full(),
    }
}

impl Source for Subscription {
    async fn next(&mut self) -> Option<Vec<Event>> {
        Some(events_of(Subscription::next(self).await?).collect())
    }
}

fn events_of(batch: Batch) -> impl Iterator<Item = Event> {
    let gap = batch.gap.map(|gap| stream::event("gap", &gap));
    let entries = batch.entries.into_iter();
    gap.into_iter().chain(entries.map(|entry| Event::default().id(entry.seq.to_string()).data(entry.to_json())))
}
