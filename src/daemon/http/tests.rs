//! A real server, asked byte by byte over real sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::server::{CONNECTIONS_MAX, HEAD_MAX};
use super::*;
use crate::daemon::clock::Clock;
use crate::daemon::journal::{self, Recorder};
use crate::daemon::readiness::StateCondition;
use crate::daemon::snapshot::Timers;
use crate::daemon::socket_counters::SocketCounters;
use crate::mersenne::Exponent;
use crate::protocol::{
    Birth, Event, EvictionReason, Label as _, Node, Outbox, Saved, Scan, Settings, Time, Whereabouts,
};
use crate::search::SearchBoard;

mod control;
mod elsewhere;
mod gossip;
mod limits;
mod owner;
mod page;
mod streams;

/// No test waits longer than this for anything.
const DEADLINE: Duration = Duration::from_secs(20);

/// A node with a server, and who plays the thread that drives the node.
struct TestServer {
    address: SocketAddr,
    node: Arc<Node>,
    readiness: Arc<Readiness>,
    recorder: Recorder,
    shutdown: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
    /// How often the driver was asked for anything.
    asked: Arc<AtomicUsize>,
}

/// What plays the thread that drives the node.
#[derive(Clone, Copy)]
enum Driver {
    Answers,
    Hangs,
    /// It answers, and what it does never becomes durable.
    SavesNothing,
}

impl TestServer {
    async fn start() -> TestServer {
        TestServer::start_with(Driver::Answers, journal::CAPACITY).await
    }

    async fn start_with(driver: Driver, journal_capacity: usize) -> TestServer {
        TestServer::start_guarded(driver, journal_capacity, None).await
    }

    /// A server that changes nothing for whoever does not know this token.
    async fn start_guarded(driver: Driver, journal_capacity: usize, token: Option<Token>) -> TestServer {
        TestServer::start_bound(driver, journal_capacity, token, Ipv4Addr::LOCALHOST).await
    }

