use super::*;
use crate::mersenne::engine::EngineKind;
use crate::mersenne::exact::ExactEngine;

fn test_of(exponent: u64) -> LucasLehmer<ExactEngine> {
    LucasLehmer::new(ExactEngine::new(Exponent::new(exponent).unwrap()).unwrap())
}

fn verdict_on(exponent: u64) -> Verdict {
    match test_of(exponent).run(&Interrupt::new(), &mut |_| {}) {
        Ok(Outcome::Finished(verdict)) => verdict,
        Ok(Outcome::Interrupted) => panic!("nobody interrupted"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn two_is_the_exponent_of_a_prime_and_needs_no_squaring() {
    assert_eq!(verdict_on(2), Verdict::Prime);
    assert_eq!(test_of(2).progress(), Progress { iteration: 0, total: 0 });
}

#[test]
fn small_mersenne_numbers_are_judged_as_trial_division_judges_them() {
    for exponent in (2..=31).filter(|&p| Exponent::new(p).is_ok()) {
        let number = (1u64 << exponent) - 1;
        let prime = (2..=number.isqrt()).all(|divisor| !number.is_multiple_of(divisor));
        assert_eq!(verdict_on(exponent) == Verdict::Prime, prime, "{exponent}");
    }
}

#[test]
fn a_composite_ends_with_its_residue() {
    let res64 = Res64::new(0x9116_B0BE_4810_0D73);
    assert_eq!(verdict_on(4_999), Verdict::Composite { res64 });
}

#[test]
fn progress_is_told_after_every_squaring() {
    let mut told = Vec::new();
    let outcome = test_of(13).run(&Interrupt::new(), &mut |progress| told.push(progress));
    assert_eq!(outcome, Ok(Outcome::Finished(Verdict::Prime)));
    let expected: Vec<_> = (1..=11).map(|iteration| Progress { iteration, total: 11 }).collect();
    assert_eq!(told, expected);
}

#[test]
fn an_interrupt_stops_before_the_next_squaring_and_the_test_can_be_run_on() {
    let mut test = test_of(1_279);
    let interrupt = Interrupt::new();
    let outcome = test.run(&interrupt, &mut |progress| {
        if progress.iteration == 100 {
            interrupt.request();
        }
    });
    assert_eq!(outcome, Ok(Outcome::Interrupted));
    assert_eq!(test.progress(), Progress { iteration: 100, total: 1_277 });
    let outcome = test.run(&interrupt, &mut |_| panic!("no squaring while the request stands"));
    assert_eq!(outcome, Ok(Outcome::Interrupted));
    let outcome = test.run(&Interrupt::new(), &mut |_| {});
    assert_eq!(outcome, Ok(Outcome::Finished(Verdict::Prime)));
}

#[test]
fn steps_beyond_the_end_change_nothing() {
    let mut test = test_of(11);
    for _ in 0..9 {
        test.step().unwrap();
    }
    let end = test.res64();
    test.step().unwrap();
    assert_eq!(test.progress(), Progress { iteration: 9, total: 9 });
    assert_eq!(test.res64(), end);
}

/// An engine whose residue is always 0, as after an overflow to NaN, and which notices that or not.
struct Broken {
    fails_at_step: Option<u32>,
    steps: u32,
}

const ROUND_OFF: StepError = StepError::RoundOff { measured: 0.5, limit: 0.4 };
const SELF_CHECK: StepError = StepError::SelfCheck { property: "finite" };

impl Squaring for Broken {
    fn kind(&self) -> EngineKind {
        EngineKind::Portable
    }
    fn exponent(&self) -> Exponent {
        Exponent::new(4_423).unwrap()
    }
    fn length(&self) -> Option<usize> {
        None
    }
    fn start(&mut self, _value: &BigUint, _shift: u32) {
        self.steps = 0;
    }
    fn step(&mut self, _recurrence: Recurrence) -> Result<(), StepError> {
        self.steps += 1;
        if self.fails_at_step == Some(self.steps) { Err(ROUND_OFF) } else { Ok(()) }
    }
    fn shift(&self) -> u32 {
        0
    }
    fn roundoff(&self) -> f64 {
        0.0
    }
    fn residue(&self) -> Result<BigUint, StepError> {
        Err(SELF_CHECK)
    }
}

#[test]
fn a_failed_step_ends_the_run_without_a_verdict() {
    let mut test = LucasLehmer::new(Broken { fails_at_step: Some(7), steps: 0 });
    assert_eq!(test.run(&Interrupt::new(), &mut |_| {}), Err(ROUND_OFF));
    assert_eq!(test.progress().iteration, 6);
}

#[test]
fn a_zero_residue_which_the_engine_does_not_vouch_for_is_no_prime() {
    let mut test = LucasLehmer::new(Broken { fails_at_step: None, steps: 0 });
    assert_eq!(test.run(&Interrupt::new(), &mut |_| {}), Err(SELF_CHECK));
}
