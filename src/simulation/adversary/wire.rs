//! What adversaries need to write messages: who is named how, and copies of what somebody else has said.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use crate::protocol::address::NodeRef;
use crate::protocol::message::{Announcement, Body, Exchange, Message, MessageId, Ttl};

/// How a node is written in a datagram that comes from `envelope`.
pub(super) fn name(address: SocketAddr, envelope: SocketAddr) -> NodeRef {
    match NonZeroU16::new(address.port()) {
        Some(port) if address.ip() == envelope.ip() => NodeRef::Port(port),
        Some(_) | None => NodeRef::Address(address),
    }
}

/// A claim, as somebody at `envelope` passes it on.
pub(super) fn prime(envelope: SocketAddr, claim: Heard, ttl: u8) -> Message {
    let body = Body::Prime(Announcement { ttl: Ttl(ttl), exponent: claim.exponent, signature: None });
    Message { id: claim.id, forwarder: name(envelope, envelope), originator: name(claim.originator, envelope), body }
}

/// A message of a node's own.
pub(super) fn own(envelope: SocketAddr, id: u64, body: Body) -> Message {
    let here = name(envelope, envelope);
    Message { id: MessageId(id), forwarder: here, originator: here, body }
}

/// The claim in a PRIME, unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Heard {
    pub(super) originator: SocketAddr,
    pub(super) id: MessageId,
    pub(super) exponent: u64,
}

/// The claim in a message that came from `envelope`, with its TTL, if it is a PRIME.
pub(super) fn claim_in(message: &Message, envelope: SocketAddr) -> Option<(Heard, Ttl)> {
    let Body::Prime(announcement) = &message.body else { return None };
    let is_first_hand = message.forwarder == message.originator;
    let originator = if is_first_hand { envelope } else { message.originator.resolve(envelope).ok()? };
    Some((Heard { originator, id: message.id, exponent: announcement.exponent }, announcement.ttl))
}

/// The same PING or PONG with other things to say; `None` for what says nothing.
pub(super) fn saying(message: &Message, change: impl FnOnce(&mut Exchange)) -> Option<Message> {
    let mut message = message.clone();
    match &mut message.body {
        Body::Ping(Some(exchange)) | Body::Pong(Some(exchange)) => change(exchange),
        Body::Ping(None) | Body::Pong(None) | Body::Prime(_) => return None,
    }
    Some(message)
}
