//! What a lab does to a node's datagrams: loss, delay, and links that are cut.
//!
//! Only the gossip loop of a node that was started by a lab has any; a plain node never looks here. What becomes of the
//! k-th datagram to or from a peer follows from the node's seed, the peer's address, the direction and k, and from nothing
//! else: with the same seed the same datagrams of a link are lost, whatever happens on other links meanwhile.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::protocol::hash::{self, HashKey};

/// How many datagrams can be on their way at the same time; more are lost, as in a full queue of a router.
const ON_THE_WAY_MAX: usize = 8_192;

/// How many links are counted; of more than a lab can have, the rest shares one count.
const LINKS_MAX: usize = 1_024;

/// Whose count the rest shares.
const EVERYBODY_ELSE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What happens to the datagrams of one node.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// The share of what it sends, and of what it is sent, that is lost: 0 to 1.
    pub loss: f64,
    /// How much longer each of its datagrams travels, in milliseconds, either way.
    pub delay_ms: u64,
    /// Who neither reaches it nor is reached.
    pub cut: HashSet<SocketAddr>,
    /// What chance follows from.
    pub seed: u64,
}

/// Which way a datagram goes, seen from the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Direction {
    Out,
    In,
}

/// A datagram that is late.
#[derive(Debug)]
pub(super) struct Late {
    due: Instant,
    /// To whom it goes, or from whom it came.
    pub(super) peer: SocketAddr,
    pub(super) datagram: Vec<u8>,
}

/// What becomes of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// It goes on as if there were nothing.
    Free,
    /// It is lost, or on its way for a while.
    Taken,
}

/// The conditions in force, and what is under way in them.
#[derive(Debug, Default)]
pub struct Weather {
    conditions: Conditions,
    counts: HashMap<(SocketAddr, Direction), u64>,
    outgoing: VecDeque<Late>,
    incoming: VecDeque<Late>,
}

impl Weather {
    /// Changes the conditions. What is on its way arrives as it would have.
    pub(super) fn set(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Takes a datagram that is about to be sent.
    pub(super) fn send(&mut self, now: Instant, to: SocketAddr, datagram: &[u8]) -> Passage {
        self.pass(now, Direction::Out, to, datagram)
    }

    /// Takes a datagram that has come.
    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Passage {
        self.pass(now, Direction::In, from, datagram)
    }

    /// The next datagram that is to be sent now.
    pub(super) fn sent(&mut self, now: Instant) -> Option<Late> {
        take_due(&mut self.outgoing, now)
    }

    /// The next datagram that has come now.
    pub(super) fn received(&mut self, now: Instant) -> Option<Late> {
        take_due(&mut self.incoming, now)
    }

    /// The next datagram that was still to be sent, due or not: who leaves does not wait for it.
    pub(super) fn flush(&mut self, _now: Instant) -> Option<Late> {
        self.outgoing.pop_front()
    }

    /// When the next datagram is due.
    pub(super) fn next(&self) -> Option<Instant> {
        [&self.outgoing, &self.incoming].into_iter().filter_map(|late| Some(late.front()?.due)).min()
    }

    fn pass(&mut self, now: Instant, direction: Direction, peer: SocketAddr, datagram: &[u8]) -> Passage {
        let Conditions { loss, delay_ms, ref cut, seed } = self.conditions;
        if cut.contains(&peer) {
            return Passage::Taken;
        }
        if loss > 0.0 && self.draw(seed, direction, peer) < loss {
            return Passage::Taken;
        }
        let late = match direction {
            Direction::Out => &mut self.outgoing,
            Direction::In => &mut self.incoming,
        };
        // Nothing overtakes what is still on its way from before the delay was changed.
        let due = now + Duration::from_millis(delay_ms);
        let due = late.back().map_or(due, |last| due.max(last.due));
        if due <= now {
            return Passage::Free;
        }
        if late.len() < ON_THE_WAY_MAX {
            late.push_back(Late { due, peer, datagram: datagram.to_vec() });
        }
        Passage::Taken
    }

    /// A number from 0 to 1 for the next datagram of a link.
    fn draw(&mut self, seed: u64, direction: Direction, peer: SocketAddr) -> f64 {
        let link = (peer, direction);
        let has_place = self.counts.len() < LINKS_MAX || self.counts.contains_key(&link);
        let count = self.counts.entry(if has_place { link } else { (EVERYBODY_ELSE, direction) }).or_default();
        *count += 1;
        let key = HashKey(seed, hash::address(HashKey(seed, direction as u64), peer));
        hash::bytes(key, &count.to_be_bytes()) as f64 / 2f64.powi(64)
    }
}

fn take_due(late: &mut VecDeque<Late>, now: Instant) -> Option<Late> {
    late.pop_front_if(|first| first.due <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5002);
    const OTHER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5003);

