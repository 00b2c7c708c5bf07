//! Exercise 7: credit goes to the originator of a PRIME, not to who passed it on.
//!
//! What a node thinks is seen in what it tells a newcomer: the PRIME with the largest exponent it knows, as it was announced,
//! with TTL 0. So our own nodes bring a plain peer up to date. One examiner passes on another's claim to a prime that is larger
//! than any the lab knows; a newcomer hears whose it is. Then a smaller prime comes, and another
//! newcomer; then a second claim to the same prime, and a third newcomer. All PRIMEs have TTL 0 and stay with the student's
//! node. Each round says the same again, which is nothing new to a node unless it was restarted meanwhile.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::examination::Script;
use super::exponents::{MERSENNE, next_above, next_below};
use super::finding::{Finding, seconds};
use super::prime::{Claim, HeardPrime, Rank};
use super::stage::{Ear, Manner, Stage};

/// See the [module](self).
pub(super) struct Credit {
    forwarding: NonZeroU16,
    finder: NonZeroU16,
    late: NonZeroU16,
    claims: Option<[Claim; STEPS]>,
    /// The largest true exponent a newcomer was ever told.
    largest_told: u64,
    /// How often larger primes were taken because the late claim may have been the first to come: to a program that was
    /// started anew in between.
    raised: u32,
    step: Step,
    next: Duration,
    tells: Finding,
    credits: Finding,
    keeps: Finding,
    stays: Finding,
    first: Finding,
}

/// How many primes further than the lab: in its first minute it finds one every few seconds, and a round takes longer.
const AHEAD: usize = 4;

/// How often that is done at most. There are only so many primes.
const RAISES: u32 = 8;

/// The finder's claim, a smaller prime, a late claim.
const STEPS: usize = 3;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The claim of this number is to be said.
    Say(usize),
    /// Somebody new is to ask.
    Ask(usize),
    /// The newcomer has asked and waits.
    Wait { turn: usize, newcomer: NonZeroU16, since: Duration },
}

/// What a newcomer was told.
enum Told {
    Nothing,
    /// Of something larger: the lab, or the student's node itself, has gone on.
    Larger,
    /// Of something smaller.
    Smaller(u64),
    TheOne(HeardPrime),
}

impl Credit {
    pub(super) fn begin(stage: &mut Stage) -> io::Result<Credit> {
        let mut open = || stage.open(Manner::Peer, Ear::Everybody);
        let (forwarding, finder, late) = (open()?, open()?, open()?);
        let waiting = || Finding::unseen("no newcomer has been told anything yet");
        Ok(Credit {
            forwarding,
            finder,
            late,
            claims: None,
            largest_told: 0,
            raised: 0,
            step: Step::Say(0),
            // The lab's nodes may introduce themselves first.
            next: stage.now + stage.pace.ping * 2 / 5,
            tells: waiting(),
            credits: waiting(),
            keeps: waiting(),
            stays: waiting(),
            first: waiting(),
        })
    }

    /// The claims of a round: those of the one before, unless larger primes are known by now.
    fn claims(&mut self, stage: &Stage) -> [Claim; STEPS] {
        let largest = stage.reports.largest().max(self.largest_told);
        if let Some(claims) = self.claims.filter(|claims| claims[0].exponent > largest || largest == MERSENNE[51]) {
            return claims;
        }
        let exponent = (0..AHEAD).fold(largest, |exponent, _| next_above(exponent));
        let smaller = next_below(exponent).unwrap_or(2);
        // By the rule of the ranks the finder is credited as well.
        let claims = [
            stage.claim(self.finder, exponent, Rank::First),
            stage.claim(self.forwarding, smaller, Rank::Last),
            stage.claim(self.late, exponent, Rank::Last),
        ];
        self.claims = Some(claims);
        claims
    }

    fn told(&mut self, stage: &Stage, newcomer: NonZeroU16, since: Duration, exponent: u64) -> Told {
        let copies: Vec<HeardPrime> = stage.primes(newcomer, since).collect();
        let Some(largest) = copies.iter().map(|copy| copy.exponent).max() else { return Told::Nothing };
        if let Some(copy) = copies.iter().find(|copy| copy.exponent == exponent) {
            return Told::TheOne(*copy);
        }
        if largest < exponent {
            return Told::Smaller(largest);
        }
        if MERSENNE.contains(&largest) {
            self.largest_told = largest;
        }
        Told::Larger
    }

