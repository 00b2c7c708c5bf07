//! What a node wants done: datagrams to send, orders to its driver, events to tell, measurements to keep.
//!
//! One outbox is reused for all calls; after each call the driver carries out what is in it and clears it.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use super::codec;
use super::event::Event;
use super::message::{Message, MessageId};
use crate::mersenne::Exponent;

/// What a node asks of its driver, beside sending datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Look for the next Mersenne prime above this exponent (any at all, if `None`), instead of what is being looked for
    /// now. Answer with [`Node::found`](super::Node::found), and with this `above`.
    Search {
        /// The largest prime known so far.
        above: Option<Exponent>,
    },
    /// Stop the search, if one runs. What it finds before it notices may be reported all the same.
    StopSearch,
    /// Test this exponent for a claim, instead of what is being tested for a claim now. Answer with
    /// [`Node::verdict`](super::Node::verdict).
    Verify(Exponent),
    /// Stop the test for a claim, if one runs. Its verdict may be reported all the same.
    StopVerify,
    /// Write [`Node::state`](super::Node::state) to disk. Answer with [`Node::saved`](super::Node::saved) once it is
    /// durable; until then a prime found here is not announced.
    Save,
    /// Make sure that no later start of this node begins below this id. Answer with
    /// [`Node::ids_reserved`](super::Node::ids_reserved) once that is durable.
    ReserveIds {
        /// One more than the last id this start may use.
        below: MessageId,
    },
}

/// Something measured, for a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measurement {
    /// From a PING to the PONG that answers it.
    RoundTrip(Duration),
    /// How many hops a PRIME had come when it was first heard, judged by its TTL.
    Hops(u8),
}

/// What one or more calls of a node want done.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    datagrams: Vec<(SocketAddr, Range<usize>)>,
    /// Orders, in the order in which they were given; a later one for the search or for the verifier replaces an earlier one.
    pub orders: Vec<Order>,
    /// Events, oldest first.
    pub events: Vec<Event>,
    /// Measurements, oldest first.
    pub measurements: Vec<Measurement>,
}

impl Outbox {
    /// An empty outbox.
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// The datagrams to send and to whom, in the order in which they were written.
    pub fn datagrams(&self) -> impl ExactSizeIterator<Item = (SocketAddr, &[u8])> {
        self.datagrams.iter().map(|(to, range)| (*to, &self.bytes[range.clone()]))
    }

    /// Empties it and keeps its buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
        self.orders.clear();
        self.events.clear();
        self.measurements.clear();
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty() && self.orders.is_empty() && self.events.is_empty() && self.measurements.is_empty()
    }

    /// Encodes a message once, to be addressed with [`address`](Outbox::address).
    pub(crate) fn write(&mut self, message: &Message) -> Range<usize> {
        let start = self.bytes.len();
        codec::encode(message, &mut self.bytes);
        start..self.bytes.len()
    }

    /// Takes back what was written last.
    pub(crate) fn unwrite(&mut self, range: Range<usize>) {
        self.bytes.truncate(range.start);
    }

    /// Sends what was written to one more recipient.
    pub(crate) fn address(&mut self, to: SocketAddr, written: Range<usize>) {
        self.datagrams.push((to, written));
    }
}
