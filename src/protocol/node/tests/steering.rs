//! What can be changed while a node runs: whether it searches, and which addresses are ways into the network.

use super::desk::{Desk, Speech};
use super::*;
use crate::protocol::settings::SearchMode;

const PEER: &str = "10.0.1.1:5001";

fn off() -> Settings {
    Settings { search: SearchMode::Off, ..Settings::default() }
}

#[test]
fn a_search_turned_off_stops_at_once_and_begins_when_it_is_due_after_it_was_turned_on() {
    let mut desk = Desk::new();
    desk.wait(seconds(11));
    assert!(desk.node.state_view().searching && desk.searches() == 1);
    desk.orders.clear();
    desk.set_search(SearchMode::Off);
    assert_eq!(desk.orders, [Order::StopSearch]);
    assert!(!desk.node.state_view().searching);
    assert_eq!(desk.node.state_view().search_mode, SearchMode::Off);
    desk.wait(seconds(60));
    assert_eq!(desk.searches(), 0);
    desk.set_search(SearchMode::Race);
    assert_eq!((desk.node.state_view().search_mode, desk.searches()), (SearchMode::Race, 0));
    desk.wait(seconds(11));
    assert_eq!(desk.searches(), 1);
}

#[test]
fn a_node_born_without_a_search_can_be_given_one() {
    let mut desk = Desk::with(off());
    desk.wait(seconds(60));
    assert_eq!((desk.searches(), desk.node.state_view().search_mode), (0, SearchMode::Off));
    desk.set_search(SearchMode::Race);
    desk.wait(seconds(11));
    assert_eq!(desk.searches(), 1);
}

#[test]
fn a_search_that_goes_on_is_not_disturbed_by_being_told_to() {
    let mut desk = Desk::new();
    desk.wait(seconds(11));
    desk.orders.clear();
    desk.set_search(SearchMode::Race);
    assert!(desk.orders.is_empty() && desk.node.state_view().searching);
}

#[test]
fn what_was_found_just_before_the_search_was_turned_off_is_kept() {
    let mut desk = Desk::new();
    desk.wait(seconds(11));
    desk.set_search(SearchMode::Off);
    desk.found(31);
    assert_eq!(desk.largest(), Some(exponent(31)));
}

#[test]
fn testing_for_others_does_not_end_with_ones_own_search() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.hear(at(PEER), &super::desk::prime(1, at(PEER), at(PEER), 0, 127));
    desk.set_search(SearchMode::Off);
    assert!(!desk.orders.contains(&Order::StopVerify));
    desk.verdict(127);
    assert_eq!(desk.largest(), Some(exponent(127)));
}

#[test]
fn an_address_that_is_no_seed_any_more_and_never_answered_is_forgotten() {
    let mut desk = Desk::new();
    desk.node.add_seed(desk.now, at(PEER));
    desk.wait(seconds(60));
    desk.node.remove_seed(at(PEER));
    desk.take_sent();
    desk.wait(seconds(600));
    assert!(desk.pings_to(at(PEER)).is_empty() && desk.node.book.get(at(PEER)).is_none());
}

#[test]
fn a_peer_that_is_no_seed_any_more_stays_a_peer_and_is_given_up_like_any_other_when_it_dies() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.node.add_seed(desk.now, at(PEER));
    desk.node.remove_seed(at(PEER));
    assert!(desk.is_active(at(PEER)));
    desk.silence(at(PEER));
    desk.wait(seconds(12));
    assert_eq!(desk.node.book.get(at(PEER)).map(|candidate| candidate.via), Some(DiscoveredVia::Saved));
}

#[test]
fn a_former_peer_that_is_no_seed_any_more_is_an_ordinary_candidate_and_still_found_again() {
    let mut desk = Desk::new();
    desk.befriend(at(PEER));
    desk.node.add_seed(desk.now, at(PEER));
    desk.silence(at(PEER));
    desk.wait(seconds(30));
    desk.node.remove_seed(at(PEER));
    assert_eq!(desk.node.book.get(at(PEER)).map(|candidate| candidate.via), Some(DiscoveredVia::Saved));
    desk.friends.get_mut(&at(PEER)).unwrap().speaks = Speech::Maps;
    desk.wait(seconds(20));
    assert!(desk.is_active(at(PEER)));
}

#[test]
fn whoever_was_never_a_seed_is_not_touched() {
    let desk = Desk::new();
    desk.node.add_candidate(desk.now, at(PEER), DiscoveredVia::Sample, crate::protocol::candidate::Source::SELF);
    desk.node.remove_seed(at(PEER));
    assert_eq!(desk.node.book.get(at(PEER)).map(|candidate| candidate.via), Some(DiscoveredVia::Sample));
}

#[test]
fn a_search_that_failed_begins_again_at_the_next_interval() {
    let mut desk = Desk::new();
    desk.wait(seconds(11));
    desk.orders.clear();
    desk.node.search_failed();
    assert!(!desk.node.state_view().searching);
    desk.wait(millis(100));
    assert_eq!(desk.searches(), 0, "not at once: what fails at once would fail all the time");
    desk.wait(seconds(10));
    assert_eq!(desk.searches(), 1);
    desk.wait(seconds(60));
    assert_eq!(desk.searches(), 1, "and goes on");
}
