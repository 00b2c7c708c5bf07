use super::*;
use crate::mersenne::factor::FactorLimit;
use crate::mersenne::{EngineKind, Errors, Method, Plan, Res64};
use crate::protocol::Label as _;
use crate::search::attempt::Report;

fn board(threads: u16) -> SearchBoard {
    SearchBoard::new(NonZeroU16::new(threads).unwrap())
}

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

/// What a test that found a prime says, as if it had been made.
pub(in crate::search) fn prime(p: u64) -> Conclusion {
    Conclusion::Prime(report(p, 0))
}

fn report(p: u64, bits: u64) -> Report {
    let plan = Plan::of(exponent(p), EngineKind::Exact).unwrap();
    Report {
        exponent: exponent(p),
        method: Method::LucasLehmer,
        res64: Res64::new(bits),
        plan,
        shift: 0,
        errors: Errors::default(),
        confirmed: None,
    }
}

fn progress(p: u64, iteration: u32) -> Event {
    let plan = Plan::of(exponent(p), EngineKind::Exact).unwrap_or_else(|_| portable(p));
    Event::Progress(Progress { iteration, total: p as u32 - 2, squarings: 1, roundoff: 0.0, plan })
}

fn portable(p: u64) -> Plan {
    Plan::of(exponent(p), EngineKind::Portable).unwrap()
}

#[test]
fn the_smallest_exponent_at_hand_is_shown_with_its_own_progress() {
    let board = board(3);
    assert_eq!(board.at_hand(), None);
    board.note(&board.desks()[0], exponent(4_423), &progress(4_423, 4_000));
    board.note(&board.desks()[2], exponent(4_409), &progress(4_409, 4_407));
    assert_eq!(board.at_hand(), Some(AtHand { exponent: 4_409, iteration: 4_407 }));
    assert_eq!(board.at_hand().unwrap().progress(), 1.0);
    board.desks()[2].clear();
    assert_eq!(board.at_hand(), Some(AtHand { exponent: 4_423, iteration: 4_000 }));
}

#[test]
fn looking_for_factors_is_no_progress_and_the_largest_exponent_fits() {
    let board = board(1);
    let limit = FactorLimit::bits(40);
    board.note(&board.desks()[0], exponent(4_294_967_291), &Event::Factoring { limit });
    assert_eq!(board.at_hand(), Some(AtHand { exponent: 4_294_967_291, iteration: 0 }));
    assert_eq!(board.at_hand().unwrap().progress(), 0.0);
    assert_eq!(AtHand { exponent: 2, iteration: 0 }.progress(), 0.0);
}

#[test]
fn squarings_of_all_threads_are_added_up() {
    let board = board(2);
    for iteration in 1..=5 {
        board.note(&board.desks()[0], exponent(7), &progress(7, iteration));
    }
    board.note(&board.desks()[1], exponent(11), &progress(11, 1));
    board.note(&board.desks()[1], exponent(11), &Event::Checkpointed { iteration: 1 });
    assert_eq!(board.squarings(), 6);
}

#[test]
fn the_transform_shown_is_that_of_the_smallest_exponent_and_the_round_off_the_largest() {
    let board = board(2);
    let note = |desk: usize, p: u64, roundoff: f64| {
        let plan = portable(p);
        let done = Progress { iteration: 1, total: p as u32 - 2, squarings: 1, roundoff, plan };
        board.note(&board.desks()[desk], exponent(p), &Event::Progress(done));
    };
    assert_eq!((board.fft_length(), board.roundoff()), (0, 0.0));
    note(0, 44_497, 0.25);
    note(1, 86_243, 0.125);
    assert_eq!(Some(board.fft_length() as usize), portable(44_497).length());
    assert_eq!(board.roundoff(), 0.25);
    board.desks()[0].clear();
    assert_eq!(Some(board.fft_length() as usize), portable(86_243).length());
    assert_eq!(board.roundoff(), 0.125);
    board.note(&board.desks()[1], exponent(86_249), &Event::Factoring { limit: FactorLimit::bits(30) });
    assert_eq!((board.fft_length(), board.roundoff()), (0, 0.0), "that test is over");
}

#[test]
fn the_time_of_a_checkpoint_is_shown_while_its_test_is_at_hand() {
    let board = board(2);
    assert_eq!(board.checkpointed(), 0);
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    board.note(&board.desks()[1], exponent(4_423), &Event::Checkpointed { iteration: 7 });
    assert!(board.checkpointed() >= before);
    board.desks()[0].checkpointed.store(1_000, Ordering::Relaxed);
    assert_eq!(board.checkpointed(), 1_000, "the oldest is what a crash would fall back to");
    board.desks()[0].clear();
    assert!(board.checkpointed() >= before);
    board.desks()[1].clear();
    assert_eq!(board.checkpointed(), 0);
}

#[test]
fn only_settled_candidates_are_counted_and_what_went_wrong_apart() {
    let board = board(1);
    board.settled(&Conclusion::Interrupted { iteration: 0, checkpoint: None });
    board.settled(&Conclusion::BeyondEngine { limit: 1 });
    let counts = || CandidateResult::ALL.iter().map(|&result| board.candidates(result)).collect::<Vec<_>>();
    assert_eq!(counts(), [0, 0, 0]);
    board.settled(&Conclusion::HasFactor(23));
    board.settled(&Conclusion::Composite(report(11, 1)));
    board.settled(&prime(13));
    assert_eq!(counts(), [1, 1, 1]);
    let plan = portable(4_423);
    let faults = [
        Fault::Engine(StepError::RoundOff { measured: 0.5, limit: 0.4 }),
        Fault::Engine(StepError::SelfCheck { property: "made up" }),
        Fault::Gerbicz,
        Fault::Jacobi,
        Fault::Unconfirmed,
    ];
    for fault in faults {
        board.note(&board.desks()[0], exponent(4_423), &Event::Error { fault, back_to: 0, plan });
    }
    board.settled(&Conclusion::Failed { fault: Fault::Gerbicz, errors: Errors::default() });
    let errors: Vec<u64> = SearchErrorKind::ALL.iter().map(|&kind| board.errors(kind)).collect();
    assert_eq!(errors, [1, 1, 2, 1, 1]);
    assert_eq!(counts(), [1, 1, 1]);
}
