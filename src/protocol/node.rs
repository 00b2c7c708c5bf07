//! A node of the network, as a pure state machine.
//!
//! The whole contract: hand over each datagram with [`Node::receive`], call [`Node::tick`] no later than
//! [`Node::next_deadline`], carry out what the [`Outbox`] holds after each call, and report what became of its orders
//! ([`found`](Node::found), [`verdict`](Node::verdict), [`saved`](Node::saved), [`ids_reserved`](Node::ids_reserved)). Time
//! and randomness come from outside, so the same calls with the same seed do the same, byte for byte.
//!
//! All methods take `&self`: peers and remembered messages live in concurrent maps, so that HTTP handlers and exporters can
//! look at a node while its one driver runs it. The methods that change a node are for that driver alone.
//!
//! The rooms inside: `receive` (a datagram, from its bytes to its effect), `exchange` (PING and PONG), `membership` (who is a
//! peer), `samples` and `probing` (how others are heard of and tried), `gossip` (PRIME), `catchup`, `routines` (what happens
//! by the clock), `verdicts` (what the driver reports), `control` (what its owner tells it: sleep, wake, reset), `view` (for
//! looking on).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::book::Book;
use super::budget::{Bucket, Buckets};
use super::candidate::{Source, Standing};
use super::claims::{Claim, Queue};
use super::cookie::Cookies;
use super::counters::{Counters, DiscoveredVia};
use super::event::{Event, Traffic};
use super::ids::Ids;
use super::leaves::Leaves;
use super::message::{Body, Message, MessageId, MessageType};
use super::outbox::{Order, Outbox};
use super::own::{OwnAddresses, Whereabouts};
use super::peers::{Origin, Peers};
use super::primes::Primes;
use super::probes::{Probes, Purpose};
use super::random::Random;
use super::rare::Rare;
use super::refuted::Refuted;
use super::ring::RingPosition;
use super::saved::Saved;
use super::scan::Scan;
use super::seen::Seen;
use super::settings::{AtomicSearchMode, Settings};
use super::time::{AtomicTime, CoarseTime, Time};

mod catchup;
mod control;
mod exchange;
mod gossip;
mod membership;
mod probing;
mod receive;
mod routines;
mod samples;
#[cfg(test)]
mod tests;
mod verdicts;
mod view;

pub use receive::{Fate, LocalFate};
pub use verdicts::Verdict;
pub(crate) use view::Sizes;
pub use view::{PeerView, PrimeView, StateView};

/// What a node is born with.
#[derive(Debug, Clone)]
pub struct Birth {
    /// Every random choice follows from this. It must be secret outside of tests: cookies hang on it.
    pub seed: [u8; 16],
    /// The driver's time at birth.
    pub now: Time,
    /// Where the node is.
    pub whereabouts: Whereabouts,
    /// The wall clock, in microseconds since 1970: message ids begin here or at the saved floor, whichever is larger.
    pub wall_clock_micros: u64,
    /// What an earlier life of this node has left.
    pub saved: Saved,
    /// Addresses to be PINGed once each, and again each minute while there is no peer.
    pub scan: Scan,
}

/// So many of the saved addresses are tried before all others, seeds too: peers of the node's own choosing that were there
/// for longest. Whoever rules the rest of what it knows does not rule these.
const ANCHORS: usize = 2;

/// A node of the network.
#[derive(Debug)]
pub struct Node {
    settings: Arc<Settings>,
    counters: Counters,
    random: Random,
    cookies: Cookies,
    own: OwnAddresses,
    ids: Ids,
    /// This start of the node, or its time since the last reset.
    instance: AtomicU64,
    peers: Peers,
    book: Book,
    /// PINGs to addresses that are no peers.
    probes: Probes,
    leaves: Leaves,
    scan: Scan,
    seen: Seen,
    primes: Primes,
    queue: Queue,
    refuted: Refuted,
    budgets: Budgets,
    /// Primes found here that are not durable yet, with the revision that has to be.
    unannounced: Rare<u64, u64>,
    /// Exponents that this node credits itself with, in a form that it has not yet heard from anybody else: any other claim
    /// takes their place.
    unconfirmed: Rare<u64, ()>,
    revision: AtomicU64,
    saved_revision: AtomicU64,
    asleep: AtomicBool,
    search: AtomicSearchMode,
    searching: AtomicBool,
    timers: Timers,
}

