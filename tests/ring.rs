//! Real nodes on the ring: they agree on where each is, who is next to whom and who owns what, and say so in every way
//! there is; also when one dies, and when they are more than anybody has places for.

mod support;

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use mersenned::mersenne::Exponent;
use mersenned::protocol::RingPosition;
use serde_json::{Value, json};
use support::{Node, chain, wait_for_mesh, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// What is asked for: small and large, and enough that every node of four owns some.
fn exponents() -> Vec<Exponent> {
    let small = (2..200).filter_map(|number| Exponent::new(number).ok());
    small.chain([44_497, 1_257_787, 999_999_937].map(|number| Exponent::new(number).unwrap())).collect()
}

fn address(node: &Node) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], node.port))
}

/// The addresses of nodes in the order of the ring.
fn ring(nodes: &[Node]) -> Vec<SocketAddr> {
    let mut ring: Vec<SocketAddr> = nodes.iter().map(address).collect();
    ring.sort_by_key(|&address| RingPosition::of(address));
    ring
}

/// Whether a node stands where its address says, between the two that are next to it of all these.
fn is_in_place(node: &Node, ring: &[SocketAddr]) -> bool {
    let own = address(node);
    let at = ring.iter().position(|&other| other == own).unwrap();
    let (before, after) = (ring[(at + ring.len() - 1) % ring.len()], ring[(at + 1) % ring.len()]);
    let state = node.state();
    state["position"] == RingPosition::of(own).to_string()
        && state["neighbours"] == json!({"predecessor": before.to_string(), "successor": after.to_string()})
}

/// Who owns an exponent on a ring of these: the first at its key or above.
fn owner(ring: &[SocketAddr], exponent: Exponent) -> String {
    let key = RingPosition::of_exponent(exponent);
    ring.iter().min_by_key(|&&node| key.up_to(RingPosition::of(node))).unwrap().to_string()
}

/// What a node says of the owner of an exponent.
fn told(node: &Node, exponent: Exponent) -> Value {
    node.json(&format!("/owner?exponent={exponent}"))
}

/// Whether all nodes name the same owner of every exponent, and the owner alone is certain of it.
fn agree_on_owners<'a>(nodes: impl Iterator<Item = &'a Node> + Clone, ring: &[SocketAddr]) -> bool {
    exponents().into_iter().all(|exponent| {
        let (key, owner) = (RingPosition::of_exponent(exponent).to_string(), owner(ring, exponent));
        nodes.clone().all(|node| {
            let certain = owner == address(node).to_string();
            told(node, exponent) == json!({"exponent": exponent, "key": key, "owner": owner, "certain": certain})
        })
    })
}

