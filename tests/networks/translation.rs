//! A router that translates addresses in front of one subnet, and lets in what was asked for only (RFC 4787: mapping and
//! filtering depend on address and port).
//!
//! The nodes behind it are seen outside under the router's address and a port that may be another one for every peer. They
//! cannot be reached unless they have asked first, and not by each other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::time::Instant;

use crate::SECOND;
use crate::network::{EAST, Network, WEST, address, count, credits, ip};
use crate::support::{Node, holds_for, wait_until};

/// The router's address outside.
const OUTSIDE: &str = "10.77.2.1:";

/// What the router does; `masquerade` is the rule that translates.
fn rules(masquerade: &str) -> String {
    format!(
        "table ip home {{
            counter unasked {{ }}
            chain forward {{
                type filter hook forward priority 0;
                ct state established,related accept
                iifname \"west\" accept
                counter name unasked drop
            }}
            chain translate {{
                type nat hook postrouting priority 100;
                oifname \"east\" meta l4proto udp {masquerade}
            }}
        }}"
    )
}

/// A ready network whose western hosts are behind such a router, with nodes that are told of the first eastern one.
fn nodes(network: &Network) -> Vec<Node> {
    assert!(network.router.inside(&["nft", &rules("masquerade to :5000-19999")]));
    let way_in = ["--peer".to_owned(), address(EAST[0])];
    let told = way_in.each_ref().map(String::as_str);
    (0..6).map(|host| network.start(host, if host == EAST[0] { &[] } else { &told })).collect()
}

/// The ports under which this node's peers behind the router are seen.
fn ports_of_home(node: &Node) -> Vec<u16> {
    node.peers().iter().filter_map(|peer| peer.strip_prefix(OUTSIDE)?.parse().ok()).collect()
}

/// Whether every node has every eastern one as peer, and every eastern one three behind the router, on such ports.
fn is_complete(nodes: &[Node], may_be: impl Fn(u16) -> bool) -> bool {
    let all_have = |host: usize| {
        let peers = nodes[host].peers();
        EAST.iter().filter(|&&other| other != host).all(|&other| peers.contains(&address(other)))
    };
    let home_is_seen = |host: &usize| {
        let ports = ports_of_home(&nodes[*host]);
        ports.len() == WEST.len() && ports.into_iter().all(&may_be)
    };
    (0..6).all(all_have) && EAST.iter().all(home_is_seen)
}

/// Whether all these nodes, by host, credit each prime to the same address. Only a finder at home may know itself by
/// another one: its own, which leads nowhere outside.
fn others_agree(credits: &[BTreeMap<u64, String>]) -> bool {
    let mut finders: BTreeMap<u64, BTreeSet<&String>> = BTreeMap::new();
    for (host, credits) in credits.iter().enumerate() {
        let is_own = |finder: &String| WEST.contains(&host) && *finder == address(host);
        for (&exponent, finder) in credits.iter().filter(|(_, finder)| !is_own(finder)) {
            finders.entry(exponent).or_default().insert(finder);
        }
    }
    finders.values().all(|of_one| of_one.len() == 1)
}

#[test]
fn nodes_agree_if_only_the_finder_at_home_knows_itself_by_another_address() {
    let know = |finders: [&str; 6]| finders.map(|finder| BTreeMap::from([(7, finder.to_owned())]));
    let (home, outside, other) = ("10.77.1.12:5001", "10.77.2.1:5001", "10.77.2.1:5002");
    assert!(others_agree(&know([outside; 6])));
    assert!(others_agree(&know([outside, home, outside, outside, outside, outside])));
    assert!(!others_agree(&know([home, outside, outside, outside, outside, outside])));
    assert!(!others_agree(&know([outside, outside, outside, outside, outside, other])));
}

#[test]
fn every_prime_reaches_everybody_although_one_subnet_is_behind_address_translation() {
    let Some(network) = Network::new() else { return };
    let nodes = nodes(&network);
    wait_until(20 * SECOND, "who can be peers are", || is_complete(&nodes, |_| true));
    let nobody_looks_in = || nodes.iter().all(|node| node.peers().iter().all(|peer| !peer.starts_with("10.77.1.")));
    assert!(nobody_looks_in());
    // What nobody at home has asked for stays outside.
    let asked =
        network.hosts[EAST[2]].enter(|| UdpSocket::bind((ip(EAST[2]), 0)).unwrap().send_to(b"?", address(WEST[0])));
    assert_eq!(asked.unwrap(), 1);
    wait_until(5 * SECOND, "the router drops it", || count(&network.router, "home", "unasked") == 1);

    for (finder, exponent) in [(WEST[0], 7), (EAST[1], 31), (WEST[2], 107)] {
        let found = network.search_to(finder, &nodes[finder], exponent);
        let took =
            wait_until(30 * SECOND, "all know it", || nodes.iter().all(|node| credits(node).contains_key(&found)));
        println!("M{found}, found by host {finder}, is known to all after {took:?}");
        wait_until(30 * SECOND, "all others credit the same finder", || {
            others_agree(&nodes.iter().map(credits).collect::<Vec<_>>())
        });
    }
    holds_for(15 * SECOND, "what the router has seen keeps its way in open", || {
        is_complete(&nodes, |_| true) && nobody_looks_in()
    });
}

#[test]
fn a_router_that_forgets_its_translations_costs_no_prime() {
    let Some(network) = Network::new() else { return };
    let nodes = nodes(&network);
    let is_new = |port| (20_000..30_000).contains(&port);
    wait_until(20 * SECOND, "who can be peers are", || is_complete(&nodes, |port| !is_new(port)));

    // Translations are forgotten with the interface they were made for; the next ones are to other ports.
    assert!(network.router.inside(&["ip", "link", "set", "east", "down"]));
    assert!(network.router.inside(&["nft", "delete table ip home"]));
    assert!(network.router.inside(&["nft", &rules("masquerade to :20000-29999")]));
    assert!(network.router.inside(&["ip", "link", "set", "east", "up"]));
    let began = Instant::now();
    let found = network.search_to(WEST[1], &nodes[WEST[1]], 13);
    wait_until(30 * SECOND, "it is known to all", || nodes.iter().all(|node| credits(node).contains_key(&found)));
    println!("all know M{found} {:?} after the router forgot", began.elapsed());
    wait_until(30 * SECOND, "the nodes at home are where they are now, and nowhere else", || {
        is_complete(&nodes, is_new)
    });
    wait_until(30 * SECOND, "all others credit the same finder", || {
        others_agree(&nodes.iter().map(credits).collect::<Vec<_>>())
    });
}
