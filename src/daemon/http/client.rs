//! Asks a node, or whatever else listens at an address, over HTTP.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, anyhow};
use http_body_util::{BodyExt as _, Limited};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The longest answer that is read, in bytes: a full table of peers takes about a tenth of it.
const ANSWER_MAX: usize = 4 << 20;

/// What a node answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) value: Value,
}

/// Sends a request and reads the JSON that comes back. How long that may take is the caller's business.
///
/// # Errors
/// Nobody listens, or what listens does not answer in HTTP and JSON.
pub(crate) async fn exchange(address: SocketAddr, mut request: Request<String>) -> Result<Answer> {
    request.headers_mut().insert(header::HOST, address.to_string().parse()?);
    let stream = TcpStream::connect(address).await.map_err(|error| {
        let port = address.port();
        anyhow!("no node answers at {address} ({error}); is it running? `mersenned run --port {port}` starts one")
    })?;
    let not_ours = || format!("what listens at {address} is no mersenned");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.with_context(not_ours)?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await.with_context(not_ours)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(|error| anyhow!(error));
    let body = body.with_context(not_ours)?.to_bytes();
    let value = serde_json::from_slice(&body).with_context(not_ours)?;
    Ok(Answer { status, value })
}
