//! Whatever a node can say arrives as it was said, as a datagram and as JSON, and fits.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use mersenned::protocol::address::{NodeRef, reachable};
use mersenned::protocol::codec::{decode, encode};
use mersenned::protocol::json::{MAX_JSON, from_json, to_json};
use mersenned::protocol::message::{
    Announcement, Body, Exchange, KnownDigest, MAX_DATAGRAM, MAX_SAMPLE, Message, MessageId, Signature, Ttl,
};
use proptest::array::{uniform4, uniform8, uniform32};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Numbers of every length, those at the edges of MessagePack's forms more often.
fn number() -> impl Strategy<Value = u64> {
    const EDGES: &[u64] = &[0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX];
    prop_oneof![any::<u64>(), (any::<u64>(), 0..64u32).prop_map(|(n, bits)| n >> bits), proptest::sample::select(EDGES)]
}

fn address() -> impl Strategy<Value = SocketAddr> {
    // Few bits set: runs of zeroes are what IPv6 text shortens.
    let segment = prop_oneof![Just(0u16), any::<u16>()];
    let ip = prop_oneof![
        uniform4(any::<u8>()).prop_map(|octets| SocketAddr::from((octets, 0))),
        uniform8(segment).prop_map(|segments| SocketAddr::from((segments, 0))),
    ];
    (ip, 1..=u16::MAX).prop_filter_map("cannot be reached", |(mut address, port)| {
        address.set_port(port);
        reachable(address).ok()
    })
}

fn node() -> impl Strategy<Value = NodeRef> {
    let port = (1..=u16::MAX).prop_map(|port| NodeRef::Port(NonZeroU16::new(port).expect("not 0")));
    prop_oneof![port, address().prop_map(NodeRef::Address)]
}

fn known() -> impl Strategy<Value = KnownDigest> {
    (number(), number(), number()).prop_map(|(count, largest, xor)| KnownDigest { count, largest, xor })
}

/// What PING and PONG have in common.
fn common() -> impl Strategy<Value = Exchange> {
    let numbers = (option::of(number()), option::of(number()), option::of(number()), option::of(number()));
    (numbers, option::of(known()), vec(node(), 0..=MAX_SAMPLE)).prop_map(|(numbers, known, peers)| {
        let (nonce, echo, instance, frontier) = numbers;
        Exchange { nonce, echo, known, peers: peers.into_iter().collect(), instance, frontier, ..Exchange::default() }
    })
}

fn ping() -> impl Strategy<Value = Body> {
    // Together with everything else, 500 bytes of padding still fit.
    let exchange = (common(), any::<bool>(), any::<bool>(), 0..=500u16)
        .prop_map(|(common, alone, leave, pad)| Exchange { alone, leave, pad, ..common });
    option::of(exchange).prop_map(Body::Ping)
}

fn pong() -> impl Strategy<Value = Body> {
    let exchange = (common(), any::<Option<bool>>(), option::of(address()))
        .prop_map(|(common, accept, you)| Exchange { accept, you, ..common });
    option::of(exchange).prop_map(Body::Pong)
}

fn prime() -> impl Strategy<Value = Body> {
    let signature = (any::<[u8; 32]>(), uniform32(any::<[u8; 2]>())).prop_map(|(key, halves)| {
        let mut sig = [0; 64];
        sig.copy_from_slice(halves.as_flattened());
        Signature { key, sig }
    });
    (any::<u8>(), number(), option::of(signature))
        .prop_map(|(ttl, exponent, signature)| Body::Prime(Announcement { ttl: Ttl(ttl), exponent, signature }))
}

fn message() -> impl Strategy<Value = Message> {
    (number(), node(), node(), prop_oneof![ping(), pong(), prime()])
        .prop_map(|(id, forwarder, originator, body)| Message { id: MessageId(id), forwarder, originator, body })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_arrives_as_it_was_said(message in message()) {
        let mut datagram = Vec::new();
        encode(&message, &mut datagram);
        prop_assert!(datagram.len() <= MAX_DATAGRAM, "{} bytes", datagram.len());
        prop_assert_eq!(decode(&datagram), Ok(message.clone()));
        let json = to_json(&message).to_string();
        prop_assert!(json.len() <= MAX_JSON, "{} bytes of JSON", json.len());
        prop_assert_eq!(from_json(json.as_bytes()), Ok(message));
    }

    #[test]
    fn random_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..=MAX_DATAGRAM + 1)) {
        let _ = decode(&bytes);
        let _ = from_json(&bytes);
    }
}
