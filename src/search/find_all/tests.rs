use std::num::NonZeroU16;

use super::*;
use crate::search::CandidateResult;

const MERSENNE_EXPONENTS: [u32; 16] = [2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1_279, 2_203];

fn range(from: u32, to: u32) -> Range {
    Range { from, to, engines: EngineSet::of_this_machine(), checkpoints: None }
}

fn search(range: &Range, threads: u16) -> (Vec<u32>, AllOutcome, SearchBoard) {
    let board = SearchBoard::new(NonZeroU16::new(threads).unwrap());
    let mut found = Vec::new();
    let outcome = find_all(range, &Interrupt::new(), &board, &mut |prime| found.push(prime.get()));
    (found, outcome, board)
}

#[test]
fn all_primes_of_a_range_are_found_in_order_on_any_number_of_threads() {
    for threads in [1, 2, 5] {
        for (from, to) in [(0, 2_280), (2, 2_203), (3, 2_202), (89, 1_279), (90, 106), (2, 2)] {
            let expected: Vec<u32> =
                MERSENNE_EXPONENTS.into_iter().filter(|exponent| (from..=to).contains(exponent)).collect();
            let (found, outcome, board) = search(&range(from, to), threads);
            assert_eq!((found, outcome), (expected, AllOutcome::Complete), "{from} to {to} on {threads}");
            // Behind a prime the search goes on: nothing is done twice.
            let candidates = (from..=to).filter(|&p| Exponent::new(p.into()).is_ok()).count() as u64;
            let [factored, composite, prime] =
                [CandidateResult::Factored, CandidateResult::Composite, CandidateResult::Prime]
                    .map(|result| board.candidates(result));
            assert_eq!(factored + composite + prime, candidates, "{from} to {to} on {threads}");
        }
    }
}

#[test]
fn where_engines_end_a_range_is_not_complete() {
    let engines = EngineSet::EXACT;
    let limit = largest_exponent(engines);
    let (found, outcome, _) = search(&Range { engines, ..range(limit, u32::MAX) }, 1);
    assert_eq!((found, outcome), (vec![], AllOutcome::BeyondEngine { limit }));
}

#[test]
fn an_interrupted_search_says_where_to_go_on_and_has_told_what_is_below() {
    for threads in [1, 3] {
        let board = SearchBoard::new(NonZeroU16::new(threads).unwrap());
        let interrupt = Interrupt::new();
        let mut found = Vec::new();
        let outcome = find_all(&range(2, 100_000), &interrupt, &board, &mut |prime| {
            found.push(prime.get());
            if prime.get() == 521 {
                interrupt.request();
            }
        });
        let AllOutcome::Interrupted { next } = outcome else { panic!("{outcome:?}") };
        assert!(next > 521, "{next}");
        let below = MERSENNE_EXPONENTS.iter().filter(|&&exponent| u64::from(exponent) < next);
        assert!(found.iter().copied().take(below.clone().count()).eq(below.copied()), "{found:?} below {next}");
        assert!(found.iter().all(|&exponent| u64::from(exponent) < next));
    }
}
