//! Searching on several threads: a real node has them, at the lowest priority, and they stop with it.

mod support;

use std::time::Duration;

use support::{Node, free_ports, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// Names and nice levels of a process' threads.
fn threads(pid: u32) -> Vec<(String, i32)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the node runs");
    let stat = |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("stat")).ok();
    let thread = |stat: String| {
        // Field 2 is the name in parentheses; field 19, the 17th after it, is the nice level.
        let (head, tail) = stat.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        Some((name.to_owned(), tail.split_ascii_whitespace().nth(16)?.parse().ok()?))
    };
    tasks.filter_map(stat).filter_map(thread).collect()
}

#[test]
fn three_threads_search_at_the_lowest_priority_and_end_with_the_node_within_a_second() {
    let state = tempfile::tempdir().unwrap();
    let mut node = Node::start(free_ports(1), state.path(), &["--threads", "3", "--interval", "100ms"]);
    let names = ["search", "search-2", "search-3"];
    // Each search has its own, so they come and go until it finds no prime within milliseconds.
    wait_until(60 * SECOND, "three threads search, at nice 19", || {
        let threads = threads(node.pid());
        names.iter().all(|&name| threads.iter().any(|(own, nice)| own == name && *nice == 19))
    });
    wait_until(120 * SECOND, "primes are found in order", || node.largest() >= 2_203);
    // Every Mersenne prime up to the largest is known: none was skipped.
    let expected = [2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1_279, 2_203];
    let primes = node.json("/primes")["primes"].as_array().cloned().unwrap_or_default();
    let known: Vec<u64> = primes.iter().rev().filter_map(|prime| prime["exponent"].as_u64()).collect();
    assert!(known.starts_with(&expected), "{known:?}");
    wait_until(60 * SECOND, "the search shows where it is", || {
        let [exponent, frontier] =
            ["search_exponent", "frontier_exponent"].map(|name| node.metric(&format!("mersenned_{name}"), ""));
        let searching = node.metric("mersenned_search_state", "searching");
        searching == 1.0 && exponent > 2_203.0 && frontier > 2_203.0
    });
    assert!(node.metric("mersenned_candidates_total", "prime") >= expected.len() as f64);
    assert!(node.metric("mersenned_search_iterations_total", "") > 0.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let grown = node.metric("mersenned_prime_height_timestamp_seconds", "");
    assert!(now - grown < 200.0 && grown <= now, "the height grew at {grown}, and it is {now}");
    node.signal("TERM");
    let (succeeded, took) = node.wait(5 * SECOND);
    assert!(succeeded && took < SECOND, "succeeded: {succeeded}, after {took:?}");
}
