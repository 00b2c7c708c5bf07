//! Reading and writing one message, in nanoseconds, against what one would write first: structs with derived serde,
//! `rmp_serde::to_vec_named` and `rmp_serde::from_slice`. The ratios at the end come from this same run.
//!
//! The reference checks nothing: it takes arrays, trailing bytes, 1,024 levels, any string for an address.

use std::hint::black_box;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Instant;

use criterion::Criterion;
use mersenned::protocol::address::NodeRef;
use mersenned::protocol::codec::{decode, encode};
use mersenned::protocol::message::{Announcement, Body, Exchange, KnownDigest, MAX_DATAGRAM, Message, MessageId, Ttl};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Naive {
    msg_type: String,
    msg_id: u64,
    msg_forwarder: NaiveNode,
    msg_originator: NaiveNode,
    ttl: u8,
    data: NaiveData,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum NaiveNode {
    Port(u16),
    Address(String),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum NaiveData {
    Nil(()),
    Exponent(u64),
    Exchange(NaiveExchange),
}

#[derive(Serialize, Deserialize)]
struct NaiveExchange {
    nonce: u64,
    echo: u64,
    known: [u64; 3],
    peers: Vec<NaiveNode>,
    instance: u64,
    accept: bool,
    you: String,
    frontier: u64,
}

fn port(number: u16) -> NodeRef {
    NodeRef::Port(NonZeroU16::new(number).expect("not 0"))
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn message(body: Body) -> Message {
    Message { id: MessageId(1_700_000_000_000_001), forwarder: port(5001), originator: port(5001), body }
}

/// A PONG with everything, a full sample of IPv4 addresses among it.
fn full_pong() -> Message {
    let peers = (1..=7).map(|n| NodeRef::Address(address(&format!("192.0.2.{n}:5001"))));
    message(Body::Pong(Some(Exchange {
        nonce: Some(0x0123_4567_89ab_cdef),
        echo: Some(0xfedc_ba98_7654_3210),
        known: Some(KnownDigest { count: 20, largest: 4423, xor: 0xdead_beef_dead_beef }),
        peers: peers.collect(),
        instance: Some(0x5555_5555_5555_5555),
        accept: Some(true),
        you: Some(address("198.51.100.7:5001")),
        frontier: Some(1_000_003),
        ..Exchange::default()
    })))
}

/// Calls between two readings of the clock: short, so that on a busy machine most rounds are not interrupted.
const CALLS: u32 = 500;

/// How often each of the two is measured for a ratio; when the benchmark itself is only tested, once.
fn rounds() -> usize {
    if std::env::args().any(|argument| argument == "--bench") { 2_001 } else { 1 }
}

/// Nanoseconds for one call.
fn nanoseconds<T>(call: &mut impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        black_box(call());
    }
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Lets criterion measure both, then takes turns, and returns one line: the medians, and the median of the ratios.
fn compare<A, B>(
    criterion: &mut Criterion,
    name: &str,
    mut ours: impl FnMut() -> A,
    mut derived: impl FnMut() -> B,
) -> String {
    criterion.bench_function(name, |bencher| bencher.iter(&mut ours));
    criterion.bench_function(&format!("{name}, derived serde"), |bencher| bencher.iter(&mut derived));
    let rounds: Vec<(f64, f64)> = (0..rounds()).map(|_| (nanoseconds(&mut ours), nanoseconds(&mut derived))).collect();
    let ratio = median(rounds.iter().map(|(ours, derived)| ours / derived).collect());
    let (ours, derived) = rounds.into_iter().unzip();
    format!("{name:<28} {:>7.0} ns {:>11.0} ns {ratio:>6.2}×", median(ours), median(derived))
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let prime = Announcement { ttl: Ttl(2), exponent: 82_589_933, signature: None };
    let messages =
        [("nil PING", message(Body::Ping(None))), ("map PONG", full_pong()), ("PRIME", message(Body::Prime(prime)))];
    let mut table = vec![format!("{:<28} {:>10} {:>14} {:>7}", "median", "mersenned", "derived serde", "ratio")];
    for (name, message) in &messages {
        let mut datagram = Vec::with_capacity(MAX_DATAGRAM);
        encode(message, &mut datagram);
        let naive: Naive = rmp_serde::from_slice(&datagram).expect("the reference reads what mersenned writes");
        assert_eq!(rmp_serde::to_vec_named(&naive).expect("written"), datagram, "the same bytes");

        let mut buffer = Vec::with_capacity(MAX_DATAGRAM);
        table.push(compare(
            &mut criterion,
            &format!("encode {name} ({} bytes)", datagram.len()),
            || {
                buffer.clear();
                encode(black_box(message), &mut buffer);
                buffer.len()
            },
            || rmp_serde::to_vec_named(black_box(&naive)).expect("written"),
        ));
        table.push(compare(
            &mut criterion,
            &format!("decode {name} ({} bytes)", datagram.len()),
            || decode(black_box(&datagram)),
            || rmp_serde::from_slice::<Naive>(black_box(&datagram)).expect("read"),
        ));
    }
    criterion.final_summary();
    for line in table {
        println!("{line}");
    }
}
