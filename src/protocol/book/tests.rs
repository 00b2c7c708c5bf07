use super::*;

fn at(host: u16) -> SocketAddr {
    SocketAddr::new([10, 0, (host >> 8) as u8, host as u8].into(), 5_001)
}

fn seconds(count: u64) -> Time {
    Time::from_micros(count * 1_000_000)
}

fn book(max: usize) -> Book {
    Book::new(max, HashKey(1, 2))
}

/// Probes a candidate and lets it not answer; the pause until it is due again.
fn fail(book: &Book, address: SocketAddr, now: &mut Time) -> Option<Duration> {
    let settings = Settings::default();
    book.probed(address, Probe { id: MessageId(1), sent: *now });
    *now = *now + settings.probe_timeout;
    book.expire_probes(*now, &settings);
    let candidate = book.get(address)?;
    let pause = candidate.next_try.since(*now);
    *now = candidate.next_try;
    Some(pause)
}

#[test]
fn the_book_is_bounded() {
    let book = book(256);
    for host in 0..10_000 {
        book.add(seconds(0), at(host), DiscoveredVia::Sample);
        assert!(book.len() <= 256);
    }
    assert_eq!(book.len(), 256);
}

#[test]
fn in_a_full_book_a_stranger_makes_room_for_a_peer_and_nobody_for_a_stranger_but_a_stranger() {
    let book = book(4);
    book.add(seconds(0), at(1), DiscoveredVia::Seed);
    book.restore(seconds(0), at(2));
    book.add_former(seconds(0), at(3), DiscoveredVia::Ping);
    book.add(seconds(0), at(4), DiscoveredVia::Sample);
    book.add_former(seconds(1), at(5), DiscoveredVia::Ping);
    assert!(book.get(at(4)).is_none());
    for host in 6..100 {
        book.add(seconds(2), at(host), DiscoveredVia::Sample);
    }
    for kept in [1, 2, 3, 5] {
        assert!(book.get(at(kept)).is_some(), "{kept}");
    }
    book.add_former(seconds(3), at(200), DiscoveredVia::Ping);
    assert!(book.get(at(2)).is_none(), "who answered once is worth less than a former peer");
}

#[test]
fn whoever_failed_makes_room_for_the_patient() {
    let book = book(2);
    let mut now = seconds(0);
    book.add(now, at(1), DiscoveredVia::Sample);
    book.add(now, at(2), DiscoveredVia::Sample);
    fail(&book, at(1), &mut now);
    assert!(book.add(now, at(3), DiscoveredVia::Sample));
    assert!(book.get(at(1)).is_none() && book.get(at(2)).is_some());
}

#[test]
fn what_is_being_probed_keeps_its_place() {
    let book = book(1);
    book.add(seconds(0), at(1), DiscoveredVia::Sample);
    book.probed(at(1), Probe { id: MessageId(1), sent: seconds(0) });
    assert!(!book.add(seconds(0), at(2), DiscoveredVia::Seed));
}

#[test]
fn pauses_double_from_1_s_and_a_stranger_is_forgotten_after_5_failures() {
    let (book, mut now) = (book(8), seconds(0));
    book.add(now, at(1), DiscoveredVia::Sample);
    let pauses: Vec<u64> = std::iter::from_fn(|| fail(&book, at(1), &mut now)).map(|pause| pause.as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4, 8]);
    assert_eq!(book.len(), 0);
}

#[test]
fn who_has_answered_is_tried_up_to_16_times_at_most_60_s_apart() {
    let (book, mut now) = (book(8), seconds(0));
    book.restore(now, at(1));
    let pauses: Vec<u64> = std::iter::from_fn(|| fail(&book, at(1), &mut now)).map(|pause| pause.as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60, 60]);
}

#[test]
fn a_seed_is_tried_for_ever_at_most_15_s_apart() {
    let (book, mut now) = (book(8), seconds(0));
    book.add(now, at(1), DiscoveredVia::Seed);
    let pauses: Vec<u64> =
        std::iter::from_fn(|| fail(&book, at(1), &mut now)).take(1_000).map(|pause| pause.as_secs()).collect();
    assert_eq!(pauses[..6], [1, 2, 4, 8, 15, 15]);
    assert!(pauses.len() == 1_000 && pauses[4..].iter().all(|&pause| pause == 15));
}