#[derive(Debug)]
struct Budgets {
    strangers: Buckets<SocketAddr>,
    groups: Buckets<u64>,
    proven: Buckets<SocketAddr>,
    probes: Bucket,
    claims: Bucket,
    proven_claims: Bucket,
    echoes: Bucket,
}

impl Budgets {
    /// Forgets whose budget is whole again.
    fn sweep(&self, now: Time) {
        self.strangers.sweep(now);
        self.groups.sweep(now);
        self.proven.sweep(now);
    }
}

#[derive(Debug)]
struct Timers {
    /// How long this node has stood still in all. Its own time is the driver's less this, so a stall moves all deadlines.
    lost: AtomicU64,
    /// A tick this many microseconds late means that it stood still.
    stall_after: AtomicU64,
    /// No later than this, in the node's own time, must `tick` be called.
    deadline: AtomicTime,
    next_generate: AtomicTime,
    next_evict: AtomicTime,
    next_save: AtomicTime,
    next_scan: AtomicTime,
    /// When the first of the peers is to be PINGed; no later.
    next_ping: AtomicTime,
    /// When candidates are looked through again.
    next_candidates: AtomicTime,
    /// When a candidate is tested again for whom there is no place.
    next_test: AtomicTime,
    /// Until then others may be gone too, because a peer has fallen silent.
    doubt_until: AtomicTime,
    /// No earlier than this has a peer to go for somebody lonely, or of another address group.
    next_displacement: AtomicTime,
    /// When the node was woken last; at its birth, until then.
    awake_since: AtomicTime,
}

impl Node {
    /// A node that knows what it has saved and nothing else. Add seeds with [`add_seed`](Node::add_seed).
    pub fn new(settings: impl Into<Arc<Settings>>, birth: Birth) -> Node {
        let settings = settings.into();
        let Birth { seed, now, whereabouts, wall_clock_micros, saved, scan } = birth;
        let random = Random::from_seed(seed);
        let table = random.key();
        let buckets = |rate| Buckets::new(settings.budgets_max, rate, table);
        let node = Node {
            cookies: Cookies::new(random.key()),
            own: OwnAddresses::new(whereabouts, table),
            ids: Ids::new(MessageId(saved.id_floor.0.max(wall_clock_micros))),
            instance: AtomicU64::new(random.next()),
            peers: Peers::new(table),
            book: Book::new(settings.book_max, settings.former_kept, table),
            probes: Probes::new(table, settings.probe_timeout),
            leaves: Leaves::new(None),
            scan,
            seen: Seen::new(settings.seen_max, settings.seen_for, random.key(), table),
            primes: Primes::new(table),
            queue: Queue::new(settings.verify_max, table),
            refuted: Refuted::new(settings.refuted_max, table),
            budgets: Budgets {
                strangers: buckets(settings.address_rate),
                groups: Buckets::new(settings.budgets_max, settings.group_rate, table),
                proven: buckets(settings.proven_rate),
                probes: Bucket::default(),
                claims: Bucket::default(),
                proven_claims: Bucket::default(),
                echoes: Bucket::default(),
            },
            unannounced: Rare::new(table),
            unconfirmed: Rare::new(table),
            revision: AtomicU64::new(0),
            saved_revision: AtomicU64::new(0),
            asleep: AtomicBool::new(saved.asleep),
            search: AtomicSearchMode::new(settings.search),
            searching: AtomicBool::new(false),
            timers: Timers {
                lost: AtomicU64::new(0),
                stall_after: AtomicU64::new(settings.stall_after.as_micros() as u64),
                deadline: AtomicTime::new(now),
                next_generate: AtomicTime::new(now + settings.generate_interval.mul_f64(random.unit())),
                next_evict: AtomicTime::new(now),
                next_save: AtomicTime::new(now + routines::SAVE_INTERVAL),
                next_scan: AtomicTime::new(now),
                next_ping: AtomicTime::new(Time::NEVER),
                next_candidates: AtomicTime::new(now),
                next_test: AtomicTime::new(now + settings.test_interval.mul_f64(random.unit())),
                doubt_until: AtomicTime::new(now + membership::DOUBT_AT_START),
                next_displacement: AtomicTime::new(now),
                awake_since: AtomicTime::new(now),
            },
            counters: Counters::default(),
            random,
            settings,
        };
        for claim in &saved.primes {
            node.primes.learn(claim.0);
            if node.own.is_bound(claim.0.originator) {
                node.unconfirmed.insert(claim.0.exponent.into(), ());
            }
        }
        node.leaves.set_position(node.own.public().map(RingPosition::of));
        node.place_leaves();
        // The worthiest were saved first; the first of them are anchors, and are tried before anybody else.
        for (rank, &address) in saved.addresses.iter().enumerate() {
            let standing = if rank < ANCHORS { Standing::Former } else { Standing::Tried };
            node.book.restore(now, address, standing, rank as u32);
        }
        node
    }

