//! The scenarios that have a name, and what each shows.
//!
//! `ring-15`, `ring-30` and `ring-52` repeat what was measured of a join with locks and redirects (that of V. Paulin and
//! A. M. Huet de Barochez, a school project on a distributed hash table): 267 of 300, 60 of 60 and 60 of 60 rings ended up
//! wrong there.

use super::{
    At, Chosen, Churn, Deed, DiskFate, Expect, Find, Happening, Hostile, LinkPlan, NatPlan, Partition, PartitionKind,
    Restart, Scenario, Share, Span, Start, Timers, Travel, Upkeep, Within,
};
use crate::simulation::adversary::AdversaryKind;

/// The name of the run that draws everything, the network itself included, from its seed.
pub const CHAOS: &str = "chaos";

/// What that run shows.
pub const CHAOS_SHOWS: &str =
    "3 to 40 nodes under every fault at once, then calm: everything that must always hold, and agreement";

/// With how many seeds it is run unless that is said.
pub const CHAOS_SEEDS: u64 = 20;

/// All of them, in the order in which they are listed.
pub fn all() -> Vec<Scenario> {
    let mut all = vec![
        exercise(),
        ring(15, 300),
        ring(30, 60),
        ring(52, 60),
        spread(),
        spread_100k(),
        join(),
        half(),
        ninety(),
        partition(),
        churn(),
        nat(),
        upkeep(),
        lossy(),
    ];
    all.extend(AdversaryKind::ALL.into_iter().map(hostile));
    all
}

