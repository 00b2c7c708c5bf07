//! Network namespaces (network_namespaces(7)) of a test's own: made with ip(8), gone when they are dropped.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::skip;

/// A network namespace with a loopback interface that is up, and nothing else. It goes when this is dropped; so do its
/// interfaces, as soon as no process is left in it.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// `None`, with the reason printed, where namespaces cannot be made.
    pub fn new() -> Option<Namespace> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mersenned-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let tools = run(&["ip", "-V"]) && run(&["nft", "--version"]);
        if !tools || !run(&["ip", "netns", "add", &name]) {
            skip("network namespaces need root, ip and nft");
            return None;
        }
        let namespace = Namespace { name };
        assert!(namespace.inside(&["ip", "link", "set", "lo", "up"]));
        Some(namespace)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a command inside and returns whether it succeeded.
    pub fn inside(&self, command: &[&str]) -> bool {
        run(&[&["ip", "netns", "exec", &self.name], command].concat())
    }

    /// What a command inside prints.
    pub fn output_of(&self, command: &[&str]) -> String {
        let output = Command::new("ip").args(["netns", "exec", &self.name]).args(command).output().expect("ip runs");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// See [`enter`].
    pub fn enter<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        enter(&self.name, what)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run(&["ip", "netns", "del", &self.name]);
    }
}

/// Does something on a thread inside a namespace. Sockets belong for ever to the namespace they were made in.
pub fn enter<T: Send>(name: &str, what: impl FnOnce() -> T + Send) -> T {
    let inside = || {
        let namespace = File::open(format!("/run/netns/{name}")).expect("the namespace exists");
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("it can be entered");
        what()
    };
    std::thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs a command and returns whether it succeeded.
pub fn run(command: &[&str]) -> bool {
    let mut process = Command::new(command[0]);
    process.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process.status().is_ok_and(|status| status.success())
}
