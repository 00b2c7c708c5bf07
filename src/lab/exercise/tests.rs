//! Each exercise, taken by a node that keeps all rules, and by nodes that break one, in virtual time.

mod pupil;
mod room;

use std::time::Duration;

use pupil::Fault;
use room::Room;

use super::exponents::MERSENNE;
use super::{Condition, Exercise, Pace};

const SECOND: Duration = Duration::from_secs(1);

/// A correct node passes within this time.
const PASSES: Duration = Duration::from_secs(42);

fn failing(conditions: &[Condition]) -> Vec<&Condition> {
    conditions.iter().filter(|condition| condition.holds != Some(true)).collect()
}

#[test]
fn there_are_seven_with_conditions_that_differ() {
    for (number, exercise) in (1..).zip(&Exercise::ALL) {
        assert_eq!(exercise.number, number);
        assert_eq!(Exercise::get(number), Some(exercise));
        let mut texts = exercise.conditions.to_vec();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), exercise.conditions.len());
        assert!(texts.len() >= 4, "exercise {number}");
    }
    assert_eq!([Exercise::get(0), Exercise::get(8)], [None, None]);
}

#[test]
fn the_task_names_the_addresses_of_the_lab() {
    let nodes = ["127.0.0.1:5001".parse().unwrap(), "127.0.0.1:5002".parse().unwrap()];
    let task = Exercise::ALL[2].task_in("127.0.0.1:5003".parse().unwrap(), &nodes);
    assert!(task.ends_with("awaited at 127.0.0.1:5003 (UDP). The lab's nodes have the ports 5001, 5002."), "{task}");
}

#[test]
fn a_node_that_keeps_all_rules_passes_every_exercise_and_goes_on_passing() {
    for exercise in &Exercise::ALL {
        let mut room = Room::new(exercise, Pace::default());
        room.start(None);
        room.run_until(PASSES, |conditions| failing(conditions).is_empty());
        room.run_for(120 * SECOND, |conditions| {
            assert_eq!(failing(conditions), Vec::<&Condition>::new(), "exercise {}", exercise.number);
        });
    }
}

#[test]
fn it_passes_with_timers_that_are_ten_times_faster() {
    let pace = Pace { ping: SECOND / 2, timeout: SECOND };
    for exercise in &Exercise::ALL {
        let mut room = Room::new(exercise, pace);
        room.start(None);
        room.run_until(PASSES / 4, |conditions| failing(conditions).is_empty());
    }
}

#[test]
fn each_broken_rule_is_noticed_by_the_condition_that_names_it() {
    for (number, place, fault) in Fault::ALL {
        let mut room = Room::new(Exercise::get(number).unwrap(), Pace::default());
        room.start(Some(fault));
        room.run_until(60 * SECOND, |conditions| conditions[place].holds == Some(false));
    }
}

#[test]
fn every_condition_can_fail() {
    for exercise in &Exercise::ALL {
        for (place, text) in exercise.conditions.iter().enumerate() {
            let number = exercise.number;
            let is_broken = Fault::ALL.iter().any(|&(broken, at, _)| (broken, at) == (number, place));
            // The first is the same in all exercises; the last of the third is the lab's to report.
            assert!(is_broken || place == 0 || (number, place) == (3, 5), "exercise {number}: {text}");
        }
    }
    assert!(Fault::ALL.iter().any(|&(_, place, _)| place == 0));
}

#[test]
fn nothing_is_said_about_nobody() {
    for exercise in &Exercise::ALL {
        let mut room = Room::new(exercise, Pace::default());
        room.run_for(20 * SECOND, |conditions| {
            assert_eq!(conditions.len(), exercise.conditions.len());
            assert!(conditions.iter().all(|condition| condition.holds.is_none()));
            assert!(conditions.iter().all(|condition| condition.why.contains("nobody listens")), "{conditions:?}");
        });
    }
}

