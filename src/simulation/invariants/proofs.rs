//! Which addresses have proven to a host that they receive what it sends there: an account of our own, from the datagrams
//! alone, to compare a node's conduct with.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::protocol::message::{Body, Message, MessageId};
use crate::protocol::{Rate, Time};
use crate::simulation::address_hasher::AddressHasher;

/// A proof is good for so long.
const PROOF_LASTS: Duration = Duration::from_secs(600);

/// A cookie may be returned for so long after it was sent: two lifetimes of a key.
const COOKIE_LASTS: Duration = Duration::from_secs(120);

/// A plain peer has so long to answer.
const PLAIN_ANSWER: Duration = Duration::from_secs(2);

/// How many different cookies are remembered for each address: a key lasts for a minute.
const COOKIES: usize = 4;

/// With more addresses than these, those are forgotten that nothing can come of.
const ADDRESSES_MAX: usize = 4_096;

/// What passed between a host and one address.
#[derive(Debug, Clone, Copy, Default)]
struct Account {
    /// Cookies sent there, each with the time it was last sent.
    cookies: [(u64, Time); COOKIES],
    pinged: Option<(MessageId, Time)>,
    /// When it last returned a cookie.
    proven: Option<Time>,
    /// When it last answered a PING with nothing but nil.
    plain: Option<Time>,
}

/// What a host knows of who receives where.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    accounts: HashMap<SocketAddr, Account, AddressHasher>,
    /// How long the host has stood still in all: by its own clock, proofs are so much younger.
    lost: Duration,
    /// Probes that may be sent, and when that was counted.
    probes: f64,
    counted: Time,
}

impl Proofs {
    /// A new life begins, with all probes to be had.
    pub(super) fn born(&mut self, probe_rate: Rate) {
        *self = Proofs { probes: probe_rate.burst, ..Proofs::default() };
    }

    /// The host has noticed that it stood still.
    pub(super) fn stalled(&mut self, gap: Duration) {
        self.lost += gap;
    }

    /// The host has heard this.
    pub(super) fn heard(&mut self, now: Time, from: SocketAddr, message: &Message) {
        let now = now.back(self.lost);
        let Some(account) = self.accounts.get_mut(&from) else { return };
        match &message.body {
            Body::Ping(Some(exchange)) | Body::Pong(Some(exchange)) => {
                let returned = |&(cookie, sent): &(u64, Time)| {
                    exchange.echo == Some(cookie) && sent > Time::ZERO && now.since(sent) <= COOKIE_LASTS
                };
                if account.cookies.iter().any(returned) {
                    account.proven = Some(now);
                }
            }
            Body::Pong(None) => {
                let answers = |(id, sent)| id == message.id && now.since(sent) <= PLAIN_ANSWER;
                if account.pinged.is_some_and(answers) {
                    account.plain = Some(now);
                }
            }
            Body::Ping(None) | Body::Prime(_) => {}
        }
    }

    /// The host has sent this.
    pub(super) fn sent(&mut self, now: Time, to: SocketAddr, message: &Message) {
        let now = now.back(self.lost);
        let nonce = match &message.body {
            Body::Ping(exchange) | Body::Pong(exchange) => exchange.as_ref().and_then(|exchange| exchange.nonce),
            Body::Prime(_) => return,
        };
        if self.accounts.len() >= ADDRESSES_MAX && !self.accounts.contains_key(&to) {
            self.accounts.retain(|_, account| account.is_of_use(now));
        }
        let account = self.accounts.entry(to).or_default();
        if let Body::Ping(_) = message.body {
            account.pinged = Some((message.id, now));
        }
        if let Some(nonce) = nonce {
            let known = account.cookies.iter_mut().find(|(cookie, sent)| *cookie == nonce && *sent > Time::ZERO);
            match known {
                Some((_, sent)) => *sent = now,
                None => {
                    account.cookies.rotate_right(1);
                    account.cookies[0] = (nonce, now);
                }
            }
        }
    }

    /// Whether an address has returned a cookie within the last ten minutes.
    pub(super) fn is_proven(&self, now: Time, address: SocketAddr) -> bool {
        self.proven_for(now, address).is_some_and(|ago| ago <= PROOF_LASTS)
    }

