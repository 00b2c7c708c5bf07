//! JSON: what is different from a datagram, and that the rules are the same.

use super::*;
use crate::protocol::codec::encode;
use crate::protocol::message::{Body, Exchange, MAX_DATAGRAM, MessageId};

const PING: &str =
    r#"{"msg_type": "PING", "msg_id": 7, "msg_forwarder": 5001, "msg_originator": 5001, "ttl": 0, "data": null}"#;
const SIGNED: &str = r#"{"msg_type": "PRIME", "msg_id": 18446744073709551615, "msg_forwarder": 5001, "msg_originator": 5001, "ttl": 2, "data": 31, "key": "KEY", "sig": "SIG"}"#;

fn ping() -> Message {
    from_json(PING.as_bytes()).expect("accepted")
}

fn signed() -> String {
    SIGNED.replace("KEY", &"0a".repeat(32)).replace("SIG", &"0b".repeat(64))
}

#[track_caller]
fn refused(text: &str, reason: RefusalReason, field: impl Into<Option<&'static str>>) {
    assert_eq!(from_json(text.as_bytes()), Err(Refusal { reason, field: field.into() }), "{text}");
}

#[test]
fn a_plain_message_is_read_and_written() {
    assert_eq!(ping().body, Body::Ping(None));
    assert_eq!(to_json(&ping()), serde_json::from_str::<serde_json::Value>(PING).expect("JSON"));
    assert_eq!(from_json(format!(" \n{PING}\n").as_bytes()), Ok(ping()));
}

#[test]
fn bytes_are_hex_digits_and_numbers_exact() {
    let message = from_json(signed().as_bytes()).expect("accepted");
    assert_eq!(message.id, MessageId(u64::MAX));
    assert_eq!(from_json(signed().replace("0a", "0A").as_bytes()), Ok(message.clone()));
    let written = to_json(&message);
    assert_eq!(written["msg_id"].as_u64(), Some(u64::MAX));
    assert_eq!(written["key"], "0a".repeat(32));
    assert_eq!(written["sig"], "0b".repeat(64));
}

