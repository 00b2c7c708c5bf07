//! What is changed of a scenario on the command line.

use std::fmt;
use std::str::FromStr;

use super::{Chosen, Churn, Deed, Happening, Hostile, Partition, PartitionKind, Scenario, Share, Span, Travel};
use crate::simulation::adversary::AdversaryKind;

/// How long after the last start something happens that has no time of its own.
const SETTLED: Span = Span::s(30);

/// How long something lasts for which nothing else is said.
const LASTS: Span = Span::s(60);

/// How long a scenario goes on after something that was added.
const CALM: Span = Span::s(60);

/// What is changed; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// How many hosts.
    pub nodes: Option<usize>,
    /// The chance that a datagram is lost.
    pub loss: Option<Share>,
    /// How long a datagram travels.
    pub latency: Option<Travel>,
    /// A share of nodes dies.
    pub kill: Option<Timed>,
    /// A share of hosts is cut off.
    pub partition: Option<Timed>,
    /// A share of nodes is replaced each minute.
    pub churn: Option<Timed>,
    /// These adversaries instead of the scenario's.
    pub adversaries: Vec<Hostile>,
}

/// A share, how long and when: `0.5`, `0.5:60s`, `50%@30s`, `0.5:10m@1m`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    /// Of the hosts.
    pub share: Share,
    /// For how long, where that means something.
    pub lasts: Option<Span>,
    /// From when on.
    pub at: Option<Span>,
}

impl FromStr for Timed {
    type Err = String;

    fn from_str(text: &str) -> Result<Timed, String> {
        let span = |text: &str| text.parse::<Span>().map_err(|error| error.to_string());
        let (rest, at) = match text.split_once('@') {
            Some((rest, at)) => (rest, Some(span(at)?)),
            None => (text, None),
        };
        let (share, lasts) = match rest.split_once(':') {
            Some((share, lasts)) => (share, Some(span(lasts)?)),
            None => (rest, None),
        };
        Ok(Timed { share: share.parse().map_err(|error: super::ShareError| error.to_string())?, lasts, at })
    }
}

impl fmt::Display for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.share.get())?;
        self.lasts.map_or(Ok(()), |span| write!(f, ":{span}"))?;
        self.at.map_or(Ok(()), |span| write!(f, "@{span}"))
    }
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.share.get())
    }
}

impl FromStr for Hostile {
    type Err = String;

    /// `silent` for a fifth of all, or `silent:0.3`.
    fn from_str(text: &str) -> Result<Hostile, String> {
        let (kind, share) = text.split_once(':').unwrap_or((text, "0.2"));
        let share = share.parse().map_err(|error: super::ShareError| error.to_string())?;
        Ok(Hostile { kind: kind.parse::<AdversaryKind>().map_err(|error| error.to_string())?, share })
    }
}

impl Overrides {
    /// Changes a scenario. What it already has of a kind is changed; what it has not is added, 30 s after the last start
    /// unless a time is given, and then the scenario lasts at least a minute longer than that.
    pub fn apply(&self, scenario: &mut Scenario) {
        if let Some(nodes) = self.nodes {
            scenario.nodes = nodes;
        }
        if let Some(loss) = self.loss {
            scenario.link.loss = loss;
        }
        if let Some(latency) = &self.latency {
            scenario.link.latency = latency.clone();
        }
        if let Some(given) = self.kill {
            put(scenario, given, |deed| match deed {
                Old::Absent | Old::Is(Deed::Kill(_)) => Some(Deed::Kill(Chosen { share: given.share })),
                Old::Is(_) => None,
            });
        }
        if let Some(given) = self.partition {
            put(scenario, given, |deed| {
                let (lasts, kind) = match deed {
                    Old::Absent => (LASTS, PartitionKind::Full),
                    Old::Is(Deed::Partition(old)) => (old.lasts, old.kind),
                    Old::Is(_) => return None,
                };
                let lasts = given.lasts.unwrap_or(lasts);
                Some(Deed::Partition(Partition { share: given.share, lasts, kind }))
            });
        }
        if let Some(given) = self.churn {
            put(scenario, given, |deed| {
                let lasts = match deed {
                    Old::Absent => LASTS,
                    Old::Is(Deed::Churn(old)) => old.lasts,
                    Old::Is(_) => return None,
                };
                Some(Deed::Churn(Churn { per_minute: given.share, lasts: given.lasts.unwrap_or(lasts) }))
            });
        }
        if !self.adversaries.is_empty() {
            scenario.adversaries.clone_from(&self.adversaries);
        }
    }
}

