//! The accept loop and its connections, for any set of routes: a node's, or a lab's.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::io::Errno;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tower::ServiceExt as _;

use super::answer;
use super::connection::{Connection, Phase};
use super::guard::AllowedHosts;

/// Connections at the same time, event streams apart.
pub(super) const CONNECTIONS_MAX: usize = 64;
/// How long a request's head may take.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// A request's head, and what is read ahead of it.
pub(super) const HEAD_MAX: usize = 16 * 1_024;
/// How long a client may leave an answer unread.
const UNREAD_MAX: Duration = Duration::from_secs(30);
/// How long an event stream may take nothing, though it is offered something each 15 s.
const UNREAD_STREAM_MAX: Duration = Duration::from_secs(60);
/// How long what is under way may take to end when the server stops.
const GRACE: Duration = Duration::from_millis(400);
/// The pause after the process has run out of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// How often the site is looked after.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What a server serves.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its routes. What they cannot answer they say in JSON.
    pub router: Router,
    /// The hosts under which it may be asked.
    pub hosts: AllowedHosts,
    /// Who hears of every answer.
    pub observer: Arc<dyn Observer>,
}

/// One who looks on.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// A request for this path was answered with this code.
    fn answered(&self, path: &str, code: u16);

    /// Called every few seconds.
    fn upkeep(&self);
}

/// Nobody looks on.
impl Observer for () {
    fn answered(&self, _path: &str, _code: u16) {}

    fn upkeep(&self) {}
}

/// Serves on the runtime it is called on until `shutdown` is true or its sender gone, and then for at most half a second more. Event streams end at once.
///
/// # Errors
/// The listener cannot be used at all. Whatever becomes of a connection is no error of the server.
pub async fn serve(listener: TcpListener, site: Site, shutdown: watch::Receiver<bool>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    Server { site, shutdown, connections: Connections::default(), resume_at: None }.run(listener).await;
    Ok(())
}

/// Waits until the server is to stop.
pub(crate) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // An error means that nobody is left to say so.
    let _ = shutdown.wait_for(|&stop| stop).await;
}

struct Server {
    site: Site,
    shutdown: watch::Receiver<bool>,
    connections: Connections,
    /// No connection is accepted before.
    resume_at: Option<Instant>,
}

impl Server {
    async fn run(mut self, listener: tokio::net::TcpListener) {
        let mut upkeep = tokio::time::interval(UPKEEP_INTERVAL);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shutdown = self.shutdown.clone();
        loop {
            let resume_at = self.resume_at;
            tokio::select! {
                biased;
                () = stopped(&mut shutdown) => break,
                Some(ended) = self.connections.tasks.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    self.connections.open.retain(|open| open.task.id() != id);
                }
                _ = upkeep.tick() => {
                    self.site.observer.upkeep();
                    self.connections.close_stuck(Instant::now());
                }
                () = async { tokio::time::sleep_until(resume_at.unwrap_or_else(Instant::now)).await }, if resume_at.is_some() => {
                    self.resume_at = None;
                }
                accepted = listener.accept(), if resume_at.is_none() => {
                    match accepted {
                        // hyper writes the date into every answer, and panics when that is before 1970. A machine whose clock
                        // is so wrong gossips, and is silent here until it is set.
                        Ok(_) if SystemTime::now() < UNIX_EPOCH => {}
                        Ok((stream, _)) => self.admit(stream),
                        Err(error) => self.endure(&error),
                    }
                    // Let it be read before the next one may take its place.
                    tokio::task::yield_now().await;
                }
            }
        }
        drop(listener);
        self.connections.drain().await;
    }

    fn admit(&mut self, stream: TcpStream) {
        if self.connections.is_full() && !self.connections.close_longest_waiting() {
            return;
        }
        // It is only a matter of latency.
        let _ = stream.set_nodelay(true);
        let connection = Arc::new(Connection::new());
        let serving = serve_connection(stream, Arc::clone(&connection), self.site.clone(), self.shutdown.clone());
        let task = self.connections.tasks.spawn(serving);
        self.connections.open.push(Open { task, connection });
    }

    /// Accepting has failed. If for lack of descriptors or memory, some are set free, and the rest is left alone for a while.
    fn endure(&mut self, error: &io::Error) {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        if let Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) = errno {
            tracing::warn!(%error, "no connection can be accepted");
            self.connections.close_longest_waiting();
            self.resume_at = Some(Instant::now() + BACK_OFF);
        }
    }
}

