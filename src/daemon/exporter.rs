//! Metrics for Prometheus.
//!
//! All series are made when the exporter is, with a handle each: a label comes from a closed set and is there from the start
//! at 0, and nothing that a peer sends adds one. What the node counts is copied at each scrape; only histograms are fed as
//! things happen, at a few nanoseconds each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{Gauge, Histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::journal::Journal;
use super::socket_counters::{SendErrorKind, SocketCounters};
use crate::protocol::codec::RefusalReason;
use crate::protocol::message::MessageType;
use crate::protocol::{
    ClaimResult, Counters, DiscoveredVia, DropReason, Event, EvictionReason, FORWARD_TTLS, Family, Label, Measurement,
    Node,
};
use crate::search::SearchBoard;

mod network;
mod requests;
mod search;
#[cfg(test)]
pub(in crate::daemon) mod tests;

use network::Network;
pub use requests::Route;
use requests::{Requests, requests};
use search::Search;

const ROUND_TRIP: &str = "mersenned_peer_rtt_seconds";
const HOPS: &str = "mersenned_prime_hops";
const VERIFICATION: &str = "mersenned_verification_seconds";

/// 100 µs to 1 s: from one host to another continent.
const ROUND_TRIP_BUCKETS: [f64; 13] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];
/// 1 ms to 10 min: from M2203 to the largest exponents a node tests for others.
const VERIFICATION_BUCKETS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 600.0];
/// As many hops as the highest TTL that is believed allows.
const HOPS_MAX: u8 = 17;

/// The label of a message type: as everything in labels, lower case.
const fn type_label(message_type: MessageType) -> &'static str {
    match message_type {
        MessageType::Ping => "ping",
        MessageType::Pong => "pong",
        MessageType::Prime => "prime",
    }
}

/// Reads one number out of the node's counters or the socket's.
type Source = Box<dyn Fn(&Counters, &SocketCounters) -> u64 + Send + Sync>;

/// All metrics of one node.
pub struct Exporter {
    node: Arc<Node>,
    journal: Arc<Journal>,
    socket: Arc<SocketCounters>,
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    process: metrics_process::Collector,
    /// Counts that are kept elsewhere, each with where.
    copied: Vec<(metrics::Counter, Source)>,
    gauges: Gauges,
    network: Network,
    search: Search,
    histograms: Histograms,
    lagged: metrics::Counter,
    requests: Requests,
    /// The exponent of the largest prime heard of in [`Exporter::witness`], or known at the start.
    height: AtomicU64,
}

struct Gauges {
    address_book: Gauge,
    receive_buffer: Gauge,
    seen: Gauge,
    known_primes: Gauge,
    height: Gauge,
    height_timestamp: Gauge,
    verification_queue: Gauge,
    event_subscribers: Gauge,
}

struct Histograms {
    round_trip: Histogram,
    hops: Histogram,
    verification: Histogram,
}

impl Exporter {
    /// Makes all series of this node.
    ///
    /// # Errors
    /// None of its own: the buckets are constants, and not empty.
    pub fn new(
        node: Arc<Node>,
        journal: Arc<Journal>,
        socket: Arc<SocketCounters>,
        board: Arc<SearchBoard>,
    ) -> Result<Exporter, BuildError> {
        let hops: Vec<f64> = (1..=HOPS_MAX).map(f64::from).collect();
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(ROUND_TRIP.to_owned()), &ROUND_TRIP_BUCKETS)?
            .set_buckets_for_metric(Matcher::Full(HOPS.to_owned()), &hops)?
            .set_buckets_for_metric(Matcher::Full(VERIFICATION.to_owned()), &VERIFICATION_BUCKETS)?
            .build_recorder();
        let process = metrics_process::Collector::default();
        let (copied, gauges, network, search, histograms, lagged, requests) =
            metrics::with_local_recorder(&recorder, || {
                process.describe();
                build_info();
                (copied(), gauges(), Network::new(), Search::new(board), histograms(), lagged(), requests())
            });
        let known = node.state_view().known;
        let exporter = Exporter {
            node,
            journal,
            socket,
            handle: recorder.handle(),
            recorder,
            process,
            copied,
            gauges,
            network,
            search,
            histograms,
            lagged,
            requests,
            height: AtomicU64::new(known.largest),
        };
        exporter.refresh();
        Ok(exporter)
    }

    /// Keeps a measurement.
    pub fn measure(&self, measurement: &Measurement) {
        match *measurement {
            Measurement::RoundTrip(duration) => self.histograms.round_trip.record(duration.as_secs_f64()),
            Measurement::Hops(hops) => self.histograms.hops.record(f64::from(hops)),
        }
    }

    /// Something happened just now: if a larger prime became known, this is its time. After a reset heights begin again.
    pub fn witness(&self, event: &Event) {
        if let Event::Reset = event {
            self.height.store(0, Ordering::Relaxed);
            self.search.forget();
        }
        if let Event::PrimeFound { exponent, .. } | Event::PrimeVerified { exponent, .. } = event {
            let exponent = u64::from(*exponent);
            if self.height.fetch_max(exponent, Ordering::Relaxed) < exponent {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                self.gauges.height_timestamp.set(now.as_secs_f64());
            }
        }
    }

    /// An exponent was tested for somebody's claim and took this long.
    pub fn verified_in(&self, duration: Duration) {
        self.histograms.verification.record(duration.as_secs_f64());
    }

    /// An HTTP request was answered.
    pub fn count_answer(&self, route: Route, code: u16) {
        self.requests.count(route, code);
    }

    /// All metrics, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.refresh();
        metrics::with_local_recorder(&self.recorder, || self.process.collect());
        self.handle.render()
    }

    /// What has to be done every few seconds: without it histograms grow until somebody scrapes.
    pub fn look_after(&self) {
        self.handle.run_upkeep();
    }

    fn refresh(&self) {
        let counters = self.node.counters();
        for (counter, source) in &self.copied {
            counter.absolute(source(counters, &self.socket));
        }
        self.lagged.absolute(self.journal.lagged());
        let state = self.node.state_view();
        let Gauges {
            address_book,
            receive_buffer,
            seen,
            known_primes,
            height,
            height_timestamp: _,
            verification_queue,
            event_subscribers,
        } = &self.gauges;
        address_book.set(state.address_book as f64);
        receive_buffer.set(self.socket.receive_buffer() as f64);
        seen.set(state.seen as f64);
        known_primes.set(state.known.count as f64);
        height.set(state.known.largest as f64);
        verification_queue.set(state.verification_queue as f64);
        event_subscribers.set(self.journal.subscribers() as f64);
        self.network.refresh(&state, &self.node.peer_roles());
        self.search.refresh(&state);
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exporter({} copied counters)", self.copied.len())
    }
}

