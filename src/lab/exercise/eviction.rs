//! Exercise 2: a peer that has been silent for too long is dropped, and comes back when it speaks.
//!
//! One examiner speaks all the time. Two others, in turn, speak until they are PINGed, fall silent, see for how long they
//! are PINGed, and speak again. What is seen of them counts only while the first one is PINGed: a node that PINGs nobody
//! has not dropped anybody.

use std::io;
use std::num::NonZeroU16;
use std::time::Duration;

use super::examination::Script;
use super::finding::{Finding, all, seconds};
use super::stage::{Ear, Manner, Stage};

/// See the [module](self).
pub(super) struct Eviction {
    began: Duration,
    speaking: NonZeroU16,
    leaving: [Leaver; 2],
}

/// An examiner that falls silent and comes back.
struct Leaver {
    port: NonZeroU16,
    phase: Phase,
    /// Whether it is dropped.
    drops: Finding,
    /// Whether it is dropped too soon.
    waits: Finding,
    /// Whether it is taken back.
    returns: Finding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It speaks until it is PINGed.
    Speaks { since: Duration, next: Duration, was_dropped: bool },
    /// It was PINGed; half-way to the next PING it says its last word, so that what comes after tells the timeout best.
    Lingers { until: Duration },
    /// Its last word is so long ago.
    Silent { since: Duration },
}

impl Eviction {
    pub(super) fn begin(stage: &mut Stage) -> io::Result<Eviction> {
        let speaking = stage.open(Manner::Peer, Ear::Everybody)?;
        let half = round_time(stage.pace) / 2;
        let mut leaver = |delay: Duration| -> io::Result<Leaver> {
            let port = stage.open(Manner::Silent, Ear::Everybody)?;
            let since = stage.now + delay;
            let open = || Finding::unseen("no examiner has been silent for long enough yet");
            let phase = Phase::Speaks { since, next: since, was_dropped: false };
            Ok(Leaver { port, phase, drops: open(), waits: open(), returns: open() })
        };
        // The second one half a round later.
        let leaving = [leaver(Duration::ZERO)?, leaver(half)?];
        Ok(Eviction { began: stage.now, speaking, leaving })
    }
}

/// From falling silent to knowing that no PING comes any more.
fn round_time(pace: super::Pace) -> Duration {
    pace.timeout + pace.grace() + pace.longest_gap()
}

impl Leaver {
    fn tick(&mut self, stage: &mut Stage, is_speaker_pinged: bool) {
        let (now, pace) = (stage.now, stage.pace);
        match self.phase {
            Phase::Speaks { since, next, was_dropped } => {
                if stage.pings(self.port, since).next().is_some() {
                    if was_dropped {
                        self.returns = Finding::holds("a peer that came back is PINGed again");
                    }
                    self.phase = Phase::Lingers { until: now + pace.ping / 2 };
                } else if now >= next {
                    stage.ping(self.port);
                    self.phase = Phase::Speaks { since, next: now + pace.ping * 4 / 5, was_dropped };
                }
                if was_dropped && now > since + pace.longest_gap() && is_speaker_pinged {
                    let Leaver { port, .. } = self;
                    self.returns = Finding::fails(format!("examiner {port} speaks again and is not PINGed"));
                }
            }
            Phase::Lingers { until } => {
                if now >= until {
                    stage.ping(self.port);
                    self.phase = Phase::Silent { since: now };
                }
            }
            Phase::Silent { since } => {
                let silence = |at: Duration| at.saturating_sub(since);
                let last = stage.pings(self.port, since).filter(|&at| at > since).map(silence).last();
                let allowed = pace.timeout + pace.grace();
                if let Some(last) = last.filter(|&last| last > allowed) {
                    let (port, last) = (self.port, seconds(last));
                    self.drops = Finding::fails(format!("examiner {port} was PINGed after {last} of silence"));
                }
                if silence(now) < round_time(pace) {
                    return;
                }
                let was_dropped = last.is_none_or(|last| last <= allowed);
                if is_speaker_pinged && was_dropped {
                    self.drops = Finding::holds("nobody silent was PINGed for longer than that");
                    // At the right pace PINGs come after 2.5 s and 7.5 s of 10; at any from 4 s to 6 s one comes later than this.
                    let sooner = pace.timeout * 9 / 20;
                    self.waits = match last {
                        Some(last) if last >= sooner => {
                            Finding::holds("the silent were PINGed until their time was up")
                        }
                        Some(last) => {
                            Finding::fails(format!("the last PING came after only {} of silence", seconds(last)))
                        }
                        None => Finding::fails("no PING came after the last word of a peer"),
                    };
                }
                self.phase = Phase::Speaks { since: now, next: now, was_dropped };
            }
        }
    }
}

impl Script for Eviction {
    fn tick(&mut self, stage: &mut Stage) -> io::Result<()> {
        let since = stage.now.saturating_sub(stage.pace.longest_gap());
        let is_speaker_pinged = stage.pings(self.speaking, since).next().is_some();
        self.leaving.iter_mut().for_each(|leaver| leaver.tick(stage, is_speaker_pinged));
        Ok(())
    }

    fn findings(&self, stage: &Stage) -> Vec<Finding> {
        let limit = stage.pace.longest_gap();
        let heard = if stage.pings(self.speaking, stage.now.saturating_sub(limit)).next().is_some() {
            Finding::holds("the examiner that speaks is PINGed")
        } else if stage.now < self.began + limit {
            Finding::unseen("the examiner that speaks has not been PINGed yet")
        } else {
            let (port, limit) = (self.speaking, seconds(limit));
            Finding::fails(format!("examiner {port} speaks all the time and was not PINGed for {limit}"))
        };
        let of_both = |of: fn(&Leaver) -> &Finding| {
            let mut seen: Vec<Finding> = self.leaving.iter().map(|leaver| of(leaver).clone()).collect();
            // One of the two is enough to know that it holds.
            if seen.iter().any(|finding| finding.holds.is_some()) {
                seen.retain(|finding| finding.holds.is_some());
            }
            all(seen).into_iter()
        };
        let rest = of_both(|leaver| &leaver.drops)
            .chain(of_both(|leaver| &leaver.waits))
            .chain(of_both(|leaver| &leaver.returns));
        std::iter::once(heard).chain(rest).collect()
    }
}
