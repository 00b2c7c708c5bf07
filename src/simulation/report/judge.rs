//! Whether what was measured keeps to the bounds.

use super::{Report, Times};
use crate::simulation::scenario::{Expect, Within};

/// What does not hold of the bounds that are judged at the end of a run. Those that are looked at on the way are judged then.
pub fn judge(expect: &Expect, report: &Report) -> Vec<String> {
    let mut failures = Vec::new();
    for prime in &report.primes {
        let name = format!("M{}", prime.exponent);
        failures.extend(expect.heard.iter().filter_map(|bound| late(&name, "heard of", &prime.heard, bound)));
        failures.extend(expect.verified.iter().filter_map(|bound| late(&name, "verified", &prime.verified, bound)));
        if let Some(most) = expect.hops_at_most.filter(|&most| prime.hops_max > most) {
            failures.push(format!("{name} came by {} hops, at most {most} are wanted", prime.hops_max));
        }
        if let Some(most) = expect.datagrams_at_most.filter(|&most| prime.datagrams_per_node > most) {
            let sent = prime.datagrams_per_node;
            failures.push(format!("{name} took {sent:.2} datagrams per node, at most {most} are wanted"));
        }
    }
    if let Some(bound) = expect.upkeep.filter(|bound| report.upkeep.pings_and_pongs() > bound.at_most) {
        let (sent, most) = (report.upkeep.pings_and_pongs(), bound.at_most);
        failures.push(format!("upkeep took {sent:.2} datagrams per node and second, at most {most} are wanted"));
    }
    if let Some(most) = expect.degree_at_most.filter(|&most| report.degrees.max > most) {
        failures.push(format!("a node has {} active peers, at most {most} are wanted", report.degrees.max));
    }
    failures
}

fn late(name: &str, what: &str, times: &Times, bound: &Within) -> Option<String> {
    let Within { share, within } = *bound;
    let took = match times.to(share) {
        Some(took) if took <= within.seconds() => return None,
        Some(took) => format!("it took {took:.3} s"),
        None => format!("only {:.2} % ever were that far", 100.0 * times.reached()),
    };
    Some(format!("{name} is to be {what} by {share} of {} nodes within {within}; {took}", times.nodes()))
}

#[cfg(test)]
mod tests {
    use super::super::{Degrees, Spread, Upkeep};
    use super::*;
    use crate::simulation::scenario::{self, Share, Span};

    /// Two nodes of which one hears late and verifies never.
    fn measured() -> Report {
        let prime = Spread {
            exponent: 31,
            heard: Times::new(2, vec![0.0, 2.0]),
            verified: Times::new(2, vec![0.0]),
            hops_max: 3,
            datagrams_per_node: 5.5,
            ..Spread::default()
        };
        Report {
            primes: vec![prime],
            upkeep: Upkeep { pings: 3.0, pongs: 2.5, ..Upkeep::default() },
            degrees: Degrees::new(vec![0, 1, 1]),
            ..Report::default()
        }
    }

    fn within(seconds: u64) -> Vec<Within> {
        vec![Within { share: Share::ALL, within: Span::s(seconds) }]
    }

    #[test]
    fn each_bound_holds_when_it_is_wide_and_fails_when_it_is_narrow() {
        let upkeep = |at_most| Some(scenario::Upkeep { at_most, after: Span::ZERO });
        let most = Expect::default;
        for (wide, narrow, told) in [
            (
                Expect { heard: within(2), ..most() },
                Expect { heard: within(1), ..most() },
                "M31 is to be heard of by 100 % of 2 nodes within 1s; it took 2.000 s",
            ),
            (
                Expect { verified: vec![Within { share: Share::percent(50.0), within: Span::s(1) }], ..most() },
                Expect { verified: within(60), ..most() },
                "M31 is to be verified by 100 % of 2 nodes within 1m; only 50.00 % ever were that far",
            ),
            (
                Expect { hops_at_most: Some(3), ..most() },
                Expect { hops_at_most: Some(2), ..most() },
                "M31 came by 3 hops, at most 2 are wanted",
            ),
            (
                Expect { datagrams_at_most: Some(5.5), ..most() },
                Expect { datagrams_at_most: Some(5.0), ..most() },
                "M31 took 5.50 datagrams per node, at most 5 are wanted",
            ),
            (
                Expect { upkeep: upkeep(5.5), ..most() },
                Expect { upkeep: upkeep(5.4), ..most() },
                "upkeep took 5.50 datagrams per node and second, at most 5.4 are wanted",
            ),
            (
                Expect { degree_at_most: Some(2), ..most() },
                Expect { degree_at_most: Some(1), ..most() },
                "a node has 2 active peers, at most 1 are wanted",
            ),
        ] {
            assert_eq!(judge(&wide, &measured()), [""; 0]);
            assert_eq!(judge(&narrow, &measured()), [told]);
        }
    }
}
