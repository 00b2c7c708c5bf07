//! The Debian package in a clean system: everything where it belongs, the unit's command runs with the shipped settings,
//! and nothing is left when it is purged.
//!
//! `PACKAGE_UNDER_TEST` names the package; `config/deb/build` makes it. `STATIC_BINARY_UNDER_TEST` names the static binary, made by
//! `config/deb/build --static`. Takes root, debootstrap and the mirror that apt uses
//! here. Mounts are made in a mount namespace and gone with it, so nothing but the temporary directory is touched.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use support::{free_ports, http, not_allowed, signal, skip, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// A user without a name, as a dynamic one is in this system.
const USER: u32 = 61_234;

/// What a command printed, if it can be run and succeeds.
fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let Output { status, stdout, stderr } = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program} cannot be run here: {error}"))?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    if status.success() { Ok(text(&stdout)) } else { Err(format!("{program}: {}{}", text(&stdout), text(&stderr))) }
}

/// A small Debian system of its own.
struct System {
    root: PathBuf,
    _directory: tempfile::TempDir,
}

impl System {
    /// The same release as this machine's, from where apt gets it here.
    fn bootstrap() -> Result<System, String> {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
        let codename = codename.ok_or("this is no Debian")?;
        let wanted = format!("Codename: {codename}");
        let mirrors = output("apt-get", &["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", &wanted])?;
        let mirror = mirrors.lines().next().ok_or("apt has no mirror here")?;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        let path = root.to_str().unwrap();
        // With a service manager, which is asleep unless it is booted.
        let more = "--include=systemd,systemd-sysv,dbus,procps";
        output("unshare", &["--mount", "debootstrap", "--variant=minbase", more, codename, path, mirror])?;
        std::fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n").unwrap();
        Ok(System { root, _directory: directory })
    }

    /// A command in it, with its own /proc; as this user.
    fn command(&self, user: u32, words: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        let enter = r#"mount -t proc proc "$1/proc" && root=$1 user=$2 && shift 2 && exec chroot --userspec="$user:$user" "$root" "$@""#;
        command.args(["--mount", "sh", "-c", enter, "sh"]).arg(&self.root).arg(user.to_string()).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C").env("HOME", "/root");
        command.stdin(Stdio::null());
        command
    }

    /// What a command in it prints, as root.
    fn run(&self, words: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(0, words).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{words:?}: {status}: {stdout}{stderr}");
        stdout.into_owned()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Boots it, with a network of its own, and runs a script in it, which says a word and what came of it in a line.
    fn boot(&self, script: &str) -> Result<BTreeMap<String, String>, String> {
        output("systemd-nspawn", &["--version"])?;
        std::fs::write(self.at("/check"), script).unwrap();
        let unit = "[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/bin/bash /check\nTimeoutStartSec=90\n\
                    ExecStopPost=/bin/systemctl poweroff --no-block\n";
        std::fs::write(self.at("/etc/systemd/system/check.service"), unit).unwrap();
        let wants = self.at("/etc/systemd/system/multi-user.target.wants");
        std::fs::create_dir_all(&wants).unwrap();
        std::os::unix::fs::symlink("/etc/systemd/system/check.service", wants.join("check.service")).unwrap();
        let root = self.root.to_str().unwrap();
        let machine =
            ["systemd-nspawn", "-q", "--boot", "--register=no", "--keep-unit", "--private-network", "-D", root];
        // Without a terminal: it would be left in a state of its own.
        let console = output("timeout", &[&["--kill-after=10", "150"][..], &machine, &["--console=pipe"]].concat());
        let said = std::fs::read_to_string(self.at("/said")).unwrap_or_default();
        let lines = said.lines().filter_map(|line| line.split_once(": "));
        let said: BTreeMap<_, _> = lines.map(|(word, what)| (word.to_owned(), what.trim().to_owned())).collect();
        assert!(said.is_empty() || said.contains_key("done"), "it came so far: {said:?} {console:?}");
        if said.is_empty() { Err(format!("no system boots: {console:?}")) } else { Ok(said) }
    }

    /// Every path in it, but what dpkg itself keeps.
    fn paths(&self) -> BTreeSet<PathBuf> {
        let mut all = BTreeSet::new();
        let mut left = vec![self.root.clone()];
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let inside = path.strip_prefix(&self.root).unwrap().to_owned();
                if ["var/lib/dpkg", "var/log", "var/cache", "tmp", "run"].iter().any(|kept| inside.starts_with(kept)) {
                    continue;
                }
                if path.is_dir() && !path.is_symlink() {
                    left.push(path);
                }
                all.insert(inside);
            }
        }
        all
    }
}