/// What a scenario has at one place of its schedule.
enum Old<'a> {
    Absent,
    Is(&'a Deed),
}

/// Changes every deed that `new` makes a new one of; where there is none, adds one.
fn put(scenario: &mut Scenario, given: Timed, new: impl Fn(Old<'_>) -> Option<Deed>) {
    let mut put = false;
    for happening in &mut scenario.schedule {
        if let Some(deed) = new(Old::Is(&happening.deed)) {
            *happening = Happening { at: given.at.unwrap_or(happening.at), deed };
            put = true;
        }
    }
    if let Some(deed) = new(Old::Absent).filter(|_| !put) {
        let at = given.at.unwrap_or(Span(scenario.start.last().0 + SETTLED.0));
        scenario.schedule.push(Happening { at, deed });
    }
    let over = scenario.schedule.iter().map(|happening| happening.at.0 + happening.deed.lasts().0).max();
    let end = Span(over.unwrap_or_default() + CALM.0);
    if !put || given.at.is_some() || given.lasts.is_some() {
        scenario.duration = scenario.duration.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::super::named;
    use super::*;

    fn changed(name: &str, overrides: &Overrides) -> Scenario {
        let mut scenario = named::find(name).unwrap();
        overrides.apply(&mut scenario);
        assert_eq!(scenario.check(), []);
        scenario
    }

    fn timed(text: &str) -> Option<Timed> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn what_is_not_given_changes_nothing() {
        for scenario in named::all() {
            let mut same = scenario.clone();
            Overrides::default().apply(&mut same);
            assert_eq!(same, scenario);
        }
    }

    #[test]
    fn numbers_of_the_network_are_replaced() {
        let loss = Share::percent(20.0);
        let latency = Travel::Always(Span::ms(3));
        let overrides =
            Overrides { nodes: Some(7), loss: Some(loss), latency: Some(latency.clone()), ..Overrides::default() };
        let scenario = changed("spread", &overrides);
        assert_eq!((scenario.nodes, scenario.link.loss, scenario.link.latency), (7, loss, latency));
    }

    #[test]
    fn what_a_scenario_has_is_changed_in_its_place() {
        let before = named::find("half").unwrap();
        let scenario = changed("half", &Overrides { kill: timed("30%"), ..Overrides::default() });
        assert_eq!(scenario.schedule.len(), before.schedule.len());
        assert_eq!(scenario.duration, before.duration);
        let share = Share::percent(30.0);
        let kills = scenario.schedule.iter().filter(|happening| happening.deed == Deed::Kill(Chosen { share }));
        assert_eq!(kills.count(), 1);
        let longer = changed("partition", &Overrides { partition: timed("0.25:20m"), ..Overrides::default() });
        assert!(longer.schedule.iter().any(|happening| happening.deed.lasts() == Span::s(1_200)));
        assert!(longer.duration > Span::s(1_200));
    }

    #[test]
    fn what_a_scenario_has_not_is_added_with_calm_after_it() {
        let overrides = Overrides { churn: timed("0.1:2m@50s"), kill: timed("0.5"), ..Overrides::default() };
        let scenario = changed("exercise", &overrides);
        let churn = Churn { per_minute: Share::percent(10.0), lasts: Span::s(120) };
        assert!(scenario.schedule.contains(&Happening { at: Span::s(50), deed: Deed::Churn(churn) }));
        let kill = Chosen { share: Share::percent(50.0) };
        assert!(scenario.schedule.contains(&Happening { at: Span::s(30), deed: Deed::Kill(kill) }));
        assert_eq!(scenario.duration, Span::s(50 + 120 + 60));
    }

    #[test]
    fn what_cannot_be_read_says_what_would_be_right() {
        assert!("2".parse::<Timed>().unwrap_err().contains("0 to 1"));
        assert!("0.5@soon".parse::<Timed>().unwrap_err().contains("10s"));
        assert!("0.5:soon".parse::<Timed>().unwrap_err().contains("10s"));
        assert!("nice".parse::<Hostile>().unwrap_err().contains("silent"));
        assert!("silent:2".parse::<Hostile>().unwrap_err().contains("0 to 1"));
        let silent: Hostile = "silent:30%".parse().unwrap();
        assert_eq!(silent, Hostile { kind: AdversaryKind::Silent, share: Share::percent(30.0) });
    }
}
