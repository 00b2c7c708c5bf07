//! Everything that goes wrong: one thing, or nothing, each time it strikes.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::nature::Nature;
use crate::mersenne::Exponent;
use crate::protocol::address::NodeRef;
use crate::protocol::message::{Announcement, Body, Exchange, Message, MessageId, Ttl};
use crate::simulation::cuts::{Cut, HostSet};
use crate::simulation::host::{Disk, HostId, SOCKET_MAX};
use crate::simulation::world::World;

/// The longest stall.
pub(super) const STALL_MAX: Duration = Duration::from_millis(20_500);

/// Prime exponents of composite numbers that have no small factor: only a test can tell.
const COMPOSITES: [u64; 10] = [67, 101, 103, 109, 137, 139, 149, 157, 199, 227];

/// Exponents of primes that strangers claim to have found.
const FOUND_ELSEWHERE: [u64; 6] = [31, 61, 89, 107, 127, 521];

/// Lets something happen.
pub(super) fn strike(world: &mut World, nature: &Nature) {
    let host = HostId(world.below(nature.hosts) as u32);
    match world.below(48) {
        0 => world.kill(host, Disk::Kept),
        1 => world.kill(host, Disk::Lost),
        2..=5 => start_somebody(world),
        6 => {
            let duration = Duration::from_millis(500 + world.below(20_000) as u64);
            world.stall(host, duration);
        }
        7 => cut(world),
        8 | 9 => world.heal_all(),
        10..=13 => {
            let finder = HostId(world.below(nature.finders) as u32);
            world.find(finder);
        }
        14 => world.sleep(host),
        15 | 16 => wake_somebody(world),
        17 => world.reset(host),
        18..=24 => world.replay(),
        25..=38 => forge(world, host),
        39 => world.leave(host),
        40 => flood_a_stalled(world),
        _ => {}
    }
}

/// Half of those who come back have a clock that is behind; their disks know better.
fn start_somebody(world: &mut World) {
    let Some(dead) = world.hosts().find(|&host| world.node(host).is_none()) else { return };
    if world.has_id_floor(dead) && world.below(2) == 0 {
        let by = Duration::from_millis(world.below(20_000) as u64);
        world.set_clock_back(dead, by);
    }
    world.start(dead);
}

fn wake_somebody(world: &mut World) {
    let sleeper = world.hosts().find(|&host| world.is_asleep(host) && world.is_running(host));
    sleeper.into_iter().for_each(|host| world.wake(host));
}

fn cut(world: &mut World) {
    let count = world.hosts().len();
    let border = 1 + world.below(count - 1) as u32;
    let some = move || (0..border).map(HostId);
    let others: HostSet = (border..count as u32).map(HostId).collect();
    let half: HostSet = (border..count as u32).step_by(2).map(HostId).collect();
    let cut = match world.below(4) {
        0 | 1 => Cut::off(some()),
        2 => Cut::OneWay(some().collect(), others),
        _ => Cut::Between(some().collect(), half),
    };
    world.cut(cut);
}

/// More comes to a host that stands still than its socket holds.
fn flood_a_stalled(world: &mut World) {
    let stalled = world.hosts().find(|&host| world.node(host).is_some() && !world.is_running(host));
    let Some(host) = stalled else { return };
    for _ in 0..SOCKET_MAX + 20 {
        let from = stranger(world);
        world.forge(from, host, &message(1, from, from, Body::Ping(None)));
    }
}

fn stranger(world: &mut World) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, world.below(8) as u8], 5_001))
}

/// Sends something that no honest node would, often in the name of one.
fn forge(world: &mut World, to: HostId) {
    let member = HostId(world.below(world.hosts().len()) as u32);
    let from = if world.below(2) == 0 { stranger(world) } else { world.address(member) };
    let originator = if world.below(2) == 0 { SocketAddr::from(([10, 9, 9, 9], 5_001)) } else { from };
    let (id, ttl) = (world.below(6) as u64, world.below(256) as u8);
    let junk = Some(Exchange { nonce: Some(id), echo: Some(id), instance: Some(id), ..Exchange::default() });
    let body = match world.below(9) {
        0 => Body::Ping(None),
        1 => Body::Ping(junk),
        2 => Body::Pong(junk),
        3 => Body::Pong(None),
        4 => prime(ttl, [0, 4, 1 << 40, 999_999_999, 11, 29][world.below(6)]),
        5 | 6 => prime(ttl, COMPOSITES[world.below(COMPOSITES.len())]),
        _ => prime([0, 0, 1, 3, ttl][world.below(5)], true_prime(world)),
    };
    world.forge(from, to, &message(id, from, originator, body));
}

/// A number that is prime: found elsewhere, or known already and claimed by somebody who did not find it.
fn true_prime(world: &mut World) -> u64 {
    let known = world.primes().len();
    let number = FOUND_ELSEWHERE[world.below(FOUND_ELSEWHERE.len())];
    let is_declared = Exponent::new(number).is_ok_and(|exponent| world.declare_prime(exponent));
    if is_declared && (known == 0 || world.below(2) == 0) {
        return number;
    }
    let place = world.below(known.max(1));
    world.primes().get(place).map_or(number, |&exponent| exponent.into())
}

fn prime(ttl: u8, exponent: u64) -> Body {
    Body::Prime(Announcement { ttl: Ttl(ttl), exponent, signature: None })
}

/// As it would be written by whoever is there: a node names itself by its port.
fn message(id: u64, from: SocketAddr, originator: SocketAddr, body: Body) -> Message {
    let name = |address: SocketAddr| match NonZeroU16::new(address.port()) {
        Some(port) if address == from => NodeRef::Port(port),
        Some(_) | None => NodeRef::Address(address),
    };
    Message { id: MessageId(id), forwarder: name(from), originator: name(originator), body }
}