    /// Names an address as a way into the network. It is tried at once, and again for ever.
    pub fn add_seed(&self, now: Time, address: SocketAddr) {
        let now = self.settled_time(now);
        let Ok(address) = super::address::reachable(address) else { return };
        let is_peer = self.peers.with(address, |peer| peer.via = DiscoveredVia::Seed).is_some();
        if !is_peer && !self.own.contains(address) {
            self.book.add(now, address, DiscoveredVia::Seed, Source::SELF, |_| true);
            self.try_soon(now);
        }
    }

    /// Makes an address no way into the network any more. A peer stays one; a candidate becomes one like any other, and is
    /// forgotten if it never answered.
    pub fn remove_seed(&self, address: SocketAddr) {
        let Ok(address) = super::address::reachable(address) else { return };
        self.peers.with(address, |peer| {
            if peer.via == DiscoveredVia::Seed {
                peer.via = DiscoveredVia::Saved;
            }
        });
        self.book.demote(address);
    }

    /// What was to be sent to this address could not be: the fault lies here and not there. A seed, or
    /// a candidate that has answered before, is tried again in a second as if it had not been tried.
    pub fn not_sent(&self, now: Time, to: SocketAddr) {
        let now = self.settled_time(now);
        let Some(probe) = self.probes.get(to) else { return };
        let is_known = self.book.get(to).is_some_and(|candidate| candidate.has_answered() || candidate.is_seed());
        // A stranger may be one that no datagram of ours can ever reach: for him it is a failure like any other.
        if is_known && probe.purpose != Purpose::Scan {
            self.probes.remove(to);
            let again = now + super::book::BACKOFF_MIN;
            self.book.with(to, |candidate| candidate.next_try = CoarseTime::from(again));
            self.timers.next_candidates.at_most(again);
            self.timers.deadline.at_most(again);
        }
    }

    /// The settings it was born with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it has counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// When [`tick`](Node::tick) is due, in the driver's time.
    pub fn next_deadline(&self) -> Time {
        self.timers.deadline.get() + self.lost()
    }

    /// Whether [`tick`](Node::tick) is so late that the node must have stood still: then everything that is queued is to
    /// be handed over before the next tick, to be dropped as stale.
    pub fn is_stalled(&self, now: Time) -> bool {
        self.is_late(self.own_time(now))
    }

    /// A ceiling for message ids that is to be made durable before the node sends anything; answer with
    /// [`ids_reserved`](Node::ids_reserved). Later ones are ordered through the outbox.
    pub fn wanted_ids(&self) -> Option<MessageId> {
        self.ids.wanted()
    }

