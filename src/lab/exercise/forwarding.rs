//! Exercise 5: a PRIME with hops left goes on to the other peers, with one hop less and otherwise as it was.
//!
//! Three examiners. One announces a prime of its own; passes on one of the second's; says one that may not be forwarded any
//! more; and one that may go far. What comes to the other two, and back, is compared with what was said.

use std::io;
use std::num::NonZeroU16;
use std::time::Duration;

use super::examination::Script;
use super::finding::Finding;
use super::prime::{Claim, HeardPrime, Rank};
use super::stage::{Ear, Manner, Stage};

/// See the [module](self).
pub(super) struct Forwarding {
    began: Duration,
    telling: NonZeroU16,
    others: [NonZeroU16; 2],
    turn: usize,
    said: Option<Said>,
    next: Duration,
    /// One set for each kind of PRIME in turn, as it was last found.
    found: [Option<Found>; KINDS],
}

/// How many kinds of PRIMEs there are in a round.
const KINDS: usize = 4;

/// What was said last.
struct Said {
    at: Duration,
    claim: Claim,
    ttl: u8,
    kind: usize,
}

/// What came of one PRIME.
#[derive(Debug, Clone)]
struct Found {
    arrives: Finding,
    hops: Finding,
    ends: Finding,
    keeps: Finding,
    forwarder: Finding,
    back: Finding,
}

impl Forwarding {
    pub(super) fn begin(stage: &mut Stage) -> io::Result<Forwarding> {
        let mut open = || stage.open(Manner::Peer, Ear::Everybody);
        let (telling, others) = (open()?, [open()?, open()?]);
        let (began, next) = (stage.now, stage.now);
        Ok(Forwarding { began, telling, others, turn: 0, said: None, next, found: [const { None }; KINDS] })
    }

    fn say(&mut self, stage: &mut Stage) {
        let kind = self.turn % KINDS;
        let (originator, ttl) = match kind {
            0 => (self.telling, 2),
            1 => (self.others[0], 1),
            2 => (self.telling, 0),
            _ => (self.telling, 5),
        };
        let exponent = stage.modest_exponent(self.turn);
        self.turn += 1;
        let claim = stage.claim(originator, exponent, Rank::Last);
        stage.announce(self.telling, &claim, ttl);
        self.said = Some(Said { at: stage.now, claim, ttl, kind });
    }

    /// Compares what came with what was said.
    fn find(&self, stage: &Stage, said: &Said) -> Found {
        let Said { at, claim, ttl, .. } = said;
        let awaiting: Vec<NonZeroU16> = self.others.into_iter().filter(|&port| port != claim.originator).collect();
        let copies = |port: NonZeroU16| stage.copies(port, claim, *at);
        let came: Vec<(NonZeroU16, Vec<HeardPrime>)> = awaiting.iter().map(|&port| (port, copies(port))).collect();
        let all = || came.iter().flat_map(|(_, copies)| copies);
        let none = Finding::unseen("no PRIME was forwarded yet");
        let unless_none = |finding: Finding| if all().next().is_some() { finding } else { none.clone() };

        let mut back: Vec<NonZeroU16> = vec![self.telling];
        back.extend(self.others.into_iter().filter(|&port| port == claim.originator));
        let back = match back.into_iter().find(|&port| !copies(port).is_empty()) {
            Some(port) if port == claim.originator && port != self.telling => {
                Finding::fails(format!("a PRIME of examiner {port} that another had passed on came back to {port}"))
            }
            Some(port) => Finding::fails(format!("a PRIME came back to examiner {port}, which had sent it")),
            None => unless_none(Finding::holds("nobody was sent what it had sent or made itself")),
        };

        let Some(left) = ttl.checked_sub(1) else {
            // Whoever counts below zero says something that is no message.
            let refused = |&port: &NonZeroU16| stage.heard(port, *at).any(|heard| heard.what.is_err());
            let ends = if all().next().is_some() || awaiting.iter().any(refused) {
                Finding::fails("a PRIME with TTL 0 was sent on")
            } else {
                Finding::holds("a PRIME with TTL 0 was not sent on")
            };
            return Found {
                arrives: none.clone(),
                hops: none.clone(),
                ends,
                keeps: none.clone(),
                forwarder: none,
                back,
            };
        };

        let arrives = match came.iter().find(|(_, copies)| copies.is_empty()) {
            Some((port, _)) => {
                Finding::fails(format!("a PRIME with TTL {ttl} from examiner {} did not come to {port}", self.telling))
            }
            None => Finding::holds("all other examiners were sent it"),
        };
        let hops = match all().find(|copy| copy.ttl.0 != left) {
            Some(copy) => Finding::fails(format!("TTL {ttl} became {}; {left} is right", copy.ttl.0)),
            None => unless_none(Finding::holds("the TTL was one less")),
        };
        let keeps = match all().find(|copy| !copy.is_exact(claim, stage)) {
            Some(copy) => Finding::fails(Forwarding::changed(stage, claim, copy)),
            None => unless_none(Finding::holds("they stayed as they were")),
        };
        let forwarder = match all().find(|copy| copy.forwarder != Some(stage.student)) {
            Some(copy) => {
                let named = copy.forwarder.map_or_else(|| "nobody".to_owned(), |forwarder| forwarder.to_string());
                Finding::fails(format!("msg_forwarder was {named}"))
            }
            None => unless_none(Finding::holds(format!("msg_forwarder was {}", stage.student.port()))),
        };
        Found { arrives, hops, ends: none, keeps, forwarder, back }
    }

