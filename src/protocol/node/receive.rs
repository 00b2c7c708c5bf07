//! A datagram on its way in: decoded, within budget, alive, and only then acted upon. The cheapest checks come first.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Node, traffic};
use crate::protocol::address::{self, NodeRef};
use crate::protocol::codec::{self, Refusal};
use crate::protocol::counters::{ClaimResult, DropReason};
use crate::protocol::event::{Event, PeerKind};
use crate::protocol::message::{Body, Exchange, Message, MessageType};
use crate::protocol::outbox::Outbox;
use crate::protocol::settings::LoopbackLimits;
use crate::protocol::time::Time;

/// What became of a PRIME.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is one of this node's own, come back.
    Own,
    /// It has been heard before.
    Duplicate,
    /// It has been heard before, but this copy reaches further and was forwarded.
    ForwardedAgain,
    /// It passed the cheap checks and waits for its test.
    Queued,
    /// It was decided at once.
    Decided(ClaimResult),
}

/// What became of a message that was handed in on this machine, rather than received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalFate {
    /// A PING was answered by this PONG.
    Answered(Box<Message>),
    /// A PONG answers nothing.
    Ignored,
    /// A PRIME.
    Prime(Fate),
    /// The node sleeps, and has not looked at it.
    Asleep,
}

/// Where messages come from that were handed in on this machine: an address nobody can have.
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Who sent a message, and how sure that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    /// The UDP envelope's address.
    pub(super) address: SocketAddr,
    /// Whether it is an active peer.
    pub(super) peer: Option<PeerKind>,
    /// Whether this very message returns a cookie of ours.
    pub(super) echo: Echo,
}

/// Whether a message proves its sender's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    /// It returns a cookie this node made for that address lately.
    Valid,
    /// It does not.
    Missing,
}

impl Sender {
    /// Whether this address is known to receive what is sent to it.
    pub(super) fn is_proven(&self) -> bool {
        self.echo == Echo::Valid || self.peer == Some(PeerKind::Proven)
    }
}

impl Node {
    /// Takes in a datagram that came from `from`, the UDP envelope's address.
    ///
    /// When the node has stood still, everything that is queued must be handed over before [`tick`](Node::tick) is
    /// called: it is dropped as stale. Whatever is wrong with a datagram is counted, and nothing else happens.
    pub fn receive(&self, now: Time, from: SocketAddr, datagram: &[u8], out: &mut Outbox) {
        if self.is_asleep() {
            return self.counters.dropped.of(DropReason::Asleep).one();
        }
        let now = self.own_time(now);
        if self.is_late(now) {
            return self.counters.dropped.of(DropReason::Stale).one();
        }
        let message = match codec::decode(datagram) {
            Ok(message) => message,
            Err(refusal) => return self.counters.refused.of(refusal.reason).one(),
        };
        let Some((from, originator)) = resolve(&message, from) else {
            return self.counters.dropped.of(DropReason::Address).one();
        };
        let sender = Sender { address: from, peer: self.peers.kind(from), echo: self.echo(now, from, &message) };
        if let Some(reason) = self.over_budget(now, sender, message.body.message_type()) {
            return self.counters.dropped.of(reason).one();
        }
        if self.is_own_voice(now, sender, &message) {
            return self.meet_oneself(now, from, out);
        }
        let message_type = message.body.message_type();
        self.counters.received.of(message_type).one();
        self.counters.received_bytes.of(message_type).add(datagram.len() as u64);
        out.events.push(Event::Received(traffic(&message, from, originator, datagram.len())));
        self.note_life(now, sender);
        match &message.body {
            Body::Ping(exchange) => self.on_ping(now, sender, &message, exchange.as_ref(), datagram.len(), out),
            Body::Pong(exchange) => self.on_pong(now, sender, message.id, exchange.as_ref(), out),
            Body::Prime(announcement) => {
                self.on_prime(now, sender.address, message.id, originator, announcement, out);
            }
        }
    }

