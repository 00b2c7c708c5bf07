//! What every request that changes something has to pass, cheapest first: its `Content-Type`, the token, the length of its
//! body. `Host` and `Origin` have been looked at before, and the method.
//!
//! A web page can send JSON to another host only after asking it, which this server never allows (it answers no
//! preflight); the other types it can send unasked, so they are refused. The token then keeps out whoever is on this
//! machine and may not read the node's files.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt as _;

use super::answer;
use super::connection::Connection;
use crate::daemon::token::Token;
use crate::protocol::json::MAX_JSON;

/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// How much of a refused body is read and thrown away, so that its sender gets to read the refusal.
const DISCARD_MAX: usize = 64 * 1_024;

/// Why a request changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    ContentType,
    Token,
    TooLong,
    TooSlow,
    Broken,
}

impl Refusal {
    pub(crate) fn answer(self) -> Response {
        match self {
            Refusal::ContentType => {
                answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json")
            }
            Refusal::Token => {
                let reason = "Authorization must be Bearer and the token in the node's state directory";
                let mut answer = answer::error(StatusCode::UNAUTHORIZED, reason);
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                answer
            }
            Refusal::TooLong => {
                let reason = format!("the body is longer than {MAX_JSON} bytes");
                answer::error(StatusCode::PAYLOAD_TOO_LARGE, &reason)
            }
            Refusal::TooSlow => answer::error(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
            Refusal::Broken => answer::error(StatusCode::BAD_REQUEST, "the body cannot be read"),
        }
    }
}

/// The body of a request that may change something.
pub(crate) async fn receive(
    token: Option<&Token>,
    connection: &Connection,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, Refusal> {
    connection.waits();
    let received = tokio::time::timeout(BODY_TIMEOUT, async {
        if let Err(refusal) = check(token, headers) {
            discard(body).await;
            return Err(refusal);
        }
        read(body).await
    });
    let received = received.await;
    connection.works();
    received.unwrap_or(Err(Refusal::TooSlow))
}

fn check(token: Option<&Token>, headers: &HeaderMap) -> Result<(), Refusal> {
    if !is_json(headers) {
        return Err(Refusal::ContentType);
    }
    match token {
        Some(token) if !presented(headers).is_some_and(|presented| token.is(presented)) => Err(Refusal::Token),
        Some(_) | None => Ok(()),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(content_type), None) = (types.next(), types.next()) else { return false };
    let essence = content_type.to_str().ok().and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// What stands behind `Bearer` (RFC 6750, section 2.1; the scheme's case does not matter, RFC 9110, section 11.1).
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

async fn read(mut body: Body) -> Result<Vec<u8>, Refusal> {
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Broken)?;
        let Some(data) = frame.data_ref() else { continue };
        if text.len() + data.len() > MAX_JSON {
            discard(body).await;
            return Err(Refusal::TooLong);
        }
        text.extend_from_slice(data);
    }
    Ok(text)
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
