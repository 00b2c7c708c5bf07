//! `docs/protocol.md` says what is true: each datagram on it means what stands below it, or is refused for the reason given.

use mersenned::protocol::codec::{decode, encode};
use mersenned::protocol::json::to_json;
use mersenned::protocol::message::MAX_DATAGRAM;

const PAGE: &str = include_str!("../docs/protocol.md");

/// The fenced blocks of a page: their languages and contents, in order.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(_) if is_inside => is_inside = false,
            Some(language) => {
                is_inside = true;
                blocks.push((language, String::new()));
            }
            None if is_inside => {
                let (_, content) = blocks.last_mut().expect("a block has begun");
                content.push_str(line);
                content.push('\n');
            }
            None => {}
        }
    }
    assert!(!is_inside, "the last block does not end");
    blocks
}

/// The bytes of a block of hex digits; what follows `#` is a remark.
fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.lines().map(|line| line.split('#').next().unwrap_or_default());
    let digits: String = digits.flat_map(str::split_ascii_whitespace).collect();
    hex::decode(digits).expect("hex digits")
}

/// Checks one datagram against what stands below it; says what is wrong.
fn check(hex: &str, language: &str, content: &str) -> Result<(), String> {
    let datagram = bytes(hex);
    match (language, decode(&datagram)) {
        ("json", Ok(message)) => {
            let meaning: serde_json::Value = serde_json::from_str(content).map_err(|error| error.to_string())?;
            if to_json(&message) != meaning {
                return Err(format!("{content} is {}", to_json(&message)));
            }
            let mut written = Vec::new();
            encode(&message, &mut written);
            if written == datagram { Ok(()) } else { Err(format!("{content} is written as {}", hex::encode(written))) }
        }
        ("refused", Err(refusal)) if refusal.reason.as_str() == content.trim() => Ok(()),
        ("refused", Err(refusal)) => Err(format!("refused as {}, not {content}", refusal.reason.as_str())),
        (_, Ok(message)) => Err(format!("means {}, and should be {language} {content}", to_json(&message))),
        (_, Err(refusal)) => Err(format!("is refused: {refusal}; it should be {content}")),
    }
}

#[test]
fn every_datagram_on_the_page_means_what_the_page_says() {
    let blocks = blocks(PAGE);
    let mut checked = 0;
    for (place, (language, hex)) in blocks.iter().enumerate() {
        if *language == "hex" {
            let (language, content) = &blocks[place + 1];
            check(hex, language, content).unwrap_or_else(|wrong| panic!("{hex}{wrong}"));
            checked += 1;
        }
    }
    assert_eq!(checked * 2, blocks.len(), "every block is a datagram or says what one is");
    assert!(checked >= 12, "only {checked}");
}

#[test]
fn a_wrong_line_is_noticed() {
    let right = &blocks(PAGE)[..2];
    assert_eq!(check(&right[0].1, "json", &right[1].1), Ok(()));
    assert!(check(&right[0].1, "json", &right[1].1.replace("5001", "5002")).is_err());
    assert!(check(&right[0].1.replace("13 89", "13 8a"), "json", &right[1].1).is_err());
    assert!(check(&right[0].1, "refused", "not_a_map").is_err());
    assert!(check(&right[0].1.replace("86 ", "85 "), "refused", "not_a_map").is_err());
}

#[test]
fn the_sizes_on_the_page_are_right() {
    let ping = bytes(&blocks(PAGE)[0].1);
    assert!(PAGE.contains(&format!("alive. {} bytes:", ping.len())));
    assert_eq!(MAX_DATAGRAM, 1_200);
    assert!(PAGE.contains("at most 1,200 bytes"));
}
