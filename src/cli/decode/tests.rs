//! What `decode` takes for hex digits, and that it always says what to do.

use super::*;

#[test]
fn hex_digits_may_be_spaced_and_prefixed_in_any_usual_way() {
    let texts = ["81a161c0", "81 a1 61 c0", "81:A1:61:C0", "0x81a161c0", "0x81, 0xa1, 0x61, 0xc0", " 81a1\n61c0\n"];
    for text in texts {
        assert_eq!(from_hex(text).expect("hex digits"), [0x81, 0xa1, 0x61, 0xc0], "{text}");
    }
}

#[test]
fn what_is_not_hex_is_named() {
    assert_eq!(from_hex("81 g1").expect_err("refused").to_string(), "'g' is not a hex digit");
    assert!(from_hex("81 a").expect_err("refused").to_string().contains("one of 3 hex digits is missing"));
    assert_eq!(from_hex("\u{1b}").expect_err("refused").to_string(), "'\\u{1b}' is not a hex digit");
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    assert!(read(io::repeat(0)).is_err());
    assert_eq!(read(&b"abc"[..]).expect("short"), b"abc");
}

#[test]
fn every_refusal_says_what_to_do() {
    for reason in RefusalReason::ALL {
        for field in [None, Some("data"), Some("pad")] {
            let text = advice(Refusal { reason, field }, &[0xc0; 1_300]);
            assert!(text.ends_with('.') && !text.contains('\n'), "{text}");
        }
    }
    let ttl = advice(Refusal::of(RefusalReason::OutOfRange, "ttl"), &[0xc0]);
    assert_eq!(ttl, "`ttl` must be a whole number from 0 to 255, for PING and PONG 0.");
    let digits = advice(Refusal::whole(RefusalReason::NotAMap), b"86 a8\n");
    assert!(digits.contains("--hex"), "{digits}");
}
