//! What a node is told on its command line, checked and turned into settings.
//!
//! Every flag has its default in one place: the protocol's in `protocol::Settings`, the daemon's here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use jiff::SignedDuration;
use thiserror::Error;

use crate::daemon::{self, Console, PeerName};
use crate::protocol::{self, LoopbackLimits, PlainPeers, Rate, ScanRange, SearchMode, address, message::Ttl};

/// The receive buffer asked for: the kernel's default of 208 KiB holds 256 datagrams and then drops silently.
const RECEIVE_BUFFER: usize = 4 << 20;

/// More threads than any machine that this runs on has cores.
const THREADS_MAX: u16 = 1_024;

/// What a node searches by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Search {
    /// The next Mersenne prime above the largest known.
    On,
    /// Nothing: it gossips and verifies only.
    Off,
}

/// A duration of at least a millisecond: a number of seconds, or a number with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval(pub Duration);

/// Why a text is no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("give a number of seconds, or a number with a unit such as 500ms, 10s or 2m; from 1 ms to 1 day")]
pub struct IntervalError;

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Interval, IntervalError> {
        let duration = match text.parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| IntervalError)?,
            Err(_) => {
                let signed: SignedDuration = text.parse().map_err(|_| IntervalError)?;
                signed.try_into().map_err(|_| IntervalError)?
            }
        };
        let allowed = Duration::from_millis(1)..=Duration::from_secs(86_400);
        if allowed.contains(&duration) { Ok(Interval(duration)) } else { Err(IntervalError) }
    }
}

/// Where a node is, whom it knows, what it searches.
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// UDP port for gossip and TCP port for HTTP
    #[arg(long, value_name = "PORT", default_value = "5001", value_parser = parse_port)]
    pub port: NonZeroU16,

    /// Address gossip is bound to; 0.0.0.0 for all of this machine's
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub bind: IpAddr,

    /// Address HTTP is bound to
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub http_bind: IpAddr,

    /// A further name under which HTTP may be asked, beside IP addresses and localhost; repeatable
    #[arg(long, value_name = "NAME")]
    pub http_host: Vec<String>,

    /// The address others reach this node at, if it is not the bound one
    #[arg(long, value_name = "IP:PORT", value_parser = parse_advertise)]
    pub advertise: Option<SocketAddr>,

    /// A way into the network; repeatable
    #[arg(long, value_name = "HOST:PORT")]
    pub peer: Vec<PeerName>,

    /// PING every address of a range once, such as 127.0.0.1:5001-5010 or 10.0.0.0/24:5001; repeatable
    #[arg(long, value_name = "RANGE")]
    pub scan: Vec<ScanRange>,

    /// Where the node keeps its memory [default: $STATE_DIRECTORY, else mersenned/PORT in the user's state directory]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// Whether this node looks for primes itself
    #[arg(long, value_name = "on|off", default_value = "on", hide_possible_values = true)]
    pub search: Search,

    /// How often it starts looking for a larger prime
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub interval: Interval,

    /// How many threads search; more than this machine has cores are of no use
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_threads)]
    pub threads: NonZeroU16,

    #[command(flatten)]
    pub bounds: BoundsArgs,
}

/// The protocol's timers and bounds. The defaults suit any network; a class may want shorter times.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Timers and bounds")]
pub struct BoundsArgs {
    /// How often each peer is PINGed
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub ping_interval: Interval,

    /// Silence after which a peer is dropped; from 60 % of it on it is PINGed more often
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub peer_timeout: Interval,

    /// How often silent peers are looked for
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub evict_interval: Interval,

    /// Active peers
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub max_peers: u32,

