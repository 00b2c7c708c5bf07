//! Exercise 6: the originator of a PRIME becomes a peer, though it was never heard.
//!
//! An examiner passes on the PRIMEs of two others that have never said a word to the student's node. One answers when it is
//! PINGed, the other never does. Each round has two new ones.

use std::io;
use std::num::NonZeroU16;
use std::time::Duration;

use super::examination::Script;
use super::finding::{Finding, seconds};
use super::prime::Rank;
use super::stage::{Ear, Manner, Stage};

/// See the [module](self).
pub(super) struct Introduction {
    began: Duration,
    telling: NonZeroU16,
    turn: usize,
    round: Option<Round>,
    learns: Finding,
    keeps: Finding,
    drops: Finding,
}

/// Two that were named at the same time.
struct Round {
    named: Duration,
    answering: NonZeroU16,
    mute: NonZeroU16,
}

impl Introduction {
    pub(super) fn begin(stage: &mut Stage) -> io::Result<Introduction> {
        let telling = stage.open(Manner::Peer, Ear::Everybody)?;
        let waiting = || Finding::unseen("nobody was named for long enough yet");
        let (learns, keeps, drops) = (waiting(), waiting(), waiting());
        Ok(Introduction { began: stage.now, telling, turn: 0, round: None, learns, keeps, drops })
    }

    /// Names two.
    fn name(&mut self, stage: &mut Stage) -> io::Result<Round> {
        let answering = stage.open(Manner::Answers, Ear::Everybody)?;
        let mute = stage.open(Manner::Silent, Ear::Everybody)?;
        // One that may be forwarded and one that may not: both name somebody.
        for (originator, ttl) in [(answering, 1), (mute, 0)] {
            let claim = stage.claim(originator, stage.modest_exponent(self.turn), Rank::Last);
            self.turn += 1;
            stage.announce(self.telling, &claim, ttl);
        }
        Ok(Round { named: stage.now, answering, mute })
    }

    /// What can be said of a round; whether it is over.
    fn judge(&mut self, stage: &Stage, round: &Round) -> bool {
        let (now, pace, named) = (stage.now, stage.pace, round.named);
        let limit = pace.longest_gap();
        let Round { answering, mute, .. } = *round;
        let has_pinged = |port: NonZeroU16| stage.pings(port, named).next().is_some();

        let unknown = [answering, mute].into_iter().find(|&port| !has_pinged(port));
        match unknown {
            None => self.learns = Finding::holds("the originators of PRIMEs were PINGed"),
            Some(port) if now > named + limit => {
                let why = format!("examiner {port} was named as the originator of a PRIME and not PINGed within ");
                self.learns = Finding::fails(why + &seconds(limit));
            }
            Some(_) => {}
        }

        // PINGs to the one who answers, each no later than the longest gap after the one before.
        let mut previous = named;
        let mut is_steady = has_pinged(answering);
        for at in stage.pings(answering, named).chain(std::iter::once(now)) {
            is_steady &= at <= previous + limit;
            previous = at;
        }
        let kept_for = pace.timeout + pace.grace();
        if has_pinged(answering) && !is_steady {
            self.keeps = Finding::fails(format!("examiner {answering} answers, and is not PINGed any more"));
        } else if is_steady && now > named + kept_for + limit {
            self.keeps = Finding::holds("an originator that answers stays a peer");
        }

        // The one who never says a word counts as heard when it was named, at the latest when it was first PINGed.
        let Some(first) = stage.pings(mute, named).next() else {
            return now > named + kept_for + limit;
        };
        let silent_from = first + kept_for;
        if let Some(late) = stage.pings(mute, silent_from).next() {
            let late = seconds(late.saturating_sub(first));
            self.drops = Finding::fails(format!("examiner {mute} never said a word and was PINGed for {late}"));
        } else if now > silent_from + limit && has_pinged(answering) && is_steady {
            self.drops = Finding::holds("an originator that never answered was dropped");
        }
        now > silent_from + limit
    }
}

impl Script for Introduction {
    fn tick(&mut self, stage: &mut Stage) -> io::Result<()> {
        match self.round.take() {
            Some(round) => {
                if self.judge(stage, &round) {
                    stage.close(round.answering);
                    stage.close(round.mute);
                } else {
                    self.round = Some(round);
                }
            }
            // Who tells is a peer first: nobody is to be named by a stranger.
            None if stage.knows([self.telling], self.began) => self.round = Some(self.name(stage)?),
            None if stage.now > self.began + stage.pace.longest_gap() => {
                self.learns = Finding::fails("not even the examiner that PINGs is PINGed (exercise 1)");
            }
            None => {}
        }
        Ok(())
    }

    fn findings(&self, _stage: &Stage) -> Vec<Finding> {
        [&self.learns, &self.keeps, &self.drops].map(Clone::clone).into()
    }
}
