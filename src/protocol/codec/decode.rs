//! Reading a message: protocol.md, section 2, rule by rule.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use arrayvec::ArrayVec;
use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::fields::{ExchangeField, Field, FieldName};
use super::refusal::{Refusal, RefusalReason};
use super::value::{Context, Entries, Format, Nothing, Plain, Reader, Scalar, Shape};
use crate::protocol::address::{self, NodeRef};
use crate::protocol::message::{
    Announcement, Body, Exchange, KnownDigest, MAX_DATAGRAM, MAX_SAMPLE, Message, MessageId, MessageType, Signature,
    Ttl,
};

/// Reads a datagram.
///
/// The fields may stand in any order; names that mean nothing here are skipped, whatever their values; so are keys of the
/// exchange that the message type does not have, once their type is right. Allocates nothing, and needs no more than a
/// few KiB of stack.
///
/// # Errors
/// The first rule that is broken, in the order in which the bytes come; what needs the whole message, such as a missing
/// field, comes after everything else.
pub fn decode(datagram: &[u8]) -> Result<Message, Refusal> {
    if datagram.len() > MAX_DATAGRAM {
        return Err(Refusal::whole(RefusalReason::TooLong));
    }
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(datagram);
    let message = read(&mut deserializer, Format::MessagePack(datagram), |error| match error {
        rmp_serde::decode::Error::InvalidMarkerRead(_) | rmp_serde::decode::Error::InvalidDataRead(_) => {
            RefusalReason::Truncated
        }
        _ => RefusalReason::Malformed,
    })?;
    // rmp-serde does not say how far it has read; but only at the end is there no marker of a next value.
    let mut context = Context::new(Format::MessagePack(datagram));
    match Reader::new(&mut context, Nothing).deserialize(&mut deserializer) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(message),
        Ok(()) | Err(_) => Err(Refusal::whole(RefusalReason::Trailing)),
    }
}

/// Reads a message from the start of a document in any self-describing format.
///
/// # Errors
/// As [`decode`]; `explain` says what an error of the format itself means.
pub(in crate::protocol) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
    format: Format<'de>,
    explain: impl FnOnce(&D::Error) -> RefusalReason,
) -> Result<Message, Refusal> {
    let mut context = Context::new(format);
    let mut draft = Draft::default();
    match Reader::new(&mut context, MessageInto(&mut draft)).deserialize(deserializer) {
        Ok(()) => draft.finish(),
        Err(error) => Err(context.refusal(explain(&error))),
    }
}

/// A message; its fields go where this points, so that they are not copied at each return.
struct MessageInto<'a>(&'a mut Draft);

impl<'de> Shape<'de> for MessageInto<'_> {
    type Value = ();

    const OTHERWISE: RefusalReason = RefusalReason::NotAMap;

    fn map<A: MapAccess<'de>>(self, entries: A, context: &mut Context<'de>) -> Result<(), A::Error> {
        let MessageInto(draft) = self;
        let mut entries = Entries::new(entries);
        while let Some(field) = entries.next::<Field>(context)? {
            match field {
                Field::Type => draft.message_type = Some(entries.value(context, field, Plain(message_type))?),
                Field::Id => draft.id = Some(MessageId(entries.value(context, field, Plain(uint))?)),
                Field::Forwarder => draft.forwarder = Some(entries.value(context, field, Plain(node))?),
                Field::Originator => draft.originator = Some(entries.value(context, field, Plain(node))?),
                Field::Ttl => draft.ttl = Some(entries.value(context, field, Plain(ttl))?),
                Field::Data => draft.data = Some(entries.value(context, field, DataInto(&mut draft.exchange))?),
                Field::Key => draft.key = Some(entries.value(context, field, Bytes)?),
                Field::Sig => draft.sig = Some(entries.value(context, field, Bytes)?),
            }
        }
        Ok(())
    }
}

/// The fields that have come so far.
#[derive(Default)]
struct Draft {
    message_type: Option<MessageType>,
    id: Option<MessageId>,
    forwarder: Option<NodeRef>,
    originator: Option<NodeRef>,
    ttl: Option<Ttl>,
    data: Option<Data>,
    /// What a map in `data` says.
    exchange: Exchange,
    key: Option<[u8; 32]>,
    sig: Option<[u8; 64]>,
}

/// What `data` is; what it may be depends on the message type, which may come after it.
enum Data {
    Nil,
    Exponent(u64),
    Exchange,
}

