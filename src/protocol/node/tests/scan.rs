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

/// A plain answer to the scan's PING of this port that has been on its way for a while.
fn late_answer(desk: &Desk, port: u16) -> Message {
    let sent = desk.sent.iter().find(|sent| sent.to.port() == port).expect("it was PINGed");
    pong(sent.message.id.0, sent.to, None)
}

#[test]
fn who_answers_a_scan_plainly_becomes_a_peer_but_not_if_the_node_slept_or_was_reset_meanwhile() {
    let meanwhile: [(fn(&mut Desk), bool); 3] = [
        (|_| {}, true),
        (
            |desk| {
                desk.sleep();
                desk.wake();
            },
            false,
        ),
        (
            |desk| {
                desk.reset();
            },
            false,
        ),
    ];
    for (number, (meanwhile, becomes_a_peer)) in meanwhile.into_iter().enumerate() {
        let mut desk = scanning(THREE);
        desk.wait(millis(500));
        let answer = late_answer(&desk, 5_002);
        meanwhile(&mut desk);
        desk.hear(at("10.0.2.1:5002"), &answer);
        assert_eq!(desk.is_active(at("10.0.2.1:5002")), becomes_a_peer, "{number}");
    }
}
