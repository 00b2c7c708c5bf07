//! HTTP: what a node shows, one way to hand it a message, and what its owner tells it.
//!
//! axum's routes on an accept loop of its own, because `axum::serve` waits for ever for a request that never ends. Here a
//! request's head has 2 s, a body 2 s more, and when all places are taken the connection goes that has kept the server
//! waiting the longest: a thousand slow connections cannot lock out one that knows what it wants. Event streams have
//! places of their own.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::conditions::Conditions;
use super::exporter::{Exporter, Route};
use super::journal::Journal;
use super::readiness::Readiness;
use super::snapshot::Subject;
use super::token::Token;

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod connection;
mod control;
mod events;
mod feed;
mod gossip;
mod guard;
mod landing;
mod owner;
pub(crate) mod page;
pub(crate) mod post;
mod routes;
pub(crate) mod server;
pub(crate) mod stream;
#[cfg(test)]
mod tests;

pub use control::{Applied, Command, Control};
pub use gossip::LocalMessage;
pub use guard::{AllowedHosts, Objection};

/// What is asked of the thread that drives the node.
#[derive(Debug)]
pub enum Request {
    /// A message to be taken in.
    Message(LocalMessage),
    /// A command.
    Control(Control),
    /// What a lab does to the node's datagrams from now on.
    Conditions(Conditions),
    /// How fast a lab has the node's clock go.
    Speed(f64),
}

/// What the routes show and use.
#[derive(Debug)]
pub struct App {
    /// This start of the server, by chance: numbers of entries begin again with each.
    pub run: u64,
    /// Whose state is shown.
    pub subject: Subject,
    /// The latest events.
    pub journal: Arc<Journal>,
    /// The metrics. The server looks after its upkeep.
    pub exporter: Arc<Exporter>,
    /// Whether the node is ready.
    pub readiness: Arc<Readiness>,
    /// To the thread that drives the node.
    pub requests: mpsc::Sender<Request>,
    /// The revision of the node's state that is durable.
    pub durable: watch::Receiver<u64>,
    /// What whoever changes anything has to know; `None` if nobody has to know anything.
    pub token: Option<Token>,
    /// The hosts under which the server may be asked.
    pub hosts: AllowedHosts,
}

/// Serves a node on the runtime it is called on until `shutdown` is true or its sender gone, and then for at most half a
/// second more. Event streams end at once.
///
/// # Errors
/// The listener cannot be used at all. Whatever becomes of a connection is no error of the server.
pub async fn serve(listener: TcpListener, app: App, shutdown: watch::Receiver<bool>) -> io::Result<()> {
    let (hosts, observer) = (app.hosts.clone(), Arc::clone(&app.exporter));
    let site = server::Site { router: routes::router(Arc::new(app), shutdown.clone()), hosts, observer };
    server::serve(listener, site, shutdown).await
}

impl server::Observer for Exporter {
    fn answered(&self, path: &str, code: u16) {
        self.count_answer(Route::of(path), code);
    }

    fn upkeep(&self) {
        self.look_after();
    }
}
