//! What must be accepted, and how it is read.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use super::*;
use crate::protocol::address::NodeRef;
use crate::protocol::message::{KnownDigest, MessageId, Ttl};

fn port(number: u16) -> NodeRef {
    NodeRef::Port(NonZeroU16::new(number).expect("not 0"))
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn a_plain_message_of_six_fields_decodes() {
    let message = |body| Ok(Message { id: MessageId(7), forwarder: port(5001), originator: port(5001), body });
    assert_eq!(Fields::ping().decode(), message(Body::Ping(None)));
    assert_eq!(Fields::pong().decode(), message(Body::Pong(None)));
    let announcement = Announcement { ttl: Ttl(2), exponent: 31, signature: None };
    assert_eq!(Fields::prime().decode(), message(Body::Prime(announcement)));
}

#[test]
fn an_empty_map_as_data_is_not_nil() {
    let [ping, pong] = Fields::greetings(Fields::none());
    assert_eq!(ping.exchange(), Exchange::default());
    assert_eq!(pong.exchange(), Exchange::default());
}

#[test]
fn the_fields_may_come_in_any_order() {
    let expected = Fields::signed().decode();
    assert!(expected.is_ok());
    let mut fields = Fields::signed();
    for _ in 0..fields.0.len() {
        fields.0.rotate_left(1);
        assert_eq!(fields.clone().decode(), expected);
        let mut backwards = fields.clone();
        backwards.0.reverse();
        assert_eq!(backwards.decode(), expected);
    }
}

#[test]
fn names_that_mean_nothing_are_skipped_whatever_their_values() {
    let odd_values = [
        value(()),
        value(true),
        value(-5),
        value(1.5f32),
        value(1.5f64),
        value("text"),
        vec![0xa2, 0xff, 0xfe],
        bin(&[1, 2, 3]),
        bin16(&[0; 300]),
        array(&[value(1), value("x"), array(&[])]),
        Fields::none().with_key(value(1), value(1)).with_key(value(1), bin(&[])).bytes(),
        vec![0xd4, 0xff, 0x00],
        vec![0xd8, 0x05, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        vec![0xc7, 0x00, 0x05],
        vec![0xdd, 0, 0, 0, 1, 0xc0],
        vec![0xdf, 0, 0, 0, 1, 0xc0, 0xc0],
    ];
    for odd in odd_values {
        let message = Fields(
            [Fields::none().with("new", odd.clone()).0, Fields::ping().0, Fields::none().with("", odd.clone()).0]
                .concat(),
        );
        assert_eq!(message.decode(), Fields::ping().decode(), "{odd:02x?}");
        for greeting in Fields::greetings(Fields::none().with("new", odd.clone()).with("nonce", value(5))) {
            assert_eq!(greeting.exchange().nonce, Some(5), "{odd:02x?}");
        }
    }
}

#[test]
fn up_to_32_names_that_mean_nothing_are_skipped_in_each_map() {
    let strange = |mut fields: Fields| {
        for n in 0..32 {
            fields = fields.with(&format!("x{n}"), value(n));
        }
        fields
    };
    let message = strange(Fields::ping().set("data", strange(Fields::none()).bytes()));
    assert_eq!(message.exchange(), Exchange::default());
}

#[test]
fn nesting_of_eight_levels_is_read_over() {
    // The message is level 1, its data level 2.
    for nested in [arrays, maps, maps_as_keys, extension] {
        assert_eq!(Fields::ping().with("new", nested(7)).decode(), Fields::ping().decode());
        for greeting in Fields::greetings(Fields::none().with("new", nested(6))) {
            assert_eq!(greeting.exchange(), Exchange::default());
        }
    }
}

#[test]
fn a_long_row_of_nested_values_is_not_deep() {
    let row = array(&vec![arrays(6); 15]);
    assert_eq!(Fields::ping().with("new", row.clone()).with("newer", row).decode(), Fields::ping().decode());
}

#[test]
fn whole_numbers_are_read_however_they_are_written() {
    let forms: [&[u8]; 9] = [
        &[0x1f],
        &[0xcc, 31],
        &[0xcd, 0, 31],
        &[0xce, 0, 0, 0, 31],
        &[0xcf, 0, 0, 0, 0, 0, 0, 0, 31],
        &[0xd0, 31],
        &[0xd1, 0, 31],
        &[0xd2, 0, 0, 0, 31],
        &[0xd3, 0, 0, 0, 0, 0, 0, 0, 31],
    ];
    for form in forms {
        let message = Fields::prime().set("msg_id", form.to_vec()).set("ttl", form.to_vec()).set("data", form.to_vec());
        let message = message.set("msg_forwarder", form.to_vec()).decode().expect("accepted");
        assert_eq!((message.id, message.forwarder), (MessageId(31), port(31)), "{form:02x?}");
        assert_eq!(
            message.body,
            Body::Prime(Announcement { ttl: Ttl(31), exponent: 31, signature: None }),
            "{form:02x?}"
        );
    }
}

#[test]
fn numbers_may_be_as_large_as_their_fields_allow() {
    let largest = Fields::prime().set("msg_id", value(u64::MAX)).set("data", value(u64::MAX)).set("ttl", value(255));
    assert_eq!(largest.clone().decode().expect("accepted").id, MessageId(u64::MAX));
    assert_eq!(largest.announcement(), Announcement { ttl: Ttl(255), exponent: u64::MAX, signature: None });
    for number in [1, 65_535] {
        assert_eq!(
            Fields::ping().set("msg_forwarder", value(number)).decode().expect("accepted").forwarder,
            port(number)
        );
    }
}

#[test]
fn a_node_may_be_an_address() {
    let message = Fields::ping()
        .set("msg_forwarder", value("[::ffff:192.0.2.1]:5001"))
        .set("msg_originator", value("[2001:db8::1]:5002"))
        .decode()
        .expect("accepted");
    assert_eq!(message.forwarder, NodeRef::Address(address("192.0.2.1:5001")));
    assert_eq!(message.originator, NodeRef::Address(address("[2001:db8::1]:5002")));
}

#[test]
fn bytes_may_have_any_length_prefix_of_bin() {
    let short = Fields::prime().with("key", bin(&[1; 32])).with("sig", bin(&[2; 64])).announcement();
    let signature = short.signature.expect("signed");
    assert_eq!((signature.key, signature.sig), ([1; 32], [2; 64]));
    let bin32 = [&[0xc6, 0, 0, 0, 64][..], &[2; 64]].concat();
    assert_eq!(Fields::prime().with("sig", bin32).with("key", bin16(&[1; 32])).announcement(), short);
}

#[test]
fn every_key_of_the_exchange_is_read() {
    let common = || {
        Fields::none()
            .with("nonce", value(1))
            .with("echo", value(2))
            .with("known", value((3, 4, 5)))
            .with("peers", array(&[value(6), value("192.0.2.7:7")]))
            .with("instance", value(8))
            .with("frontier", value(9))
    };
    let expected = Exchange {
        nonce: Some(1),
        echo: Some(2),
        known: Some(KnownDigest { count: 3, largest: 4, xor: 5 }),
        peers: [port(6), NodeRef::Address(address("192.0.2.7:7"))].into_iter().collect(),
        instance: Some(8),
        frontier: Some(9),
        ..Exchange::default()
    };
    let ping = common().with("alone", value(true)).with("leave", value(true)).with("pad", bin(&[1; 5]));
    let [ping, _] = Fields::greetings(ping);
    assert_eq!(ping.exchange(), Exchange { alone: true, leave: true, pad: 5, ..expected.clone() });
    let [_, pong] = Fields::greetings(common().with("accept", value(false)).with("you", value("192.0.2.1:1")));
    assert_eq!(pong.exchange(), Exchange { accept: Some(false), you: Some(address("192.0.2.1:1")), ..expected });
}

#[test]
fn keys_that_the_message_type_does_not_have_are_ignored() {
    let all = Fields::none().with("alone", value(true)).with("leave", value(true)).with("pad", bin(&[0; 5]));
    let all = all.with("accept", value(true)).with("you", value("192.0.2.1:1"));
    let [ping, pong] = Fields::greetings(all);
    assert_eq!(ping.exchange(), Exchange { alone: true, leave: true, pad: 5, ..Exchange::default() });
    let you = Some(address("192.0.2.1:1"));
    assert_eq!(pong.exchange(), Exchange { accept: Some(true), you, ..Exchange::default() });
}

#[test]
fn a_sample_has_up_to_seven_nodes() {
    for count in 0..=7 {
        let peers = array(&vec![value(5001); count]);
        let [ping, _] = Fields::greetings(Fields::none().with("peers", peers));
        assert_eq!(ping.exchange().peers.len(), count);
    }
}

#[test]
fn a_datagram_may_have_1200_bytes() {
    let padded = |pad: usize| Fields::greetings(Fields::none().with("pad", bin16(&vec![0; pad])))[0].clone();
    let room = 1_200 - padded(0).bytes().len();
    assert_eq!(padded(room).bytes().len(), 1_200);
    assert_eq!(usize::from(padded(room).exchange().pad), room);
    assert_eq!(padded(room + 1).decode(), Err(Refusal::whole(RefusalReason::TooLong)));
}
