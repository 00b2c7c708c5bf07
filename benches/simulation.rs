//! How fast the virtual network is: virtual time against real time, and memory a node.
//!
//! The reference is real time itself: a ratio above 1 is faster than that. `cargo bench --bench simulation` measures 10, 1,000
//! and 10,000 nodes; numbers after `--` are other sizes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mersenned::protocol::{Saved, Settings};
use mersenned::simulation::{Checks, Latency, Link, Plan, World, convergence};

/// Addresses in the book that each node begins with.
const BOOK: usize = 20;

fn address(host: usize) -> SocketAddr {
    SocketAddr::from(([10, (host >> 16) as u8, (host >> 8) as u8, host as u8], 5_001))
}

fn world(count: usize) -> World {
    let latency = Latency::Uniform { from: Duration::from_millis(10), to: Duration::from_millis(100) };
    let mut world = World::new(1, Link { latency, ..Link::default() }, Checks::Light);
    let settings = Arc::new(Settings::default());
    let mut random: u64 = 1;
    for host in 0..count {
        let mut somebody = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            address((random >> 33) as usize % count)
        };
        let addresses = (0..BOOK).map(|_| somebody()).collect();
        let saved = Saved { addresses, ..Saved::default() };
        let host = world.add_node(Plan { saved, ..Plan::new(address(host), Arc::clone(&settings)) });
        world.start(host);
    }
    world
}

/// What this process occupies, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or_default() * 1_024
}

fn measure(count: usize) {
    let before = resident();
    let mut world = world(count);
    let start = Instant::now();
    world.run_for(Duration::from_secs(20)).expect("no rule is broken");
    let settled = start.elapsed();
    let duration = Duration::from_secs(if count < 100 { 2_000 } else { 20 });
    let datagrams = world.traffic().datagrams();
    let start = Instant::now();
    world.run_for(duration).expect("no rule is broken");
    let took = start.elapsed().as_secs_f64();
    let datagrams = world.traffic().datagrams() - datagrams;
    let degrees = convergence::degrees(&world);
    let links: usize = degrees.iter().enumerate().map(|(degree, nodes)| degree * nodes).sum();
    println!(
        "{count:>7} nodes: {:>8.2} × real time, {:>5.2} µs a datagram, {:>4.1} datagrams a node and second, \
         {:>5.1} KiB a node, {:>4.1} peers each; {:>5.2} × while they join",
        duration.as_secs_f64() / took,
        took * 1e6 / datagrams as f64,
        datagrams as f64 / count as f64 / duration.as_secs_f64(),
        resident().saturating_sub(before) as f64 / 1_024.0 / count as f64,
        links as f64 / count as f64,
        20.0 / settled.as_secs_f64(),
    );
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10, 1_000, 10_000] } else { sizes };
    sizes.into_iter().for_each(measure);
}
