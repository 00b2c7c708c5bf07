//! What a node does when its disk fails: full, read-only, or an fsync that does not succeed. Gossip goes on; the node says
//! that it is not ready; nothing it has acknowledged is lost; and when the disk is well again, so is the node.
//!
//! Mounting small file systems needs root, and failing system calls need strace; where they are missing a test says so.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Node, free_ports, holds_for, http, not_allowed, signal, skip, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// How soon a node is ready again when its disk is.
const RESUMED: Duration = Duration::from_secs(5);

/// A file system of 256 KiB, unmounted when dropped.
struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    /// `None`, with the reason printed, where file systems cannot be mounted.
    fn new() -> Option<SmallDisk> {
        let disk = SmallDisk { directory: tempfile::tempdir().unwrap() };
        if !run("mount", &["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk.path().to_str().unwrap()]) {
            not_allowed("mounting a small file system, which needs root");
            return None;
        }
        Some(disk)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Writes until nothing fits any more.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        while ballast.write_all(&[0; 4_096]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn remount(&self, how: &str) {
        assert!(run("mount", &["-o", &format!("remount,{how}"), self.path().to_str().unwrap()]));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l", self.path().to_str().unwrap()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Why a node says that it is not ready; `None` if it is.
fn objection(node: &Node) -> Option<String> {
    let request = format!("GET /-/ready HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", node.port);
    match http(node.port, &request) {
        Some((200, _)) => None,
        Some((_, body)) => Some(body),
        None => Some("no answer".to_owned()),
    }
}

#[test]
fn a_disk_that_is_full_for_a_minute_costs_no_gossip_and_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::new() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let port = free_ports(2);
    let mut node = Node::start(port, disk.path(), &["--search", "off"]);
    let finder = Node::start(port + 1, elsewhere.path(), &["--interval", "3s", "--peer", &format!("127.0.0.1:{port}")]);
    wait_until(10 * SECOND, "a prime is saved", || node.largest() > 0 && objection(&node).is_none());

    disk.fill();
    wait_until(20 * SECOND, "the node says that the disk is full", || {
        objection(&node).is_some_and(|reason| reason.contains("no space"))
    });
    let before = node.largest();
    holds_for(60 * SECOND, "it stays a peer, and alive", || finder.has_peer(port) && node.has_peer(port + 1));
    assert!(objection(&node).is_some_and(|reason| reason.contains("no space")));
    assert!(node.largest() > before, "it goes on learning");
    wait_until(5 * SECOND, "it has heard all there is", || node.holds() == finder.holds());

    disk.empty();
    wait_until(RESUMED, "the node is ready again", || objection(&node).is_none());
    let acknowledged = node.largest();
    node.kill();
    drop(finder);
    node.spawn();
    node.wait_until_ready();
    assert!(node.largest() >= acknowledged, "{} after M{acknowledged}", node.largest());
}

#[test]
fn a_prime_found_while_the_disk_is_full_is_announced_when_it_is_saved_and_not_before() {
    let Some(disk) = SmallDisk::new() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let config = elsewhere.path().join("m.toml");
    fs::write(&config, "search = false\ninterval = '100ms'\n").unwrap();
    let port = free_ports(2);
    let node = Node::start(port, disk.path(), &["--config", config.to_str().unwrap()]);
    let other = Node::start(port + 1, elsewhere.path(), &["--search", "off", "--peer", &format!("127.0.0.1:{port}")]);
    wait_until(10 * SECOND, "the two are peers", || other.has_peer(port));

    disk.fill();
    fs::write(&config, "interval = '100ms'\n").unwrap();
    signal(node.pid(), "HUP");
    wait_until(10 * SECOND, "it finds a prime that it cannot save", || {
        node.largest() > 0 && objection(&node).is_some()
    });
    holds_for(7 * SECOND, "the other has heard of none", || other.largest() == 0);

    disk.empty();
    wait_until(RESUMED, "the other hears of it", || other.largest() > 0);
    assert_eq!(objection(&node), None);
}

#[test]
fn a_disk_that_turns_read_only_is_told_and_so_is_its_recovery() {
    let Some(disk) = SmallDisk::new() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let port = free_ports(2);
    let node = Node::start(port, disk.path(), &["--search", "off"]);
    disk.remount("ro");
    let finder = Node::start(port + 1, elsewhere.path(), &["--interval", "1s", "--peer", &format!("127.0.0.1:{port}")]);
    wait_until(20 * SECOND, "the node says that it cannot write", || {
        objection(&node).is_some_and(|reason| reason.contains("cannot be written"))
    });
    wait_until(10 * SECOND, "it learns all the same", || node.largest() > 0 && finder.has_peer(port));
    disk.remount("rw");
    wait_until(RESUMED, "the node is ready again", || objection(&node).is_none());
}

#[test]
fn a_node_whose_disk_is_full_from_the_start_says_so_and_does_not_start() {
    let Some(disk) = SmallDisk::new() else { return };
    disk.fill();
    let mut command = Command::new(crate::support::program());
    command.args(["run", "--port", &free_ports(1).to_string(), "--state-dir"]).arg(disk.path().join("s"));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("mersenned: cannot use the "), "{error}");
    assert_eq!(error.matches("No space left on device").count(), 1, "{error}");
}

/// strace with the node it traces; both end when it is dropped, also when its test fails.
struct Traced(Child);

impl Drop for Traced {
    fn drop(&mut self) {
        // Killing strace would only set the node free.
        let children = format!("/proc/{0}/task/{0}/children", self.0.id());
        for node in fs::read_to_string(children).unwrap_or_default().split_whitespace() {
            run("kill", &["-KILL", node]);
        }
        drop(self.0.wait());
    }
}

#[test]
fn after_a_failed_fsync_the_file_is_written_anew_and_never_synced_again() {
    if !run("strace", &["-V"]) {
        return skip("strace is missing, which makes system calls fail (apt-get install strace)");
    }
    if !run("strace", &["-qq", "-o", "/dev/null", "true"]) {
        return not_allowed("strace may not trace");
    }
    let state = tempfile::tempdir().unwrap();
    let trace = state.path().join("trace");
    let port = free_ports(1);
    // The token and the first state take two each: the file and its directory. The next three fail.
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=openat,fsync,rename", "-e", "inject=fsync:error=EIO:when=5..7", "-o"]);
    command.arg(&trace).arg(crate::support::program()).args([
        "run",
        "--interval",
        "200ms",
        "--port",
        &port.to_string(),
    ]);
    command.arg("--state-dir").arg(state.path().join("s")).args(["--log-level", "warn"]);
    let traced = Traced(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let ready = || http(port, &format!("GET /-/ready HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
    wait_until(20 * SECOND, "the node says that it cannot write", || ready().is_some_and(|(status, _)| status == 503));
    wait_until(20 * SECOND, "the node is ready again", || ready().is_some_and(|(status, _)| status == 200));
    drop(traced);

    let calls = fs::read_to_string(&trace).unwrap();
    let relevant = calls.lines().filter(|line| line.contains("state.json.new") || line.contains("fsync("));
    let mut failed = 0;
    let mut opened_since = true;
    for call in relevant {
        if call.contains("openat(") {
            opened_since = true;
        } else if call.contains("fsync(") {
            assert!(opened_since, "a descriptor was synced again after a failure:\n{calls}");
            if call.contains("EIO") {
                failed += 1;
                opened_since = false;
            }
        } else if call.contains("rename(") {
            assert!(opened_since, "a file that could not be synced was put in place:\n{calls}");
        }
    }
    assert_eq!(failed, 3, "{calls}");
}
