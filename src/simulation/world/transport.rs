//! From a sender to a recipient: adversaries, address translation, cuts, the link.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Happening, Overheard, World};
use crate::protocol::message::{Body, Message, MessageType};
use crate::protocol::{Event, Outbox, codec};
use crate::simulation::adversary::{Deed, Outgoing};
use crate::simulation::cuts::Cut;
use crate::simulation::faults::Fault;
use crate::simulation::host::HostId;
use crate::simulation::invariants::Checks;
use crate::simulation::link::Order;
use crate::simulation::nat::{MappingFate, NatId};

/// How many datagrams are kept to be sent again.
const OVERHEARD_MAX: usize = 256;

/// Whose a datagram is.
#[derive(Debug, Clone, Copy)]
enum Sender {
    /// A host's own: its NAT translates.
    Host(HostId),
    /// A host's, in an envelope that names somebody else.
    Forger(HostId, SocketAddr),
    /// Nobody's.
    Nobody(SocketAddr),
}

impl World {
    /// Sends what a node wants sent.
    pub(super) fn transmit(&mut self, host: HostId, out: &Outbox) {
        if out.datagrams().len() == 0 {
            return;
        }
        let pace = self.hosts[host.index()].pace.0;
        let is_honest = self.hosts[host.index()].is_honest();
        // A node tells of each datagram, in the order in which it writes them.
        let sent =
            out.events.iter().filter_map(|event| if let Event::Sent(traffic) = event { Some(traffic) } else { None });
        for ((to, datagram), traffic) in out.datagrams().zip(sent) {
            if is_honest {
                self.traffic.note(traffic.msg_type, traffic.data, datagram.len());
                let hops = traffic.data.map_or(0, |exponent| self.hops_from(host, exponent));
                self.send(Sender::Host(host), pace, to, hops, datagram);
            } else if let Ok(message) = codec::decode(datagram) {
                self.twist(host, pace, to, &message, datagram);
            }
        }
    }

    /// Sends what a hostile host's node wants sent, or what its adversary sends instead.
    fn twist(&mut self, host: HostId, pace: Duration, to: SocketAddr, message: &Message, datagram: &[u8]) {
        let mut outgoing = Outgoing::Unchanged;
        self.act(host, |adversary, stage| outgoing = adversary.outgoing(stage, to, message));
        match outgoing {
            Outgoing::Unchanged => self.send_hostile(Sender::Host(host), pace, to, datagram),
            Outgoing::Dropped => {}
            Outgoing::Instead(message) => {
                let mut datagram = Vec::new();
                codec::encode(&message, &mut datagram);
                self.send_hostile(Sender::Host(host), pace, to, &datagram);
            }
        }
    }

    /// Sends what an adversary made itself.
    pub(super) fn commit(&mut self, host: HostId, deed: &Deed) {
        let is_own = deed.from == self.addresses[host.index()];
        let sender = if is_own { Sender::Host(host) } else { Sender::Forger(host, deed.from) };
        deed.fault.into_iter().for_each(|fault| self.faults.one(fault));
        self.send_hostile(sender, Duration::ZERO, deed.to, &deed.datagram);
    }

    /// Sends a message that no node has made, in an envelope that names `from` as its sender.
    pub fn forge(&mut self, from: SocketAddr, to: HostId, message: &Message) {
        let mut datagram = Vec::new();
        codec::encode(message, &mut datagram);
        self.faults.one(Fault::Forged);
        self.send_hostile(Sender::Nobody(from), Duration::ZERO, self.addresses[to.index()], &datagram);
    }

    /// Sends one of the last datagrams again, to its recipient or to somebody else.
    pub fn replay(&mut self) {
        if self.overheard.is_empty() {
            return;
        }
        let place = self.random.below(self.overheard.len());
        let anybody = HostId(self.random.below(self.hosts.len()) as u32);
        let redirected = self.random.below(3) == 0;
        let Overheard { from: Some(from), to, bytes } = &self.overheard[place] else { return };
        let (from, to) = (*from, if redirected { anybody } else { *to });
        let datagram = bytes.clone();
        self.faults.one(Fault::Replayed);
        self.pass(None, from, to, Duration::ZERO, 0, &datagram);
    }

