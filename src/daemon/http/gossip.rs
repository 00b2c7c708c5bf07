//! `POST /gossip/`: a message as JSON, which goes the way of a datagram from a sender that can never be a peer.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;
use tokio::sync::oneshot;

use super::answer::{self, Shared};
use super::connection::Connection;
use super::{App, Request, post};
use crate::mersenne::{self, Exponent};
use crate::protocol::codec::{Refusal, encode};
use crate::protocol::json::{from_json, to_json};
use crate::protocol::message::{Body as MessageBody, MAX_DATAGRAM, Message};
use crate::protocol::{ClaimResult, Fate, Label as _, LocalFate};

/// A message that was handed in over HTTP, for [`Node::receive_local`](crate::protocol::Node::receive_local).
#[derive(Debug)]
pub struct LocalMessage {
    /// The message, encoded.
    pub datagram: Vec<u8>,
    /// Takes what became of it. Nobody may be waiting any more.
    pub reply: oneshot::Sender<Result<LocalFate, Refusal>>,
}

pub(super) async fn gossip(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let app = &shared.app;
    let text = match post::receive(app.token.as_ref(), &connection, &headers, body).await {
        Ok(text) => text,
        Err(refusal) => return refusal.answer(),
    };
    let message = match from_json(&text) {
        Ok(message) => message,
        Err(refusal) => return refused(refusal),
    };
    let mut datagram = Vec::with_capacity(MAX_DATAGRAM);
    encode(&message, &mut datagram);
    match answer::ask(app, |reply| Request::Message(LocalMessage { datagram, reply })).await {
        Some(Ok(fate)) => told(app, &message, fate),
        Some(Err(refusal)) => refused(refusal),
        None => answer::error(StatusCode::SERVICE_UNAVAILABLE, answer::NO_ANSWER),
    }
}

fn refused(refusal: Refusal) -> Response {
    let reason = match refusal.expected() {
        Some(expected) => format!("{refusal}: expected {expected}"),
        None => refusal.to_string(),
    };
    answer::error(StatusCode::BAD_REQUEST, &reason)
}

/// Says what became of a message.
fn told(app: &App, message: &Message, fate: LocalFate) -> Response {
    let (result, explanation) = match fate {
        LocalFate::Answered(pong) => {
            let answer = json!({ "result": "answered", "explanation": "alive", "pong": to_json(&pong) });
            return answer::json(StatusCode::ACCEPTED, &answer);
        }
        LocalFate::Asleep => {
            return answer::error(StatusCode::SERVICE_UNAVAILABLE, "the node sleeps; POST /wake wakes it");
        }
        LocalFate::Ignored => ("ignored", "a PONG that answers nothing this node asked"),
        LocalFate::Prime(Fate::Own) => ("own", "one of this node's own messages, come back"),
        LocalFate::Prime(Fate::Duplicate) => ("duplicate", "heard before"),
        LocalFate::Prime(Fate::ForwardedAgain) => {
            ("forwarded_again", "heard before, and forwarded again because this copy reaches further")
        }
        LocalFate::Prime(Fate::Queued) => ("queued", "it waits for its test"),
        LocalFate::Prime(Fate::Decided(result)) => match result {
            ClaimResult::OutOfRange | ClaimResult::CompositeExponent => {
                return answer::error(StatusCode::BAD_REQUEST, &not_an_exponent(app, message));
            }
            ClaimResult::Budget
            | ClaimResult::Factored
            | ClaimResult::KnownComposite
            | ClaimResult::Queue
            | ClaimResult::Untestable
            | ClaimResult::Verified
            | ClaimResult::Refuted
            | ClaimResult::Credited
            | ClaimResult::NoNews => (result.as_str(), result.explanation()),
        },
    };
    answer::json(StatusCode::ACCEPTED, &json!({ "result": result, "explanation": explanation }))
}

/// Why the number in a PRIME cannot be an exponent here.
fn not_an_exponent(app: &App, message: &Message) -> String {
    let number = match &message.body {
        MessageBody::Prime(announcement) => announcement.exponent,
        MessageBody::Ping(_) | MessageBody::Pong(_) => return "only a PRIME has an exponent".to_owned(),
    };
    if mersenne::looks_like_mersenne_number(number) {
        return format!("`data` is {number}, which is 2^n - 1 itself; it should be the exponent n");
    }
    let max = app.subject.node.settings().exponent_max;
    match Exponent::new(number) {
        Ok(_) => format!("`data` is {number}; this node accepts exponents up to {max}"),
        Err(error) => format!("`data` is {number}: {error}"),
    }
}