/// The open connections.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    open: Vec<Open>,
}

struct Open {
    task: AbortHandle,
    connection: Arc<Connection>,
}

impl Connections {
    fn is_full(&self) -> bool {
        let counted = self.open.iter().filter(|open| match open.connection.phase() {
            Phase::Waiting { .. } | Phase::Working => true,
            Phase::Streaming { .. } => false,
        });
        counted.count() >= CONNECTIONS_MAX
    }

    /// Closes the connection that has been waiting for its client for the longest. Returns whether there is one.
    fn close_longest_waiting(&mut self) -> bool {
        let waiting = self.open.iter().enumerate().filter_map(|(at, open)| match open.connection.phase() {
            Phase::Waiting { since } => Some((since, at)),
            Phase::Working | Phase::Streaming { .. } => None,
        });
        let Some((_, at)) = waiting.min() else { return false };
        self.open.swap_remove(at).task.abort();
        true
    }

    /// Closes the connections whose clients do not read.
    fn close_stuck(&mut self, now: Instant) {
        self.open.retain(|open| {
            let is_stuck = match open.connection.phase() {
                Phase::Waiting { since } => now.duration_since(since) > UNREAD_MAX,
                Phase::Streaming { taken } => now.duration_since(taken) > UNREAD_STREAM_MAX,
                Phase::Working => false,
            };
            if is_stuck {
                open.task.abort();
            }
            !is_stuck
        });
    }

    /// Lets all connections end, and ends those that do not.
    async fn drain(mut self) {
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all_ended).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    connection: Arc<Connection>,
    site: Site,
    mut shutdown: watch::Receiver<bool>,
) {
    let answer = hyper::service::service_fn(|request| {
        let (site, connection) = (site.clone(), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(site.answer(connection, request).await) }
    });
    let mut http = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_MAX)
            .serve_connection(TokioIo::new(stream), answer)
    );
    // How a connection ends is the client's business; there is nobody to tell of an error.
    tokio::select! {
        _ = http.as_mut() => return,
        () = stopped(&mut shutdown) => http.as_mut().graceful_shutdown(),
    }
    let _ = http.await;
}

/// Answers requests: guard, route, count.
impl Site {
    async fn answer(self, connection: Arc<Connection>, request: hyper::Request<Incoming>) -> Response {
        connection.works();
        let path = request.uri().path().to_owned();
        let mut response = match self.hosts.check(request.uri(), request.headers()) {
            Ok(()) => {
                let mut request: axum::extract::Request = request.map(Body::new);
                request.extensions_mut().insert(Arc::clone(&connection));
                let Ok(response) = self.router.oneshot(request).await;
                response
            }
            Err(objection) => answer::error(StatusCode::FORBIDDEN, &objection.to_string()),
        };
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
        self.observer.answered(&path, response.status().as_u16());
        connection.answered();
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_in_the_end_and_one_that_is_served_is_not() {
        let mut connections = Connections::default();
        for _ in 0..3 {
            let task = connections.tasks.spawn(std::future::pending());
            connections.open.push(Open { task, connection: Arc::new(Connection::new()) });
        }
        connections.open[1].connection.works();
        connections.open[2].connection.takes();
        let now = Instant::now();
        let mut left_after = |seconds| {
            connections.close_stuck(now + Duration::from_secs(seconds));
            connections.open.iter().map(|open| open.connection.phase()).collect::<Vec<_>>()
        };
        assert_eq!(left_after(29).len(), 3);
        assert!(matches!(left_after(31)[..], [Phase::Working, Phase::Streaming { .. }]));
        assert!(matches!(left_after(61)[..], [Phase::Working]));
    }

    #[tokio::test]
    async fn the_server_stops_in_time_whatever_its_connections_do() {
        let mut connections = Connections::default();
        connections.tasks.spawn(std::future::pending());
        let asked = Instant::now();
        connections.drain().await;
        assert!(asked.elapsed() < Duration::from_millis(500));
    }
}
