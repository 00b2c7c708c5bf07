//! Asks a running node over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use hyper::{Request, StatusCode, header};
use serde_json::Value;

use crate::daemon::http::client::{Answer, exchange};

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// Why a node refuses, in its words.
pub(super) fn reason(answer: &Answer) -> String {
    let reason = answer.value.get("error").and_then(Value::as_str).unwrap_or("no reason given");
    reason.escape_debug().to_string()
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
            bail!("the node at {} refuses ({}): {}", self.address(), answer.status, reason(&answer));
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

    fn exchange(&self, request: Request<String>) -> Result<Answer> {
        let address = self.address();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange(address, request)).await });
        match answer {
            Ok(answer) => answer,
            Err(_elapsed) => bail!("the node at {address} does not answer within {} s", PATIENCE.as_secs()),
        }
    }
}
