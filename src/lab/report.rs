//! What a lab prints on its terminal: a line for each event that matters, and one whenever all nodes agree anew.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use jiff::Zoned;
use serde::Deserialize;

use super::exercise::{Condition, Exercise};

/// In a network of more nodes than this, nobody has all others as peers.
const FULL_MESH_MAX: usize = 13;

/// How many peers a node of a larger network has once it is settled, at least.
const ENOUGH: usize = 8;

/// One JSON line from a node, as far as a lab cares.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    event: String,
    #[serde(default)]
    text: String,
    exponent: Option<u64>,
    originator: Option<String>,
    to: Option<String>,
    reason: Option<String>,
}

impl Line {
    /// Reads a line; `None` when it is not one of a node of this version.
    pub(super) fn parse(line: &str) -> Option<Line> {
        serde_json::from_str(line).ok()
    }

    /// Whether people watching a lab want to read it; the rest is in each node's `/log`.
    fn matters(&self) -> bool {
        // A node that sleeps or forgets loses all its peers at once, and says so in one line of its own.
        let told_already = matches!(self.reason.as_deref(), Some("asleep" | "reset"));
        !told_already && !matches!(self.event.as_str(), "search_started" | "claim_queued" | "leaving" | "own_address")
    }
}

/// What one node holds, put together from its events.
#[derive(Debug, Clone, Default)]
struct Held {
    largest: Option<u64>,
    /// Who is credited with each prime.
    finders: BTreeMap<u64, String>,
    peers: usize,
    asleep: bool,
}

/// The lab's console.
#[derive(Debug, Default)]
pub(super) struct Report {
    held: BTreeMap<u16, Held>,
    meshed: bool,
    agreed: Option<(u64, String)>,
    /// The conditions of an exercise, as they were last shown.
    judged: Vec<Condition>,
}

impl Report {
    pub(super) fn new() -> Report {
        Report::default()
    }

    /// Says what runs and where to look.
    pub(super) fn begin(&mut self, page: &str, ports: impl ExactSizeIterator<Item = u16> + Clone) {
        let (first, last) = (ports.clone().min().unwrap_or_default(), ports.clone().max().unwrap_or_default());
        print(&format!("{} nodes, UDP and HTTP ports {first} to {last}. Ctrl-C ends them.", ports.len()));
        print(&format!("  all of them  {page}"));
        for port in ports {
            self.joined(port);
            print(&format!("  {:<11}  http://127.0.0.1:{port}/", format!("node {port}")));
        }
    }

    /// Notes that a node has started: from now on the others have to agree with it.
    pub(super) fn joined(&mut self, port: u16) {
        self.held.entry(port).or_default();
    }

    pub(super) fn finish(&self) {
        print("ending all nodes");
    }

    /// Shows an event of a node, if it matters.
    pub(super) fn event(&mut self, port: u16, line: &str) {
        let Some(line) = Line::parse(line) else {
            return self.log(port, line);
        };
        if matches!(line.event.as_str(), "sent" | "received" | "unlogged") {
            return;
        }
        if line.matters() {
            self.log(port, &line.text);
        }
        self.note(port, &line);
        self.tell_agreement();
    }

    /// Shows that a node's process has ended; the others are counted without it from now on.
    pub(super) fn ended(&mut self, port: u16, status: &str, how: &str) {
        self.log(
            port,
            &match status {
                "died" => format!("has died ({how})"),
                _ => format!("has ended ({how})"),
            },
        );
        self.held.remove(&port);
        self.tell_agreement();
    }

    /// Shows any line of a node.
    pub(super) fn log(&self, port: u16, text: &str) {
        print(&format!("{}  {port}  {text}", now()));
    }

    /// Shows an exercise.
    pub(super) fn exercise(&self, exercise: &Exercise, task: &str) {
        print(&format!("\nExercise {}: {}\n{task}\n", exercise.number, exercise.title));
    }

    /// Shows which conditions of an exercise hold now and did not before, or the other way round.
    pub(super) fn conditions(&mut self, conditions: &[Condition]) {
        for (place, condition) in conditions.iter().enumerate() {
            let before = self.judged.get(place).and_then(|before| before.holds);
            if condition.holds != before {
                let sign = match condition.holds {
                    Some(true) => "holds      ",
                    Some(false) => "DOES NOT   ",
                    None => "not seen   ",
                };
                print(&format!("{}  {sign}{}: {}", now(), condition.text, condition.why));
            }
        }
        if conditions != self.judged && conditions.iter().all(|condition| condition.holds == Some(true)) {
            print("all conditions of the exercise hold");
        }
        self.judged = conditions.to_vec();
    }

    /// Shows a line of the lab's own.
    pub(super) fn say(&self, text: &str) {
        print(text);
    }

    fn note(&mut self, port: u16, line: &Line) {
        let Some(held) = self.held.get_mut(&port) else { return };
        let itself = format!("127.0.0.1:{port}");
        let credited = match line.event.as_str() {
            "peer_up" => {
                held.peers += 1;
                None
            }
            "peer_down" => {
                held.peers = held.peers.saturating_sub(1);
                None
            }
            "asleep" | "awake" => {
                held.asleep = line.event == "asleep";
                None
            }
            "reset" => {
                held.largest = None;
                held.finders.clear();
                None
            }
            "prime_found" => Some(&itself),
            "prime_verified" => line.originator.as_ref(),
            "credit_moved" => line.to.as_ref(),
            _ => None,
        };
        if let (Some(finder), Some(exponent)) = (credited, line.exponent) {
            held.finders.insert(exponent, finder.clone());
            held.largest = held.largest.max(Some(exponent));
        }
    }

