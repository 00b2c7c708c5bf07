//! A peer that answers every PING and forwards nothing: a black hole for PRIMEs.

use std::net::SocketAddr;

use super::{Adversary, Outgoing, Stage};
use crate::protocol::message::{Body, Message};

/// Is a good peer in all but one thing: no PRIME ever leaves it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Adversary for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn outgoing(&mut self, _: &mut Stage<'_>, _: SocketAddr, message: &Message) -> Outgoing {
        match message.body {
            Body::Prime(_) => Outgoing::Dropped,
            Body::Ping(_) | Body::Pong(_) => Outgoing::Unchanged,
        }
    }
}
