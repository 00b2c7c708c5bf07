//! What the protocol promises of several nodes at once, each promise in a world made for it.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::mersenne::Exponent;
use crate::protocol::address::NodeRef;
use crate::protocol::message::{Announcement, Body, Message, MessageId, MessageType, Ttl};
use crate::protocol::{PrimeView, Settings};

/// Somebody who is no host of any world.
const STRANGER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1)), 5_001);

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// So many nodes, each told of the one before, all started at once on a perfect network.
fn chain(seed: u64, count: usize, settings: Settings) -> World {
    let mut world = World::new(seed, Link::default(), Checks::Every);
    let settings = Arc::new(settings);
    for number in 0..count {
        let address = SocketAddr::from(([10, 0, 0, number as u8 + 1], 5_001));
        let before = number.checked_sub(1).map(|before| world.address(HostId(before as u32)));
        let host = world.add_node(Plan::new(address, Arc::clone(&settings)).with_seeds(before));
        world.start(host);
    }
    world
}

fn run(world: &mut World, duration: Duration) {
    if let Err(violation) = world.run_for(duration) {
        panic!("{violation}");
    }
}

fn assert_agreed(world: &World) {
    assert_eq!(convergence::agreement(world), Ok(()));
    assert_eq!(convergence::connected(world), Ok(()));
}

/// A claim in a stranger's envelope, originated by somebody else.
fn claim(world: &mut World, ttl: u8, exponent: u64) -> Message {
    assert!(world.declare_prime(Exponent::new(exponent).unwrap()));
    let originator = NodeRef::Address(SocketAddr::from(([10, 9, 9, 9], 5_001)));
    let body = Body::Prime(Announcement { ttl: Ttl(ttl), exponent, signature: None });
    Message { id: MessageId(1), forwarder: NodeRef::Port(NonZeroU16::new(5_001).unwrap()), originator, body }
}

/// All four nodes of a world are peers, and know a few primes.
fn meshed() -> World {
    let mut world = chain(17, 4, Settings::default());
    run(&mut world, seconds(30));
    for host in world.hosts() {
        world.find(host);
        run(&mut world, seconds(3));
    }
    assert_agreed(&world);
    world
}

#[test]
fn the_others_see_it_fall_silent_and_have_it_back_within_10_s_of_its_waking_after_hours() {
    for hours in [0, 1, 5] {
        let mut world = meshed();
        world.sleep(HostId(0));
        run(&mut world, millis(11_100));
        assert_eq!(world.popularity(HostId(0)), 0, "silent for 11 s, it is nobody's peer");
        run(&mut world, seconds(hours * 3_600));
        assert!(world.find(HostId(2)).is_some(), "the others go on");
        run(&mut world, seconds(5));
        world.wake(HostId(0));
        run(&mut world, seconds(10));
        assert_eq!(world.popularity(HostId(0)), 3, "after {hours} h");
        run(&mut world, seconds(10));
        assert_agreed(&world);
    }
}

#[test]
fn nodes_that_sleep_in_turns_find_each_other_within_10_s_of_both_being_awake() {
    let mut world = meshed();
    world.hosts().for_each(|host| world.sleep(host));
    run(&mut world, seconds(3_600));
    for host in world.hosts() {
        world.wake(host);
        // Those who wake early try the others in vain until all their pauses are long.
        run(&mut world, seconds(1_000));
    }
    // The last one has been awake for long; it sleeps again, and so does the first, who had it as a peer.
    world.sleep(HostId(3));
    run(&mut world, seconds(60));
    world.sleep(HostId(0));
    run(&mut world, seconds(600));
    world.wake(HostId(3));
    run(&mut world, seconds(600));
    world.wake(HostId(0));
    run(&mut world, seconds(10));
    assert!(world.hosts().all(|host| world.popularity(host) == 3));
}

#[test]
fn a_new_instance_makes_the_others_send_again_what_they_know_and_all_agree_within_15_s() {
    let mut world = chain(23, 4, Settings::default());
    run(&mut world, seconds(30));
    for round in 0..12 {
        world.find(HostId(round % 4));
        run(&mut world, seconds(11));
    }
    assert_agreed(&world);
    // For so long that nothing is caught up on any more, and every pause before a repetition has grown.
    run(&mut world, seconds(600));
    let it = HostId(1);
    let view = |world: &World| world.node(it).map(|node| (node.prime_views(), node.state_view().instance)).unwrap();
    let before: (Vec<PrimeView>, u64) = view(&world);
    let found_by_it = before.0.iter().filter(|prime| prime.finder == world.address(it)).count();
    assert!(before.0.len() >= 12 && found_by_it > 0);
    world.reset(it);
    // Twelve primes are two batches, a PING interval apart, and as many tests.
    run(&mut world, seconds(15));
    let after = view(&world);
    assert_eq!(after.0, before.0, "the same primes, the same credits, its own among them");
    assert_ne!(after.1, before.1);
    assert_eq!(world.popularity(it), 3);
    assert_agreed(&world);
}

