//! A bad network: every fifth datagram is lost on its way into a host, every fifth is sent twice.

use crate::SECOND;
use crate::network::{Network, agree, are_mesh, count};
use crate::support::{Node, holds_for, skip, wait_until};

const EVERYBODY: [usize; 6] = [0, 1, 2, 3, 4, 5];

/// What happens to a host's datagrams. Lost are those that come in: one that may not go out would be an error to its sender.
const RULES: &str = r#"table ip bad {
    counter lost { }
    counter doubled { }
    chain in {
        type filter hook input priority 0;
        iifname "eth0" meta l4proto udp numgen random mod 100 < 20 counter name "lost" drop
    }
    chain out {
        type filter hook output priority 0;
        oifname "eth0" meta l4proto udp numgen random mod 100 < 20 counter name "doubled" dup to ip daddr
    }
}"#;

#[test]
fn a_fifth_lost_and_a_fifth_doubled_costs_no_prime_and_keeps_the_peers() {
    let Some(network) = Network::new() else { return };
    if !network.hosts.iter().all(|host| host.inside(&["nft", RULES])) {
        return skip("nft cannot lose and double datagrams with this kernel (modules nft_numgen, nft_dup_ipv4)");
    }
    let nodes = network.start_all(&[]);
    // Candidates that do not answer are tried again after 1, 2, 4 and 8 s.
    let took = wait_until(60 * SECOND, "everybody is a peer of everybody", || are_mesh(&nodes, &EVERYBODY));
    println!("with a fifth lost, everybody knows everybody after {took:?}");
    let evicted = || -> f64 { nodes.iter().map(|node| node.metric("mersenned_peer_evictions_total", "")).sum() };
    // A handshake may have to be begun again; what counts is who is dropped later.
    let before = evicted();
    let nearly_all_are_peers = || nodes.iter().all(|node| node.peer_count() >= 4);
    for (finder, exponent) in [(0, 5), (4, 19), (2, 89), (5, 521)] {
        let found = network.search_to(finder, &nodes[finder], exponent);
        let took = wait_until(20 * SECOND, "all know it, and who found it", || agree(&nodes, found));
        println!("M{found} is known to all after {took:?}");
        holds_for(12 * SECOND, "nobody is left by more than one peer", nearly_all_are_peers);
    }
    wait_until(20 * SECOND, "everybody is a peer of everybody at the end", || are_mesh(&nodes, &EVERYBODY));
    // With 30 pairs, at most about one in 600 is expected to be silent for ten seconds at a time.
    assert!(evicted() - before <= 3.0, "{} peers were dropped meanwhile", evicted() - before);

    let received = |node: &Node| node.metric("mersenned_datagrams_total", r#"direction="received""#);
    for (host, node) in network.hosts.iter().zip(&nodes) {
        let (lost, doubled, received) =
            (count(host, "bad", "lost") as f64, count(host, "bad", "doubled"), received(node));
        let share = lost / (lost + received);
        println!("received {received}, lost {lost} ({share:.2}), doubled {doubled}");
        assert!((0.1..0.3).contains(&share) && doubled > 20, "the network was as bad as it should be");
        assert!(node.metric("mersenned_duplicates_total", "") > 0.0, "a PRIME came twice");
    }
}
