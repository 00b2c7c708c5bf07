use std::fs;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use super::*;
use crate::mersenne::{Errors, StepError, largest_exponent};
use crate::protocol::Label as _;
use crate::search::CandidateResult;
use crate::search::board::tests::prime;

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

fn board(threads: u16) -> SearchBoard {
    SearchBoard::new(NonZeroU16::new(threads).unwrap())
}

fn find_undisturbed(known: Option<Exponent>, max: u32) -> SearchOutcome {
    find_above(known, max, &Interrupt::new(), &board(1))
}

/// The primes from the beginning up to `max`, in the order in which they are found.
fn primes_found(max: u32, threads: u16) -> Vec<u32> {
    let board = board(threads);
    let mut found: Vec<Exponent> = Vec::new();
    while let SearchOutcome::Found(exponent) = find_above(found.last().copied(), max, &Interrupt::new(), &board) {
        found.push(exponent);
    }
    assert!(board.is_exhausted());
    found.into_iter().map(Exponent::get).collect()
}

/// Waits until the board shows what `condition` asks for.
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        thread::yield_now();
    }
}

#[test]
fn the_search_begins_at_the_smallest_exponent() {
    assert_eq!(find_undisturbed(None, 100), SearchOutcome::Found(exponent(2)));
}

#[test]
fn the_next_prime_is_found_above_a_known_one_and_above_any_other_exponent() {
    assert_eq!(find_undisturbed(Some(exponent(127)), 1_000), SearchOutcome::Found(exponent(521)));
    assert_eq!(find_undisturbed(Some(exponent(509)), 1_000), SearchOutcome::Found(exponent(521)));
}

#[test]
fn the_maximum_is_included() {
    assert_eq!(find_undisturbed(Some(exponent(127)), 521), SearchOutcome::Found(exponent(521)));
    assert_eq!(find_undisturbed(Some(exponent(127)), 520), SearchOutcome::Exhausted);
    assert_eq!(find_undisturbed(None, 1), SearchOutcome::Exhausted);
}

#[test]
fn the_search_is_exhausted_where_the_engine_ends() {
    let engines = EngineSet::EXACT;
    let limit = u64::from(largest_exponent(engines));
    let last = (2..=limit).rev().find_map(|p| Exponent::new(p).ok());
    for threads in [1, 3] {
        let board = board(threads);
        let scope = Scope { engines, ..Scope::up_to(u32::MAX) };
        let outcome = scope.find_above(last, &Interrupt::new(), &board);
        assert_eq!(outcome, SearchOutcome::Exhausted);
        assert!(board.is_exhausted());
        assert_eq!(board.squarings(), 0);
    }
}

#[test]
fn three_threads_find_the_same_primes_in_the_same_order_as_one() {
    let one = primes_found(1_300, 1);
    assert_eq!(one, [2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1_279]);
    // More often than once: what one run has right by luck, the next has not.
    for _ in 0..20 {
        assert_eq!(primes_found(1_300, 3), one);
    }
}

#[test]
fn a_prime_waits_for_the_exponents_below_it_and_gives_up_those_above() {
    let board = board(2);
    let interrupt = Interrupt::new();
    let plan = Plan { last: Some(exponent(83)), at_hand: BTreeMap::new(), end: None, goal: Goal::First };
    let scope = Scope::up_to(200);
    let race = Race { scope: &scope, interrupt: &interrupt, board: &board, plan: Mutex::new(plan) };
    let (lower, stop_lower) = race.take().unwrap();
    let (higher, stop_higher) = race.take().unwrap();
    let (beyond, stop_beyond) = race.take().unwrap();
    assert_eq!((lower, higher, beyond), (exponent(89), exponent(97), exponent(101)));
    // As if 97 gave a prime, sooner than 89.
    race.settle(higher, &prime(97));
    assert!(stop_beyond.is_requested() && !stop_lower.is_requested());
    assert!(race.take().is_none(), "nothing above it is begun");
    assert_eq!(race.outcome(), SearchOutcome::Interrupted, "nobody knows about 89 yet");
    race.settle(beyond, &Conclusion::Interrupted { iteration: 9, checkpoint: None });
    race.settle(lower, &prime(89));
    assert!(stop_higher.is_requested());
    assert_eq!(race.outcome(), SearchOutcome::Found(exponent(89)));
}

#[test]
fn a_failed_test_ends_the_search_once_all_below_it_is_settled() {
    let board = board(2);
    let interrupt = Interrupt::new();
    let plan = Plan { last: None, at_hand: BTreeMap::new(), end: None, goal: Goal::First };
    let scope = Scope::up_to(200);
    let race = Race { scope: &scope, interrupt: &interrupt, board: &board, plan: Mutex::new(plan) };
    let (lower, _) = race.take().unwrap();
    let (higher, _) = race.take().unwrap();
    let fault = Fault::Engine(StepError::SelfCheck { property: "made up" });
    race.settle(higher, &Conclusion::Failed { fault, errors: Errors::default() });
    race.settle(lower, &Conclusion::HasFactor(7));
    assert_eq!(race.outcome(), SearchOutcome::EngineFailed { exponent: higher, fault });
    assert_eq!(board.frontier(), u64::from(higher));
}

