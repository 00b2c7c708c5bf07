use std::sync::Arc;

use super::*;
use crate::mersenne::engine::{EngineKind, Res64};
use crate::mersenne::faulty::{Script, Trouble};

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

fn exact(p: u64) -> Plan {
    Plan::of(exponent(p), EngineKind::Exact).unwrap()
}

fn honest() -> Build {
    Arc::new(Plan::build)
}

fn new(plan: Plan, build: Build, shift: u32) -> Prp {
    Prp::new(ResidueType::One, plan, build, shift).unwrap()
}

/// A test with more checks than its size asks for.
fn often_checked(p: u64, build: Build, length: u32, per_check: u32) -> Prp {
    let blocks = Blocks { per_check, ..Blocks::with_length(exponent(p), length) };
    assert!(blocks.head <= 20, "a power that can be written down");
    Prp::at(Course::new(exact(p), build, Default::default()).unwrap(), ResidueType::One, blocks, 11, None, None)
}

fn run(test: &mut Prp, slice: u32) -> Result<Vec<Fault>, GaveUp> {
    let mut faults = Vec::new();
    loop {
        match test.advance(slice, &Interrupt::new())?.state {
            State::Running => {}
            State::WentBack(fault) => faults.push(fault),
            State::Interrupted => panic!("nobody interrupted"),
            State::Finished => return Ok(faults),
        }
    }
}

fn ending(p: u64, shift: u32) -> BigUint {
    let mut test = new(exact(p), honest(), shift);
    assert_eq!(run(&mut test, 1_000), Ok(vec![]));
    test.ending().unwrap().clone()
}

#[test]
fn probable_primes_are_the_primes_whatever_the_shift() {
    let primes = [3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521];
    for p in (3..=521).filter(|&p| Exponent::new(p).is_ok()) {
        for shift in [0, 1, p as u32 / 2, p as u32 - 1] {
            let power = ending(p, shift);
            assert_eq!(is_hit(&power, exponent(p)), primes.contains(&p), "{p}, shift {shift}");
        }
    }
}

#[test]
fn the_power_is_that_of_ordinary_arithmetic_and_so_are_both_residues() {
    for p in [5u64, 11, 67, 1_009] {
        let number = (BigUint::ONE << p) - 1u32;
        let power = ending(p, 3);
        let three = BigUint::from(3u32);
        for (residue_type, wanted) in [(ResidueType::One, &number - 1u32), (ResidueType::Three, &number + 1u32)] {
            assert_eq!(residue(residue_type, &power, exponent(p)), three.modpow(&wanted, &number), "{p}");
        }
    }
}

#[test]
fn residues_are_those_of_other_programs() {
    let rows = include_str!("../../../tests/oracle/prp3_residues.csv").lines().skip(1);
    let mut compared = 0;
    for row in rows {
        let columns: Vec<&str> = row.split(',').collect();
        let p: u64 = columns[0].parse().unwrap();
        if p > 20_011 {
            continue;
        }
        let power = ending(p, 1_000);
        for (residue_type, column) in [(ResidueType::One, columns[1]), (ResidueType::Three, columns[2])] {
            let res64 = Res64::of(&residue(residue_type, &power, exponent(p)));
            assert_eq!(res64.to_string(), column, "{p}, {residue_type:?}");
        }
        assert_eq!(is_hit(&power, exponent(p)), columns[3] == "1");
        compared += 1;
    }
    assert_eq!(compared, 6);
}

#[test]
fn every_flipped_bit_is_caught_and_repaired_wherever_it_happens() {
    let right = ending(1_009, 0);
    // 1,009 squarings, and those of the products and of the checks among them.
    let honest = {
        let mut test = often_checked(1_009, honest(), 21, 6);
        run(&mut test, 1_000).unwrap();
        assert_eq!(test.ending(), Some(&right));
        test.blocks.relative_cost(exponent(1_009))
    };
    assert!(honest > 0.1);
    let mut caught = 0;
    for step in 1..=1_300 {
        let build = Script::once(step, Trouble::Flip(u64::from(step) * 7 % 1_009)).build();
        let mut test = often_checked(1_009, build, 21, 6);
        let faults = run(&mut test, 1_000).unwrap();
        assert_eq!(test.ending(), Some(&right), "a flip at step {step}");
        assert!(faults.iter().all(|fault| *fault == Fault::Gerbicz));
        assert_eq!(test.course().errors().gerbicz as usize, faults.len());
        caught += faults.len();
    }
    assert!(caught > 1_100, "only {caught} of the flips were caught");
}

#[test]
fn a_prime_is_not_lost_and_none_is_made_by_two_flips() {
    for p in [521, 523] {
        for first in (1..500).step_by(23) {
            let once = vec![(first, Trouble::Flip(5)), (first + 200, Trouble::Flip(77))];
            let mut test = often_checked(p, Script { once, ..Script::default() }.build(), 13, 4);
            run(&mut test, 1_000).unwrap();
            assert_eq!(is_hit(test.ending().unwrap(), exponent(p)), p == 521, "flips at {first}");
        }
    }
}

#[test]
fn a_failed_check_goes_back_to_the_last_one_that_passed() {
    // A check every 6 blocks of 21, so after 1 + 126 and 1 + 252 squarings.
    let mut test = often_checked(1_009, Script::once(300, Trouble::Flip(40)).build(), 21, 6);
    let head = test.blocks.head;
    while test.advance(10, &Interrupt::new()).unwrap().state == State::Running {}
    assert_eq!(test.progress().0, head + 126);
    assert_eq!(test.course().errors().gerbicz, 1);
}

