//! A node that is told where to look rather than at whom: when it scans, and when it does so again.

use super::desk::{Desk, birth, pong};
use super::*;

/// A node that knows of nothing but a scan of these ranges.
fn scanning(ranges: &str) -> Desk {
    let scan = Scan::new(vec![ranges.parse().expect("a range in a test is well-formed")]);
    Desk::born(Settings::default(), Birth { scan, ..birth(Saved::default()) })
}

const THREE: &str = "10.0.2.1:5001-5003";

/// Whom the node has PINGed since `take_sent` was called last.
fn tried(desk: &Desk) -> Vec<u16> {
    desk.sent.iter().filter(|sent| sent.is(MessageType::Ping)).map(|sent| sent.to.port()).collect()
}

#[test]
fn a_scan_that_finds_nobody_is_made_once_a_minute() {
    let mut desk = scanning(THREE);
    desk.wait(seconds(58));
    assert_eq!(tried(&desk), [5_001, 5_002, 5_003]);
    desk.wait(seconds(4));
    assert_eq!(tried(&desk).len(), 6);
}

#[test]
fn a_reset_begins_the_scan_again_at_once() {
    let mut desk = scanning(THREE);
    desk.wait(seconds(10));
    desk.take_sent();
    desk.reset();
    desk.wait(millis(200));
    assert_eq!(tried(&desk), [5_001, 5_002, 5_003]);
}

#[test]
fn a_reset_in_the_middle_of_a_scan_begins_it_from_its_first_address() {
    let mut desk = scanning("10.0.2.1:5001-5100");
    desk.wait(seconds(1));
    let last = *tried(&desk).last().expect("it scans");
    assert!(last < 5_100, "it has not come to its end");
    desk.take_sent();
    desk.reset();
    desk.wait(seconds(1));
    assert_eq!(tried(&desk).first(), Some(&5_001));
}

#[test]
fn a_node_that_knows_nobody_scans_at_once_when_it_is_woken() {
    let mut desk = scanning(THREE);
    desk.wait(seconds(10));
    desk.sleep();
    desk.take_sent();
    desk.wake();
    desk.wait(millis(200));
    assert_eq!(tried(&desk), [5_001, 5_002, 5_003]);
}

#[test]
fn a_node_that_was_reset_in_its_sleep_scans_at_once_when_it_is_woken() {
    let mut desk = scanning(THREE);
    desk.wait(seconds(10));
    desk.sleep();
    desk.reset();
    desk.take_sent();
    desk.wait(seconds(20));
    assert!(tried(&desk).is_empty());
    desk.wake();
    desk.wait(millis(200));
    assert_eq!(tried(&desk), [5_001, 5_002, 5_003]);
}

/// Whether a scanned address becomes a peer by a plain answer that was on its way while the node was told something.
fn is_taken_after(tell: impl FnOnce(&mut Desk)) -> bool {
    let mut desk = scanning(THREE);
    desk.wait(millis(500));
    let scanned = at("10.0.2.1:5002");
    let answer = pong(desk.pings_to(scanned)[0].message.id.0, scanned, None);
    tell(&mut desk);
    desk.hear(scanned, &answer);
    desk.is_active(scanned)
}

#[test]
fn who_answers_a_scan_plainly_becomes_a_peer() {
    assert!(is_taken_after(|_| {}));
}

#[test]
fn an_answer_to_a_scan_from_before_ones_sleep_or_reset_makes_nobody_a_peer() {
    assert!(!is_taken_after(|desk| {
        desk.sleep();
        desk.wake();
    }));
    assert!(!is_taken_after(|desk| {
        desk.reset();
    }));
}
