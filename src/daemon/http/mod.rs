//! HTTP: what a node shows, one way to hand it a message, and what its owner tells it.
//!
//! axum's routes on an accept loop of its own, because `axum::serve` waits for ever for a request that never ends. Here a
//! request's head has 2 s, a body 2 s more, and when all places are taken the connection goes that has kept the server
//! waiting the longest: a thousand slow connections cannot lock out one that knows what it wants. Event streams have
//! places of their own.

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
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tower::ServiceExt as _;

use super::clock::Clock;
use super::exporter::{self, Exporter, Route};
use super::journal::Journal;
use super::readiness::Readiness;
use super::token::Token;
use crate::protocol::Node;
use connection::{Connection, Phase};

mod answer;
mod connection;
mod control;
mod events;
mod gossip;
mod guard;
mod landing;
mod owner;
mod post;
mod routes;
#[cfg(test)]
mod tests;

pub use control::{Applied, Command, Control};
pub use gossip::LocalMessage;
pub use guard::{AllowedHosts, Objection};

/// Connections at the same time, event streams apart.
const CONNECTIONS_MAX: usize = 64;
/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// A request's head, and what is read ahead of it.
const HEAD_MAX: usize = 16 * 1_024;
/// How long a client may leave an answer unread.
const UNREAD_MAX: Duration = Duration::from_secs(30);
/// How long an event stream may take nothing, though it is offered something each 15 s.
const UNREAD_STREAM_MAX: Duration = Duration::from_secs(60);
/// How long what is under way may take to end when the server stops.
const GRACE: Duration = Duration::from_millis(400);
/// The pause after the process has run out of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// What is asked of the thread that drives the node.
#[derive(Debug)]
pub enum Request {
    /// A message to be taken in.
    Message(LocalMessage),
    /// A command.
    Control(Control),
}

/// What the routes show and use.
#[derive(Debug)]
pub struct App {
    /// Whose state is shown.
    pub node: Arc<Node>,
    /// The clock of the node's driver.
    pub clock: Clock,
    /// The latest events.
    pub journal: Arc<Journal>,
    /// The metrics. The server looks after its upkeep.
    pub exporter: Arc<Exporter>,
    /// Whether the node is ready.
    pub readiness: Arc<Readiness>,
    /// To the thread that drives the node.
    pub requests: mpsc::Sender<Request>,
    /// The revision of the node's state that is durable.
    pub durable: watch::Receiver<u64>,
    /// What whoever changes anything has to know; `None` if nobody has to know anything.
    pub token: Option<Token>,
    /// The hosts under which the server may be asked.
    pub hosts: AllowedHosts,
}

/// Serves on the runtime it is called on until `shutdown` is true or its sender gone, and then for at most half a second more. Event streams end at once.
///
/// # Errors
/// The listener cannot be used at all. Whatever becomes of a connection is no error of the server.
pub async fn serve(listener: TcpListener, app: App, shutdown: watch::Receiver<bool>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let app = Arc::new(app);
    let service = Service { router: routes::router(Arc::clone(&app), shutdown.clone()), app };
    Server { service, shutdown, connections: Connections::default(), resume_at: None }.run(listener).await;
    Ok(())
}

/// Waits until the server is to stop.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // An error means that nobody is left to say so.
    let _ = shutdown.wait_for(|&stop| stop).await;
}

struct Server {
    service: Service,
    shutdown: watch::Receiver<bool>,
    connections: Connections,
    /// No connection is accepted before.
    resume_at: Option<Instant>,
}

impl Server {
    async fn run(mut self, listener: tokio::net::TcpListener) {
        let mut upkeep = tokio::time::interval(exporter::UPKEEP_INTERVAL);
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
                    self.service.app.exporter.upkeep();
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
        let serving = serve_connection(stream, Arc::clone(&connection), self.service.clone(), self.shutdown.clone());
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
    service: Service,
    mut shutdown: watch::Receiver<bool>,
) {
    let answer = hyper::service::service_fn(|request| {
        let (service, connection) = (service.clone(), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(service.answer(connection, request).await) }
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
#[derive(Clone)]
struct Service {
    router: Router,
    app: Arc<App>,
}

impl Service {
    async fn answer(self, connection: Arc<Connection>, request: hyper::Request<Incoming>) -> Response {
        connection.works();
        let route = Route::of(request.uri().path());
        let mut response = match self.app.hosts.check(request.uri(), request.headers()) {
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
        self.app.exporter.answered(route, response.status().as_u16());
        connection.answered();
        response
    }
}
