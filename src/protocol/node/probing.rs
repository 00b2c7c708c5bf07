//! PINGs to addresses that are no peers: candidates for a place, strangers who ask for one, tests of who is still alive, and
//! a scan. All draw on one budget, so that nobody can make this node PING a victim more often than that.

use std::net::SocketAddr;

use super::Node;
use crate::protocol::book::BACKOFF_MIN;
use crate::protocol::candidate::{Candidate, Standing};
use crate::protocol::counters::DiscoveredVia;
use crate::protocol::message::{Body, Exchange, MessageId, MessageType};
use crate::protocol::outbox::Outbox;
use crate::protocol::probes::{Probe, Purpose};
use crate::protocol::time::{CoarseTime, Time};

/// Padding of a PING to a stranger, in bytes: with it a PONG of the same length has room for a full sample, and the PING
/// stays below 400 bytes.
const PROBE_PAD: u16 = 200;

/// How many probes are kept for candidates when strangers' PINGs ask for some.
pub(super) const PROBE_RESERVE: f64 = 10.0;

/// How often a scan that found nobody is begun again.
const SCAN_AGAIN: std::time::Duration = std::time::Duration::from_secs(60);

/// Candidates are looked through no more often than this.
const CANDIDATE_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// The order in which candidates are tried, first first: those whose recommender has fewer others before them, on their way
/// or in this list; those nearer on the ring than a leaf, anchors, seeds, former peers, the latest first, those of address
/// groups that few peers are of; else by lot.
type Turn = (usize, bool, bool, bool, std::cmp::Reverse<Option<Time>>, usize, u64, SocketAddr);

/// What kind of candidate is tested when there is no place for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Testable {
    /// One near on the ring, who would be a leaf if another died.
    Near,
    /// Who has answered before, or is a seed: through them a node hears of those it has lost.
    Known,
    /// Who has only been heard of.
    Hearsay,
}

impl Testable {
    /// Half of all tests are for those near on the ring.
    fn drawn(lot: usize) -> Testable {
        match lot {
            0 => Testable::Known,
            1 => Testable::Hearsay,
            _ => Testable::Near,
        }
    }
}

impl Node {
    /// Sees to it that candidates are looked through at the next tick, and that it comes at once.
    pub(super) fn try_soon(&self, now: Time) {
        self.timers.next_candidates.at_most(now);
        self.timers.deadline.at_most(now);
    }

    /// PINGs candidates whose time has come, as far as there are places for them.
    pub(super) fn try_candidates(&self, now: Time, out: &mut Outbox) {
        if self.timers.next_candidates.get() > now {
            return;
        }
        let token = self.budgets.probes.next_token(now, self.settings.probe_rate);
        if token > now {
            return self.timers.next_candidates.set(token.max(now + CANDIDATE_PAUSE));
        }
        let free = self.settings.probes_in_flight.saturating_sub(self.probes.in_flight());
        if free == 0 {
            // Its end, or an answer, is noticed.
            return self.timers.next_candidates.set(Time::NEVER);
        }
        let (due, next) = self.due_candidates(now);
        self.timers.next_candidates.set(if due.len() > free { now + CANDIDATE_PAUSE } else { next });
        for (.., address) in due.into_iter().take(free) {
            self.probe(now, address, None, Purpose::Choice, 0.0, out);
        }
    }

    /// Candidates for which there is a place, in their order, and when the next one's time comes.
    fn due_candidates(&self, now: Time) -> (Vec<Turn>, Time) {
        let wants = self.wants_peers();
        let groups: Vec<u64> = self
            .peers
            .map(|peer, _| crate::protocol::address::group(peer.ip()))
            .into_iter()
            .map(|(_, group)| group)
            .collect();
        let (mut due, mut next) = (Vec::new(), Time::NEVER);
        self.book.each(|candidate| {
            let is_leaf = self.leaves.has_place_for(candidate.position);
            if !wants && !is_leaf {
                return;
            }
            if candidate.next_try.time() > now {
                return next = next.min(candidate.next_try.time());
            }
            let address = candidate.address();
            let is_anchor = candidate.via == DiscoveredVia::Saved && candidate.standing == Standing::Former;
            let group = crate::protocol::address::group(address.ip());
            let of_group = groups.iter().filter(|&&of| of == group).count();
            let former = std::cmp::Reverse(candidate.former().filter(|_| !is_anchor));
            // A former life has saved the best first.
            let lot = match candidate.via {
                DiscoveredVia::Saved => candidate.since.0.into(),
                DiscoveredVia::Seed
                | DiscoveredVia::Scan
                | DiscoveredVia::Ping
                | DiscoveredVia::Sample
                | DiscoveredVia::Prime => self.book.lot(candidate),
            };
            due.push((0, !is_leaf, !is_anchor, !candidate.is_seed(), former, of_group, lot, address));
        });
        self.share_among_sources(&mut due);
        (due, next)
    }

    /// Puts candidates in their order. Hearsay of one source goes one after the other, behind what is on its way already.
    /// Who recommends nobody that answers then has one probe at a time, and cannot keep this node from those whom others
    /// recommend, however many addresses it invents and wherever on the ring.
    fn share_among_sources(&self, due: &mut [Turn]) {
        let hearsay_of = |address: SocketAddr| {
            let candidate = self.book.get(address)?;
            (!candidate.has_answered() && !candidate.is_seed()).then_some(usize::from(candidate.source.0))
        };
        let mut before = [0; 256];
        self.probes.addresses().into_iter().filter_map(hearsay_of).for_each(|source| before[source] += 1);
        due.sort_unstable();
        for (turn, .., address) in due.iter_mut() {
            if let Some(source) = hearsay_of(*address) {
                *turn = before[source];
                before[source] += 1;
            }
        }
        due.sort_unstable();
    }

