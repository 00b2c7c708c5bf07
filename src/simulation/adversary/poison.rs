//! An adversary that recommends addresses at which nobody lives, so that others look for peers in vain (the eclipse of Singh
//! et al., "Eclipse attacks on overlay networks", 2006).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use arrayvec::ArrayVec;

use super::wire;
use super::{Adversary, Outgoing, Stage};
use crate::protocol::RingPosition;
use crate::protocol::message::{Body, MAX_SAMPLE, Message};

/// How often it repeats its last PING to each peer, with another sample.
const PAUSE: Duration = Duration::from_millis(500);

/// From so many inventions it takes the nearest on the ring to whom it tells: everybody looks for his neighbours first.
const INVENTED: usize = 32;

/// Fills every sample with its inventions.
#[derive(Debug)]
pub struct Poison {
    groups: Groups,
    /// The last PING to each address: it returns a cookie, so what it says is heard.
    pings: BTreeMap<SocketAddr, Message>,
}

/// Where the invented addresses are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Groups {
    /// In one address group, and the adversary's own.
    One,
    Many,
}

impl Poison {
    /// Invents addresses of one group, and repeats its own.
    pub fn of_one_group() -> Poison {
        Poison { groups: Groups::One, pings: BTreeMap::new() }
    }

    /// Invents addresses everywhere.
    pub fn of_many_groups() -> Poison {
        Poison { groups: Groups::Many, pings: BTreeMap::new() }
    }

    /// The message with nothing but inventions to recommend; `None` when it recommends nobody.
    fn poisoned(&self, stage: &Stage<'_>, to: SocketAddr, message: &Message) -> Option<Message> {
        wire::saying(message, |exchange| {
            let sample = self.sample(stage, to);
            exchange.peers = sample.into_iter().map(|address| wire::name(address, stage.address)).collect();
        })
    }

    fn sample(&self, stage: &Stage<'_>, to: SocketAddr) -> ArrayVec<SocketAddr, MAX_SAMPLE> {
        let mut invented: Vec<SocketAddr> = (0..INVENTED).map(|_| self.invent(stage)).collect();
        let receiver = RingPosition::of(to);
        invented.sort_unstable_by_key(|&address| {
            let position = RingPosition::of(address);
            position.up_to(receiver).min(receiver.up_to(position))
        });
        let own = match self.groups {
            Groups::One => Some(stage.address),
            Groups::Many => None,
        };
        own.into_iter().chain(invented).take(MAX_SAMPLE).collect()
    }

    fn invent(&self, stage: &Stage<'_>) -> SocketAddr {
        let [_, _, c, d, e, f, ..] = stage.any().to_be_bytes();
        let ip = match (self.groups, stage.address.ip()) {
            (Groups::One, IpAddr::V4(own)) if c.is_multiple_of(4) => {
                let [a, b, ..] = own.octets();
                Ipv4Addr::new(a, b, 255, d)
            }
            (Groups::One, _) => Ipv4Addr::new(203, 0, c, d),
            (Groups::Many, _) => Ipv4Addr::new(20 + e % 100, f, c, d),
        };
        SocketAddr::from((ip, 1_024 + stage.below(60_000) as u16))
    }
}

impl Adversary for Poison {
    fn name(&self) -> &'static str {
        match self.groups {
            Groups::One => "poison",
            Groups::Many => "poison-many",
        }
    }

    fn outgoing(&mut self, stage: &mut Stage<'_>, to: SocketAddr, message: &Message) -> Outgoing {
        if let Body::Ping(Some(exchange)) = &message.body
            && exchange.echo.is_some()
        {
            self.pings.insert(to, message.clone());
        }
        match self.poisoned(stage, to, message) {
            Some(poisoned) => Outgoing::Instead(Box::new(poisoned)),
            None => Outgoing::Unchanged,
        }
    }

    fn tick(&mut self, stage: &mut Stage<'_>) -> Option<Duration> {
        for (&to, ping) in &self.pings {
            if let Some(poisoned) = self.poisoned(stage, to, ping) {
                stage.send(to, &poisoned);
            }
        }
        Some(PAUSE)
    }
}
