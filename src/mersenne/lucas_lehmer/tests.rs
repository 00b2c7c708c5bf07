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

/// A plan with lengths, whose engines are exact all the same when a script makes them.
fn with_lengths(p: u64) -> Plan {
    Plan::of(exponent(p), EngineKind::Portable).unwrap()
}

fn honest() -> Build {
    Arc::new(Plan::build)
}

fn new(plan: Plan, build: Build, shift: u32) -> LucasLehmer {
    LucasLehmer::new(plan, build, shift).unwrap()
}

/// Runs to the end in slices of `slice`, and says what went wrong on the way.
fn run(test: &mut LucasLehmer, slice: u32) -> Result<Vec<Fault>, GaveUp> {
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

fn ending(plan: Plan, build: Build, shift: u32) -> BigUint {
    let mut test = new(plan, build, shift);
    run(&mut test, 1_000).unwrap();
    test.ending().unwrap().clone()
}

fn is_hit(p: u64) -> bool {
    ending(exact(p), honest(), 0) == BigUint::ZERO
}

const RES64_OF_4999: Res64 = Res64::new(0x9116_B0BE_4810_0D73);

#[test]
fn two_is_the_exponent_of_a_prime_and_needs_no_squaring() {
    assert!(is_hit(2));
    assert_eq!(new(exact(2), honest(), 0).progress(), (0, 0));
}

#[test]
fn small_mersenne_numbers_are_judged_as_trial_division_judges_them_with_every_shift() {
    for p in (2..=31).filter(|&p| Exponent::new(p).is_ok()) {
        let number = (1u64 << p) - 1;
        let prime = (2..=number.isqrt()).all(|divisor| !number.is_multiple_of(divisor));
        for shift in 0..p as u32 {
            assert_eq!(ending(exact(p), honest(), shift) == BigUint::ZERO, prime, "{p}, shift {shift}");
        }
    }
}

#[test]
fn a_composite_ends_with_its_residue_whatever_the_shift_and_the_slices() {
    for (shift, slice) in [(0, 10_000), (1, 1), (2_500, 7), (4_998, 4_096)] {
        let mut test = new(exact(4_999), honest(), shift);
        assert_eq!(run(&mut test, slice), Ok(vec![]));
        assert_eq!(Res64::of(test.ending().unwrap()), RES64_OF_4999, "shift {shift}");
        assert_eq!(test.course().errors().total(), 0);
    }
}

#[test]
fn an_interrupt_stops_before_the_next_squaring_and_the_test_can_be_run_on() {
    let mut test = new(exact(1_279), honest(), 77);
    let interrupt = Interrupt::new();
    assert_eq!(test.advance(100, &interrupt).unwrap(), Advance { squarings: 100, state: State::Running });
    interrupt.request();
    for _ in 0..2 {
        assert_eq!(test.advance(100, &interrupt).unwrap(), Advance { squarings: 0, state: State::Interrupted });
        assert_eq!(test.progress(), (100, 1_277));
    }
    assert_eq!(run(&mut test, 10_000), Ok(vec![]));
    assert_eq!(test.ending(), Some(&BigUint::ZERO));
}

#[test]
fn a_test_goes_on_from_any_snapshot_to_the_same_residue() {
    for stop in [0, 1, 100, 4_095, 4_096, 4_097, 4_996] {
        let mut test = new(exact(4_999), honest(), 1_234);
        test.advance(stop, &Interrupt::new()).unwrap();
        let snapshot = test.snapshot();
        assert_eq!((snapshot.current.iteration, snapshot.flaw()), (stop, None));
        let mut resumed = LucasLehmer::resume(&snapshot, exact(4_999), honest()).unwrap();
        assert_eq!(resumed.snapshot(), snapshot);
        assert_eq!(run(&mut resumed, 10_000), Ok(vec![]));
        assert_eq!(Res64::of(resumed.ending().unwrap()), RES64_OF_4999, "from {stop}");
        // A snapshot disturbs nothing.
        run(&mut test, 10_000).unwrap();
        assert_eq!(test.ending(), resumed.ending());
    }
}

#[test]
fn a_round_off_error_is_cured_by_a_longer_transform_and_goes_back_to_the_last_good_place() {
    let plan = with_lengths(4_999);
    let build = Script::once(4_500, Trouble::RoundOff).build();
    let mut test = new(plan, build, 5);
    assert_eq!(test.advance(4_400, &Interrupt::new()).unwrap().state, State::Running);
    let went_back = test.advance(4_400, &Interrupt::new()).unwrap();
    assert!(matches!(went_back.state, State::WentBack(Fault::Engine(StepError::RoundOff { .. }))));
    assert_eq!((went_back.squarings, test.progress().0), (100, DISTANCE));
    assert_eq!(Some(test.course().plan()), plan.longer());
    assert_eq!(run(&mut test, 10_000), Ok(vec![]));
    assert_eq!(Res64::of(test.ending().unwrap()), RES64_OF_4999);
    assert_eq!(test.course().errors().round_off, 1);
    assert_eq!(test.course().roundoff(), 0.45, "the largest is kept");
    // A test that is resumed stays with the length that it needs.
    let snapshot = new(plan.longer().unwrap(), honest_exact(), 0).snapshot();
    assert_eq!(snapshot.plan(plan), plan.longer().unwrap());
    assert_eq!(snapshot.plan(exact(4_999)), exact(4_999));
}

fn honest_exact() -> Build {
    Script::default().build()
}

#[test]
fn lengths_grow_until_one_is_long_enough() {
    let plan = with_lengths(4_999);
    let enough = plan.longer().unwrap().longer().unwrap();
    let script = Script { too_short_below: enough.length().unwrap(), ..Script::default() };
    let mut test = new(plan, script.build(), 0);
    assert_eq!(run(&mut test, 100).unwrap().len(), 2);
    assert_eq!(test.course().plan(), enough);
    assert_eq!(Res64::of(test.ending().unwrap()), RES64_OF_4999);
}

#[test]
fn an_accident_is_repeated_on_the_same_length_and_a_second_one_on_a_longer() {
    let plan = with_lengths(1_279);
    let script = Script { once: vec![(200, Trouble::SelfCheck), (300, Trouble::SelfCheck)], ..Script::default() };
    let mut test = new(plan, script.build(), 0);
    test.advance(10_000, &Interrupt::new()).unwrap();
    assert_eq!((test.course().plan(), test.progress().0), (plan, 0));
    assert_eq!(run(&mut test, 10_000).unwrap().len(), 1);
    assert_eq!(Some(test.course().plan()), plan.longer());
    assert_eq!((test.ending(), test.course().errors().self_check), (Some(&BigUint::ZERO), 2));
}

#[test]
fn what_fails_again_and_again_is_given_up() {
    for trouble in [Trouble::RoundOff, Trouble::SelfCheck, Trouble::NotANumber, Trouble::Zero, Trouble::Flip(3)] {
        let script = Script { always: Some((500, trouble)), ..Script::default() };
        let mut test = new(with_lengths(4_423), script.build(), 9);
        let result = run(&mut test, 1_000);
        if trouble == Trouble::Flip(3) {
            // Silent, and no residue of its own: it ends, but not as a prime's.
            assert_ne!(test.ending(), Some(&BigUint::ZERO));
        } else {
            assert!(result.is_err(), "{trouble:?}");
            assert_eq!(test.ending(), None);
            assert!(test.course().errors().total() > 3);
        }
    }
}

#[test]
fn a_zero_that_nobody_calculated_is_never_a_prime() {
    // The number under test may be prime or not, and the zero may come at any squaring, or stay.
    for p in [67, 127, 521, 4_423, 4_999] {
        let last = p as u32 - 2;
        for step in [1, 2, last / 2, last - 3, last - 2, last - 1, last] {
            let mut test = new(exact(p), Script::once(step, Trouble::Zero).build(), 1);
            let faults = run(&mut test, 1_000).unwrap();
            // After the last squaring it is right, for a prime.
            let is_right = step == last && is_hit(p);
            assert_eq!(faults.is_empty(), is_right, "M{p}, zero after squaring {step}");
            assert_eq!(*test.ending().unwrap() == BigUint::ZERO, is_hit(p), "M{p}, zero after squaring {step}");
            let script = Script { always: Some((step, Trouble::Zero)), ..Script::default() };
            let mut test = new(exact(p), script.build(), 1);
            assert_eq!(run(&mut test, 1_000).is_ok(), is_right, "M{p}, zero from squaring {step} on");
        }
    }
}

#[test]
fn what_is_not_a_number_at_the_end_is_no_prime() {
    for step in [1, 1_000, 4_420, 4_421] {
        let mut test = new(exact(4_423), Script::once(step, Trouble::NotANumber).build(), 0);
        let faults = run(&mut test, 1_000).unwrap();
        let is_nan =
            |fault: &Fault| matches!(fault, Fault::Engine(StepError::RoundOff { measured, .. }) if measured.is_nan());
        assert!(faults.len() == 1 && faults.iter().all(is_nan));
        assert_eq!(test.ending(), Some(&BigUint::ZERO), "repeated, it is right");
    }
}

#[test]
fn a_snapshot_of_what_the_engine_does_not_vouch_for_is_of_the_last_good_place() {
    let mut test = new(exact(4_999), Script::once(4_200, Trouble::NotANumber).build(), 3);
    test.advance(4_300, &Interrupt::new()).unwrap();
    assert_eq!(test.snapshot().current.iteration, DISTANCE);
    assert_eq!(test.snapshot().current.iteration, DISTANCE);
    assert_eq!(run(&mut test, 1_000).unwrap().len(), 1);
    assert_eq!(Res64::of(test.ending().unwrap()), RES64_OF_4999);
}

#[test]
fn a_wrong_jacobi_symbol_takes_the_test_back_to_where_it_was_right() {
    let (mut caught, mut unseen) = (0, 0);
    for step in (5_000..9_600).step_by(450) {
        let mut test = new(exact(9_689), Script::once(step, Trouble::Flip(u64::from(step) % 9_689)).build(), 0);
        test.jacobi = JacobiCheck::always(exponent(9_689));
        let faults = run(&mut test, 1_000).unwrap();
        assert!(faults.iter().all(|fault| *fault == Fault::Jacobi), "{faults:?}");
        if faults.is_empty() {
            unseen += 1;
            assert_ne!(test.ending(), Some(&BigUint::ZERO), "a flip at {step} changes the residue");
        } else {
            caught += 1;
            assert_eq!(test.ending(), Some(&BigUint::ZERO), "repaired after a flip at {step}");
            assert_eq!(test.checked.as_ref().map(|mark| mark.iteration), Some(2 * DISTANCE));
        }
    }
    assert!(caught > 0, "half of them should be, and {unseen} of {} were not", caught + unseen);
}
