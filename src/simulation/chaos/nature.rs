//! What kind of world a seed makes: how many nodes, with which settings, on which network.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::{Random, Settings};
use crate::simulation::adversary::Silent;
use crate::simulation::host::{HostId, Pace, Plan};
use crate::simulation::invariants::Checks;
use crate::simulation::link::{Latency, Link};
use crate::simulation::nat::Nat;
use crate::simulation::world::{Disks, World};

/// Mappings of the NAT last so long.
const MAPPING: Duration = Duration::from_secs(30);

/// What was drawn for one world. Hosts are numbered thus: honest ones with public addresses, then those behind a NAT, then
/// hostile ones.
#[derive(Debug)]
pub(super) struct Nature {
    /// All hosts, 3 to 40.
    pub(super) hosts: usize,
    /// The first so many hosts are honest and have public addresses: primes are found here. Who is behind a NAT and has not
    /// been told its public address knows itself by another name than all others, and could never agree on what is its own.
    pub(super) finders: usize,
    /// Hosts behind a NAT.
    pub(super) translated: usize,
    /// Hosts that forward nothing.
    pub(super) hostile: usize,
    /// Loss once the trouble is over.
    pub(super) calm_loss: f64,
    link: Link,
    disks: Disks,
    settings: Settings,
    /// Every so many hosts one is slow.
    slow_every: Option<usize>,
}

impl Nature {
    pub(super) fn of(seed: u64) -> Nature {
        let mut key = *b"nature of worlds";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let random = Random::from_seed(key);
        let one_in = |count| random.below(count) == 0;
        let hosts = match random.below(10) {
            0..=5 => 3 + random.below(5),
            6..=8 => 8 + random.below(9),
            _ => 17 + random.below(24),
        };
        let translated = if one_in(4) && hosts >= 5 { 1 + random.below(2) } else { 0 };
        let hostile = if one_in(4) { hosts / 5 } else { 0 };
        let millis = Duration::from_millis;
        let latency = match random.below(3) {
            0 => Latency::Fixed(millis(10)),
            1 => Latency::Uniform { from: millis(10), to: millis(100) },
            _ => {
                let matrix = vec![
                    vec![millis(5), millis(45), millis(120)],
                    vec![millis(40), millis(8), millis(90)],
                    vec![millis(130), millis(90), millis(10)],
                ];
                Latency::Regions { of: vec![0, 1, 0, 2, 1], matrix }
            }
        };
        let link = Link {
            latency,
            jitter: millis(random.below(3) as u64 * 10),
            loss: [0.0, 0.05, 0.3][random.below(3)],
            duplication: [0.0, 0.05][random.below(2)],
            reordering: [0.0, 0.1][random.below(2)],
        };
        let settings = match random.below(3) {
            0 => Settings::default(),
            1 => Settings { verify_max: 8, book_max: 48, ..Settings::default() },
            _ => Settings { seen_max: 512, probes_in_flight: 2, ..Settings::default() },
        };
        Nature {
            hosts,
            finders: hosts - translated - hostile,
            translated,
            hostile,
            calm_loss: [0.0, 0.05][random.below(2)],
            link,
            disks: Disks { failure: [0.0, 0.3][random.below(2)], ..Disks::default() },
            settings,
            slow_every: one_in(4).then_some(4),
        }
    }

    /// What the slowest host needs for each datagram.
    pub(super) fn slowest(&self) -> Pace {
        self.slow_every.map_or(Pace::default(), |_| SLOW)
    }

    /// The world, with all its hosts started at once, each told of the one before.
    pub(super) fn world(&self, seed: u64) -> World {
        let mut world = World::new(seed, self.link.clone(), Checks::Every);
        *world.disks_mut() = self.disks;
        world.set_late_reports(0.5);
        let nat = world.add_nat(Nat::new(IpAddr::from([198, 51, 100, 1]), MAPPING));
        let settings = Arc::new(self.settings.clone());
        for number in 0..self.hosts {
            let is_translated = (self.finders..self.finders + self.translated).contains(&number);
            let ip = if is_translated { [192, 168, 0, number as u8] } else { [10, 0, 0, number as u8 + 1] };
            let seeds = number.checked_sub(1).map(|before| world.address(HostId(before.min(self.finders - 1) as u32)));
            let plan = Plan {
                nat: is_translated.then_some(nat),
                pace: self.slow_every.filter(|every| number % every == 1).map_or(Pace::default(), |_| SLOW),
                ..Plan::new(SocketAddr::from((ip, 5_001)), Arc::clone(&settings)).with_seeds(seeds)
            };
            if number < self.finders + self.translated {
                world.add_node(plan);
            } else {
                world.add_adversary(plan, Box::new(Silent));
            }
        }
        world.hosts().for_each(|host| world.start(host));
        world
    }
}

/// What a slow host needs for each datagram and each tick.
const SLOW: Pace = Pace(Duration::from_millis(4));