    fn weather(conditions: Conditions) -> Weather {
        Weather { conditions, ..Weather::default() }
    }

    fn fates(weather: &mut Weather, peer: SocketAddr, count: usize) -> Vec<Passage> {
        let now = Instant::now();
        (0..count).map(|_| weather.send(now, peer, b"x")).collect()
    }

    #[test]
    fn without_conditions_everything_passes_at_once() {
        assert!(fates(&mut Weather::default(), PEER, 100).iter().all(|&fate| fate == Passage::Free));
    }

    #[test]
    fn a_cut_link_carries_nothing_either_way_and_others_do() {
        let mut weather = weather(Conditions { cut: [PEER].into(), ..Conditions::default() });
        let now = Instant::now();
        assert_eq!(weather.send(now, PEER, b"x"), Passage::Taken);
        assert_eq!(weather.receive(now, PEER, b"x"), Passage::Taken);
        assert_eq!(weather.send(now, OTHER, b"x"), Passage::Free);
        assert!(weather.next().is_none(), "it is lost, not late");
    }

    #[test]
    fn the_share_that_is_lost_is_the_one_asked_for() {
        let mut weather = weather(Conditions { loss: 0.2, seed: 7, ..Conditions::default() });
        let lost = fates(&mut weather, PEER, 10_000).into_iter().filter(|&fate| fate == Passage::Taken).count();
        assert!((1_800..2_200).contains(&lost), "{lost} of 10,000");
    }

    #[test]
    fn the_same_seed_loses_the_same_datagrams_of_a_link_whatever_other_links_do() {
        let conditions = Conditions { loss: 0.5, seed: 7, ..Conditions::default() };
        let alone = fates(&mut weather(conditions.clone()), PEER, 64);
        let mut busy = weather(conditions.clone());
        let now = Instant::now();
        let beside: Vec<Passage> = (0..64)
            .map(|_| {
                busy.send(now, OTHER, b"x");
                busy.receive(now, PEER, b"x");
                busy.send(now, PEER, b"x")
            })
            .collect();
        assert_eq!(alone, beside);
        let other_seed = fates(&mut weather(Conditions { seed: 8, ..conditions }), PEER, 64);
        assert_ne!(alone, other_seed);
    }

    #[test]
    fn what_is_late_comes_in_order_when_it_is_due() {
        let mut weather = weather(Conditions { delay_ms: 100, ..Conditions::default() });
        let now = Instant::now();
        assert_eq!(weather.receive(now, PEER, b"first"), Passage::Taken);
        weather.set(Conditions::default());
        assert_eq!(weather.receive(now, PEER, b"second"), Passage::Taken, "it would overtake the first");
        assert!(weather.received(now).is_none());
        assert_eq!(weather.next(), Some(now + Duration::from_millis(100)));
        let then = now + Duration::from_millis(100);
        let come: Vec<Vec<u8>> = std::iter::from_fn(|| weather.received(then)).map(|late| late.datagram).collect();
        assert_eq!(come, [b"first".to_vec(), b"second".to_vec()]);
        assert_eq!(weather.receive(then, PEER, b"third"), Passage::Free);
    }

    #[test]
    fn a_queue_that_is_full_loses_what_comes_and_goes_on() {
        let mut weather = weather(Conditions { delay_ms: 1, ..Conditions::default() });
        let taken = fates(&mut weather, PEER, ON_THE_WAY_MAX + 5);
        assert!(taken.iter().all(|&fate| fate == Passage::Taken));
        assert_eq!(std::iter::from_fn(|| weather.flush(Instant::now())).count(), ON_THE_WAY_MAX);
    }
}
