//! What a lab is told, and what follows from it before any node is started.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::exercise::Exercise;
use super::hub;
use crate::daemon::socket::{self, BindError};

/// What a lab is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The ports of its nodes.
    pub ports: RangeInclusive<u16>,
    /// The port of its page; `None` for the one before the first node's, or any if that is taken.
    pub page_port: Option<u16>,
    /// What chance in faults follows from; `None` for any.
    pub seed: Option<u64>,
    /// How many seconds of the nodes' clocks go by in a real one, of [`SPEEDS`].
    pub speed: f64,
    /// Whether the page is opened in a browser.
    pub open: bool,
    /// An exercise, for which the last port is left to a node that is not ours.
    pub exercise: Option<&'static Exercise>,
    /// Flags of `mersenned run` for every node.
    pub flags: Vec<String>,
}

/// What the page is greeted with.
pub(super) fn hello(settings: &Settings) -> Value {
    let exercise = settings.exercise.map(|exercise| {
        let student = address(*settings.ports.end());
        let nodes: Vec<SocketAddr> = settings.own_ports().map(address).collect();
        json!({
            "number": exercise.number,
            "title": exercise.title,
            "task": exercise.task_in(student, &nodes),
            "address": student,
        })
    });
    json!({
        "kind": "lab",
        "run": format!("{:016x}", Timestamp::now().as_microsecond()),
        "version": env!("CARGO_PKG_VERSION"),
        "address": null,
        "controls": "lab",
        "entries_kept": hub::ENTRIES_KEPT,
        "exercise": exercise,
    })
}

impl Settings {
    /// The ports of the lab's own nodes.
    pub(super) fn own_ports(&self) -> RangeInclusive<u16> {
        match self.exercise {
            Some(_) => *self.ports.start()..=self.ports.end().saturating_sub(1),
            None => self.ports.clone(),
        }
    }
}

/// The addresses of nodes are all on this machine.
pub(super) fn address(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Refuses a port that a node could not have, before any is started.
pub(super) fn check_port(port: u16) -> Result<()> {
    let hint = || format!("the lab needs port {port}; give other ports with --first-port");
    socket::bind_udp(address(port), 0).with_context(hint)?;
    listen(port).with_context(hint)?;
    Ok(())
}

/// The page's listener, on the port asked for; if none was, on the one before the first node's, if that is free.
pub(super) fn bind_page(asked: Option<u16>, first: u16) -> Result<TcpListener> {
    match asked {
        Some(port) => listen(port).context("the page's port; give another with --page-port"),
        None => listen(first - 1).or_else(|_| listen(0)).context("the page's port"),
    }
}

fn listen(port: u16) -> Result<TcpListener> {
    Ok(TcpListener::bind(address(port)).map_err(|error| BindError::new(address(port), "TCP", error))?)
}
