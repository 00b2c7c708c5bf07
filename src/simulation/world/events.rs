//! The run of a world: one event after the other, and the calls of nodes that they cause.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Happening, World};
use crate::protocol::message::Body;
use crate::protocol::{Event, Node, Outbox, Time, codec};
use crate::simulation::adversary::{Incoming, Stage};
use crate::simulation::faults::Fault;
use crate::simulation::host::{HostId, SOCKET_MAX};
use crate::simulation::invariants::{Call, Called, Violation};
use crate::simulation::queue::DatagramId;
use crate::simulation::traffic::Arrival;

impl World {
    /// Lets time pass.
    ///
    /// # Errors
    /// The first violation of an invariant, at which the world stands still.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Violation> {
        self.run_until(self.now + duration)
    }

    /// Lets time pass until then.
    ///
    /// # Errors
    /// The first violation of an invariant, at which the world stands still.
    pub fn run_until(&mut self, end: Time) -> Result<(), Violation> {
        while self.violation.is_none()
            && let Some((at, happening)) = self.queue.next_until(end)
        {
            self.now = at.max(self.now);
            self.happen(happening);
        }
        match &self.violation {
            Some(violation) => Err(violation.clone()),
            None => {
                self.now = end.max(self.now);
                Ok(())
            }
        }
    }

    pub(super) fn schedule(&mut self, after: Duration, happening: Happening) {
        self.queue.schedule(self.now + after, happening);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrives(id) => self.arrive(id),
            Happening::Ticks { host, life } => {
                let it = &mut self.hosts[host.index()];
                if it.life != life || it.tick_at != self.now {
                    return;
                }
                it.tick_at = Time::NEVER;
                let is_due = it.node.as_ref().is_some_and(|node| node.next_deadline() <= self.now);
                if it.is_running() && it.busy_until <= self.now {
                    if is_due { self.tick(host) } else { self.plan_tick(host) }
                }
            }
            Happening::Ready { host, life } => {
                if self.hosts[host.index()].life == life && self.hosts[host.index()].is_running() {
                    self.go_on(host);
                }
            }
            Happening::Tested { host, life, exponent } => self.tested(host, life, exponent),
            Happening::Durable { host, life, revision } => self.durable(host, life, revision),
            Happening::Reserved { host, life, below } => self.reserved(host, life, below),
            Happening::SavesAgain { host, life } => self.save_again(host, life),
            Happening::Resumes { host, life } => {
                let it = &mut self.hosts[host.index()];
                if it.life == life && it.stalled_until == Some(self.now) {
                    it.stalled_until = None;
                    self.resume(host);
                }
            }
            Happening::Plots { host, life } => self.plot(host, life),
        }
    }

    /// A datagram is there: its host takes it, or its socket keeps it.
    fn arrive(&mut self, id: DatagramId) {
        let host = self.datagrams.recipient(id);
        let it = &mut self.hosts[host.index()];
        if it.node.is_none() {
            return self.datagrams.drop(id);
        }
        if it.stalled_until.is_none() && it.busy_until <= self.now {
            return self.receive(host, id);
        }
        if it.mailbox.len() < SOCKET_MAX {
            it.mailbox.push_back(id);
            if it.stalled_until.is_none() {
                self.faults.one(Fault::Delayed);
            }
        } else {
            self.datagrams.drop(id);
            self.faults.one(Fault::Overflowed);
        }
    }

    /// A slow host is free again.
    fn go_on(&mut self, host: HostId) {
        let it = &mut self.hosts[host.index()];
        let Some(node) = &it.node else { return };
        if node.is_stalled(self.now) {
            self.resume(host);
        } else if node.next_deadline() <= self.now {
            self.tick(host);
        } else if let Some(id) = it.mailbox.pop_front() {
            self.receive(host, id);
        } else {
            self.plan_tick(host);
        }
    }

    /// What is queued is handed over before the first tick after a stall, as the daemon does.
    fn resume(&mut self, host: HostId) {
        while let Some(id) = self.hosts[host.index()].mailbox.pop_front() {
            self.receive(host, id);
        }
        self.tick(host);
    }

    fn tick(&mut self, host: HostId) {
        self.call(host, Call::Ticked, |node, now, out| node.tick(now, out));
    }

    fn receive(&mut self, host: HostId, id: DatagramId) {
        let datagram = self.datagrams.take(id);
        if let Some(from) = datagram.from {
            if datagram.hops > 0
                && let Some(exponent) = prime_in(&datagram.bytes)
                && let Some(watched) = self.traffic.watched_mut(exponent)
            {
                watched.arrived(host, Arrival { at: self.now, hops: datagram.hops });
            }
            if self.overhear(host, from, &datagram.bytes) == Incoming::Passed {
                let call = Call::Heard { from, datagram: &datagram.bytes };
                self.call(host, call, |node, now, out| node.receive(now, from, &datagram.bytes, out));
            }
        }
        self.datagrams.recycle(id, datagram);
    }

    /// Lets a hostile host's adversary see what has come.
    fn overhear(&mut self, host: HostId, from: SocketAddr, datagram: &[u8]) -> Incoming {
        if self.hosts[host.index()].is_honest() {
            return Incoming::Passed;
        }
        let mut incoming = Incoming::Passed;
        self.act(host, |adversary, stage| incoming = adversary.incoming(stage, from, datagram));
        incoming
    }

    fn plot(&mut self, host: HostId, life: u32) {
        if self.hosts[host.index()].life != life || self.hosts[host.index()].node.is_none() {
            return;
        }
        let mut again = None;
        self.act(host, |adversary, stage| again = adversary.tick(stage));
        if let Some(pause) = again {
            self.schedule(pause.max(Duration::from_micros(1)), Happening::Plots { host, life });
        }
    }

    /// Lets an adversary do something, and sends what it wants sent.
    pub(super) fn act(
        &mut self,
        host: HostId,
        act: impl FnOnce(&mut dyn crate::simulation::adversary::Adversary, &mut Stage<'_>),
    ) {
        let Some(mut adversary) = self.hosts[host.index()].adversary.take() else { return };
        let mut deeds = std::mem::take(&mut self.deeds);
        let mut stage = Stage {
            now: self.now,
            host,
            address: self.addresses[host.index()],
            addresses: &self.addresses,
            primes: self.truth.primes(),
            random: &self.random,
            deeds: &mut deeds,
        };
        act(&mut *adversary, &mut stage);
        self.hosts[host.index()].adversary = Some(adversary);
        for deed in deeds.drain(..) {
            self.commit(host, &deed);
        }
        self.deeds = deeds;
    }

    /// Calls a node, checks what it did, and carries out what it wants.
    pub(super) fn call(&mut self, host: HostId, call: Call<'_>, act: impl FnOnce(&Node, Time, &mut Outbox)) {
        let it = &self.hosts[host.index()];
        let Some(node) = it.node.as_deref() else { return };
        let mut out = std::mem::take(&mut self.out);
        if it.is_honest() {
            let before = self.checker.before(node);
            act(node, self.now, &mut out);
            let called = Called { host, node, now: self.now, call, out: &out, truth: &self.truth };
            if let Err(violation) = self.checker.after(&called, before, &mut self.faults) {
                self.violation.get_or_insert(violation);
            }
        } else {
            act(node, self.now, &mut out);
        }
        self.witness(host, &out);
        for place in 0..out.orders.len() {
            self.obey(host, out.orders[place]);
        }
        self.transmit(host, &out);
        out.clear();
        self.out = out;
        let it = &mut self.hosts[host.index()];
        if !it.pace.0.is_zero() {
            it.busy_until = it.busy_until.max(self.now) + it.pace.0;
            let (at, life) = (it.busy_until, it.life);
            self.queue.schedule(at, Happening::Ready { host, life });
        }
        self.plan_tick(host);
    }

    /// Sees to it that a tick is scheduled no later than the node wants one.
    pub(super) fn plan_tick(&mut self, host: HostId) {
        let it = &mut self.hosts[host.index()];
        let Some(node) = it.node.as_deref().filter(|_| it.stalled_until.is_none()) else { return };
        let due = node.next_deadline().max(self.now);
        if due < it.tick_at {
            it.tick_at = due;
            self.queue.schedule(due, Happening::Ticks { host, life: it.life });
        }
    }

    /// Notes what a node says has happened.
    fn witness(&mut self, host: HostId, out: &Outbox) {
        for event in &out.events {
            if let Event::PrimeVerified { exponent, .. } = event
                && let Some(watched) = self.traffic.watched_mut((*exponent).into())
            {
                watched.learned(host, self.now);
            }
            self.trace.happened(self.now, host, event);
        }
    }
}

/// What a PRIME claims to be an exponent.
fn prime_in(datagram: &[u8]) -> Option<u64> {
    match codec::decode(datagram).ok()?.body {
        Body::Prime(prime) => Some(prime.exponent),
        Body::Ping(_) | Body::Pong(_) => None,
    }
}
