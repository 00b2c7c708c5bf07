//! Exercise 1: remembering when each peer was last heard, and PINGing all peers.
//!
//! Three examiners speak in three ways: one only PINGs, one only answers PINGs, one only announces a prime now and then. A node
//! that counts every message as a sign of life keeps all three. Newcomers speak for the first time, one after the other.

use std::io;
use std::num::NonZeroU16;
use std::time::Duration;

use super::examination::Script;
use super::finding::{Finding, all, seconds};
use super::prime::{Claim, Rank};
use super::stage::{Ear, Manner, Stage};

/// See the [module](self).
pub(super) struct Liveness {
    /// When the three began to speak.
    began: Duration,
    asking: NonZeroU16,
    answering: NonZeroU16,
    announcing: NonZeroU16,
    claim: Claim,
    next_claim: Duration,
    /// When somebody who speaks was last found not to be PINGed any more, and who.
    lost: Option<(Duration, String)>,
    /// When the one that only answers last asked.
    asked: Duration,
    /// Who is new, and since when.
    newcomer: Option<(NonZeroU16, Duration)>,
    next_newcomer: Duration,
    /// Whether newcomers become peers.
    meets: Finding,
}

impl Liveness {
    pub(super) fn begin(stage: &mut Stage) -> io::Result<Liveness> {
        let asking = stage.open(Manner::Asks, Ear::Everybody)?;
        let answering = stage.open(Manner::Answers, Ear::Everybody)?;
        let announcing = stage.open(Manner::Silent, Ear::Everybody)?;
        // It has to be known before it can be asked.
        stage.ping(answering);
        let claim = stage.claim(announcing, stage.modest_exponent(0), Rank::Last);
        let now = stage.now;
        let meets = Finding::unseen("no newcomer has been PINGed yet");
        let (newcomer, next_newcomer) = (None, now);
        Ok(Liveness {
            began: now,
            asking,
            answering,
            announcing,
            claim,
            next_claim: now,
            lost: None,
            asked: now,
            newcomer,
            next_newcomer,
            meets,
        })
    }

    fn examiners(&self) -> [(NonZeroU16, &'static str); 3] {
        [(self.asking, "only PINGs"), (self.answering, "only answers PINGs"), (self.announcing, "only sends PRIMEs")]
    }

    /// Looks who of those who speak is not PINGed.
    fn look(&mut self, stage: &mut Stage) {
        let (now, limit) = (stage.now, stage.pace.longest_gap());
        if now < self.began + limit {
            return;
        }
        for (port, manner) in self.examiners() {
            if stage.pings(port, now - limit).next().is_none() {
                let why = format!("examiner {port}, which {manner}, is not PINGed although it is heard");
                self.lost = Some((now, why));
            }
        }
        // Who is never asked has nothing to answer.
        let is_forgotten = stage.pings(self.answering, now - limit).next().is_none();
        if is_forgotten && now > self.asked + limit * 2 {
            self.asked = now;
            stage.ping(self.answering);
        }
    }

    /// Brings a newcomer, or looks what has become of it.
    fn meet(&mut self, stage: &mut Stage) -> io::Result<()> {
        let Some((port, since)) = self.newcomer else {
            if stage.now >= self.next_newcomer {
                self.newcomer = Some((stage.open(Manner::Asks, Ear::Everybody)?, stage.now));
            }
            return Ok(());
        };
        let limit = stage.pace.longest_gap();
        if stage.pings(port, since).next().is_some() {
            self.meets = Finding::holds("a newcomer was PINGed after it had spoken");
        } else if stage.now > since + limit {
            self.meets = Finding::fails(format!(
                "examiner {port}, a newcomer that PINGs, was not PINGed for {}",
                seconds(limit)
            ));
        } else {
            return Ok(());
        }
        stage.close(port);
        self.newcomer = None;
        self.next_newcomer = stage.now + stage.pace.ping;
        Ok(())
    }

    /// Whether one examiner is PINGed at the right pace.
    fn pace(&self, stage: &Stage, port: NonZeroU16) -> Finding {
        let (now, pace) = (stage.now, stage.pace);
        let pings: Vec<Duration> = stage.pings(port, self.began).collect();
        let Some(&last) = pings.last() else {
            return Finding::unseen("no examiner has been PINGed yet");
        };
        // Ten in two intervals are more than any jitter, or an answer to what was said, explains.
        let recent = pings.iter().filter(|&&at| at + pace.ping * 2 > now).count();
        if recent > 10 {
            return Finding::fails(format!("{recent} PINGs to examiner {port} within {}", seconds(pace.ping * 2)));
        }
        if now > last + pace.longest_gap() {
            return Finding::fails(format!(
                "examiner {port} was PINGed and then for more than {} was not",
                seconds(pace.longest_gap())
            ));
        }
        if pings.len() < 3 {
            return Finding::unseen(format!("waiting for a third PING to examiner {port}"));
        }
        Finding::holds("every examiner is PINGed regularly")
    }
}

impl Script for Liveness {
    fn tick(&mut self, stage: &mut Stage) -> io::Result<()> {
        if stage.now >= self.next_claim {
            self.next_claim = stage.now + stage.pace.ping * 4 / 5;
            let id = stage.fresh_id();
            self.claim = Claim { id, ..self.claim };
            stage.announce(self.announcing, &self.claim, 0);
        }
        self.look(stage);
        self.meet(stage)
    }

    fn findings(&self, stage: &Stage) -> Vec<Finding> {
        let (now, pace) = (stage.now, stage.pace);
        let limit = pace.longest_gap();

        let hearing = stage.reports.hear_pings_since(now.saturating_sub(limit));
        let lab = if let [first, ..] = hearing[..] {
            Finding::holds(match hearing.len() {
                1 => format!("{first} hears its PINGs"),
                more => format!("{more} nodes hear its PINGs"),
            })
        } else if now < self.began + limit {
            Finding::unseen("no node of the lab has heard a PING from it yet")
        } else {
            let limit = seconds(limit);
            Finding::fails(format!(
                "no node of the lab has heard a PING from it for {limit}: does it know their ports?"
            ))
        };

        let paces = self.examiners().map(|(port, _)| self.pace(stage, port));

        // Whoever is taken for silent is dropped by then, if anybody is.
        let settled = self.began + pace.timeout + pace.grace() + limit;
        let keeps = match &self.lost {
            Some((at, why)) if now < *at + pace.timeout * 2 => Finding::fails(why.clone()),
            Some(_) | None if now < settled => {
                Finding::unseen(format!("waiting {} to see who is kept", seconds(pace.timeout)))
            }
            Some(_) | None => Finding::holds("all three are still PINGed"),
        };

        let worst = |findings: [Finding; 3]| all(findings.into()).into_iter();
        [lab, self.meets.clone()].into_iter().chain(worst(paces)).chain([keeps]).collect()
    }
}
