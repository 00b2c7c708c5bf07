//! Two subnets with a router between them: three hosts each, every host a network namespace with an address of its own.
//!
//! ```text
//!     west: 10.77.1.0/24                           east: 10.77.2.0/24
//!     hosts 0, 1, 2 ── switch ── router ── switch ── hosts 3, 4, 5
//!         .11 .12 .13            .1    .1           .11 .12 .13
//! ```
//!
//! A switch is a bridge in a namespace of its own, so what the router filters is what goes from one subnet to the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::SECOND;
use crate::support::namespace::{Namespace, run};
use crate::support::{Node, signal, skip, wait_until};

/// The port of every node.
pub const PORT: u16 = 5_001;

/// The hosts of the western subnet.
pub const WEST: [usize; 3] = [0, 1, 2];

/// The hosts of the eastern subnet.
pub const EAST: [usize; 3] = [3, 4, 5];

/// The whole network; it is gone when it is dropped.
pub struct Network {
    /// Its interfaces are `west` and `east`.
    pub router: Namespace,
    /// Each has one interface beside the loopback, `eth0`.
    pub hosts: Vec<Namespace>,
    /// They only have to live.
    _switches: [Namespace; 2],
    state: tempfile::TempDir,
}

/// The subnet of a host: the third number of its address.
fn subnet(host: usize) -> usize {
    if WEST.contains(&host) { 1 } else { 2 }
}

/// The IP address of a host.
pub fn ip(host: usize) -> String {
    format!("10.77.{}.{}", subnet(host), host % 3 + 11)
}

/// The address of a host's node.
pub fn address(host: usize) -> String {
    format!("{}:{PORT}", ip(host))
}

impl Network {
    /// `None`, with the reason printed, where it cannot be made.
    pub fn new() -> Option<Network> {
        let router = Namespace::new()?;
        let switches = [Namespace::new()?, Namespace::new()?];
        let hosts = (0..6).map(|_| Namespace::new()).collect::<Option<Vec<_>>>()?;
        let forwards = router.enter(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").is_ok());
        let bridges = switches.iter().all(|switch| switch.inside(&["ip", "link", "add", "bridge", "type", "bridge"]));
        if !forwards || !bridges {
            skip("subnets need a kernel with bridges, and the right to forward between them");
            return None;
        }
        for ((switch, leg), members) in switches.iter().zip(["west", "east"]).zip([WEST, EAST]) {
            assert!(switch.inside(&["ip", "link", "set", "bridge", "up"]));
            let gateway = format!("10.77.{}.1", subnet(members[0]));
            plug(switch, "router", &router, leg, &gateway);
            for host in members {
                plug(switch, &format!("host{host}"), &hosts[host], "eth0", &ip(host));
                assert!(hosts[host].inside(&["ip", "route", "add", "default", "via", &gateway]));
            }
        }
        let state = tempfile::tempdir().unwrap();
        Some(Network { router, hosts, _switches: switches, state })
    }

    /// Starts the node of a host, bound to the host's address. It does not search until it is told to.
    pub fn start(&self, host: usize, flags: &[&str]) -> Node {
        let config = self.state.path().join(format!("{}.toml", self.hosts[host].name()));
        std::fs::write(&config, "search = false\n").unwrap();
        let (ip, config) = (ip(host), config.to_str().unwrap().to_owned());
        let own = ["--bind", &ip, "--config", &config, "--interval", "200ms"];
        Node::start_in(&self.hosts[host], PORT, self.state.path(), &[&own, flags].concat())
    }

    /// Starts all six nodes. All but the first are told of the first, and of no other.
    pub fn start_all(&self, flags: &[&str]) -> Vec<Node> {
        let first = ["--peer".to_owned(), address(0)];
        let start = |host| match host {
            0 => self.start(host, flags),
            _ => self.start(host, &[&first.each_ref().map(String::as_str), flags].concat()),
        };
        (0..6).map(start).collect()
    }

    /// Lets the node of a host look for primes until it has found one, holds one of at least this exponent, and no longer.
    /// Returns the largest it then holds.
    pub fn search_to(&self, host: usize, node: &Node, exponent: u64) -> u64 {
        let config: PathBuf = self.state.path().join(format!("{}.toml", self.hosts[host].name()));
        let switch = |on: &str| {
            std::fs::write(&config, format!("search = {on}\n")).unwrap();
            signal(node.pid(), "HUP");
        };
        let goal = exponent.max(node.largest() + 1);
        switch("true");
        wait_until(30 * SECOND, "a prime is found", || node.largest() >= goal);
        switch("false");
        wait_until(10 * SECOND, "the search is off", || node.state()["searching"] == false);
        node.largest()
    }

    /// From now on the router lets nothing through. Nobody is told: what goes into it is gone.
    pub fn cut(&self) {
        let rules = "table ip cut { chain forward { type filter hook forward priority 0; drop; }; }";
        assert!(self.router.inside(&["nft", rules]));
    }

    /// Ends what [`Network::cut`] began.
    pub fn heal(&self) {
        assert!(self.router.inside(&["nft", "delete table ip cut"]));
    }
}

/// Puts a cable between a port of a switch and an interface of a host, which gets this address.
fn plug(switch: &Namespace, port: &str, host: &Namespace, interface: &str, ip: &str) {
    let ends = ["netns", switch.name(), "type", "veth", "peer", "name", interface, "netns", host.name()];
    assert!(run(&[&["ip", "link", "add", port], &ends[..]].concat()));
    assert!(switch.inside(&["ip", "link", "set", port, "master", "bridge", "up"]));
    assert!(host.inside(&["ip", "address", "add", &format!("{ip}/24"), "dev", interface]));
    assert!(host.inside(&["ip", "link", "set", interface, "up"]));
}

/// How many packets a named counter of a table of nft's has seen.
pub fn count(namespace: &Namespace, table: &str, counter: &str) -> u64 {
    let text = namespace.output_of(&["nft", "list", "counter", "ip", table, counter]);
    let packets = text.split_whitespace().skip_while(|&word| word != "packets").nth(1);
    packets.and_then(|packets| packets.parse().ok()).expect("nft tells what it has counted")
}

/// Whether each of these hosts' nodes has all the others of them as peers, and nobody else.
pub fn are_mesh(nodes: &[Node], hosts: &[usize]) -> bool {
    hosts.iter().all(|&host| {
        let others: BTreeSet<String> =
            hosts.iter().filter(|&&other| other != host).map(|&other| address(other)).collect();
        nodes[host].peers().into_iter().collect::<BTreeSet<_>>() == others
    })
}

/// What a node knows: every prime with its finder. Empty while it does not answer.
pub fn credits(node: &Node) -> BTreeMap<u64, String> {
    let answer =
        node.get("/primes").and_then(|body| serde_json::from_str(&body).ok()).unwrap_or(serde_json::Value::Null);
    let primes = answer["primes"].as_array().cloned().unwrap_or_default();
    let credit = |prime: &serde_json::Value| Some((prime["exponent"].as_u64()?, prime["finder"].as_str()?.to_owned()));
    primes.iter().filter_map(credit).collect()
}

/// Whether all nodes know the same primes, at least up to this one, and credit them to the same finders.
pub fn agree(nodes: &[Node], largest: u64) -> bool {
    let known: Vec<_> = nodes.iter().map(credits).collect();
    known.iter().all(|credits| *credits == known[0])
        && known[0].last_key_value().is_some_and(|(&top, _)| top >= largest)
}
