use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::process::{Command, Stdio};

use super::*;
use crate::mersenne::{EngineSet, Exponent, Interrupt, Plan};
use crate::protocol::address::NodeRef;
use crate::protocol::codec::encode;
use crate::protocol::message::{Announcement, Body, Message, MessageId, Ttl};
use crate::protocol::{Birth, Outbox, Saved, Scan, SearchMode, Settings, Time, Whereabouts};
use crate::search::find_above;

mod network;

fn exporter() -> (Arc<Node>, Arc<SocketCounters>, Exporter) {
    exporter_of(Settings::default(), Arc::new(SearchBoard::new(NonZeroU16::MIN)))
}

fn exporter_of(settings: Settings, board: Arc<SearchBoard>) -> (Arc<Node>, Arc<SocketCounters>, Exporter) {
    let node = node(settings, "127.0.0.1:5001".parse().unwrap());
    let (socket, exporter) = exporter_for(Arc::clone(&node), board);
    (node, socket, exporter)
}

fn node(settings: Settings, bound: SocketAddr) -> Arc<Node> {
    let port = NonZeroU16::new(bound.port()).unwrap();
    let birth = Birth {
        // Two of one seed would take each other for themselves.
        seed: u128::from(bound.port()).to_be_bytes(),
        now: Time::ZERO,
        whereabouts: Whereabouts { port, bound: bound.ip(), advertised: None },
        wall_clock_micros: 1,
        saved: Saved::default(),
        scan: Scan::default(),
    };
    Arc::new(Node::new(settings, birth))
}

fn exporter_for(node: Arc<Node>, board: Arc<SearchBoard>) -> (Arc<SocketCounters>, Exporter) {
    let (journal, _, _) = Journal::new(4, crate::daemon::journal::RATE);
    let socket = Arc::new(SocketCounters::default());
    let exporter = Exporter::new(node, journal, Arc::clone(&socket), board).unwrap();
    (socket, exporter)
}

