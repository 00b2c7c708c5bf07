//! The stage of an exercise: the examiners' seats, what is said from them, and what the student's node says to them.
//!
//! An examiner is a peer of the plain kind: six fields, ports for nodes, nil data. Time is what the caller says it is.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::Pace;
use super::reports::Reports;
use crate::protocol::Random;
use crate::protocol::address::NodeRef;
use crate::protocol::codec::{self, Refusal};
use crate::protocol::message::{Body, Message, MessageId};

/// The most that is remembered of what one examiner heard.
const HEARD: usize = 512;

/// The most numbers of claims that are remembered.
const ANNOUNCED: usize = 64;

/// The sockets, as far as the stage needs them.
pub(super) trait Outside: Send {
    /// Opens a socket on the student's host and returns its port.
    fn open(&mut self, ear: Ear) -> io::Result<NonZeroU16>;

    /// Closes it.
    fn close(&mut self, port: NonZeroU16);

    /// Sends a datagram to the student's node. What cannot be sent is lost, as any datagram may be.
    fn send(&mut self, from: NonZeroU16, datagram: &[u8]);
}

/// What a socket hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ear {
    /// Everybody; so it can be noticed when the student's node sends from another port than its own.
    Everybody,
    /// The student's address only; in exchange the system tells when nobody listens there.
    Student,
}

/// How an examiner behaves by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As a peer should: it PINGs and answers PINGs.
    Peer,
    /// It PINGs and answers nothing.
    Asks,
    /// It answers PINGs and says nothing else.
    Answers,
    /// It says only what it is told to.
    Silent,
}

/// One examiner.
#[derive(Debug)]
struct Seat {
    manner: Manner,
    next_ping: Duration,
    heard: VecDeque<Heard>,
}

/// Something that the student's node said to an examiner.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) at: Duration,
    /// The message, or why it is none.
    pub(super) what: Result<Message, Refusal>,
}

/// See the [module](self).
pub(super) struct Stage {
    pub(super) student: SocketAddr,
    pub(super) pace: Pace,
    /// Since the exercise began.
    pub(super) now: Duration,
    pub(super) reports: Reports,
    outside: Box<dyn Outside>,
    seats: BTreeMap<NonZeroU16, Seat>,
    /// Numbers of the latest claims.
    announced: VecDeque<MessageId>,
    random: Random,
}

impl Pace {
    /// What is to happen at once may take so long.
    pub(super) fn at_once(self) -> Duration {
        (self.ping / 5).max(Duration::from_millis(500))
    }

    /// The longest time from one PING to the next that is taken for the right one.
    pub(super) fn longest_gap(self) -> Duration {
        self.ping * 8 / 5 + Duration::from_millis(300)
    }

    /// How much later than the timeout a peer may be dropped: who looks each second is up to a second late.
    pub(super) fn grace(self) -> Duration {
        self.timeout / 5 + Duration::from_millis(300)
    }
}

impl Stage {
    pub(super) fn new(student: SocketAddr, pace: Pace, outside: Box<dyn Outside>, seed: [u8; 16]) -> Stage {
        let reports = Reports::new(student);
        let random = Random::from_seed(seed);
        let (seats, announced) = (BTreeMap::new(), VecDeque::new());
        Stage { student, pace, now: Duration::ZERO, reports, outside, seats, announced, random }
    }

    /// A new examiner; it begins to speak with the next tick.
    ///
    /// # Errors
    /// There is no port left.
    pub(super) fn open(&mut self, manner: Manner, ear: Ear) -> io::Result<NonZeroU16> {
        let port = self.outside.open(ear)?;
        self.seats.insert(port, Seat { manner, next_ping: self.now, heard: VecDeque::new() });
        Ok(port)
    }

    /// An examiner goes without a word.
    pub(super) fn close(&mut self, port: NonZeroU16) {
        self.seats.remove(&port);
        self.outside.close(port);
    }

    /// All examiners but this one go.
    pub(super) fn clear(&mut self, but: NonZeroU16) {
        let ports: Vec<NonZeroU16> = self.seats.keys().copied().filter(|&port| port != but).collect();
        ports.into_iter().for_each(|port| self.close(port));
    }

    /// The address of an examiner.
    pub(super) fn address(&self, port: NonZeroU16) -> SocketAddr {
        SocketAddr::new(self.student.ip(), port.get())
    }

    /// An examiner says what it says by itself.
    pub(super) fn tick(&mut self) {
        let now = self.now;
        // A little more often than it must, so that a lost one changes nothing.
        let interval = self.pace.ping * 4 / 5;
        let mut due = Vec::new();
        for (&port, seat) in &mut self.seats {
            let asks = match seat.manner {
                Manner::Peer | Manner::Asks => true,
                Manner::Answers | Manner::Silent => false,
            };
            if asks && seat.next_ping <= now {
                seat.next_ping = now + interval;
                due.push(port);
            }
        }
        for port in due {
            self.ping(port);
        }
    }