fn build_info() {
    metrics::describe_gauge!("mersenned_build_info", "The version that runs; always 1.");
    metrics::gauge!("mersenned_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// One counter for each label, copied from a family of the node's counters.
fn family<L: Label + Send + Sync>(
    copied: &mut Vec<(metrics::Counter, Source)>,
    make: impl Fn(L) -> metrics::Counter,
    of: fn(&Counters) -> &Family<L>,
) {
    for &label in L::ALL {
        copied.push((make(label), Box::new(move |counters, _| of(counters).of(label).get())));
    }
}

fn copied() -> Vec<(metrics::Counter, Source)> {
    use metrics::{counter, describe_counter};
    let mut copied: Vec<(metrics::Counter, Source)> = Vec::new();
    let all = &mut copied;

    const DISCOVERED: &str = "mersenned_peers_discovered_total";
    describe_counter!(DISCOVERED, "Peers that became active, by how they were heard of.");
    family::<DiscoveredVia>(all, |via| counter!(DISCOVERED, "via" => via.as_str()), |counters| &counters.discovered);

    const EVICTIONS: &str = "mersenned_peer_evictions_total";
    describe_counter!(EVICTIONS, "Active peers dropped, by reason.");
    let make = |reason: EvictionReason| counter!(EVICTIONS, "reason" => reason.as_str());
    family(all, make, |counters| &counters.evictions);

    const FLAPS: &str = "mersenned_peer_flaps_total";
    describe_counter!(FLAPS, "Peers that were dropped as silent and came back within a minute.");
    all.push((counter!(FLAPS), Box::new(|counters, _| counters.flaps.get())));

    const DATAGRAMS: &str = "mersenned_datagrams_total";
    describe_counter!(DATAGRAMS, "Datagrams accepted and written, by message type.");
    const BYTES: &str = "mersenned_datagram_bytes_total";
    describe_counter!(BYTES, "Bytes of the datagrams accepted and written, by message type.");
    let of = |name: &'static str, direction: &'static str| move |message_type| counter!(name, "direction" => direction, "type" => type_label(message_type));
    family(all, of(DATAGRAMS, "received"), |counters| &counters.received);
    family(all, of(DATAGRAMS, "sent"), |counters| &counters.sent);
    family(all, of(BYTES, "received"), |counters| &counters.received_bytes);
    family(all, of(BYTES, "sent"), |counters| &counters.sent_bytes);

    const DROPPED: &str = "mersenned_datagrams_dropped_total";
    describe_counter!(DROPPED, "Datagrams received and dropped, by reason.");
    for reason in drop_labels() {
        let refusals: Vec<RefusalReason> =
            RefusalReason::ALL.into_iter().filter(|refusal| refusal.as_str() == reason).collect();
        let drops: Vec<DropReason> = DropReason::ALL.iter().copied().filter(|drop| drop.as_str() == reason).collect();
        let source = move |counters: &Counters, _: &SocketCounters| {
            let refused: u64 = refusals.iter().map(|&refusal| counters.refused.of(refusal).get()).sum();
            let dropped: u64 = drops.iter().map(|&drop| counters.dropped.of(drop).get()).sum();
            refused + dropped
        };
        all.push((counter!(DROPPED, "reason" => reason), Box::new(source)));
    }
    all.push((counter!(DROPPED, "reason" => "oversize"), Box::new(|_, socket| socket.oversized())));

    const SEND_ERRORS: &str = "mersenned_send_errors_total";
    describe_counter!(SEND_ERRORS, "Datagrams that could not be sent, by the kind of error.");
    for &kind in SendErrorKind::ALL {
        let source = move |_: &Counters, socket: &SocketCounters| socket.send_errors(kind);
        all.push((counter!(SEND_ERRORS, "kind" => kind.as_str()), Box::new(source)));
    }

    const KERNEL_DROPS: &str = "mersenned_socket_kernel_drops_total";
    describe_counter!(KERNEL_DROPS, "Datagrams the kernel dropped because the receive buffer was full.");
    all.push((counter!(KERNEL_DROPS), Box::new(|_, socket| socket.kernel_drops())));

    const ORIGINATED: &str = "mersenned_messages_originated_total";
    describe_counter!(ORIGINATED, "Messages created by this node, by type.");
    let make = |message_type| counter!(ORIGINATED, "type" => type_label(message_type));
    family(all, make, |counters| &counters.originated);

    const DUPLICATES: &str = "mersenned_duplicates_total";
    describe_counter!(DUPLICATES, "PRIMEs heard again.");
    all.push((counter!(DUPLICATES), Box::new(|counters, _| counters.duplicates.get())));

    const FORWARDS: &str = "mersenned_forwards_total";
    describe_counter!(FORWARDS, "PRIMEs forwarded, by the TTL they left with; one for each message, not recipient.");
    for ttl in 0..FORWARD_TTLS {
        let source = move |counters: &Counters, _: &SocketCounters| counters.forwards[ttl].get();
        all.push((counter!(FORWARDS, "ttl" => ttl.to_string()), Box::new(source)));
    }

    const CATCHUP: &str = "mersenned_catchup_sent_total";
    describe_counter!(CATCHUP, "PRIMEs sent to peers that lacked them.");
    all.push((counter!(CATCHUP), Box::new(|counters, _| counters.catchup_sent.get())));

    const CLAIMS: &str = "mersenned_claims_total";
    describe_counter!(CLAIMS, "Claims decided, by what became of them.");
    family::<ClaimResult>(all, |result| counter!(CLAIMS, "result" => result.as_str()), |counters| &counters.claims);
    copied
}

/// Why the node drops datagrams, before and after they are decoded; one reason, one label.
fn drop_labels() -> Vec<&'static str> {
    let mut labels: Vec<&'static str> = RefusalReason::ALL.iter().map(|reason| reason.as_str()).collect();
    for reason in DropReason::ALL {
        if !labels.contains(&reason.as_str()) {
            labels.push(reason.as_str());
        }
    }
    labels
}

fn gauges() -> Gauges {
    use metrics::{describe_gauge, gauge};
    let gauge = |name: &'static str, text: &'static str| {
        describe_gauge!(name, text);
        gauge!(name)
    };
    Gauges {
        address_book: gauge("mersenned_address_book_entries", "Addresses that may become peers."),
        receive_buffer: gauge("mersenned_receive_buffer_bytes", "Size of the UDP socket's receive buffer."),
        seen: gauge("mersenned_seen_entries", "PRIMEs remembered, to know them again."),
        known_primes: gauge("mersenned_known_primes", "Mersenne primes this node knows, each verified by it."),
        height: gauge("mersenned_prime_height", "Exponent of the largest known Mersenne prime; 0 if none is known."),
        height_timestamp: gauge(
            "mersenned_prime_height_timestamp_seconds",
            "When the largest known prime became larger, since 1970; 0 if it has not since the start.",
        ),
        verification_queue: gauge("mersenned_verification_queue", "Exponents that wait for their test."),
        event_subscribers: gauge("mersenned_event_subscribers", "Open event streams."),
    }
}

fn histograms() -> Histograms {
    use metrics::{describe_histogram, histogram};
    let histogram = |name: &'static str, text: &'static str| {
        describe_histogram!(name, text);
        histogram!(name)
    };
    Histograms {
        round_trip: histogram(ROUND_TRIP, "From a PING to the PONG that answers it."),
        hops: histogram(HOPS, "Hops a PRIME had come when it was first heard, judged by its TTL."),
        verification: histogram(VERIFICATION, "How long the test of a claimed exponent took."),
    }
}

fn lagged() -> metrics::Counter {
    const LAGGED: &str = "mersenned_events_lagged_total";
    metrics::describe_counter!(LAGGED, "Events that event streams missed because their readers were too slow.");
    metrics::counter!(LAGGED)
}
