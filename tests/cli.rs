//! The commands as a person types them: what they print, and what they say when something is wrong.

mod support;

use assert_cmd::Command;
use support::{Node, free_ports};

fn mersenned(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(support::program()).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn test_says_whether_a_number_is_prime_and_gives_the_residue_if_not() {
    assert_eq!(mersenned(&["test", "4423"]).1, "M4423 is prime!\n");
    assert_eq!(mersenned(&["test", "4999"]).1, "M4999 is not prime. Res64: 9116B0BE48100D73\n");
    assert_eq!(mersenned(&["test", "2"]).1, "M2 is prime!\n");
    // 23 divides it; it is tested all the same.
    assert_eq!(mersenned(&["test", "11"]).1, "M11 is not prime. Res64: 00000000000006C8\n");
}

#[test]
fn test_refuses_what_is_no_prime_exponent_and_says_why() {
    for (number, reason) in [
        ("15", "composite"),
        ("1", "2"),
        ("0", "2"),
        ("-7", "prime number"),
        ("x", "prime number"),
        ("2047", "mersenned test 11"),
        ("2305843009213693951", "mersenned test 61"),
        ("1000003000", "composite"),
        ("18446744073709551615", "4294967295"),
        ("18446744073709551616", "prime number"),
        ("4294967279", "beyond"),
    ] {
        let (succeeded, output, error) = mersenned(&["test", number]);
        assert!(!succeeded && output.is_empty(), "{number}: {output}");
        assert!(error.contains(reason), "{number}: {error}");
    }
}

#[test]
fn status_and_peers_say_clearly_when_no_node_answers() {
    let port = free_ports(1).to_string();
    for command in ["status", "peers"] {
        let (succeeded, output, error) = mersenned(&[command, "--port", &port]);
        assert!(!succeeded && output.is_empty());
        assert!(error.contains(&format!("no node answers at 127.0.0.1:{port}")), "{error}");
        assert!(error.contains("mersenned run --port"), "{error}");
    }
}

#[test]
fn status_and_peers_show_a_running_node_to_people_and_as_json() {
    let state = tempfile::tempdir().unwrap();
    let nodes = support::chain(2, state.path(), &["--interval", "100ms"]);
    support::wait_for_mesh(&nodes, std::time::Duration::from_secs(15));
    support::wait_until(std::time::Duration::from_secs(15), "a prime", || nodes[0].largest() > 0);
    let port = nodes[0].port.to_string();
    let (_, status, _) = mersenned(&["status", "--port", &port]);
    assert!(status.contains(&format!("127.0.0.1:{port}")) && status.contains("largest prime   M"), "{status}");
    let (_, peers, _) = mersenned(&["peers", "--port", &port]);
    assert!(peers.contains(&format!("127.0.0.1:{}", nodes[1].port)) && peers.contains("proven"), "{peers}");
    let (_, status, _) = mersenned(&["status", "--port", &port, "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["peers"], 1);
    let (_, peers, _) = mersenned(&["peers", "--port", &port, "--json"]);
    let peers: serde_json::Value = serde_json::from_str(&peers).unwrap();
    assert_eq!(peers["peers"].as_array().unwrap().len(), 1);
}

#[test]
fn run_refuses_a_port_in_use_out_of_range_or_a_peer_that_does_not_resolve() {
    let state = tempfile::tempdir().unwrap();
    let port = free_ports(2);
    let node = Node::start(port, state.path(), &[]);
    let elsewhere = state.path().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let in_use = node.port.to_string();
    let free = (port + 1).to_string();
    for (arguments, reason) in [
        (vec!["--port", &in_use], format!("UDP port {in_use} on 127.0.0.1 is in use")),
        (vec!["--port", "0"], "ports go from 1 to 65535".to_owned()),
        (vec!["--port", "65536"], "ports go from 1 to 65535".to_owned()),
        (vec!["--port", &free, "--peer", "no-such-host.invalid:1"], "does not resolve".to_owned()),
        (vec!["--port", &free, "--peer", "127.0.0.1"], "HOST:PORT".to_owned()),
        (vec!["--port", &free, "--peer", "0.0.0.0:5001"], "unspecified".to_owned()),
        (vec!["--port", &free, "--bind", "192.0.2.1"], "not an address of this machine".to_owned()),
        (vec!["--port", &free, "--scan", "10.0.0.0/8:1-9"], "at most 65536".to_owned()),
        (vec!["--port", &free, "--peer-timeout", "4s"], "ping-interval (5s, default)".to_owned()),
        (vec!["--port", &free, "--interval", "never"], "500ms".to_owned()),
    ] {
        let mut all = vec!["run", "--state-dir", elsewhere];
        all.extend(&arguments);
        let (succeeded, output, error) = mersenned(&all);
        assert!(!succeeded && output.is_empty(), "{arguments:?}: {output}");
        assert!(error.contains(&reason), "{arguments:?}: {error}");
    }
}

#[test]
fn every_command_ends_with_the_exit_code_that_its_manual_promises() {
    let free = support::lab::lab_ports(1).to_string();
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let missing = missing.to_str().unwrap();
    let plain_ping = "86a86d73675f74797065a450494e47a66d73675f696401ad6d73675f666f72776172646572\
                      cd1389ae6d73675f6f726967696e61746f72cd1389a374746c00a464617461c0";
    let cases: &[(i32, &[&str])] = &[
        (2, &[]),
        (2, &["nonsense"]),
        (0, &["--version"]),
        (0, &["help", "run"]),
        (2, &["run", "--port", "0"]),
        (2, &["run", "--nonsense"]),
        (78, &["run", "--config", missing]),
        (78, &["run", "--peer-timeout", "1s"]),
        (1, &["run", "--port", &free, "--state-dir", "/proc/nowhere"]),
        (2, &["lab", "--nodes", "0"]),
        (1, &["lab", "--nodes", "2", "--first-port", "65535"]),
        (1, &["lab", "--nodes", "1", "--first-port", &free, "--", "--nonsense"]),
        (1, &["status", "--port", &free]),
        (2, &["status", "--port", "0"]),
        (1, &["peers", "--port", &free]),
        (1, &["sleep", "--port", &free]),
        (1, &["wake", "--port", &free]),
        (1, &["reset", "--port", &free, "--yes"]),
        (1, &["reset", "--port", &free]),
        (0, &["test", "31"]),
        (1, &["test", "15"]),
        (2, &["test", "x"]),
        (0, &["test", "4441", "--factor"]),
        (1, &["test", "31", "--length", "128"]),
        (2, &["test", "31", "--length", "1"]),
        (2, &["test", "31", "--engine", "abacus"]),
        (2, &["test", "31", "--factor=64"]),
        (0, &["search", "--to", "100", "--no-checkpoint"]),
        (1, &["search", "--from", "5", "--to", "2"]),
        (2, &["search"]),
        (2, &["search", "--to", "100", "--threads", "0"]),
        (1, &["work", missing]),
        (2, &["work"]),
        (0, &["work", "/dev/null"]),
        (0, &["bench", "--quick", "--to-length", "128", "--engine", "exact"]),
        (2, &["bench", "--to-length", "9M"]),
        (0, &["selftest", "--to-length", "128", "--engine", "exact"]),
        (2, &["selftest", "--quick", "--full"]),
        (0, &["simulate", "--list"]),
        (0, &["simulate", "exercise"]),
        (1, &["simulate", "nonsense"]),
        (1, &["simulate", "--file", missing]),
        (2, &["simulate"]),
        (0, &["decode", plain_ping]),
        (1, &["decode", "00"]),
        (1, &["decode", "--file", missing]),
        (0, &["config", "check"]),
        (78, &["config", "check", "--config", missing]),
        (2, &["config", "check", "--max-ttl", "17"]),
        (78, &["config", "show", "--config", missing]),
        (0, &["config", "example"]),
        (2, &["config"]),
        (0, &["completions", "bash"]),
        (2, &["completions", "nonsense"]),
        (0, &["man", "run"]),
        (1, &["man", "nonsense"]),
    ];
    for &(code, arguments) in cases {
        let output = Command::new(support::program()).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert_eq!(error.is_empty(), code == 0, "{arguments:?}: an error, and nothing else, is told: {error}");
    }
}
