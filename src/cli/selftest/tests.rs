use super::chain::{Broken, End, Shifted};
use super::*;
use crate::mersenne::{Exponent, Interrupt, Res64, StepError};

fn exact(p: u64) -> Plan {
    Plan::of(Exponent::new(p).unwrap(), EngineKind::Exact).unwrap()
}

fn end(res64: u64, roundoff: f64) -> Result<End, Broken> {
    Ok(End { res64: Res64::new(res64), roundoff, took: Duration::from_millis(10) })
}

#[test]
fn a_chain_ends_with_the_residue_of_other_programs_whatever_its_shift() {
    // From the oracle: M44497 after 100 and 1,000 squarings.
    for (iterations, res64) in [(100, 0x08AB_9B03_B049_B0DE), (1_000, 0xD76D_70F8_F032_5CCB)] {
        for shifted in [Shifted::Yes, Shifted::No] {
            let end = chain::run(exact(44_497), iterations, shifted, &Interrupt::new()).unwrap();
            assert_eq!(end.res64, Res64::new(res64), "{iterations} squarings, {shifted:?}");
        }
    }
}

#[test]
fn only_a_small_round_off_error_and_the_right_residue_are_good() {
    let stored = Expected::Stored(Res64::new(7));
    let expected = Some(stored);
    assert_eq!(Judgement::of(&end(7, 0.25), expected), Judgement::Good(stored));
    assert_eq!(Judgement::of(&end(8, 0.25), expected), Judgement::WrongResidue(stored));
    assert_eq!(Judgement::of(&end(7, 0.2501), expected), Judgement::RoundOff);
    assert_eq!(Judgement::of(&end(7, f64::NAN), expected), Judgement::RoundOff);
    assert_eq!(Judgement::of(&end(7, 0.1), None), Judgement::Unchecked);
    let broken = Err(StepError::SelfCheck { property: "made up" }.into());
    assert!(matches!(Judgement::of(&broken, expected), Judgement::Failed(reason) if reason.contains("made up")));
}

#[test]
fn a_line_says_what_was_measured_and_what_is_wrong() {
    let expected = Some(Expected::Stored(Res64::new(7)));
    let good = end(7, 0.125);
    assert_eq!(
        line(exact(44_497), &good, &Judgement::of(&good, expected)),
        "exact          -      44497      0.125  0000000000000007    10.00  good (stored)"
    );
    let bad = end(8, 0.125);
    assert!(line(exact(44_497), &bad, &Judgement::of(&bad, expected)).ends_with("WRONG: stored says 0000000000000007"));
}

#[test]
fn an_interrupted_chain_has_no_end() {
    let interrupt = Interrupt::new();
    interrupt.request();
    let broken = chain::run(exact(44_497), 10, Shifted::No, &interrupt).unwrap_err();
    assert!(matches!(broken, Broken::Interrupted(_)), "{broken}");
}

#[test]
fn every_length_of_every_engine_is_tested_at_its_limit() {
    let all = EngineSet::from_iter(EngineKind::ALL);
    let plans = plans(all, length::LONGEST, &Stored::load());
    for kind in [EngineKind::Portable, EngineKind::Avx2, EngineKind::Avx512] {
        let tested: Vec<_> = plans.iter().filter(|plan| plan.kind() == kind).filter_map(|plan| plan.length()).collect();
        assert_eq!(tested, length::lengths(kind).collect::<Vec<_>>(), "{kind}");
    }
}
