//! Asks a running node over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes: a full table of peers takes about a tenth of it.
const ANSWER_MAX: usize = 4 << 20;

/// Which node is asked, and how its answer is shown.
#[derive(Debug, Clone, Args)]
pub struct NodeAddress {
    /// Port of the node
    #[arg(long, value_name = "PORT", default_value = "5001", value_parser = crate::config::value::port)]
    port: NonZeroU16,

    /// Address of the node
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// Print the node's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl NodeAddress {
    /// The JSON a node answers to `GET path`.
    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let address = SocketAddr::new(self.host, self.port.get());
        let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, get(address, path)).await });
        match answer {
            Ok(answer) => answer,
            Err(_elapsed) => bail!("the node at {address} does not answer within {} s", PATIENCE.as_secs()),
        }
    }
}

async fn get(address: SocketAddr, path: &str) -> Result<Value> {
    let stream = TcpStream::connect(address).await.map_err(|error| {
        let port = address.port();
        anyhow!("no node answers at {address} ({error}); is it running? `mersenned run --port {port}` starts one")
    })?;
    let not_ours = || format!("what listens at {address} is no mersenned");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.with_context(not_ours)?;
    tokio::spawn(connection);
    let request = Request::get(path).header(header::HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await.with_context(not_ours)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(|error| anyhow!(error));
    let body = body.with_context(not_ours)?.to_bytes();
    let value: Value = serde_json::from_slice(&body).with_context(not_ours)?;
    if status != StatusCode::OK {
        let reason = value.get("error").and_then(Value::as_str).unwrap_or("no reason given");
        bail!("the node at {address} refuses ({status}): {}", reason.escape_debug());
    }
    Ok(value)
}
