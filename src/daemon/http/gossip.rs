//! `POST /gossip/`: a message as JSON, which goes the way of a datagram from a sender that can never be a peer.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::App;
use super::connection::Connection;
use super::routes::{self, Shared};
use crate::mersenne::{self, Exponent};
use crate::protocol::codec::{Refusal, encode};
use crate::protocol::json::{MAX_JSON, from_json, to_json};
use crate::protocol::message::{Body as MessageBody, MAX_DATAGRAM, Message};
use crate::protocol::{ClaimResult, Fate, Label as _, LocalFate};

/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of a refused body is read and thrown away, so that its sender gets to read the refusal.
const DISCARD_MAX: usize = 64 * 1_024;
/// How long the thread that drives the node may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

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
    connection.waits();
    let received = tokio::time::timeout(BODY_TIMEOUT, receive(&headers, body)).await;
    connection.works();
    let text = match received {
        Ok(Ok(text)) => text,
        Ok(Err(NotReceived::ContentType)) => {
            let reason = "Content-Type must be application/json";
            return routes::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
        }
        Ok(Err(NotReceived::TooLong)) => {
            let reason = format!("the body is longer than {MAX_JSON} bytes");
            return routes::error(StatusCode::PAYLOAD_TOO_LARGE, &reason);
        }
        Ok(Err(NotReceived::Broken)) => return routes::error(StatusCode::BAD_REQUEST, "the body cannot be read"),
        Err(_) => return routes::error(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
    };
    let message = match from_json(&text) {
        Ok(message) => message,
        Err(refusal) => return refused(refusal),
    };
    match hand_over(&shared.app.local, &message).await {
        Some(Ok(fate)) => told(&shared.app, &message, fate),
        Some(Err(refusal)) => refused(refusal),
        None => routes::error(StatusCode::SERVICE_UNAVAILABLE, "the node does not answer at the moment"),
    }
}

/// Why a body is not looked at.
enum NotReceived {
    ContentType,
    TooLong,
    Broken,
}

async fn receive(headers: &HeaderMap, mut body: Body) -> Result<Vec<u8>, NotReceived> {
    if !is_json(headers) {
        discard(body).await;
        return Err(NotReceived::ContentType);
    }
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| NotReceived::Broken)?;
        let Some(data) = frame.data_ref() else { continue };
        if text.len() + data.len() > MAX_JSON {
            discard(body).await;
            return Err(NotReceived::TooLong);
        }
        text.extend_from_slice(data);
    }
    Ok(text)
}

/// A web page can send JSON to another host only after asking it, which this server never allows; other types it can.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(content_type), None) = (types.next(), types.next()) else { return false };
    let essence = content_type.to_str().ok().and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a body to its end, or to the limit. A connection that is closed with unread data in it takes the answer along.
async fn discard(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > DISCARD_MAX {
            return;
        }
    }
}

/// What the node makes of the message; `None` if it does not say so in time.
async fn hand_over(local: &mpsc::Sender<LocalMessage>, message: &Message) -> Option<Result<LocalFate, Refusal>> {
    let mut datagram = Vec::with_capacity(MAX_DATAGRAM);
    encode(message, &mut datagram);
    let (reply, answer) = oneshot::channel();
    let exchange = async {
        local.send(LocalMessage { datagram, reply }).await.ok()?;
        answer.await.ok()
    };
    tokio::time::timeout(ANSWER_TIMEOUT, exchange).await.ok()?
}

fn refused(refusal: Refusal) -> Response {
    let reason = match refusal.expected() {
        Some(expected) => format!("{refusal}: expected {expected}"),
        None => refusal.to_string(),
    };
    routes::error(StatusCode::BAD_REQUEST, &reason)
}

/// Says what became of a message.
fn told(app: &App, message: &Message, fate: LocalFate) -> Response {
    let (result, explanation) = match fate {
        LocalFate::Answered(pong) => {
            let answer = json!({ "result": "answered", "explanation": "alive", "pong": to_json(&pong) });
            return routes::json(StatusCode::ACCEPTED, &answer);
        }
        LocalFate::Asleep => {
            return routes::error(StatusCode::SERVICE_UNAVAILABLE, "the node sleeps; POST /wake wakes it");
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
                return routes::error(StatusCode::BAD_REQUEST, &not_an_exponent(app, message));
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
    routes::json(StatusCode::ACCEPTED, &json!({ "result": result, "explanation": explanation }))
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
    let max = app.node.settings().exponent_max;
    match Exponent::new(number) {
        Ok(_) => format!("`data` is {number}; this node accepts exponents up to {max}"),
        Err(error) => format!("`data` is {number}: {error}"),
    }
}
