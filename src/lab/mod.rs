//! A lab: several nodes on this machine, each a process of its own, one page on which all of them are seen, and what one can
//! do to them.
//!
//! Each node is told of one other only, in a chain, as in the exercise: that they all become each other's peers is the
//! protocol's doing. Nodes are held by pipes ([`process`]): what happens at them comes up, orders go down, and when the lab
//! ends, however it ends, the pipes close and the nodes leave. What is published for the page lies in a [`hub`]; the page and
//! its controls are served by a [`site`] of the lab's own. Nothing here exists in a node that runs by itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::TempDir;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use self::command::Asked;
use self::exam::Exam;
use self::exercise::Pace;
use self::faults::Faults;
use self::hub::{Hub, Subject};
use self::node::{Ending, Node};
use self::process::{Ear, Process, Said, Speaker, Start};
use self::report::Report;
use self::settings::{address, bind_page, check_port, hello};
use crate::daemon::lab_pipe::Told;

mod command;
mod exam;
pub mod exercise;
mod faults;
mod hub;
mod names;
mod node;
mod obey;
mod process;
mod publish;
mod report;
mod settings;
mod site;
mod student;

pub use self::settings::Settings;
pub use crate::daemon::lab_pipe::SPEEDS;

/// The most nodes a lab can have.
pub const NODES_MAX: u16 = 64;

/// How long the nodes may take to be ready.
const START: Duration = Duration::from_secs(10);

/// How long the nodes may take to end by themselves.
const END: Duration = Duration::from_millis(800);

/// Lines from nodes that may wait to be shown.
const LINES: usize = 1_024;

/// Runs a lab until Ctrl-C.
///
/// # Errors
/// A port in use; a node that cannot start, with what it said; no node left.
pub async fn run(settings: Settings) -> Result<()> {
    let ports = settings.ports.clone();
    for port in settings.own_ports() {
        check_port(port)?;
    }
    let listener = bind_page(settings.page_port, *ports.start())?;
    let url = format!("http://{}/", listener.local_addr()?);
    let state = tempfile::Builder::new().prefix("mersenned-lab-").tempdir().context("cannot make a state directory")?;
    let seed = match settings.seed {
        Some(seed) => seed,
        // As large as every reader of JSON can write it.
        None => u64::from(getrandom::u32().map_err(|error| anyhow!("cannot get random numbers: {error}"))?),
    };
    let (ear, said) = mpsc::channel(LINES);
    let (commands, asked) = mpsc::channel(LINES);
    let (stop, stopped) = watch::channel(false);
    let hub = Hub::new();
    let exam = settings.exercise.map(|exercise| {
        let own = Pace::default();
        // The student's clock is one of its own; the lab's speed at the start is what it is told to keep up with.
        let pace = Pace { ping: own.ping.div_f64(settings.speed), timeout: own.timeout.div_f64(settings.speed) };
        Exam::start(exercise, address(*ports.end()), pace)
    });
    let hello = hello(&settings);
    let shared = site::Shared { hello, hub: Arc::clone(&hub), commands, shutdown: stopped };
    let serving = tokio::spawn(site::serve(listener, shared));
    let mut lab = Lab {
        faults: Faults::none(seed, settings.speed),
        report: Report::new(),
        nodes: BTreeMap::new(),
        exam,
        settings,
        state,
        hub,
        ear,
    };
    // The processes are killed when their tasks are dropped with the runtime, so nothing is ever left behind.
    let mut said = said;
    let result = lab.watch(&url, &mut said, asked).await;
    let ended = lab.end(&mut said).await;
    _ = stop.send(true);
    drop(serving.await);
    // The state directory goes only when the nodes are gone.
    result.and(ended)
}

/// A lab while it runs.
struct Lab {
    settings: Settings,
    nodes: BTreeMap<u16, Node>,
    faults: Faults,
    report: Report,
    /// An exercise under way.
    exam: Option<Exam>,
    hub: Arc<Hub>,
    ear: Ear,
    /// What the nodes remember.
    state: TempDir,
}