#[test]
fn whoever_listens_and_says_nothing_fails() {
    for exercise in &Exercise::ALL {
        let mut room = Room::new(exercise, Pace::default());
        room.start(Some(Fault::Mute));
        room.run_until(40 * SECOND, |conditions| conditions[1].holds == Some(false));
        assert!(room.conditions().iter().all(|condition| condition.holds != Some(true)), "{:?}", room.conditions());
    }
}

#[test]
fn a_mended_program_is_judged_anew() {
    for (number, place, fault) in Fault::ALL {
        let mut room = Room::new(Exercise::get(number).unwrap(), Pace::default());
        room.start(Some(fault));
        room.run_until(60 * SECOND, |conditions| conditions[place].holds == Some(false));
        room.stop();
        room.run_until(5 * SECOND, |conditions| conditions.iter().all(|condition| condition.holds.is_none()));
        assert!(room.conditions()[0].why.contains("any more"));
        room.start(None);
        room.run_until(PASSES, |conditions| failing(conditions).is_empty());
    }
}

#[test]
fn a_program_that_was_replaced_without_anybody_noticing_is_judged_by_what_it_does_now() {
    for (number, place, fault) in Fault::ALL {
        let mut room = Room::new(Exercise::get(number).unwrap(), Pace::default());
        room.start(Some(fault));
        room.run_until(60 * SECOND, |conditions| conditions[place].holds == Some(false));
        room.start(None);
        room.run_until(2 * PASSES, |conditions| failing(conditions).is_empty());
    }
}

#[test]
fn a_rule_that_is_broken_later_is_noticed_too() {
    for (number, place, fault) in Fault::ALL {
        let mut room = Room::new(Exercise::get(number).unwrap(), Pace::default());
        room.start(None);
        room.run_until(PASSES, |conditions| failing(conditions).is_empty());
        room.start(Some(fault));
        room.run_until(2 * PASSES, |conditions| conditions[place].holds == Some(false));
    }
}

#[test]
fn a_lab_that_goes_on_finding_primes_changes_no_verdict_on_credit() {
    let mut room = Room::new(&Exercise::ALL[6], Pace::default());
    room.finds_primes_every(7 * SECOND);
    room.start(None);
    room.run_until(PASSES, |conditions| failing(conditions).is_empty());
    room.run_for(120 * SECOND, |conditions| assert_eq!(failing(conditions), Vec::<&Condition>::new()));
    room.start(Some(Fault::CreditsForwarder));
    room.run_until(PASSES, |conditions| conditions[2].holds == Some(false));
}

#[test]
fn sending_from_another_socket_is_named_as_what_it_is() {
    let mut room = Room::new(&Exercise::ALL[2], Pace::default());
    room.start(Some(Fault::SendsFromAnotherPort));
    room.run_until(10 * SECOND, |conditions| conditions[0].holds == Some(false));
    assert!(room.conditions()[0].why.contains("came from port 40404"), "{:?}", room.conditions());
}

#[test]
fn what_is_no_message_is_explained() {
    let mut room = Room::new(&Exercise::ALL[2], Pace::default());
    room.start(Some(Fault::Garbles));
    room.run_until(10 * SECOND, |conditions| conditions[0].holds == Some(false));
    assert!(room.conditions()[0].why.contains("is no message: `msg_forwarder`"), "{:?}", room.conditions());
}

#[test]
fn examiners_claim_only_what_is_prime_and_leave_the_largest_alone() {
    for exercise in &Exercise::ALL[..6] {
        let mut room = Room::new(exercise, Pace::default());
        room.finds_primes_every(4 * SECOND);
        // By then the lab knows three.
        room.run_for(14 * SECOND, |_| {});
        room.start(None);
        room.run_for(20 * SECOND, |_| {});
        assert!(!room.claimed().is_empty() || matches!(exercise.number, 2 | 3), "exercise {}", exercise.number);
        for exponent in room.claimed() {
            assert!(
                MERSENNE.contains(exponent) && *exponent < room.largest(),
                "exercise {}: {exponent}",
                exercise.number
            );
        }
    }
}
