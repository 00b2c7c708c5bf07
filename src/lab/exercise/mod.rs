//! Exercises: a student's own node, in any language, among the nodes of a lab, and a judge who says which rules it keeps.
//!
//! A lab with an exercise leaves its last address to the student. The [`Judge`] speaks to whatever listens there, through
//! sockets of its own, as *examiners*: peers that say the six plain fields, and each of which behaves in one chosen way.
//! What the student's node answers, and what the lab's nodes report of it, decides which conditions hold; every round
//! decides anew. The seven exercises are the rules of the teaching exercise that the protocol comes from, one at a time.
//!
//! Examiners speak to the student's node only. What it passes on to the lab from them are true claims to primes that the lab
//! knows already where it can be so, with numbers that rank last: they leave the lab's credits as they are.
//!
//! May use `protocol`. The deciding, in `examination` and the scripts, has neither sockets nor a clock.

mod credit;
mod duplicates;
mod eviction;
mod examination;
mod examiners;
mod exponents;
mod finding;
mod forwarding;
mod introduction;
mod judge;
mod liveness;
mod pong;
mod prime;
mod reports;
mod stage;
mod tasks;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

pub use judge::Judge;

/// One exercise: what a student is to write, and what is then observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Exercise {
    /// From 1 to 7.
    pub number: u8,
    /// A few words.
    pub title: &'static str,
    /// What to do and what is observed, in paragraphs of plain text.
    pub task: &'static str,
    /// The conditions, in the order in which the judge tells them.
    #[serde(skip)]
    pub conditions: &'static [&'static str],
}

impl Exercise {
    /// All of them, in order.
    pub const ALL: [Exercise; 7] = tasks::ALL;

    /// The exercise of this number, if it is from 1 to 7.
    pub fn get(number: u8) -> Option<&'static Exercise> {
        const ALL: &[Exercise; 7] = &Exercise::ALL;
        ALL.iter().find(|exercise| exercise.number == number)
    }

    /// The task with the addresses of one lab: where the student's node is awaited, and whom it can begin with.
    pub fn task_in(&self, student: SocketAddr, nodes: &[SocketAddr]) -> String {
        let ports: Vec<String> = nodes.iter().map(|node| node.port().to_string()).collect();
        format!(
            "{}\n\nYour node is awaited at {student} (UDP). The lab's nodes have the ports {}.",
            self.task,
            ports.join(", ")
        )
    }
}

/// The timers that a student's node is to have, in real time, whatever the speed of the lab's own nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one PING to a peer to the next; more than zero.
    pub ping: Duration,
    /// After so much silence a peer is dropped; more than `ping`.
    pub timeout: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { ping: Duration::from_secs(5), timeout: Duration::from_secs(10) }
    }
}

/// What one of the lab's nodes reported.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The node.
    pub node: SocketAddr,
    /// An entry of its journal, as [`Event`](crate::protocol::event::Event) is written in JSON. What is not as expected is
    /// passed over. A `msg_id` may be a number or its digits.
    pub event: serde_json::Value,
}

/// One thing that the student's node is to do, and whether it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// What it is to do.
    pub text: &'static str,
    /// `None`: nothing has shown it yet, one way or the other.
    pub holds: Option<bool>,
    /// What was seen, in words.
    pub why: String,
}
