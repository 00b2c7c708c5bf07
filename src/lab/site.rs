//! The lab's own HTTP: the page, the feed of all nodes, and what one can do to them.
//!
//! It listens on loopback only, and answers pages from elsewhere as little as a node does. Whoever is on this machine may do
//! everything: a lab holds nothing that is worth more than the next five minutes.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::response::sse::Event;
use axum::routing::{get, post as post_to};
use axum::{Extension, Router};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use super::command::{Asked, Command};
use super::hub::{Follower, Hub, News, Subject};
use crate::daemon::http::answer::{error, json};
use crate::daemon::http::connection::Connection;
use crate::daemon::http::server::{self, Site};
use crate::daemon::http::stream::{self, Source};
use crate::daemon::http::{AllowedHosts, page, post};

/// What the routes work with.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    /// What the page is greeted with, without the time.
    pub(super) hello: Value,
    pub(super) hub: Arc<Hub>,
    pub(super) commands: mpsc::Sender<Asked>,
    pub(super) shutdown: watch::Receiver<bool>,
}

/// Serves until it is shut down.
pub(super) async fn serve(listener: TcpListener, shared: Shared) -> std::io::Result<()> {
    let hosts = AllowedHosts::new(listener.local_addr()?, []);
    let shutdown = shared.shutdown.clone();
    let router = Router::new()
        .merge(page::routes())
        .route("/feed", get(feed))
        .route("/lab", post_to(lab))
        .route("/-/healthy", get(async || json(StatusCode::OK, &json!({ "healthy": true }))))
        .fallback(async || error(StatusCode::NOT_FOUND, "there is nothing here; the page is at /"))
        .method_not_allowed_fallback(async || error(StatusCode::METHOD_NOT_ALLOWED, "see Allow for what can be done"))
        .with_state(shared);
    server::serve(listener, Site { router, hosts, observer: Arc::new(()) }, shutdown).await
}

async fn feed(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let after = match stream::resume_after(&headers, &uri) {
        Ok(after) => after,
        Err(refusal) => return *refusal,
    };
    let Some(follower) = shared.hub.follow(after) else { return stream::full() };
    let mut hello = shared.hello;
    hello["now"] = crate::daemon::snapshot::millis(jiff::Timestamp::now()).into();
    stream::stream(Following { hello: Some(stream::event("hello", &hello)), follower }, connection, shared.shutdown)
}

struct Following {
    /// Until it has been said.
    hello: Option<Event>,
    follower: Follower,
}

impl Source for Following {
    /// Nodes that are all stopped say nothing, and a script never hears of comments.
    const HEARTBEAT: Duration = Duration::from_secs(5);

    fn still_here() -> Event {
        stream::event("alive", &json!({}))
    }

    async fn next(&mut self) -> Option<Vec<Event>> {
        match self.hello.take() {
            Some(hello) => Some(vec![hello]),
            None => Some(self.follower.next().await?.into_iter().map(event_of).collect()),
        }
    }
}

fn event_of(news: News) -> Event {
    match news {
        News::State(subject, state) => {
            let name = match subject {
                Subject::Faults => "lab",
                Subject::Exercise => "exercise",
                Subject::Node(_) => "state",
            };
            Event::default().event(name).data(state)
        }
        News::Entries(last, entries) => Event::default().event("entries").id(last.to_string()).data(entries),
        News::Missed(missed) => stream::event("gap", &json!({ "missed": missed })),
    }
}

async fn lab(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = match post::receive(None, &connection, &headers, body).await {
        Ok(body) => body,
        Err(refusal) => return refusal.answer(),
    };
    let command = match serde_json::from_slice::<Command>(&body) {
        Ok(command) => command,
        Err(wrong) => return error(StatusCode::BAD_REQUEST, &wrong.to_string()),
    };
    if let Some(objection) = command.objection() {
        return error(StatusCode::BAD_REQUEST, &objection);
    }
    let (reply, answer) = oneshot::channel();
    let done = match shared.commands.send(Asked { command, reply }).await {
        Ok(()) => answer.await.ok(),
        Err(_closed) => None,
    };
    match done {
        Some(Ok(())) => json(StatusCode::OK, &json!({ "done": true })),
        Some(Err(reason)) => error(StatusCode::CONFLICT, &reason),
        None => error(StatusCode::SERVICE_UNAVAILABLE, "the lab is ending"),
    }
}