impl Lab {
    /// Starts the nodes and tells what they say, until a signal ends that.
    async fn watch(
        &mut self,
        url: &str,
        said: &mut mpsc::Receiver<(Speaker, Said)>,
        mut asked: mpsc::Receiver<Asked>,
    ) -> Result<()> {
        let mut signals = Signals::listen()?;
        for port in self.settings.own_ports() {
            self.start(port)?;
        }
        self.publish_faults();
        let early = tokio::select! {
            early = self.wait_until_ready(said) => early?,
            () = signals.end() => return Ok(()),
        };
        self.report.begin(url, self.nodes.keys().copied());
        if let (Some(exercise), Some(exam)) = (self.settings.exercise, &self.exam) {
            let nodes: Vec<SocketAddr> = self.nodes.keys().copied().map(address).collect();
            self.report.exercise(exercise, &exercise.task_in(exam.address, &nodes));
        }
        if self.settings.open {
            self.open(url);
        }
        for (speaker, said) in early {
            self.hear(speaker, said)?;
        }
        loop {
            tokio::select! {
                Some((speaker, said)) = said.recv() => self.hear(speaker, said)?,
                Some(Asked { command, reply }) = asked.recv() => {
                    // Who asked may have gone.
                    drop(reply.send(self.obey(command)));
                }
                told = next_of(&mut self.exam) => self.learn(&told),
                () = signals.end() => break,
            }
        }
        self.report.finish();
        Ok(())
    }

    /// Waits until every node has said that it is ready, and returns what was said meanwhile. A node that ends before that
    /// is an error, with what it said.
    async fn wait_until_ready(&mut self, said: &mut mpsc::Receiver<(Speaker, Said)>) -> Result<Vec<(Speaker, Said)>> {
        let deadline = Instant::now() + START;
        let mut waiting: Vec<u16> = self.nodes.keys().copied().collect();
        let mut logged: BTreeMap<u16, String> = BTreeMap::new();
        let mut early = Vec::new();
        while !waiting.is_empty() {
            let Ok(Some((speaker, said))) = timeout_at(deadline, said.recv()).await else {
                bail!("node {} is not ready after {} s", waiting[0], START.as_secs());
            };
            match &said {
                Said::Told(Told::Ready { .. }) => waiting.retain(|&port| port != speaker.port),
                Said::Told(_) => {}
                Said::Log(line) => {
                    let lines = logged.entry(speaker.port).or_default();
                    lines.push_str("\n  ");
                    lines.push_str(line);
                }
                Said::Ended(how) => {
                    let reason = logged.remove(&speaker.port).unwrap_or_default();
                    bail!("node {} has not started ({how}); the lab has ended{reason}", speaker.port);
                }
            }
            early.push((speaker, said));
        }
        Ok(early)
    }

    /// Takes what a node says.
    fn hear(&mut self, speaker: Speaker, said: Said) -> Result<()> {
        let port = speaker.port;
        let is_present = self.nodes.get(&port).is_some_and(|node| node.is_at(speaker.start));
        match said {
            // The last words of a process that has ended since.
            Said::Told(Told::Ready { .. } | Told::Snapshot(_)) if !is_present => {}
            Said::Told(Told::Ready { .. }) => {
                self.report.joined(port);
                self.publish_status(port, "ready", None);
            }
            Said::Told(Told::Snapshot(snapshot)) => {
                self.hub.set(Subject::Node(address(port)), snapshot.get());
                if let Some(node) = self.nodes.get_mut(&port) {
                    node.last = Some(Box::<str>::from(snapshot).into());
                }
            }
            Said::Told(Told::Entries(entries)) => {
                self.hub.add(entries.iter().map(|entry| entry.get()));
                if let Some(exam) = &self.exam {
                    entries.iter().for_each(|entry| exam.report(address(port), entry.get()));
                }
                entries.iter().for_each(|entry| self.report.event(port, entry.get()));
            }
            Said::Told(Told::Missed(missed)) => {
                let text = format!("{missed} entries are missing: this machine is too busy");
                self.note("unlogged", Some(port), &text);
            }
            Said::Log(line) => {
                self.report.log(port, &line);
                self.note("log", Some(port), &line);
            }
            Said::Ended(how) => self.ended(speaker, &how)?,
        }
        Ok(())
    }

    /// Takes what there is to tell of the student's node.
    fn learn(&mut self, told: &exam::Told) {
        match (told, &self.exam) {
            (exam::Told::Known(known), Some(exam)) => exam.publish(known, &self.hub),
            (exam::Told::Conditions(conditions), _) => {
                self.hub.set(Subject::Exercise, &exam::frame(conditions).to_string());
                self.report.conditions(conditions);
            }
            (exam::Told::Failed(why), _) => {
                self.report.say(why);
                self.note("log", None, why);
            }
            (exam::Told::Known(_), None) => {}
        }
    }

