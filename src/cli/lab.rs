//! `mersenned lab`: several nodes on this machine, each a process of its own, and one line for each event that matters.
//!
//! Each node is told of one other only, in a chain, as in the exercise: that they all become each other's peers is the
//! protocol's doing. A node's standard input is a pipe from the lab and its standard output a pipe to it; when the lab
//! ends, however it ends, the pipes close and the nodes leave.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::report::{Line, Report};
use crate::daemon::service_manager;
use crate::daemon::socket::{self, BindError};

/// How long the nodes may take to be ready.
const START: Duration = Duration::from_secs(10);

/// How long the nodes may take to end by themselves.
const END: Duration = Duration::from_millis(800);

/// Lines from nodes that may wait to be shown.
const LINES: usize = 1_024;

/// Arguments of `mersenned lab`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LabArgs {
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    nodes: u16,

    /// Port of the first node; the others follow
    #[arg(long, value_name = "PORT", default_value = "5001", value_parser = crate::config::value::port)]
    first_port: std::num::NonZeroU16,

    /// Flags of `mersenned run` for every node
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  mersenned lab
  mersenned lab --nodes 8 --first-port 6001
  mersenned lab -- --interval 1s --ping-interval 500ms --peer-timeout 1s    ten times faster

Ctrl-C ends all nodes. Nothing is kept: every lab begins with no prime known.";

/// Starts a lab and watches it until Ctrl-C.
pub fn lab(args: &LabArgs) -> Result<()> {
    let first = args.first_port.get();
    let last = u32::from(first) + u32::from(args.nodes) - 1;
    let Ok(last) = u16::try_from(last) else {
        bail!("{} nodes from port {first} would need port {last}; ports go from 1 to 65535", args.nodes);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(Lab { ports: first..=last, flags: &args.flags }.run())
}

/// What a node has to say.
enum Said {
    /// A line on its standard output.
    Event(String),
    /// A line on its standard error.
    Log(String),
    /// It has ended.
    Ended(std::io::Result<ExitStatus>),
}

struct Lab<'a> {
    ports: RangeInclusive<u16>,
    flags: &'a [String],
}

/// A node's process, as far as the lab holds it.
struct Node {
    /// Dropping it tells the node to leave.
    input: Option<tokio::process::ChildStdin>,
    pid: Option<u32>,
}