impl Draft {
    /// Checks what only the whole message can show.
    fn finish(self) -> Result<Message, Refusal> {
        let message_type = required(self.message_type, Field::Type)?;
        let id = required(self.id, Field::Id)?;
        let forwarder = required(self.forwarder, Field::Forwarder)?;
        let originator = required(self.originator, Field::Originator)?;
        let ttl = required(self.ttl, Field::Ttl)?;
        let data = required(self.data, Field::Data)?;
        let signature = match (self.key, self.sig) {
            (Some(key), Some(sig)) => Some(Signature { key, sig }),
            (None, None) => None,
            (Some(_), None) => return Err(Refusal::of(RefusalReason::MissingField, Field::Sig.name())),
            (None, Some(_)) => return Err(Refusal::of(RefusalReason::MissingField, Field::Key.name())),
        };
        let body = match message_type {
            MessageType::Ping => {
                let exchange = Exchange { accept: None, you: None, ..self.exchange };
                Body::Ping(greeting(ttl, data, signature, exchange)?)
            }
            MessageType::Pong => {
                let exchange = Exchange { alone: false, leave: false, pad: 0, ..self.exchange };
                Body::Pong(greeting(ttl, data, signature, exchange)?)
            }
            MessageType::Prime => match data {
                Data::Exponent(exponent) => Body::Prime(Announcement { ttl, exponent, signature }),
                Data::Nil | Data::Exchange => return Err(Refusal::of(RefusalReason::WrongType, Field::Data.name())),
            },
        };
        Ok(Message { id, forwarder, originator, body })
    }
}

/// What PING and PONG have in common.
fn greeting(
    ttl: Ttl,
    data: Data,
    signature: Option<Signature>,
    exchange: Exchange,
) -> Result<Option<Exchange>, Refusal> {
    if ttl != Ttl::ZERO {
        return Err(Refusal::of(RefusalReason::OutOfRange, Field::Ttl.name()));
    }
    if signature.is_some() {
        return Err(Refusal::of(RefusalReason::Misplaced, Field::Key.name()));
    }
    match data {
        Data::Nil => Ok(None),
        Data::Exchange => Ok(Some(exchange)),
        Data::Exponent(_) => Err(Refusal::of(RefusalReason::WrongType, Field::Data.name())),
    }
}

fn required<T>(value: Option<T>, field: Field) -> Result<T, Refusal> {
    value.ok_or(Refusal::of(RefusalReason::MissingField, field.name()))
}

/// `data`; a map goes where this points.
struct DataInto<'a>(&'a mut Exchange);

impl<'de> Shape<'de> for DataInto<'_> {
    type Value = Data;

    fn scalar(self, value: Scalar<'de>, _context: &Context<'de>) -> Result<Data, RefusalReason> {
        match value {
            Scalar::Nil => Ok(Data::Nil),
            number => uint(number).map(Data::Exponent),
        }
    }

    fn map<A: MapAccess<'de>>(self, entries: A, context: &mut Context<'de>) -> Result<Data, A::Error> {
        let DataInto(exchange) = self;
        let mut entries = Entries::new(entries);
        while let Some(field) = entries.next::<ExchangeField>(context)? {
            match field {
                ExchangeField::Nonce => exchange.nonce = Some(entries.value(context, field, Plain(uint))?),
                ExchangeField::Echo => exchange.echo = Some(entries.value(context, field, Plain(uint))?),
                ExchangeField::Known => exchange.known = Some(entries.value(context, field, Known)?),
                ExchangeField::Peers => exchange.peers = entries.value(context, field, Sample)?,
                ExchangeField::Instance => exchange.instance = Some(entries.value(context, field, Plain(uint))?),
                ExchangeField::Alone => exchange.alone = entries.value(context, field, Plain(truth))?,
                ExchangeField::Leave => exchange.leave = entries.value(context, field, Plain(truth))?,
                ExchangeField::Accept => exchange.accept = Some(entries.value(context, field, Plain(truth))?),
                ExchangeField::You => exchange.you = Some(entries.value(context, field, Plain(reachable_address))?),
                ExchangeField::Frontier => exchange.frontier = Some(entries.value(context, field, Plain(uint))?),
                ExchangeField::Pad => exchange.pad = entries.value(context, field, Padding)?,
            }
        }
        Ok(Data::Exchange)
    }
}

/// `known`: an array of three.
struct Known;

impl<'de> Shape<'de> for Known {
    type Value = KnownDigest;

    fn sequence<A: SeqAccess<'de>>(self, mut items: A, context: &mut Context<'de>) -> Result<KnownDigest, A::Error> {
        let mut numbers = ArrayVec::<u64, 3>::new();
        while let Some(number) = items.next_element_seed(Reader::new(context, Plain(uint)))? {
            if numbers.try_push(number).is_err() {
                return Err(context.refuse(RefusalReason::WrongLength));
            }
        }
        match numbers[..] {
            [count, largest, xor] => Ok(KnownDigest { count, largest, xor }),
            _ => Err(context.refuse(RefusalReason::WrongLength)),
        }
    }
}

