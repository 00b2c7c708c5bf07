//! What the other threads tell the gossip loop, the only one that changes the node.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::mersenne::Exponent;
use crate::protocol::message::MessageId;
use crate::protocol::{SearchMode, Verdict};

/// What other threads report to the gossip loop.
#[derive(Debug)]
pub enum Report {
    /// The search has found a prime.
    Found {
        /// What it was told to look above.
        above: Option<Exponent>,
        /// The next prime above that.
        exponent: Exponent,
    },
    /// The search has given up because the engine noticed that it had miscalculated.
    SearchFailed,
    /// A claim has been tested.
    Verdict {
        /// The exponent tested.
        exponent: Exponent,
        /// What came of it.
        verdict: Verdict,
        /// How long it took.
        took: Duration,
    },
    /// The state up to this revision, and these ids, are durable.
    Saved {
        /// See [`Node::saved`](crate::protocol::Node::saved).
        revision: u64,
        /// See [`Node::ids_reserved`](crate::protocol::Node::ids_reserved).
        ids_below: MessageId,
    },
    /// A name given as a peer resolves to this address.
    Seed(SocketAddr),
    /// No name given as a peer leads to this address any more.
    NoSeed(SocketAddr),
    /// What is to be searched from now on.
    SearchMode(SearchMode),
    /// Say goodbye, and end; answer when the last datagram is sent.
    Leave(oneshot::Sender<()>),
}