    /// Says so when everybody has the peers that he should have, and when all nodes hold the same largest prime and the same
    /// finder of it. Nodes that sleep take no part.
    fn tell_agreement(&mut self) {
        let awake = || self.held.values().filter(|held| !held.asleep);
        let count = awake().count();
        let nodes = if count < self.held.len() { "nodes that are awake" } else { "nodes" };
        let others = count.saturating_sub(1);
        let is_full_mesh = count <= FULL_MESH_MAX;
        let meshed = others > 0 && awake().all(|held| held.peers == others || !is_full_mesh && held.peers >= ENOUGH);
        match (meshed && !self.meshed, is_full_mesh) {
            (true, true) => print(&format!("all {count} {nodes} are each other's peers")),
            (true, false) => print(&format!("all {count} {nodes} have at least {ENOUGH} peers")),
            (false, _) => {}
        }
        self.meshed = meshed;
        let mut views = awake().map(|held| {
            let largest = held.largest?;
            Some((largest, held.finders.get(&largest)?.clone()))
        });
        let first = views.next().flatten();
        if first.is_some() && first != self.agreed && views.all(|view| view == first) {
            if let Some((exponent, finder)) = &first {
                print(&format!("all {count} {nodes} agree: the largest prime is M{exponent}, found by {finder}"));
            }
            self.agreed = first;
        }
    }
}

fn now() -> String {
    Zoned::now().strftime("%H:%M:%S%.3f").to_string()
}

/// Prints a line. Whoever has closed our output does not want it.
fn print(line: &str) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(ports: std::ops::RangeInclusive<u16>) -> Report {
        let mut report = Report::new();
        ports.for_each(|port| report.joined(port));
        report
    }

    fn tell(report: &mut Report, port: u16, line: &str) {
        report.event(port, line);
    }

    #[test]
    fn nodes_agree_when_all_hold_the_same_prime_by_the_same_finder() {
        let mut report = among(5001..=5002);
        tell(&mut report, 5001, r#"{"event":"prime_found","text":"","exponent":31}"#);
        assert_eq!(report.agreed, None);
        tell(&mut report, 5002, r#"{"event":"prime_verified","text":"","exponent":31,"originator":"127.0.0.1:5001"}"#);
        assert_eq!(report.agreed, Some((31, "127.0.0.1:5001".to_owned())));
        tell(&mut report, 5002, r#"{"event":"prime_found","text":"","exponent":61}"#);
        assert_eq!(report.agreed.as_ref().unwrap().0, 31);
        tell(&mut report, 5001, r#"{"event":"prime_verified","text":"","exponent":61,"originator":"127.0.0.1:5002"}"#);
        assert_eq!(report.agreed, Some((61, "127.0.0.1:5002".to_owned())));
    }

    #[test]
    fn a_mesh_is_full_when_every_node_has_every_other() {
        let mut report = among(5001..=5002);
        tell(&mut report, 5001, r#"{"event":"peer_up","text":""}"#);
        assert!(!report.meshed);
        tell(&mut report, 5002, r#"{"event":"peer_up","text":""}"#);
        assert!(report.meshed);
        tell(&mut report, 5002, r#"{"event":"peer_down","text":""}"#);
        assert!(!report.meshed);
    }

    #[test]
    fn in_a_larger_network_eight_peers_are_enough() {
        let mut report = among(5001..=5014);
        for (port, missing) in (5001..=5014).map(|port| (port, u16::from(port == 5014))) {
            (0..8 - missing).for_each(|_| tell(&mut report, port, r#"{"event":"peer_up","text":""}"#));
        }
        assert!(!report.meshed, "one has seven");
        tell(&mut report, 5014, r#"{"event":"peer_up","text":""}"#);
        assert!(report.meshed);
        tell(&mut report, 5001, r#"{"event":"peer_down","text":""}"#);
        assert!(!report.meshed);
    }

    #[test]
    fn a_node_that_sleeps_takes_no_part_and_one_that_was_reset_holds_nothing() {
        let mut report = among(5001..=5003);
        for port in [5001, 5002] {
            tell(&mut report, port, r#"{"event":"peer_up","text":""}"#);
            tell(
                &mut report,
                port,
                r#"{"event":"prime_verified","text":"","exponent":31,"originator":"127.0.0.1:5001"}"#,
            );
        }
        assert!(!report.meshed && report.agreed.is_none());
        tell(&mut report, 5003, r#"{"event":"asleep","text":""}"#);
        assert!(report.meshed && report.agreed.is_some());
        tell(&mut report, 5003, r#"{"event":"awake","text":""}"#);
        assert!(!report.meshed);
        tell(&mut report, 5001, r#"{"event":"reset","text":""}"#);
        assert_eq!(report.held[&5001].largest, None);
    }

    #[test]
    fn peers_lost_by_sleep_or_reset_are_told_by_one_line_for_all() {
        let line = |reason| Line::parse(&format!(r#"{{"event":"peer_down","text":"","reason":"{reason}"}}"#)).unwrap();
        assert!(line("timeout").matters() && !line("asleep").matters() && !line("reset").matters());
        assert!(Line::parse(r#"{"event":"asleep","text":""}"#).unwrap().matters());
    }
}
