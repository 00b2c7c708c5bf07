//! An exercise in a lab: the place that is left out for a student's node, who looks at what it serves, and who judges it.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::exercise::{Condition, Exercise, Judge, Pace, Seen};
use super::hub::{Hub, Subject};
use super::student::{self, Known};

/// Reports of nodes that may wait for the judge; it can do without some.
const REPORTS: usize = 4_096;

/// An exercise under way.
#[derive(Debug)]
pub(super) struct Exam {
    /// Where the student's node is awaited.
    pub(super) address: SocketAddr,
    reports: mpsc::Sender<Seen>,
    conditions: watch::Receiver<Vec<Condition>>,
    known: mpsc::Receiver<Known>,
    failed: mpsc::Receiver<String>,
}

/// What an exam has to tell.
#[derive(Debug)]
pub(super) enum Told {
    /// What the student's node serves now.
    Known(Known),
    /// Conditions have changed: those that hold now and did not, or the other way round.
    Conditions(Vec<Condition>),
    /// There will be no more conditions; this is why.
    Failed(String),
}

impl Exam {
    /// Starts looking and judging.
    pub(super) fn start(exercise: &'static Exercise, address: SocketAddr, pace: Pace) -> Exam {
        let (reports, seen) = mpsc::channel(REPORTS);
        let (tell, conditions) = watch::channel(Vec::new());
        let (tell_known, known) = mpsc::channel(1);
        tokio::spawn(student::follow(address, pace, tell_known));
        let (tell_failure, failed) = mpsc::channel(1);
        tokio::spawn(async move {
            if let Err(error) = Judge::new(exercise, address, pace).run(seen, tell).await {
                drop(tell_failure.send(format!("the exercise is not judged any more: {error}")).await);
            }
        });
        Exam { address, reports, conditions, known, failed }
    }

    /// Hands the judge what a node has reported.
    pub(super) fn report(&self, node: SocketAddr, entry: &str) {
        if let Ok(event) = serde_json::from_str(entry) {
            drop(self.reports.try_send(Seen { node, event }));
        }
    }

    /// Waits for what there is to tell next.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            Some(known) = self.known.recv() => Told::Known(known),
            Ok(()) = self.conditions.changed() => Told::Conditions(self.conditions.borrow_and_update().clone()),
            Some(why) = self.failed.recv() => Told::Failed(why),
            else => std::future::pending().await,
        }
    }

    /// Publishes what the student's node serves.
    pub(super) fn publish(&self, known: &Known, hub: &Arc<Hub>) {
        hub.set(Subject::Node(self.address), &known.frame.to_string());
        if !known.entries.is_empty() {
            let entries: Vec<String> = known.entries.iter().map(Value::to_string).collect();
            hub.add(entries.iter().map(String::as_str));
        }
    }
}

/// The conditions, as the page reads them.
pub(super) fn frame(conditions: &[Condition]) -> Value {
    json!({ "conditions": conditions })
}
