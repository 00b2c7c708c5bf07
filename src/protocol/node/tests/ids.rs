//! Message ids: never the same for two messages, through restarts, lost disks and clocks set back.

use super::desk::{Desk, WALL_CLOCK, birth, ping};
use super::*;
use crate::protocol::message::Exchange;
use crate::protocol::random::Random;

const PEER: &str = "10.0.1.1:5001";

#[test]
fn ids_begin_at_the_larger_of_the_saved_floor_and_the_clock() {
    for (floor, first) in [(0, WALL_CLOCK), (WALL_CLOCK + 5, WALL_CLOCK + 5)] {
        let saved = Saved { id_floor: MessageId(floor), ..Saved::default() };
        let desk = Desk::born(Settings::default(), birth(saved));
        assert_eq!(desk.node.ids.peek(), MessageId(first));
    }
}

#[test]
fn no_id_is_used_before_it_is_reserved() {
    let node = Node::new(Settings::default(), birth(Saved::default()));
    let (mut out, mut now) = (Outbox::new(), Time::from_micros(1_000_000));
    node.add_seed(now, at(PEER));
    let hello = ping(1, at(PEER), Some(Exchange { nonce: Some(1), ..Exchange::default() }));
    let mut reserve = None;
    for _ in 0..40 {
        node.tick(now, &mut out);
        node.receive(now, at(PEER), &super::desk::encoded(&hello), &mut out);
        let own = |event: &Event| matches!(event, Event::Sent(traffic) if traffic.msg_type != MessageType::Pong);
        assert!(!out.events.iter().any(own), "a PING went out before its id was durable");
        reserve = out
            .orders
            .iter()
            .find_map(|order| match order {
                Order::ReserveIds { below } => Some(*below),
                Order::Search { .. } | Order::StopSearch | Order::Verify(_) | Order::StopVerify | Order::Save => None,
            })
            .or(reserve);
        out.clear();
        now = now + millis(50);
    }
    node.ids_reserved(reserve.expect("ids are asked for"));
    node.tick(now + millis(50), &mut out);
    assert!(out.datagrams().len() > 0, "and then it speaks");
}

#[test]
fn no_id_is_given_twice_in_1000_lives_that_end_at_any_moment_while_the_clock_goes_back() {
    let random = Random::from_seed(*b"a thousand kills");
    let mut floor = MessageId(0);
    let mut used = std::collections::BTreeSet::new();
    for _ in 0..1_000 {
        let wall_clock_micros = WALL_CLOCK - random.below(10_000_000) as u64;
        let saved = Saved { id_floor: floor, ..Saved::default() };
        let node = Node::new(Settings::default(), Birth { wall_clock_micros, ..birth(saved) });
        node.add_seed(Time::from_micros(1_000_000), at(PEER));
        let (mut out, mut now) = (Outbox::new(), Time::from_micros(1_000_000));
        let mut durable_at = None;
        for step in 0..random.below(40) {
            node.tick(now, &mut out);
            for event in &out.events {
                if let Event::Sent(traffic) = event {
                    assert!(used.insert(traffic.msg_id), "{} was used before", traffic.msg_id);
                }
            }
            for order in &out.orders {
                if let Order::ReserveIds { below } = order {
                    durable_at = Some((step + random.below(20), *below));
                }
            }
            if let Some((_, below)) = durable_at.take_if(|(at, _)| *at <= step) {
                floor = floor.max(below);
                node.ids_reserved(below);
            }
            out.clear();
            now = node.next_deadline().max(now + millis(1));
        }
    }
    assert!(used.len() > 500, "{}", used.len());
}

#[test]
fn one_id_is_the_same_for_every_recipient() {
    let mut desk = Desk::new();
    desk.befriend_many(5);
    desk.take_sent();
    desk.found(31);
    let ids: std::collections::BTreeSet<u64> = desk.primes_sent().iter().map(|sent| sent.1).collect();
    assert_eq!((ids.len(), desk.primes_sent().len()), (1, 5));
}