    /// The student's node said something to an examiner; who is polite answers.
    pub(super) fn hear(&mut self, port: NonZeroU16, datagram: &[u8]) {
        let Some(seat) = self.seats.get_mut(&port) else { return };
        let what = codec::decode(datagram);
        let asked = match &what {
            Ok(Message { id, body: Body::Ping(_), .. }) => Some(*id),
            Ok(Message { body: Body::Pong(_) | Body::Prime(_), .. }) | Err(_) => None,
        };
        if seat.heard.len() == HEARD {
            seat.heard.pop_front();
        }
        seat.heard.push_back(Heard { at: self.now, what });
        let answers = match seat.manner {
            Manner::Peer | Manner::Answers => true,
            Manner::Asks | Manner::Silent => false,
        };
        if let Some(id) = asked.filter(|_| answers) {
            self.pong(port, id);
        }
    }

    /// PINGs the student's node; returns the number.
    pub(super) fn ping(&mut self, from: NonZeroU16) -> MessageId {
        let id = self.fresh_id();
        self.ping_again(from, id);
        id
    }

    /// The same with a number of the caller's choice.
    pub(super) fn ping_again(&mut self, from: NonZeroU16, id: MessageId) {
        self.say(from, from, id, Body::Ping(None));
    }

    /// Says a PONG, asked or not.
    pub(super) fn pong(&mut self, from: NonZeroU16, id: MessageId) {
        self.say(from, from, id, Body::Pong(None));
    }

    /// Says anything, in one's own name or as a forwarder.
    pub(super) fn say(&mut self, from: NonZeroU16, originator: NonZeroU16, id: MessageId, body: Body) {
        let message = Message { id, forwarder: NodeRef::Port(from), originator: NodeRef::Port(originator), body };
        let mut datagram = Vec::new();
        codec::encode(&message, &mut datagram);
        self.outside.send(from, &datagram);
    }

    /// A number that nothing had before. It fits 31 bits, which every language has.
    pub(super) fn fresh_id(&self) -> MessageId {
        MessageId(self.random.next() >> 33)
    }

    /// Remembers that a claim has this number.
    pub(super) fn remember(&mut self, id: MessageId) {
        if self.announced.len() == ANNOUNCED {
            self.announced.pop_front();
        }
        self.announced.push_back(id);
    }

    /// Whether an examiner has lately made, or passed on, a claim of this number.
    pub(super) fn was_announced(&self, id: MessageId) -> bool {
        self.announced.contains(&id)
    }

    /// What an examiner has heard since then, oldest first.
    pub(super) fn heard(&self, port: NonZeroU16, since: Duration) -> impl Iterator<Item = &Heard> {
        let heard = self.seats.get(&port).map(|seat| seat.heard.iter()).unwrap_or_default();
        heard.filter(move |heard| heard.at >= since)
    }

    /// Whether any examiner has heard anything since then.
    pub(super) fn has_heard(&self, since: Duration) -> bool {
        let has = |seat: &Seat| seat.heard.back().is_some_and(|heard| heard.at >= since);
        self.seats.values().any(has)
    }

    /// When it was PINGed, oldest first.
    pub(super) fn pings(&self, port: NonZeroU16, since: Duration) -> impl Iterator<Item = Duration> {
        self.heard(port, since).filter_map(|heard| match &heard.what {
            Ok(Message { body: Body::Ping(_), .. }) => Some(heard.at),
            Ok(Message { body: Body::Pong(_) | Body::Prime(_), .. }) | Err(_) => None,
        })
    }

    /// Whether all of these have been PINGed since then, and so are peers.
    pub(super) fn knows<const N: usize>(&self, ports: [NonZeroU16; N], since: Duration) -> bool {
        ports.into_iter().all(|port| self.pings(port, since).next().is_some())
    }

    /// The PONGs it was given, oldest first.
    pub(super) fn pongs(&self, port: NonZeroU16, since: Duration) -> impl Iterator<Item = (Duration, &Message)> {
        self.heard(port, since).filter_map(|heard| match &heard.what {
            Ok(message @ Message { body: Body::Pong(_), .. }) => Some((heard.at, message)),
            Ok(Message { body: Body::Ping(_) | Body::Prime(_), .. }) | Err(_) => None,
        })
    }

    /// The address that the student's node means by this.
    pub(super) fn resolve(&self, node: NodeRef) -> Option<SocketAddr> {
        node.resolve(self.student).ok()
    }
}