    /// Active peers that cannot prove their address
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=1_024))]
    pub max_plain_peers: u32,

    /// Accept peers that cannot prove their address from anywhere, not only from private networks
    #[arg(long, action = ArgAction::SetTrue)]
    pub allow_plain: bool,

    /// Candidates in the address book
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub max_book: u32,

    /// PRIMEs remembered as heard, in each of two generations of 60 s
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(64..=16_777_216))]
    pub max_seen: u32,

    /// The highest TTL believed and sent
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u8).range(0..=16))]
    pub max_ttl: u8,

    /// The largest exponent a claim may have
    #[arg(long, value_name = "P", default_value_t = 1_000_000_000, value_parser = clap::value_parser!(u64).range(2..=4_294_967_295))]
    pub max_exponent: u64,

    /// The largest exponent that is tested for others; one step of a larger test could not be interrupted in time
    #[arg(long, value_name = "P", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    pub max_verify_exponent: u64,

    /// Claims that wait for verification
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub verify_queue: u32,

    /// Datagrams a second taken from one address; twice as many at once
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub address_rate: u32,

    /// Datagrams a second taken from one address group (/16, /32); twice as many at once
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub group_rate: u32,

    /// Datagrams a second taken from one peer that has proven its address
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub peer_rate: u32,

    /// PINGs a second sent to addresses that are no peers
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(11..=1_000))]
    pub probe_rate: u32,

    /// Let the three rates above hold for this machine's own datagrams too
    #[arg(long, action = ArgAction::SetTrue)]
    pub limit_loopback: bool,

    /// Bytes asked for as receive buffer; what came of it is exported
    #[arg(long, value_name = "BYTES", default_value_t = RECEIVE_BUFFER as u32, value_parser = clap::value_parser!(u32).range(4_096..=268_435_456))]
    pub receive_buffer: u32,
}

/// Why settings do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Peers would be dropped between two PINGs.
    #[error(
        "--peer-timeout ({timeout:?}) has to be longer than --ping-interval ({ping:?}), else peers are dropped before \
        they are asked; twice as long is usual"
    )]
    TimeoutTooShort {
        /// The timeout.
        timeout: Duration,
        /// The ping interval.
        ping: Duration,
    },
    /// Nowhere to keep the node's memory.
    #[error("there is no state directory: neither --state-dir nor $STATE_DIRECTORY, $XDG_STATE_HOME or $HOME is set")]
    NoStateDirectory,
}

pub(crate) fn parse_port(text: &str) -> Result<NonZeroU16, String> {
    text.parse().map_err(|_| format!("{text:?} is not a port; ports go from 1 to 65535"))
}

fn parse_threads(text: &str) -> Result<NonZeroU16, String> {
    let threads = text.parse().ok().filter(|threads: &NonZeroU16| threads.get() <= THREADS_MAX);
    threads.ok_or_else(|| format!("{text:?} is no number of threads; from 1 to {THREADS_MAX}"))
}

fn parse_advertise(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| address::AddressError::Syntax.to_string())?;
    address::reachable(address).map_err(|error| error.to_string())
}

impl NodeArgs {
    /// The settings these flags make.
    pub fn settings(&self, console: Console) -> Result<daemon::Settings, ConfigError> {
        Ok(daemon::Settings {
            port: self.port,
            bind: self.bind,
            http_bind: self.http_bind,
            http_hosts: self.http_host.clone(),
            advertise: self.advertise,
            peers: self.peer.clone(),
            scan: self.scan.clone(),
            state_dir: match &self.state_dir {
                Some(directory) => directory.clone(),
                None => default_state_dir(self.port, |name| std::env::var_os(name).map(PathBuf::from))?,
            },
            receive_buffer: self.bounds.receive_buffer as usize,
            threads: self.threads,
            node: self.bounds.settings(self.search, self.interval)?,
            console,
        })
    }
}

impl BoundsArgs {
    fn settings(&self, search: Search, interval: Interval) -> Result<protocol::Settings, ConfigError> {
        let (ping, timeout) = (self.ping_interval.0, self.peer_timeout.0);
        if timeout <= ping {
            return Err(ConfigError::TimeoutTooShort { timeout, ping });
        }
        let doubled = |rate: u32| Rate::new(rate, rate.saturating_mul(2));
        Ok(protocol::Settings {
            search: match search {
                Search::On => SearchMode::Race,
                Search::Off => SearchMode::Off,
            },
            generate_interval: interval.0,
            evict_interval: self.evict_interval.0,
            ping_interval: ping,
            silent_after: timeout.mul_f64(0.6),
            peer_timeout: timeout,
            active_max: self.max_peers as usize,
            plain_max: self.max_plain_peers as usize,
            plain_from: if self.allow_plain { PlainPeers::Anywhere } else { PlainPeers::Local },
            book_max: self.max_book as usize,
            probe_rate: Rate::new(self.probe_rate, self.probe_rate),
            seen_max: self.max_seen as usize,
            ttl_max: Ttl(self.max_ttl),
            address_rate: doubled(self.address_rate),
            group_rate: doubled(self.group_rate),
            proven_rate: Rate::new(self.peer_rate, self.peer_rate),
            loopback: if self.limit_loopback { LoopbackLimits::Limited } else { LoopbackLimits::Exempt },
            exponent_max: self.max_exponent,
            verify_max: self.verify_queue as usize,
            verify_exponent_max: self.max_verify_exponent,
            ..protocol::Settings::default()
        })
    }
}

