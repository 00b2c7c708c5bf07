//! The lab: it starts all of its nodes or none, says what happens, and leaves nothing behind.

mod support;

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use support::lab::{Lab, lab_ports};
use support::{is_alive, signal, wait_until};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_lab_meshes_finds_primes_agrees_and_ends_within_a_second_of_ctrl_c() {
    let first = lab_ports(4);
    let mut lab = Lab::start(&["--first-port", &first.to_string(), "--", "--interval", "1s"]);
    lab.says(&["all 4 nodes are each other's peers"], 15 * SECOND);
    lab.says(&["is prime! Found here"], 15 * SECOND);
    lab.says(&["all 4 nodes agree: the largest prime is M"], 30 * SECOND);
    let nodes = lab.nodes();
    assert_eq!(nodes.len(), 4);
    signal(lab.child.id(), "INT");
    let (succeeded, took) = lab.wait(5 * SECOND);
    assert!(succeeded && took < Duration::from_millis(1_200), "succeeded: {succeeded}, after {took:?}");
    assert!(nodes.iter().all(|&pid| !is_alive(pid)), "no node is left");
}

#[test]
fn what_is_set_for_this_machines_own_node_is_nothing_to_a_lab() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mersenned.toml");
    std::fs::write(&file, "search = false\nmax-peers = 1\n").unwrap();
    // The second is what a container orchestrator makes of a service of this name.
    let variables = [
        ("MERSENNED_HTTP_BIND", "0.0.0.0"),
        ("MERSENNED_PORT", "tcp://10.0.0.1:80"),
        ("MERSENNED_CONFIG", file.to_str().unwrap()),
    ];
    let first = lab_ports(2).to_string();
    let arguments = ["--nodes", "2", "--first-port", &first, "--", "--interval", "1s"];
    let mut lab = Lab::start_with(&arguments, &variables);
    lab.says(&["all 2 nodes are each other's peers"], 15 * SECOND);
    lab.says(&["is prime! Found here"], 15 * SECOND);
}

#[test]
fn nodes_of_a_killed_lab_leave_by_themselves() {
    let first = lab_ports(3);
    let mut lab = Lab::start(&["--nodes", "3", "--first-port", &first.to_string()]);
    lab.says(&["all 3 nodes are each other's peers"], 15 * SECOND);
    let nodes = lab.nodes();
    lab.child.kill().unwrap();
    lab.child.wait().unwrap();
    wait_until(3 * SECOND, "the nodes have left", || nodes.iter().all(|&pid| !is_alive(pid)));
}

#[test]
fn a_node_that_dies_is_reported_with_how_to_start_it_again_and_the_others_go_on() {
    let first = lab_ports(3);
    let mut lab = Lab::start(&["--nodes", "3", "--first-port", &first.to_string()]);
    lab.says(&["all 3 nodes are each other's peers"], 15 * SECOND);
    let victim = lab.nodes()[0];
    signal(victim, "KILL");
    lab.says(&["has died (signal: 9"], 5 * SECOND);
    lab.says(&["to start it again: mersenned run --port"], 5 * SECOND);
    lab.says(&["is silent and no peer any more"], 12 * SECOND);
    assert_eq!(lab.nodes().len(), 2);
}

/// Runs a lab that cannot start; returns what it says on standard error.
fn refused(arguments: &[&str]) -> String {
    let output = Command::new(support::program()).arg("lab").args(arguments).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_port_in_use_is_named_and_no_node_is_started() {
    let first = lab_ports(4);
    let taken = UdpSocket::bind(("127.0.0.1", first + 2)).unwrap();
    let error = refused(&["--first-port", &first.to_string()]);
    assert!(error.contains(&format!("UDP port {}", first + 2)) && error.contains("in use"), "{error}");
    drop(taken);
    let taken = std::net::TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    let error = refused(&["--first-port", &first.to_string()]);
    assert!(error.contains(&format!("TCP port {}", first + 1)) && error.contains("in use"), "{error}");
    drop(taken);
}

#[test]
fn ports_beyond_the_last_are_refused() {
    let error = refused(&["--first-port", "65534"]);
    assert!(error.contains("65537") && error.contains("65535"), "{error}");
}

#[test]
fn a_node_that_cannot_start_ends_the_lab_with_what_it_said() {
    let first = lab_ports(2);
    // An address of nobody's machine (RFC 5737).
    let error = refused(&["--nodes", "2", "--first-port", &first.to_string(), "--", "--bind", "192.0.2.1"]);
    assert!(error.contains("192.0.2.1") && error.contains("not an address of this machine"), "{error}");
    wait_until(3 * SECOND, "the ports are free again", || {
        (first..first + 2).all(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok())
    });
}
