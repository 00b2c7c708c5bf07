//! What must be refused, and why it is said to be.

use std::collections::BTreeSet;

use super::*;
use RefusalReason::*;

/// Whatever of these decodes, or is refused for another reason, fails the test.
#[track_caller]
fn refused(message: Fields, reason: RefusalReason, field: impl Into<Option<&'static str>>) {
    assert_eq!(message.decode(), Err(Refusal { reason, field: field.into() }));
}

/// A PING and a PONG are both refused for one key of their map.
#[track_caller]
fn exchange_refused(name: &'static str, content: Vec<u8>, reason: RefusalReason) {
    for greeting in Fields::greetings(Fields::none().with(name, content)) {
        refused(greeting, reason, name);
    }
}

/// What is refused where a whole number is wanted.
fn no_numbers() -> [(Vec<u8>, RefusalReason); 9] {
    [
        (value(()), WrongType),
        (value(true), WrongType),
        (value(5.0f64), WrongType),
        (value(5.0f32), WrongType),
        (value("5"), WrongType),
        (bin(&[5]), WrongType),
        (array(&[value(5)]), WrongType),
        (vec![0xd4, 0x00, 0x05], WrongType),
        (value(-1), OutOfRange),
    ]
}

#[test]
fn more_than_1200_bytes_are_refused_before_they_are_looked_at() {
    assert_eq!(decode(&[0xc1; 1_201]), Err(Refusal::whole(TooLong)));
    assert_eq!(decode(&[0xc1; 1_200]), Err(Refusal::whole(Malformed)));
    assert_eq!(decode(&[0x91; 65_507]), Err(Refusal::whole(TooLong)));
}

#[test]
fn a_datagram_that_ends_too_early_is_refused_wherever_it_ends() {
    let exchange = Fields::none().with("peers", array(&[value(1), value("192.0.2.1:5001")])).with("pad", bin(&[0; 9]));
    for whole in [Fields::greetings(exchange)[0].clone().bytes(), Fields::signed().bytes()] {
        assert!(decode(&whole).is_ok());
        for end in 0..whole.len() {
            assert_eq!(decode(&whole[..end]).map_err(|refusal| refusal.reason), Err(Truncated), "after {end} bytes");
        }
    }
}

#[test]
fn a_length_beyond_the_end_is_refused() {
    let huge: [&[u8]; 8] = [
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0xc6, 0xff, 0xff, 0xff, 0xff],
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xc9, 0xff, 0xff, 0xff, 0xff, 0x00],
        &[0xda, 0xff, 0xff],
        &[0xdc, 0xff, 0xff],
        &[0xde, 0xff, 0xff],
    ];
    for value in huge {
        refused(Fields::ping().with("new", value.to_vec()), Truncated, None);
    }
    assert_eq!(decode(&[0xdf, 0xff, 0xff, 0xff, 0xff]), Err(Refusal::whole(Truncated)));
}

#[test]
fn whatever_follows_the_message_is_refused() {
    for rest in [value(()), value(0), Fields::ping().bytes(), vec![0xc1], vec![0xd9], vec![0x91; 900], vec![0xc7, 0xff]]
    {
        let datagram = [Fields::ping().bytes(), rest.clone()].concat();
        assert_eq!(decode(&datagram), Err(Refusal::whole(Trailing)), "{rest:02x?}");
    }
}

#[test]
fn nesting_of_nine_levels_is_refused() {
    for nested in [arrays, maps, maps_as_keys, extension] {
        for depth in [8, 9, 100, 500] {
            refused(Fields::ping().with("new", nested(depth)), TooDeep, None);
            for greeting in Fields::greetings(Fields::none().with("new", nested(depth - 1))) {
                refused(greeting, TooDeep, "data");
            }
        }
    }
}

