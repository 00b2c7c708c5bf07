use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::mersenne::faulty::{Script, Trouble};
use crate::mersenne::{EngineKind, StepError};

const RES64_OF_4999: Res64 = Res64::new(0x9116_B0BE_4810_0D73);
const PRP: MethodChoice = MethodChoice::Only(Method::Prp(ResidueType::One));

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

/// Tests `p` on big integers, without looking for factors.
fn attempt(p: u64) -> Attempt {
    Attempt { engines: EngineSet::EXACT, factoring: Factoring::None, ..Attempt::new(exponent(p)) }
}

fn run(attempt: &Attempt) -> (Conclusion, Vec<Event>) {
    let mut events = Vec::new();
    let conclusion = attempt.run(&Interrupt::new(), &mut |event| events.push(event.clone()));
    (conclusion, events)
}

/// Runs until `iteration` squarings are done, and is then interrupted.
fn interrupted(attempt: &Attempt, at: u32) -> (Conclusion, Vec<Event>) {
    let interrupt = Interrupt::new();
    let mut events = Vec::new();
    let conclusion = attempt.run(&interrupt, &mut |event| {
        events.push(event.clone());
        if let Event::Progress(progress) = event
            && progress.iteration >= at
        {
            interrupt.request();
        }
    });
    (conclusion, events)
}

fn composite(conclusion: &Conclusion) -> &Report {
    let Conclusion::Composite(report) = conclusion else { panic!("{conclusion:?}") };
    report
}

/// Keeps checkpoints, and writes one whenever it can.
fn with_checkpoints(attempt: Attempt, directory: &Path) -> Attempt {
    Attempt { checkpoints: Some(directory.to_owned()), checkpoint_interval: Duration::ZERO, ..attempt }
}

#[test]
fn a_composite_is_reported_by_its_residue_and_a_prime_with_what_confirmed_it() {
    let (conclusion, events) = run(&attempt(4_999));
    let report = composite(&conclusion);
    assert_eq!((report.res64, report.errors.total(), report.confirmed), (RES64_OF_4999, 0, None));
    assert!(matches!(events.first(), Some(Event::Testing { iteration: 0, .. })));
    assert!(!events.iter().any(|event| matches!(event, Event::Confirming { .. })));
    for method in [MethodChoice::Auto, MethodChoice::Only(Method::LucasLehmer), PRP] {
        let (conclusion, events) = run(&Attempt { method, ..attempt(1_279) });
        let Conclusion::Prime(report) = conclusion else { panic!("{conclusion:?}") };
        let confirmed = report.confirmed.unwrap();
        assert_eq!(confirmed.method, Method::LucasLehmer);
        assert_ne!(confirmed.shift, report.shift);
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Confirming { .. })).count(), 1);
        assert_eq!(report.res64, Res64::new(if method == PRP { 1 } else { 0 }));
    }
}

#[test]
fn the_same_seed_is_the_same_computation_and_another_is_another() {
    let shift = |seed| composite(&run(&Attempt { seed, ..attempt(4_999) }).0).shift;
    assert_eq!(shift(1), shift(1));
    assert_ne!(shift(1), shift(2));
}

#[test]
fn factors_are_looked_for_as_far_as_asked() {
    let conclusion = |factoring| run(&Attempt { factoring, ..attempt(4_441) }).0;
    assert_eq!(conclusion(Factoring::Balanced), Conclusion::HasFactor(26_647));
    assert_eq!(conclusion(Factoring::UpTo(FactorLimit::bits(15))), Conclusion::HasFactor(26_647));
    composite(&conclusion(Factoring::UpTo(FactorLimit::bits(14))));
    composite(&conclusion(Factoring::None));
}

#[test]
fn every_squaring_is_told_in_slices() {
    let (_, events) = run(&attempt(4_999));
    let progress: Vec<&Progress> = events
        .iter()
        .filter_map(|event| if let Event::Progress(progress) = event { Some(progress) } else { None })
        .collect();
    assert_eq!(progress.iter().map(|progress| progress.squarings).sum::<u32>(), 4_997);
    assert_eq!(progress.last().map(|progress| (progress.iteration, progress.total)), Some((4_997, 4_997)));
    assert!(progress.len() > 50 && progress.len() < 4_997, "{}", progress.len());
}

#[test]
fn a_broken_engine_never_finds_a_prime() {
    for method in [MethodChoice::Only(Method::LucasLehmer), PRP] {
        for p in [1_277, 1_279] {
            let script = Script { always: Some((1, Trouble::Zero)), ..Script::default() };
            let (conclusion, events) = run(&Attempt { build: script.build(), method, ..attempt(p) });
            assert!(matches!(conclusion, Conclusion::Failed { .. }), "{conclusion:?}");
            assert!(events.iter().any(|event| matches!(event, Event::Error { .. })));
        }
    }
}

#[test]
fn round_off_is_repaired_and_reported() {
    let plan = Plan::of(exponent(4_999), EngineKind::Portable).unwrap();
    let build = Script::once(3_000, Trouble::RoundOff).build();
    let (conclusion, events) = run(&Attempt { plan: Some(plan), build, ..attempt(4_999) });
    let report = composite(&conclusion);
    assert_eq!((report.res64, report.errors.round_off, Some(report.plan)), (RES64_OF_4999, 1, plan.longer()));
    assert!(events.iter().any(|event| matches!(
        event,
        Event::Error { fault: Fault::Engine(StepError::RoundOff { .. }), back_to: 0, .. }
    )));
}