/// The scenario with this name.
pub fn find(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

/// A network that is there already, in which nothing happens for so long.
fn settled(name: &str, shows: &str, nodes: usize, duration: Span) -> Scenario {
    Scenario {
        name: name.to_owned(),
        shows: shows.to_owned(),
        nodes,
        duration,
        seeds: 1,
        start: Start::Saved { addresses: 32, over: Span::s(5) },
        link: LinkPlan::default(),
        disk: Span::ms(10),
        nat: None,
        settings: Timers::default(),
        expect: Expect::default(),
        schedule: Vec::new(),
        adversaries: Vec::new(),
    }
}

fn lost(percent: f64) -> LinkPlan {
    LinkPlan { loss: Share::percent(percent), ..LinkPlan::default() }
}

fn at(seconds: u64, deed: Deed) -> Happening {
    Happening { at: Span::s(seconds), deed }
}

fn found(seconds: u64) -> Happening {
    at(seconds, Deed::Find(Find::default()))
}

fn within(percent: f64, milliseconds: u64) -> Within {
    Within { share: Share::percent(percent), within: Span::ms(milliseconds) }
}

fn right(percent: f64, seconds: u64) -> At {
    At { share: Share::percent(percent), at: Span::s(seconds) }
}

fn exercise() -> Scenario {
    let link = LinkPlan { latency: Travel::Always(Span::ms(1)), ..LinkPlan::default() };
    let expect = Expect {
        heard: vec![within(100.0, 100)],
        verified: vec![within(100.0, 10_000)],
        datagrams_at_most: Some(8.0),
        connected_at: Some(Span::s(10)),
        agreement_at: Some(Span::s(60)),
        ring: vec![right(100.0, 10)],
        ..Expect::default()
    };
    let shows = "the exercise: four nodes in a chain become a mesh, and each prime reaches all";
    let schedule = vec![found(15), found(30), found(45)];
    Scenario { start: Start::Chain, link, expect, schedule, ..settled("exercise", shows, 4, Span::s(60)) }
}

fn ring(joiners: usize, seeds: u64) -> Scenario {
    let name = format!("ring-{joiners}");
    let shows = format!("{joiners} nodes join a ring of three at the same moment, and all find their places");
    let expect = Expect {
        ring: vec![right(100.0, 25)],
        connected_at: Some(Span::s(25)),
        agreement_at: Some(Span::s(30)),
        ..Expect::default()
    };
    let start = Start::Seed { first: 3, settle: Span::s(10), over: Span::ZERO };
    Scenario { seeds, start, expect, ..settled(&name, &shows, joiners + 3, Span::s(30)) }
}

fn spread() -> Scenario {
    let shows = "one prime through 10,000 nodes, links of 10 to 100 ms, 1 % loss";
    let expect = Expect {
        heard: vec![within(99.0, 500), within(100.0, 3_000)],
        datagrams_at_most: Some(8.0),
        upkeep: Some(Upkeep { at_most: 7.0, after: Span::s(30) }),
        degree_at_most: Some(16),
        agreement_at: Some(Span::s(60)),
        ..Expect::default()
    };
    Scenario { link: lost(1.0), expect, schedule: vec![found(40)], ..settled("spread", shows, 10_000, Span::s(60)) }
}

fn spread_100k() -> Scenario {
    let shows = "one prime through 100,000 nodes, links of 10 to 100 ms, 5 % loss";
    let expect = Expect {
        heard: vec![within(99.0, 800), within(100.0, 6_000)],
        datagrams_at_most: Some(8.0),
        upkeep: Some(Upkeep { at_most: 7.0, after: Span::s(30) }),
        degree_at_most: Some(16),
        ..Expect::default()
    };
    let schedule = vec![found(40)];
    Scenario { link: lost(5.0), expect, schedule, ..settled("spread-100k", shows, 100_000, Span::s(50)) }
}

fn join() -> Scenario {
    let shows = "10,000 nodes join through one seed within a minute, 5 % loss; the ring is right 15 s after";
    let expect = Expect {
        ring: vec![right(99.9, 75), right(100.0, 150)],
        upkeep: Some(Upkeep { at_most: 7.0, after: Span::s(100) }),
        one_component_at: Some(Span::s(75)),
        degree_at_most: Some(16),
        ..Expect::default()
    };
    let start = Start::Seed { first: 1, settle: Span::ZERO, over: Span::s(60) };
    let schedule = vec![at(76, Deed::Loss(Share::NONE))];
    Scenario { start, link: lost(5.0), expect, schedule, ..settled("join", shows, 10_000, Span::s(150)) }
}

fn half() -> Scenario {
    let shows = "half of 10,000 nodes die at once; the ring is right 30 s after, and a prime reaches all that live";
    let expect = Expect {
        ring: vec![right(99.9, 90)],
        one_component_at: Some(Span::s(90)),
        heard: vec![within(100.0, 6_000)],
        ..Expect::default()
    };
    let schedule = vec![at(60, Deed::Kill(Chosen { share: Share::percent(50.0) })), found(92)];
    Scenario { link: lost(1.0), expect, schedule, ..settled("half", shows, 10_000, Span::s(105)) }
}

fn ninety() -> Scenario {
    let shows = "nine tenths of 10,000 nodes die at once; the rest is one component within a minute";
    let expect =
        Expect { one_component_at: Some(Span::s(120)), heard: vec![within(100.0, 10_000)], ..Expect::default() };
    let schedule = vec![at(60, Deed::Kill(Chosen { share: Share::percent(90.0) })), found(125)];
    Scenario { link: lost(1.0), expect, schedule, ..settled("ninety", shows, 10_000, Span::s(140)) }
}

fn partition() -> Scenario {
    let shows = "40 nodes are cut in two for ten minutes, and both sides find primes; 30 s after all is one again";
    let expect = Expect {
        ring: vec![right(100.0, 60), right(100.0, 690)],
        connected_at: Some(Span::s(690)),
        agreement_at: Some(Span::s(690)),
        ..Expect::default()
    };
    let cut = Partition { share: Share::percent(50.0), lasts: Span::s(600), kind: PartitionKind::Full };
    let schedule = vec![at(60, Deed::Partition(cut)), found(200), found(300), found(400), found(500)];
    let start = Start::Invited { over: Span::s(10) };
    Scenario { start, link: lost(1.0), expect, schedule, ..settled("partition", shows, 40, Span::s(700)) }
}

fn churn() -> Scenario {
    let shows = "a tenth of 200 nodes is replaced each minute while primes are found; then calm, and all agree";
    let expect = Expect {
        ring: vec![right(100.0, 420)],
        connected_at: Some(Span::s(420)),
        agreement_at: Some(Span::s(420)),
        ..Expect::default()
    };
    let churn = Churn { per_minute: Share::percent(10.0), lasts: Span::s(300) };
    let restart = |disk| Deed::Restart(Restart { share: Share::percent(5.0), after: Span::s(8), disk });
    let schedule = vec![
        at(60, Deed::Churn(churn)),
        found(100),
        at(150, restart(DiskFate::Kept)),
        found(200),
        at(250, restart(DiskFate::Lost)),
        found(300),
    ];
    let start = Start::Invited { over: Span::s(20) };
    Scenario { start, link: lost(1.0), expect, schedule, ..settled("churn", shows, 200, Span::s(430)) }
}

fn nat() -> Scenario {
    let shows = "half of 40 nodes are behind boxes that translate addresses; every prime reaches everybody";
    let expect = Expect {
        verified: vec![within(100.0, 30_000)],
        one_component_at: Some(Span::s(90)),
        agreement_at: Some(Span::s(240)),
        ..Expect::default()
    };
    let nat = Some(NatPlan { share: Share::percent(50.0), hosts: 4, lifetime: Span::s(45) });
    let start = Start::Seed { first: 3, settle: Span::s(5), over: Span::s(20) };
    let schedule = vec![found(90), found(200)];
    Scenario { start, link: lost(1.0), nat, expect, schedule, ..settled("nat", shows, 40, Span::s(240)) }
}

fn upkeep() -> Scenario {
    let shows = "1,000 nodes at rest: what PINGs and PONGs cost, whatever the size";
    let expect = Expect {
        upkeep: Some(Upkeep { at_most: 7.0, after: Span::s(60) }),
        ring: vec![right(100.0, 120)],
        degree_at_most: Some(16),
        ..Expect::default()
    };
    Scenario { expect, ..settled("upkeep", shows, 1_000, Span::s(120)) }
}

fn lossy() -> Scenario {
    let shows = "100 nodes where 30 % of datagrams are lost, 10 % come twice and 10 % late; all agree all the same";
    let expect = Expect {
        verified: vec![within(100.0, 30_000)],
        one_component_at: Some(Span::s(60)),
        agreement_at: Some(Span::s(180)),
        ..Expect::default()
    };
    let link = LinkPlan {
        jitter: Span::ms(50),
        duplication: Share::percent(10.0),
        reordering: Share::percent(10.0),
        ..lost(30.0)
    };
    let schedule = vec![found(60), found(100), found(140)];
    let start = Start::Invited { over: Span::s(10) };
    Scenario { start, link, expect, schedule, ..settled("lossy", shows, 100, Span::s(180)) }
}

fn hostile(kind: AdversaryKind) -> Scenario {
    let name = format!("hostile-{kind}");
    let shows = format!("20 of 100 hosts {}; each prime reaches all others in 30 s", kind.explanation());
    let expect = Expect {
        verified: vec![within(100.0, 30_000)],
        one_component_at: Some(Span::s(90)),
        agreement_at: Some(Span::s(120)),
        ..Expect::default()
    };
    let adversaries = vec![Hostile { kind, share: Share::percent(20.0) }];
    let schedule = vec![found(60), found(90)];
    let start = Start::Invited { over: Span::s(10) };
    let rest = settled(&name, &shows, 100, Span::s(120));
    Scenario { seeds: 20, start, link: lost(1.0), expect, schedule, adversaries, ..rest }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_scenario_can_be_and_has_a_name_and_a_sentence_of_its_own() {
        let all = all();
        for (index, scenario) in all.iter().enumerate() {
            assert_eq!(scenario.check(), [], "{}", scenario.name);
            assert!((20..=140).contains(&scenario.shows.chars().count()), "{}", scenario.shows);
            assert_eq!(all.iter().position(|other| other.name == scenario.name), Some(index));
            assert_ne!(scenario.expect, Expect::default(), "{} expects nothing", scenario.name);
        }
        assert!(find(CHAOS).is_none());
    }

    #[test]
    fn every_scenario_is_the_same_from_the_file_it_is_written_to() {
        for scenario in all() {
            let text = scenario.to_toml();
            assert_eq!(super::super::parse(Path::new("s.toml"), &text).as_ref(), Ok(&scenario), "{text}");
        }
    }

    #[test]
    fn every_scenario_can_be_with_few_nodes_too() {
        for mut scenario in all() {
            scenario.nodes = 5;
            assert_eq!(scenario.check(), [], "{}", scenario.name);
        }
    }
}
