//! Two subnets and the router between them: six nodes become one network from one address, and again after a cut.

use std::time::{Duration, Instant};

use crate::SECOND;
use crate::network::{EAST, Network, WEST, address, agree, are_mesh, credits};
use crate::support::{Node, holds_for, wait_until};

/// How long the router is cut.
const OUTAGE: Duration = Duration::from_secs(60);

fn largest(node: &Node) -> Option<u64> {
    credits(node).last_key_value().map(|(&exponent, _)| exponent)
}

#[test]
fn six_nodes_in_two_subnets_all_meet_through_one_address_and_hear_every_prime() {
    let Some(network) = Network::new() else { return };
    let nodes = network.start_all(&[]);
    let took = wait_until(15 * SECOND, "everybody is a peer of everybody", || are_mesh(&nodes, &[0, 1, 2, 3, 4, 5]));
    println!("six nodes in two subnets know each other after {took:?}");
    // Found at the address all began with, in its subnet, and in the other one.
    for (finder, exponent) in [(0, 5), (2, 17), (4, 61)] {
        let found = network.search_to(finder, &nodes[finder], exponent);
        wait_until(10 * SECOND, "all know it, and who found it", || agree(&nodes, found));
        assert_eq!(credits(&nodes[5])[&found], address(finder));
    }
}

#[test]
fn two_subnets_cut_apart_for_60_s_are_one_network_within_30_s_after_it_and_agree() {
    let Some(network) = Network::new() else { return };
    let nodes = network.start_all(&[]);
    let everybody = [WEST, EAST].concat();
    wait_until(15 * SECOND, "everybody is a peer of everybody", || are_mesh(&nodes, &everybody));

    network.cut();
    let began = Instant::now();
    let is_split = || are_mesh(&nodes, &WEST) && are_mesh(&nodes, &EAST);
    wait_until(12 * SECOND, "each side has dropped the other", is_split);

    // Both sides find the same primes, and each thinks it was the first; the western one goes on.
    let of_east = network.search_to(EAST[2], &nodes[EAST[2]], 7);
    let of_west = network.search_to(WEST[1], &nodes[WEST[1]], 31.max(of_east + 1));
    let each_knows_its_own = || {
        let know = |side: [usize; 3], found| side.iter().all(|&host| largest(&nodes[host]) == Some(found));
        know(WEST, of_west) && know(EAST, of_east)
    };
    wait_until(10 * SECOND, "each side knows what it has found", each_knows_its_own);
    let left = OUTAGE.saturating_sub(began.elapsed());
    assert!(left > 10 * SECOND, "{left:?} of the outage are left");
    holds_for(left, "the sides stay apart, and so do their primes", || is_split() && each_knows_its_own());
    assert!(!agree(&nodes, of_east), "two networks know different primes");

    network.heal();
    let healed = Instant::now();
    wait_until(30 * SECOND, "they are one network again", || are_mesh(&nodes, &everybody));
    let meshed = healed.elapsed();
    let left = (30 * SECOND).saturating_sub(meshed);
    wait_until(left, "all agree on all primes and finders", || agree(&nodes, of_west));
    println!("healed: one network after {meshed:?}, agreed after {:?}", healed.elapsed());
    let found = network.search_to(EAST[0], &nodes[EAST[0]], 89);
    wait_until(10 * SECOND, "a prime from one side is known to all", || agree(&nodes, found));
}