    /// A node's process has ended.
    fn ended(&mut self, speaker: Speaker, how: &str) -> Result<()> {
        let port = speaker.port;
        let Some(node) = self.nodes.get_mut(&port) else { return Ok(()) };
        if !node.is_at(speaker.start) {
            return Ok(());
        }
        node.process = None;
        let ending = std::mem::take(&mut node.ending);
        node.ended = Some(ending);
        self.report.ended(port, ending.status(), how);
        self.publish_status(port, ending.status(), Some(how));
        match ending {
            Ending::Restart => {
                if let Err(error) = self.start(port) {
                    let why = format!("cannot be started again: {error:#}");
                    self.publish_status(port, Ending::Died.status(), Some(&why));
                    self.note("log", Some(port), &why);
                }
            }
            Ending::Stopped | Ending::Killed => {}
            Ending::Died => {
                self.note("log", Some(port), &format!("has died ({how})"));
                // Whoever has stopped others can start them again.
                if self.nodes.values().all(|node| node.process.is_none() && node.ended == Some(Ending::Died)) {
                    bail!("no node is left");
                }
                self.report.log(port, &format!("to start it again: {}", self.by_hand(port)));
            }
        }
        Ok(())
    }

    fn start(&mut self, port: u16) -> Result<()> {
        let start = self.nodes.get(&port).map_or(0, |node| node.starts) + 1;
        let process = Process::start(
            Start {
                speaker: Speaker { port, start },
                name: names::name(usize::from(port - self.settings.ports.start())),
                only_peer: self.only_peer(port),
                state: &self.state.path().join(port.to_string()),
                flags: &self.settings.flags,
            },
            &self.ear,
        )?;
        let node = self.nodes.entry(port).or_default();
        (node.starts, node.ending) = (start, Ending::Died);
        self.publish_status(port, "starting", None);
        self.impose_faults_on(port, &process);
        if let Some(node) = self.nodes.get_mut(&port) {
            node.process = Some(process);
        }
        Ok(())
    }

    /// The one other node this one is told of: the next, and for the last one the one before. One that was added later is told
    /// of the nearest that runs.
    fn only_peer(&self, port: u16) -> Option<u16> {
        let (first, last) = self.settings.own_ports().into_inner();
        if port > last {
            let runs = |(&port, node): (&u16, &Node)| node.process.is_some().then_some(port);
            self.nodes.range(..port).rev().find_map(runs)
        } else if port < last {
            Some(port + 1)
        } else if port > first {
            Some(port - 1)
        } else {
            None
        }
    }

    /// How a person starts a node of this lab again, with its memory.
    fn by_hand(&self, port: u16) -> String {
        let peer = self.only_peer(port).map(|peer| format!(" --peer 127.0.0.1:{peer}")).unwrap_or_default();
        let flags: String = self.settings.flags.iter().flat_map(|flag| [" ", flag]).collect();
        let state = self.state.path().join(port.to_string());
        format!("mersenned run --port {port}{peer} --state-dir {}{flags}", state.display())
    }

    /// Shows the page in a browser, if this machine has one.
    fn open(&self, url: &str) {
        if let Err(error) = open::that_detached(url) {
            self.report.say(&format!("no browser could be started ({error}); open {url} yourself"));
        }
    }

    /// Everybody in this lab.
    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let own = self.nodes.keys().copied().map(address);
        own.chain(self.exam.iter().map(|exam| exam.address))
    }

    /// Tells all nodes to leave, waits until they have, and kills those that have not in time.
    async fn end(&mut self, said: &mut mpsc::Receiver<(Speaker, Said)>) -> Result<()> {
        for process in self.nodes.values_mut().filter_map(|node| node.process.as_mut()) {
            process.leave();
        }
        let deadline = Instant::now() + END;
        let left = |nodes: &BTreeMap<u16, Node>| -> Vec<String> {
            let left = nodes.iter().filter(|(_, node)| node.process.is_some());
            left.map(|(port, _)| port.to_string()).collect()
        };
        while !left(&self.nodes).is_empty() {
            match timeout_at(deadline, said.recv()).await {
                Ok(Some((speaker, Said::Ended(_)))) => {
                    if let Some(node) = self.nodes.get_mut(&speaker.port) {
                        node.process = None;
                    }
                }
                Ok(Some((_, Said::Told(_) | Said::Log(_)))) => {}
                Ok(None) => return Ok(()),
                Err(_elapsed) => {
                    return Err(anyhow!("these nodes had to be killed: {}", left(&self.nodes).join(", ")));
                }
            }
        }
        Ok(())
    }
}

/// What there is to tell of an exercise next, if there is one.
async fn next_of(exam: &mut Option<Exam>) -> exam::Told {
    match exam {
        Some(exam) => exam.next().await,
        None => std::future::pending().await,
    }
}

/// What ends a lab.
struct Signals([Signal; 3]);

impl Signals {
    fn listen() -> Result<Signals> {
        Ok(Signals([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }

    async fn end(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
