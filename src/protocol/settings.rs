//! Every interval and every bound of the protocol, with what it trades and the default.
//!
//! All tables are bounded by count and all traffic by rate; nothing a stranger sends makes a node larger than this says.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::message::Ttl;

/// So many per second on average, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Tokens that come back each second.
    pub per_second: f64,
    /// Tokens a full bucket holds.
    pub burst: f64,
}

impl Rate {
    /// `per_second` on average, `burst` at once.
    pub const fn new(per_second: u32, burst: u32) -> Rate {
        Rate { per_second: per_second as f64, burst: burst as f64 }
    }
}

/// Whether datagrams from this machine count against the receive budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopbackLimits {
    /// Whoever can send from loopback can do worse than send too much.
    Exempt,
    /// For tests, and for machines with users who do not trust each other.
    Limited,
}

/// From where plain peers, which cannot prove their address, are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainPeers {
    /// From loopback, private and link-local addresses.
    Local,
    /// From anywhere: a forger can then make this node PING others, at the probe rate.
    Anywhere,
}

/// What a node searches by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchMode {
    /// The next Mersenne prime above the largest known: whoever of the network is first wins.
    Race,
    /// Nothing; it gossips and verifies only.
    Off,
}

impl SearchMode {
    const ALL: [SearchMode; 2] = [SearchMode::Race, SearchMode::Off];
}

/// A [`SearchMode`] that can be read while its one writer sets it.
#[derive(Debug)]
pub(crate) struct AtomicSearchMode(AtomicU8);

impl AtomicSearchMode {
    pub(crate) const fn new(mode: SearchMode) -> AtomicSearchMode {
        AtomicSearchMode(AtomicU8::new(mode as u8))
    }

    pub(crate) fn get(&self) -> SearchMode {
        let stored = self.0.load(Ordering::Relaxed);
        SearchMode::ALL.into_iter().find(|&mode| mode as u8 == stored).unwrap_or(SearchMode::Off)
    }

    pub(crate) fn set(&self, mode: SearchMode) {
        self.0.store(mode as u8, Ordering::Relaxed);
    }
}

