//! What a node counts. An exporter reads it; counting costs one relaxed addition.
//!
//! Every label set is closed and known at compile time: nothing a stranger sends makes a new one.

use std::sync::atomic::{AtomicU64, Ordering};

use super::codec::RefusalReason;
use super::message::{MessageType, Ttl};

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

/// A closed set of labels, each with its place in an array of counters.
pub trait Label: Copy + 'static {
    /// All labels.
    const ALL: &'static [Self];

    /// As it is written in metrics and JSON.
    fn as_str(self) -> &'static str;

    /// The place of this label in [`ALL`](Label::ALL).
    fn index(self) -> usize;
}

/// Defines a fieldless enum that is a [`Label`].
macro_rules! labels {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $crate::protocol::Label for $name {
            const ALL: &'static [$name] = &[$($name::$variant,)+];

            fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}
pub(crate) use labels;

labels! {
    /// How a node heard of a peer.
    DiscoveredVia {
        /// It was named on the command line or in the configuration.
        Seed = "seed",
        /// It stood in the saved address book.
        Saved = "saved",
        /// A scan reached it.
        Scan = "scan",
        /// It sent a PING itself.
        Ping = "ping",
        /// A peer named it in a sample.
        Sample = "sample",
        /// A PRIME named it as its originator.
        Prime = "prime",
    }
}

labels! {
    /// Why an active peer was dropped.
    EvictionReason {
        /// Silent for too long.
        Timeout = "timeout",
        /// It said goodbye.
        Leave = "leave",
        /// It answered that it has no place for this node.
        Refused = "refused",
        /// Its place went to somebody nearer, more alone, or of another address group.
        Displaced = "displaced",
        /// It was this node itself.
        Own = "own",
        /// This node fell asleep.
        Asleep = "asleep",
        /// This node was told to forget its peers.
        Reset = "reset",
    }
}

labels! {
    /// Why a datagram was dropped, other than for not being a message.
    DropReason {
        /// The envelope's or a named address cannot be a node's.
        Address = "address",
        /// The sender's budget is used up.
        AddressBudget = "address_budget",
        /// The budget of the sender's address group is used up.
        GroupBudget = "group_budget",
        /// It was queued while this node stood still.
        Stale = "stale",
        /// It came while this node slept.
        Asleep = "asleep",
        /// A PONG that answers nothing this node asked.
        Unasked = "unasked",
        /// Even the shortest answer would be longer than the question.
        Amplification = "amplification",
    }
}

labels! {
    /// What became of a PRIME that was new here.
    ClaimResult {
        /// Its exponent is below 2 or above the configured maximum.
        OutOfRange = "out_of_range",
        /// Its exponent is composite, so the number is too.
        CompositeExponent = "composite_exponent",
        /// Too many new claims at once; it may come again.
        Budget = "budget",
        /// The number has a small factor.
        Factored = "factored",
        /// The number was tested before and is composite.
        KnownComposite = "known_composite",
        /// The queue is full, or this source has claims waiting; it may come again.
        Queue = "queue",
        /// The exponent is too large for this node to test.
        Untestable = "untestable",
        /// Tested: the number is prime.
        Verified = "verified",
        /// Tested: the number is composite.
        Refuted = "refuted",
        /// A better claim to a prime that is known already.
        Credited = "credited",
        /// A claim to a known prime that is credited to a better one.
        NoNews = "no_news",
    }
}

impl ClaimResult {
    /// In words, to end a sentence.
    pub const fn explanation(self) -> &'static str {
        match self {
            ClaimResult::OutOfRange => "refused, not in the range of exponents",
            ClaimResult::CompositeExponent => "refused, the exponent is not prime",
            ClaimResult::Budget => "ignored for now, too many new claims",
            ClaimResult::Factored => "refused, the number has a small factor",
            ClaimResult::KnownComposite => "refused, the number was tested before and is not prime",
            ClaimResult::Queue => "ignored for now, too many claims wait",
            ClaimResult::Untestable => "passed on, too large to be tested here",
            ClaimResult::Verified => "verified",
            ClaimResult::Refuted => "false, the number is not prime",
            ClaimResult::Credited => "a better claim to a known prime",
            ClaimResult::NoNews => "no news",
        }
    }
}

/// An array of counters, one for each label.
#[derive(Debug)]
pub struct Family<L: Label> {
    counters: Box<[Counter]>,
    label: std::marker::PhantomData<L>,
}

impl<L: Label> Default for Family<L> {
    fn default() -> Family<L> {
        Family { counters: L::ALL.iter().map(|_| Counter::default()).collect(), label: std::marker::PhantomData }
    }
}

impl<L: Label> Family<L> {
    /// The counter of one label.
    pub fn of(&self, label: L) -> &Counter {
        &self.counters[label.index()]
    }

    /// All labels with their counts so far.
    pub fn iter(&self) -> impl Iterator<Item = (L, u64)> {
        L::ALL.iter().map(|&label| (label, self.of(label).get()))
    }
}

impl Label for MessageType {
    const ALL: &'static [MessageType] = &MessageType::ALL;

    fn as_str(self) -> &'static str {
        MessageType::as_str(self)
    }

    fn index(self) -> usize {
        self as usize
    }
}

impl Label for RefusalReason {
    const ALL: &'static [RefusalReason] = &RefusalReason::ALL;

    fn as_str(self) -> &'static str {
        RefusalReason::as_str(self)
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// Everything a node counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Datagrams accepted, by type.
    pub received: Family<MessageType>,
    /// Their bytes.
    pub received_bytes: Family<MessageType>,
    /// Datagrams written, by type.
    pub sent: Family<MessageType>,
    /// Their bytes.
    pub sent_bytes: Family<MessageType>,
    /// Datagrams that did not decode.
    pub refused: Family<RefusalReason>,
    /// Datagrams that decoded and were dropped.
    pub dropped: Family<DropReason>,
    /// Messages created here, by type.
    pub originated: Family<MessageType>,
    /// PRIMEs heard again.
    pub duplicates: Counter,
    /// PRIMEs forwarded, by the TTL they left with, 0 to 15; one count for each message, not for each recipient.
    pub forwards: [Counter; FORWARD_TTLS],
    /// PRIMEs sent to peers that lacked them.
    pub catchup_sent: Counter,
    /// What became of claims.
    pub claims: Family<ClaimResult>,
    /// Peers that became active, by how they were heard of.
    pub discovered: Family<DiscoveredVia>,
    /// Active peers dropped.
    pub evictions: Family<EvictionReason>,
    /// Peers that were dropped and came back within a minute.
    pub flaps: Counter,
}

/// How many different TTLs a forwarded message can leave with when at most 16 is believed: 0 to 15.
pub const FORWARD_TTLS: usize = 16;

impl Counters {
    pub(crate) fn forwarded(&self, ttl: Ttl) {
        self.forwards[usize::from(ttl.0).min(FORWARD_TTLS - 1)].one();
    }
}
