//! An adversary that says again what others have said, to anybody, as itself or as them.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Adversary, Incoming, Stage};

/// How many datagrams it keeps: a random choice of all that came.
const KEPT_MAX: usize = 512;

/// How often it sends some of them again.
const PAUSE: Duration = Duration::from_millis(100);

/// How many each time.
const AT_ONCE: usize = 10;

/// Keeps what comes and sends it again and again: in an envelope that names its first sender, itself, or anybody.
#[derive(Debug, Default)]
pub struct Replay {
    kept: Vec<(SocketAddr, Vec<u8>)>,
    heard: usize,
}

impl Adversary for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn incoming(&mut self, stage: &mut Stage<'_>, from: SocketAddr, datagram: &[u8]) -> Incoming {
        self.heard += 1;
        // Each that came is as likely to be kept as any other (Vitter, "Random sampling with a reservoir", 1985).
        if self.kept.len() < KEPT_MAX {
            self.kept.push((from, datagram.to_vec()));
        } else {
            let place = stage.below(self.heard);
            if let Some(kept) = self.kept.get_mut(place) {
                *kept = (from, datagram.to_vec());
            }
        }
        Incoming::Passed
    }

    fn tick(&mut self, stage: &mut Stage<'_>) -> Option<Duration> {
        for _ in 0..AT_ONCE {
            let Some((first_sender, datagram)) = self.kept.get(stage.below(self.kept.len())) else { break };
            let to = stage.somebody();
            let envelope = match stage.below(4) {
                0 | 1 => *first_sender,
                2 => stage.address,
                _ => stage.somebody(),
            };
            stage.replay(envelope, to, datagram.clone());
        }
        Some(PAUSE)
    }
}
