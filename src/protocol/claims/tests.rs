use super::*;

fn at(host: u8) -> SocketAddr {
    SocketAddr::new([10, 0, 0, host].into(), 5_001)
}

fn exponent(number: u64) -> Exponent {
    Exponent::new(number).unwrap()
}

fn claim(number: u64, finder: u8) -> Claim {
    Claim { exponent: exponent(number), originator: at(finder), id: MessageId(1), signature: None }
}

fn queue(max: usize) -> Queue {
    Queue::new(max, HashKey(1, 2))
}

const ANY: SourceLimit = SourceLimit(usize::MAX);

#[test]
fn the_smallest_exponent_is_tested_first() {
    let queue = queue(64);
    for number in [127, 31, 107, 61] {
        queue.push(claim(number, 1), at(1), ANY);
    }
    for number in [31, 61, 107, 127] {
        assert_eq!(queue.next(), Some(exponent(number)));
        assert_eq!(queue.settle(exponent(number)).len(), 1);
    }
    assert_eq!((queue.next(), queue.len()), (None, 0));
}

#[test]
fn the_queue_is_bounded_and_gives_up_its_largest_exponent_for_a_smaller_one() {
    let queue = queue(2);
    queue.push(claim(61, 1), at(1), ANY);
    queue.push(claim(127, 1), at(1), ANY);
    assert_eq!(queue.push(claim(521, 1), at(1), ANY), Queued::Full);
    assert_eq!(queue.push(claim(31, 1), at(1), ANY), Queued::Waits(vec![claim(127, 1)]));
    assert!(queue.len() == 2 && !queue.contains(exponent(127)));
}

#[test]
fn what_is_being_tested_is_never_given_up() {
    let queue = queue(2);
    queue.push(claim(127, 1), at(1), ANY);
    assert_eq!(queue.next(), Some(exponent(127)));
    queue.push(claim(107, 1), at(1), ANY);
    assert_eq!(queue.push(claim(89, 1), at(1), ANY), Queued::Waits(vec![claim(107, 1)]));
    assert!(queue.contains(exponent(127)));
}

#[test]
fn so_many_exponents_wait_for_one_source_and_no_more() {
    let queue = queue(64);
    assert_eq!(queue.push(claim(31, 1), at(1), SourceLimit(1)), Queued::Waits(Vec::new()));
    assert_eq!(queue.push(claim(61, 1), at(1), SourceLimit(1)), Queued::Full);
    assert_eq!(queue.push(claim(13, 1), at(2), SourceLimit(1)), Queued::Waits(Vec::new()), "another source");
    assert_eq!(queue.push(claim(31, 3), at(1), SourceLimit(1)), Queued::Waits(Vec::new()), "the same exponent");
    queue.settle(exponent(31));
    assert_eq!(queue.push(claim(61, 1), at(1), SourceLimit(1)), Queued::Waits(Vec::new()), "its place is free again");
}

#[test]
fn a_source_at_its_limit_gives_up_its_own_largest_exponent_for_a_smaller_one_and_nobody_elses() {
    let queue = queue(64);
    queue.push(claim(127, 1), at(2), SourceLimit(2));
    queue.push(claim(61, 1), at(1), SourceLimit(2));
    queue.push(claim(31, 1), at(1), SourceLimit(2));
    assert_eq!(queue.push(claim(13, 1), at(1), SourceLimit(2)), Queued::Waits(vec![claim(61, 1)]));
    assert_eq!(queue.next(), Some(exponent(13)));
    assert_eq!(queue.push(claim(7, 1), at(1), SourceLimit(1)), Queued::Waits(vec![claim(31, 1)]));
    assert!(queue.contains(exponent(127)) && queue.contains(exponent(13)), "what is being tested stays");
}

#[test]
fn a_running_test_gives_way_only_to_an_exponent_of_less_than_half_its_size() {
    let queue = queue(64);
    queue.push(claim(127, 1), at(1), ANY);
    assert_eq!((queue.next(), queue.next()), (Some(exponent(127)), None));
    queue.push(claim(67, 1), at(1), ANY);
    assert_eq!((queue.next(), queue.testing()), (None, Some(exponent(127))));
    queue.push(claim(61, 1), at(1), ANY);
    assert_eq!((queue.next(), queue.testing()), (Some(exponent(61)), Some(exponent(61))));
    queue.settle(exponent(61));
    assert_eq!(queue.next(), Some(exponent(67)), "the one that gave way is not lost");
    assert!(queue.contains(exponent(127)));
}

#[test]
fn of_many_rivals_for_one_exponent_the_best_four_are_kept() {
    let queue = queue(64);
    let mut all: Vec<Claim> = (1..=20).map(|finder| claim(31, finder)).collect();
    let mut dropped = Vec::new();
    for &claim in &all {
        match queue.push(claim, at(1), ANY) {
            Queued::Waits(gone) => dropped.extend(gone),
            Queued::Full => panic!("a rival needs no place of its own"),
        }
    }
    all.sort_by_key(Claim::rank);
    let mut kept = queue.settle(exponent(31)).to_vec();
    kept.sort_by_key(Claim::rank);
    assert_eq!(kept, all[..RIVALS_MAX]);
    dropped.sort_by_key(Claim::rank);
    assert_eq!(dropped, all[RIVALS_MAX..]);
}

#[test]
fn what_does_not_wait_settles_to_nothing() {
    assert!(queue(4).settle(exponent(31)).is_empty());
}

#[test]
fn a_loopback_originator_gives_way_to_any_other() {
    let local = Claim { originator: "127.0.0.1:5001".parse().unwrap(), ..claim(31, 1) };
    for finder in 1..50 {
        assert!(claim(31, finder).beats(&local) && !local.beats(&claim(31, finder)));
    }
}

#[test]
fn of_two_different_claims_exactly_one_beats_the_other() {
    for (a, b) in (1..30).flat_map(|a| (1..30).map(move |b| (claim(31, a), claim(31, b)))) {
        assert_eq!(a.beats(&b), a != b && !b.beats(&a));
    }
}
