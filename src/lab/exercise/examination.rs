//! An examination: whether anybody listens at the student's address, and, while somebody does, the script of one exercise.
//!
//! Pure: datagrams, reports and the time go in; datagrams and conditions come out. When the student's program ends and another
//! begins, so does the script.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::credit::Credit;
use super::duplicates::Duplicates;
use super::eviction::Eviction;
use super::finding::Finding;
use super::forwarding::Forwarding;
use super::introduction::Introduction;
use super::liveness::Liveness;
use super::pong::Pong;
use super::stage::{Ear, Manner, Outside, Stage};
use super::{Condition, Exercise, Pace, Seen};
use crate::protocol::codec;

/// What the examiners of one exercise do and see.
pub(super) trait Script: Send {
    /// Does what is due.
    ///
    /// # Errors
    /// No port is left for an examiner.
    fn tick(&mut self, stage: &mut Stage) -> io::Result<()>;

    /// One finding for each condition of the exercise after the first, which all have in common.
    fn findings(&self, stage: &Stage) -> Vec<Finding>;
}

/// See the [module](self).
pub(super) struct Examination {
    exercise: &'static Exercise,
    stage: Stage,
    /// An examiner whose socket learns when nobody listens.
    bell: NonZeroU16,
    next_ring: Duration,
    presence: Presence,
    /// The last thing that came but was no message of the student's address, and when.
    fault: Option<(Duration, String)>,
}

enum Presence {
    Absent {
        /// When it was last tried, if that has not been refused.
        rung: Option<Duration>,
        was_there: bool,
    },
    There {
        since: Duration,
        script: Box<dyn Script>,
    },
}

/// A refusal takes no longer than this to come back on one machine.
const REFUSAL: Duration = Duration::from_millis(100);

impl Examination {
    /// # Errors
    /// No port is left for an examiner.
    pub(super) fn new(
        exercise: &'static Exercise,
        student: SocketAddr,
        pace: Pace,
        outside: Box<dyn Outside>,
        seed: [u8; 16],
    ) -> io::Result<Examination> {
        let mut stage = Stage::new(student, pace, outside, seed);
        let bell = stage.open(Manner::Answers, Ear::Student)?;
        let presence = Presence::Absent { rung: None, was_there: false };
        Ok(Examination { exercise, stage, bell, next_ring: Duration::ZERO, presence, fault: None })
    }

    /// A datagram has come to an examiner.
    pub(super) fn heard(&mut self, now: Duration, port: NonZeroU16, from: SocketAddr, datagram: &[u8]) {
        self.stage.now = now;
        let decoded = codec::decode(datagram);
        let student = self.stage.student;
        if from != student {
            // The lab's nodes look whether originators are there: that is their business.
            let is_claimed = decoded.is_ok_and(|message| message.forwarder.resolve(from) == Ok(student));
            if is_claimed {
                let why = format!(
                    "a message of {student} came from port {}: send from the socket you receive with",
                    from.port()
                );
                self.fault = Some((now, why));
            }
            return;
        }
        match decoded {
            Err(refusal) => self.fault = Some((now, format!("it sent something that is no message: {refusal}"))),
            Ok(message) if self.stage.resolve(message.forwarder) != Some(student) => {
                let named =
                    self.stage.resolve(message.forwarder).map_or_else(String::new, |named| named.port().to_string());
                let why = format!("msg_forwarder was {named}, not {}: it names who sends the datagram", student.port());
                self.fault = Some((now, why));
            }
            Ok(_) => {}
        }
        self.stage.hear(port, datagram);
    }

    /// The system says that nobody listens.
    pub(super) fn refused(&mut self, now: Duration) {
        self.stage.now = now;
        match &mut self.presence {
            Presence::Absent { rung, .. } => *rung = None,
            Presence::There { .. } => {
                self.stage.clear(self.bell);
                self.presence = Presence::Absent { rung: None, was_there: true };
                self.fault = None;
            }
        }
    }

    /// One of the lab's nodes has reported something.
    pub(super) fn seen(&mut self, now: Duration, seen: &Seen) {
        self.stage.now = now;
        self.stage.reports.take(now, seen);
    }

    /// Does what is due.
    ///
    /// # Errors
    /// No port is left for an examiner.
    pub(super) fn tick(&mut self, now: Duration) -> io::Result<()> {
        self.stage.now = now;
        if let Presence::Absent { rung: Some(rung), .. } = self.presence
            && now >= rung + REFUSAL
        {
            let script = begin(self.exercise, &mut self.stage)?;
            self.presence = Presence::There { since: now, script };
        }
        if now >= self.next_ring {
            self.next_ring = now + (self.stage.pace.ping / 5).max(REFUSAL * 2);
            self.stage.ping(self.bell);
            if let Presence::Absent { rung, .. } = &mut self.presence {
                *rung = Some(now);
            }
        }
        if let Presence::There { script, .. } = &mut self.presence {
            self.stage.tick();
            script.tick(&mut self.stage)?;
        }
        Ok(())
    }

    /// What holds now.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let Presence::There { since, script } = &self.presence else {
            let was_there = matches!(self.presence, Presence::Absent { was_there: true, .. });
            let student = self.stage.student;
            let why = if was_there {
                format!("nobody listens at {student} any more: start your program again")
            } else {
                format!("nobody listens at {student} yet: start your program")
            };
            let unseen = |&text| Condition { text, holds: None, why: why.clone() };
            return self.exercise.conditions.iter().map(unseen).collect();
        };
        let findings = std::iter::once(self.speaks(*since)).chain(script.findings(&self.stage));
        let condition = |(&text, Finding { holds, why }): (&&'static str, Finding)| Condition { text, holds, why };
        self.exercise.conditions.iter().zip(findings).map(condition).collect()
    }

    /// The condition that all exercises have.
    fn speaks(&self, since: Duration) -> Finding {
        let Stage { now, pace, student, .. } = self.stage;
        if let Some((_, why)) = self.fault.as_ref().filter(|(at, _)| now < *at + pace.timeout * 2) {
            return Finding::fails(why.clone());
        }
        if self.stage.has_heard(since) {
            Finding::holds(format!("messages came from {student}"))
        } else {
            Finding::unseen(format!("somebody listens at {student} and has not said anything yet"))
        }
    }
}

fn begin(exercise: &Exercise, stage: &mut Stage) -> io::Result<Box<dyn Script>> {
    Ok(match exercise.number {
        1 => Box::new(Liveness::begin(stage)?),
        2 => Box::new(Eviction::begin(stage)?),
        3 => Box::new(Pong::begin(stage)?),
        4 => Box::new(Duplicates::begin(stage)?),
        5 => Box::new(Forwarding::begin(stage)?),
        6 => Box::new(Introduction::begin(stage)?),
        _ => Box::new(Credit::begin(stage)?),
    })
}
