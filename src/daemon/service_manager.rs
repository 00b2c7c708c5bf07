//! What a service manager is told: ready, reloading, stopping, how it goes, and that the gossip loop is alive.
//!
//! The protocol is sd_notify(3): one datagram to the socket that `NOTIFY_SOCKET` names. The words are the crate's; the
//! sending is not, because its own waits when the receiver is full and knows no abstract sockets. Nothing here ever waits
//! on the gossip loop, and whether anybody listens changes nothing that a node does.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::protocol::{Node, StateView};

/// What a service manager sets for the process it starts. It is nobody else's business: whoever starts further processes
/// removes these variables from theirs.
pub const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// How long a word that has to arrive is repeated while the manager's queue is full.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long to wait between two attempts of that.
const RETRY: Duration = Duration::from_millis(20);

/// How often the status line is looked at; it is sent when it has changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// Whoever has started this process and wants to be told how it goes; possibly nobody.
#[derive(Debug, Clone, Default)]
pub struct ServiceManager {
    line: Option<Arc<Line>>,
}

#[derive(Debug)]
struct Line {
    socket: UnixDatagram,
    to: SocketAddr,
}

impl ServiceManager {
    /// The one that `NOTIFY_SOCKET` names. A name that cannot be used is logged, and nobody is told.
    pub fn from_environment() -> ServiceManager {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return ServiceManager::default();
        };
        match Line::to(name.as_encoded_bytes()) {
            Ok(line) => ServiceManager { line: Some(Arc::new(line)) },
            Err(error) => {
                tracing::warn!("no service manager is told how it goes: NOTIFY_SOCKET={}: {error}", name.display());
                ServiceManager::default()
            }
        }
    }

    /// The node does its work; also said when a reload is over. Waits at most half a second, and only while the manager's
    /// queue is full.
    pub async fn ready(&self) -> io::Result<()> {
        self.insist(&[NotifyState::Ready]).await
    }

    /// Settings are being read again; [`ready`](ServiceManager::ready) has to follow, whatever came of it. Waits like that.
    pub async fn reloading(&self) -> io::Result<()> {
        // The manager compares this time with that of its signal, to know which reload is meant.
        self.insist(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?]).await
    }

    /// The node is about to end.
    pub fn stopping(&self) {
        // The end of the process says the same.
        drop(self.tell(&[NotifyState::Stopping]));
    }

    /// The watchdog to feed, if the manager wants to be told that this process is alive.
    pub fn watchdog(&self) -> Option<Watchdog> {
        self.line.as_ref()?;
        // Three chances before the time is over; systemd recommends two.
        let every = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())? / 3;
        Some(Watchdog { manager: self.clone(), every, next: Instant::now() })
    }

    /// Says that the node is ready, and then how it goes whenever that has changed, until it stops.
    pub(super) async fn keep_told(self, node: Arc<Node>, mut stopped: watch::Receiver<bool>) {
        if self.line.is_none() {
            return;
        }
        while let Err(error) = self.ready().await {
            if error.kind() != io::ErrorKind::WouldBlock {
                tracing::warn!("the service manager is not told how it goes: {error}");
                return;
            }
            tracing::warn!("the service manager takes no notifications; trying on");
        }
        let mut told = String::new();
        while !*stopped.borrow() {
            let now = status(&node.state_view());
            if now != told && self.tell(&[NotifyState::Status(&now)]).is_ok() {
                told = now;
            }
            _ = timeout(STATUS_INTERVAL, stopped.changed()).await;
        }
    }

    async fn insist(&self, what: &[NotifyState<'_>]) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.tell(what) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < deadline => {
                    sleep(RETRY).await;
                }
                result => return result,
            }
        }
    }

    /// One attempt, which never waits.
    fn tell(&self, what: &[NotifyState<'_>]) -> io::Result<()> {
        let Some(line) = &self.line else { return Ok(()) };
        let message: String = what.iter().map(|state| format!("{state}\n")).collect();
        line.socket.send_to_addr(message.as_bytes(), &line.to).map(drop)
    }
}

impl Line {
    /// A path, or with `@` in front a name without a file.
    fn to(name: &[u8]) -> io::Result<Line> {
        let to = match name {
            [b'@', name @ ..] => abstract_address(name)?,
            [b'/', ..] => SocketAddr::from_pathname(OsStr::from_bytes(name))?,
            _ => return Err(io::Error::other("neither a path nor an abstract name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Line { socket, to })
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_name: &[u8]) -> io::Result<SocketAddr> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// What `systemctl status` shows.
fn status(state: &StateView) -> String {
    if state.asleep {
        return "asleep".to_owned();
    }
    let peers = match state.peers {
        1 => "1 peer".to_owned(),
        count => format!("{count} peers"),
    };
    match state.largest_prime {
        Some(exponent) => format!("{peers}, largest prime M{exponent}"),
        None => format!("{peers}, no prime yet"),
    }
}

/// Fed by the loop whose life it stands for: when that stands still, nobody else feeds it.
#[derive(Debug)]
pub struct Watchdog {
    manager: ServiceManager,
    every: Duration,
    next: Instant,
}

impl Watchdog {
    /// When it has to be fed next.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Feeds it if it is time; never waits. A full or missing socket is tried again when it is time again.
    pub fn feed(&mut self, now: Instant) {
        if self.next <= now {
            self.next = now + self.every;
            drop(self.manager.tell(&[NotifyState::Watchdog]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager_at(path: &std::path::Path) -> ServiceManager {
        ServiceManager { line: Some(Arc::new(Line::to(path.as_os_str().as_bytes()).unwrap())) }
    }

    fn next(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 4_096];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_reload_says_when_it_began() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = manager_at(&path);
        manager.reloading().await.unwrap();
        manager.ready().await.unwrap();
        let said = next(&socket);
        let micros = said.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{said}"));
        assert!(micros.trim_end().parse::<u64>().unwrap() > 0, "{said}");
        assert_eq!(next(&socket), "READY=1\n");
    }

    #[tokio::test]
    async fn a_full_queue_delays_no_watchdog_and_a_word_that_matters_arrives_when_there_is_room() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = manager_at(&path);
        while manager.tell(&[NotifyState::Status("full")]).is_ok() {}
        let mut watchdog = Watchdog { manager: manager.clone(), every: Duration::from_secs(1), next: Instant::now() };
        // If it waited it would do so for ever: nobody reads.
        watchdog.feed(Instant::now());
        assert_eq!(manager.ready().await.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let reader = async {
            sleep(2 * RETRY).await;
            next(&socket)
        };
        let (said, _) = tokio::join!(manager.ready(), reader);
        said.unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut last = String::new();
        let mut buffer = [0; 64];
        while let Ok(length) = socket.recv(&mut buffer) {
            last = String::from_utf8_lossy(&buffer[..length]).into_owned();
        }
        assert_eq!(last, "READY=1\n");
    }

    #[tokio::test]
    async fn a_socket_that_is_gone_is_an_error_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let manager = manager_at(&directory.path().join("nobody"));
        assert_eq!(manager.ready().await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_name_that_is_neither_path_nor_abstract_is_refused() {
        for name in ["notify", "vsock:2:1", ""] {
            assert!(Line::to(name.as_bytes()).is_err(), "{name}");
        }
    }
}