    /// The same for a node whose gossip is bound to this address.
    async fn start_bound(driver: Driver, capacity: usize, token: Option<Token>, bound: Ipv4Addr) -> TestServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let birth = Birth {
            seed: [7; 16],
            now: Time::ZERO,
            whereabouts: Whereabouts {
                port: NonZeroU16::new(address.port()).unwrap(),
                bound: bound.into(),
                advertised: None,
            },
            wall_clock_micros: 1,
            saved: Saved::default(),
            scan: Scan::default(),
        };
        let node = Arc::new(Node::new(Settings::default(), birth));
        let clock = Clock::start();
        let (journal, recorder, keeper) = Journal::new(capacity, journal::RATE);
        tokio::spawn(keeper.run());
        let socket = Arc::new(SocketCounters::default());
        let board = Arc::new(SearchBoard::new(NonZeroU16::MIN));
        let exporter =
            Arc::new(Exporter::new(Arc::clone(&node), Arc::clone(&journal), socket, Arc::clone(&board)).unwrap());
        let readiness = Arc::new(Readiness::new());
        let (requests, mut inbox) = mpsc::channel::<Request>(16);
        let (durable, saved_revision) = watch::channel(0);
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let (driven, its_clock) = (Arc::clone(&node), clock.clone());
        tokio::spawn(async move {
            let mut unanswered = Vec::new();
            while let Some(request) = inbox.recv().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let (now, mut out) = (its_clock.now(), Outbox::new());
                match (driver, request) {
                    (Driver::Hangs, request) => unanswered.push(request),
                    // No route asks for these.
                    (_, Request::Conditions(_) | Request::Speed(_)) => unreachable!(),
                    (Driver::Answers | Driver::SavesNothing, Request::Message(LocalMessage { datagram, reply })) => {
                        let _ = reply.send(driven.receive_local(now, &datagram, &mut out));
                    }
                    (Driver::Answers | Driver::SavesNothing, Request::Control(Control { command, reply })) => {
                        let applied = command.apply(&driven, now, &mut out);
                        let revision = applied.revision;
                        let _ = reply.send(applied);
                        match driver {
                            Driver::Answers => drop(durable.send_replace(revision)),
                            Driver::Hangs | Driver::SavesNothing => {}
                        }
                    }
                }
            }
        });
        let hosts = AllowedHosts::new(address, ["node.example".to_owned()]);
        let (shutdown, stop) = watch::channel(false);
        let subject = Subject {
            node: Arc::clone(&node),
            clock,
            board: Arc::clone(&board),
            name: None,
            timers: Timers::of(&Settings::default()),
        };
        let app = App {
            run: 1,
            subject,
            journal,
            exporter,
            readiness: Arc::clone(&readiness),
            requests,
            durable: saved_revision,
            token,
            hosts,
        };
        let serving = tokio::spawn(serve(listener, app, stop));
        TestServer { address, node, readiness, recorder, shutdown, serving, asked }
    }

    async fn connect(&self) -> TcpStream {
        timeout(DEADLINE, TcpStream::connect(self.address)).await.unwrap().unwrap()
    }

    /// Sends these bytes, with `PORT` replaced, and reads until the server closes.
    async fn send(&self, request: &str) -> Answer {
        let request = request.replace("PORT", &self.address.port().to_string());
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        Answer::parse(&answer)
    }

    async fn ask(&self, method: &str, path: &str) -> Answer {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n")).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).await
    }

    /// The value of a series in a scrape.
    async fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics").await.body;
        let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
        line.unwrap_or_else(|| panic!("no {series}")).rsplit_once(' ').unwrap().1.parse().unwrap()
    }

    /// Stops the server and says how long that took.
    async fn stop(self) -> Duration {
        let asked = Instant::now();
        self.shutdown.send(true).unwrap();
        timeout(DEADLINE, self.serving).await.unwrap().unwrap().unwrap();
        asked.elapsed()
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Answer {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let field = |line: &'_ str| line.split_once(": ").is_some_and(|(known, _)| known.eq_ignore_ascii_case(name));
        self.head.lines().find(|line| field(line)).and_then(|line| line.split_once(": ")).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The reason of an error.
    fn reason(&self) -> String {
        self.json()["error"].as_str().unwrap_or_else(|| panic!("no reason in {self:?}")).to_owned()
    }
}

fn news() -> Event {
    Event::PeerDown { peer: "127.0.0.1:5002".parse().unwrap(), reason: EvictionReason::Leave }
}

const PATHS: [&str; 12] = [
    "/",
    "/metrics",
    "/-/healthy",
    "/-/ready",
    "/state",
    "/peers",
    "/peers/",
    "/primes",
    "/log",
    "/log?since=3",
    "/owner?exponent=31",
    "/events",
];

#[tokio::test]
async fn every_answer_forbids_sniffing_and_caching() {
    let server = TestServer::start().await;
    for path in ["/", "/metrics", "/state", "/nothing", "/gossip/", "/-/ready"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"), "{path}");
    }
}

#[tokio::test]
async fn state_peers_primes_and_log_are_json() {
    let mut server = TestServer::start().await;
    server.node.found(Time::ZERO, None, Exponent::new(4_423).unwrap(), &mut Outbox::new());
    server.recorder.record(news());
    let state = server.get("/state").await.json();
    assert_eq!((&state["largest_prime"], &state["peers"]), (&4_423.into(), &0.into()));
    assert_eq!(state["largest_prime_finder"], server.address.to_string());
    assert_eq!(state["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(server.get("/peers").await.json(), server.get("/peers/").await.json());
    assert_eq!(server.get("/peers").await.json()["peers"], Value::Array(vec![]));
    let primes = server.get("/primes").await.json();
    let first = &primes["primes"][0];
    assert_eq!((&first["exponent"], &first["digits"]), (&4_423.into(), &1_332.into()));
    assert_eq!(first["finder"], server.address.to_string());
    assert!(first["msg_id"].is_u64());
    let log = server.get("/log").await.json();
    assert_eq!((&log["oldest"], &log["latest"]), (&1.into(), &1.into()));
    assert_eq!(log["entries"][0]["event"], "peer_down");
    assert_eq!(server.get("/log?since=1").await.json()["entries"], Value::Array(vec![]));
}

#[tokio::test]
async fn the_page_shows_the_node_without_scripts() {
    let server = TestServer::start().await;
    server.node.found(Time::ZERO, None, Exponent::new(4_423).unwrap(), &mut Outbox::new());
    let page = server.get("/plain").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert!(page.body.contains(&server.address.to_string()) && page.body.contains("2<sup>4423</sup>"));
    assert!(!page.body.contains("{{") && !page.body.contains("<script"));
}

#[tokio::test]
async fn a_node_is_healthy_at_once_and_ready_with_its_socket_and_state() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/-/healthy").await.status, 200);
    let answer = server.get("/-/ready").await;
    assert_eq!(answer.status, 503);
    assert!(answer.reason().contains("not bound"));
    server.readiness.socket_is_bound();
    server.readiness.state_is(StateCondition::Usable);
    assert_eq!(server.get("/-/ready").await.status, 200);
    server.readiness.state_is(StateCondition::NoSpace);
    assert!(server.get("/-/ready").await.reason().contains("no space"));
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_cannot_be_done_405_with_allow() {
    let server = TestServer::start().await;
    for path in ["/nothing", "/state/", "/metrics/", "//", "/-/", "/%2fstate", "/peers//", "/../state"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.reason().is_empty());
    }
    for path in PATHS {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
            let answer = server.ask(method, path).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method} {path}");
            assert!(!answer.reason().is_empty());
        }
    }
    for path in ["/gossip", "/gossip/"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{path}");
    }
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/gossip\",code=\"405\"}").await, 2.0);
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"other\",code=\"404\"}").await, 8.0);
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"other\",code=\"500\"}").await, 0.0);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = TestServer::start().await;
    for path in PATHS {
        let answer = server.ask("HEAD", path).await;
        let expected = if path == "/-/ready" { 503 } else { 200 };
        assert_eq!((answer.status, answer.body.as_str()), (expected, ""), "{path}");
    }
    assert_eq!(server.metric("mersenned_event_subscribers").await, 0.0, "a HEAD leaves no stream behind");
}