    /// Takes in a message that somebody on this machine handed in, as a datagram without an envelope: it is refused,
    /// deduplicated, checked and forwarded like any other, but its sender is nobody's peer, whatever `msg_forwarder` says.
    pub fn receive_local(&self, now: Time, datagram: &[u8], out: &mut Outbox) -> Result<LocalFate, Refusal> {
        if self.is_asleep() {
            self.counters.dropped.of(DropReason::Asleep).one();
            return Ok(LocalFate::Asleep);
        }
        let now = self.own_time(now);
        let message = codec::decode(datagram).inspect_err(|refusal| self.counters.refused.of(refusal.reason).one())?;
        let envelope = match message.forwarder {
            NodeRef::Port(port) => SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port.get()),
            NodeRef::Address(address) => address,
        };
        let originator = message.originator.resolve(envelope).map_err(|_| Refusal::address("msg_originator"))?;
        let message_type = message.body.message_type();
        self.counters.received.of(message_type).one();
        self.counters.received_bytes.of(message_type).add(datagram.len() as u64);
        out.events.push(Event::Received(traffic(&message, envelope, originator, datagram.len())));
        Ok(match &message.body {
            Body::Ping(None) => LocalFate::Answered(Box::new(self.own_message(message.id, Body::Pong(None)))),
            Body::Ping(Some(exchange)) => {
                let answer = Exchange {
                    echo: exchange.nonce,
                    known: Some(self.primes.digest()),
                    instance: Some(self.instance()),
                    ..Exchange::default()
                };
                LocalFate::Answered(Box::new(self.own_message(message.id, Body::Pong(Some(answer)))))
            }
            Body::Pong(_) => LocalFate::Ignored,
            Body::Prime(announcement) => {
                LocalFate::Prime(self.on_prime(now, LOCAL, message.id, originator, announcement, out))
            }
        })
    }

    /// Whether the message returns a cookie that this node made for its sender.
    pub(super) fn echo(&self, now: Time, from: SocketAddr, message: &Message) -> Echo {
        let echo = match &message.body {
            Body::Ping(exchange) | Body::Pong(exchange) => exchange.as_ref().and_then(|exchange| exchange.echo),
            Body::Prime(_) => None,
        };
        match echo {
            Some(echo) if self.cookies.is_valid(now, from, echo) => Echo::Valid,
            Some(_) | None => Echo::Missing,
        }
    }

    /// Takes a token from the budgets this message draws from; what proves its sender draws from a bucket of its own, so
    /// that a forger cannot starve a real peer.
    fn over_budget(&self, now: Time, sender: Sender, message_type: MessageType) -> Option<DropReason> {
        let from = sender.address;
        if from.ip().is_loopback() && self.settings.loopback == LoopbackLimits::Exempt {
            return None;
        }
        let within = match (sender.echo, sender.peer, message_type) {
            (Echo::Valid, _, _) => {
                let rate = self.settings.proven_rate;
                let of_peer = self.peers.with(from, |peer| peer.budget.take(now, rate));
                of_peer.unwrap_or_else(|| self.budgets.proven.take(now, from))
            }
            (Echo::Missing, Some(PeerKind::Proven), MessageType::Prime) => {
                let rate = self.settings.proven_rate;
                self.peers.with(from, |peer| peer.prime_budget.take(now, rate)).unwrap_or(false)
            }
            (Echo::Missing, _, _) => {
                if self.budgets.strangers.take(now, from) {
                    let group = self.budgets.groups.take(now, address::group(from.ip()));
                    return (!group).then_some(DropReason::GroupBudget);
                }
                false
            }
        };
        (!within).then_some(DropReason::AddressBudget)
    }

    /// Whether this is a PING or PONG of this very start of this node. It must show a cookie of ours, as nonce or as echo:
    /// an `instance` alone can be repeated by anybody, to make us disown an honest peer's address.
    fn is_own_voice(&self, now: Time, sender: Sender, message: &Message) -> bool {
        match &message.body {
            Body::Ping(Some(exchange)) | Body::Pong(Some(exchange)) => {
                let is_ours = |nonce| self.cookies.is_valid(now, sender.address, nonce);
                exchange.instance == Some(self.instance())
                    && (sender.echo == Echo::Valid || exchange.nonce.is_some_and(is_ours))
            }
            Body::Ping(None) | Body::Pong(None) | Body::Prime(_) => false,
        }
    }

    /// Refreshes the sender's last-heard time. The sender is the envelope; once he has proven his address, only what
    /// returns a valid echo counts.
    fn note_life(&self, now: Time, sender: Sender) {
        let alive = match sender.peer {
            Some(PeerKind::Proven) => sender.echo == Echo::Valid,
            Some(PeerKind::Plain) => true,
            None => false,
        };
        if alive {
            self.ping_by(now + self.settings.silent_after);
            self.peers.with(sender.address, |peer| {
                peer.heard(now);
                if sender.echo == Echo::Valid {
                    peer.kind = PeerKind::Proven;
                }
            });
            if sender.peer == Some(PeerKind::Plain) && sender.echo == Echo::Valid {
                self.place_leaves();
            }
        }
    }
}

/// The canonical address of the envelope and of the originator. If forwarder and originator are written the same, both are
/// the envelope: address translation may have changed the port. Two nodes behind one box that use the same port have the
/// same name for themselves, as seen from outside; so what the names mean is no guide.
fn resolve(message: &Message, from: SocketAddr) -> Option<(SocketAddr, SocketAddr)> {
    let from = address::reachable(from).ok()?;
    message.forwarder.resolve(from).ok()?;
    let originator = message.originator.resolve(from).ok()?;
    Some((from, if message.forwarder == message.originator { from } else { originator }))
}
