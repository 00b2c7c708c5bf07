//! The node as a pure state machine: no sockets, no clock, no threads, no tokio, no global randomness.
//!
//! May use `mersenne` for exponents and small factors. Two drivers run it: the daemon on real sockets, and a simulator.
//!
//! * `message`, `codec`, `json`, `address`, `hash`: what is said, in bytes
//! * `node`: what is done with it; the state machine
//! * `peers`, `book`, `candidate`, `probes`, `scan`: who is talked to · `ring`, `leaves`: who is next to whom
//! * `seen`, `claims`, `primes`, `refuted`: what was said · `ids`, `own`, `cookie`: who is who · `budget`, `random`, `time`,
//!   `settings`: how much, by chance, when
//! * `outbox`, `event`, `counters`, `saved`: what a driver gets to see

pub mod address;
mod book;
mod budget;
mod candidate;
mod claims;
pub mod codec;
mod cookie;
mod counters;
mod event;
pub mod hash;
mod ids;
pub mod json;
mod leaves;
pub mod message;
mod node;
mod outbox;
mod own;
mod peers;
mod primes;
mod probes;
mod random;
mod rare;
mod refuted;
mod ring;
mod saved;
mod scan;
mod seen;
mod settings;
mod time;

pub use claims::{Claim, Latest};
pub(crate) use counters::labels;
pub use counters::{
    ClaimResult, Counter, Counters, DiscoveredVia, DropReason, EvictionReason, FORWARD_TTLS, Family, Label,
};
pub use event::{Event, PeerKind, PeerRole, Traffic};
pub(crate) use node::Sizes;
pub use node::{Birth, Fate, LocalFate, Node, PeerView, PrimeView, StateView, Verdict};
pub use outbox::{Measurement, Order, Outbox};
pub use own::Whereabouts;
pub(crate) use random::Random;
pub use ring::{LEAVES_PER_SIDE, Neighbours, RingPosition};
pub use saved::{Saved, SavedClaim};
pub use scan::{SCAN_MAX, Scan, ScanError, ScanRange};
pub use settings::{LoopbackLimits, PlainPeers, Rate, SearchMode, Settings};
pub use time::Time;