    fn conclude(&mut self, stage: &Stage, turn: usize, newcomer: NonZeroU16, told: &Told) {
        let Some([claim, smaller, late]) = self.claims else { return };
        let exponent = claim.exponent;
        let name = |port: NonZeroU16| Some(stage.address(port));
        let is_finder = |originator: Option<SocketAddr>| {
            originator == name(claim.originator)
                || originator.is_some_and(|originator| stage.reports.has_told(exponent, originator))
        };
        match (turn, told) {
            (_, Told::Larger) => {}
            (_, Told::Nothing) => {
                let limit = seconds(Credit::patience(stage));
                self.tells = Finding::fails(format!("newcomer {newcomer} PINGed and was sent no PRIME within {limit}"));
            }
            (1, Told::Smaller(told)) if *told == smaller.exponent => {
                self.stays =
                    Finding::fails(format!("after a PRIME of M{told} a newcomer was told of that, not of M{exponent}"));
            }
            (_, Told::Smaller(told)) => {
                self.tells = Finding::fails(format!("newcomer {newcomer} was told of M{told}, not of M{exponent}"));
            }
            (0, Told::TheOne(copy)) => {
                if copy.originator == name(late.originator) && self.raised < RAISES {
                    self.raised += 1;
                    self.largest_told = exponent;
                }
                self.tells = match copy.ttl.0 {
                    0 => Finding::holds(format!("a newcomer was told of M{exponent}")),
                    ttl => Finding::fails(format!("a newcomer was told of M{exponent} with TTL {ttl}, not 0")),
                };
                self.credits = if is_finder(copy.originator) {
                    Finding::holds(format!("M{exponent} was credited to its originator"))
                } else {
                    let named = copy.originator.map_or_else(|| "nobody".to_owned(), |named| named.to_string());
                    let who = match copy.originator {
                        Some(named) if named == stage.address(self.forwarding) => ", who only passed it on",
                        Some(named) if named == stage.address(late.originator) => ", who claimed it later",
                        Some(named) if named == stage.student => ", the teller itself",
                        Some(_) | None => "",
                    };
                    let finder = claim.originator;
                    Finding::fails(format!("M{exponent} is examiner {finder}'s and was credited to {named}{who}"))
                };
                self.keeps = match copy.originator {
                    originator if originator != name(claim.originator) => Finding::unseen("the originator was another"),
                    _ if copy.id == claim.id => Finding::holds("msg_id was that of its announcement"),
                    _ => Finding::fails(format!("msg_id was {} and became {}", claim.id, copy.id)),
                };
            }
            (1, Told::TheOne(_)) => {
                self.stays = Finding::holds(format!("a smaller prime after M{exponent} changed nothing"))
            }
            (_, Told::TheOne(copy)) => {
                self.first = if copy.originator == name(late.originator) {
                    Finding::fails(format!(
                        "who claimed M{exponent} again, examiner {}, took its credit",
                        late.originator
                    ))
                } else if is_finder(copy.originator) {
                    Finding::holds(format!("a second claim to M{exponent} changed nothing"))
                } else {
                    Finding::unseen("the credit was not the originator's before")
                };
            }
        }
    }

    /// How long a newcomer waits.
    fn patience(stage: &Stage) -> Duration {
        stage.pace.at_once() * 2
    }
}

impl Script for Credit {
    fn tick(&mut self, stage: &mut Stage) -> io::Result<()> {
        let now = stage.now;
        if now < self.next {
            return Ok(());
        }
        match self.step {
            Step::Say(turn) => {
                let claims =
                    if turn == 0 { self.claims(stage) } else { self.claims.unwrap_or_else(|| self.claims(stage)) };
                let from = [self.forwarding, self.forwarding, self.late];
                if let (Some(claim), Some(&from)) = (claims.get(turn), from.get(turn)) {
                    stage.announce(from, claim, 0);
                }
                self.step = Step::Ask(turn);
                // A node that tests claims has time to.
                self.next = now + Credit::patience(stage);
            }
            Step::Ask(turn) => {
                let newcomer = stage.open(Manner::Peer, Ear::Everybody)?;
                self.step = Step::Wait { turn, newcomer, since: now };
            }
            Step::Wait { turn, newcomer, since } => {
                let Some([claim, ..]) = self.claims else { return Ok(()) };
                let told = self.told(stage, newcomer, since, claim.exponent);
                let is_settled = match told {
                    Told::Larger | Told::TheOne(_) => true,
                    // The right one may yet come.
                    Told::Nothing | Told::Smaller(_) => now > since + Credit::patience(stage),
                };
                if is_settled {
                    self.conclude(stage, turn, newcomer, &told);
                    stage.close(newcomer);
                    // After something larger there is nothing to be learnt from the rest of the round.
                    let has_ended = turn + 1 == STEPS || matches!(told, Told::Larger);
                    self.step = Step::Say(if has_ended { 0 } else { turn + 1 });
                    self.next = if has_ended { now + stage.pace.ping } else { now };
                }
            }
        }
        Ok(())
    }

    fn findings(&self, _stage: &Stage) -> Vec<Finding> {
        [&self.tells, &self.credits, &self.keeps, &self.stays, &self.first].map(Clone::clone).into()
    }
}
