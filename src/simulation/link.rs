//! What a datagram meets between two hosts: latency, jitter, loss, duplication, reordering.

use std::time::Duration;

use super::host::HostId;
use crate::protocol::Random;

/// How long a datagram that is held back is late, in multiples of its own travel time: enough for others to overtake it.
const HELD_BACK: u32 = 4;

/// What happens to datagrams on their way, from every host to every other.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// How long a datagram travels.
    pub latency: Latency,
    /// Up to so much longer, by chance.
    pub jitter: Duration,
    /// The chance that a datagram is lost, 0 to 1.
    pub loss: f64,
    /// The chance that a datagram comes twice, 0 to 1.
    pub duplication: f64,
    /// The chance that a datagram is held back until later ones have overtaken it, 0 to 1.
    pub reordering: f64,
}

/// How long a datagram travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Latency {
    /// Always as long.
    Fixed(Duration),
    /// By chance, anew for each datagram.
    Uniform {
        /// The shortest.
        from: Duration,
        /// The longest.
        to: Duration,
    },
    /// By where the two hosts are.
    Regions {
        /// The region of each host, by its number; beyond the end the list begins again.
        of: Vec<usize>,
        /// From a region (row) to a region (column). Regions beyond its end are 0 away.
        matrix: Vec<Vec<Duration>>,
    },
}

/// What becomes of one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passage {
    /// How long it travels.
    pub(super) delay: Duration,
    /// Whether it was held back.
    pub(super) order: Order,
    /// How long a second copy travels, if there is one.
    pub(super) copy: Option<Duration>,
}

/// Whether a datagram keeps its place among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Kept,
    HeldBack,
}

impl Default for Link {
    /// Ten milliseconds and no faults.
    fn default() -> Link {
        Link::perfect(Duration::from_millis(10))
    }
}

impl Link {
    /// Always the same latency, and nothing ever goes wrong.
    pub const fn perfect(latency: Duration) -> Link {
        Link { latency: Latency::Fixed(latency), jitter: Duration::ZERO, loss: 0.0, duplication: 0.0, reordering: 0.0 }
    }

    /// What becomes of a datagram; `None` when it is lost.
    pub(super) fn passage(&self, random: &Random, from: HostId, to: HostId) -> Option<Passage> {
        if self.loss > 0.0 && random.unit() < self.loss {
            return None;
        }
        let mut delay = self.travel(random, from, to);
        let copy = (self.duplication > 0.0 && random.unit() < self.duplication).then(|| self.travel(random, from, to));
        let mut order = Order::Kept;
        if self.reordering > 0.0 && random.unit() < self.reordering {
            order = Order::HeldBack;
            delay = held_back(delay);
        }
        Some(Passage { delay, order, copy })
    }

    /// How long a datagram travels at the most, between any two hosts.
    pub(super) fn longest(&self) -> Duration {
        let latency = match &self.latency {
            Latency::Fixed(latency) => *latency,
            Latency::Uniform { from, to } => *from.max(to),
            Latency::Regions { of: _, matrix } => matrix.iter().flatten().max().copied().unwrap_or_default(),
        };
        let travel = latency + self.jitter;
        if self.reordering > 0.0 { held_back(travel) } else { travel }
    }

    fn travel(&self, random: &Random, from: HostId, to: HostId) -> Duration {
        let latency = match &self.latency {
            Latency::Fixed(latency) => *latency,
            Latency::Uniform { from, to } => *from + part(to.saturating_sub(*from), random),
            Latency::Regions { of, matrix } => {
                let region = |host: HostId| of.get(host.index() % of.len().max(1)).copied().unwrap_or_default();
                let row = matrix.get(region(from));
                row.and_then(|row| row.get(region(to))).copied().unwrap_or_default()
            }
        };
        if self.jitter.is_zero() { latency } else { latency + part(self.jitter, random) }
    }
}

/// How long a datagram travels that is held back.
fn held_back(travel: Duration) -> Duration {
    (travel * HELD_BACK).max(Duration::from_millis(1))
}

/// A random part of a duration, to the microsecond.
fn part(of: Duration, random: &Random) -> Duration {
    Duration::from_micros(random.below(of.as_micros() as usize + 1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn passages(link: &Link) -> Vec<Option<Passage>> {
        let random = Random::from_seed([1; 16]);
        (0..10_000).map(|_| link.passage(&random, HostId(0), HostId(1))).collect()
    }

    #[test]
    fn a_perfect_link_delivers_everything_once_and_in_order() {
        let expected = Passage { delay: 7 * MS, order: Order::Kept, copy: None };
        assert!(passages(&Link::perfect(7 * MS)).iter().all(|&passage| passage == Some(expected)));
    }

    #[test]
    fn each_fault_happens_as_often_as_it_should() {
        let latency = Latency::Uniform { from: 10 * MS, to: 20 * MS };
        let link = Link { latency, jitter: 5 * MS, loss: 0.3, duplication: 0.2, reordering: 0.1 };
        let passages = passages(&link);
        let arrived: Vec<&Passage> = passages.iter().flatten().collect();
        assert!((6_800..7_200).contains(&arrived.len()));
        let copies = arrived.iter().filter(|passage| passage.copy.is_some()).count();
        assert!((1_250..1_550).contains(&copies), "{copies}");
        let late = arrived.iter().filter(|passage| passage.order == Order::HeldBack).count();
        assert!((600..800).contains(&late), "{late}");
        let in_order = arrived.iter().filter(|passage| passage.order == Order::Kept);
        assert!(in_order.clone().all(|passage| (10 * MS..=25 * MS).contains(&passage.delay)));
        assert!(in_order.clone().any(|passage| passage.delay > 21 * MS));
    }

    #[test]
    fn nothing_travels_longer_than_the_longest_and_something_nearly_as_long() {
        let uniform = Latency::Uniform { from: 10 * MS, to: 20 * MS };
        let regions = Latency::Regions { of: vec![0, 1], matrix: vec![vec![MS, 40 * MS], vec![30 * MS, 2 * MS]] };
        for (latency, jitter, reordering, longest) in [
            (Latency::Fixed(7 * MS), Duration::ZERO, 0.0, 7 * MS),
            (Latency::Fixed(Duration::ZERO), Duration::ZERO, 0.1, MS),
            (uniform.clone(), 5 * MS, 0.0, 25 * MS),
            (uniform, 5 * MS, 0.1, 100 * MS),
            (regions.clone(), Duration::ZERO, 0.0, 40 * MS),
            (regions, 10 * MS, 0.1, 200 * MS),
        ] {
            let link = Link { latency, jitter, duplication: 0.2, reordering, ..Link::default() };
            assert_eq!(link.longest(), longest, "{link:?}");
            let passages = passages(&link);
            let delays = passages.iter().flatten().flat_map(|passage| [Some(passage.delay), passage.copy]).flatten();
            let most = delays.max().unwrap();
            assert!(most <= longest && most * 10 >= longest * 9, "{most:?} of {longest:?}");
        }
    }

    #[test]
    fn latency_follows_from_the_regions_of_both_hosts() {
        let matrix = vec![vec![MS, 40 * MS], vec![60 * MS, 2 * MS]];
        let link = Link { latency: Latency::Regions { of: vec![0, 1], matrix }, ..Link::default() };
        let random = Random::from_seed([1; 16]);
        let delay = |from, to| link.passage(&random, HostId(from), HostId(to)).map(|passage| passage.delay);
        assert_eq!(delay(0, 1), Some(40 * MS));
        assert_eq!(delay(1, 2), Some(60 * MS));
        assert_eq!(delay(1, 3), Some(2 * MS));
    }
}
