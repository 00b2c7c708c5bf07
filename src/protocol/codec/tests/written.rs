//! What is written, where a round trip cannot show it.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU16;

use super::*;
use crate::protocol::address::NodeRef;
use crate::protocol::message::{KnownDigest, MAX_DATAGRAM, MAX_SAMPLE, MessageId, Signature, Ttl};

fn message(body: Body) -> Message {
    let node = NodeRef::Port(NonZeroU16::MIN);
    Message { id: MessageId(7), forwarder: node, originator: node, body }
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut datagram = Vec::new();
    encode(message, &mut datagram);
    datagram
}

/// An IPv6 address that is as long as text as any.
fn longest() -> SocketAddr {
    SocketAddr::from((Ipv6Addr::from([0xfdff; 8]), 65_535))
}

fn fullest() -> Exchange {
    Exchange {
        nonce: Some(u64::MAX),
        echo: Some(u64::MAX),
        known: Some(KnownDigest { count: u64::MAX, largest: u64::MAX, xor: u64::MAX }),
        peers: [NodeRef::Address(longest()); MAX_SAMPLE].into(),
        instance: Some(u64::MAX),
        alone: true,
        leave: true,
        accept: Some(false),
        you: Some(longest()),
        frontier: Some(u64::MAX),
        pad: 0,
    }
}

#[test]
fn a_message_is_written_after_what_is_there() {
    let message = message(Body::Ping(None));
    let mut datagram = b"before".to_vec();
    encode(&message, &mut datagram);
    assert_eq!(datagram, [b"before", &encoded(&message)[..]].concat());
}

#[test]
fn the_longest_messages_fit_a_datagram() {
    let node = NodeRef::Address(longest());
    let signature = Some(Signature { key: [255; 32], sig: [255; 64] });
    let prime = Announcement { ttl: Ttl(255), exponent: u64::MAX, signature };
    let lengths = [Body::Ping(Some(fullest())), Body::Pong(Some(fullest())), Body::Prime(prime)].map(|body| {
        let message = Message { id: MessageId(u64::MAX), forwarder: node, originator: node, body };
        encoded(&message).len()
    });
    assert_eq!(lengths, [632, 679, 287]);
    assert!(lengths.iter().all(|length| *length <= MAX_DATAGRAM));
}

#[test]
fn keys_that_the_message_type_does_not_have_are_not_written() {
    let full = Exchange { pad: 5, ..fullest() };
    let ping = decode(&encoded(&message(Body::Ping(Some(full.clone())))));
    assert_eq!(ping, Ok(message(Body::Ping(Some(Exchange { accept: None, you: None, ..full.clone() })))));
    let in_ping = encoded(&message(Body::Ping(Some(full.clone()))));
    let in_pong = encoded(&message(Body::Pong(Some(full))));
    let has = |datagram: &[u8], key: &str| datagram.windows(key.len() + 1).any(|window| window == value(key));
    for key in ["alone", "leave", "pad"] {
        assert!(has(&in_ping, key) && !has(&in_pong, key), "{key}");
    }
    for key in ["accept", "you"] {
        assert!(!has(&in_ping, key) && has(&in_pong, key), "{key}");
    }
}

#[test]
fn a_zone_is_not_written() {
    let zoned = SocketAddr::V6(SocketAddrV6::new("fe80::1".parse().expect("an address"), 5001, 0, 3));
    let node = NodeRef::Address(zoned);
    let exchange = Exchange { peers: [node].into_iter().collect(), you: Some(zoned), ..Exchange::default() };
    let message = Message { id: MessageId(7), forwarder: node, originator: node, body: Body::Pong(Some(exchange)) };
    let plain = "[fe80::1]:5001".parse().expect("an address");
    let read = decode(&encoded(&message)).expect("accepted");
    assert_eq!((read.forwarder, read.originator), (NodeRef::Address(plain), NodeRef::Address(plain)));
    let Body::Pong(Some(exchange)) = read.body else { panic!("not a PONG with a map") };
    assert_eq!((exchange.peers[0], exchange.you), (NodeRef::Address(plain), Some(plain)));
}

#[test]
fn padding_is_cut_at_the_length_of_a_datagram() {
    let padded = |pad| encoded(&message(Body::Ping(Some(Exchange { pad, ..Exchange::default() })))).len();
    assert_eq!(padded(u16::MAX), padded(1_200));
    assert_eq!(padded(1_200) - padded(1_100), 100);
}
