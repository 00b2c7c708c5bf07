//! The outside world of a node: sockets, clock, threads, signals, disk, HTTP, metrics.
//!
//! Threads: `gossip` owns the UDP socket and drives the node; `search` (one thread or more) and `verify` compute at nice
//! 19, and the search writes checkpoints; `save` writes the state file; the main thread serves HTTP and waits for signals. Only `gossip` changes the node; the
//! others report to it, or look on.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::protocol::{self, Birth, Node, Saved, Scan, ScanRange, SearchMode, Whereabouts};
use crate::search::SearchBoard;

pub mod clock;
mod compute;
pub mod conditions;
mod console;
mod exporter;
pub mod feed;
pub mod gossip;
pub mod http;
pub mod journal;
pub mod lab_pipe;
mod peer_name;
mod readiness;
pub mod report;
mod saver;
mod seeds;
pub mod service_manager;
mod signals;
pub mod snapshot;
pub mod socket;
pub mod socket_counters;
pub mod state_file;
pub mod token;

pub use console::Console;
pub use peer_name::{PeerName, PeerNameError};

use self::clock::Clock;
use self::compute::Compute;
use self::conditions::Weather;
use self::exporter::Exporter;
use self::gossip::Gossip;
use self::journal::Journal;
use self::readiness::{Readiness, StateCondition};
use self::report::Report;
use self::saver::Saver;
use self::seeds::Seeds;
use self::service_manager::ServiceManager;
use self::signals::{Asked, Signals};
use self::snapshot::{Subject, Timers};
use self::socket::BindError;
use self::socket_counters::SocketCounters;
use self::state_file::{StateError, StateFile};
use self::token::{Token, TokenError};

/// How long everything may take to end, before the process ends without it.
const GOODBYE: Duration = Duration::from_millis(750);

/// The directory of checkpoints, in the state directory.
const CHECKPOINTS: &str = "checkpoints";

/// What is asked for over HTTP and may wait for the gossip loop.
const REQUEST_QUEUE: usize = 64;

/// Everything a daemon is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What its owner calls it.
    pub name: Option<String>,
    /// UDP for gossip, TCP for HTTP.
    pub port: NonZeroU16,
    /// Where gossip is bound.
    pub bind: IpAddr,
    /// Where HTTP is bound.
    pub http_bind: IpAddr,
    /// Names, beside IP addresses and `localhost`, under which HTTP may be asked.
    pub http_hosts: Vec<String>,
    /// The address at which other nodes reach this one, where that is not the bound one.
    pub advertise: Option<SocketAddr>,
    /// Ways into the network.
    pub peers: Vec<PeerName>,
    /// Addresses to look for peers at.
    pub scan: Vec<ScanRange>,
    /// Where the node's memory is.
    pub state_dir: PathBuf,
    /// The receive buffer asked for, in bytes.
    pub receive_buffer: usize,
    /// How many threads search.
    pub threads: NonZeroU16,
    /// How many events are kept for `/log` and `/events`.
    pub journal_entries: usize,
    /// How many messages a second are among them.
    pub journal_rate: u32,
    /// The protocol's own.
    pub node: protocol::Settings,
    /// Who reads what the node has to tell.
    pub console: Console,
}

/// What a running node can be told anew.
#[derive(Debug, Clone)]
pub struct Live {
    /// Ways into the network.
    pub peers: Vec<PeerName>,
    /// What it searches by itself.
    pub search: SearchMode,
}

/// Reads the settings again. `None` when they are wrong: then everything stays as it is.
pub type Reload<'a> = dyn FnMut() -> Option<Live> + 'a;

