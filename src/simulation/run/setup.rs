//! The hosts of a scenario: addresses, who is hostile, who is behind a translation, who knows whom, when each starts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::{Saved, Settings};
use crate::simulation::adversary::AdversaryKind;
use crate::simulation::scenario::{NatPlan, Scenario, Start};
use crate::simulation::{HostId, Nat, NatId, Plan, World};

/// What later nodes are planned with.
#[derive(Debug)]
pub(super) struct Plans {
    settings: Arc<Settings>,
    /// How many public addresses were given.
    given: u32,
}

impl Plans {
    /// A new public address.
    fn address(&mut self) -> SocketAddr {
        self.given += 1;
        public(self.given)
    }

    /// A node that comes later and knows these.
    pub(super) fn newcomer(&mut self, seeds: impl IntoIterator<Item = SocketAddr>) -> Plan {
        let address = self.address();
        Plan::new(address, Arc::clone(&self.settings)).with_seeds(seeds)
    }
}

/// The public address with this number: all different, and spread over 8,192 groups (/16) as those of strangers are.
fn public(number: u32) -> SocketAddr {
    // An odd factor: modulo a power of two every number has a product of its own.
    let spread = number.wrapping_mul(0x9e37_79b1) & 0x1fff_ffff;
    SocketAddr::new(IpAddr::V4(Ipv4Addr::from(0x2000_0000 | spread)), 5001)
}

/// What a host is to be.
struct Role {
    address: SocketAddr,
    nat: Option<NatId>,
    hostile: Option<AdversaryKind>,
}

/// Adds all hosts to a world. Returns them with the times at which they start, counted from the beginning.
pub(super) fn build(scenario: &Scenario, world: &mut World) -> (Plans, Vec<(HostId, Duration)>) {
    let mut plans = Plans { settings: Arc::new(scenario.settings.settings()), given: 0 };
    let roles = roles(scenario, world, &mut plans);
    let mut starts = Vec::with_capacity(roles.len());
    for (index, role) in roles.iter().enumerate() {
        let mut plan = Plan::new(role.address, Arc::clone(&plans.settings));
        plan.nat = role.nat;
        let known = acquaintances(scenario.start, &roles, index, world);
        match scenario.start {
            Start::Saved { .. } => plan.saved = Saved { addresses: known, ..Saved::default() },
            Start::Chain | Start::Seed { .. } | Start::Invited { .. } => plan.seeds = known,
        }
        let host = match role.hostile {
            Some(kind) => world.add_adversary(plan, kind.make()),
            None => world.add_node(plan),
        };
        starts.push((host, start_of(scenario.start, index, roles.len())));
    }
    (plans, starts)
}

fn roles(scenario: &Scenario, world: &mut World, plans: &mut Plans) -> Vec<Role> {
    let one_machine = scenario.start == Start::Chain && scenario.nodes <= 1_000;
    let address = |index: usize, plans: &mut Plans| match one_machine {
        // As in the exercise.
        true => SocketAddr::from(([127, 0, 0, 1], 5001 + index as u16)),
        false => plans.address(),
    };
    let mut roles: Vec<Role> =
        (0..scenario.nodes).map(|index| Role { address: address(index, plans), nat: None, hostile: None }).collect();
    // Those that others start from are honest, and can be reached.
    let pillars = match scenario.start {
        Start::Seed { first, .. } => first.clamp(1, scenario.nodes),
        Start::Chain | Start::Invited { .. } | Start::Saved { .. } => 1,
    };
    let mut others: Vec<usize> = (pillars..scenario.nodes).collect();
    for hostile in &scenario.adversaries {
        for _ in 0..hostile.share.of(scenario.nodes).min(others.len()) {
            let index = others.swap_remove(world.below(others.len()));
            roles[index].hostile = Some(hostile.kind);
        }
    }
    if let Some(NatPlan { share, hosts, lifetime }) = scenario.nat {
        let inside: Vec<usize> = (0..share.of(scenario.nodes).min(others.len()))
            .map(|_| others.swap_remove(world.below(others.len())))
            .collect();
        for (number, behind) in inside.chunks(hosts.max(1)).enumerate() {
            let nat = world.add_nat(Nat::new(plans.address().ip(), lifetime.0));
            for (place, &index) in behind.iter().enumerate() {
                // 10.0.0.0/8, a net of its own for each box.
                let inside = 0x0a00_0000 | (number as u32 * hosts as u32 + place as u32 + 1) & 0x00ff_ffff;
                roles[index].address = SocketAddr::new(IpAddr::V4(Ipv4Addr::from(inside)), 5001);
                roles[index].nat = Some(nat);
            }
        }
    }
    roles
}

