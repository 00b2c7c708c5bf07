//! Writing a message: its fields in the order of protocol.md, section 2, whole numbers as short as they can be.
//!
//! [`Message`] is `Serialize`, for this and for JSON; in formats for people, bytes are strings of hex digits.

use std::fmt::Write;
use std::net::{SocketAddr, SocketAddrV6};

use arrayvec::ArrayString;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::fields::{ExchangeField, Field, FieldName};
use crate::protocol::address::{MAX_TEXT, NodeRef};
use crate::protocol::message::{Body, Exchange, MAX_DATAGRAM, Message, MessageType, Ttl};

/// Appends a message as a datagram.
///
/// Every message fits [`MAX_DATAGRAM`] as long as its padding does: without any, the longest, a PONG with a full sample of
/// IPv6 addresses, has 679 bytes. Keys of the exchange that the message type does not have are not written.
///
/// An address is written without its zone, and must be one that [`reachable`](crate::protocol::address::reachable)
/// returned: a receiver refuses the whole datagram for one that is not.
pub fn encode(message: &Message, datagram: &mut Vec<u8>) {
    let mut serializer = rmp_serde::Serializer::new(datagram).with_struct_map();
    let written = message.serialize(&mut serializer);
    // A Vec takes every byte, and nothing below returns an error of its own.
    debug_assert!(written.is_ok(), "{written:?}");
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (ttl, signature) = match &self.body {
            Body::Ping(_) | Body::Pong(_) => (Ttl::ZERO, None),
            Body::Prime(announcement) => (announcement.ttl, announcement.signature.as_ref()),
        };
        let length = if signature.is_some() { 8 } else { 6 };
        let mut map = serializer.serialize_struct("Message", length)?;
        map.serialize_field(Field::Type.name(), self.body.message_type().as_str())?;
        map.serialize_field(Field::Id.name(), &self.id.0)?;
        map.serialize_field(Field::Forwarder.name(), &Node(self.forwarder))?;
        map.serialize_field(Field::Originator.name(), &Node(self.originator))?;
        map.serialize_field(Field::Ttl.name(), &ttl.0)?;
        map.serialize_field(Field::Data.name(), &Data(&self.body))?;
        if let Some(signature) = signature {
            map.serialize_field(Field::Key.name(), &Bytes(&signature.key))?;
            map.serialize_field(Field::Sig.name(), &Bytes(&signature.sig))?;
        }
        map.end()
    }
}

/// `data`.
struct Data<'a>(&'a Body);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Body::Ping(Some(exchange)) => serialize_exchange(exchange, MessageType::Ping, serializer),
            Body::Pong(Some(exchange)) => serialize_exchange(exchange, MessageType::Pong, serializer),
            Body::Ping(None) | Body::Pong(None) => serializer.serialize_unit(),
            Body::Prime(announcement) => serializer.serialize_u64(announcement.exponent),
        }
    }
}

fn serialize_exchange<S: Serializer>(exchange: &Exchange, of: MessageType, serializer: S) -> Result<S::Ok, S::Error> {
    let in_ping = of == MessageType::Ping;
    let in_pong = of == MessageType::Pong;
    let fields = [
        (ExchangeField::Nonce, exchange.nonce.map(Value::Uint)),
        (ExchangeField::Echo, exchange.echo.map(Value::Uint)),
        (ExchangeField::Known, exchange.known.map(|known| Value::Three(known.count, known.largest, known.xor))),
        (ExchangeField::Peers, Some(Value::Nodes(&exchange.peers)).filter(|_| !exchange.peers.is_empty())),
        (ExchangeField::Instance, exchange.instance.map(Value::Uint)),
        (ExchangeField::Alone, Some(Value::Truth(true)).filter(|_| in_ping && exchange.alone)),
        (ExchangeField::Leave, Some(Value::Truth(true)).filter(|_| in_ping && exchange.leave)),
        (ExchangeField::Accept, exchange.accept.map(Value::Truth).filter(|_| in_pong)),
        (ExchangeField::You, exchange.you.map(Value::Address).filter(|_| in_pong)),
        (ExchangeField::Frontier, exchange.frontier.map(Value::Uint)),
        (ExchangeField::Pad, Some(Value::Zeroes(exchange.pad)).filter(|_| in_ping && exchange.pad > 0)),
    ];
    let present = fields.iter().filter(|(_, value)| value.is_some()).count();
    let mut map = serializer.serialize_struct("Exchange", present)?;
    for (field, value) in &fields {
        if let Some(value) = value {
            map.serialize_field(field.name(), value)?;
        }
    }
    map.end()
}

/// The value of a key of the exchange.
enum Value<'a> {
    Uint(u64),
    Three(u64, u64, u64),
    Nodes(&'a [NodeRef]),
    Truth(bool),
    Address(SocketAddr),
    Zeroes(u16),
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Value::Uint(number) => serializer.serialize_u64(number),
            Value::Three(a, b, c) => (a, b, c).serialize(serializer),
            Value::Nodes(nodes) => serializer.collect_seq(nodes.iter().copied().map(Node)),
            Value::Truth(truth) => serializer.serialize_bool(truth),
            Value::Address(address) => serialize_address(address, serializer),
            Value::Zeroes(count) => {
                static ZEROES: [u8; MAX_DATAGRAM] = [0; MAX_DATAGRAM];
                Bytes(&ZEROES[..usize::from(count).min(MAX_DATAGRAM)]).serialize(serializer)
            }
        }
    }
}

/// A node: a port, or an address.
struct Node(NodeRef);

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            NodeRef::Port(port) => serializer.serialize_u16(port.get()),
            NodeRef::Address(address) => serialize_address(address, serializer),
        }
    }
}

fn serialize_address<S: Serializer>(address: SocketAddr, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = ArrayString::<MAX_TEXT>::new();
    match address {
        SocketAddr::V4(v4) => {
            let mut digits = itoa::Buffer::new();
            for (octet, mark) in v4.ip().octets().into_iter().zip(['.', '.', '.', ':']) {
                text.push_str(digits.format(octet));
                text.push(mark);
            }
            text.push_str(digits.format(v4.port()));
        }
        SocketAddr::V6(v6) => {
            // The zone of a link-local address is this host's own name for a link.
            let written = write!(text, "{}", SocketAddrV6::new(*v6.ip(), v6.port(), 0, 0));
            debug_assert!(written.is_ok(), "{v6} is longer than any address");
        }
    }
    serializer.serialize_str(&text)
}

/// Bytes: bin, or hex digits in formats for people.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&hex::encode(self.0))
        } else {
            serializer.serialize_bytes(self.0)
        }
    }
}