    /// How long ago an address last returned a cookie.
    pub(super) fn proven_for(&self, now: Time, address: SocketAddr) -> Option<Duration> {
        let proven = self.accounts.get(&address)?.proven?;
        Some(now.back(self.lost).since(proven))
    }

    /// Whether an address has ever answered as a plain peer in this life.
    pub(super) fn is_plain(&self, address: SocketAddr) -> bool {
        self.accounts.get(&address).is_some_and(|account| account.plain.is_some())
    }

    /// Takes one of the probes that may be sent at this rate. Returns whether there was one.
    pub(super) fn take_probe(&mut self, now: Time, rate: Rate) -> bool {
        let gained = now.since(self.counted).as_secs_f64() * rate.per_second;
        self.counted = now;
        // A token more than the burst, for what is rounded.
        self.probes = (self.probes + gained).min(rate.burst + 1.0) - 1.0;
        self.probes >= -1.0
    }
}

impl Account {
    /// Whether something may still come of it.
    fn is_of_use(&self, now: Time) -> bool {
        let is_recent = |time: Option<Time>, lasts| time.is_some_and(|time| now.since(time) <= lasts);
        is_recent(self.proven, PROOF_LASTS)
            || is_recent(self.plain, PROOF_LASTS)
            || is_recent(self.pinged.map(|(_, sent)| sent), COOKIE_LASTS)
            || self.cookies.iter().any(|&(_, sent)| sent > Time::ZERO && now.since(sent) <= COOKIE_LASTS)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::protocol::address::NodeRef;
    use crate::protocol::message::Exchange;

    fn message(body: Body) -> Message {
        let port = NodeRef::Port(NonZeroU16::new(5_001).unwrap());
        Message { id: MessageId(7), forwarder: port, originator: port, body }
    }

    fn ping(nonce: u64) -> Message {
        message(Body::Ping(Some(Exchange { nonce: Some(nonce), ..Exchange::default() })))
    }

    fn pong(echo: u64) -> Message {
        message(Body::Pong(Some(Exchange { echo: Some(echo), ..Exchange::default() })))
    }

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    const PEER: ([u8; 4], u16) = ([10, 0, 0, 2], 5_001);

    #[test]
    fn only_who_returns_a_cookie_that_was_sent_there_lately_has_proven_his_address() {
        let (peer, other) = (SocketAddr::from(PEER), SocketAddr::from(([10, 0, 0, 3], 5_001)));
        let mut proofs = Proofs::default();
        proofs.sent(at(1), peer, &ping(5));
        proofs.heard(at(2), peer, &pong(6));
        proofs.heard(at(2), other, &pong(5));
        assert!(!proofs.is_proven(at(2), peer) && !proofs.is_proven(at(2), other));
        proofs.heard(at(122), peer, &pong(5));
        assert!(!proofs.is_proven(at(122), peer), "the cookie is too old");
        proofs.heard(at(121), peer, &pong(5));
        assert!(proofs.is_proven(at(721), peer) && !proofs.is_proven(at(722), peer));
        proofs.stalled(Duration::from_secs(30));
        assert!(proofs.is_proven(at(751), peer), "the host stood still for 30 s of these");
    }

    #[test]
    fn a_plain_peer_answers_the_very_ping_in_time() {
        let peer = SocketAddr::from(PEER);
        let nil = message(Body::Pong(None));
        let mut proofs = Proofs::default();
        proofs.sent(at(1), peer, &message(Body::Ping(None)));
        proofs.heard(at(4), peer, &nil);
        proofs.heard(at(2), peer, &Message { id: MessageId(8), ..nil.clone() });
        assert!(!proofs.is_plain(peer));
        proofs.heard(at(2), peer, &nil);
        assert!(proofs.is_plain(peer) && !proofs.is_proven(at(2), peer));
    }

    #[test]
    fn probes_come_back_with_time() {
        let rate = Rate::new(30, 30);
        let mut proofs = Proofs::default();
        proofs.born(rate);
        let taken = (0..100).take_while(|_| proofs.take_probe(at(1), rate)).count();
        assert!((30..=33).contains(&taken), "{taken}");
        assert!(!proofs.take_probe(at(1), rate));
        assert!(proofs.take_probe(at(9), rate));
    }
}