/// Whom a host knows before it starts.
fn acquaintances(start: Start, roles: &[Role], index: usize, world: &mut World) -> Vec<SocketAddr> {
    match start {
        Start::Chain => index.checked_sub(1).map(|before| roles[before].address).into_iter().collect(),
        Start::Seed { .. } if index == 0 => Vec::new(),
        Start::Seed { .. } => vec![roles[0].address],
        Start::Invited { .. } if index == 0 => Vec::new(),
        Start::Invited { .. } => loop {
            // The first is honest and can be reached, so this ends.
            let inviter = &roles[world.below(index)];
            if inviter.hostile.is_none() && inviter.nat.is_none() {
                break vec![inviter.address];
            }
        },
        Start::Saved { addresses, .. } => {
            let mut known = Vec::with_capacity(addresses);
            for _ in 0..addresses {
                let other = world.below(roles.len());
                if other != index && roles[other].nat.is_none() && !known.contains(&roles[other].address) {
                    known.push(roles[other].address);
                }
            }
            known
        }
    }
}

fn start_of(start: Start, index: usize, nodes: usize) -> Duration {
    let evenly = |over: Duration, index: usize, nodes: usize| {
        // The first at the beginning, the last at the end.
        Duration::from_micros((over.as_micros() as u64).saturating_mul(index as u64) / (nodes.max(2) as u64 - 1))
    };
    match start {
        Start::Chain => Duration::ZERO,
        Start::Seed { first, .. } if index < first => Duration::ZERO,
        Start::Seed { first, settle, over } => settle.0 + evenly(over.0, index - first, nodes - first),
        Start::Invited { over } | Start::Saved { over, .. } => evenly(over.0, index, nodes),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::simulation::scenario::{Hostile, Share, Span, named};
    use crate::simulation::{Checks, Link};

    fn built(scenario: &Scenario) -> (World, Vec<(HostId, Duration)>) {
        let mut world = World::new(1, Link::default(), Checks::Light);
        let (_, starts) = build(scenario, &mut world);
        (world, starts)
    }

    #[test]
    fn public_addresses_are_all_different_and_in_many_groups() {
        let addresses: HashSet<SocketAddr> = (1..=100_000).map(public).collect();
        assert_eq!(addresses.len(), 100_000);
        let group = |address: &SocketAddr| match address.ip() {
            IpAddr::V4(v4) => v4.to_bits() >> 16,
            IpAddr::V6(_) => panic!("{address}"),
        };
        assert_eq!(addresses.iter().map(group).collect::<HashSet<u32>>().len(), 8_192);
    }

    #[test]
    fn nodes_start_when_the_scenario_says() {
        let start = Start::Seed { first: 2, settle: Span::s(10), over: Span::s(60) };
        let (_, starts) = built(&Scenario { start, nodes: 5, ..named::find("join").unwrap() });
        let seconds: Vec<u64> = starts.iter().map(|(_, at)| at.as_secs()).collect();
        assert_eq!(seconds, [0, 0, 10, 40, 70]);
        let (_, starts) = built(&Scenario { nodes: 1, ..named::find("spread").unwrap() });
        assert_eq!(starts, [(HostId(0), Duration::ZERO)]);
    }

    #[test]
    fn a_share_is_hostile_and_never_the_first() {
        let silent = Hostile { kind: AdversaryKind::Silent, share: Share::percent(20.0) };
        let (world, _) = built(&Scenario { nodes: 50, adversaries: vec![silent], ..named::find("lossy").unwrap() });
        let hostile: Vec<HostId> = world.hosts().filter(|&host| !world.is_honest(host)).collect();
        assert_eq!(hostile.len(), 10);
        assert!(!hostile.contains(&HostId(0)));
        let all = Hostile { share: Share::percent(99.0), ..silent };
        let (world, _) = built(&Scenario { nodes: 2, adversaries: vec![all], ..named::find("lossy").unwrap() });
        assert!(world.is_honest(HostId(0)) && !world.is_honest(HostId(1)));
    }

    #[test]
    fn a_chain_stands_on_one_machine_as_in_the_exercise() {
        let (world, _) = built(&named::find("exercise").unwrap());
        assert_eq!(world.address(HostId(3)), "127.0.0.1:5004".parse().unwrap());
    }

    #[test]
    fn a_share_is_behind_boxes_with_private_addresses() {
        let scenario = named::find("nat").unwrap();
        let (world, _) = built(&scenario);
        let inside = world.hosts().filter(|&host| world.address(host).to_string().starts_with("10."));
        assert_eq!(inside.count(), scenario.nodes / 2);
    }
}
