//! Who reads what a node has to tell: a person or a log collector by lines on standard error, or a lab by JSON lines on
//! standard output.
//!
//! In a lab the node's standard input is a pipe from the lab: when it ends, however the lab ended, the node leaves.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::journal::{Entry, Journal};
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
                written: tokio::spawn(follow(Arc::clone(journal), stopped, log)),
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
                    _ = gone.send(());
                });
                if let Err(error) = watching {
                    tracing::warn!("cannot notice the end of the lab: {error}");
                }
                Told {
                    ended: Box::pin(async move { drop(ended.await) }),
                    written: tokio::spawn(follow(Arc::clone(journal), stopped, |entry| {
                        if !entry.is_traffic() {
                            print_line(entry);
                        }
                    })),
                }
            }
        }
    }
}

/// The log writes so many lines of one cause and no more; the entry itself is for the log's JSON format.
fn log(entry: &Entry) {
    if entry.is_traffic() {
        tracing::debug!(cause = entry.name(), entry = %Json(entry), "{}", entry.text());
    } else {
        tracing::info!(cause = entry.name(), entry = %Json(entry), "{}", entry.text());
    }
}

/// An entry as JSON, written only where somebody wants it.
struct Json<'a>(&'a Entry);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_json())
    }
}

/// Tells every entry of the journal, until the daemon stops and the last one is told.
async fn follow(journal: Arc<Journal>, mut stopped: watch::Receiver<bool>, tell: impl Fn(&Entry)) {
    let Some(mut subscription) = journal.subscribe(Some(0)) else {
        return tracing::error!("nobody follows the journal: it has too many readers");
    };
    loop {
        tokio::select! {
            biased;
            batch = subscription.next() => match batch {
                Some(batch) => batch.entries.iter().for_each(&tell),
                None => return,
            },
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// Writes one JSON line. When the lab does not read it any more, the end of our input will tell.
fn print_line(line: &impl Serialize) {
    match serde_json::to_vec(line) {
        Ok(mut bytes) => {
            bytes.push(b'\n');
            let mut output = io::stdout().lock();
            drop(output.write_all(&bytes).and_then(|()| output.flush()));
        }
        Err(error) => tracing::error!("an event cannot be written as JSON: {error}"),
    }
}