#[test]
fn round_off_goes_back_no_further_than_a_block() {
    let plan = Plan::of(exponent(4_999), EngineKind::Portable).unwrap();
    let mut test = new(plan, Script::once(1_000, Trouble::RoundOff).build(), 0);
    let length = test.blocks.length;
    while test.advance(50, &Interrupt::new()).unwrap().state == State::Running {}
    let back = test.progress().0;
    assert!(back < 1_000 && back + 2 * length > 1_000 && test.blocks.is_end(back), "{back}, {length}");
    assert_eq!(Some(test.course().plan()), plan.longer());
    run(&mut test, 1_000).unwrap();
    assert_eq!(*test.ending().unwrap(), ending(4_999, 0));
}

#[test]
fn what_fails_again_and_again_is_given_up() {
    for trouble in [Trouble::RoundOff, Trouble::SelfCheck, Trouble::NotANumber, Trouble::Zero, Trouble::Flip(3)] {
        for from in [1, 600] {
            let script = Script { always: Some((from, trouble)), ..Script::default() };
            let mut test = often_checked(521, script.build(), 13, 4);
            assert!(run(&mut test, 1_000).is_err(), "{trouble:?} from {from}");
            assert_eq!(test.ending(), None);
        }
    }
}

#[test]
fn failures_that_are_overcome_do_not_add_up() {
    // More than a test may have in one place, each in a block of its own, and no check before the end.
    let once = (1..=8).map(|number| (number * 100, Trouble::SelfCheck)).collect();
    let mut test = often_checked(1_009, Script { once, ..Script::default() }.build(), 21, 1_000);
    assert_eq!(run(&mut test, 1_000).map(|faults| faults.len()), Ok(8));
    assert_eq!(*test.ending().unwrap(), ending(1_009, 0));
}

#[test]
fn a_snapshot_of_the_first_block_can_be_gone_on_from_whatever_the_power_it_begins_with() {
    for p in (500..3_000).filter(|&p| Exponent::new(p).is_ok()) {
        let mut test = new(exact(p), honest(), 0);
        for _ in 0..2 {
            assert_eq!(test.snapshot().flaw(), None, "{p}");
            test.advance(1, &Interrupt::new()).unwrap();
        }
    }
}

#[test]
fn a_test_goes_on_from_any_snapshot_to_the_same_residue() {
    let right = ending(1_009, 0);
    let mut snapshots = 0;
    let mut test = often_checked(1_009, honest(), 21, 6);
    loop {
        // One step at a time comes through every phase.
        let state = test.advance(1, &Interrupt::new()).unwrap().state;
        let snapshot = test.snapshot();
        assert_eq!(snapshot.flaw(), None);
        let mut resumed = Prp::resume(&snapshot, ResidueType::Three, exact(1_009), honest()).unwrap();
        assert_eq!(resumed.snapshot().current.residue, snapshot.current.residue);
        assert_eq!(run(&mut resumed, 1_000), Ok(vec![]), "from {}", snapshot.current.iteration);
        assert_eq!(resumed.ending(), Some(&right), "from {}", snapshot.current.iteration);
        snapshots += 1;
        if state == State::Finished {
            break;
        }
    }
    assert_eq!(test.ending(), Some(&right));
    assert!(snapshots > 1_100, "{snapshots}");
}

#[test]
fn an_error_from_before_a_snapshot_is_caught_after_it() {
    let mut test = often_checked(1_009, Script::once(200, Trouble::Flip(9)).build(), 21, 6);
    test.advance(210, &Interrupt::new()).unwrap();
    let snapshot = test.snapshot();
    assert_eq!(snapshot.checked.as_ref().map(|mark| mark.iteration), Some(test.blocks.head + 126));
    let blocks = Blocks { per_check: 6, ..test.blocks };
    let course = Course::new(exact(1_009), honest(), snapshot.errors).unwrap();
    let (current, checked) = (Some(snapshot.current), snapshot.checked);
    let mut resumed = Prp::at(course, ResidueType::One, blocks, snapshot.start_shift, current, checked);
    assert_eq!(run(&mut resumed, 1_000), Ok(vec![Fault::Gerbicz]));
    assert_eq!(*resumed.ending().unwrap(), ending(1_009, 0));
}

#[test]
fn an_interrupt_stops_in_every_phase_and_the_test_can_be_run_on() {
    let interrupt = Interrupt::new();
    interrupt.request();
    let mut test = often_checked(521, honest(), 13, 4);
    while test.advance(1, &Interrupt::new()).unwrap().state != State::Finished {
        let before = test.progress();
        let state = test.advance(5, &interrupt).unwrap().state;
        assert!(state == State::Interrupted || state == State::Finished);
        assert_eq!(test.progress(), before);
    }
    assert!(is_hit(test.ending().unwrap(), exponent(521)));
}

#[test]
fn the_check_is_worth_its_time_from_where_it_takes_less_than_a_hundredth() {
    let from = (u64::from(WORTHWHILE_FROM)..).filter_map(|p| Exponent::new(p).ok());
    for p in from.take(20).chain([exponent(10_000_019), exponent(136_279_841)]) {
        assert!(relative_cost(p) < 0.0101, "{p}: {}", relative_cost(p));
    }
    assert!(relative_cost(exponent(100_003)) > 0.01);
}
