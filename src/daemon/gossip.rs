//! The gossip loop: the one thread that owns the socket and drives the node.
//!
//! Receive, up to 64 datagrams at a time; hand them to the node; send what it wants sent; yield. Nothing here waits for a
//! disk, a big number, a terminal or an HTTP client: those have threads of their own and report back. A current-thread
//! runtime answers about as many datagrams as a plain blocking loop, and a multi-thread one about half as many.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::sync::watch;
use tokio::time::Instant;

use super::clock::Clock;
use super::compute::Compute;
use super::conditions::{Late, Passage, Weather};
use super::exporter::Exporter;
use super::http::{Control, LocalMessage, Request};
use super::journal::Recorder;
use super::report::Report;
use super::saver::Saver;
use super::service_manager::Watchdog;
use super::socket;
use super::socket_counters::{SendErrorKind, SocketCounters};
use crate::protocol::message::MAX_DATAGRAM;
use crate::protocol::{Node, Order, Outbox};

/// Datagrams received before what they caused is sent.
const BATCH: usize = 64;

/// Datagrams that are taken out of the queue in one go after the node has stood still: more than any queue holds.
const STALE_MAX: usize = 1 << 20;

/// How often the kernel is asked how many datagrams it has dropped.
const KERNEL_DROPS_INTERVAL: Duration = Duration::from_secs(1);

/// Everything the gossip loop works with.
#[derive(Debug)]
pub struct Gossip {
    /// The node it drives.
    pub node: Arc<Node>,
    /// The node's time.
    pub clock: Clock,
    /// A bound, non-blocking socket.
    pub socket: std::net::UdpSocket,
    /// What it is bound to.
    pub address: SocketAddr,
    /// Where orders to search and verify go.
    pub compute: Compute,
    /// Where orders to save go.
    pub saver: Saver,
    /// Where events go.
    pub recorder: Recorder,
    /// Where measurements go.
    pub exporter: Arc<Exporter>,
    /// Where the socket's own troubles are counted.
    pub counters: Arc<SocketCounters>,
    /// What other threads report.
    pub reports: UnboundedReceiver<Report>,
    /// Fed by this loop and nobody else, so that a service manager notices when it stands still.
    pub watchdog: Option<Watchdog>,
    /// What is asked for over HTTP.
    pub requests: Receiver<Request>,
    /// Takes the revision of the state that is durable.
    pub durable: watch::Sender<u64>,
    /// What a lab does to datagrams; `None` where no lab has started the node.
    pub weather: Option<Weather>,
}