/// Settings of a [`Node`](super::Node).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What the node searches by itself until [`Node::set_search`](super::Node::set_search) says otherwise. Race.
    pub search: SearchMode,
    /// How often the node looks for a larger prime. Shorter finds more, and claims more often twice. 10 s.
    pub generate_interval: Duration,
    /// How often silent peers are dropped. 1 s.
    pub evict_interval: Duration,
    /// How often each peer is PINGed. Shorter notices death sooner and costs more datagrams. 5 s.
    pub ping_interval: Duration,
    /// The share by which a ping interval is made longer or shorter at random, so that nodes do not fall into step. 0.2.
    pub ping_jitter: f64,
    /// Silence after which a peer is PINGed again. 6 s.
    pub silent_after: Duration,
    /// Extra PINGs to a silent peer before it is dropped. At 30 % loss a link without them dies in 2.3 % of windows. 3.
    pub silent_pings: u8,
    /// Silence after which a peer is dropped. Longer rides out more loss and believes the dead longer. 10 s.
    pub peer_timeout: Duration,
    /// A tick this late means that the node itself stood still. 2 s.
    pub stall_after: Duration,
    /// How long a candidate has to answer a PING. 2 s.
    pub probe_timeout: Duration,
    /// The longest pause between two probes of one address; pauses double from 1 s. 60 s.
    pub backoff_max: Duration,
    /// The same for seeds and the latest former peers, so that a healed partition is noticed soon, even if
    /// an answer is lost. 5 s.
    pub backoff_max_known: Duration,
    /// How many of the latest former peers are tried as often as seeds. 16.
    pub former_kept: usize,
    /// Active peers beside the leaves: PINGed, forwarded to. A node looks for peers until it has so many in all, and takes
    /// in who asks until it has so many beside its leaves; so a network of one more is a full mesh. More reach everybody in
    /// fewer hops and cost more upkeep, whatever the size of the network. 12.
    pub active_max: usize,
    /// Of these, how many are of the node's own choosing once it is full: nobody who asks decides who they are. 4.
    pub chosen_min: usize,
    /// Peers it keeps beside these on each side of its position on the ring, the nearest. So many neighbours but one may
    /// die at once and the ring still closes by itself. 2, at most 8.
    pub leaves_per_side: usize,
    /// Places, of all, that one address group (/16, /32) keeps when another asks: a quarter. 4.
    pub group_places: usize,
    /// How often somebody who has no peer at all may take the place of one. 10 s.
    pub displace_interval: Duration,
    /// How often a candidate is tested for whom there is no place, so that the address book knows who is alive. Shorter finds
    /// the dead sooner; each test is up to four datagrams. 10 s.
    pub test_interval: Duration,
    /// Active places that plain peers may fill. 4.
    pub plain_max: usize,
    /// Where plain peers are accepted from.
    pub plain_from: PlainPeers,
    /// PRIMEs a plain peer is sent. 20/s.
    pub plain_rate: Rate,
    /// Candidates in the address book. 256.
    pub book_max: usize,
    /// Candidates that are being probed at the same time. 8.
    pub probes_in_flight: usize,
    /// PINGs to addresses that are no peers. 30/s in all.
    pub probe_rate: Rate,
    /// Messages remembered in one generation; two are kept. 65,536.
    pub seen_max: usize,
    /// How long a generation of remembered messages lasts. 60 s.
    pub seen_for: Duration,
    /// The highest TTL that is believed and sent. 16.
    pub ttl_max: Ttl,
    /// Datagrams taken from one address. 20/s, 40 at once.
    pub address_rate: Rate,
    /// Datagrams taken from one address group (/16, /32). 200/s, 400 at once.
    pub group_rate: Rate,
    /// Datagrams taken from one peer that has proven its address. 100/s.
    pub proven_rate: Rate,
    /// Addresses whose budgets are kept apart at the same time. 4,096.
    pub budgets_max: usize,
    /// Whether the three rates above hold for loopback.
    pub loopback: LoopbackLimits,
    /// The largest exponent a claim may have. 10^9.
    pub exponent_max: u64,
    /// Claims that wait for verification. 64.
    pub verify_max: usize,
    /// The largest exponent this node tests for others: claims above are passed on but not verified. 1,000,000.
    pub verify_exponent_max: u64,
    /// New claims that are trial-factored on receipt, at about 50 µs each. 200/s.
    pub claim_rate: Rate,
    /// Claims that are no news and are forwarded all the same. 20/s.
    pub echo_rate: Rate,
    /// Exponents remembered as proven composite. 4,096.
    pub refuted_max: usize,
    /// PRIMEs sent to one peer for catching up, per ping interval. 8.
    pub catchup_batch: usize,
    /// The first pause before a prime is sent to the same peer again; pauses double. 5 s.
    pub catchup_backoff_min: Duration,
    /// The longest such pause. 600 s.
    pub catchup_backoff_max: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            search: SearchMode::Race,
            generate_interval: Duration::from_secs(10),
            evict_interval: Duration::from_secs(1),
            ping_interval: Duration::from_secs(5),
            ping_jitter: 0.2,
            silent_after: Duration::from_secs(6),
            silent_pings: 3,
            peer_timeout: Duration::from_secs(10),
            stall_after: Duration::from_secs(2),
            probe_timeout: Duration::from_secs(2),
            backoff_max: Duration::from_secs(60),
            backoff_max_known: Duration::from_secs(5),
            former_kept: 16,
            active_max: 12,
            chosen_min: 4,
            leaves_per_side: 2,
            group_places: 4,
            displace_interval: Duration::from_secs(10),
            test_interval: Duration::from_secs(10),
            plain_max: 4,
            plain_from: PlainPeers::Local,
            plain_rate: Rate::new(20, 20),
            book_max: 256,
            probes_in_flight: 8,
            probe_rate: Rate::new(30, 30),
            seen_max: 65_536,
            seen_for: Duration::from_secs(60),
            ttl_max: Ttl(16),
            address_rate: Rate::new(20, 40),
            group_rate: Rate::new(200, 400),
            proven_rate: Rate::new(100, 100),
            budgets_max: 4_096,
            loopback: LoopbackLimits::Exempt,
            exponent_max: 1_000_000_000,
            verify_max: 64,
            verify_exponent_max: 1_000_000,
            claim_rate: Rate::new(200, 200),
            echo_rate: Rate::new(20, 20),
            refuted_max: 4_096,
            catchup_batch: 8,
            catchup_backoff_min: Duration::from_secs(5),
            catchup_backoff_max: Duration::from_secs(600),
        }
    }
}
