//! The numbers against the outside: residues that other programs agree on, and the primes that are known.
//!
//! `oracle/ll_residues.csv` holds Lucas-Lehmer residues, each confirmed by at least two independent programs;
//! `oracle/prp3_residues.csv` those of Fermat tests to base 3, of both types.
//!
//! By itself this compares what takes an engine half a second; with `ORACLE=all` every row that it can afford at all.

use std::num::NonZeroU16;
use std::sync::Arc;

use mersenned::mersenne::{
    EngineKind, EngineSet, Exponent, Finding, Interrupt, Method, Plan, Res64, ResidueType, Snapshot, State, Test,
};
use mersenned::search::{Conclusion, SearchBoard, SearchOutcome, find_above, verify};
use num_bigint::BigUint;

/// The largest exponent of a full test on big integers, which take a few seconds there, and on transforms.
const LARGEST_ON_INTEGERS: u32 = 20_011;
const LARGEST_ON_TRANSFORMS: u32 = 100_003;
/// Every exponent of a Mersenne prime up to 4,423. Nothing in the program may know this.
const MERSENNE_EXPONENTS: [u32; 20] =
    [2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1_279, 2_203, 2_281, 3_217, 4_253, 4_423];

struct OracleRow {
    exponent: Exponent,
    iterations: u32,
    res64: Res64,
    full_test: bool,
}

fn oracle() -> impl Iterator<Item = OracleRow> {
    let rows = include_str!("oracle/ll_residues.csv").lines().skip(1);
    rows.map(|row| {
        let [exponent, iterations, res64, full_test, _] = row.split(',').collect::<Vec<_>>().try_into().unwrap();
        OracleRow {
            exponent: Exponent::new(exponent.parse().unwrap()).unwrap(),
            iterations: iterations.parse().unwrap(),
            res64: Res64::new(u64::from_str_radix(res64, 16).unwrap()),
            full_test: full_test == "1",
        }
    })
}

/// Whether every row is wanted that an engine can afford, or only those that take no time to speak of.
fn is_all_wanted() -> bool {
    std::env::var_os("ORACLE").is_some_and(|wanted| wanted == "all")
}

/// The largest exponent of a full test of a few hundred milliseconds.
fn largest_quick_test(kind: EngineKind) -> u32 {
    match kind {
        EngineKind::Exact => 4_500,
        EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => 23_209,
    }
}

fn largest_full_test(kind: EngineKind) -> u32 {
    match kind {
        _ if !is_all_wanted() => largest_quick_test(kind),
        EngineKind::Exact => LARGEST_ON_INTEGERS,
        EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => LARGEST_ON_TRANSFORMS,
    }
}

/// The largest exponent whose residue after so many squarings an engine can afford: a few seconds at most.
fn largest_partial_test(kind: EngineKind, iterations: u32) -> u32 {
    match (kind, iterations) {
        (EngineKind::Exact, _) if !is_all_wanted() => 5_000_000 / iterations,
        (EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512, _) if !is_all_wanted() => {
            300_000_000 / iterations
        }
        (EngineKind::Exact, _) => 100_000_000 / iterations,
        (EngineKind::Portable, ..=100) => 13_466_917,
        (EngineKind::Portable, ..=1_000) => 859_433,
        (EngineKind::Portable, _) => 110_503,
        (EngineKind::Avx2, ..=100) => 30_402_457,
        (EngineKind::Avx512, ..=100) => 136_279_841,
        (EngineKind::Avx2 | EngineKind::Avx512, ..=1_000) => 1_257_787,
        (EngineKind::Avx2 | EngineKind::Avx512, _) => 216_091,
    }
}

fn full_tests(kind: EngineKind) -> Vec<OracleRow> {
    oracle().filter(|row| row.full_test && row.exponent.get() <= largest_full_test(kind)).collect()
}

/// The plan of an engine for this exponent, unless it cannot run here or the exponent is not for it.
fn plan(exponent: Exponent, kind: EngineKind) -> Option<Plan> {
    Plan::of(exponent, kind).ok().filter(|_| EngineSet::of_this_machine().contains(kind))
}

fn test_of(plan: Plan, method: Method) -> Test {
    Test::new(method, plan, Arc::new(Plan::build), plan.exponent().get() / 3).unwrap()
}

/// Squares until the end, or so often.
fn advance(test: &mut Test, mut squarings: u32) {
    while squarings > 0 {
        let advance = test.advance(squarings, &Interrupt::new()).unwrap();
        squarings -= advance.squarings;
        match advance.state {
            State::Running => {}
            State::Finished => return,
            State::WentBack(_) | State::Interrupted => panic!("{advance:?}"),
        }
    }
}

fn full_tests_end_with_the_residues_of_other_programs(kind: EngineKind) -> usize {
    let mut compared = 0;
    for row in full_tests(kind) {
        let Some(plan) = plan(row.exponent, kind) else { continue };
        let mut test = test_of(plan, Method::LucasLehmer);
        advance(&mut test, u32::MAX);
        assert_eq!(test.finding(), Some(Finding::Composite(row.res64)), "{}", row.exponent);
        assert_eq!(test.progress().0, row.iterations);
        compared += 1;
    }
    compared
}