/// Makes engines of which the `number`th, from 1, has a bit flipped in its 600th step.
fn with_flip_in(number: u32) -> Build {
    let built = AtomicU32::new(0);
    Arc::new(move |plan| {
        let flips = built.fetch_add(1, Ordering::Relaxed) + 1 == number;
        let script = if flips { Script::once(600, Trouble::Flip(100)) } else { Script::default() };
        script.build()(plan)
    })
}

#[test]
fn a_prime_whose_confirmation_goes_wrong_is_confirmed_by_a_third_computation() {
    let (conclusion, events) = run(&Attempt { build: with_flip_in(2), ..attempt(1_279) });
    let Conclusion::Prime(report) = conclusion else { panic!("{conclusion:?}") };
    assert_eq!(report.errors.unconfirmed, 1);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Confirming { .. })).count(), 2);
    assert!(events.iter().any(|event| matches!(event, Event::Error { fault: Fault::Unconfirmed, .. })));
}

#[test]
fn two_computations_outvote_a_prime_that_was_none() {
    // The first computation is of another number, which is prime.
    let built = AtomicU32::new(0);
    let hit = run(&attempt(1_279)).0;
    let Conclusion::Prime(hit) = hit else { panic!("{hit:?}") };
    let wrong = Report { exponent: exponent(1_277), confirmed: None, ..hit };
    let attempt = attempt(1_277);
    let plan = Plan::of(exponent(1_277), EngineKind::Exact).unwrap();
    let mut events = Vec::new();
    let conclusion = attempt.confirm(Report { plan, ..wrong }, &mut Random(9), &Interrupt::new(), &mut |event| {
        built.fetch_add(u32::from(matches!(event, Event::Confirming { .. })), Ordering::Relaxed);
        events.push(event.clone());
    });
    assert_eq!(composite(&conclusion).errors.unconfirmed, 2);
    assert_eq!(built.load(Ordering::Relaxed), 2);
}

#[test]
fn a_test_that_is_interrupted_goes_on_from_its_checkpoint_to_the_same_residue() {
    for method in [MethodChoice::Only(Method::LucasLehmer), PRP] {
        let expected = composite(&run(&Attempt { method, ..attempt(4_999) }).0).res64;
        let directory = tempfile::tempdir().unwrap();
        let attempt = with_checkpoints(Attempt { method, ..attempt(4_999) }, directory.path());
        let mut reached = 0;
        for at in [500, 2_000, 2_000, 4_700] {
            let (conclusion, events) = interrupted(&attempt, at);
            let Conclusion::Interrupted { iteration, checkpoint } = conclusion else { panic!("{conclusion:?}") };
            assert_eq!(checkpoint, Some(iteration));
            let begun = events.iter().find_map(|event| match event {
                Event::Testing { iteration, .. } => Some(*iteration),
                _ => None,
            });
            assert_eq!(begun, Some(reached));
            reached = iteration;
        }
        let (conclusion, _) = run(&attempt);
        assert_eq!(composite(&conclusion).res64, expected);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left of a test that is done");
    }
}

#[test]
fn a_confirmation_that_is_interrupted_goes_on_too() {
    let directory = tempfile::tempdir().unwrap();
    let attempt = with_checkpoints(attempt(2_203), directory.path());
    let interrupt = Interrupt::new();
    let confirming = Mutex::new(false);
    let conclusion = attempt.run(&interrupt, &mut |event| match event {
        Event::Confirming { .. } => *confirming.lock().unwrap() = true,
        Event::Progress(progress) if *confirming.lock().unwrap() && progress.iteration > 1_000 => interrupt.request(),
        _ => {}
    });
    assert!(matches!(conclusion, Conclusion::Interrupted { checkpoint: Some(1_000..), .. }), "{conclusion:?}");
    let (conclusion, events) = run(&attempt);
    assert!(matches!(conclusion, Conclusion::Prime(_)));
    assert!(events.iter().any(|event| matches!(event, Event::Confirming { iteration: 1_000.., .. })));
}

#[test]
fn a_spoilt_checkpoint_is_told_and_the_one_before_it_used_or_the_test_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let attempt = with_checkpoints(attempt(4_999), directory.path());
    interrupted(&attempt, 3_000);
    let spoil = |name: &str| {
        let path = directory.path().join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(100);
        std::fs::write(path, bytes).unwrap();
    };
    let begun = |events: &[Event]| {
        let unusable = events.iter().filter(|event| matches!(event, Event::CheckpointUnusable { .. })).count();
        let begun = events.iter().find_map(|event| match event {
            Event::Testing { iteration, .. } => Some(*iteration),
            _ => None,
        });
        (unusable, begun.unwrap())
    };
    spoil("m4999.ll.ckpt");
    let (_, events) = interrupted(&attempt, 3_500);
    let (unusable, iteration) = begun(&events);
    assert!(unusable == 1 && iteration > 2_000, "{iteration}");
    spoil("m4999.ll.ckpt");
    spoil("m4999.ll.ckpt.old");
    let (conclusion, events) = run(&attempt);
    assert_eq!(begun(&events), (2, 0));
    assert_eq!(composite(&conclusion).res64, RES64_OF_4999);
}

#[test]
fn a_directory_that_cannot_be_written_is_told_and_the_test_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let attempt = with_checkpoints(attempt(1_277), &file);
    let (conclusion, events) = run(&attempt);
    composite(&conclusion);
    assert!(events.iter().filter(|event| matches!(event, Event::CheckpointFailed { .. })).count() > 1);
}

#[test]
fn what_took_less_than_a_second_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let attempt = Attempt { checkpoints: Some(directory.path().to_owned()), ..attempt(1_277) };
    let (conclusion, _) = interrupted(&attempt, 50);
    assert!(matches!(conclusion, Conclusion::Interrupted { checkpoint: None, .. }), "{conclusion:?}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
