//! Exercise 4: a PRIME that was seen before is neither processed nor forwarded again.
//!
//! One examiner makes a claim, twice; another passes the same claim on. A third counts the copies. Then come two messages that
//! only look the same: the next number of the same originator, and the same number of another.

use std::io;
use std::num::NonZeroU16;
use std::time::Duration;

use super::examination::Script;
use super::finding::{Finding, seconds};
use super::prime::{Claim, Rank};
use super::stage::{Ear, Manner, Stage};
use crate::protocol::message::MessageId;

/// See the [module](self).
pub(super) struct Duplicates {
    began: Duration,
    first: NonZeroU16,
    second: NonZeroU16,
    counting: NonZeroU16,
    turn: usize,
    round: Option<Round>,
    next: Duration,
    passes: Finding,
    once: Finding,
    tells_apart: Finding,
    answers: Finding,
}

/// One round, step by step.
struct Round {
    began: Duration,
    step: Step,
    claim: Claim,
    next_number: Claim,
    other_originator: Claim,
    ping: MessageId,
    pinged: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The claim was made.
    Made,
    /// It was repeated, by two.
    Repeated,
    /// What looks the same was sent, and a PING.
    Resembled,
    /// The PING was sent again.
    PingedAgain,
}

impl Duplicates {
    pub(super) fn begin(stage: &mut Stage) -> io::Result<Duplicates> {
        let mut open = || stage.open(Manner::Peer, Ear::Everybody);
        let (first, second, counting) = (open()?, open()?, open()?);
        let waiting = || Finding::unseen("no round is over yet");
        Ok(Duplicates {
            began: stage.now,
            first,
            second,
            counting,
            turn: 0,
            round: None,
            next: stage.now,
            passes: waiting(),
            once: waiting(),
            tells_apart: waiting(),
            answers: waiting(),
        })
    }

    fn make(&mut self, stage: &mut Stage) -> Round {
        let exponent = stage.modest_exponent(self.turn);
        self.turn += 1;
        let claim = stage.claim(self.first, exponent, Rank::Last);
        let next_number = Claim { id: MessageId(claim.id.0 + 1), ..claim };
        let other_originator = Claim { originator: self.second, ..claim };
        stage.announce(self.first, &claim, 2);
        let (began, ping) = (stage.now, stage.fresh_id());
        Round { began, step: Step::Made, claim, next_number, other_originator, ping, pinged: began }
    }

    /// How many exact copies of a claim came to an examiner in this round.
    fn count(stage: &Stage, port: NonZeroU16, claim: &Claim, round: &Round) -> usize {
        stage.copies(port, claim, round.began).iter().filter(|copy| copy.is_exact(claim, stage)).count()
    }

    fn conclude(&mut self, stage: &Stage, round: &Round) {
        let limit = seconds(stage.pace.at_once());
        let count = |port, claim| Duplicates::count(stage, port, claim, round);
        let (counting, second) = (self.counting, self.second);

        let copies = count(counting, &round.claim);
        self.passes = if copies > 0 {
            Finding::holds("new PRIMEs are sent on")
        } else {
            Finding::fails(format!("a new PRIME of examiner {} did not come to examiner {counting}", self.first))
        };
        // The originator and who passed it on have no need of it, but only what comes twice is wrong here.
        let most = [counting, second, self.first].into_iter().map(|port| (count(port, &round.claim), port)).max();
        self.once = match most {
            Some((0, _)) | None => Finding::unseen("nothing was sent on, so nothing twice"),
            Some((1, _)) => Finding::holds("a PRIME that came three times was sent on once"),
            Some((times, port)) => Finding::fails(format!(
                "a PRIME that came three times (twice from its originator, once passed on) came {times} times to examiner {port}"
            )),
        };
        let resembling = [
            (&round.next_number, "the next message of the same originator was taken for the same one"),
            (&round.other_originator, "a message of another originator was taken for the same because its number is"),
        ];
        self.tells_apart = match resembling.into_iter().find(|(claim, _)| count(counting, claim) == 0) {
            _ if copies == 0 => Finding::unseen("nothing was sent on"),
            Some((_, fault)) => Finding::fails(fault),
            None => Finding::holds("other originator or other number: another message"),
        };
        let answers = stage.pongs(self.first, round.pinged).filter(|(_, pong)| pong.id == round.ping).count();
        self.answers = match answers {
            0 => Finding::fails(format!("a PING was not answered within {limit}")),
            1 => Finding::fails("the same PING came twice and was answered once: a node that starts anew counts anew"),
            _ => Finding::holds("a PING that came twice was answered twice"),
        };
    }
}

impl Script for Duplicates {
    fn tick(&mut self, stage: &mut Stage) -> io::Result<()> {
        let now = stage.now;
        let Some(mut round) = self.round.take() else {
            // Only peers are sent anything on.
            let are_peers = stage.knows([self.first, self.second, self.counting], self.began);
            if are_peers && now >= self.next {
                self.round = Some(self.make(stage));
            } else if !are_peers && now > self.began + stage.pace.longest_gap() {
                self.passes =
                    Finding::fails("not every examiner that PINGs is PINGed, so not all are peers (exercise 1)");
            }
            return Ok(());
        };
        let step = stage.pace.at_once();
        match round.step {
            Step::Made if now > round.began + step => {
                stage.announce(self.first, &round.claim, 2);
                stage.announce(self.second, &round.claim, 1);
                round.step = Step::Repeated;
            }
            Step::Repeated if now > round.began + step * 2 => {
                stage.announce(self.first, &round.next_number, 2);
                stage.announce(self.second, &round.other_originator, 2);
                round.pinged = now;
                stage.ping_again(self.first, round.ping);
                round.step = Step::Resembled;
            }
            Step::Resembled if now > round.began + step * 3 => {
                stage.ping_again(self.first, round.ping);
                round.step = Step::PingedAgain;
            }
            Step::PingedAgain if now > round.began + step * 4 => {
                self.conclude(stage, &round);
                self.next = now + step;
                return Ok(());
            }
            Step::Made | Step::Repeated | Step::Resembled | Step::PingedAgain => {}
        }
        self.round = Some(round);
        Ok(())
    }

    fn findings(&self, _stage: &Stage) -> Vec<Finding> {
        [&self.passes, &self.once, &self.tells_apart, &self.answers].map(Clone::clone).into()
    }
}