impl Gossip {
    /// Starts the loop on its own thread. It ends after [`Report::Leave`], or when nobody is left to send one.
    pub fn start(self) -> io::Result<thread::JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("gossip".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(self.run()) {
                tracing::error!("the gossip loop has ended: {error}");
            }
        })
    }

    async fn run(mut self) -> io::Result<()> {
        let socket = UdpSocket::from_std(self.socket.try_clone()?)?;
        let mut buffer = [0; MAX_DATAGRAM + 1];
        let mut out = Outbox::new();
        let mut next_kernel_drops = Instant::now();
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        loop {
            let mut deadline = self.clock.at(self.node.next_deadline());
            if let Some(watchdog) = &self.watchdog {
                deadline = deadline.min(watchdog.next());
            }
            if let Some(due) = self.weather.as_ref().and_then(Weather::next) {
                deadline = deadline.min(due.into());
            }
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            tokio::select! {
                biased;
                report = self.reports.recv() => match report {
                    Some(Report::Leave(done)) => {
                        self.node.leave(self.clock.now(), &mut out);
                        self.carry_out(&mut out);
                        self.send_late(Weather::flush);
                        self.compute.close();
                        // Whoever asked may have stopped waiting.
                        _ = done.send(());
                        let (saved, revision) = self.node.state();
                        self.saver.save(saved, revision);
                        // The journal is complete without the disk.
                        drop(self.recorder);
                        self.saver.close();
                        self.compute.join();
                        return Ok(());
                    }
                    Some(report) => self.take_report(report, &mut out),
                    None => return Ok(()),
                },
                Some(request) = self.requests.recv() => self.serve(request, &mut out),
                ready = socket.readable() => self.count_error(ready),
                () = &mut timer => {}
            }
            self.receive(&socket, &mut buffer, &mut out);
            let now = self.clock.now();
            if self.node.next_deadline() <= now {
                self.node.tick(now, &mut out);
            }
            self.carry_out(&mut out);
            self.send_late(Weather::sent);
            if let Some(watchdog) = &mut self.watchdog {
                watchdog.feed(Instant::now());
            }
            if next_kernel_drops <= Instant::now() {
                next_kernel_drops = Instant::now() + KERNEL_DROPS_INTERVAL;
                self.counters.set_kernel_drops(socket::kernel_drops(self.address));
            }
        }
    }

    /// Hands queued datagrams to the node: a batch, or after a stall all of them, because they have to be dropped as stale
    /// before the node goes on.
    fn receive(&mut self, socket: &UdpSocket, buffer: &mut [u8; MAX_DATAGRAM + 1], out: &mut Outbox) {
        while let Some(late) = self.weather.as_mut().and_then(|weather| weather.received(Instant::now().into_std())) {
            self.node.receive(self.clock.now(), late.peer, &late.datagram, out);
        }
        let batch = if self.node.is_stalled(self.clock.now()) { STALE_MAX } else { BATCH };
        for _ in 0..batch {
            match socket.try_recv_from(buffer) {
                // The buffer is one byte longer than a datagram may be, so one that fills it is too long.
                Ok((length, _)) if length > MAX_DATAGRAM => self.counters.oversize(),
                Ok((length, from)) => {
                    let datagram = &buffer[..length];
                    let passage = match &mut self.weather {
                        Some(weather) => weather.receive(Instant::now().into_std(), from, datagram),
                        None => Passage::Free,
                    };
                    match passage {
                        Passage::Free => self.node.receive(self.clock.now(), from, datagram, out),
                        Passage::Taken => {}
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return self.count_error(Err(error)),
            }
        }
    }

    /// Does what somebody asks over HTTP, who may not be waiting for the answer any more.
    fn serve(&mut self, request: Request, out: &mut Outbox) {
        let now = self.clock.now();
        match request {
            // Who asked has given up waiting, and was told that nothing was done.
            Request::Message(LocalMessage { reply, .. }) if reply.is_closed() => {}
            Request::Control(Control { reply, .. }) if reply.is_closed() => {}
            Request::Message(LocalMessage { datagram, reply }) => {
                drop(reply.send(self.node.receive_local(now, &datagram, out)));
            }
            Request::Control(Control { command, reply }) => {
                _ = reply.send(command.apply(&self.node, now, out));
            }
            Request::Conditions(conditions) => {
                if let Some(weather) = &mut self.weather {
                    weather.set(conditions);
                }
            }
            Request::Speed(speed) => {
                self.clock.set_pace(speed);
                self.node.set_pace(speed);
            }
        }
    }

    fn take_report(&self, report: Report, out: &mut Outbox) {
        let now = self.clock.now();
        match report {
            Report::Found { above, exponent } => self.node.found(now, above, exponent, out),
            Report::SearchFailed => self.node.search_failed(),
            Report::Verdict { exponent, verdict, took } => {
                self.exporter.verified_in(took);
                self.node.verdict(now, exponent, verdict, out);
            }
            Report::Saved { revision, ids_below } => {
                self.node.ids_reserved(ids_below);
                self.node.saved(now, revision, out);
                self.durable.send_replace(revision);
            }
            Report::Seed(address) => self.node.add_seed(now, address),
            Report::NoSeed(address) => self.node.remove_seed(address),
            Report::SearchMode(mode) => self.node.set_search(mode, out),
            // Handled by the loop itself, which it ends.
            Report::Leave(_) => {}
        }
    }

    /// Does everything the node wants done.
    fn carry_out(&mut self, out: &mut Outbox) {
        // Told before anything is sent, so that no answer to it has an earlier time.
        for event in out.events.drain(..) {
            self.exporter.witness(&event);
            self.recorder.record(event);
        }
        for (to, datagram) in out.datagrams() {
            let passage = match &mut self.weather {
                Some(weather) => weather.send(Instant::now().into_std(), to, datagram),
                None => Passage::Free,
            };
            match passage {
                Passage::Free => self.send(to, datagram),
                Passage::Taken => {}
            }
        }
        for order in out.orders.drain(..) {
            match order {
                Order::Search { above } => self.compute.search(above),
                Order::StopSearch => self.compute.stop_search(),
                Order::Verify(exponent) => self.compute.verify(exponent),
                Order::StopVerify => self.compute.stop_verify(),
                Order::Save => {
                    let (saved, revision) = self.node.state();
                    self.saver.save(saved, revision);
                }
                Order::ReserveIds { below } => self.saver.reserve(below),
            }
        }
        for measurement in &out.measurements {
            self.exporter.measure(measurement);
        }
        out.clear();
    }

    /// Sends what was held back on its way here.
    fn send_late(&mut self, next: fn(&mut Weather, std::time::Instant) -> Option<Late>) {
        while let Some(late) = self.weather.as_mut().and_then(|weather| next(weather, Instant::now().into_std())) {
            self.send(late.peer, &late.datagram);
        }
    }

    fn send(&self, to: SocketAddr, datagram: &[u8]) {
        // Not through the runtime, which believes that a socket cannot send until it has heard that it can.
        if let Err(error) = self.socket.send_to(datagram, socket::reach(self.address, to)) {
            self.count_error(Err(error));
            self.node.not_sent(self.clock.now(), to);
        }
    }

    /// A socket that cannot send or receive now may be able to in a moment: a firewall answers EPERM, a lost link
    /// ENETUNREACH. Errors are counted and never end the loop.
    fn count_error(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.counters.send_failed(SendErrorKind::of(&error));
        }
    }
}