/// `peers`: an array of at most seven.
struct Sample;

impl<'de> Shape<'de> for Sample {
    type Value = ArrayVec<NodeRef, MAX_SAMPLE>;

    fn sequence<A: SeqAccess<'de>>(self, mut items: A, context: &mut Context<'de>) -> Result<Self::Value, A::Error> {
        let mut peers = ArrayVec::new();
        while let Some(peer) = items.next_element_seed(Reader::new(context, Plain(node)))? {
            if peers.try_push(peer).is_err() {
                return Err(context.refuse(RefusalReason::WrongLength));
            }
        }
        Ok(peers)
    }
}

/// So many bytes, as bin or, in JSON, as hex digits.
struct Bytes<const N: usize>;

impl<'de, const N: usize> Shape<'de> for Bytes<N> {
    type Value = [u8; N];

    fn scalar(self, value: Scalar<'de>, context: &Context<'de>) -> Result<[u8; N], RefusalReason> {
        match (value, context.format) {
            (Scalar::Bytes(bytes), Format::MessagePack(_)) => bytes.try_into().map_err(|_| RefusalReason::WrongLength),
            (Scalar::Text(digits), Format::Json) => {
                let mut bytes = [0; N];
                hex::decode_to_slice(digits.as_bytes(), &mut bytes).map_err(hex_reason)?;
                Ok(bytes)
            }
            (other, Format::MessagePack(_) | Format::Json) => Err(other.wrong_type()),
        }
    }
}

/// `pad`: only its length matters.
struct Padding;

impl<'de> Shape<'de> for Padding {
    type Value = u16;

    fn scalar(self, value: Scalar<'de>, context: &Context<'de>) -> Result<u16, RefusalReason> {
        let length = match (value, context.format) {
            (Scalar::Bytes(bytes), Format::MessagePack(_)) => bytes.len(),
            (Scalar::Text(digits), Format::Json) => {
                let mut bytes = [0; MAX_DATAGRAM];
                let length = digits.len() / 2;
                let bytes = bytes.get_mut(..length).ok_or(RefusalReason::WrongLength)?;
                hex::decode_to_slice(digits.as_bytes(), bytes).map_err(hex_reason)?;
                length
            }
            (other, Format::MessagePack(_) | Format::Json) => return Err(other.wrong_type()),
        };
        u16::try_from(length).map_err(|_| RefusalReason::WrongLength)
    }
}

fn hex_reason(error: hex::FromHexError) -> RefusalReason {
    match error {
        hex::FromHexError::InvalidHexCharacter { .. } => RefusalReason::WrongType,
        hex::FromHexError::OddLength | hex::FromHexError::InvalidStringLength => RefusalReason::WrongLength,
    }
}

fn message_type(value: Scalar<'_>) -> Result<MessageType, RefusalReason> {
    let Scalar::Text(text) = value else { return Err(value.wrong_type()) };
    MessageType::ALL.into_iter().find(|known| known.as_str() == text).ok_or(RefusalReason::UnknownType)
}

fn node(value: Scalar<'_>) -> Result<NodeRef, RefusalReason> {
    if let Scalar::Text(text) = value {
        return NodeRef::parse(&text).map_err(|_| RefusalReason::Address);
    }
    let port = u16::try_from(uint(value)?).ok().and_then(NonZeroU16::new);
    port.map(NodeRef::Port).ok_or(RefusalReason::OutOfRange)
}

fn reachable_address(value: Scalar<'_>) -> Result<SocketAddr, RefusalReason> {
    let Scalar::Text(text) = value else { return Err(value.wrong_type()) };
    address::parse(&text).map_err(|_| RefusalReason::Address)
}

fn ttl(value: Scalar<'_>) -> Result<Ttl, RefusalReason> {
    u8::try_from(uint(value)?).map(Ttl).map_err(|_| RefusalReason::OutOfRange)
}

fn uint(value: Scalar<'_>) -> Result<u64, RefusalReason> {
    match value {
        Scalar::Uint(number) => Ok(number),
        Scalar::Negative => Err(RefusalReason::OutOfRange),
        other => Err(other.wrong_type()),
    }
}

fn truth(value: Scalar<'_>) -> Result<bool, RefusalReason> {
    match value {
        Scalar::Bool(truth) => Ok(truth),
        other => Err(other.wrong_type()),
    }
}
