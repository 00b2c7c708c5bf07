//! The outside world around one node: clock, journal, metrics, HTTP.
//!
//! May use every room but `simulation` and `cli`. The gossip thread owns the socket and the node's driver methods; HTTP and
//! all upkeep live on another runtime, so that a slow scrape can never delay a PONG.

pub mod clock;
pub mod exporter;
pub mod http;
pub mod journal;
pub mod readiness;
pub mod socket_counters;
