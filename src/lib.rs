//! `mersenned`, the Mersenne daemon: a serverless GIMPS.
//!
//! Nodes look for Mersenne primes, tell each other what they find in single MessagePack datagrams over UDP, and believe
//! only what they have tested themselves. There is no server.
//!
//! The rooms, from the ground up; each may use only those above it in this list:
//!
//! * [`durable`]: files that survive a power cut.
//! * [`mersenne`]: the numbers. Exponents, trial factors, the Lucas–Lehmer test. Knows nothing of nodes.
//! * [`protocol`]: the node as a pure state machine. No sockets, no clock, no threads.
//! * [`search`]: what to test next, and how a claim is verified.
//! * [`simulation`]: a virtual network for the same nodes: faults, adversaries, and checks of what must always hold.
//! * [`dashboard`]: the live page, which knows nothing of nodes.
//! * [`daemon`]: the outside world of a node: UDP loop, threads, signals, disk, HTTP, metrics.
//! * [`config`]: what a node is told, checked.
//! * [`lab`]: several nodes on one machine, and what one can do to them.
//! * [`cli`]: the commands.

#![deny(unsafe_code)]

pub mod cli;
pub mod config;
pub mod daemon;
pub mod dashboard;
pub mod durable;
pub mod lab;
pub mod mersenne;
pub mod protocol;
pub mod search;
pub mod simulation;
