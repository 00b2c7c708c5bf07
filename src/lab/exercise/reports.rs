//! What the lab's own nodes report: that they hear the student's node, hold it as a peer, and which primes they know.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::Seen;
use super::exponents::MERSENNE;

/// The sum of all reports, as far as exercises need it.
#[derive(Debug)]
pub(super) struct Reports {
    student: SocketAddr,
    /// When each node last heard a PING from the student's node.
    pings: BTreeMap<SocketAddr, Duration>,
    /// Who has it as a peer.
    befriended: BTreeSet<SocketAddr>,
    /// Whether anybody ever had.
    was_befriended: bool,
    /// Exponents that some node has found or verified. Only true ones count, so they are few.
    known: BTreeSet<u64>,
    /// Claims that were sent to the student's node: exponent and originator.
    told: BTreeSet<(u64, SocketAddr)>,
}

/// The most claims that are remembered of what the student was told; the largest exponents stay.
const TOLD: usize = 256;

impl Reports {
    pub(super) fn new(student: SocketAddr) -> Reports {
        Reports {
            student,
            pings: BTreeMap::new(),
            befriended: BTreeSet::new(),
            was_befriended: false,
            known: BTreeSet::new(),
            told: BTreeSet::new(),
        }
    }

    /// Takes in one report.
    pub(super) fn take(&mut self, now: Duration, seen: &Seen) {
        let event = &seen.event;
        let is_about_student = address(&event["peer"]) == Some(self.student);
        let exponent = |name: &str| event[name].as_u64().filter(|exponent| MERSENNE.contains(exponent));
        match event["event"].as_str().unwrap_or_default() {
            "received" if is_about_student && event["msg_type"] == "PING" => {
                self.pings.insert(seen.node, now);
            }
            "sent" if is_about_student && event["msg_type"] == "PRIME" => {
                if let (Some(exponent), Some(originator)) = (exponent("data"), address(&event["originator"])) {
                    self.told.insert((exponent, originator));
                    if self.told.len() > TOLD {
                        self.told.pop_first();
                    }
                }
            }
            "peer_up" if is_about_student => {
                self.befriended.insert(seen.node);
                self.was_befriended = true;
            }
            "peer_down" if is_about_student => {
                self.befriended.remove(&seen.node);
            }
            "prime_found" | "prime_verified" => self.known.extend(exponent("exponent")),
            // Everything else, and what a later version may report.
            _ => {}
        }
    }

    /// Which nodes have heard a PING from the student's node since then.
    pub(super) fn hear_pings_since(&self, since: Duration) -> Vec<SocketAddr> {
        self.pings.iter().filter(|&(_, &at)| at >= since).map(|(&node, _)| node).collect()
    }

    /// Which nodes have it as a peer.
    pub(super) fn befriended(&self) -> impl Iterator<Item = SocketAddr> {
        self.befriended.iter().copied()
    }

    /// Whether any node ever had it as a peer.
    pub(super) fn was_befriended(&self) -> bool {
        self.was_befriended
    }

    /// The exponents that the lab knows, in order.
    pub(super) fn known(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.known.iter().copied()
    }

    /// The largest exponent that the lab knows or has told the student's node; 0 for none.
    pub(super) fn largest(&self) -> u64 {
        let told = self.told.last().map_or(0, |&(exponent, _)| exponent);
        self.known.last().copied().unwrap_or(0).max(told)
    }

    /// Whether the lab has told the student's node of this claim.
    pub(super) fn has_told(&self, exponent: u64, originator: SocketAddr) -> bool {
        self.told.contains(&(exponent, originator))
    }
}

fn address(value: &Value) -> Option<SocketAddr> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STUDENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5_004);

    fn reports(events: &[Value]) -> Reports {
        let mut reports = Reports::new(STUDENT);
        for (second, event) in (1..).zip(events) {
            let node = "127.0.0.1:5001".parse().unwrap();
            reports.take(Duration::from_secs(second), &Seen { node, event: event.clone() });
        }
        reports
    }

    #[test]
    fn only_pings_from_the_students_address_count() {
        let reports = reports(&[
            json!({"event": "received", "msg_type": "PING", "peer": "127.0.0.1:5002"}),
            json!({"event": "received", "msg_type": "PONG", "peer": "127.0.0.1:5004"}),
            json!({"event": "sent", "msg_type": "PING", "peer": "127.0.0.1:5004"}),
            json!({"event": "received", "msg_type": "PING", "peer": "127.0.0.1:5004"}),
        ]);
        assert_eq!(reports.hear_pings_since(Duration::from_secs(4)), ["127.0.0.1:5001".parse().unwrap()]);
        assert_eq!(reports.hear_pings_since(Duration::from_secs(5)), []);
    }

    #[test]
    fn who_was_dropped_is_no_peer_any_more() {
        let up = json!({"event": "peer_up", "peer": "127.0.0.1:5004", "via": "ping", "kind": "plain"});
        let down = json!({"event": "peer_down", "peer": "127.0.0.1:5004", "reason": "timeout"});
        assert_eq!(reports(std::slice::from_ref(&up)).befriended().count(), 1);
        let both = reports(&[up, down]);
        assert_eq!((both.befriended().count(), both.was_befriended()), (0, true));
    }

    #[test]
    fn nonsense_is_passed_over_and_untrue_exponents_are_not_known() {
        let reports = reports(&[
            json!(null),
            json!({"event": 7}),
            json!({"event": "prime_found", "exponent": "x"}),
            json!({"event": "prime_found", "exponent": 11}),
            json!({"event": "prime_verified", "exponent": 13}),
            json!({"event": "sent", "msg_type": "PRIME", "peer": "127.0.0.1:5004", "originator": "127.0.0.1:5002", "data": 31,
                   "msg_id": "17"}),
        ]);
        assert_eq!(reports.known().collect::<Vec<u64>>(), [13]);
        assert_eq!(reports.largest(), 31);
        assert!(reports.has_told(31, "127.0.0.1:5002".parse().unwrap()));
    }
}
