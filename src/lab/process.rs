//! A node of a lab: a process of its own, held by three pipes.
//!
//! Its standard input takes orders, and its end tells it to leave; its standard output tells what happens to it; what it
//! writes to standard error is for people. A lab that is killed takes its nodes with it, because the pipes close.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::daemon::lab_pipe::{Order, Told};
use crate::daemon::service_manager;

/// How long a node may take to say its last words.
const LAST_WORDS: Duration = Duration::from_millis(800);

/// How long a node that was told to leave may take.
const LEAVE: Duration = Duration::from_secs(2);

/// What becomes of a node, for the lab.
#[derive(Debug)]
pub(super) enum Said {
    /// A line on its standard output.
    Told(Told),
    /// A line on its standard error, or one on its standard output that is none of this version.
    Log(String),
    /// It has ended; this is how.
    Ended(String),
}

/// Who says it: a node, and which start of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Speaker {
    pub(super) port: u16,
    pub(super) start: u32,
}

/// Where a node's pipes lead.
pub(super) type Ear = mpsc::Sender<(Speaker, Said)>;

/// How a node is started.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) speaker: Speaker,
    pub(super) name: Option<&'static str>,
    /// The one other node it is told of.
    pub(super) only_peer: Option<u16>,
    /// What it remembers, of it alone.
    pub(super) state: &'a Path,
    /// Flags of `mersenned run`.
    pub(super) flags: &'a [String],
}

/// A node's process, as far as the lab holds it.
#[derive(Debug)]
pub(super) struct Process {
    /// Dropping it tells the node to leave.
    orders: Option<mpsc::UnboundedSender<Order>>,
    /// Using or dropping it, and all copies of it, kills the node.
    kill: mpsc::Sender<()>,
    pub(super) start: u32,
}

impl Process {
    pub(super) fn start(how: Start<'_>, ear: &Ear) -> Result<Process> {
        let Start { speaker, name, only_peer, state, flags } = how;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = tokio::process::Command::new(program);
        command.arg("run").arg("--in-lab").args(["--log-level", "warn"]);
        command.args(["--port", &speaker.port.to_string()]).arg("--state-dir").arg(state);
        if let Some(peer) = only_peer {
            command.args(["--peer", &format!("127.0.0.1:{peer}")]);
        }
        command.args(flags);
        // Neither the lab's own service manager, if it has one, nor settings that are meant for other nodes are theirs: a lab
        // that met the nodes of such a configuration would teach them its primes.
        let settings = std::env::vars_os().map(|(name, _)| name);
        let settings = settings.filter(|name| name.as_encoded_bytes().starts_with(crate::config::PREFIX.as_bytes()));
        for variable in settings.chain(service_manager::VARIABLES.map(Into::into)) {
            command.env_remove(variable);
        }
        // As variables, which flags given for all nodes can overrule. A page that is to show every message needs all of them.
        command.env(format!("{}JOURNAL_RATE", crate::config::PREFIX), "2000");
        if let Some(name) = name {
            command.env(format!("{}NAME", crate::config::PREFIX), name);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is the lab's to answer; in a process group of their own the nodes do not get it too.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start node {}", speaker.port))?;
        let (orders, inbox) = mpsc::unbounded_channel();
        if let Some(input) = child.stdin.take() {
            tokio::spawn(pass_orders(input, inbox));
        }
        let (kill, killed) = mpsc::channel(1);
        tokio::spawn(watch(speaker, child, killed, ear.clone()));
        Ok(Process { orders: Some(orders), kill, start: speaker.start })
    }

    /// Gives it an order, unless it has been told to leave.
    pub(super) fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A node that has ended needs no orders.
            drop(orders.send(order));
        }
    }

    /// Whether it has been told to leave, or killed.
    pub(super) fn is_leaving(&self) -> bool {
        self.orders.is_none()
    }

    /// Tells it to leave; if it does not in time, it is killed.
    pub(super) fn leave(&mut self) {
        self.orders = None;
        let kill = self.kill.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LEAVE).await;
            _ = kill.try_send(());
        });
    }

    /// Ends it at once, as a power cut would.
    pub(super) fn kill(&mut self) {
        // A full channel has it already.
        _ = self.kill.try_send(());
        self.orders = None;
    }
}

async fn pass_orders(mut input: ChildStdin, mut orders: mpsc::UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        let Ok(mut line) = serde_json::to_vec(&order) else { continue };
        line.push(b'\n');
        if input.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// Passes on what a node says until it has ended.
async fn watch(speaker: Speaker, mut child: Child, mut killed: mpsc::Receiver<()>, ear: Ear) {
    let told = child.stdout.take().map(|output| tokio::spawn(pass_on(speaker, output, ear.clone(), told)));
    let logged = child.stderr.take().map(|output| tokio::spawn(pass_on(speaker, output, ear.clone(), Said::Log)));
    let status = tokio::select! {
        status = child.wait() => status,
        _ = killed.recv() => {
            drop(child.start_kill());
            child.wait().await
        }
    };
    // What it said last is passed on before its end.
    for mut task in [told, logged].into_iter().flatten() {
        if timeout(LAST_WORDS, &mut task).await.is_err() {
            task.abort();
        }
    }
    drop(ear.send((speaker, Said::Ended(describe(&status)))).await);
}

fn told(line: String) -> Said {
    serde_json::from_str(&line).map_or(Said::Log(line), Said::Told)
}

async fn pass_on(speaker: Speaker, output: impl AsyncRead + Unpin, ear: Ear, wrap: fn(String) -> Said) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if ear.send((speaker, wrap(line))).await.is_err() {
            return;
        }
    }
}

fn describe(status: &std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}