#[test]
fn every_exponent_is_counted_once_by_its_result() {
    let board = board(1);
    let outcome = find_above(Some(exponent(127)), 1_000, &Interrupt::new(), &board);
    assert_eq!(outcome, SearchOutcome::Found(exponent(521)));
    let primes_between = (128..=521).filter(|&p| Exponent::new(p).is_ok()).count() as u64;
    let counts: Vec<u64> = CandidateResult::ALL.iter().map(|&result| board.candidates(result)).collect();
    assert_eq!(counts.iter().sum::<u64>(), primes_between);
    assert!(counts[0] > 0 && counts[1] > 0);
    assert_eq!(counts[2], 1);
}

#[test]
fn every_squaring_is_counted_and_nothing_is_at_hand_at_the_end() {
    for threads in [1, 3] {
        let board = board(threads);
        find_above(Some(exponent(11)), 13, &Interrupt::new(), &board);
        // The test, and the one that confirms it.
        assert_eq!((board.squarings(), board.at_hand()), (22, None));
    }
}

#[test]
fn the_frontier_is_where_nothing_below_is_left_to_settle() {
    for threads in [1, 3] {
        let board = board(threads);
        assert_eq!(board.frontier(), 0);
        find_above(Some(exponent(127)), 500, &Interrupt::new(), &board);
        assert_eq!(board.frontier(), 503, "all up to 499 are settled");
        find_above(Some(exponent(127)), 1_000, &Interrupt::new(), &board);
        assert_eq!(board.frontier(), 521);
    }
}

#[test]
fn an_interrupt_ends_the_search_on_every_thread_and_leaves_the_exponents_at_hand_unsettled() {
    for threads in [1, 3] {
        let (board, interrupt) = (board(threads), Interrupt::new());
        // One test takes seconds here, and is interrupted after its first squarings.
        let known = Some(exponent(44_497));
        let scope = Scope { engines: EngineSet::EXACT, ..Scope::up_to(50_000) };
        let outcome = thread::scope(|threads| {
            let search = threads.spawn(|| scope.find_above(known, &interrupt, &board));
            wait_until("a test has begun", || board.at_hand().is_some_and(|at_hand| at_hand.iteration > 0));
            interrupt.request();
            search.join().unwrap()
        });
        assert_eq!(outcome, SearchOutcome::Interrupted);
        assert_eq!(board.candidates(CandidateResult::Composite), 0);
        assert!(board.squarings() > 0 && board.frontier() > 44_497 && !board.is_exhausted());
        assert_eq!(board.at_hand(), None);
    }
}

#[test]
fn a_search_that_was_interrupted_before_it_began_does_nothing() {
    let (board, interrupt) = (board(3), Interrupt::new());
    interrupt.request();
    assert_eq!(find_above(None, 5_000, &interrupt, &board), SearchOutcome::Interrupted);
    assert_eq!((board.squarings(), board.frontier()), (0, 2));
}

#[test]
fn what_is_interrupted_leaves_a_checkpoint_that_the_next_search_goes_on_with_and_a_later_one_removes() {
    let directory = tempfile::tempdir().unwrap();
    let scope =
        Scope { engines: EngineSet::EXACT, checkpoints: Some(directory.path().to_owned()), ..Scope::up_to(110_527) };
    let names = || fs::read_dir(directory.path()).unwrap().count();
    let known = Some(exponent(110_501));
    let board = board(1);
    let interrupt = Interrupt::new();
    thread::scope(|threads| {
        let search = threads.spawn(|| scope.find_above(known, &interrupt, &board));
        // More than a second of work is worth a file.
        wait_until("a test is on its way", || board.at_hand().is_some_and(|at_hand| at_hand.iteration > 4_000));
        interrupt.request();
        assert_eq!(search.join().unwrap(), SearchOutcome::Interrupted);
    });
    assert_eq!(names(), 1);
    let interrupt = Interrupt::new();
    let at_hand = thread::scope(|threads| {
        let search = threads.spawn(|| scope.find_above(known, &interrupt, &board));
        wait_until("it goes on", || board.at_hand().is_some_and(|at_hand| at_hand.iteration > 0));
        let at_hand = board.at_hand();
        interrupt.request();
        search.join().unwrap();
        at_hand.unwrap()
    });
    assert!(at_hand.exponent == 110_503 && at_hand.iteration > 1_000, "{at_hand:?}");
    let above = Interrupt::new();
    above.request();
    scope.find_above(Some(exponent(110_503)), &above, &board);
    assert_eq!(names(), 0);
}
