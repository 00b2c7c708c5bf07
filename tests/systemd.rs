//! Under a service manager: what a node tells it, and what the unit allows the node.
//!
//! The manager of these tests is a datagram socket of their own: sd_notify(3) needs no more.

mod support;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::stopped::Stopped;
use support::{free_ports, http, is_alive, signal, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// A service manager: its socket, and the name a service is given for it.
struct Manager {
    socket: UnixDatagram,
    name: String,
}

impl Manager {
    fn at(path: &Path) -> Manager {
        Manager { socket: UnixDatagram::bind(path).unwrap(), name: path.to_str().unwrap().to_owned() }
    }

    /// Without a file.
    fn of_name(name: &str) -> Manager {
        let address = SocketAddr::from_abstract_name(name).unwrap();
        Manager { socket: UnixDatagram::bind_addr(&address).unwrap(), name: format!("@{name}") }
    }

    /// The next notification, if one comes in time.
    fn next(&self, limit: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let mut buffer = [0; 4_096];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// Waits for a notification with this line; returns all that came until then.
    fn hears(&self, line: &str, limit: Duration) -> Vec<String> {
        let deadline = Instant::now() + limit;
        let mut heard = Vec::new();
        while heard.last().is_none_or(|last: &String| !last.lines().any(|said| said.starts_with(line))) {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let Some(next) = self.next(left) else { panic!("no {line} within {limit:?}, but {heard:?}") };
            heard.push(next);
        }
        heard
    }

    /// Whether nothing that contains this comes for so long.
    fn never_hears(&self, line: &str, how_long: Duration) -> bool {
        let deadline = Instant::now() + how_long;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            if self.next(left).is_some_and(|said| said.contains(line)) {
                return false;
            }
        }
    }
}

/// A node as a service: killed when dropped.
struct Service {
    port: u16,
    child: Child,
}

impl Service {
    fn start(state: &Path, notify: &str, variables: &[(&str, &str)]) -> Service {
        let port = free_ports(1);
        let mut command = Command::new(support::program());
        command.args(["run", "--search", "off", "--log-level", "warn", "--port", &port.to_string()]);
        // As systemd does it, by its variable.
        command.env("STATE_DIRECTORY", state.join(port.to_string())).env("NOTIFY_SOCKET", notify);
        command.env_remove("WATCHDOG_PID").env_remove("WATCHDOG_USEC").envs(variables.iter().copied());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        Service { port, child }
    }

    fn get(&self, path: &str) -> Option<u16> {
        let port = self.port;
        http(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")).map(|(status, _)| status)
    }

    fn exit_code(&mut self, limit: Duration) -> Option<i32> {
        let pid = self.child.id();
        wait_until(limit, "the service has ended", || !is_alive(pid));
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A plain PING, which every node answers.
fn ping(port: u16) -> Option<Vec<u8>> {
    let mut datagram = vec![0x86];
    let word = |text: &str| [&[0xa0 | text.len() as u8], text.as_bytes()].concat();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = socket.local_addr().unwrap().port().to_be_bytes();
    let node = [0xcd, own[0], own[1]];
    for (name, value) in [
        ("msg_type", &word("PING")[..]),
        ("msg_id", &[1]),
        ("msg_forwarder", &node),
        ("msg_originator", &node),
        ("ttl", &[0]),
        ("data", &[0xc0]),
    ] {
        datagram.extend(word(name));
        datagram.extend(value);
    }
    socket.send_to(&datagram, ("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(SECOND)).unwrap();
    let mut buffer = [0; 1_500];
    let length = socket.recv(&mut buffer).ok()?;
    Some(buffer[..length].to_vec())
}

#[test]
fn a_service_is_ready_when_it_answers_and_says_so_when_it_stops() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("notify");
    for manager in [Manager::at(&path), Manager::of_name(&format!("mersenned-test-{}", std::process::id()))] {
        let mut service = Service::start(state.path(), &manager.name, &[]);
        let heard = manager.hears("READY=1", 10 * SECOND);
        assert_eq!(heard, ["READY=1\n"], "nothing comes before it");
        // At once: whoever waited for the word need not try twice.
        assert_eq!(service.get("/-/ready"), Some(200));
        assert!(ping(service.port).is_some_and(|answer| answer.windows(4).any(|bytes| bytes == b"PONG")));
        manager.hears("STATUS=0 peers, no prime yet", 5 * SECOND);
        signal(service.child.id(), "TERM");
        manager.hears("STOPPING=1", 5 * SECOND);
        assert_eq!(service.exit_code(5 * SECOND), Some(0));
        assert!(manager.never_hears("WATCHDOG", Duration::from_millis(1)), "nobody has asked for that");
    }
}

#[test]
fn a_service_that_is_told_to_stop_as_soon_as_it_is_ready_stops_well() {
    let state = tempfile::tempdir().unwrap();
    let manager = Manager::at(&state.path().join("notify"));
    for _ in 0..5 {
        let mut service = Service::start(state.path(), &manager.name, &[]);
        manager.hears("READY=1", 10 * SECOND);
        signal(service.child.id(), "TERM");
        assert_eq!(service.exit_code(5 * SECOND), Some(0), "its handlers were there before it said that it is ready");
        manager.hears("STOPPING=1", SECOND);
    }
}

#[test]
fn the_status_follows_what_the_node_knows() {
    let state = tempfile::tempdir().unwrap();
    let manager = Manager::at(&state.path().join("notify"));
    let service = Service::start(state.path(), &manager.name, &[]);
    manager.hears("STATUS=0 peers, no prime yet", 10 * SECOND);
    let claim = r#"{"msg_type":"PRIME","msg_id":7,"msg_forwarder":9999,"msg_originator":9999,"ttl":0,"data":127}"#;
    let token = support::token(&state.path().join(service.port.to_string()));
    assert_eq!(support::post(service.port, "/gossip/", claim, &token).0, 202);
    manager.hears("STATUS=0 peers, largest prime M127", 10 * SECOND);
}

#[test]
fn a_manager_that_does_not_exist_has_gone_or_never_reads_harms_nothing() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("nobody");
    let lasting = [("WATCHDOG_USEC", "30000")];
    for name in [path.to_str().unwrap(), "@mersenned-test-nobody", "nonsense", "/", ""] {
        let mut service = Service::start(state.path(), name, &lasting);
        wait_until(10 * SECOND, "it is ready", || service.get("/-/ready") == Some(200));
        signal(service.child.id(), "TERM");
        assert_eq!(service.exit_code(5 * SECOND), Some(0), "{name:?}");
    }
    // Every 10 ms a word, and a queue of ten or a few hundred: full long before the first three seconds are over.
    let manager = Manager::at(&path);
    let mut service = Service::start(state.path(), &manager.name, &lasting);
    wait_until(10 * SECOND, "it is ready", || service.get("/-/ready") == Some(200));
    support::holds_for(6 * SECOND, "a full queue holds up nobody", || ping(service.port).is_some());
    drop(manager);
    std::fs::remove_file(&path).unwrap();
    support::holds_for(SECOND, "a missing one neither", || ping(service.port).is_some());
    signal(service.child.id(), "TERM");
    assert_eq!(service.exit_code(5 * SECOND), Some(0));
}

#[test]
fn the_watchdog_of_another_process_is_not_fed() {
    let state = tempfile::tempdir().unwrap();
    let manager = Manager::at(&state.path().join("notify"));
    let own = [("WATCHDOG_USEC", "300000"), ("WATCHDOG_PID", "1")];
    let service = Service::start(state.path(), &manager.name, &own);
    manager.hears("READY=1", 10 * SECOND);
    assert!(manager.never_hears("WATCHDOG", 2 * SECOND));
    drop(service);
}

#[test]
fn the_watchdog_is_fed_by_the_gossip_loop_alone_and_starves_when_that_stands_still() {
    let state = tempfile::tempdir().unwrap();
    let manager = Manager::at(&state.path().join("notify"));
    let limit = 1_500 * Duration::from_millis(1);
    let service = Service::start(state.path(), &manager.name, &[("WATCHDOG_USEC", "1500000")]);
    manager.hears("READY=1", 10 * SECOND);
    let began = Instant::now();
    for _ in 0..6 {
        manager.hears("WATCHDOG=1", limit);
    }
    assert!(began.elapsed() >= limit, "three times in the time, not more often: {:?}", began.elapsed());

    let stopped = match Stopped::thread(service.child.id(), "gossip") {
        Ok(stopped) => stopped,
        Err(reason) => return support::not_allowed(&reason),
    };
    // What it has said until now.
    manager.never_hears("nothing", Duration::from_millis(200));
    assert!(manager.never_hears("WATCHDOG", 2 * limit), "systemd would kill it now");
    assert_eq!(service.get("/-/healthy"), Some(200), "while the rest of the process lives");
    assert!(ping(service.port).is_none(), "the loop does stand still");
    stopped.resume();
    manager.hears("WATCHDOG=1", limit);
    wait_until(5 * SECOND, "it answers again", || ping(service.port).is_some());
}

#[test]
fn the_watchdog_of_a_node_that_sleeps_is_fed_in_time() {
    let state = tempfile::tempdir().unwrap();
    let manager = Manager::at(&state.path().join("notify"));
    let service = Service::start(state.path(), &manager.name, &[("WATCHDOG_USEC", "1000000")]);
    manager.hears("READY=1", 10 * SECOND);
    let token = support::token(&state.path().join(service.port.to_string()));
    let answer = support::post(service.port, "/sleep", "", &token);
    assert_eq!((answer.0, &answer.1["asleep"]), (200, &true.into()));
    // What it said until it slept, and what the answer itself made the loop say.
    while manager.next(Duration::from_millis(1)).is_some() {}
    for _ in 0..6 {
        manager.hears("WATCHDOG=1", SECOND);
    }
}

#[test]
fn the_nodes_of_a_lab_say_nothing_to_the_service_manager_of_the_lab() {
    let state = tempfile::tempdir().unwrap();
    let manager = Manager::at(&state.path().join("notify"));
    let first = support::lab::lab_ports(2);
    let mut command = Command::new(support::program());
    command.args(["lab", "--nodes", "2", "--first-port", &first.to_string()]).stdout(Stdio::null());
    command.env("NOTIFY_SOCKET", &manager.name).env("WATCHDOG_USEC", "300000").env_remove("WATCHDOG_PID");
    let mut lab = Service { port: first, child: command.spawn().unwrap() };
    wait_until(10 * SECOND, "its nodes are ready", || lab.get("/-/ready") == Some(200));
    assert_eq!(manager.next(2 * SECOND), None);
    signal(lab.child.id(), "TERM");
    assert_eq!(lab.exit_code(5 * SECOND), Some(0));
    assert_eq!(manager.next(Duration::from_millis(1)), None);
}

/// The unit with another program in its place, in a directory of its own.
fn unit_in(directory: &Path, program: &str) -> std::path::PathBuf {
    let unit = std::fs::read_to_string("config/mersenned@.service").unwrap();
    assert!(unit.contains("ExecStart=/usr/bin/mersenned run "), "{unit}");
    let path = directory.join("mersenned@.service");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(unit.replace("/usr/bin/mersenned", program).as_bytes()).unwrap();
    path
}

/// What systemd-analyze prints, or nothing where it is missing.
fn analyze(arguments: &[&str]) -> Option<String> {
    match Command::new("systemd-analyze").args(arguments).env("SYSTEMD_COLORS", "0").output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some(String::from_utf8(said).unwrap())
        }
        Err(error) => {
            support::skip(&format!("systemd-analyze cannot be run here: {error}"));
            None
        }
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let directory = tempfile::tempdir().unwrap();
    let program = support::program();
    let unit = unit_in(directory.path(), program.to_str().unwrap());
    let Some(said) = analyze(&["verify", unit.to_str().unwrap()]) else { return };
    assert_eq!(said, "");
    // That silence means something.
    let unit = unit_in(directory.path(), "/nonexistent/mersenned");
    assert!(analyze(&["verify", unit.to_str().unwrap()]).is_some_and(|said| said.contains("/nonexistent/mersenned")));
}

#[test]
fn the_unit_leaves_a_node_little_to_harm() {
    let directory = tempfile::tempdir().unwrap();
    let unit = unit_in(directory.path(), "/bin/true");
    let Some(said) = analyze(&["security", "--offline=true", unit.to_str().unwrap()]) else { return };
    let exposure = said.split("Overall exposure level for ").nth(1).and_then(|rest| rest.split_whitespace().nth(1));
    let exposure: f64 = exposure.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{said}"));
    assert!(exposure <= 1.5, "{exposure}\n{said}");
}

/// The system calls in a set such as `@system-service`, or the one call that this is.
fn calls(name: &str) -> BTreeSet<String> {
    if !name.starts_with('@') {
        return BTreeSet::from([name.to_owned()]);
    }
    let listed = analyze(&["syscall-filter", name]).unwrap_or_default();
    let members = listed.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    members.flat_map(calls).collect()
}

/// The system calls that the unit allows: the first line says which, each further one adds, or takes away after `~`.
fn allowed_calls(unit: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for filter in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        match filter.strip_prefix('~') {
            Some(taken) => {
                let taken: BTreeSet<_> = taken.split(' ').flat_map(calls).collect();
                allowed.retain(|call| !taken.contains(call));
            }
            None => allowed.extend(filter.split(' ').flat_map(calls)),
        }
    }
    allowed
}

/// The system calls in what strace has written: `1234 sendto(…) = 69`, `1234 <... recvfrom resumed>…`.
fn calls_made(trace: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let (_process, what) = line.split_once(' ')?;
        let name = what.trim_start().split(['(', ' ']).next()?;
        name.starts_with(|first: char| first.is_ascii_lowercase()).then(|| name.to_owned())
    };
    trace.lines().filter_map(name).collect()
}

#[test]
fn the_unit_allows_every_system_call_that_a_node_makes_in_its_life() {
    let unit = std::fs::read_to_string("config/mersenned@.service").unwrap();
    if analyze(&["--version"]).is_none() {
        return;
    }
    let allowed = allowed_calls(&unit);
    assert!(allowed.contains("sendto") && !allowed.contains("mount") && !allowed.contains("ptrace"), "{allowed:?}");

    let state = tempfile::tempdir().unwrap();
    let manager = Manager::at(&state.path().join("notify"));
    let port = free_ports(2);
    let trace = state.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(&trace).arg(support::program()).args(["run", "--interval", "300ms"]);
    // A name has to be resolved; its own memory, log and threads it has anyway.
    command.args(["--port", &port.to_string(), "--peer", &format!("localhost:{}", port + 1)]);
    command.env("STATE_DIRECTORY", state.path().join("traced")).env("NOTIFY_SOCKET", &manager.name);
    command.env("WATCHDOG_USEC", "1000000").env_remove("WATCHDOG_PID");
    let child = match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return support::skip(&format!("strace cannot be run here: {error}")),
    };
    let mut traced = Service { port, child };
    wait_until(20 * SECOND, "the node is ready, or strace has given up", || {
        traced.get("/-/ready") == Some(200) || !is_alive(traced.child.id())
    });
    if !is_alive(traced.child.id()) {
        return support::not_allowed("strace may not trace");
    }
    let other = support::Node::start(port + 1, state.path(), &["--interval", "300ms"]);
    wait_until(20 * SECOND, "they find primes and tell each other", || other.has_peer(port) && other.largest() >= 31);
    for path in ["/", "/metrics", "/state", "/peers/", "/primes", "/log", "/-/healthy"] {
        assert_eq!(traced.get(path), Some(200), "{path}");
    }
    let claim = r#"{"msg_type":"PRIME","msg_id":7,"msg_forwarder":9999,"msg_originator":9999,"ttl":0,"data":4423}"#;
    let token = support::token(&state.path().join("traced"));
    assert_eq!(support::post(port, "/gossip/", claim, &token).0, 202);
    manager.hears("STATUS=1 peer, largest prime M4423", 30 * SECOND);
    let node = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", traced.child.id())).unwrap();
    signal(node.trim().parse().unwrap(), "TERM");
    assert_eq!(traced.exit_code(5 * SECOND), Some(0));

    let made = calls_made(&std::fs::read_to_string(&trace).unwrap());
    for call in ["setpriority", "sendto", "fsync", "clone3", "connect", "bind"] {
        assert!(made.contains(call), "the trace has everything: {call} in {made:?}");
    }
    let forbidden: Vec<_> = made.difference(&allowed).collect();
    assert!(forbidden.is_empty(), "the unit forbids {forbidden:?}");
}