/// The values of a unit's key, with the instance in place of `%i`.
fn values(unit: &str, key: &str, instance: &str) -> Vec<String> {
    let lines = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    lines.map(|value| value.replace("%i", instance)).collect()
}

#[test]
fn the_package_installs_runs_and_is_gone_when_purged_in_a_clean_system() {
    let Some(package) = std::env::var_os("PACKAGE_UNDER_TEST").map(PathBuf::from) else {
        return skip("PACKAGE_UNDER_TEST names no package; config/deb/build makes one");
    };
    assert!(package.is_file(), "PACKAGE_UNDER_TEST={} is no file", package.display());
    if output("id", &["-u"]).as_deref() != Ok("0\n") {
        return skip("only root can make a system");
    }
    let system = match System::bootstrap() {
        Ok(system) => system,
        Err(reason) => return not_allowed(&format!("no clean system can be made: {reason}")),
    };
    std::fs::copy(&package, system.at("/tmp/mersenned.deb")).unwrap();
    let before = system.paths();

    system.run(&["dpkg", "-i", "/tmp/mersenned.deb"]);
    everything_is_where_it_belongs(&system, &before);
    the_unit_runs_with_the_shipped_settings(&system);

    let shipped = system.run(&["dpkg", "-L", "mersenned"]);
    system.run(&["dpkg", "-r", "mersenned"]);
    for path in shipped.lines().filter(|path| !path.starts_with("/etc") && !system.at(path).is_dir()) {
        assert!(!system.at(path).exists(), "{path} is still there");
    }
    assert!(system.at("/etc/mersenned/mersenned.toml").is_file(), "what the administrator has set stays");
    assert!(system.at("/var/lib/mersenned").is_dir(), "what the node remembers stays");

    system.run(&["dpkg", "-P", "mersenned"]);
    let after = system.paths();
    let left: Vec<_> = after.difference(&before).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert_eq!(after, before, "and nothing else is gone");

    std::fs::copy(&package, system.at("/mersenned.deb")).unwrap();
    a_real_systemd_runs_it(&system);
}

/// What is done in the booted system.
const LIFE: &str = r#"
say() { word=$1; shift; printf '%s: %s\n' "$word" "$("$@" 2>&1 | tr '\n' ' ')" >>/said; }
show() { systemctl show -P "$1" "$2"; }
until_active() { for _ in $(seq 100); do [ "$(show ActiveState "$1")" = active ] && return; sleep 0.1; done; }
rights() { grep -E '^(NoNewPrivs|CapEff|CapBnd|Seccomp):' "/proc/$(show MainPID mersenned@5001)/status"; }
priorities() { ps -Lo comm,ni "$(show MainPID mersenned@5001)"; }
owners() { stat -c %u /proc/"$(show MainPID mersenned@5001)" /proc/"$(show MainPID mersenned@5002)"; }
say booted uname -r
meet() { for _ in $(seq 100); do show StatusText mersenned@5001 | grep '1 peer, largest' && return; sleep 0.1; done; }
dpkg -i /mersenned.deb
say installed systemctl is-active mersenned@5001
say enabled systemctl is-enabled mersenned@5001
say verified systemd-analyze --man=no verify /usr/lib/systemd/system/mersenned@.service
echo MERSENNED_PEER=localhost:5002 >/etc/mersenned/5001.env
echo MERSENNED_INTERVAL=300ms >/etc/mersenned/5002.env
systemctl start mersenned@5001 mersenned@5002
say started echo $?
say met meet
say state ls /var/lib/mersenned/5001/
say owners owners
say rights rights
say priorities priorities
before=$(show MainPID mersenned@5001)
systemctl reload mersenned@5001
say reloaded echo $? "$(show ActiveState mersenned@5001)" $(( $(show MainPID mersenned@5001) == before ))
say warned journalctl -q -o cat -p warning -u mersenned@5001
dpkg -i /mersenned.deb
say upgraded echo "$(show ActiveState mersenned@5001)" $(( $(show MainPID mersenned@5001) != before ))
mkdir -p /run/systemd/system/mersenned@5002.service.d
printf '[Service]\nWatchdogSec=1s\nRestartSec=100ms\n' >/run/systemd/system/mersenned@5002.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart mersenned@5002
kill -STOP "$(show MainPID mersenned@5002)"
for _ in $(seq 100); do [ "$(show NRestarts mersenned@5002)" != 0 ] && break; sleep 0.1; done
until_active mersenned@5002
say starved echo "$(show ActiveState mersenned@5002)" "$(journalctl -q -o cat -u mersenned@5002 | grep -c 'Watchdog timeout')"
echo MERSENNED_INTERVAL=never >/etc/mersenned/5003.env
systemctl start mersenned@5003
sleep 6
say wrong echo "$(show ExecMainStatus mersenned@5003)" "$(show NRestarts mersenned@5003)"
dpkg -r mersenned
say removed systemctl is-active mersenned@5001 mersenned@5002
dpkg -P mersenned
say left find /etc/mersenned /var/lib/mersenned /var/lib/private/mersenned
say done echo
"#;

