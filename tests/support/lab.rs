//! A real lab with its nodes, killed when dropped.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Free ports for so many nodes in a row, with one before them for the page, which no other test gets.
pub fn lab_ports(nodes: u16) -> u16 {
    super::free_ports(nodes + 1) + 1
}

pub struct Lab {
    pub child: Child,
    pub lines: Receiver<String>,
    pub seen: Vec<String>,
}

impl Lab {
    pub fn start(arguments: &[&str]) -> Lab {
        Lab::start_with(arguments, &[])
    }

    pub fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Lab {
        let mut command = Command::new(super::program());
        command.arg("lab").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.envs(variables.iter().copied()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Lab { child, lines, seen: Vec::new() }
    }

    /// Waits for a line that contains all of `parts`.
    pub fn says(&mut self, parts: &[&str], limit: Duration) -> String {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("the lab does not say {parts:?} within {limit:?}:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    }

    /// The processes of its nodes.
    pub fn nodes(&self) -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let list = std::fs::read_to_string(children).unwrap();
        list.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    pub fn wait(&mut self, limit: Duration) -> (bool, Duration) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.success(), began.elapsed());
            }
            assert!(began.elapsed() < limit, "the lab has not ended within {limit:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
