//! Carries out what the lab's owner wants, or says why not.

use std::net::SocketAddr;

use super::command::Command;
use super::faults::{Faults, Link};
use super::node::Ending;
use super::process::Process;
use super::settings::{address, check_port};
use super::{Lab, NODES_MAX};
use crate::daemon::lab_pipe::Order;

impl Lab {
    /// Does what the lab's owner wants, or says why not.
    pub(super) fn obey(&mut self, command: Command) -> Result<(), String> {
        let unknown: Vec<SocketAddr> = command.nodes().into_iter().filter(|node| !self.is_known(*node)).collect();
        if let Some(stranger) = unknown.iter().find(|node| !self.is_students(**node)) {
            return Err(format!("{stranger} is no node of this lab"));
        }
        // Links with the student's node are cut at the other ends.
        if let Some(student) = unknown.first().filter(|_| !command.is_about_links()) {
            return Err(format!("{student} is not the lab's to control"));
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
                self.change(node, format!("has its datagrams delayed by {value:.0} ms"), |faults| {
                    faults.delay.insert(node, value as u64);
                    faults.delay.retain(|_, millis| *millis > 0);
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

    pub(super) fn impose_faults_on(&self, port: u16, process: &Process) {
        process.order(Order::Speed(self.faults.speed));
        process.order(Order::Conditions(self.faults.of(address(port), self.addresses())));
    }

    /// Says what somebody has done, on the terminal and on the page.
    fn tell(&self, node: Option<SocketAddr>, text: &str) {
        match node {
            Some(node) => self.report.log(node.port(), text),
            None => self.report.say(text),
        }
        self.note("lab", node.map(|node| node.port()), text);
    }
}

fn not_running(node: SocketAddr) -> String {
    format!("node {} does not run", node.port())
}
