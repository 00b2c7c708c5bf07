use super::*;

fn at(host: u16) -> SocketAddr {
    SocketAddr::new([10, 0, (host >> 8) as u8, host as u8].into(), 5_001)
}

/// An address of a group of its own.
fn elsewhere(host: u16) -> SocketAddr {
    SocketAddr::new([20 + (host >> 8) as u8, host as u8, 0, 1].into(), 5_001)
}

fn seconds(count: u64) -> Time {
    Time::from_micros(count * 1_000_000)
}

fn book(max: usize) -> Book {
    Book::new(max, 16, HashKey(1, 2))
}

fn hear(book: &Book, now: Time, address: SocketAddr, via: DiscoveredVia) -> bool {
    book.add(now, address, via, Source::SELF, |_| false) != Entered::Refused
}

fn hearsay(book: &Book, address: SocketAddr) -> bool {
    hear(book, seconds(0), address, DiscoveredVia::Sample)
}

/// Lets a candidate not answer; the pause until it is due again.
fn fail(book: &Book, address: SocketAddr, now: &mut Time) -> Option<Duration> {
    book.failed(*now, address, &Settings::default());
    let candidate = book.get(address)?;
    let pause = candidate.next_try.time().since(*now);
    *now = candidate.next_try.time();
    Some(pause)
}

fn pauses(book: &Book, address: SocketAddr, most: usize) -> Vec<u64> {
    let mut now = seconds(100);
    std::iter::from_fn(|| fail(book, address, &mut now)).take(most).map(|pause| pause.as_secs()).collect()
}

fn good(book: &Book) -> Vec<SocketAddr> {
    let mut good = Vec::new();
    book.each(|candidate| good.extend(candidate.is_good().then_some(candidate.address())));
    good
}

#[test]
fn the_book_is_bounded() {
    let book = book(256);
    for host in 0..10_000 {
        hearsay(&book, at(host));
        assert!(book.len() <= 256);
    }
    assert_eq!(book.len(), 256);
}