/// The series of a scrape, without their values.
fn series(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    samples.map(|line| line.rsplit_once(' ').unwrap().0).collect()
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
    let line = line.unwrap_or_else(|| panic!("no {series} in\n{text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn every_label_is_there_from_the_start_at_0() {
    let (_, _, exporter) = exporter();
    let text = exporter.render();
    let mut expected: Vec<String> = [
        "peer_flaps_total",
        "address_book_entries",
        "datagrams_dropped_total{reason=\"oversize\"}",
        "socket_kernel_drops_total",
        "receive_buffer_bytes",
        "duplicates_total",
        "catchup_sent_total",
        "seen_entries",
        "known_primes",
        "prime_height",
        "prime_height_timestamp_seconds",
        "verification_queue",
        "search_exponent",
        "search_progress_ratio",
        "search_fft_length",
        "roundoff_error_max",
        "checkpoint_timestamp_seconds",
        "search_iterations_total",
        "frontier_exponent",
        "event_subscribers",
        "events_lagged_total",
        "peer_rtt_seconds_count",
        "prime_hops_count",
        "verification_seconds_count",
        "peer_rtt_seconds_bucket{le=\"0.0001\"}",
        "peer_rtt_seconds_bucket{le=\"1\"}",
        "prime_hops_bucket{le=\"1\"}",
        "prime_hops_bucket{le=\"17\"}",
        "verification_seconds_bucket{le=\"0.001\"}",
        "verification_seconds_bucket{le=\"600\"}",
    ]
    .map(str::to_owned)
    .into();
    let mut labelled = |name: &str, label: &str, values: &[&str]| {
        expected.extend(values.iter().map(|value| format!("{name}{{{label}=\"{value}\"}}")));
    };
    fn texts<L: Label>() -> Vec<&'static str> {
        L::ALL.iter().map(|label| label.as_str()).collect()
    }
    labelled("peers_discovered_total", "via", &texts::<DiscoveredVia>());
    labelled("peer_evictions_total", "reason", &texts::<EvictionReason>());
    labelled("peer_evictions_total", "reason", &["displaced"]);
    labelled("datagrams_dropped_total", "reason", &texts::<RefusalReason>());
    labelled("datagrams_dropped_total", "reason", &texts::<DropReason>());
    labelled("search_state", "state", &["searching", "off", "asleep", "exhausted"]);
    labelled("candidates_total", "result", &["factored", "composite", "prime"]);
    labelled("search_errors_total", "kind", &["round_off", "self_check", "gerbicz", "jacobi", "unconfirmed"]);
    labelled("send_errors_total", "kind", &["permission", "unreachable", "no_buffers", "other"]);
    labelled("messages_originated_total", "type", &["ping", "pong", "prime"]);
    labelled("claims_total", "result", &texts::<ClaimResult>());
    let ttls: Vec<String> = (0..16).map(|ttl| ttl.to_string()).collect();
    labelled("forwards_total", "ttl", &ttls.iter().map(String::as_str).collect::<Vec<_>>());
    for name in ["datagrams_total", "datagram_bytes_total"] {
        for direction in ["received", "sent"] {
            for message_type in ["ping", "pong", "prime"] {
                expected.push(format!("{name}{{direction=\"{direction}\",type=\"{message_type}\"}}"));
            }
        }
    }
    for state in ["proven", "plain"] {
        for role in ["leaf", "chosen", "guest"] {
            expected.push(format!("peers{{state=\"{state}\",role=\"{role}\"}}"));
        }
    }
    for &route in Route::ALL {
        for code in route.codes() {
            expected.push(format!("http_requests_total{{route=\"{}\",code=\"{code}\"}}", route.as_str()));
        }
    }
    for series in expected {
        assert_eq!(value(&text, &format!("mersenned_{series}")), 0.0, "{series}");
    }
    assert_eq!(value(&text, concat!("mersenned_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}")), 1.0);
    assert!(value(&text, "process_resident_memory_bytes") > 0.0);
    assert!(value(&text, "process_open_fds") > 0.0);
}

#[test]
fn promtool_has_nothing_to_say() {
    let (_, _, exporter) = exporter();
    exporter.measure(&Measurement::RoundTrip(Duration::from_millis(3)));
    exporter.measure(&Measurement::Hops(2));
    exporter.verified_in(Duration::from_secs(2));
    promtool_has_nothing_to_say_about(&exporter.render());
}

/// Lets Prometheus' own tool look at a scrape.
pub(in crate::daemon) fn promtool_has_nothing_to_say_about(scrape: &str) {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("SKIPPED: promtool is not installed, so nobody checks the metrics");
        return;
    };
    promtool.stdin.take().unwrap().write_all(scrape.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn ten_thousand_identities_make_no_series() {
    let (node, _, exporter) = exporter();
    let before = exporter.render();
    let mut out = Outbox::new();
    let mut datagram = Vec::new();
    for number in 0..10_000u32 {
        let ip = std::net::Ipv4Addr::from_bits(0x0a00_0001 + number);
        let address = SocketAddr::new(ip.into(), 5001);
        let body = match number % 3 {
            0 => Body::Ping(None),
            1 => Body::Pong(None),
            _ => Body::Prime(Announcement { ttl: Ttl(2), exponent: u64::from(number), signature: None }),
        };
        let name = NodeRef::Address(address);
        let message = Message { id: MessageId(number.into()), forwarder: name, originator: name, body };
        datagram.clear();
        encode(&message, &mut datagram);
        if number % 5 == 0 {
            datagram.truncate(20);
        }
        let now = Time::from_micros(u64::from(number) * 10);
        node.receive(now, address, &datagram, &mut out);
        out.measurements.iter().for_each(|measurement| exporter.measure(measurement));
        out.clear();
    }
    let after = exporter.render();
    let of = |text: &str, name: &str| -> f64 {
        text.lines()
            .filter(|line| line.starts_with(name))
            .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
            .sum()
    };
    assert!(of(&after, "mersenned_datagrams_total{direction=\"received\"") > 0.0);
    let counted = of(&after, "mersenned_datagrams_total{direction=\"received\"")
        + of(&after, "mersenned_datagrams_dropped_total{");
    assert!(counted >= 10_000.0, "{counted}");
    assert_eq!(series(&before), series(&after));
}

#[test]
fn what_the_socket_counts_is_shown() {
    let (_, socket, exporter) = exporter();
    socket.send_failed(SendErrorKind::Unreachable);
    socket.oversize();
    socket.set_kernel_drops(5);
    socket.set_receive_buffer(425_984);
    let text = exporter.render();
    assert_eq!(value(&text, "mersenned_send_errors_total{kind=\"unreachable\"}"), 1.0);
    assert_eq!(value(&text, "mersenned_send_errors_total{kind=\"permission\"}"), 0.0);
    assert_eq!(value(&text, "mersenned_datagrams_dropped_total{reason=\"oversize\"}"), 1.0);
    assert_eq!(value(&text, "mersenned_socket_kernel_drops_total"), 5.0);
    assert_eq!(value(&text, "mersenned_receive_buffer_bytes"), 425_984.0);
}

#[test]
fn a_reason_that_two_stages_share_is_one_series_with_their_sum() {
    let (node, _, exporter) = exporter();
    let mut out = Outbox::new();
    let text = rmp_datagram("10.0.0.1:0");
    node.receive(Time::ZERO, "10.0.0.1:5001".parse().unwrap(), &text, &mut out);
    // Port 0 in the envelope: decoded, then dropped for its address.
    let message = Message {
        id: MessageId(1),
        forwarder: NodeRef::Port(NonZeroU16::new(1).unwrap()),
        originator: NodeRef::Port(NonZeroU16::new(1).unwrap()),
        body: Body::Ping(None),
    };
    let mut datagram = Vec::new();
    encode(&message, &mut datagram);
    node.receive(Time::ZERO, "10.0.0.1:0".parse().unwrap(), &datagram, &mut out);
    assert_eq!(node.counters().refused.of(RefusalReason::Address).get(), 1);
    assert_eq!(node.counters().dropped.of(DropReason::Address).get(), 1);
    assert_eq!(value(&exporter.render(), "mersenned_datagrams_dropped_total{reason=\"address\"}"), 2.0);
}

/// A PING whose originator is this text.
fn rmp_datagram(originator: &str) -> Vec<u8> {
    let message = serde_json::json!({
        "msg_id": 1, "msg_type": "PING", "msg_forwarder": 1, "msg_originator": originator, "ttl": 0, "data": null,
    });
    rmp_serde::to_vec_named(&message).unwrap()
}

#[test]
fn measurements_fall_into_their_buckets() {
    let (_, _, exporter) = exporter();
    exporter.measure(&Measurement::RoundTrip(Duration::from_micros(300)));
    exporter.measure(&Measurement::Hops(17));
    exporter.verified_in(Duration::from_secs(700));
    exporter.look_after();
    let text = exporter.render();
    assert_eq!(value(&text, "mersenned_peer_rtt_seconds_bucket{le=\"0.00025\"}"), 0.0);
    assert_eq!(value(&text, "mersenned_peer_rtt_seconds_bucket{le=\"0.0005\"}"), 1.0);
    assert_eq!(value(&text, "mersenned_prime_hops_bucket{le=\"16\"}"), 0.0);
    assert_eq!(value(&text, "mersenned_prime_hops_bucket{le=\"17\"}"), 1.0);
    assert_eq!(value(&text, "mersenned_verification_seconds_bucket{le=\"600\"}"), 0.0);
    assert_eq!(value(&text, "mersenned_verification_seconds_count"), 1.0);
}

#[test]
fn a_code_that_no_route_is_known_for_makes_no_series() {
    let (_, _, exporter) = exporter();
    let before = exporter.render();
    exporter.count_answer(Route::State, 418);
    exporter.count_answer(Route::State, 200);
    let after = exporter.render();
    assert_eq!(series(&before), series(&after));
    assert_eq!(value(&after, "mersenned_http_requests_total{route=\"/state\",code=\"200\"}"), 1.0);
    assert_eq!(value(&after, "mersenned_http_requests_total{route=\"other\",code=\"500\"}"), 1.0);
}

#[test]
fn the_height_has_the_time_at_which_it_grew() {
    let (node, _, exporter) = exporter();
    let timestamp = || value(&exporter.render(), "mersenned_prime_height_timestamp_seconds");
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let find = |p| {
        let mut out = Outbox::new();
        node.found(Time::ZERO, None, Exponent::new(p).unwrap(), &mut out);
        out.events.iter().for_each(|event| exporter.witness(event));
    };
    assert_eq!(timestamp(), 0.0);
    let before = now();
    find(31);
    let after = now();
    let grown = timestamp();
    assert_eq!(value(&exporter.render(), "mersenned_prime_height"), 31.0);
    assert!(before <= grown && grown <= after, "{before} {grown} {after}");
    // A smaller prime is no news of the height.
    find(19);
    assert_eq!(timestamp(), grown);
}

#[test]
fn after_a_reset_heights_and_the_frontier_begin_again() {
    let board = Arc::new(SearchBoard::new(NonZeroU16::MIN));
    let (node, _, exporter) = exporter_of(Settings::default(), Arc::clone(&board));
    let timestamp = || value(&exporter.render(), "mersenned_prime_height_timestamp_seconds");
    let frontier = || value(&exporter.render(), "mersenned_frontier_exponent");
    let tell = |act: &dyn Fn(&mut Outbox)| {
        let mut out = Outbox::new();
        act(&mut out);
        out.events.iter().for_each(|event| exporter.witness(event));
    };
    let find = |p| {
        let exponent = Exponent::new(p).unwrap();
        tell(&|out| node.found(Time::ZERO, None, exponent, out));
    };
    find(31);
    let grown = timestamp();
    find_above(Exponent::new(31).ok(), 40, &Interrupt::new(), &board);
    assert!(frontier() >= 37.0);
    tell(&|out| {
        node.reset(Time::ZERO, out);
    });
    assert_eq!(frontier(), 0.0);
    find(19);
    assert_eq!(value(&exporter.render(), "mersenned_prime_height"), 19.0);
    assert!(timestamp() > grown, "that is news again");
}

/// The one state of search that a scrape shows.
fn search_state(text: &str) -> Vec<String> {
    let states = ["searching", "waiting", "off", "asleep", "exhausted"].into_iter();
    states
        .filter(|state| match value(text, &format!("mersenned_search_state{{state=\"{state}\"}}")) {
            0.0 => false,
            1.0 => true,
            other => panic!("{state} is {other}"),
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_search_is_in_exactly_one_state() {
    let board = Arc::new(SearchBoard::new(NonZeroU16::MIN));
    let (node, _, exporter) = exporter_of(Settings::default(), Arc::clone(&board));
    assert_eq!(search_state(&exporter.render()), ["waiting"]);
    let tick = |node: &Node| {
        node.ids_reserved(node.wanted_ids().unwrap());
        // The search begins within the first interval.
        (0..15).for_each(|at| node.tick(Time::ZERO + Duration::from_secs(at), &mut Outbox::new()));
    };
    tick(&node);
    assert_eq!(search_state(&exporter.render()), ["searching"]);
    find_above(None, 1, &Interrupt::new(), &board);
    assert_eq!(search_state(&exporter.render()), ["exhausted"]);
    node.sleep(Time::ZERO + Duration::from_secs(20), &mut Outbox::new());
    assert_eq!(search_state(&exporter.render()), ["asleep"]);
    let off = Settings { search: SearchMode::Off, ..Settings::default() };
    let (node, _, exporter) = exporter_of(off, board);
    tick(&node);
    assert_eq!(search_state(&exporter.render()), ["off"]);
}

#[test]
fn the_board_of_the_search_is_shown() {
    let board = Arc::new(SearchBoard::new(NonZeroU16::MIN));
    let (_, _, exporter) = exporter_of(Settings::default(), Arc::clone(&board));
    let known = Exponent::new(11).unwrap();
    let interrupt = Interrupt::new();
    find_above(Some(known), 13, &interrupt, &board);
    let text = exporter.render();
    // The test, and the one that confirms it.
    assert_eq!(value(&text, "mersenned_search_iterations_total"), 22.0);
    assert_eq!(value(&text, "mersenned_candidates_total{result=\"prime\"}"), 1.0);
    assert_eq!(value(&text, "mersenned_frontier_exponent"), 13.0);
    assert_eq!(value(&text, "mersenned_search_exponent"), 0.0);

    let above = Exponent::new(110_503).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| find_above(Some(above), 111_000, &interrupt, &board));
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while board.at_hand().is_none_or(|at_hand| at_hand.iteration == 0) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        let text = exporter.render();
        interrupt.request();
        assert!(value(&text, "mersenned_search_exponent") > 110_503.0);
        let progress = value(&text, "mersenned_search_progress_ratio");
        assert!(progress > 0.0 && progress < 1.0, "{progress}");
        assert!(value(&text, "mersenned_frontier_exponent") > 110_503.0);
        let plan = Plan::fastest(Exponent::new(110_527).unwrap(), EngineSet::of_this_machine()).unwrap();
        assert_eq!(value(&text, "mersenned_search_fft_length"), plan.length().unwrap_or(0) as f64);
    });
    let text = exporter.render();
    let at_rest = ["search_fft_length", "roundoff_error_max", "checkpoint_timestamp_seconds"];
    assert_eq!(at_rest.map(|name| value(&text, &format!("mersenned_{name}"))), [0.0; 3]);
}

#[test]
fn paths_have_the_route_of_their_name_and_all_others_share_one() {
    for &route in Route::ALL {
        assert_eq!(Route::of(route.as_str()), route);
    }
    assert_eq!((Route::of("/peers/"), Route::of("/gossip/")), (Route::Peers, Route::Gossip));
    for path in ["", "*", "//", "/state/", "/metrics/x", "/Peers", "other"] {
        assert_eq!(Route::of(path), Route::Other, "{path}");
    }
}
