//! The rules of protocol.md, section 2. Datagrams are put together by hand, value by value, so that they can be wrong.

use serde::Serialize;

use super::*;
use crate::protocol::message::{Announcement, Body, Exchange, Message};

mod accepted;
mod refused;
mod written;

/// A datagram in the making: names and values, each already MessagePack.
#[derive(Clone)]
struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    /// No fields.
    fn none() -> Fields {
        Fields(Vec::new())
    }

    fn ping() -> Fields {
        Fields::none()
            .with("msg_type", value("PING"))
            .with("msg_id", value(7))
            .with("msg_forwarder", value(5001))
            .with("msg_originator", value(5001))
            .with("ttl", value(0))
            .with("data", value(()))
    }

    fn pong() -> Fields {
        Fields::ping().set("msg_type", value("PONG"))
    }

    fn prime() -> Fields {
        Fields::ping().set("msg_type", value("PRIME")).set("ttl", value(2)).set("data", value(31))
    }

    fn signed() -> Fields {
        Fields::prime().with("key", bin(&[1; 32])).with("sig", bin(&[2; 64]))
    }

    /// A PING and a PONG that carry this.
    fn greetings(exchange: Fields) -> [Fields; 2] {
        [Fields::ping(), Fields::pong()].map(|message| message.set("data", exchange.clone().bytes()))
    }

    /// One field more, at the end.
    fn with(self, name: &str, value: Vec<u8>) -> Fields {
        self.with_key(self::value(name), value)
    }

    /// One field more, with any value for its name.
    fn with_key(mut self, key: Vec<u8>, value: Vec<u8>) -> Fields {
        self.0.push((key, value));
        self
    }

    fn without(mut self, name: &str) -> Fields {
        self.0.retain(|(key, _)| *key != value(name));
        self
    }

    /// Another value for a field that is there.
    fn set(mut self, name: &str, value: Vec<u8>) -> Fields {
        let field = self.0.iter_mut().find(|(key, _)| *key == self::value(name)).expect("the field is there");
        field.1 = value;
        self
    }

    fn bytes(self) -> Vec<u8> {
        let mut bytes = map_header(self.0.len());
        for (key, value) in self.0 {
            bytes.extend(key);
            bytes.extend(value);
        }
        bytes
    }

    fn decode(self) -> Result<Message, Refusal> {
        decode(&self.bytes())
    }

    /// What a PRIME that must decode says.
    fn announcement(self) -> Announcement {
        match self.decode().expect("accepted").body {
            Body::Prime(announcement) => announcement,
            Body::Ping(_) | Body::Pong(_) => panic!("not a PRIME"),
        }
    }

    /// What a PING or PONG that must decode carries.
    fn exchange(self) -> Exchange {
        match self.decode().expect("accepted").body {
            Body::Ping(Some(exchange)) | Body::Pong(Some(exchange)) => exchange,
            Body::Ping(None) | Body::Pong(None) | Body::Prime(_) => panic!("carries no map"),
        }
    }
}

/// Anything serde knows, as MessagePack.
fn value(value: impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec(&value).expect("MessagePack")
}

/// Up to 255 bytes.
fn bin(bytes: &[u8]) -> Vec<u8> {
    [&[0xc4, u8::try_from(bytes.len()).expect("short")], bytes].concat()
}

/// Up to 65,535 bytes.
fn bin16(bytes: &[u8]) -> Vec<u8> {
    let [m, n] = u16::try_from(bytes.len()).expect("short").to_be_bytes();
    [&[0xc5, m, n], bytes].concat()
}

fn map_header(entries: usize) -> Vec<u8> {
    let [m, n] = u16::try_from(entries).expect("few").to_be_bytes();
    vec![0xde, m, n]
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0x90 | u8::try_from(items.len()).expect("few")];
    bytes.extend(items.concat());
    bytes
}

/// Nil inside so many arrays.
fn arrays(depth: usize) -> Vec<u8> {
    [vec![0x91; depth], value(())].concat()
}

/// Nil inside so many maps of one entry.
fn maps(depth: usize) -> Vec<u8> {
    [[0x81, 0x00].repeat(depth), value(())].concat()
}

/// Nil as the key of a map that is the key of a map, and so on.
fn maps_as_keys(depth: usize) -> Vec<u8> {
    [vec![0x81; depth], value(()), vec![0x00; depth]].concat()
}

/// An extension inside arrays, so many levels in all.
fn extension(depth: usize) -> Vec<u8> {
    [vec![0x91; depth - 1], vec![0xc7, 0x03, 0x05, 1, 2, 3]].concat()
}
