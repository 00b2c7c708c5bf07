//! The three messages, decoded: what a datagram says, with every range checked, before anything is done with it.

use std::fmt;
use std::net::SocketAddr;

use arrayvec::ArrayVec;

use super::address::NodeRef;

/// The longest datagram that is sent or accepted, in bytes: it fits one Ethernet frame through any usual tunnel.
pub const MAX_DATAGRAM: usize = 1_200;

/// The most addresses in one sample.
pub const MAX_SAMPLE: usize = 7;

/// A message's number, given once by its originator and never rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct MessageId(pub u64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Time to live: how many more times a message may be forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Ttl(pub u8);

impl Ttl {
    /// Not to be forwarded.
    pub const ZERO: Ttl = Ttl(0);

    /// This TTL, but no higher than `max`.
    pub fn clamped(self, max: Ttl) -> Ttl {
        self.min(max)
    }

    /// The TTL of a forwarded copy; `None` when the message goes no further.
    pub fn forwarded(self) -> Option<Ttl> {
        self.0.checked_sub(1).map(Ttl)
    }
}

/// The three message types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// "Are you alive?"
    Ping,
    /// "Yes."
    Pong,
    /// "2^p − 1 is prime, and I found it."
    Prime,
}

impl MessageType {
    /// All three, in the order of their discriminants.
    pub const ALL: [MessageType; 3] = [MessageType::Ping, MessageType::Pong, MessageType::Prime];

    /// As it is written in a datagram.
    pub const fn as_str(self) -> &'static str {
        match self {
            MessageType::Ping => "PING",
            MessageType::Pong => "PONG",
            MessageType::Prime => "PRIME",
        }
    }
}

/// One datagram's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `msg_id`. A PONG repeats that of the PING it answers.
    pub id: MessageId,
    /// `msg_forwarder`: who says he sent this datagram. Only the UDP envelope is believed.
    pub forwarder: NodeRef,
    /// `msg_originator`: who created the message.
    pub originator: NodeRef,
    /// `msg_type`, `ttl` and `data`.
    pub body: Body,
}

/// What differs between the message types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nil data from a plain peer, else what it has to say.
    Ping(Option<Exchange>),
    /// Nil answers nil, a map a map.
    Pong(Option<Exchange>),
    /// The only message that is forwarded.
    Prime(Announcement),
}

impl Body {
    /// The message type this is the body of.
    pub const fn message_type(&self) -> MessageType {
        match self {
            Body::Ping(_) => MessageType::Ping,
            Body::Pong(_) => MessageType::Pong,
            Body::Prime(_) => MessageType::Prime,
        }
    }
}

/// What a PRIME says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Forwards left, as received: not yet clamped.
    pub ttl: Ttl,
    /// `data`: the exponent p of 2^p − 1, any number at all until it has been checked.
    pub exponent: u64,
    /// `key` and `sig`.
    pub signature: Option<Signature>,
}

/// The finder's Ed25519 public key and signature, carried along unchanged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// `key`, 32 bytes.
    pub key: [u8; 32],
    /// `sig`, 64 bytes.
    pub sig: [u8; 64],
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature(key {:02x}{:02x}…)", self.key[0], self.key[1])
    }
}

/// What PING and PONG may carry. `None`, `false` and an empty sample mean "nothing to say" and are not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// My cookie for you.
    pub nonce: Option<u64>,
    /// Your last cookie, returned: proof that I receive at this address.
    pub echo: Option<u64>,
    /// My set of known primes.
    pub known: Option<KnownDigest>,
    /// Some addresses that have answered me.
    pub peers: ArrayVec<NodeRef, MAX_SAMPLE>,
    /// This start of this node.
    pub instance: Option<u64>,
    /// PING: I have no active peer.
    pub alone: bool,
    /// PING: I am going.
    pub leave: bool,
    /// PONG: whether you are an active peer of mine; absent, not yet decided.
    pub accept: Option<bool>,
    /// PONG: your address as I see it.
    pub you: Option<SocketAddr>,
    /// Every exponent below this has been tested in my arc of the ring.
    pub frontier: Option<u64>,
    /// PING: so many bytes of padding, zeroes when written.
    pub pad: u16,
}

/// A set of known primes in three numbers; equal digests mean equal sets with equal credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct KnownDigest {
    /// How many primes.
    pub count: u64,
    /// The largest exponent; 0 for none.
    pub largest: u64,
    /// XOR over the set of [`hash::known`](super::hash::known).
    #[serde(serialize_with = "as_hex")]
    pub xor: u64,
}

/// Numbers that are only compared are shown in hex: JSON's numbers end at 2^53 for many readers.
pub(crate) fn as_hex<S: serde::Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:016x}"))
}
