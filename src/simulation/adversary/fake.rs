//! An adversary that claims primes which are none, and of which no cheap check can tell.

use std::time::Duration;

use super::wire::{self, Heard};
use super::{Adversary, Stage};
use crate::mersenne::Exponent;
use crate::mersenne::factor::quick_factor;
use crate::protocol::message::MessageId;

/// How often it makes a claim. Everybody forwards it: a fifth of 40 nodes then claim more than one node can test.
const PAUSE: Duration = Duration::from_millis(500);

/// Claims have exponents up to each of these, in turn by lot: quick to test, slow to test, too large to be tested.
const UP_TO: [usize; 4] = [1_000, 40_000, 1_000_000, 900_000_000];

/// To so many it tells a claim; all of them forward it.
const TOLD: usize = 8;

/// How often it looks for a number without a small factor before it gives up.
const ATTEMPTS: usize = 50;

/// Claims two plausible numbers a second, each as if it had just been found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fake;

impl Adversary for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn tick(&mut self, stage: &mut Stage<'_>) -> Option<Duration> {
        if let Some(exponent) = plausible(stage) {
            let originator = if stage.happens(0.5) { stage.address } else { stage.somebody() };
            let claim = Heard { originator, id: MessageId(stage.any()), exponent };
            let message = wire::prime(stage.address, claim, 16);
            for _ in 0..TOLD {
                let to = stage.somebody();
                stage.send(to, &message);
            }
        }
        Some(PAUSE)
    }
}

/// A prime exponent of a number that has no small factor and is not prime.
fn plausible(stage: &Stage<'_>) -> Option<u64> {
    let up_to = UP_TO[stage.below(UP_TO.len())];
    let mut draws = (0..ATTEMPTS).map(|_| stage.below(up_to) as u64);
    draws.find(|&number| {
        let exponent = Exponent::new(number);
        exponent.is_ok_and(|exponent| quick_factor(exponent).is_none() && !stage.primes.contains(&exponent))
    })
}
