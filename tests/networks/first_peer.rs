//! Finding the first peer: a name whose address changes, and a scan.

use std::path::PathBuf;
use std::time::Duration;

use crate::SECOND;
use crate::network::{EAST, Network, PORT, WEST, address, are_mesh, ip};
use crate::support::namespace::Namespace;
use crate::support::{holds_for, skip, wait_until};

/// Names are resolved again each 15 s; a name server may take its time, and so does the handshake.
const RESOLVED: Duration = Duration::from_secs(25);

/// What processes of one namespace see in place of /etc/hosts (ip-netns(8)); gone when it is dropped.
struct Names {
    directory: PathBuf,
}

impl Names {
    /// `None`, with the reason printed, where it cannot be made.
    fn of(namespace: &Namespace) -> Option<Names> {
        let names = Names { directory: PathBuf::from("/etc/netns").join(namespace.name()) };
        // The only name server is one that is not there: who asks is told so at once.
        let made = std::fs::create_dir_all(&names.directory).is_ok()
            && std::fs::write(names.directory.join("resolv.conf"), "nameserver 127.0.0.1\n").is_ok()
            && std::fs::write(names.directory.join("hosts"), "").is_ok();
        if !made {
            skip("names of a test's own need the right to write to /etc/netns");
            return None;
        }
        Some(names)
    }

    /// From now on the name has this address, and no other.
    fn lead(&self, name: &str, ip: &str) {
        std::fs::write(self.directory.join("hosts"), format!("{ip} {name}\n")).unwrap();
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
        // It stays if somebody else has something there.
        drop(std::fs::remove_dir("/etc/netns"));
    }
}

#[test]
fn a_name_that_leads_nowhere_then_to_nobody_then_to_a_node_and_then_to_another_is_followed() {
    let Some(network) = Network::new() else { return };
    let Some(names) = Names::of(&network.hosts[1]) else { return };
    // A node does not start if nothing it was told of resolves, so it is told of an address where nobody is, too.
    let nobody = format!("{}:{PORT}", ip(2));
    let node = network.start(1, &["--peer", "way-in.test:5001", "--peer", &nobody]);
    let candidates = || node.metric("mersenned_address_book_entries", "");
    holds_for(SECOND, "the name leads nowhere", || node.peer_count() == 0 && candidates() == 1.0);

    names.lead("way-in.test", "10.77.1.99");
    wait_until(RESOLVED, "the name leads to an address where nobody is", || candidates() == 2.0);
    assert_eq!(node.peer_count(), 0);

    let mut first = network.start(0, &[]);
    names.lead("way-in.test", &ip(0));
    let took = wait_until(RESOLVED, "the name leads to a node", || node.peers() == [address(0)]);
    println!("the node behind a name is a peer {took:?} after the name leads to it");

    // The way in moves to a host nobody has ever heard of.
    first.kill();
    let _second = network.start(EAST[0], &[]);
    names.lead("way-in.test", &ip(EAST[0]));
    wait_until(RESOLVED, "the name leads to another node", || node.peers() == [address(EAST[0])]);
    assert_eq!(node.json("/peers/")["peers"][0]["via"], "seed");
}

#[test]
fn a_scan_of_a_network_finds_its_nodes_from_inside_and_from_outside() {
    let Some(network) = Network::new() else { return };
    // Nobody is told of anybody; only two of them scan, one its own network and one the other.
    let mut nodes: Vec<_> = [0, 1].map(|host| network.start(host, &[])).into();
    nodes.push(network.start(2, &["--scan", "10.77.1.0/24:5001"]));
    let took = wait_until(15 * SECOND, "a node has found its neighbours", || are_mesh(&nodes, &WEST));
    println!("a scan of 256 addresses has found two nodes after {took:?}");
    let scanned = nodes[2].json("/peers/")["peers"].as_array().unwrap().iter().any(|peer| peer["via"] == "scan");
    assert!(scanned, "by its scan");

    let outside = network.start(EAST[0], &["--scan", "10.77.1.0/24:5001"]);
    wait_until(15 * SECOND, "from outside they are found, too", || outside.peer_count() == 3);
}

#[test]
fn a_scan_that_finds_nobody_stays_within_the_probe_rate_and_is_made_again_a_minute_later() {
    let Some(network) = Network::new() else { return };
    let began = std::time::Instant::now();
    let lonely = network.start(2, &["--scan", "10.77.1.0/24:5001"]);
    let sent = || lonely.metric("mersenned_datagrams_total", r#"direction="sent""#);
    // One address is its own.
    let took = wait_until(20 * SECOND, "each address was PINGed", || {
        let (sent, time) = (sent(), began.elapsed().as_secs_f64());
        assert!(sent <= 30.0 * (time + 1.0), "{sent} PINGs in {time} s are more than 30 a second");
        sent >= 255.0
    });
    println!("255 addresses are scanned in {took:?}");
    holds_for(10 * SECOND, "then it is quiet", || sent() <= 256.0);

    let late = network.start(0, &[]);
    wait_until(65 * SECOND, "the next scan finds who came later", || lonely.peers() == [address(0)]);
    assert_eq!(late.peers(), [address(2)]);
}