#[test]
fn the_16_latest_former_peers_are_tried_as_often_as_seeds_and_earlier_ones_less() {
    let book = book(64);
    for host in 1..=20 {
        book.add_former(seconds(host.into()), at(host), DiscoveredVia::Ping);
    }
    let longest = |host| {
        let mut now = seconds(100);
        (0..10).filter_map(|_| fail(&book, at(host), &mut now)).max().unwrap().as_secs()
    };
    assert_eq!((longest(20), longest(5), longest(4), longest(1)), (15, 15, 60, 60));
}

#[test]
fn a_sign_of_life_ends_the_pause_but_not_within_a_second_of_the_last_try() {
    let (book, mut now) = (book(8), seconds(0));
    book.restore(now, at(1));
    for _ in 0..5 {
        fail(&book, at(1), &mut now);
    }
    let tried = book.get(at(1)).unwrap().tried.unwrap();
    book.stirred(tried + Duration::from_millis(900), at(1));
    assert!(book.due(tried + Duration::from_millis(900)).is_empty());
    book.stirred(tried + Duration::from_millis(1_000), at(1));
    assert_eq!(book.due(tried + Duration::from_millis(1_000)), [at(1)]);
}

#[test]
fn seeds_are_tried_first_then_the_latest_former_peers_then_who_waits_longest() {
    let book = book(8);
    book.add(seconds(2), at(1), DiscoveredVia::Sample);
    book.add(seconds(1), at(2), DiscoveredVia::Sample);
    book.add_former(seconds(1), at(3), DiscoveredVia::Ping);
    book.add_former(seconds(2), at(4), DiscoveredVia::Ping);
    book.add(seconds(3), at(5), DiscoveredVia::Seed);
    assert_eq!(book.due(seconds(3)), [at(5), at(4), at(3), at(2), at(1)]);
    book.probed(at(5), Probe { id: MessageId(1), sent: seconds(3) });
    assert_eq!(book.due(seconds(3)).len(), 4, "and nobody twice at a time");
    assert_eq!(book.in_flight(), 1);
}

#[test]
fn who_has_no_place_for_us_is_left_alone_for_15_s() {
    let book = book(8);
    book.add(seconds(0), at(1), DiscoveredVia::Sample);
    book.refused(seconds(0), at(1), &Settings::default());
    assert!(book.due(seconds(14)).is_empty());
    assert_eq!(book.due(seconds(15)), [at(1)]);
    assert_eq!(book.answered(), [at(1)]);
}

#[test]
fn only_who_has_answered_and_not_failed_since_is_recommended() {
    let (book, mut now) = (book(8), seconds(0));
    book.add(now, at(1), DiscoveredVia::Sample);
    book.restore(now, at(2));
    book.restore(now, at(3));
    fail(&book, at(3), &mut now);
    assert_eq!(book.answered(), [at(2)]);
}

#[test]
fn the_next_deadline_is_the_next_try_or_the_end_of_a_probe() {
    let (book, settings) = (book(8), Settings::default());
    assert_eq!(book.next_deadline(&settings), Time::NEVER);
    book.add_former(seconds(5), at(1), DiscoveredVia::Ping);
    assert_eq!(book.next_deadline(&settings), seconds(6));
    book.probed(at(1), Probe { id: MessageId(1), sent: seconds(6) });
    assert_eq!(book.next_deadline(&settings), seconds(8));
}

#[test]
fn a_ping_that_never_left_is_no_failure_and_is_tried_again_in_a_second() {
    let book = book(4);
    book.add(seconds(0), at(1), DiscoveredVia::Seed);
    for second in 0..100 {
        book.probed(at(1), Probe { id: MessageId(1), sent: seconds(second) });
        assert_eq!(book.not_probed(seconds(second), at(1)), seconds(second + 1));
    }
    assert_eq!(book.get(at(1)).map(|candidate| candidate.failures), Some(0));
    assert_eq!(book.not_probed(seconds(100), at(2)), Time::NEVER, "nobody asked him");
}

#[test]
fn whom_a_prime_names_is_forgotten_after_one_failure_and_who_has_answered_is_remembered_through_failures() {
    let (book, mut now) = (book(8), seconds(0));
    book.add(now, at(1), DiscoveredVia::Prime);
    assert_eq!(fail(&book, at(1), &mut now), None);
    book.restore(now, at(2));
    assert!(fail(&book, at(2), &mut now).is_some());
    assert_eq!((book.remembered(), book.answered()), (vec![at(2)], vec![]));
}