/// Runs a command: whether it succeeded, its output, its errors.
fn mersenned(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(support::program()).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn four_nodes_agree_on_their_places_and_every_exponent_has_one_owner() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(4, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    let ring = ring(&nodes);
    assert!(
        nodes.iter().all(|node| is_in_place(node, &ring)),
        "{:?}",
        nodes.iter().map(Node::state).collect::<Vec<_>>()
    );
    assert!(agree_on_owners(nodes.iter(), &ring));
    // The check can fail: with a node less, somebody else would own what that one does.
    let second = nodes.iter().find(|node| address(node) == ring[1]).unwrap();
    assert!(!agree_on_owners(nodes.iter(), &ring[1..]) && !is_in_place(second, &ring[1..]));
    let owned: f64 = nodes.iter().map(|node| node.metric("mersenned_ring_owned_ratio", "")).sum();
    assert!((owned - 1.0).abs() < 1e-9, "{owned}");
    for node in &nodes {
        assert_eq!(node.metric("mersenned_network_size", ""), 4.0);
        assert_eq!(node.metric("mersenned_peers", "role=\"leaf\""), 3.0);
        let peers = node.json("/peers/");
        for peer in peers["peers"].as_array().unwrap() {
            let position = RingPosition::of(peer["address"].as_str().unwrap().parse().unwrap());
            assert_eq!((&peer["role"], &peer["position"]), (&"leaf".into(), &position.to_string().into()), "{peer}");
        }
    }
}

#[test]
fn the_commands_show_places_neighbours_roles_and_owners() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(4, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    let ring = ring(&nodes);
    // Where ports happen to put them, one may own next to nothing.
    let owned = |node: &&Node| {
        exponents().into_iter().filter(|&exponent| owner(&ring, exponent) == address(node).to_string()).count()
    };
    let node = nodes.iter().max_by_key(owned).unwrap();
    let port = node.port.to_string();
    let at = ring.iter().position(|&other| other == address(node)).unwrap();
    let (_, status, _) = mersenned(&["status", "--port", &port]);
    for line in [
        "network         4 nodes".to_owned(),
        format!("position        {}, owns ", RingPosition::of(address(node))),
        format!("predecessor     {}", ring[(at + 3) % 4]),
        format!("successor       {}", ring[(at + 1) % 4]),
    ] {
        assert!(status.lines().any(|own| own.starts_with(&line)), "{line}: {status}");
    }
    let (_, peers, _) = mersenned(&["peers", "--port", &port]);
    let column = peers.find("role").unwrap();
    assert!(peers.lines().skip(1).all(|line| line[column..].starts_with("leaf ")), "{peers}");

    let (mut own, mut other) = (0, 0);
    for exponent in exponents() {
        let (number, owner) = (exponent.to_string(), owner(&ring, exponent));
        let (succeeded, said, error) = mersenned(&["peers", "--port", &port, "--owner", &number]);
        assert!(succeeded && said.lines().count() == 1, "{said}{error}");
        let whence = if owner == address(node).to_string() { "this node" } else { "as far as this node knows" };
        *if whence == "this node" { &mut own } else { &mut other } += 1;
        assert!(said.starts_with(&format!("M{number} ")) && said.contains(&owner) && said.contains(whence), "{said}");
    }
    assert!(own > 0 && other > 0, "of {own} this node is certain, of {other} not");
    let (_, said, _) = mersenned(&["peers", "--port", &port, "--owner", "44497", "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said, told(node, Exponent::new(44_497).unwrap()));
    let (succeeded, said, error) = mersenned(&["peers", "--port", &port, "--owner", "91"]);
    assert!(!succeeded && said.is_empty() && error.contains("divisible by 7") && error.lines().count() == 1, "{error}");
}

#[test]
fn the_keys_of_a_dead_node_go_to_its_successor_and_come_back_with_it() {
    let state = tempfile::tempdir().unwrap();
    let mut nodes = chain(4, state.path(), &["--search", "off"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    let whole = ring(&nodes);
    nodes[2].kill();
    let others = [0, 1, 3];
    let left: Vec<SocketAddr> = whole.iter().copied().filter(|&other| other != address(&nodes[2])).collect();
    wait_until(20 * SECOND, "the others close the ring", || {
        others.iter().all(|&at| is_in_place(&nodes[at], &left))
            && agree_on_owners(others.iter().map(|&at| &nodes[at]), &left)
    });
    nodes[2].restart();
    wait_until(15 * SECOND, "it is back in its place", || {
        nodes.iter().all(|node| is_in_place(node, &whole)) && agree_on_owners(nodes.iter(), &whole)
    });
}

#[test]
fn twenty_nodes_bound_their_peers_and_the_ring_is_right_all_the_same() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(20, state.path(), &["--search", "off"]);
    let ring = ring(&nodes);
    wait_until(40 * SECOND, "everybody is in place", || nodes.iter().all(|node| is_in_place(node, &ring)));
    let count = |node: &Node, label: &str| node.metric("mersenned_peers", label);
    wait_until(20 * SECOND, "everybody has peers enough, and not more than there are places", || {
        nodes.iter().all(|node| {
            count(node, "leaf") == 4.0 && count(node, "chosen") >= 1.0 && (8.0..=16.0).contains(&count(node, ""))
        })
    });
    let owned: f64 = nodes.iter().map(|node| node.metric("mersenned_ring_owned_ratio", "")).sum();
    assert!((owned - 1.0).abs() < 1e-9, "{owned}");
    for exponent in exponents() {
        let certain = nodes.iter().filter(|node| told(node, exponent)["certain"] == true);
        let certain: Vec<String> = certain.map(|node| address(node).to_string()).collect();
        assert_eq!(certain, [owner(&ring, exponent)], "M{exponent}");
    }
}
