use super::*;
use crate::mersenne::{Progress, Res64};

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

fn find_undisturbed(known: Option<Exponent>, max: u32) -> (SearchOutcome, Vec<SearchProgress>) {
    let mut told = Vec::new();
    let outcome = find_above(known, max, &Interrupt::new(), &mut |progress| told.push(progress));
    (outcome, told)
}

#[test]
fn the_search_begins_at_the_smallest_exponent() {
    assert_eq!(find_undisturbed(None, 100).0, SearchOutcome::Found(exponent(2)));
}

#[test]
fn the_next_prime_is_found_above_a_known_one_and_above_any_other_exponent() {
    assert_eq!(find_undisturbed(Some(exponent(127)), 1_000).0, SearchOutcome::Found(exponent(521)));
    assert_eq!(find_undisturbed(Some(exponent(509)), 1_000).0, SearchOutcome::Found(exponent(521)));
}

#[test]
fn the_maximum_is_included() {
    assert_eq!(find_undisturbed(Some(exponent(127)), 521).0, SearchOutcome::Found(exponent(521)));
    assert_eq!(find_undisturbed(Some(exponent(127)), 520).0, SearchOutcome::Exhausted);
    assert_eq!(find_undisturbed(None, 1), (SearchOutcome::Exhausted, Vec::new()));
}

#[test]
fn the_search_is_exhausted_where_the_engine_ends() {
    let (outcome, told) = find_undisturbed(Some(exponent(999_983)), u32::MAX);
    assert_eq!(outcome, SearchOutcome::Exhausted);
    assert_eq!(told.last().unwrap().counts.composite, 0);
}

#[test]
fn every_exponent_is_counted_once_by_its_result() {
    let (outcome, told) = find_undisturbed(Some(exponent(127)), 1_000);
    assert_eq!(outcome, SearchOutcome::Found(exponent(521)));
    let primes_between = (128..=521).filter(|&p| Exponent::new(p).is_ok()).count() as u64;
    let Counts { factored, composite, prime } = told.last().unwrap().counts;
    assert_eq!(factored + composite + prime, primes_between);
    assert_eq!(prime, 1);
    assert!(factored > 0 && composite > 0);
    let done = told.iter().filter(|progress| matches!(progress.stage, Stage::Done(_))).count() as u64;
    assert_eq!(done, primes_between);
}

#[test]
fn progress_tells_the_exponent_and_every_squaring() {
    let (_, told) = find_undisturbed(Some(exponent(11)), 13);
    assert_eq!(told[0].stage, Stage::Factoring);
    let squarings: Vec<Progress> = told
        .iter()
        .filter_map(|progress| match progress.stage {
            Stage::Testing(squarings) => Some(squarings),
            Stage::Factoring | Stage::Done(_) => None,
        })
        .collect();
    let expected: Vec<_> = (1..=11).map(|iteration| Progress { iteration, total: 11 }).collect();
    assert_eq!(squarings, expected);
    assert!(told.iter().all(|progress| progress.exponent == exponent(13)));
}

#[test]
fn an_interrupt_ends_the_search_and_leaves_the_exponent_at_hand_unsettled() {
    let interrupt = Interrupt::new();
    let mut last = None;
    let outcome = find_above(Some(exponent(2_281)), 5_000, &interrupt, &mut |progress| {
        if let Stage::Done(Verification::Composite(_)) = progress.stage {
            interrupt.request();
        }
        last = Some(progress);
    });
    assert_eq!(outcome, SearchOutcome::Interrupted);
    assert_eq!(last.unwrap().counts.composite, 1);
}

#[test]
fn a_search_that_was_interrupted_before_it_began_does_nothing() {
    let interrupt = Interrupt::new();
    interrupt.request();
    let outcome = find_above(None, 5_000, &interrupt, &mut |_| panic!("nothing is done"));
    assert_eq!(outcome, SearchOutcome::Interrupted);
}

#[test]
fn only_settled_exponents_are_counted() {
    let mut counts = Counts::default();
    counts.add(Stage::Factoring);
    counts.add(Stage::Done(Verification::Interrupted));
    counts.add(Stage::Done(Verification::BeyondEngine { limit: 1 }));
    assert_eq!(counts, Counts::default());
    counts.add(Stage::Done(Verification::HasFactor(23)));
    counts.add(Stage::Done(Verification::Composite(Res64::new(1))));
    counts.add(Stage::Done(Verification::Prime));
    assert_eq!(counts, Counts { factored: 1, composite: 1, prime: 1 });
}
