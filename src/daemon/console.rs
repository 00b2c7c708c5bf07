//! Who reads what a node has to tell: a person or a log collector by lines on standard error, or a lab by JSON lines on
//! standard output.
//!
//! In a lab the node's standard input is a pipe from the lab: when it ends, however the lab ended, the node leaves.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::journal::Journal;
use crate::protocol::Node;

/// Where events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    /// To the log.
    Log,
    /// To the lab that has started this node.
    Lab,
}

/// What a started console gives back.
pub(super) struct Told {
    /// Resolves when the lab is gone; never for a log.
    pub(super) ended: Ended,
    /// Resolves when the last line is written.
    pub(super) written: JoinHandle<()>,
}

/// See [`Told::ended`].
pub(super) type Ended = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// The first line a lab reads.
#[derive(Serialize)]
struct Ready {
    event: &'static str,
    address: std::net::SocketAddr,
    instance: u64,
}

impl Console {
    pub(super) fn start(self, journal: &Arc<Journal>, node: &Node, stopped: watch::Receiver<bool>) -> Told {
        match self {
            Console::Log => Told {
                ended: Box::pin(std::future::pending()),
                written: tokio::spawn(follow(Arc::clone(journal), stopped, |entry| {
                    if entry.event.is_traffic() {
                        tracing::debug!("{}", entry.event);
                    } else {
                        tracing::info!("{}", entry.event);
                    }
                    true
                })),
            },
            Console::Lab => {
                let view = node.state_view();
                let ready = Ready { event: "ready", address: view.address, instance: view.instance };
                print_line(&ready);
                let (gone, ended) = oneshot::channel();
                // A thread of its own: reading standard input cannot be cancelled.
                let watching = std::thread::Builder::new().name("lab".to_owned()).spawn(move || {
                    let mut input = io::stdin().lock();
                    let mut buffer = [0; 256];
                    while !matches!(input.read(&mut buffer), Ok(0) | Err(_)) {}
                    drop(gone.send(()));
                });
                if let Err(error) = watching {
                    tracing::warn!("cannot notice the end of the lab: {error}");
                }
                Told {
                    ended: Box::pin(async move { drop(ended.await) }),
                    written: tokio::spawn(follow(Arc::clone(journal), stopped, |entry| {
                        entry.event.is_traffic() || print_line(entry)
                    })),
                }
            }
        }
    }
}

/// Writes one JSON line; false when nobody reads any more.
fn print_line(line: &impl Serialize) -> bool {
    let mut bytes = match serde_json::to_vec(line) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!("an event cannot be written as JSON: {error}");
            return true;
        }
    };
    bytes.push(b'\n');
    let mut output = io::stdout().lock();
    output.write_all(&bytes).and_then(|()| output.flush()).is_ok()
}