#[test]
fn the_first_prime_after_a_restart_reaches_all_peers_within_2_s() {
    for seed in 0..50 {
        let mut world = chain(seed, 4, Settings { generate_interval: millis(500), ..Settings::default() });
        run(&mut world, seconds(15));
        world.kill(HostId(1), Disk::Kept);
        run(&mut world, millis(seed * 333));
        world.set_clock_back(HostId(1), seconds(seed));
        world.start(HostId(1));
        run(&mut world, seconds(10));
        assert_eq!(world.popularity(HostId(1)), 3, "seed {seed}");
        let found = world.find(HostId(1));
        assert!(found.is_some());
        run(&mut world, seconds(2));
        assert_agreed(&world);
        assert_eq!(world.node(HostId(0)).and_then(|node| node.state_view().largest_prime), found);
    }
}

#[test]
fn no_ttl_makes_a_storm() {
    for ttl in [16, 17, 200, 255] {
        let mut world = chain(7, 8, Settings::default());
        run(&mut world, seconds(15));
        let before = world.traffic().sent(MessageType::Prime);
        let claim = claim(&mut world, ttl, 31);
        world.forge(STRANGER, HostId(0), &claim);
        run(&mut world, seconds(3));
        let forwards = world.traffic().sent(MessageType::Prime) - before;
        // Each of 8 nodes forwards once to 6 or 7 others, and again when a better TTL comes.
        assert!((48..=8 * 7 * 3).contains(&forwards), "{forwards} with TTL {ttl}");
    }
}

#[test]
fn copies_with_ttl_0_sent_ahead_stop_nobody_from_hearing() {
    for seed in 0..100 {
        let mut world = chain(seed, 12, Settings::default());
        run(&mut world, seconds(20));
        let ahead = claim(&mut world, 0, 31);
        for host in world.hosts().skip(1) {
            world.forge(STRANGER, host, &ahead);
        }
        run(&mut world, millis(20 + seed * 11));
        let real = claim(&mut world, 2, 31);
        world.forge(STRANGER, HostId(0), &real);
        run(&mut world, seconds(5));
        let know = world.living().filter(|(_, node)| !node.prime_views().is_empty()).count();
        assert_eq!(know, 12, "seed {seed}");
    }
}

#[test]
fn after_a_stall_of_30_s_all_peers_are_back_within_10_s() {
    for seed in 0..40 {
        for duration in [15, 30, 60, 300] {
            let mut world = chain(seed, 6, Settings::default());
            run(&mut world, seconds(20));
            world.stall(HostId(2), seconds(duration));
            run(&mut world, seconds(duration) + seconds(10));
            assert_eq!(world.popularity(HostId(2)), 5, "seed {seed}, {duration} s");
            assert_eq!(world.node(HostId(2)).map(|node| node.peer_count()), Some(5));
        }
    }
}

#[test]
fn a_partition_of_60_s_or_10_min_is_one_network_30_s_after_healing() {
    for seed in 0..20 {
        for duration in [11, 60, 600] {
            let mut world = chain(seed, 6, Settings::default());
            run(&mut world, seconds(20));
            let cut = world.cut(Cut::off((0..=seed as u32 % 5).map(HostId)));
            run(&mut world, seconds(duration));
            let first = world.address(HostId(0));
            let last_has_first = world.node(HostId(5)).map(|node| node.peer_addresses().contains(&first));
            assert_eq!(last_has_first, Some(false), "it was cut");
            world.find(HostId(0));
            world.find(HostId(5));
            world.heal(cut);
            run(&mut world, seconds(30));
            assert_agreed(&world);
            assert!(world.hosts().all(|host| world.popularity(host) == 5), "seed {seed}, {duration} s");
            assert!(world.dropped_by(cut) > 0);
        }
    }
}

#[test]
fn a_prime_is_watched_from_its_finder_to_everybody() {
    let mut world = meshed();
    let found = world.find(HostId(2)).unwrap();
    run(&mut world, seconds(2));
    let watched = world.traffic().watched().unwrap();
    assert_eq!(watched.exponent, found);
    let hops: Vec<u32> = watched.arrivals().map(|(_, arrival)| arrival.hops).collect();
    assert_eq!(hops, [1, 1, 0, 1], "in a full mesh everybody hears of it from its finder");
    assert!(
        world.hosts().all(|host| watched.known(host) > watched.heard(host).map(|arrival| arrival.at) || host.0 == 2)
    );
    assert!(world.traffic().primes(found) >= 3);
}

