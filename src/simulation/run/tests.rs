//! Runs of small scenarios: that bounds are judged, faults are missed, and seeds decide.

use super::*;
use crate::simulation::scenario::{At, Expect, LinkPlan, Span, named};

fn small(name: &str) -> Scenario {
    named::find(name).unwrap()
}

fn quietly(scenario: &Scenario, seed: u64) -> Report {
    assert_eq!(scenario.check(), []);
    run(scenario, seed, None, &mut |_| {})
}

#[test]
fn the_exercise_passes_and_every_prime_reaches_all() {
    let report = quietly(&small("exercise"), 1);
    assert_eq!(report.failures, [""; 0], "{report}");
    assert_eq!(report.primes.len(), 3);
    assert!(report.primes.iter().all(|prime| prime.verified.percent(100.0).is_some() && prime.msg_id.is_some()));
    assert_eq!((report.nodes, report.degrees.min, report.components, report.ring.right), (4, 3, 1, 4));
    assert!(report.upkeep.pings > 0.0 && report.upkeep.pongs > 0.0 && report.upkeep.bytes > 0.0);
    assert!(report.converged_after.is_some_and(|seconds| seconds < 20.0));
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_another() {
    let json = |seed| {
        let report = Report { real: report::Real::default(), ..quietly(&small("exercise"), seed) };
        serde_json::to_string(&report).unwrap()
    };
    assert_eq!(json(7), json(7));
    assert_ne!(json(7), json(8));
}

#[test]
fn what_is_looked_at_on_the_way_fails_when_it_comes_too_early() {
    let soon = Some(Span::ms(1));
    let too_early = Expect {
        ring: vec![At { share: Share::ALL, at: Span::ms(1) }],
        one_component_at: soon,
        connected_at: soon,
        ..Expect::default()
    };
    let failures = quietly(&Scenario { expect: too_early, ..small("exercise") }, 1).failures;
    assert_eq!(failures.len(), 3, "{failures:?}");
    assert!(failures.iter().all(|failure| failure.starts_with("at 1ms: ")), "{failures:?}");
    assert!(failures.iter().any(|failure| failure.contains("true neighbours")), "{failures:?}");
    assert!(failures.iter().any(|failure| failure.contains("4 components")), "{failures:?}");
}

#[test]
fn agreement_fails_while_a_prime_is_on_its_way() {
    let found = small("exercise").schedule[0].at;
    let just_after = Some(Span(found.0 + Duration::from_micros(1_500)));
    let expect = Expect { agreement_at: just_after, ..Expect::default() };
    let failures = quietly(&Scenario { expect, ..small("exercise") }, 1).failures;
    assert_eq!(failures.len(), 1, "{failures:?}");
}

#[test]
fn a_run_fails_when_what_was_to_happen_did_not() {
    // So rarely that it never happens.
    let link = LinkPlan { loss: Share::percent(1e-9), ..LinkPlan::default() };
    let failures = quietly(&Scenario { link, ..small("exercise") }, 1).failures;
    assert!(failures.contains(&"there were no datagrams lost".to_owned()), "{failures:?}");
    // Nobody is there to be cut off from.
    let alone = Scenario { nodes: 1, expect: Expect::default(), ..small("partition") };
    let failures = quietly(&alone, 1).failures;
    assert!(failures.iter().any(|failure| failure.contains("partitions dropped nothing")), "{failures:?}");
}

#[test]
fn a_prime_that_nobody_can_find_is_missed() {
    let mut scenario = small("exercise");
    // Nobody searches before the first tick.
    scenario.schedule.truncate(1);
    scenario.schedule[0].at = Span::ZERO;
    scenario.duration = Span::ms(20);
    scenario.expect = Expect::default();
    let failures = quietly(&scenario, 1).failures;
    assert_eq!(failures, ["0 of 1 primes were found"]);
}

#[test]
fn hostile_hosts_that_nobody_meets_are_missed() {
    let mut scenario = small("hostile-silent");
    scenario.nodes = 10;
    scenario.schedule.clear();
    scenario.expect = Expect::default();
    assert_eq!(quietly(&scenario, 1).failures, [""; 0]);
    // All come at the very end.
    scenario.start = super::super::scenario::Start::Invited { over: Span::ms(10) };
    scenario.duration = Span::ms(11);
    let failures = quietly(&scenario, 1).failures;
    assert_eq!(failures, ["there were no datagrams lost", "no hostile host ever was a peer of an honest one"]);
}
