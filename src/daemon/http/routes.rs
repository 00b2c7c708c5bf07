//! The routes, and what is shown on those that only show.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use super::answer::{Shared, error, json, since};
use super::{App, Command, control, events, feed, gossip, landing, owner, page};
use crate::mersenne::decimal;
use crate::protocol::PrimeView;

pub(super) fn router(app: Arc<App>, shutdown: watch::Receiver<bool>) -> Router {
    let gossip = post(gossip::gossip);
    Router::new()
        .merge(page::routes())
        .route("/plain", get(plain))
        .route("/feed", get(feed::feed))
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/state", get(state))
        .route("/peers", get(peers))
        .route("/peers/", get(peers))
        .route("/primes", get(primes))
        .route("/owner", get(owner::owner))
        .route("/log", get(log))
        .route("/events", get(events::events))
        .route("/sleep", post(control::control).layer(Extension(Command::Sleep)))
        .route("/wake", post(control::control).layer(Extension(Command::Wake)))
        .route("/reset", post(control::control).layer(Extension(Command::Reset)))
        .route("/gossip", gossip.clone())
        .route("/gossip/", gossip)
        .fallback(async || error(StatusCode::NOT_FOUND, "there is nothing here; /plain lists what there is"))
        .method_not_allowed_fallback(async || error(StatusCode::METHOD_NOT_ALLOWED, "see Allow for what can be done"))
        .with_state(Shared { app, shutdown })
}

async fn plain(State(shared): State<Shared>) -> Response {
    let policy = HeaderValue::from_static(landing::CONTENT_SECURITY_POLICY);
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(landing::render(&shared.app))).into_response()
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let text_format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, text_format)], shared.app.exporter.render()).into_response()
}

async fn healthy() -> Response {
    json(StatusCode::OK, &json!({ "healthy": true }))
}

async fn ready(State(shared): State<Shared>) -> Response {
    match shared.app.readiness.objection() {
        None => json(StatusCode::OK, &json!({ "ready": true })),
        Some(reason) => error(StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}

async fn state(State(shared): State<Shared>) -> Response {
    json(StatusCode::OK, &shared.app.subject.state())
}

async fn peers(State(shared): State<Shared>) -> Response {
    let app = &shared.app;
    json(StatusCode::OK, &json!({ "peers": app.subject.node.peer_views(app.subject.clock.now()) }))
}

async fn primes(State(shared): State<Shared>) -> Response {
    /// A known prime with what its digits are, as far as anybody wants to read them.
    #[derive(Serialize)]
    struct Shown {
        #[serde(flatten)]
        prime: PrimeView,
        digits: u64,
        first_digits: String,
        last_digits: String,
    }
    let shown = |prime: PrimeView| Shown {
        digits: decimal::digits(prime.exponent),
        first_digits: decimal::first_digits(prime.exponent),
        last_digits: decimal::last_digits(prime.exponent),
        prime,
    };
    let primes: Vec<Shown> = shared.app.subject.node.prime_views().into_iter().map(shown).collect();
    json(StatusCode::OK, &json!({ "primes": primes }))
}

async fn log(State(shared): State<Shared>, uri: Uri) -> Response {
    match since(&uri) {
        Ok(since) => json(StatusCode::OK, &shared.app.journal.since(since.unwrap_or(0))),
        Err(refusal) => *refusal,
    }
}
