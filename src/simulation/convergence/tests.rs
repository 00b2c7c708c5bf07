//! Each of these finds something wrong.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::protocol::Settings;
use crate::simulation::{Checks, Cut, Disk, Link, Plan};

/// So many nodes that have been started, each told of the one before, and are what they become in half a minute.
fn settled(count: u32, prepare: impl FnOnce(&mut World)) -> World {
    let mut world = World::new(3, Link::default(), Checks::Every);
    let settings = Arc::new(Settings::default());
    for number in 0..count {
        let address = SocketAddr::from(([10, 0, 0, number as u8 + 1], 5_001));
        let before = number.checked_sub(1).map(|before| world.address(HostId(before)));
        let host = world.add_node(Plan::new(address, Arc::clone(&settings)).with_seeds(before));
        world.start(host);
    }
    prepare(&mut world);
    world.run_for(Duration::from_secs(30)).unwrap();
    world
}

fn half(world: &mut World) {
    world.cut(Cut::off((0..4).map(HostId)));
}

#[test]
fn a_whole_network_is_found_whole() {
    let world = settled(8, |_| {});
    assert_eq!(agreement(&world), Ok(()));
    assert_eq!(connected(&world), Ok(()));
    assert_eq!(welcomed(&world), Ok(()));
    assert_eq!((components(&world).len(), ring(&world).share()), (1, 1.0));
    assert_eq!(degrees(&world), [0, 0, 0, 0, 0, 0, 0, 8]);
}

#[test]
fn two_halves_are_two_components_with_two_opinions_and_two_rings() {
    let mut world = settled(8, half);
    let all: Vec<Vec<HostId>> = vec![(0..4).map(HostId).collect(), (4..8).map(HostId).collect()];
    assert_eq!(components(&world), all);
    assert!(connected(&world).unwrap_err().contains("apart"));
    assert!(ring(&world).share() < 1.0 && !ring(&world).wrong.is_empty());
    assert_eq!(agreement(&world), Ok(()));
    assert!(world.find(HostId(5)).is_some());
    world.run_for(Duration::from_secs(10)).unwrap();
    let wrong = agreement(&world).unwrap_err();
    assert!(wrong.contains("2 opinions") && wrong.contains("4 nodes (0 at 10.0.0.1:5001"), "{wrong}");
}

#[test]
fn who_has_too_few_peers_is_named() {
    let world = settled(5, |world| {
        world.cut(Cut::off([HostId(4)]));
    });
    assert!(connected(&world).unwrap_err().contains("1 nodes (4 at"));
    assert!(welcomed(&world).unwrap_err().contains("1 nodes (4 at"));
}

#[test]
fn the_dead_and_the_sleeping_are_not_asked() {
    let mut world = settled(5, |_| {});
    world.kill(HostId(1), Disk::Kept);
    world.sleep(HostId(3));
    assert!(ring(&world).share() < 1.0, "they are still believed to be neighbours");
    world.run_for(Duration::from_secs(12)).unwrap();
    assert_eq!((ring(&world).nodes, ring(&world).share()), (3, 1.0));
    assert_eq!(connected(&world), Ok(()));
}