/// Why a daemon could not start. Nothing is left behind.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// A port could not be taken.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A peer's name means nothing.
    #[error(transparent)]
    Peer(#[from] PeerNameError),
    /// The state could not be opened or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The token could not be read or written.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The thread that drives the node has ended, which it never should.
    #[error("the gossip loop has ended by itself; what it said before is in the log")]
    GossipEnded,
    /// The system refused something a daemon cannot do without.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes a `map_err` argument of what was tried.
fn system(what: &'static str) -> impl Fn(io::Error) -> DaemonError {
    move |source| DaemonError::System { what, source }
}

/// Runs a node until it is told to stop by SIGTERM, SIGINT or, in a lab, the end of its standard input. At each SIGHUP
/// `reload` is called.
pub fn run(settings: Settings, reload: &mut Reload<'_>) -> Result<(), DaemonError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("start the runtime for HTTP and signals"))?;
    let result = runtime.block_on(serve(settings, reload));
    // Whoever still resolves a name is not waited for.
    runtime.shutdown_background();
    result
}

async fn serve(settings: Settings, reload: &mut Reload<'_>) -> Result<(), DaemonError> {
    let mut signals = Signals::listen().map_err(system("handle signals"))?;
    let manager = ServiceManager::from_environment();

    let seeds = tokio::select! {
        seeds = seeds::resolve_all(&settings.peers, settings.bind) => seeds?,
        () = signals.leave() => return Ok(()),
    };
    let gossip_address = SocketAddr::new(settings.bind, settings.port.get());
    let udp = socket::bind_udp(gossip_address, settings.receive_buffer)?;
    let http_address = SocketAddr::new(settings.http_bind, settings.port.get());
    let tcp = TcpListener::bind(http_address).map_err(|source| BindError::new(http_address, "TCP", source))?;
    let (file, saved) = StateFile::open(&settings.state_dir)?;
    // Nobody on this machine needs one in a lab, whose nodes are there to be played with.
    let token = match settings.console {
        Console::Lab if settings.http_bind.is_loopback() => None,
        Console::Lab | Console::Log => Some(Token::open(&settings.state_dir)?),
    };
    if saved.asleep {
        tracing::warn!("asleep, as it was left; `mersenned wake --port {}` wakes it", settings.port);
    }

    let clock = match settings.console {
        Console::Log => Clock::start(),
        Console::Lab => Clock::adjustable(),
    };
    let node = Arc::new(birth(&settings, &clock, saved)?);
    for &seed in seeds.iter().flat_map(|(_, addresses)| addresses) {
        node.add_seed(clock.now(), seed);
    }
    if let Some(below) = node.wanted_ids() {
        let (saved, _) = node.state();
        file.write(&Saved { id_floor: below, ..saved })?;
        node.ids_reserved(below);
    }

    let (report, reports) = mpsc::unbounded_channel();
    let (requests, requests_inbox) = mpsc::channel(REQUEST_QUEUE);
    let (durable, saved_revision) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let counters = Arc::new(SocketCounters::default());
    counters.set_receive_buffer(socket::receive_buffer(&udp) as u64);
    let (journal, recorder, keeper) = Journal::new(settings.journal_entries, settings.journal_rate);
    let board = Arc::new(SearchBoard::new(settings.threads));
    let subject = Subject {
        node: Arc::clone(&node),
        clock: clock.clone(),
        board: Arc::clone(&board),
        name: settings.name,
        timers: Timers::of(&settings.node),
    };
    let exporter = Exporter::new(Arc::clone(&node), Arc::clone(&journal), Arc::clone(&counters), Arc::clone(&board));
    let exporter = Arc::new(exporter.map_err(io::Error::other).map_err(system("set up metrics"))?);
    let readiness = Arc::new(Readiness::new());
    let compute = Compute::start(report.clone(), board, settings.state_dir.join(CHECKPOINTS))
        .map_err(system("start the computing threads"))?;
    let saver = Saver::start(file, node.state().0, Arc::clone(&readiness), report.clone())
        .map_err(system("start the thread that saves"))?;
    let gossip = Gossip {
        node: Arc::clone(&node),
        clock,
        socket: udp,
        address: gossip_address,
        compute,
        saver,
        recorder,
        exporter: Arc::clone(&exporter),
        counters,
        reports,
        watchdog: manager.watchdog(),
        requests: requests_inbox,
        durable,
        weather: match settings.console {
            Console::Log => None,
            Console::Lab => Some(Weather::default()),
        },
    };
    let gossip = gossip.start().map_err(system("start the gossip loop"))?;
    readiness.socket_is_bound();
    readiness.state_is(StateCondition::Usable);

    let app = http::App {
        run: getrandom::u64().map_err(io::Error::other).map_err(system("get random numbers"))?,
        subject: subject.clone(),
        journal: Arc::clone(&journal),
        exporter,
        readiness: Arc::clone(&readiness),
        requests: requests.clone(),
        durable: saved_revision,
        token,
        hosts: http::AllowedHosts::new(http_address, settings.http_hosts),
    };
    let server = tokio::spawn(http::serve(tcp, app, stopped.clone()));
    let journal_kept = tokio::spawn(keeper.run());
    let told = settings
        .console
        .start(&subject, &journal, requests, stopped.clone())
        .map_err(system("start what reports to the lab"))?;
    let seeds = Seeds::start(seeds, settings.bind, report.clone());
    tracing::info!("gossip on UDP {gossip_address}, HTTP on http://{http_address}/");
    tokio::spawn(manager.clone().keep_told(Arc::clone(&node), stopped));

    let mut lab_ended = told.ended;
    let left = loop {
        tokio::select! {
            () = &mut lab_ended => break Ok("the lab has ended"),
            () = report.closed() => break Err(DaemonError::GossipEnded),
            asked = signals.next() => {
                if let Asked::Leave(reason) = asked {
                    break Ok(reason);
                }
                // That nobody takes these notices changes nothing.
                drop(manager.reloading().await);
                if let Some(Live { peers, search }) = reload() {
                    seeds.replace(peers);
                    drop(report.send(Report::SearchMode(search)));
                }
                drop(manager.ready().await);
            }
        }
    };
    let lost = left.map(|reason| tracing::info!("{reason}: leaving"));
    readiness.is_stopping();
    manager.stopping();
    let deadline = Instant::now() + GOODBYE;
    let (done, left) = oneshot::channel();
    // If the loop has ended by itself, `left` says so.
    drop(report.send(Report::Leave(done)));
    let ended = tokio::time::timeout_at(deadline, async {
        let said_goodbye = left.await;
        // The journal is complete when the gossip loop has let go of it; then streams end, connections close, and the console
        // writes its last lines.
        let kept = journal_kept.await;
        _ = stop.send(true);
        let (served, written) = tokio::join!(server, told.written);
        let saved = tokio::task::spawn_blocking(|| gossip.join()).await;
        said_goodbye.is_ok()
            && kept.is_ok()
            && served.is_ok()
            && written.is_ok()
            && saved.is_ok_and(|saved| saved.is_ok())
    });
    if !ended.await.unwrap_or(false) {
        tracing::warn!("not everything ended in time; the state file holds what was saved last");
    }
    lost
}

fn birth(settings: &Settings, clock: &Clock, saved: Saved) -> Result<Node, DaemonError> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(io::Error::other).map_err(system("get random numbers"))?;
    // A clock before 1970 gives no ids; the saved floor does.
    let wall_clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let birth = Birth {
        seed,
        now: clock.now(),
        whereabouts: Whereabouts { port: settings.port, bound: settings.bind, advertised: settings.advertise },
        wall_clock_micros: wall_clock.as_micros() as u64,
        saved,
        scan: Scan::new(settings.scan.clone()),
    };
    Ok(Node::new(settings.node.clone(), birth))
}