#[test]
fn names_and_values_may_be_written_with_escapes() {
    let escaped = PING.replace("msg_type", "msg\\u005ftype").replace("\"PING\"", "\"\\u0050ING\"");
    assert_eq!(from_json(escaped.as_bytes()), Ok(ping()));
    let with = |more: &str| PING.replace("null}", &format!("null, {more}}}"));
    assert_eq!(from_json(with(r#""n\u0065w": 1, "newer": "\n""#).as_bytes()), Ok(ping()));
    refused(&with(r#""n\u0065w": 1, "new": 2"#), RefusalReason::DuplicateField, None);
    refused(&with(r#""t\u0074l": 0"#), RefusalReason::DuplicateField, "ttl");
}

#[test]
fn the_rules_are_those_of_a_datagram() {
    use RefusalReason::*;
    let with = |more: &str| PING.replace("null}", &format!("null, {more}}}"));
    let data = |map: &str| PING.replace("null", map);
    refused("[\"PING\", 7, 5001, 5001, 0, null]", NotAMap, None);
    refused("7", NotAMap, None);
    refused(&PING.replace("\"ttl\": 0, ", ""), MissingField, "ttl");
    refused(&PING.replace("\"ttl\": 0", "\"ttl\": 256"), OutOfRange, "ttl");
    refused(&PING.replace("\"ttl\": 0", "\"ttl\": -1"), OutOfRange, "ttl");
    refused(&PING.replace("\"ttl\": 0", "\"ttl\": 0.0"), WrongType, "ttl");
    refused(&PING.replace("\"msg_id\": 7", "\"msg_id\": 18446744073709551616"), WrongType, "msg_id");
    refused(&PING.replace("\"msg_id\": 7", "\"msg_id\": \"7\""), WrongType, "msg_id");
    refused(&PING.replace("5001", "\"localhost:5001\""), Address, "msg_forwarder");
    refused(&PING.replace("\"PING\"", "\"ping\""), UnknownType, "msg_type");
    refused(&with("\"ttl\": 0"), DuplicateField, "ttl");
    refused(&data("[1, 2]"), WrongType, "data");
    refused(&data("{\"known\": [1, 2]}"), WrongLength, "known");
    refused(&data("{\"peers\": [1, 2, 3, 4, 5, 6, 7, 8]}"), WrongLength, "peers");
    refused(&data("{\"nonce\": null}"), WrongType, "nonce");
    let strange: Vec<String> = (0..33).map(|n| format!("\"x{n}\": {n}")).collect();
    refused(&with(&strange.join(", ")), TooManyFields, None);
    assert_eq!(from_json(with(&strange[1..].join(", ")).as_bytes()), Ok(ping()));
}

#[test]
fn key_and_signature_are_so_many_hex_digits() {
    use RefusalReason::*;
    let key = |text: &str| SIGNED.replace("\"KEY\"", text).replace("SIG", &"0b".repeat(64));
    refused(&key(&format!("\"{}\"", "a".repeat(63))), WrongLength, "key");
    refused(&key(&format!("\"{}\"", "a".repeat(62))), WrongLength, "key");
    refused(&key(&format!("\"{}\"", "g".repeat(64))), WrongType, "key");
    refused(&key("null"), WrongType, "key");
    refused(&key(&format!("{:?}", [1; 32])), WrongType, "key");
}

#[test]
fn padding_is_hex_digits_of_which_only_the_number_counts() {
    let padded = |digits: &str| {
        let text = PING.replace("null", &format!("{{\"pad\": \"{digits}\"}}"));
        from_json(text.as_bytes()).map(|message| message.body)
    };
    let pad = |pad| Ok(Body::Ping(Some(Exchange { pad, ..Exchange::default() })));
    assert_eq!(padded(""), pad(0));
    assert_eq!(padded("0012ff"), pad(3));
    assert_eq!(padded(&"00".repeat(MAX_DATAGRAM)), pad(1_200));
    assert_eq!(padded(&"00".repeat(MAX_DATAGRAM + 1)), Err(Refusal::of(RefusalReason::WrongLength, "pad")));
    assert_eq!(padded("000"), Err(Refusal::of(RefusalReason::WrongLength, "pad")));
    assert_eq!(padded("0x"), Err(Refusal::of(RefusalReason::WrongType, "pad")));
}

#[test]
fn nesting_is_read_over_to_eight_levels() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth| format!("{}null{}", open.repeat(depth), close.repeat(depth));
        let message = |depth| PING.replace("null}", &format!("null, \"new\": {}}}", nested(depth)));
        assert_eq!(from_json(message(7).as_bytes()), Ok(ping()));
        refused(&message(8), RefusalReason::TooDeep, None);
        refused(&message(500), RefusalReason::TooDeep, None);
    }
}

#[test]
fn what_ends_too_early_goes_on_or_is_not_json_is_refused() {
    for end in 0..PING.len() {
        let refusal = from_json(&PING.as_bytes()[..end]).expect_err("not whole");
        assert_eq!(refusal.reason, RefusalReason::Truncated, "after {end} bytes");
    }
    refused(&format!("{PING}{PING}"), RefusalReason::Trailing, None);
    refused(&format!("{PING},"), RefusalReason::Trailing, None);
    refused(&PING.replace("null}", "null,}"), RefusalReason::Malformed, None);
    refused(&PING.replace("\"ttl\"", "ttl"), RefusalReason::Malformed, None);
    refused(&PING.replace("7", "07"), RefusalReason::Malformed, "msg_id");
    assert_eq!(from_json(b"{\"\xff\": 1}"), Err(Refusal::whole(RefusalReason::Malformed)));
}

#[test]
fn more_than_4096_bytes_are_refused_before_they_are_looked_at() {
    let spaces = |count: usize| format!("{PING}{}", " ".repeat(count - PING.len()));
    assert_eq!(from_json(spaces(4_096).as_bytes()), Ok(ping()));
    refused(&spaces(4_097), RefusalReason::TooLong, None);
    assert_eq!(from_json(&[b'['; 100_000]), Err(Refusal::whole(RefusalReason::TooLong)));
}

#[test]
fn the_longest_datagram_fits_as_json() {
    let padded = |pad| {
        let mut message = ping();
        message.body = Body::Ping(Some(Exchange { pad, ..Exchange::default() }));
        message
    };
    let length = |pad| {
        let mut datagram = Vec::new();
        encode(&padded(pad), &mut datagram);
        datagram.len()
    };
    // Bin longer than 255 bytes has one length prefix up to 65,535: what is left can all be padding.
    let room = 1_000 + u16::try_from(MAX_DATAGRAM - length(1_000)).expect("short");
    assert_eq!(length(room), MAX_DATAGRAM);
    let fullest = padded(room);
    assert_eq!(from_json(to_json(&fullest).to_string().as_bytes()), Ok(fullest));
}
