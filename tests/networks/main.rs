//! Real nodes across real networks: subnets with a router between them, cuts, address translation, loss, delay, names that
//! move, scans.
//!
//! Everything happens in network namespaces that a test makes and removes again. Where the rights or the tools for that are
//! missing, the test says so and skips.

mod delay;
mod first_peer;
mod loss;
mod network;
mod relay;
mod router;
#[path = "../support/mod.rs"]
mod support;
mod translation;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