/// The unit's restrictions, its watchdog and the package's scripts, by a systemd that is real.
fn a_real_systemd_runs_it(system: &System) {
    let said = match system.boot(LIFE) {
        Ok(said) => said,
        Err(reason) => return not_allowed(&reason),
    };
    let heard = |word: &str| said.get(word).map_or("", String::as_str);
    assert_eq!((heard("installed"), heard("enabled")), ("inactive", "disabled"), "nothing starts by itself");
    assert_eq!(heard("verified"), "");
    assert_eq!(heard("started"), "0");
    assert!(heard("met").contains("largest prime M"), "names resolve, nodes meet: {said:?}");
    assert!(heard("state").contains("state.json"), "{said:?}");
    let owners: BTreeSet<_> = heard("owners").split(' ').chain(["0"]).collect();
    assert_eq!(owners.len(), 3, "each node is a user of its own, and none is root: {owners:?}");
    let no_rights = "CapEff:\t0000000000000000 CapBnd:\t0000000000000000 NoNewPrivs:\t1 Seccomp:\t2";
    assert_eq!(heard("rights"), no_rights);
    for priority in ["gossip", "search", "verify"] {
        let words: Vec<_> = heard("priorities").split_whitespace().collect();
        let nice = words.iter().position(|word| *word == priority).and_then(|at| words.get(at + 1));
        assert_eq!(nice, Some(&if priority == "gossip" { "0" } else { "19" }), "{priority}: {said:?}");
    }
    assert_eq!(heard("reloaded"), "0 active 1");
    assert_eq!(heard("warned"), "", "nothing that the node wants is forbidden");
    assert_eq!(heard("upgraded"), "active 1", "the new program runs");
    assert_eq!(heard("starved"), "active 1", "a node that stands still is started again");
    assert_eq!(heard("wrong"), "78 0", "a wrong configuration is not tried again");
    assert_eq!(heard("removed"), "inactive inactive");
    assert!(!heard("left").contains('\n') && heard("left").matches("No such file").count() == 3, "{}", heard("left"));
}