#[test]
fn a_message_that_is_not_a_map_is_refused() {
    let in_order = array(&[value("PING"), value(7), value(5001), value(5001), value(0), value(())]);
    for other in
        [in_order, array(&[]), value(()), value(7), value(-7), value(0.5), value("PING"), bin(&[1]), value(true)]
    {
        assert_eq!(decode(&other), Err(Refusal::whole(NotAMap)), "{other:02x?}");
    }
    assert_eq!(decode(&[0xd4, 0, 0]), Err(Refusal::whole(NotAMap)));
}

#[test]
fn data_in_array_form_is_refused() {
    for message in [Fields::ping(), Fields::pong(), Fields::prime()] {
        refused(message.clone().set("data", array(&[value(1), value(2)])), WrongType, "data");
        refused(message.set("data", array(&[])), WrongType, "data");
    }
}

#[test]
fn a_name_must_be_a_string() {
    for key in [value(0), value(-1), value(()), value(true), value(1.5), bin(b"data"), bin(b"new"), array(&[])] {
        refused(Fields::ping().with_key(key.clone(), value(())), KeyNotText, None);
        for greeting in Fields::greetings(Fields::none().with_key(key.clone(), value(5))) {
            refused(greeting, KeyNotText, "data");
        }
    }
    refused(Fields::ping().with_key(vec![0xa2, 0xff, 0xfe], value(())), Malformed, None);
}

#[test]
fn a_name_that_comes_twice_is_refused() {
    for (key, content) in Fields::signed().0 {
        let Err(refusal) = Fields::signed().with_key(key, content).decode() else { panic!("accepted") };
        assert_eq!(refusal.reason, DuplicateField);
        assert!(refusal.field.is_some());
    }
    refused(Fields::ping().with("new", value(1)).with("newer", value(2)).with("new", value(3)), DuplicateField, None);
}

#[test]
fn a_key_of_the_exchange_that_comes_twice_is_refused() {
    let keys = [
        ("nonce", value(1)),
        ("echo", value(1)),
        ("known", value((1, 2, 3))),
        ("peers", array(&[])),
        ("instance", value(1)),
        ("alone", value(false)),
        ("leave", value(false)),
        ("accept", value(false)),
        ("you", value("192.0.2.1:1")),
        ("frontier", value(1)),
        ("pad", bin(&[])),
    ];
    for (name, content) in keys {
        for greeting in Fields::greetings(Fields::none().with(name, content.clone()).with(name, content)) {
            refused(greeting, DuplicateField, name);
        }
    }
    for greeting in Fields::greetings(Fields::none().with("new", value(1)).with("new", value(1))) {
        refused(greeting, DuplicateField, None);
    }
}

#[test]
fn more_than_32_names_that_mean_nothing_are_refused() {
    let strange = |mut fields: Fields| {
        for n in 0..33 {
            fields = fields.with(&format!("x{n}"), value(n));
        }
        fields
    };
    refused(strange(Fields::ping()), TooManyFields, None);
    for greeting in Fields::greetings(strange(Fields::none())) {
        refused(greeting, TooManyFields, "data");
    }
}

#[test]
fn each_of_the_six_fields_must_be_there() {
    for name in ["msg_type", "msg_id", "msg_forwarder", "msg_originator", "ttl", "data"] {
        for message in [Fields::ping(), Fields::pong(), Fields::prime()] {
            refused(message.without(name), MissingField, name);
        }
    }
}

#[test]
fn the_message_type_is_one_of_three_strings() {
    for other in ["ping", "PING ", "", "PRIMES"] {
        refused(Fields::ping().set("msg_type", value(other)), UnknownType, "msg_type");
    }
    for other in [value(0), value(()), bin(b"PING"), array(&[value("PING")])] {
        refused(Fields::ping().set("msg_type", other), WrongType, "msg_type");
    }
}

#[test]
fn numbers_must_be_whole_and_not_negative() {
    for (content, reason) in no_numbers() {
        refused(Fields::ping().set("msg_id", content.clone()), reason, "msg_id");
        refused(Fields::prime().set("ttl", content.clone()), reason, "ttl");
        for name in ["nonce", "echo", "instance", "frontier"] {
            exchange_refused(name, content.clone(), reason);
        }
        exchange_refused("known", array(&[value(1), content, value(3)]), reason);
    }
}