    /// What is to be saved, with the revision that [`saved`](Node::saved) reports as durable.
    pub fn state(&self) -> (Saved, u64) {
        let revision = self.revision.load(Ordering::Relaxed);
        let mut peers = self.peers.map(|_, peer| (peer.origin != Origin::Chosen, peer.since));
        peers.sort_unstable_by_key(|&(address, worth)| (worth, address));
        let mut addresses: Vec<SocketAddr> = peers.into_iter().map(|(address, _)| address).collect();
        addresses.extend(self.book.remembered());
        addresses.truncate(self.settings.book_max);
        let primes = self.primes.all().into_iter().map(super::saved::SavedClaim).collect();
        (Saved { id_floor: self.ids.reserved(), addresses, primes, asleep: self.is_asleep() }, revision)
    }

    fn lost(&self) -> Duration {
        Duration::from_micros(self.timers.lost.load(Ordering::Relaxed))
    }

    /// The node's own time for what comes before the tick that notices a stall: until then it stands at its deadline, so
    /// that what is put off from now is not put off by the stall too.
    fn settled_time(&self, now: Time) -> Time {
        let now = self.own_time(now);
        if self.is_late(now) { self.timers.deadline.get() } else { now }
    }

    /// The node's own time, in which it never stood still.
    fn own_time(&self, now: Time) -> Time {
        now.back(self.lost())
    }

    /// Whether the tick that is due has not come for so long that what is queued is stale. A node that sleeps has no
    /// deadline that could be missed.
    fn is_late(&self, now: Time) -> bool {
        !self.is_asleep() && now.since(self.timers.deadline.get()) > self.stall_after()
    }

    fn stall_after(&self) -> Duration {
        Duration::from_micros(self.timers.stall_after.load(Ordering::Relaxed))
    }

    /// Tells the node how fast its driver's clock goes, as a multiple of real time. Machines stand still in real time, so
    /// what is a stall takes as many times longer on this clock; a slow clock changes nothing.
    pub fn set_pace(&self, pace: f64) {
        let micros = self.settings.stall_after.mul_f64(pace.max(1.0)).as_micros() as u64;
        self.timers.stall_after.store(micros, Ordering::Relaxed);
    }

    /// Notes a change that has to survive a crash.
    fn changed(&self, out: &mut Outbox) -> u64 {
        out.orders.push(Order::Save);
        self.revision.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Addresses what was written to one recipient, and counts it.
    fn send(
        &self,
        to: SocketAddr,
        message: &Message,
        originator: SocketAddr,
        written: std::ops::Range<usize>,
        out: &mut Outbox,
    ) {
        let message_type = message.body.message_type();
        self.counters.sent.of(message_type).one();
        self.counters.sent_bytes.of(message_type).add(written.len() as u64);
        out.events.push(Event::Sent(traffic(message, to, originator, written.len())));
        out.address(to, written);
    }

    /// The originator of this node's own messages, as it knows itself. What others say they see is not believed: three
    /// liars could make it claim primes in another's name.
    pub(crate) fn own_address(&self) -> SocketAddr {
        self.own.address()
    }

    fn instance(&self) -> u64 {
        self.instance.load(Ordering::Relaxed)
    }

    /// A message of this node's own, new unless it is an answer.
    fn own_message(&self, id: MessageId, body: Body) -> Message {
        Message { id, forwarder: self.own.node_ref(), originator: self.own.node_ref(), body }
    }

    /// The next id for a message of this type.
    fn originate(&self, message_type: MessageType) -> MessageId {
        self.counters.originated.of(message_type).one();
        self.ids.next()
    }

    /// The claim to the largest prime this node knows.
    fn largest(&self) -> Option<Claim> {
        self.primes.largest()
    }
}

/// How a message is told to people.
fn traffic(message: &Message, peer: SocketAddr, originator: SocketAddr, bytes: usize) -> Traffic {
    use super::message::Ttl;
    let (ttl, data) = match &message.body {
        Body::Ping(_) | Body::Pong(_) => (Ttl::ZERO, None),
        Body::Prime(announcement) => (announcement.ttl, Some(announcement.exponent)),
    };
    Traffic { msg_type: message.body.message_type(), peer, msg_id: message.id, originator, ttl, data, bytes }
}