#[test]
fn the_static_binary_runs_where_there_is_nothing_else_and_resolves_names() {
    let Some(program) = std::env::var_os("STATIC_BINARY_UNDER_TEST").map(PathBuf::from) else {
        return skip("STATIC_BINARY_UNDER_TEST names no binary; config/deb/build --static makes one");
    };
    if output("id", &["-u"]).as_deref() != Ok("0\n") {
        return skip("only root can change the root directory");
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::write(root.join("etc/hosts"), "127.0.0.1 neighbour\n").unwrap();
    std::fs::copy(&program, root.join("mersenned")).unwrap();
    std::fs::create_dir(root.join("dev")).unwrap();
    for (device, minor) in [("random", "8"), ("urandom", "9")] {
        output("mknod", &[root.join("dev").join(device).to_str().unwrap(), "c", "1", minor]).unwrap();
    }
    let port = free_ports(2);
    let neighbour = support::Node::start(port + 1, directory.path(), &["--search", "off"]);
    let mut command = Command::new("chroot");
    command.arg(&root).args(["/mersenned", "run", "--search", "off", "--state-dir", "/state"]);
    command.args(["--port", &port.to_string(), "--peer", &format!("neighbour:{}", port + 1)]);
    let mut node = command.stdin(Stdio::null()).spawn().unwrap();
    let pid = node.id();
    wait_until(10 * SECOND, "they meet, or it has ended", || neighbour.has_peer(port) || !support::is_alive(pid));
    assert!(support::is_alive(pid), "{:?}", node.wait());
    signal(pid, "TERM");
    assert!(node.wait().unwrap().success());
}

fn everything_is_where_it_belongs(system: &System, before: &BTreeSet<PathBuf>) {
    assert_eq!(system.run(&["dpkg", "--verify", "mersenned"]), "");
    let expected = BTreeMap::from([
        ("/usr/bin/mersenned", 0o755),
        ("/usr/lib/systemd/system/mersenned@.service", 0o644),
        ("/etc/mersenned/mersenned.toml", 0o644),
        ("/usr/share/bash-completion/completions/mersenned", 0o644),
        ("/usr/share/zsh/vendor-completions/_mersenned", 0o644),
        ("/usr/share/fish/vendor_completions.d/mersenned.fish", 0o644),
        ("/usr/share/man/man1/mersenned.1.gz", 0o644),
        ("/usr/share/man/man1/mersenned-run.1.gz", 0o644),
        ("/usr/share/doc/mersenned/README.md", 0o644),
        ("/usr/share/doc/mersenned/docs/protocol.md", 0o644),
        ("/usr/share/doc/mersenned/copyright", 0o644),
        ("/usr/share/doc/mersenned/changelog.gz", 0o644),
        ("/usr/share/doc/mersenned/changelog.Debian.gz", 0o644),
        ("/usr/share/doc/mersenned/examples/Procfile", 0o644),
        ("/usr/share/doc/mersenned/examples/prometheus.yml", 0o644),
        ("/usr/share/doc/mersenned/examples/alerts.yml", 0o644),
    ]);
    for (path, mode) in expected {
        let file = std::fs::metadata(system.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!((file.permissions().mode() & 0o7777, file.uid(), file.gid()), (mode, 0, 0), "{path}");
    }
    let dashboards = std::fs::read_dir(system.at("/usr/share/mersenned/grafana")).unwrap();
    assert!(dashboards.count() > 1, "the dashboards and their provisioning");
    let conffiles = system.run(&["dpkg-query", "-f", "${Conffiles}", "-W", "mersenned"]);
    assert_eq!(conffiles.split_whitespace().next(), Some("/etc/mersenned/mersenned.toml"), "{conffiles}");
    // Nothing is enabled, and nothing is anywhere else than in a directory for such things.
    let ours: Vec<_> = system.paths().difference(before).cloned().collect();
    for path in ours {
        let allowed = ["usr", "etc/mersenned"].iter().any(|place| path.starts_with(place));
        assert!(allowed && !path.starts_with("usr/local"), "{path:?}");
    }
    system.run(&["mersenned", "config", "check", "--config", "/etc/mersenned/mersenned.toml"]);
}

/// As systemd would start an instance: its command, its variables, a user without rights, a state directory, a socket.
fn the_unit_runs_with_the_shipped_settings(system: &System) {
    let port = free_ports(1);
    let instance = port.to_string();
    let unit = std::fs::read_to_string(system.at("/usr/lib/systemd/system/mersenned@.service")).unwrap();
    let command = values(&unit, "ExecStart", &instance).pop().unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    let state = format!("/var/lib/{}", values(&unit, "StateDirectory", &instance).pop().unwrap());
    std::fs::create_dir_all(system.at(&state)).unwrap();
    chown(system.at(&state), Some(USER), Some(USER)).unwrap();
    let manager = UnixDatagram::bind(system.at("/run/notify")).unwrap();
    chown(system.at("/run/notify"), Some(USER), Some(USER)).unwrap();
    manager.set_read_timeout(Some(10 * SECOND)).unwrap();
    let heard = || {
        let mut buffer = [0; 4_096];
        let length = manager.recv(&mut buffer).expect("a notification in time");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };

    let mut start = system.command(USER, &words);
    start.env("NOTIFY_SOCKET", "/run/notify").env("STATE_DIRECTORY", &state).env("WATCHDOG_USEC", "30000000");
    for variable in values(&unit, "Environment", &instance) {
        let (name, value) = variable.split_once('=').unwrap();
        start.env(name, value);
    }
    let mut node = start.spawn().unwrap();
    let mut said = String::new();
    while !said.contains("READY=1") || !said.contains("WATCHDOG=1") {
        said.push_str(&heard());
    }
    let get = |path: &str| {
        let answer = http(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
        answer.map(|(status, _)| status)
    };
    assert_eq!(get("/-/ready"), Some(200));
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.id())).unwrap();
    assert!(status.contains(&format!("Uid:\t{USER}\t{USER}\t{USER}\t{USER}")), "{status}");
    signal(node.id(), "TERM");
    let pid = node.id();
    wait_until(5 * SECOND, "the node has ended", || !support::is_alive(pid));
    assert!(node.wait().unwrap().success());
    while !said.contains("STOPPING=1") {
        said.push_str(&heard());
    }
    assert!(std::fs::read_dir(system.at(&state)).unwrap().count() > 0, "it has remembered something");
}