#[test]
fn a_ttl_is_at_most_255_and_zero_for_ping_and_pong() {
    refused(Fields::prime().set("ttl", value(256)), OutOfRange, "ttl");
    refused(Fields::prime().set("ttl", value(u64::MAX)), OutOfRange, "ttl");
    refused(Fields::ping().set("ttl", value(1)), OutOfRange, "ttl");
    refused(Fields::pong().set("ttl", value(255)), OutOfRange, "ttl");
}

#[test]
fn a_node_is_a_port_or_an_address_that_can_be_reached() {
    for name in ["msg_forwarder", "msg_originator"] {
        for number in [0, 65_536, u64::MAX] {
            refused(Fields::ping().set(name, value(number)), OutOfRange, name);
        }
        refused(Fields::ping().set(name, value(-5001)), OutOfRange, name);
        for other in [value(()), value(5001.0), value(true), bin(b"192.0.2.1:5001"), array(&[value(5001)])] {
            refused(Fields::ping().set(name, other), WrongType, name);
        }
        for text in ["", "5001", "node-1", "192.0.2.1", "192.0.2.1:0", "0.0.0.0:5001", "224.0.0.1:5001", "[::1%1]:5001"]
        {
            refused(Fields::ping().set(name, value(text)), Address, name);
        }
    }
}

#[test]
fn data_is_what_the_message_type_wants() {
    for message in [Fields::ping(), Fields::pong()] {
        refused(message.clone().set("data", value(31)), WrongType, "data");
        refused(message.clone().set("data", value("nil")), WrongType, "data");
        refused(message.clone().set("data", value(false)), WrongType, "data");
        refused(message.set("data", bin(&[])), WrongType, "data");
    }
    for (content, reason) in no_numbers() {
        refused(Fields::prime().set("data", content), reason, "data");
    }
    refused(Fields::prime().set("data", Fields::none().bytes()), WrongType, "data");
}

#[test]
fn key_and_signature_come_together_and_in_a_prime_only() {
    refused(Fields::signed().without("sig"), MissingField, "sig");
    refused(Fields::signed().without("key"), MissingField, "key");
    for greeting in [Fields::ping(), Fields::pong()] {
        refused(greeting.with("key", bin(&[1; 32])).with("sig", bin(&[2; 64])), Misplaced, "key");
    }
}

#[test]
fn key_and_signature_have_their_exact_lengths() {
    for length in [0, 31, 33, 64, 255] {
        refused(Fields::signed().set("key", bin(&vec![1; length])), WrongLength, "key");
    }
    for length in [0, 32, 63, 65, 255] {
        refused(Fields::signed().set("sig", bin(&vec![1; length])), WrongLength, "sig");
    }
}

#[test]
fn bytes_must_be_written_as_bin() {
    let arrays = |length: u8| [&[0xdc, 0, length][..], &vec![1; usize::from(length)]].concat();
    let text = |length: u8, byte: u8| [&[0xd9, length][..], &vec![byte; usize::from(length)]].concat();
    for (name, length) in [("key", 32), ("sig", 64)] {
        for other in [arrays(length), text(length, b'a'), value(()), value(1)] {
            refused(Fields::signed().set(name, other), WrongType, name);
        }
        // What rmp-serde hands over as if it were bin.
        refused(Fields::signed().set(name, text(length, 0xff)), Malformed, name);
        refused(
            Fields::signed().set(name, [&[0xda, 0, length][..], &vec![0xc4; 64][..length.into()]].concat()),
            Malformed,
            name,
        );
    }
    for other in [arrays(5), text(5, b'a'), value(()), value(5), value(false)] {
        exchange_refused("pad", other, WrongType);
    }
    for header in [vec![0xa5], vec![0xd9, 5], vec![0xda, 0, 5], vec![0xdb, 0, 0, 0, 5]] {
        exchange_refused("pad", [header, vec![0xff; 5]].concat(), Malformed);
    }
}