    fn send_hostile(&mut self, sender: Sender, pace: Duration, to: SocketAddr, datagram: &[u8]) {
        let decoded = codec::decode(datagram).ok();
        let data = decoded.as_ref().and_then(|message| match &message.body {
            Body::Prime(prime) => Some(prime.exponent),
            Body::Ping(_) | Body::Pong(_) => None,
        });
        let message_type = decoded.as_ref().map_or(MessageType::Ping, |message| message.body.message_type());
        self.traffic.note(message_type, data, datagram.len());
        let (envelope, hops) = match sender {
            Sender::Host(host) => {
                (self.addresses[host.index()], data.map_or(0, |exponent| self.hops_from(host, exponent)))
            }
            Sender::Forger(_, envelope) | Sender::Nobody(envelope) => (envelope, 0),
        };
        if let Some(message) = &decoded {
            self.checker.claimed(message, envelope);
        }
        self.send(sender, pace, to, hops, datagram);
    }

    /// How many hops a watched PRIME has come when it arrives from here; 0 for others.
    fn hops_from(&self, host: HostId, exponent: u64) -> u32 {
        self.traffic.hops_at(host, exponent).map_or(0, |hops| hops + 1)
    }

    fn send(&mut self, sender: Sender, pace: Duration, to: SocketAddr, hops: u32, datagram: &[u8]) {
        let (host, from, inside) = match sender {
            Sender::Host(host) => {
                self.trace.sent(self.now, host, to, datagram);
                (Some(host), self.addresses[host.index()], self.hosts[host.index()].nat)
            }
            Sender::Forger(host, envelope) => (Some(host), envelope, None),
            Sender::Nobody(envelope) => (None, envelope, None),
        };
        let direct = self.by_address.get(&to).copied();
        let direct = direct.filter(|to| host.is_none() || self.reaches(inside, *to));
        let from = match (inside, host) {
            (Some(nat), Some(host)) if direct.is_none_or(|to| self.hosts[to.index()].nat != inside) => {
                self.translate(nat, host, from, to)
            }
            _ => from,
        };
        let Some(recipient) = direct.or_else(|| self.let_in(from, to)) else { return };
        self.overhear_sent(from, recipient, datagram);
        self.pass(host, from, recipient, pace, hops, datagram);
    }

    /// Whether a host can be reached at its own address from behind this NAT, or from outside of all.
    fn reaches(&self, inside: Option<NatId>, to: HostId) -> bool {
        let nat = self.hosts[to.index()].nat;
        nat.is_none() || nat == inside
    }

    fn translate(&mut self, nat: NatId, host: HostId, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let translated = self.nats[nat.0 as usize].outbound(self.now, host, from, to);
        self.faults.one(Fault::Translated);
        match translated.mapping {
            MappingFate::Kept => {}
            MappingFate::First => self.checker.alias(translated.from, host),
            MappingFate::Renewed => {
                self.faults.one(Fault::Remapped);
                self.checker.alias(translated.from, host);
            }
        }
        translated.from
    }

    /// The host behind a NAT that a datagram to a public address goes to.
    fn let_in(&mut self, from: SocketAddr, to: SocketAddr) -> Option<HostId> {
        let nat = *self.nat_by_ip.get(&to.ip())?;
        let host = self.nats[nat.0 as usize].inbound(self.now, from, to.port());
        if host.is_none() {
            self.faults.one(Fault::FilteredByNat);
        }
        host
    }

    fn overhear_sent(&mut self, from: SocketAddr, to: HostId, datagram: &[u8]) {
        if self.checks == Checks::Light {
            return;
        }
        if self.overheard.len() < OVERHEARD_MAX {
            self.overheard.push(Overheard::default());
        }
        let place = self.random.below(self.overheard.len());
        let kept = &mut self.overheard[place];
        (kept.from, kept.to) = (Some(from), to);
        kept.bytes.clear();
        kept.bytes.extend_from_slice(datagram);
    }

    /// Puts a datagram on its way, or drops it.
    fn pass(
        &mut self,
        sender: Option<HostId>,
        from: SocketAddr,
        to: HostId,
        pace: Duration,
        hops: u32,
        datagram: &[u8],
    ) {
        match sender.and_then(|sender| self.cuts.drops(sender, to)) {
            None => {}
            Some(Cut::Off(_)) => return self.faults.one(Fault::Cut),
            Some(Cut::Between(..)) => return self.faults.one(Fault::CutBetween),
            Some(Cut::OneWay(..)) => return self.faults.one(Fault::CutOneWay),
        }
        let Some(passage) = self.link.passage(&self.random, sender.unwrap_or(to), to) else {
            return self.faults.one(Fault::Lost);
        };
        if passage.order == Order::HeldBack {
            self.faults.one(Fault::Reordered);
        }
        if let Some(delay) = passage.copy {
            self.faults.one(Fault::Duplicated);
            let copy = self.datagrams.put(from, to, hops, datagram);
            self.schedule(pace + delay, Happening::Arrives(copy));
        }
        let id = self.datagrams.put(from, to, hops, datagram);
        self.schedule(pace + passage.delay, Happening::Arrives(id));
    }
}
