//! Asks a running node over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use http_body_util::{BodyExt as _, Limited};
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
    #[arg(
        long,
        value_name = "PORT",
        env = "MERSENNED_PORT",
        hide_env_values = true,
        default_value = "5001",
        value_parser = crate::config::value::port
    )]
    port: NonZeroU16,

    /// Address of the node
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// Print the node's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What a node answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) value: Value,
}

impl Answer {
    /// Why the node refuses, in its words.
    pub(super) fn reason(&self) -> String {
        let reason = self.value.get("error").and_then(Value::as_str).unwrap_or("no reason given");
        reason.escape_debug().to_string()
    }
}

impl NodeAddress {
    /// The node's HTTP address.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port.get())
    }

    /// The node's port.
    pub(super) fn port(&self) -> NonZeroU16 {
        self.port
    }

    /// The JSON a node answers to `GET path`.
    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let answer = self.exchange(Request::get(path).body(String::new())?)?;
        if answer.status != StatusCode::OK {
            bail!("the node at {} refuses ({}): {}", self.address(), answer.status, answer.reason());
        }
        Ok(answer.value)
    }

    /// What a node answers to `POST path` with nothing to say, for whoever has this token.
    pub(super) fn post(&self, path: &str, token: Option<&str>) -> Result<Answer> {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.exchange(request.body("{}".to_owned())?)
    }

    fn exchange(&self, mut request: Request<String>) -> Result<Answer> {
        let address = self.address();
        request.headers_mut().insert(header::HOST, address.to_string().parse()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange(address, request)).await });
        match answer {
            Ok(answer) => answer,
            Err(_elapsed) => bail!("the node at {address} does not answer within {} s", PATIENCE.as_secs()),
        }
    }
}

async fn exchange(address: SocketAddr, request: Request<String>) -> Result<Answer> {
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