#[test]
fn a_digest_has_exactly_three_numbers() {
    for length in [0, 1, 2, 4, 15] {
        exchange_refused("known", array(&vec![value(1); length]), WrongLength);
    }
    // rmp-serde reads bin as an array where an array is asked for.
    for other in [value(()), value(1), bin(&[1, 2, 3]), value("123"), Fields::none().bytes(), vec![0xc7, 3, 1, 2, 3, 4]]
    {
        exchange_refused("known", other, WrongType);
    }
}

#[test]
fn a_sample_is_an_array_of_at_most_seven_nodes() {
    exchange_refused("peers", array(&vec![value(5001); 8]), WrongLength);
    for other in
        [value(()), value(5001), bin(&[80, 81]), value("192.0.2.1:5001"), Fields::none().bytes(), vec![0xd4, 5, 5]]
    {
        exchange_refused("peers", other, WrongType);
    }
    exchange_refused("peers", array(&[value(5001), value(0)]), OutOfRange);
    exchange_refused("peers", array(&[value(5001), value("192.0.2.1:0")]), Address);
    exchange_refused("peers", array(&[value(5001), array(&[value(5001)])]), WrongType);
}

#[test]
fn truth_values_are_true_or_false() {
    for name in ["alone", "leave", "accept"] {
        for other in [value(()), value(0), value(1), value("true"), bin(&[1]), array(&[value(true)])] {
            exchange_refused(name, other, WrongType);
        }
    }
}

#[test]
fn your_address_is_a_string() {
    for other in [value(()), value(5001), bin(b"192.0.2.1:5001"), array(&[])] {
        exchange_refused("you", other, WrongType);
    }
    for text in ["5001", "192.0.2.1:0", "[::]:5001", "localhost:5001"] {
        exchange_refused("you", value(text), Address);
    }
}

#[test]
fn what_is_not_messagepack_is_refused() {
    assert_eq!(decode(&[0xc1]), Err(Refusal::whole(Malformed)));
    refused(Fields::ping().with("new", vec![0xc1]), Malformed, None);
    refused(Fields::ping().set("msg_type", vec![0xa4, 0xff, 0xfe, 0xfd, 0xfc]), Malformed, "msg_type");
    refused(Fields::ping().set("msg_id", vec![0xc1]), Malformed, "msg_id");
}

#[test]
fn reasons_have_distinct_names_fit_for_a_label_in_the_order_of_their_discriminants() {
    for (place, reason) in RefusalReason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, place);
        assert!(reason.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{reason:?}");
    }
    let names: BTreeSet<&str> = RefusalReason::ALL.into_iter().map(RefusalReason::as_str).collect();
    assert_eq!(names.len(), RefusalReason::ALL.len());
}

#[test]
fn a_refusal_says_what_is_wrong_in_a_sentence_without_a_word_of_the_peers() {
    let evil = "evil\n\u{1b}[31m";
    let refusals = [
        Fields::ping().set("msg_type", value(evil)),
        Fields::ping().set("msg_forwarder", value(evil)),
        Fields::ping().set("ttl", value(evil)),
        Fields::ping().with(evil, value(1)).with(evil, value(1)),
        Fields::ping().set("data", Fields::none().with("you", value(evil)).bytes()),
    ];
    for message in refusals {
        let Err(refusal) = message.decode() else { panic!("accepted") };
        let sentence = refusal.to_string();
        assert!(!sentence.contains("evil") && !sentence.contains(char::is_control), "{sentence}");
    }
    let ttl = Fields::prime().set("ttl", value(256)).decode().expect_err("refused");
    assert_eq!(ttl.to_string(), "`ttl` is out of range");
    assert_eq!(ttl.expected(), Some("a whole number from 0 to 255, for PING and PONG 0"));
    let twice = Fields::ping().with("ttl", value(0)).decode().expect_err("refused");
    assert_eq!(twice.to_string(), "`ttl` is there twice");
}
