//! A relay between nodes on the loopback: it delays datagrams, lets them overtake each other, and sends some twice.
//!
//! Every node has an address of the relay's at which the others see it (`--advertise`), one for all of them, as behind a
//! translator with endpoint-independent mapping and filtering (RFC 4787). What comes to it is passed on from the address of
//! whoever sent it, so no node ever sends anything straight to another.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a relay does to datagrams.
#[derive(Debug, Clone)]
pub struct Spoil {
    /// The delay of each, in milliseconds; drawn anew for every copy.
    pub delay: Range<u64>,
    /// How many of a hundred are sent twice.
    pub doubled_percent: u64,
}

/// What a relay has done.
#[derive(Debug, Default)]
pub struct Done {
    pub relayed: AtomicU64,
    pub doubled: AtomicU64,
    /// Datagrams that were passed on after one that came later, from the same node to the same other.
    pub overtaken: AtomicU64,
}

/// A datagram that waits to be passed on; the first in order is due first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    due: Instant,
    /// Counts what has come.
    number: u64,
    from: usize,
    to: usize,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Shared {
    sockets: Vec<UdpSocket>,
    nodes: Vec<SocketAddr>,
    spoil: Spoil,
    done: Done,
    waiting: Mutex<BinaryHeap<Reverse<Waiting>>>,
    arrived: Condvar,
    ends: AtomicBool,
}

/// The relay; it ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Relays between nodes on these ports of 127.0.0.1.
    pub fn start(ports: &[u16], spoil: Spoil) -> Relay {
        let sockets: Vec<UdpSocket> =
            ports.iter().map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        for socket in &sockets {
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        }
        let nodes = ports.iter().map(|&port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect();
        let (waiting, arrived, ends) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        let shared = Arc::new(Shared { sockets, nodes, spoil, done: Done::default(), waiting, arrived, ends });
        let take_in = (0..ports.len()).map(|to| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.take_in(to))
        });
        let mut threads: Vec<_> = take_in.collect();
        let passing = Arc::clone(&shared);
        threads.push(std::thread::spawn(move || passing.pass_on()));
        Relay { shared, threads }
    }

    /// The address at which the others see a node.
    pub fn address_of(&self, node: usize) -> String {
        self.shared.sockets[node].local_addr().unwrap().to_string()
    }

    pub fn done(&self) -> &Done {
        &self.shared.done
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        self.shared.arrived.notify_all();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn ends(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }

    /// Takes in what is sent to one node until the end.
    fn take_in(&self, to: usize) {
        // Any start but 0 will do (Marsaglia 2003, xorshift).
        let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ to as u64;
        let mut draw = |range: Range<u64>| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            range.start + random % (range.end - range.start).max(1)
        };
        let mut buffer = [0; 2_048];
        while !self.ends() {
            let Ok((length, envelope)) = self.sockets[to].recv_from(&mut buffer) else { continue };
            let Some(from) = self.nodes.iter().position(|&node| node == envelope) else { continue };
            let doubled = u64::from(draw(0..100) < self.spoil.doubled_percent);
            self.done.doubled.fetch_add(doubled, Ordering::Relaxed);
            // Whoever sees this one counted sees whether it was doubled.
            let number = self.done.relayed.fetch_add(1, Ordering::Release);
            let mut waiting = self.waiting.lock().unwrap();
            for _ in 0..=doubled {
                let due = Instant::now() + Duration::from_millis(draw(self.spoil.delay.clone()));
                waiting.push(Reverse(Waiting { due, number, from, to, bytes: buffer[..length].to_vec() }));
            }
            self.arrived.notify_all();
        }
    }

    /// Passes on what is due until the end.
    fn pass_on(&self) {
        // The latest that was passed on, from each to each.
        let mut latest = vec![vec![0; self.nodes.len()]; self.nodes.len()];
        let mut waiting = self.waiting.lock().unwrap();
        while !self.ends() {
            let due = waiting.peek().map(|Reverse(first)| first.due.saturating_duration_since(Instant::now()));
            match due {
                Some(Duration::ZERO) => {
                    let Some(Reverse(first)) = waiting.pop() else { continue };
                    let latest = &mut latest[first.from][first.to];
                    if first.number < *latest {
                        self.done.overtaken.fetch_add(1, Ordering::Relaxed);
                    }
                    *latest = first.number.max(*latest);
                    // A node that is not there is nothing to the relay.
                    drop(self.sockets[first.from].send_to(&first.bytes, self.nodes[first.to]));
                }
                Some(left) => waiting = self.arrived.wait_timeout(waiting, left).unwrap().0,
                None => waiting = self.arrived.wait_timeout(waiting, Duration::from_millis(50)).unwrap().0,
            }
        }
    }
}
