//! `POST /sleep`, `/wake`, `/reset`: what its owner tells a node, answered when it is durable.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;
use tokio::sync::oneshot;

use super::answer::{self, Shared};
use super::connection::Connection;
use super::{Request, post};
use crate::protocol::{Node, Outbox, Time};

/// How long an answer waits for the disk. What is in force by then and not durable is saved as soon as that is possible.
const SAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// See [`Node::sleep`](crate::protocol::Node::sleep).
    Sleep,
    /// See [`Node::wake`](crate::protocol::Node::wake).
    Wake,
    /// See [`Node::reset`](crate::protocol::Node::reset).
    Reset,
}

/// A command for the thread that drives the node.
#[derive(Debug)]
pub struct Control {
    /// What to do.
    pub command: Command,
    /// Takes what is so then. Nobody may be waiting any more.
    pub reply: oneshot::Sender<Applied>,
}

impl Command {
    /// Does what it says.
    pub fn apply(self, node: &Node, now: Time, out: &mut Outbox) -> Applied {
        let revision = match self {
            Command::Sleep => node.sleep(now, out),
            Command::Wake => node.wake(now, out),
            Command::Reset => node.reset(now, out),
        };
        Applied { asleep: node.is_asleep(), revision }
    }
}

/// What is so after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Whether the node sleeps.
    pub asleep: bool,
    /// The revision of its state that has to be durable for that to survive.
    pub revision: u64,
}

pub(super) async fn control(
    State(shared): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    Extension(command): Extension<Command>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let app = &shared.app;
    let body = match post::receive(app.token.as_ref(), &connection, &headers, body).await {
        Ok(body) => body,
        Err(refusal) => return refusal.answer(),
    };
    if !says_nothing(&body) {
        return answer::error(StatusCode::BAD_REQUEST, "the body must be empty or {}");
    }
    let Some(Applied { asleep, revision }) =
        answer::ask(app, |reply| Request::Control(Control { command, reply })).await
    else {
        return answer::error(StatusCode::SERVICE_UNAVAILABLE, answer::NO_ANSWER);
    };
    let mut durable = app.durable.clone();
    let saved = tokio::time::timeout(SAVE_TIMEOUT, durable.wait_for(|&durable| durable >= revision)).await;
    match saved {
        Ok(Ok(_)) => answer::json(StatusCode::OK, &json!({ "asleep": asleep, "saved": true })),
        // The gossip loop has ended, or the disk takes its time.
        Ok(Err(_)) | Err(_) => {
            let reason = app.readiness.objection().unwrap_or("the disk has not taken it yet; it will be tried again");
            answer::json(StatusCode::ACCEPTED, &json!({ "asleep": asleep, "saved": false, "reason": reason }))
        }
    }
}

/// Whether a body is empty, or a JSON object without members: nothing can be asked for that would be overlooked.
fn says_nothing(body: &[u8]) -> bool {
    let object = |body| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body);
    body.is_empty() || object(body).is_ok_and(|members| members.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_body_or_an_empty_object_says_nothing() {
        for body in ["", "{}", " { } \n"] {
            assert!(says_nothing(body.as_bytes()), "{body:?}");
        }
        for body in ["null", "[]", "{\"peers\":false}", "{}{}", "{", "0", "\"\"", " ", "\u{feff}{}"] {
            assert!(!says_nothing(body.as_bytes()), "{body:?}");
        }
    }
}