impl Lab<'_> {
    async fn run(&self) -> Result<()> {
        for port in self.ports.clone() {
            check_port(port)?;
        }
        let state =
            tempfile::Builder::new().prefix("mersenned-lab-").tempdir().context("cannot make a state directory")?;
        let (say, mut said) = mpsc::channel(LINES);
        // The processes are killed when their tasks are dropped with the runtime, so nothing is ever left behind.
        let mut nodes = BTreeMap::new();
        let result = self.watch(&mut nodes, state.path(), say, &mut said).await;
        // The state directory goes only when the nodes are gone.
        result.and(end(&mut nodes, &mut said).await)
    }

    /// Starts the nodes and tells what they say, until a signal ends that.
    async fn watch(
        &self,
        nodes: &mut BTreeMap<u16, Node>,
        state: &Path,
        say: mpsc::Sender<(u16, Said)>,
        said: &mut mpsc::Receiver<(u16, Said)>,
    ) -> Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        for port in self.ports.clone() {
            nodes.insert(port, self.start(port, state, &say)?);
        }
        drop(say);
        let early = tokio::select! {
            early = self.wait_until_ready(said) => early?,
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = hangup.recv() => return Ok(()),
        };
        let mut report = Report::new(self.ports.clone());
        report.begin();
        early.iter().for_each(|(port, line)| report.event(*port, line));
        loop {
            let (port, said_now) = tokio::select! {
                Some(line) = said.recv() => line,
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hangup.recv() => break,
                else => break,
            };
            match said_now {
                Said::Event(line) => report.event(port, &line),
                Said::Log(line) => report.log(port, &line),
                Said::Ended(status) => {
                    nodes.remove(&port);
                    report.ended(port, &describe(&status));
                    if nodes.is_empty() {
                        bail!("no node is left");
                    }
                    report.log(port, &format!("to start it again: {}", self.by_hand(port, state)));
                }
            }
        }
        report.finish();
        Ok(())
    }

    /// The one other node this one is told of: the next, and for the last one the one before.
    fn only_peer(&self, port: u16) -> Option<u16> {
        if port < *self.ports.end() {
            Some(port + 1)
        } else if port > *self.ports.start() {
            Some(port - 1)
        } else {
            None
        }
    }

    /// How a person starts a node of this lab again, with its memory.
    fn by_hand(&self, port: u16, state: &Path) -> String {
        let peer = self.only_peer(port).map(|peer| format!(" --peer 127.0.0.1:{peer}")).unwrap_or_default();
        let flags: String = self.flags.iter().flat_map(|flag| [" ", flag]).collect();
        format!("mersenned run --port {port}{peer} --state-dir {}{flags}", state.join(port.to_string()).display())
    }

    fn start(&self, port: u16, state: &Path, say: &mpsc::Sender<(u16, Said)>) -> Result<Node> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(program);
        command.arg("run").arg("--in-lab").args(["--log-level", "warn"]);
        command.args(["--port", &port.to_string()]).arg("--state-dir").arg(state.join(port.to_string()));
        if let Some(peer) = self.only_peer(port) {
            command.args(["--peer", &format!("127.0.0.1:{peer}")]);
        }
        command.args(self.flags);
        // Neither the lab's own service manager, if it has one, nor settings that are meant for other nodes are theirs: a lab
        // that met the nodes of such a configuration would teach them its primes.
        let settings = std::env::vars_os().map(|(name, _)| name);
        let settings = settings.filter(|name| name.as_encoded_bytes().starts_with(crate::config::PREFIX.as_bytes()));
        for variable in settings.chain(service_manager::VARIABLES.map(Into::into)) {
            command.env_remove(variable);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is the lab's to answer; in a process group of their own the nodes do not get it too.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start node {port}"))?;
        let node = Node { input: child.stdin.take(), pid: child.id() };
        tokio::spawn(watch(port, child, say.clone()));
        Ok(node)
    }

    /// Waits until every node has said that it is ready, and returns what those that were ready sooner have said since. A
    /// node that ends before that is an error, with what it said.
    async fn wait_until_ready(&self, said: &mut mpsc::Receiver<(u16, Said)>) -> Result<Vec<(u16, String)>> {
        let deadline = Instant::now() + START;
        let mut waiting: Vec<u16> = self.ports.clone().collect();
        let mut logged: BTreeMap<u16, String> = BTreeMap::new();
        let mut early = Vec::new();
        while !waiting.is_empty() {
            let Ok(Some((port, said))) = timeout_at(deadline, said.recv()).await else {
                bail!("node {} is not ready after {} s", waiting[0], START.as_secs());
            };
            match said {
                Said::Event(line) if Line::parse(&line).is_some_and(|line| line.is_ready()) => {
                    waiting.retain(|&other| other != port);
                }
                Said::Event(line) => early.push((port, line)),
                Said::Log(line) => {
                    let lines = logged.entry(port).or_default();
                    lines.push_str("\n  ");
                    lines.push_str(&line);
                }
                Said::Ended(status) => {
                    let reason = logged.remove(&port).unwrap_or_default();
                    bail!("node {port} has not started ({}); the lab has ended{reason}", describe(&status));
                }
            }
        }
        Ok(early)
    }
}

/// Refuses a port that a node could not have, before any is started.
fn check_port(port: u16) -> Result<()> {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let hint = || format!("the lab needs port {port}; give other ports with --first-port");
    socket::bind_udp(address, 0).with_context(hint)?;
    TcpListener::bind(address).map_err(|error| BindError::new(address, "TCP", error)).with_context(hint)?;
    Ok(())
}

/// Passes on what a node says until it has ended.
async fn watch(port: u16, mut child: Child, say: mpsc::Sender<(u16, Said)>) {
    let events = child.stdout.take().map(|output| tokio::spawn(pass_on(port, output, say.clone(), Said::Event)));
    let logs = child.stderr.take().map(|output| tokio::spawn(pass_on(port, output, say.clone(), Said::Log)));
    let status = child.wait().await;
    // What it said last is shown before its end.
    for task in [events, logs].into_iter().flatten() {
        drop(timeout(END, task).await);
    }
    drop(say.send((port, Said::Ended(status))).await);
}

async fn pass_on(port: u16, output: impl AsyncRead + Unpin, say: mpsc::Sender<(u16, Said)>, wrap: fn(String) -> Said) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if say.send((port, wrap(line))).await.is_err() {
            return;
        }
    }
}

/// Tells all nodes to leave, waits until they have, and kills those that have not in time.
async fn end(nodes: &mut BTreeMap<u16, Node>, said: &mut mpsc::Receiver<(u16, Said)>) -> Result<()> {
    for node in nodes.values_mut() {
        drop(node.input.take());
    }
    let deadline = Instant::now() + END;
    while !nodes.is_empty() {
        match timeout_at(deadline, said.recv()).await {
            Ok(Some((port, Said::Ended(_)))) => drop(nodes.remove(&port)),
            Ok(Some((_, Said::Event(_) | Said::Log(_)))) => {}
            Ok(None) => return Ok(()),
            Err(_elapsed) => {
                let left: Vec<String> = nodes.iter().map(|(port, node)| format!("{port} ({:?})", node.pid)).collect();
                return Err(anyhow!("these nodes had to be killed: {}", left.join(", ")));
            }
        }
    }
    Ok(())
}

fn describe(status: &std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