    /// Tests a candidate for whom there is no place, more often while there is reason to believe that many are gone: of a kind
    /// that is drawn each time, so that nobody can keep this node from testing the others, whatever he recommends; of that
    /// kind the one who has not been heard of for longest.
    pub(super) fn test_candidate(&self, now: Time, out: &mut Outbox) {
        if self.timers.next_test.get() > now {
            return;
        }
        let in_doubt = self.timers.doubt_until.get() > now;
        let interval =
            if in_doubt { BACKOFF_MIN.min(self.settings.test_interval) } else { self.settings.test_interval };
        self.timers.next_test.set(now + self.random.jittered(interval, self.settings.ping_jitter));
        let wanted = Testable::drawn(self.random.below(4));
        let mut best: Option<((bool, Time, u64), SocketAddr)> = None;
        self.book.each(|candidate: &Candidate| {
            if candidate.next_try.time() > now
                || now.since(candidate.since.time()) < self.settings.test_interval && candidate.is_good()
            {
                return;
            }
            let is_wanted = match wanted {
                Testable::Near => self.leaves.is_near(candidate.position, 4),
                Testable::Known => candidate.has_answered() || candidate.is_seed(),
                Testable::Hearsay => !candidate.has_answered(),
            };
            let turn = (!is_wanted, candidate.since.time(), self.book.lot(candidate));
            if best.is_none_or(|(first, _)| turn < first) {
                best = Some((turn, candidate.address()));
            }
        });
        if let Some((_, address)) = best {
            self.probe(now, address, None, Purpose::Test, PROBE_RESERVE, out);
        }
    }

    /// Goes on with the scan, as far as the probe rate allows; from the beginning once a minute while there is no peer.
    pub(super) fn try_scan(&self, now: Time, out: &mut Outbox) {
        if self.scan.len() == 0 || !self.wants_peers() {
            return;
        }
        if self.scan.is_done() {
            if self.peers.len() > 0 || self.timers.next_scan.get() > now {
                return;
            }
            self.scan.restart();
        }
        self.timers.next_scan.set(now + SCAN_AGAIN);
        while !self.scan.is_done() && self.budgets.probes.take_above(now, self.settings.probe_rate, PROBE_RESERVE) {
            let Some(address) = self.scan.take() else { break };
            if !self.own.contains(address) && !self.peers.contains(address) {
                self.send_probe(now, address, None, Purpose::Scan, out);
            }
        }
    }

    /// When the scan can go on.
    pub(super) fn next_scan(&self, now: Time) -> Time {
        if self.scan.is_done() || !self.wants_peers() {
            return Time::NEVER;
        }
        self.budgets.probes.next_token(now, self.settings.probe_rate).max(now + CANDIDATE_PAUSE)
    }

    /// Gives up probes that nobody has answered.
    pub(super) fn expire_probes(&self, now: Time) {
        for (address, probe) in self.probes.take_expired(now) {
            if probe.purpose != Purpose::Scan {
                self.book.failed(now, address, &self.settings);
                self.timers.next_candidates.at_most(now);
            }
        }
    }

    /// PINGs an address that is no peer, if the probe rate allows it and it stands in the address book.
    pub(super) fn probe(
        &self,
        now: Time,
        address: SocketAddr,
        echo: Option<u64>,
        purpose: Purpose,
        reserve: f64,
        out: &mut Outbox,
    ) {
        if self.book.get(address).is_none() || !self.takes_probe(now, address, reserve) {
            return;
        }
        // Not due while it has time to answer.
        let ends = now + self.settings.probe_timeout;
        let wait = |candidate: &mut Candidate| candidate.next_try = candidate.next_try.max(CoarseTime::from(ends));
        self.book.with(address, wait);
        self.send_probe(now, address, echo, purpose, out);
    }

    /// PINGs an address that has proven itself and found no place in the address book, if the probe rate allows it.
    pub(super) fn probe_proven(
        &self,
        now: Time,
        address: SocketAddr,
        echo: Option<u64>,
        purpose: Purpose,
        out: &mut Outbox,
    ) {
        if !self.own.contains(address) && self.takes_probe(now, address, PROBE_RESERVE) {
            self.send_probe(now, address, echo, purpose, out);
        }
    }

    /// Takes a probe of an address from the budget, if `reserve` others are left in it. None is taken before this node's ids
    /// are reserved, nor while another probe of the address is on its way.
    fn takes_probe(&self, now: Time, address: SocketAddr, reserve: f64) -> bool {
        self.ids.are_reserved()
            && !self.probes.contains(address)
            && self.budgets.probes.take_above(now, self.settings.probe_rate, reserve)
    }

    fn send_probe(&self, now: Time, address: SocketAddr, echo: Option<u64>, purpose: Purpose, out: &mut Outbox) {
        let exchange = Exchange {
            nonce: Some(self.cookies.make(now, address)),
            echo,
            known: Some(self.primes.digest()),
            instance: Some(self.instance()),
            alone: self.peers.len() == 0,
            pad: PROBE_PAD,
            ..Exchange::default()
        };
        let id: MessageId = self.originate(MessageType::Ping);
        self.send_own(address, self.own_message(id, Body::Ping(Some(exchange))), out);
        self.probes.insert(address, Probe { id, sent: now, purpose });
        self.timers.deadline.at_most(now + self.settings.probe_timeout);
    }
}
