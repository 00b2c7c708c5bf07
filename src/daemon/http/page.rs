//! `/` and `/page/…`: the live page, the same for a node and for a lab.

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::answer;
use crate::dashboard::{self, Asset};

/// The routes of the page.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(async || file(dashboard::INDEX))).route("/page/{*name}", get(named))
}

async fn named(name: Result<Path<String>, PathRejection>) -> Response {
    // What is no text is no file's name either.
    name.map_or_else(|_| file(""), |Path(name)| file(&name))
}

fn file(name: &str) -> Response {
    match dashboard::asset(name) {
        Some(asset) => shown(asset),
        None => answer::error(StatusCode::NOT_FOUND, "the page has no such file"),
    }
}

fn shown(asset: Asset) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(dashboard::CONTENT_SECURITY_POLICY)),
    ];
    (headers, asset.bytes).into_response()
}
