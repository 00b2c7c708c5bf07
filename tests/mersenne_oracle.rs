//! The numbers against the outside: residues that other programs agree on, and the primes that are known.
//!
//! `oracle/ll_residues.csv` holds Lucas-Lehmer residues, each confirmed by at least two independent programs;
//! `oracle/prp3_residues.csv` those of Fermat tests to base 3, of both types.

use std::num::NonZeroU16;
use std::sync::Arc;

use mersenned::mersenne::{EngineKind, Exponent, Finding, Interrupt, Method, Plan, Res64, ResidueType, State, Test};
use mersenned::search::{Conclusion, SearchBoard, SearchOutcome, find_above, verify};
use num_bigint::BigUint;

/// The largest exponent of a full test, and exponent times squarings of the largest partial one: a few
/// seconds each on big integers.
const LARGEST_FULL_TEST: u32 = 20_011;
const LARGEST_PARTIAL_TEST: u64 = 100_000_000;

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

fn full_tests() -> Vec<OracleRow> {
    let affordable = |row: &OracleRow| row.full_test && row.exponent.get() <= LARGEST_FULL_TEST;
    let rows: Vec<_> = oracle().filter(affordable).collect();
    assert_eq!(rows.len(), 8);
    rows
}

fn test_of(exponent: Exponent, method: Method) -> Test {
    let plan = Plan::of(exponent, EngineKind::Exact).unwrap();
    Test::new(method, plan, Arc::new(Plan::build), exponent.get() / 3).unwrap()
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

#[test]
fn full_tests_end_with_the_residues_of_other_programs() {
    for row in full_tests() {
        let mut test = test_of(row.exponent, Method::LucasLehmer);
        advance(&mut test, u32::MAX);
        assert_eq!(test.finding(), Some(Finding::Composite(row.res64)), "{}", row.exponent);
        assert_eq!(test.progress().0, row.iterations);
    }
}

#[test]
fn fermat_tests_end_with_the_residues_of_other_programs() {
    let rows = include_str!("oracle/prp3_residues.csv").lines().skip(1);
    let mut compared = 0;
    for row in rows {
        let [exponent, one, three, is_prime] = row.split(',').collect::<Vec<_>>().try_into().unwrap();
        let exponent = Exponent::new(exponent.parse().unwrap()).unwrap();
        if exponent.get() > LARGEST_FULL_TEST {
            continue;
        }
        for (residue_type, res64) in [(ResidueType::One, one), (ResidueType::Three, three)] {
            let mut test = test_of(exponent, Method::Prp(residue_type));
            advance(&mut test, u32::MAX);
            let res64 = Res64::new(u64::from_str_radix(res64, 16).unwrap());
            let expected = if is_prime == "1" { Finding::Hit(res64) } else { Finding::Composite(res64) };
            assert_eq!(test.finding(), Some(expected), "{exponent}, {residue_type:?}");
            compared += 1;
        }
    }
    assert_eq!(compared, 12);
}

#[test]
fn claims_are_refuted_by_a_factor_or_by_the_residues_of_other_programs() {
    for row in full_tests() {
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
fn partial_tests_have_the_residues_of_other_programs() {
    let affordable =
        |row: &OracleRow| !row.full_test && u64::from(row.exponent) * u64::from(row.iterations) <= LARGEST_PARTIAL_TEST;
    let rows: Vec<_> = oracle().filter(affordable).collect();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let mut test = test_of(row.exponent, Method::LucasLehmer);
        advance(&mut test, row.iterations);
        assert_eq!(Res64::of(&test.snapshot().current.residue), row.res64, "{}", row.exponent);
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