#[tokio::test]
async fn a_number_that_is_none_is_400() {
    let server = TestServer::start().await;
    for path in ["/log?since=x", "/log?since=-1", "/log?since=", "/events?since=1e3", "/log?since=99999999999999999999"]
    {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.reason().contains("since"));
    }
}

#[tokio::test]
async fn requests_from_elsewhere_are_refused_before_anything_else() {
    let server = TestServer::start().await;
    // Target, then header lines; what is refused, if anything.
    let cases: &[(&str, &str, Option<&str>)] = &[
        ("/state", "Host: 127.0.0.1:PORT", None),
        ("/state", "Host: 127.1.2.3:PORT", None),
        ("/state", "Host: localhost:PORT", None),
        ("/state", "host: LocalHost:PORT", None),
        ("/state", "Host: [::1]:PORT", None),
        ("/state", "Host: node.example:PORT", None),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT", None),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: http://localhost:PORT", None),
        ("http://127.0.0.1:PORT/state", "Host: 127.0.0.1:PORT", None),
        ("/state", "X-No: host", Some("Host")),
        ("/state", "Host:", Some("Host")),
        ("/state", "Host: 127.0.0.1", Some("Host")),
        ("/state", "Host: localhost", Some("Host")),
        ("/state", "Host: 127.0.0.1:1", Some("Host")),
        ("/state", "Host: 127.0.0.1:0PORT", Some("Host")),
        ("/state", "Host: evil.example:PORT", Some("Host")),
        ("/state", "Host: localhost.evil.example:PORT", Some("Host")),
        ("/state", "Host: 127.0.0.1.nip.io:PORT", Some("Host")),
        ("/state", "Host: 192.0.2.1:PORT", Some("Host")),
        ("/state", "Host: [2001:db8::1]:PORT", Some("Host")),
        ("/state", "Host: me@127.0.0.1:PORT", Some("Host")),
        ("/state", "Host: 127.0.0.1:PORT\r\nHost: 127.0.0.1:PORT", Some("Host")),
        ("/state", "Host: 127.0.0.1:PORT\r\nHost: evil.example:PORT", Some("Host")),
        ("http://evil.example/state", "Host: 127.0.0.1:PORT", Some("Host")),
        ("http://127.0.0.1:PORT/state", "Host: evil.example", Some("Host")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: null", Some("Origin")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin:", Some("Origin")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: http://evil.example", Some("Origin")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: http://evil.example:PORT", Some("Origin")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: https://127.0.0.1:PORT", Some("Origin")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:1", Some("Origin")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1", Some("Origin")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: 127.0.0.1:PORT", Some("Origin")),
        ("/state", "Host: 127.0.0.1:PORT\r\nOrigin: http://127.0.0.1:PORT\r\nOrigin: null", Some("Origin")),
        ("/nothing", "Host: evil.example:PORT", Some("Host")),
        ("/events", "Host: evil.example:PORT", Some("Host")),
        ("/metrics", "Host: evil.example:PORT", Some("Host")),
    ];
    for (target, headers, refused) in cases {
        let answer = server.send(&format!("GET {target} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n")).await;
        match refused {
            None => assert_eq!(answer.status, 200, "{target} {headers}"),
            Some(name) => {
                assert_eq!(answer.status, 403, "{target} {headers}");
                assert!(answer.reason().starts_with(name), "{target} {headers}: {answer:?}");
            }
        }
    }
    // The guard comes before routes and methods.
    let answer = server.send("POST /state HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!(answer.status, 403);
    let answer = server.send("GET /state HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn targets_that_are_no_paths_do_no_harm() {
    let server = TestServer::start().await;
    for line in ["CONNECT 127.0.0.1:PORT HTTP/1.1", "OPTIONS * HTTP/1.1"] {
        let answer = server.send(&format!("{line}\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\r\n")).await;
        assert!(matches!(answer.status, 404 | 405), "{line}: {answer:?}");
    }
    for nonsense in ["\r\n\r\n\r\n\r\nX\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap();
    }
    assert_eq!(server.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    let request = format!("GET /-/healthy HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    for _ in 0..50 {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 4_096];
        let read = timeout(DEADLINE, stream.read(&mut answer)).await.unwrap().unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200 OK"));
    }
}

#[tokio::test]
async fn a_scrape_counts_requests_by_route_and_code() {
    let server = TestServer::start().await;
    server.get("/state").await;
    server.get("/peers/").await;
    server.get("/peers").await;
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/state\",code=\"200\"}").await, 1.0);
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/peers\",code=\"200\"}").await, 2.0);
    let scrape = server.get("/metrics").await;
    assert_eq!(scrape.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let mut routes = Route::ALL.iter().map(|route| format!("route=\"{}\"", route.as_str()));
    assert!(routes.all(|route| scrape.body.contains(&route)));
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_a_real_scrape() {
    let server = TestServer::start().await;
    server.get("/state").await;
    let scrape = server.get("/metrics").await.body;
    println!("a scrape has {} bytes and {} lines", scrape.len(), scrape.lines().count());
    crate::daemon::exporter::tests::promtool_has_nothing_to_say_about(&scrape);
}
