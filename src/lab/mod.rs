//! A lab: several nodes on this machine, each a process of its own, one page on which all of them are seen, and what one can
//! do to them.
//!
//! Each node is told of one other only, in a chain, as in the exercise: that they all become each other's peers is the
//! protocol's doing. Nodes are held by pipes ([`process`]): what happens at them comes up, orders go down, and when the lab
//! ends, however it ends, the pipes close and the nodes leave. What is published for the page lies in a [`hub`]; the page and
//! its controls are served by a [`site`] of the lab's own. Nothing here exists in a node that runs by itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use self::command::{Asked, Command};
use self::exam::Exam;
use self::exercise::{Exercise, Pace};
use self::faults::{Faults, Link};
use self::hub::{Hub, Subject};
use self::process::{Ear, Process, Said, Speaker, Start};
use self::report::Report;
use crate::daemon::lab_pipe::{Order, Told};
use crate::daemon::snapshot::millis;
use crate::daemon::socket::{self, BindError};

mod command;
mod exam;
pub mod exercise;
mod faults;
mod hub;
mod names;
mod process;
mod report;
mod site;
mod student;

pub use command::SPEEDS;

/// The most nodes a lab can have.
pub const NODES_MAX: u16 = 64;

/// How long the nodes may take to be ready.
const START: Duration = Duration::from_secs(10);

/// How long the nodes may take to end by themselves.
const END: Duration = Duration::from_millis(800);

/// Lines from nodes that may wait to be shown.
const LINES: usize = 1_024;

/// What a lab is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The ports of its nodes.
    pub ports: RangeInclusive<u16>,
    /// The port of its page; `None` for the one before the first node's, or any if that is taken.
    pub page_port: Option<u16>,
    /// What chance in faults follows from; `None` for any.
    pub seed: Option<u64>,
    /// How many seconds of the nodes' clocks go by in a real one, of [`SPEEDS`].
    pub speed: f64,
    /// Whether the page is opened in a browser.
    pub open: bool,
    /// An exercise, for which the last port is left to a node that is not ours.
    pub exercise: Option<&'static Exercise>,
    /// Flags of `mersenned run` for every node.
    pub flags: Vec<String>,
}

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

/// What the page is greeted with.
fn hello(settings: &Settings) -> Value {
    let exercise = settings.exercise.map(|exercise| {
        let student = address(*settings.ports.end());
        let nodes: Vec<SocketAddr> = settings.own_ports().map(address).collect();
        json!({
            "number": exercise.number,
            "title": exercise.title,
            "task": exercise.task_in(student, &nodes),
            "address": student,
        })
    });
    json!({
        "kind": "lab",
        "run": format!("{:016x}", Timestamp::now().as_microsecond()),
        "version": env!("CARGO_PKG_VERSION"),
        "address": null,
        "controls": "lab",
        "entries_kept": hub::ENTRIES_KEPT,
        "exercise": exercise,
    })
}

impl Settings {
    /// The ports of the lab's own nodes.
    fn own_ports(&self) -> RangeInclusive<u16> {
        match self.exercise {
            Some(_) => *self.ports.start()..=self.ports.end().saturating_sub(1),
            None => self.ports.clone(),
        }
    }
}

