//! Who reads what a node has to tell: a person or a log collector by lines on standard error, or the lab that has started
//! it, by its pipe.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::feed::Feed;
use super::http::{self, Request};
use super::journal::{Entry, Journal};
use super::lab_pipe::{self, Lines};
use super::snapshot::Subject;

/// Where events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    /// To the log.
    Log,
    /// To the lab that has started this node, which may also give it orders.
    Lab,
}

/// What a started console gives back.
pub(super) struct Telling {
    /// Resolves when the lab is gone; never for a log.
    pub(super) ended: Ended,
    /// Resolves when the last line is written.
    pub(super) written: JoinHandle<()>,
}

/// See [`Telling::ended`].
pub(super) type Ended = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Console {
    pub(super) fn start(
        self,
        subject: &Subject,
        journal: &Arc<Journal>,
        requests: mpsc::Sender<Request>,
        stopped: watch::Receiver<bool>,
    ) -> std::io::Result<Telling> {
        Ok(match self {
            Console::Log => Telling {
                ended: Box::pin(std::future::pending()),
                written: tokio::spawn(follow(Arc::clone(journal), stopped, log)),
            },
            Console::Lab => {
                let ended = lab_pipe::obey(requests)?;
                let telling = tell_lab(Lines::open()?, subject.clone(), Arc::clone(journal), stopped);
                Telling { ended: Box::pin(async move { drop(ended.await) }), written: tokio::spawn(telling) }
            }
        })
    }
}

/// Tells a lab everything, until the daemon stops and the last entry is told.
async fn tell_lab(lines: Lines, subject: Subject, journal: Arc<Journal>, mut stopped: watch::Receiver<bool>) {
    lines.ready(subject.node.own_address()).await;
    let Some(subscription) = journal.subscribe(Some(0)) else {
        return tracing::error!("the lab hears nothing: the journal has too many readers");
    };
    let mut feed = Feed::new(subject, subscription);
    loop {
        tokio::select! {
            biased;
            () = http::server::stopped(&mut stopped) => break,
            frames = feed.next() => match frames {
                Some(frames) => for frame in frames {
                    lines.frame(frame).await;
                },
                None => break,
            },
        }
    }
    // The journal is complete by now.
    loop {
        let rest = feed.rest();
        if rest.is_empty() {
            return lines.finish().await;
        }
        for frame in rest {
            lines.frame(frame).await;
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
