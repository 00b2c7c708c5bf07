//! What handlers share: what they work with, and how answers are written.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::{oneshot, watch};

use super::{App, Request};

/// How long the thread that drives the node may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// What is said when it takes longer.
pub(super) const NO_ANSWER: &str = "the node does not answer at the moment";

/// What handlers share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) app: Arc<App>,
    pub(super) shutdown: watch::Receiver<bool>,
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    (status, axum::Json(value)).into_response()
}

/// An error, with its reason for people.
pub(crate) fn error(status: StatusCode, reason: &str) -> Response {
    json(status, &json!({ "error": reason }))
}

/// `?since=N`: the number of the last journal entry that is known already.
pub(super) fn since(uri: &Uri) -> Result<Option<u64>, Box<Response>> {
    #[derive(Deserialize)]
    struct Since {
        since: Option<u64>,
    }
    match Query::try_from_uri(uri) {
        Ok(Query(Since { since })) => Ok(since),
        Err(_) => Err(Box::new(error(StatusCode::BAD_REQUEST, "`since` must be the number of an entry"))),
    }
}

/// What the thread that drives the node answers to a request, which takes the place for its answer; `None` if it does not
/// in time. A request that nobody waits for any more is not carried out.
pub(super) async fn ask<T>(app: &App, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    let exchange = async {
        app.requests.send(request(reply)).await.ok()?;
        answer.await.ok()
    };
    tokio::time::timeout(ANSWER_TIMEOUT, exchange).await.ok()?
}