/// The addresses of nodes are all on this machine.
fn address(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Refuses a port that a node could not have, before any is started.
fn check_port(port: u16) -> Result<()> {
    let hint = || format!("the lab needs port {port}; give other ports with --first-port");
    socket::bind_udp(address(port), 0).with_context(hint)?;
    listen(port).with_context(hint)?;
    Ok(())
}

/// The page's listener, on the port asked for; if none was, on the one before the first node's, if that is free.
fn bind_page(asked: Option<u16>, first: u16) -> Result<TcpListener> {
    match asked {
        Some(port) => listen(port).context("the page's port; give another with --page-port"),
        None => listen(first - 1).or_else(|_| listen(0)).context("the page's port"),
    }
}

fn listen(port: u16) -> Result<TcpListener> {
    Ok(TcpListener::bind(address(port)).map_err(|error| BindError::new(address(port), "TCP", error))?)
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

/// A node of a lab, whether it runs or not.
#[derive(Debug, Default)]
struct Node {
    process: Option<Process>,
    /// How often it was started.
    starts: u32,
    /// How its process ended, or is about to.
    ending: Ending,
    /// What it last said of itself.
    last: Option<String>,
}

/// How a node's process ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Ending {
    /// Without anybody's doing.
    #[default]
    Died,
    Stopped,
    Killed,
    /// To be started again.
    Restart,
}

impl Ending {
    const fn status(self) -> &'static str {
        match self {
            Ending::Died => "died",
            Ending::Stopped => "stopped",
            Ending::Killed => "killed",
            Ending::Restart => "starting",
        }
    }
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
        match said {
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
            (exam::Told::Known(_), None) => {}
        }
    }

    /// A node's process has ended.
    fn ended(&mut self, speaker: Speaker, how: &str) -> Result<()> {
        let port = speaker.port;
        let Some(node) = self.nodes.get_mut(&port) else { return Ok(()) };
        if node.process.as_ref().is_none_or(|process| process.start != speaker.start) {
            return Ok(());
        }
        node.process = None;
        let ending = std::mem::take(&mut node.ending);
        self.report.ended(port, ending.status(), how);
        self.publish_status(port, ending.status(), Some(how));
        match ending {
            Ending::Restart => self.start(port)?,
            Ending::Stopped | Ending::Killed => {}
            Ending::Died => {
                self.note("log", Some(port), &format!("has died ({how})"));
                if self.nodes.values().all(|node| node.process.is_none()) {
                    bail!("no node is left");
                }
                self.report.log(port, &format!("to start it again: {}", self.by_hand(port)));
            }
        }
        Ok(())
    }

    /// Does what the lab's owner wants, or says why not.
    fn obey(&mut self, command: Command) -> Result<(), String> {
        if let Some(unknown) = command.nodes().into_iter().find(|node| !self.is_known(*node)) {
            return Err(match self.is_students(unknown) {
                // Links with it are cut at the other ends.
                true if command.is_about_links() => return self.carry_out(command),
                true => format!("{unknown} is not the lab's to control"),
                false => format!("{unknown} is no node of this lab"),
            });
        }
        self.carry_out(command)
    }

    fn carry_out(&mut self, command: Command) -> Result<(), String> {
        match command {
            Command::Sleep { node } => self.order(node, Order::Sleep),
            Command::Wake { node } => self.order(node, Order::Wake),
            Command::Reset { node } => self.order(node, Order::Reset),
            Command::Stop { node } => self.end_node(node, Ending::Stopped, Process::leave),
            Command::Kill { node } => self.end_node(node, Ending::Killed, Process::kill),
            Command::Restart { node } => match self.running(node) {
                Some(_) => self.end_node(node, Ending::Restart, Process::leave),
                None => self.start_again(node.port()),
            },
            Command::Add {} => self.add(),
            Command::Loss { node, value } => {
                self.change(node, format!("loses {:.0} % of its datagrams", value * 100.0), |faults| {
                    match value > 0.0 {
                        true => drop(faults.loss.insert(node, value)),
                        false => drop(faults.loss.remove(&node)),
                    }
                })
            }
            Command::Delay { node, value } => {
                self.change(node, format!("has its datagrams delayed by {value:.0} ms"), |faults| match value >= 1.0 {
                    true => drop(faults.delay.insert(node, value as u64)),
                    false => drop(faults.delay.remove(&node)),
                })
            }
            Command::Cut { node, other } => self.change(node, format!("is cut off from {other}"), |faults| {
                faults.cuts.insert(Link::between(node, other));
            }),
            Command::Mend { node, other } => self.change(node, format!("reaches {other} again"), |faults| {
                faults.cuts.remove(&Link::between(node, other));
            }),
            Command::Split { nodes } => {
                if nodes.is_empty() || self.addresses().all(|node| nodes.contains(&node)) {
                    return Err("a network is split in two, with at least one node on each side".to_owned());
                }
                let ports: Vec<String> = nodes.iter().map(|node| node.port().to_string()).collect();
                let text = format!("the network is split: {} on one side", ports.join(", "));
                self.change(None, text, |faults| faults.split = Some(nodes))
            }
            Command::Heal {} => self.change(None, "all links carry again".to_owned(), |faults| {
                faults.cuts.clear();
                faults.split = None;
            }),
            Command::Speed { value } => {
                self.change(None, format!("clocks go {value} times as fast"), |faults| faults.speed = value)
            }
        }
    }

    fn is_known(&self, node: SocketAddr) -> bool {
        node == address(node.port()) && self.nodes.contains_key(&node.port())
    }

    fn is_students(&self, node: SocketAddr) -> bool {
        self.exam.as_ref().is_some_and(|exam| exam.address == node)
    }

    /// Everybody in this lab.
    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let own = self.nodes.keys().copied().map(address);
        own.chain(self.exam.iter().map(|exam| exam.address))
    }

    /// A node's process, if it runs and has not been told to end.
    fn running(&self, node: SocketAddr) -> Option<&Process> {
        self.nodes.get(&node.port())?.process.as_ref().filter(|process| !process.is_leaving())
    }

    fn order(&mut self, node: SocketAddr, order: Order) -> Result<(), String> {
        let process = self.running(node).ok_or_else(|| not_running(node))?;
        process.order(order);
        Ok(())
    }

    fn end_node(&mut self, node: SocketAddr, ending: Ending, end: fn(&mut Process)) -> Result<(), String> {
        let known = self.nodes.get_mut(&node.port()).ok_or_else(|| not_running(node))?;
        let process = known.process.as_mut().ok_or_else(|| not_running(node))?;
        // One that is leaving can still be killed.
        if process.is_leaving() && ending != Ending::Killed {
            return Err(not_running(node));
        }
        end(process);
        known.ending = ending;
        let text = match ending {
            Ending::Stopped => "is told to leave",
            Ending::Killed => "is killed",
            Ending::Restart | Ending::Died => "is to be started again",
        };
        self.tell(Some(node), text);
        Ok(())
    }

    fn start_again(&mut self, port: u16) -> Result<(), String> {
        if self.nodes.get(&port).is_some_and(|node| node.process.is_some()) {
            return Err(format!("node {port} is still leaving"));
        }
        self.start(port).map_err(|error| format!("{error:#}"))?;
        self.tell(Some(address(port)), "is started again");
        Ok(())
    }

    fn add(&mut self) -> Result<(), String> {
        if self.nodes.len() >= usize::from(NODES_MAX) {
            return Err(format!("a lab has at most {NODES_MAX} nodes"));
        }
        let last = self.addresses().map(|address| address.port()).max().unwrap_or_default();
        let port = last.checked_add(1).ok_or("there is no port beyond 65535")?;
        check_port(port).map_err(|error| format!("{error:#}"))?;
        self.start(port).map_err(|error| format!("{error:#}"))?;
        // Whoever is on the other side of a split has to know of it.
        self.impose_faults();
        self.tell(Some(address(port)), "is added");
        Ok(())
    }

    /// Changes the faults, has the nodes impose them, and tells of it.
    fn change(
        &mut self,
        node: impl Into<Option<SocketAddr>>,
        text: String,
        change: impl FnOnce(&mut Faults),
    ) -> Result<(), String> {
        change(&mut self.faults);
        self.impose_faults();
        self.publish_faults();
        self.tell(node.into(), &text);
        Ok(())
    }

    fn impose_faults(&self) {
        for (&port, node) in &self.nodes {
            if let Some(process) = &node.process {
                self.impose_faults_on(port, process);
            }
        }
    }

    fn impose_faults_on(&self, port: u16, process: &Process) {
        process.order(Order::Speed(self.faults.speed));
        process.order(Order::Conditions(self.faults.of(address(port), self.addresses())));
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

    /// The one other node this one is told of: the next, and for the last one the one before.
    fn only_peer(&self, port: u16) -> Option<u16> {
        let (first, last) = self.settings.own_ports().into_inner();
        if port < last {
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

    /// Says what somebody has done, on the terminal and on the page.
    fn tell(&self, node: Option<SocketAddr>, text: &str) {
        match node {
            Some(node) => self.report.log(node.port(), text),
            None => self.report.say(text),
        }
        self.note("lab", node.map(|node| node.port()), text);
    }

    /// Adds an entry of the lab's own.
    fn note(&self, event: &str, port: Option<u16>, text: &str) {
        let entry = json!({
            "node": port.map(address),
            "time": millis(Timestamp::now()),
            "event": event,
            "text": text,
        });
        self.hub.add([entry.to_string().as_str()]);
    }

    fn publish_faults(&self) {
        self.hub.set(Subject::Faults, &self.faults.frame(NODES_MAX.into()).to_string());
    }

    /// Publishes what a node last said of itself, with what the lab knows better.
    fn publish_status(&self, port: u16, status: &str, detail: Option<&str>) {
        let last = self.nodes.get(&port).and_then(|node| node.last.as_deref());
        let mut frame: Value = last.and_then(|last| serde_json::from_str(last).ok()).unwrap_or_else(|| {
            json!({
                "name": names::name(usize::from(port - self.settings.ports.start())),
                "speed": self.faults.speed,
                "state": null,
                "primes": [],
            })
        });
        frame["node"] = address(port).to_string().into();
        frame["time"] = millis(Timestamp::now()).into();
        frame["status"] = status.into();
        frame["detail"] = detail.into();
        if status != "ready" {
            frame["peers"] = json!([]);
            frame["search"] = json!({ "exponent": null, "progress": null });
        }
        self.hub.set(Subject::Node(address(port)), &frame.to_string());
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

fn not_running(node: SocketAddr) -> String {
    format!("node {} does not run", node.port())
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
