//! Exercise 1: remembering when each peer was last heard, and PINGing all peers.
//!
//! Three examiners speak in three ways: one only PINGs, one only answers PINGs, one only announces a prime now and then. A node
//! that counts every message as a sign of life keeps all three.

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
}

impl Liveness {
    pub(super) fn begin(stage: &mut Stage) -> io::Result<Liveness> {
        let asking = stage.open(Manner::Asks, Ear::Everybody)?;
        let answering = stage.open(Manner::Answers, Ear::Everybody)?;
        let announcing = stage.open(Manner::Silent, Ear::Everybody)?;
        // It has to be known before it can be asked.
        stage.ping(answering);
        let claim = stage.claim(announcing, stage.modest_exponent(0), Rank::Last);
        Ok(Liveness { began: stage.now, asking, answering, announcing, claim, next_claim: stage.now })
    }

    fn examiners(&self) -> [(NonZeroU16, &'static str); 3] {
        [(self.asking, "only PINGs"), (self.answering, "only answers PINGs"), (self.announcing, "only sends PRIMEs")]
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
        Ok(())
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

        let meets = self.examiners().map(|(port, manner)| {
            if stage.pings(port, self.began).next().is_some() {
                Finding::holds("all three examiners have been PINGed after they spoke")
            } else if now < self.began + limit {
                Finding::unseen(format!("examiner {port}, which {manner}, has not been PINGed yet"))
            } else {
                let limit = seconds(limit);
                Finding::fails(format!("examiner {port}, which {manner}, has not been PINGed within {limit}"))
            }
        });

        let paces = self.examiners().map(|(port, _)| self.pace(stage, port));

        // Whoever is taken for silent is dropped by then, if anybody is.
        let settled = self.began + pace.timeout + pace.grace() + limit;
        let keeps = self.examiners().map(|(port, manner)| {
            let mut pings = stage.pings(port, self.began);
            if pings.next().is_none() {
                Finding::unseen(format!("examiner {port}, which {manner}, is no peer yet"))
            } else if stage.pings(port, now.saturating_sub(limit)).next().is_none() {
                Finding::fails(format!("examiner {port}, which {manner}, is not PINGed any more although it was heard"))
            } else if now < settled {
                Finding::unseen(format!("waiting {} to see who is kept", seconds(pace.timeout)))
            } else {
                Finding::holds("all three are still PINGed")
            }
        });

        let worst = |findings: [Finding; 3]| all(findings.into()).into_iter();
        std::iter::once(lab).chain(worst(meets)).chain(worst(paces)).chain(worst(keeps)).collect()
    }
}