    /// What a copy should have kept.
    fn changed(stage: &Stage, claim: &Claim, copy: &HeardPrime) -> String {
        if copy.originator != Some(stage.address(claim.originator)) {
            let named = copy.originator.map_or_else(|| "nobody".to_owned(), |originator| originator.to_string());
            return format!("msg_originator was {} and became {named}", claim.originator);
        }
        if copy.id != claim.id {
            return format!("msg_id was {} and became {}", claim.id, copy.id);
        }
        format!("data was {} and became {}", claim.exponent, copy.exponent)
    }
}

impl Script for Forwarding {
    fn tick(&mut self, stage: &mut Stage) -> io::Result<()> {
        let now = stage.now;
        if let Some(said) = self.said.take_if(|said| now > said.at + stage.pace.at_once()) {
            let found = self.find(stage, &said);
            self.found[said.kind] = Some(found);
            self.next = now + stage.pace.at_once() / 4;
        }
        // Only peers are sent anything on.
        if self.said.is_none() && now >= self.next && self.are_peers(stage) {
            self.say(stage);
        }
        Ok(())
    }

    fn findings(&self, stage: &Stage) -> Vec<Finding> {
        let of_all = |of: fn(&Found) -> &Finding| {
            let found = self.found.iter().flatten().map(of);
            let mut found: Vec<Finding> = found.filter(|finding| finding.holds.is_some()).cloned().collect();
            // The first failure; else what was found last.
            found.sort_by_key(|finding| !finding.has_failed());
            found.into_iter().next().unwrap_or_else(|| Finding::unseen("no PRIME was forwarded yet"))
        };
        let mut arrives = of_all(|found| &found.arrives);
        if !self.are_peers(stage) && stage.now > self.began + stage.pace.longest_gap() {
            arrives = Finding::fails("not every examiner that PINGs is PINGed, so not all are peers (exercise 1)");
        }
        let mut ends = of_all(|found| &found.ends);
        if ends.holds == Some(true) && arrives.holds != Some(true) {
            ends = Finding::unseen("nothing was sent on at all");
        }
        let keeps = of_all(|found| &found.keeps);
        let forwarder = of_all(|found| &found.forwarder);
        vec![arrives, of_all(|found| &found.hops), ends, keeps, forwarder, of_all(|found| &found.back)]
    }
}

impl Forwarding {
    fn are_peers(&self, stage: &Stage) -> bool {
        stage.knows([self.telling, self.others[0], self.others[1]], self.began)
    }
}