/// `$STATE_DIRECTORY` (set by systemd), else the user's state directory as the XDG base directory specification has it.
fn default_state_dir(port: NonZeroU16, var: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    let var = |name| var(name).filter(|path| !path.as_os_str().is_empty());
    if let Some(directories) = var("STATE_DIRECTORY") {
        // systemd separates several by colons.
        let first = directories.to_str().and_then(|text| text.split(':').next().map(PathBuf::from));
        return Ok(first.unwrap_or(directories));
    }
    let home = var("XDG_STATE_HOME").or_else(|| var("HOME").map(|home| home.join(".local/state")));
    let directory = home.ok_or(ConfigError::NoStateDirectory)?;
    Ok(directory.join("mersenned").join(port.to_string()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        node: NodeArgs,
    }

    fn settings(flags: &[&str]) -> Result<daemon::Settings, ConfigError> {
        let all = ["x", "--state-dir", "s"].iter().chain(flags);
        Cli::try_parse_from(all).unwrap().node.settings(Console::Log)
    }

    #[test]
    fn without_flags_the_protocol_has_its_own_defaults() {
        assert_eq!(settings(&[]).unwrap().node, protocol::Settings::default());
    }

    #[test]
    fn an_interval_is_a_number_of_seconds_or_has_a_unit() {
        let millis = |text: &str| text.parse::<Interval>().map(|interval| interval.0.as_millis());
        assert_eq!(millis("10"), Ok(10_000));
        assert_eq!(millis("0.5"), Ok(500));
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("2m"), Ok(120_000));
        for text in ["", "0", "-1", "1e-9", "NaN", "inf", "-5s", "3 days", "ten"] {
            assert_eq!(millis(text), Err(IntervalError), "{text}");
        }
    }

    #[test]
    fn a_peer_timeout_within_the_ping_interval_is_refused() {
        assert!(matches!(settings(&["--peer-timeout", "5s"]), Err(ConfigError::TimeoutTooShort { .. })));
        let settings = settings(&["--peer-timeout", "1s", "--ping-interval", "500ms"]).unwrap();
        assert_eq!(settings.node.silent_after, Duration::from_millis(600));
    }

    #[test]
    fn ports_out_of_range_are_refused_with_the_range() {
        for port in ["0", "65536", "-1", "x"] {
            let error = Cli::try_parse_from(["x", &format!("--port={port}")]).err().unwrap().to_string();
            assert!(error.contains("ports go from 1 to 65535"), "{error}");
        }
    }

    #[test]
    fn one_thread_searches_unless_told_otherwise_and_at_most_1024() {
        let threads = |flags: &[&str]| settings(flags).unwrap().threads.get();
        assert_eq!(threads(&[]), 1);
        assert_eq!(threads(&["--threads", "1024"]), 1_024);
        for text in ["0", "1025", "-1", "all"] {
            let error = Cli::try_parse_from(["x", &format!("--threads={text}")]).err().unwrap().to_string();
            assert!(error.contains("from 1 to 1024"), "{error}");
        }
    }

    #[test]
    fn the_state_directory_is_systemds_or_the_users() {
        let port = NonZeroU16::new(5001).unwrap();
        let given = |names: &'static [(&str, &str)]| {
            move |name: &str| names.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value))
        };
        let directory = |names| default_state_dir(port, given(names)).map(|path| path.display().to_string());
        assert_eq!(directory(&[("STATE_DIRECTORY", "/s"), ("HOME", "/h")]).unwrap(), "/s");
        assert_eq!(directory(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")]).unwrap(), "/x/mersenned/5001");
        assert_eq!(directory(&[("HOME", "/h")]).unwrap(), "/h/.local/state/mersenned/5001");
        assert_eq!(directory(&[("STATE_DIRECTORY", "/s:/t")]).unwrap(), "/s");
        assert_eq!(directory(&[]), Err(ConfigError::NoStateDirectory));
        assert_eq!(directory(&[("HOME", "")]), Err(ConfigError::NoStateDirectory));
    }
}