#[test]
fn in_a_full_book_a_stranger_makes_room_for_a_peer_and_nobody_for_a_stranger_but_a_stranger() {
    let book = book(4);
    hear(&book, seconds(0), at(1), DiscoveredVia::Seed);
    book.restore(seconds(0), at(2), Standing::Tried, 0);
    book.add_former(seconds(0), at(3), DiscoveredVia::Ping);
    hearsay(&book, at(4));
    book.add_former(seconds(1), at(5), DiscoveredVia::Ping);
    assert!(book.get(at(4)).is_none());
    for host in 6..100 {
        hearsay(&book, at(host));
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
    hearsay(&book, at(1));
    hearsay(&book, at(2));
    fail(&book, at(1), &mut now);
    assert!(hearsay(&book, at(3)));
    assert!(book.get(at(1)).is_none() && book.get(at(2)).is_some());
}

#[test]
fn which_hearsay_stays_does_not_depend_on_how_often_or_when_it_comes() {
    let kept = |order: &mut dyn Iterator<Item = u16>| {
        let book = book(256);
        order.for_each(|host| {
            book.add(seconds(0), elsewhere(host), DiscoveredVia::Sample, Source(host as u8), |_| false);
        });
        let mut kept = Vec::new();
        book.each(|candidate| kept.push(candidate.address()));
        kept
    };
    let once = kept(&mut (0..2_000));
    assert_eq!(kept(&mut (0..2_000).rev()), once);
    assert_eq!(kept(&mut (0..2_000).flat_map(|host| [host, 7, 8, 9])), once);
}

#[test]
fn who_has_answered_gives_way_to_hearsay_only_after_it_has_failed_a_test() {
    let (book, mut now) = (book(64), seconds(5));
    (0..64).for_each(|host| book.restore(seconds(0), elsewhere(host), Standing::Tried, 0));
    assert!(!(100..1_000).any(|host| hearsay(&book, elsewhere(host))));
    fail(&book, elsewhere(9), &mut now);
    assert!(hearsay(&book, elsewhere(100)));
    assert_eq!((book.len(), book.get(elsewhere(9))), (64, None));
}

#[test]
fn the_latest_former_peers_outlast_hearsay_even_if_they_fail_and_earlier_ones_do_not() {
    let (book, mut now) = (book(64), seconds(200));
    for host in 0..64 {
        book.add_former(seconds(host.into()), elsewhere(host), DiscoveredVia::Ping);
        fail(&book, elsewhere(host), &mut now);
    }
    (100..3_000).for_each(|host| _ = hearsay(&book, elsewhere(host)));
    let kept = (0..64).filter(|&host| book.get(elsewhere(host)).is_some()).collect::<Vec<u16>>();
    assert_eq!(kept, (48..64).collect::<Vec<u16>>());
}

#[test]
fn a_quarter_of_the_book_is_kept_for_hearsay() {
    let book = book(64);
    for host in 0..64 {
        hearsay(&book, elsewhere(host));
        book.answered(seconds(1), elsewhere(host));
    }
    assert_eq!(good(&book).len(), 48);
    assert_eq!(book.len(), 64);
}

#[test]
fn ten_thousand_addresses_of_one_group_hold_a_small_share_once_others_are_heard_of() {
    let book = book(256);
    (0..10_000).for_each(|host| _ = hearsay(&book, at(host)));
    (0..2_000).for_each(|host| _ = hearsay(&book, elsewhere(host)));
    (0..10_000).for_each(|host| _ = hearsay(&book, at(host + 10_000)));
    let mut of_group = 0;
    book.each(|candidate| of_group += usize::from(candidate.address().to_string().starts_with("10.0.")));
    assert!((1..=17).contains(&of_group), "{of_group} of 256");
}

#[test]
fn one_source_cannot_push_out_what_others_have_named() {
    let book = book(256);
    let named_by =
        |source: u8, host: u16| book.add(seconds(0), elsewhere(host), DiscoveredVia::Sample, Source(source), |_| false);
    (0..200).for_each(|host| _ = named_by(host as u8, host));
    (1_000..9_000).for_each(|host| _ = named_by(255, host));
    let mut of_loud = 0;
    book.each(|candidate| of_loud += usize::from(candidate.source == Source(255)));
    assert!((40..=70).contains(&of_loud), "{of_loud} of 256");
}

#[test]
fn who_is_near_on_the_ring_stays_rather_than_others() {
    let book = book(64);
    let is_near = |candidate: &Candidate| candidate.position.0 >> 60 == 7;
    let mut near = Vec::new();
    for host in 0..600 {
        if book.add(seconds(0), elsewhere(host), DiscoveredVia::Sample, Source(host as u8), is_near) != Entered::Refused
            && crate::protocol::ring::RingPosition::of(elsewhere(host)).0 >> 60 == 7
        {
            near.push(elsewhere(host));
        }
    }
    assert!(near.len() > 20 && near.iter().all(|&address| book.get(address).is_some()), "{}", near.len());
}

#[test]
fn pauses_double_from_1_s_and_a_stranger_is_forgotten_after_5_failures() {
    let book = book(8);
    hearsay(&book, at(1));
    assert_eq!(pauses(&book, at(1), 100), [1, 2, 4, 8]);
    assert_eq!(book.len(), 0);
}

#[test]
fn who_has_answered_is_tried_up_to_16_times_at_most_60_s_apart() {
    let book = book(8);
    book.restore(seconds(0), at(1), Standing::Tried, 0);
    assert_eq!(pauses(&book, at(1), 100), [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60, 60]);
}

#[test]
fn a_seed_is_tried_for_ever_at_most_5_s_apart() {
    let book = book(8);
    hear(&book, seconds(0), at(1), DiscoveredVia::Seed);
    let pauses = pauses(&book, at(1), 1_000);
    assert_eq!(pauses[..5], [1, 2, 4, 5, 5]);
    assert!(pauses.len() == 1_000 && pauses[3..].iter().all(|&pause| pause == 5));
}

#[test]
fn the_16_latest_former_peers_are_tried_as_often_as_seeds_and_earlier_ones_less() {
    let book = book(64);
    for host in 1..=20 {
        book.add_former(seconds(host.into()), at(host), DiscoveredVia::Ping);
    }
    let longest = |host| pauses(&book, at(host), 10).into_iter().max();
    assert_eq!((longest(20), longest(5), longest(4), longest(1)), (Some(5), Some(5), Some(60), Some(60)));
}

#[test]
fn a_sign_of_life_ends_the_pause_but_not_within_a_second_of_an_answer() {
    let book = book(8);
    book.restore(seconds(0), at(1), Standing::Tried, 0);
    book.answered(seconds(10), at(1));
    book.refused(seconds(10), at(1));
    let due = |book: &Book| book.get(at(1)).map(|candidate| candidate.next_try.time());
    book.stirred(seconds(10), at(1));
    assert_eq!(due(&book), Some(seconds(25)), "who has no place for us is left alone for 15 s");
    book.stirred(seconds(11), at(1));
    assert_eq!(due(&book), Some(seconds(11)));
}

#[test]
fn only_who_has_answered_and_not_failed_since_is_recommended() {
    let (book, mut now) = (book(8), seconds(0));
    hearsay(&book, at(1));
    book.restore(now, at(2), Standing::Tried, 0);
    book.restore(now, at(3), Standing::Former, 0);
    fail(&book, at(3), &mut now);
    assert_eq!((good(&book), book.good()), (vec![at(2)], 1));
}

#[test]
fn whom_a_prime_names_is_forgotten_after_one_failure_and_who_has_answered_is_remembered_through_failures() {
    let (book, mut now) = (book(8), seconds(0));
    hear(&book, now, at(1), DiscoveredVia::Prime);
    assert_eq!(fail(&book, at(1), &mut now), None);
    book.restore(now, at(2), Standing::Tried, 0);
    assert!(fail(&book, at(2), &mut now).is_some());
    assert_eq!((book.remembered(), good(&book)), (vec![at(2)], vec![]));
}