fn fermat_tests_end_with_the_residues_of_other_programs(kind: EngineKind) -> usize {
    let largest = match kind {
        _ if !is_all_wanted() => largest_quick_test(kind),
        EngineKind::Exact => LARGEST_ON_INTEGERS,
        EngineKind::Portable => 44_501,
        EngineKind::Avx2 | EngineKind::Avx512 => 110_503,
    };
    let mut compared = 0;
    for row in include_str!("oracle/prp3_residues.csv").lines().skip(1) {
        let [exponent, one, three, is_prime] = row.split(',').collect::<Vec<_>>().try_into().unwrap();
        let exponent = Exponent::new(exponent.parse().unwrap()).unwrap();
        let Some(plan) = plan(exponent, kind).filter(|_| exponent.get() <= largest) else { continue };
        let mut test = test_of(plan, Method::Prp(ResidueType::One));
        advance(&mut test, u32::MAX);
        // The squarings are the same: the other kind of residue goes on from the end, which is checked once more.
        let end = Snapshot { method: Method::Prp(ResidueType::Three), ..test.snapshot() };
        let mut other = Test::resume(&end, plan, Arc::new(Plan::build)).unwrap();
        advance(&mut other, u32::MAX);
        for (test, res64) in [(test, one), (other, three)] {
            let res64 = Res64::new(u64::from_str_radix(res64, 16).unwrap());
            let expected = if is_prime == "1" { Finding::Hit(res64) } else { Finding::Composite(res64) };
            assert_eq!(test.finding(), Some(expected), "{exponent}, {}", test.method());
            compared += 1;
        }
    }
    compared
}

fn partial_tests_have_the_residues_of_other_programs(kind: EngineKind) -> usize {
    let mut compared = 0;
    for row in oracle().filter(|row| !row.full_test) {
        let affordable = row.exponent.get() <= largest_partial_test(kind, row.iterations);
        let Some(plan) = plan(row.exponent, kind).filter(|_| affordable) else { continue };
        let mut test = test_of(plan, Method::LucasLehmer);
        advance(&mut test, row.iterations);
        assert_eq!(test.progress().0, row.iterations);
        assert_eq!(Res64::of(&test.snapshot().current.residue), row.res64, "{}", row.exponent);
        compared += 1;
    }
    compared
}

/// The rows of the oracle by an engine: how many full, Fermat and partial tests it can afford.
macro_rules! agrees {
    ($engine:ident, $kind:expr, $full:literal, $fermat:literal, $partial:literal) => {
        mod $engine {
            use super::*;

            fn expect(compared: usize, affordable: usize) {
                let is_here = EngineSet::of_this_machine().contains($kind);
                match (is_here, is_all_wanted()) {
                    (true, true) => assert_eq!(compared, affordable),
                    (true, false) => assert!((1..=affordable).contains(&compared), "{compared}"),
                    (false, _) => assert_eq!(compared, 0),
                }
            }

            #[test]
            fn full_tests_end_with_the_residues_of_other_programs() {
                expect(super::full_tests_end_with_the_residues_of_other_programs($kind), $full);
            }

            #[test]
            fn fermat_tests_end_with_the_residues_of_other_programs() {
                expect(super::fermat_tests_end_with_the_residues_of_other_programs($kind), $fermat);
            }

            #[test]
            fn partial_tests_have_the_residues_of_other_programs() {
                expect(super::partial_tests_have_the_residues_of_other_programs($kind), $partial);
            }
        }
    };
}

agrees!(exact, EngineKind::Exact, 8, 12, 7);
agrees!(portable, EngineKind::Portable, 13, 16, 17);
agrees!(avx2, EngineKind::Avx2, 13, 22, 20);
agrees!(avx512, EngineKind::Avx512, 13, 22, 23);

#[test]
fn claims_are_refuted_by_a_factor_or_by_the_residues_of_other_programs() {
    for row in full_tests(EngineKind::Exact) {
        match verify(row.exponent, &Interrupt::new()) {
            Conclusion::HasFactor(factor) => {
                let power = BigUint::from(2u32).modpow(&row.exponent.get().into(), &factor.into());
                assert_eq!(power, BigUint::ONE, "{}", row.exponent);
            }
            Conclusion::Composite(report) => assert_eq!(report.res64, row.res64, "{}", row.exponent),
            conclusion => panic!("{}: {conclusion:?}", row.exponent),
        }
    }
}

#[test]
fn the_search_finds_exactly_the_known_mersenne_primes_up_to_4423() {
    let board = SearchBoard::new(NonZeroU16::MIN);
    let mut found = Vec::new();
    loop {
        match find_above(found.last().copied(), 4_423, &Interrupt::new(), &board) {
            SearchOutcome::Found(exponent) => found.push(exponent),
            SearchOutcome::Exhausted => break,
            SearchOutcome::Interrupted => panic!("nobody interrupted"),
            SearchOutcome::EngineFailed { exponent, fault } => panic!("{exponent}: {fault}"),
        }
    }
    let found: Vec<u32> = found.into_iter().map(Exponent::get).collect();
    assert_eq!(found, MERSENNE_EXPONENTS);
}
