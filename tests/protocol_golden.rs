//! The golden vectors: what mersenned computes, writes and reads, against `tests/golden/protocol.txt`, and that file
//! against an independent implementation in Python.

mod golden;

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;

use mersenned::protocol::codec::{decode, encode};
use mersenned::protocol::hash::{self, HashKey, PUBLIC};
use mersenned::protocol::json::{from_json, to_json};
use mersenned::protocol::message::MessageId;

fn key(digits: &str) -> HashKey {
    let bytes = hex::decode(digits).expect("hex digits");
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("16 bytes"));
    HashKey(word(0), word(8))
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

#[test]
fn every_hash_is_the_golden_one() {
    let mut kinds = Vec::new();
    for (words, expected) in golden::TEXT.lines().filter_map(|line| line.split_once(" = ")) {
        let words: Vec<&str> = words.split(' ').collect();
        let hash = match words[..] {
            ["bytes", k, message] => hash::bytes(key(k), &hex::decode(message).expect("hex digits")),
            ["address", k, a] => hash::address(key(k), address(a)),
            ["rank", a, id, exponent] => hash::rank(address(a), MessageId(number(id)), number(exponent)),
            ["known", exponent, rank] => {
                hash::known(number(exponent), u64::from_str_radix(rank, 16).expect("hex digits"))
            }
            _ => panic!("no such hash: {words:?}"),
        };
        assert_eq!(format!("{hash:016x}"), expected, "{words:?}");
        kinds.push(words[0]);
    }
    kinds.dedup();
    assert_eq!(kinds, ["bytes", "address", "rank", "known"]);
    assert_eq!(key("00000000000000000000000000000000"), PUBLIC);
}

#[test]
fn every_datagram_means_what_the_file_says() {
    for datagram in golden::datagrams() {
        let message = decode(&datagram.bytes).unwrap_or_else(|refusal| panic!("{}: {refusal}", datagram.name));
        let meaning: serde_json::Value = serde_json::from_str(&datagram.json).expect("JSON");
        assert_eq!(to_json(&message), meaning, "{}", datagram.name);
    }
}

#[test]
fn every_meaning_is_written_as_the_very_same_datagram() {
    for datagram in golden::datagrams() {
        let message =
            from_json(datagram.json.as_bytes()).unwrap_or_else(|refusal| panic!("{}: {refusal}", datagram.name));
        let mut written = Vec::new();
        encode(&message, &mut written);
        assert_eq!(hex::encode(written), hex::encode(&datagram.bytes), "{}", datagram.name);
    }
}

#[test]
fn an_independent_implementation_agrees_with_the_file() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/check.py");
    let output = match Command::new("python3").arg(script).output() {
        Ok(output) => output,
        Err(error) => return skipped(&format!("python3 does not run: {error}")),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(77) {
        return skipped(said.trim());
    }
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let checked = format!("and {} datagrams are right", golden::datagrams().len());
    assert!(said.contains(&checked), "{said}");
}

/// Says so past the test harness, which keeps what a passing test prints to itself.
fn skipped(reason: &str) {
    writeln!(std::io::stderr(), "SKIPPED: the golden file was not checked independently: {reason}").expect("stderr");
}