#[test]
fn a_silent_adversary_is_a_peer_and_passes_nothing_on() {
    let mut world = World::new(5, Link::default(), Checks::Every);
    let settings = Arc::new(Settings::default());
    let plan = |last, seeds: &[SocketAddr]| {
        let address = SocketAddr::from(([10, 0, 0, last], 5_001));
        Plan::new(address, Arc::clone(&settings)).with_seeds(seeds.iter().copied())
    };
    let silent = world.add_adversary(plan(1, &[]), Box::new(adversary::Silent));
    let middle = world.address(silent);
    let ends = [world.add_node(plan(2, &[middle])), world.add_node(plan(3, &[middle]))];
    // The two reach each other only through the silent one.
    world.cut(Cut::Between([ends[0]].into_iter().collect(), [ends[1]].into_iter().collect()));
    world.hosts().for_each(|host| world.start(host));
    run(&mut world, seconds(20));
    assert!(!world.is_honest(silent) && world.popularity(silent) == 2);
    assert!(world.find(ends[0]).is_some());
    run(&mut world, seconds(30));
    let known = |host| world.node(host).map(|node| node.prime_views().len());
    assert_eq!((known(ends[0]), known(silent), known(ends[1])), (Some(1), Some(1), Some(0)));
    assert!(convergence::agreement(&world).unwrap_err().contains("2 opinions"));
}

#[test]
fn who_is_behind_a_nat_finds_peers_and_hears_of_primes_and_so_do_two_behind_the_same() {
    let mut world = chain(9, 4, Settings::default());
    let nat = world.add_nat(Nat::new([198, 51, 100, 1].into(), seconds(30)));
    let settings = Arc::new(Settings::default());
    let inside: Vec<HostId> = (2..4)
        .map(|last| {
            let plan = Plan::new(SocketAddr::from(([192, 168, 0, last], 5_001)), Arc::clone(&settings));
            let host = world.add_node(Plan { nat: Some(nat), ..plan }.with_seeds([world.address(HostId(0))]));
            world.start(host);
            host
        })
        .collect();
    run(&mut world, seconds(60));
    assert!(inside.iter().all(|&host| world.popularity(host) >= 4), "each is a peer of all outside");
    let found = world.find(HostId(1));
    run(&mut world, seconds(3));
    assert!(
        found.is_some() && inside.iter().all(|&host| world.node(host).unwrap().state_view().largest_prime == found)
    );
    assert!(world.faults().of(Fault::Translated) > 0 && world.faults().of(Fault::FilteredByNat) > 0);
    assert_eq!(world.faults().of(Fault::Remapped), 0, "PINGs keep the mappings alive");
}

#[test]
fn whom_a_node_cannot_reach_it_drops_although_it_hears_them() {
    let mut world = chain(11, 5, Settings::default());
    run(&mut world, seconds(20));
    world.cut(Cut::OneWay([HostId(0)].into_iter().collect(), [HostId(1)].into_iter().collect()));
    // One drops the other for want of answers, and is itself dropped when it has PINGed no more for as long.
    run(&mut world, seconds(24));
    let has =
        |world: &World, host, peer| world.node(HostId(host)).unwrap().peer_addresses().contains(&world.address(peer));
    assert!(!has(&world, 0, HostId(1)) && !has(&world, 1, HostId(0)), "neither has an answer");
    assert_eq!((world.popularity(HostId(0)), world.popularity(HostId(1))), (3, 3));
    assert_eq!(world.faults().rare(Rarity::TimedOut), 2);
}

#[test]
fn a_slow_host_stays_a_peer_and_is_only_late() {
    let mut world = World::new(13, Link::default(), Checks::Every);
    let settings = Arc::new(Settings::default());
    for number in 0..4u8 {
        let seeds = (number > 0).then(|| world.address(HostId(0)));
        let plan = Plan::new(SocketAddr::from(([10, 0, 0, number + 1], 5_001)), Arc::clone(&settings));
        let pace = Pace(if number == 2 { millis(50) } else { Duration::ZERO });
        let host = world.add_node(Plan { pace, ..plan }.with_seeds(seeds));
        world.start(host);
    }
    run(&mut world, seconds(120));
    assert!(world.hosts().all(|host| world.popularity(host) == 3));
    assert!(world.faults().of(Fault::Delayed) > 0);
    assert_eq!(world.faults().rare(Rarity::TimedOut), 0);
    let slow = world.node(HostId(0)).unwrap().peer_views(world.now());
    let round_trip = |last: u8| slow.iter().find(|peer| peer.address.ip() == std::net::Ipv4Addr::new(10, 0, 0, last));
    assert!(
        round_trip(3).unwrap().round_trip >= Some(millis(70)) && round_trip(4).unwrap().round_trip < Some(millis(70))
    );
}
