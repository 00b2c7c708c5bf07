//! Exercise 3: answering a PING.
//!
//! One examiner PINGs; another says PONGs that nobody asked for, which are no reason to say anything.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroU16;
use std::time::Duration;

use super::examination::Script;
use super::finding::{Finding, seconds};
use super::stage::{Ear, Manner, Stage};
use crate::protocol::message::{Body, Message, MessageId};

/// So many PINGs decide.
const PINGS: usize = 4;

/// See the [module](self).
pub(super) struct Pong {
    began: Duration,
    asking: NonZeroU16,
    telling: NonZeroU16,
    /// The latest PINGs, oldest first: when, and their numbers.
    asked: VecDeque<(Duration, MessageId)>,
    next: Duration,
    told: usize,
}

impl Pong {
    pub(super) fn begin(stage: &mut Stage) -> io::Result<Pong> {
        let asking = stage.open(Manner::Answers, Ear::Everybody)?;
        let telling = stage.open(Manner::Silent, Ear::Everybody)?;
        Ok(Pong { began: stage.now, asking, telling, asked: VecDeque::new(), next: stage.now, told: 0 })
    }

    /// From one PING to the next: long enough for the answer to the one before.
    fn interval(stage: &Stage) -> Duration {
        stage.pace.at_once() * 3 / 2
    }

    /// The PINGs whose time to be answered is over, each with its answers.
    fn answers<'a>(&self, stage: &'a Stage) -> Vec<(MessageId, Vec<&'a Message>)> {
        let limit = stage.pace.at_once();
        let due = self.asked.iter().filter(|&&(at, _)| stage.now > at + limit);
        let answers = due.map(|&(at, id)| {
            let interval = Pong::interval(stage);
            let these = stage.pongs(self.asking, at).filter(|&(heard, _)| heard < at + interval);
            (id, these.map(|(_, message)| message).collect())
        });
        answers.collect()
    }

    /// What is wrong with a PONG besides its number.
    fn fault(stage: &Stage, pong: &Message) -> Option<String> {
        let student = Some(stage.student);
        if stage.resolve(pong.originator) != student {
            return Some(format!("msg_originator is not {}: a PONG is a message of its own", stage.student.port()));
        }
        if stage.resolve(pong.forwarder) != student {
            return Some(format!("msg_forwarder is not {}", stage.student.port()));
        }
        match &pong.body {
            Body::Pong(None) => None,
            Body::Pong(Some(_)) => Some("data is not nil, as it was in the PING".to_owned()),
            Body::Ping(_) | Body::Prime(_) => Some("it is no PONG".to_owned()),
        }
    }
}

impl Script for Pong {
    fn tick(&mut self, stage: &mut Stage) -> io::Result<()> {
        if stage.now < self.next {
            return Ok(());
        }
        self.next = stage.now + Pong::interval(stage);
        // One that is not due yet, and those that decide.
        if self.asked.len() > PINGS {
            self.asked.pop_front();
        }
        let id = stage.ping(self.asking);
        self.asked.push_back((stage.now, id));
        let id = stage.fresh_id();
        stage.pong(self.telling, id);
        self.told += 1;
        Ok(())
    }

    fn findings(&self, stage: &Stage) -> Vec<Finding> {
        let answers = self.answers(stage);
        let pongs = || answers.iter().flat_map(|(id, pongs)| pongs.iter().map(move |pong| (*id, *pong)));
        let limit = seconds(stage.pace.at_once());
        let unanswered = answers.iter().filter(|(_, pongs)| pongs.is_empty()).count();
        let answered = if answers.iter().any(|(_, pongs)| pongs.len() > 1) {
            Finding::fails("one PING was answered by more than one PONG")
        } else if unanswered > 0 {
            Finding::fails(format!("{unanswered} of the last {} PINGs not answered within {limit}", answers.len()))
        } else if answers.len() < PINGS {
            Finding::unseen(format!("{} of {PINGS} PINGs answered so far", answers.len()))
        } else {
            Finding::holds(format!("the last {} PINGs were answered", answers.len()))
        };
        let unless_none = |finding: Finding| match pongs().next() {
            Some(_) => finding,
            None => Finding::unseen("no PONG has come yet"),
        };
        let repeats = match pongs().find(|(id, pong)| pong.id != *id) {
            Some((id, pong)) => Finding::fails(format!("PING {id} was answered by PONG {}", pong.id)),
            None => unless_none(Finding::holds("each PONG has the number of its PING")),
        };
        let recent = stage.now.saturating_sub(Pong::interval(stage) * 4);
        let refused = stage.heard(self.asking, recent).find_map(|heard| heard.what.as_ref().err());
        let refused = refused.map(|refusal| format!("no message: {refusal}"));
        let in_own_name = match refused.or_else(|| pongs().find_map(|(_, pong)| Pong::fault(stage, pong))) {
            Some(fault) => Finding::fails(fault),
            None => unless_none(Finding::holds("TTL 0, data nil, in its own name")),
        };
        let unasked = stage.pongs(self.telling, stage.now.saturating_sub(Pong::interval(stage) * 8)).count();
        let silent = if unasked > 0 {
            Finding::fails("a PONG was answered by a PONG: two such nodes would never stop")
        } else if self.told <= PINGS {
            Finding::unseen("no PONG that nobody asked for was sent for long enough yet")
        } else {
            unless_none(Finding::holds("PONGs that nobody asked for were not answered"))
        };
        let peers: Vec<String> = stage.reports.befriended().map(|node| node.port().to_string()).collect();
        let befriended = if !peers.is_empty() {
            Finding::holds(format!("peer of {}", peers.join(", ")))
        } else if stage.reports.was_befriended() {
            Finding::fails("every node of the lab has dropped it")
        } else if stage.now < self.began + stage.pace.longest_gap() * 2 {
            Finding::unseen("no node of the lab has taken it as a peer yet")
        } else {
            Finding::fails(
                "no node of the lab has taken it as a peer: they do so when their PING is answered within 2 s",
            )
        };
        vec![answered, repeats, in_own_name, silent, befriended]
    }
}
