//! The node as a pure state machine: no sockets, no clock, no threads, no tokio, no global randomness.

pub mod address;
pub mod codec;
pub mod hash;
pub mod json;
pub mod message;
mod time;

pub use time::Time;
