//! Which HTTP requests are counted apart: a closed set of routes, each with the codes it can answer.

use crate::protocol::Label;

/// The HTTP routes, as far as they are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `/`
    Landing,
    /// `/plain`
    Plain,
    /// `/page/` and a file's name: what the page loads.
    Page,
    /// `/feed`
    Feed,
    /// `/metrics`
    Metrics,
    /// `/-/healthy`
    Healthy,
    /// `/-/ready`
    Ready,
    /// `/state`
    State,
    /// `/peers` and `/peers/`
    Peers,
    /// `/primes`
    Primes,
    /// `/owner`
    Owner,
    /// `/log`
    Log,
    /// `/events`
    Events,
    /// `/gossip` and `/gossip/`
    Gossip,
    /// `/sleep`
    Sleep,
    /// `/wake`
    Wake,
    /// `/reset`
    Reset,
    /// All others.
    Other,
}

impl Label for Route {
    const ALL: &'static [Route] = &[
        Route::Landing,
        Route::Plain,
        Route::Page,
        Route::Feed,
        Route::Metrics,
        Route::Healthy,
        Route::Ready,
        Route::State,
        Route::Peers,
        Route::Primes,
        Route::Owner,
        Route::Log,
        Route::Events,
        Route::Gossip,
        Route::Sleep,
        Route::Wake,
        Route::Reset,
        Route::Other,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Route::Landing => "/",
            Route::Plain => "/plain",
            Route::Page => "/page",
            Route::Feed => "/feed",
            Route::Metrics => "/metrics",
            Route::Healthy => "/-/healthy",
            Route::Ready => "/-/ready",
            Route::State => "/state",
            Route::Peers => "/peers",
            Route::Primes => "/primes",
            Route::Owner => "/owner",
            Route::Log => "/log",
            Route::Events => "/events",
            Route::Gossip => "/gossip",
            Route::Sleep => "/sleep",
            Route::Wake => "/wake",
            Route::Reset => "/reset",
            Route::Other => "other",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

impl Route {
    /// The route of a path.
    pub fn of(path: &str) -> Route {
        let without_slash = match path {
            "/peers/" | "/gossip/" => &path[..path.len() - 1],
            _ if path.starts_with("/page/") => "/page",
            _ => path,
        };
        let named = Route::ALL.iter().copied().find(|route| route.as_str() == without_slash);
        named.unwrap_or(Route::Other)
    }

    /// The status codes that this route's answers can have.
    pub const fn codes(self) -> &'static [u16] {
        match self {
            Route::Landing
            | Route::Plain
            | Route::Metrics
            | Route::Healthy
            | Route::State
            | Route::Peers
            | Route::Primes => &[200, 403, 405],
            Route::Page => &[200, 403, 404, 405],
            Route::Ready => &[200, 403, 405, 503],
            Route::Log => &[200, 400, 403, 405],
            Route::Events | Route::Feed | Route::Owner => &[200, 400, 403, 405, 503],
            Route::Gossip => &[202, 400, 401, 403, 405, 408, 413, 415, 503],
            Route::Sleep | Route::Wake | Route::Reset => &[200, 202, 400, 401, 403, 405, 408, 413, 415, 503],
            // 500 stands for what should not happen.
            Route::Other => &[403, 404, 500],
        }
    }
}

/// A counter for each route and status code.
pub(super) struct Requests(Vec<(Route, u16, metrics::Counter)>);

impl Requests {
    /// One more answer; a code the route is not known to give counts as a fault of the server.
    pub(super) fn count(&self, route: Route, code: u16) {
        let place = |route, code| self.0.iter().find(|(r, c, _)| (*r, *c) == (route, code));
        if let Some((_, _, counter)) = place(route, code).or_else(|| place(Route::Other, 500)) {
            counter.increment(1);
        }
    }
}

/// Makes the counters, all at 0.
pub(super) fn requests() -> Requests {
    const REQUESTS: &str = "mersenned_http_requests_total";
    metrics::describe_counter!(REQUESTS, "HTTP requests answered, by route and status code.");
    let of = |route: Route| {
        let counter =
            move |code: u16| metrics::counter!(REQUESTS, "route" => route.as_str(), "code" => code.to_string());
        route.codes().iter().map(move |&code| (route, code, counter(code)))
    };
    Requests(Route::ALL.iter().copied().flat_map(of).collect())
}
