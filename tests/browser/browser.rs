//! A browser in the hands of a test: pages, scripts, clicks, keys, and what the browser has to complain about.
//!
//! WebDriver (W3C) by way of fantoccini; what that has no words for goes through the driver's door to the DevTools protocol.

use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::wd::{TimeoutConfiguration, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::{ParseError, Url};

use crate::driver::{Driver, is_installed};
use crate::place::Place;
use crate::support::wait_until;

/// How long a test waits for what should be seen: machines may be slow, and nothing here is about time.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// What a browser says of a connection that the server has closed before it was used.
const CUT_OFF: &str = "net::ERR_SOCKET_NOT_CONNECTED";

/// Whether the driver writes down every request. That takes its time with each event of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    WrittenDown,
    Unwatched,
}

pub struct Browser {
    client: Client,
    runtime: Runtime,
    /// `host:port` of the page; requests to others are complaints.
    home: String,
    /// Parts of console messages that belong to what the test does.
    expected: Vec<&'static str>,
    /// Errors on the console that have been read before the end.
    heard: Vec<String>,
    is_asked: bool,
    // Dropped last, in this order: processes, then the directory they write in.
    driver: Driver,
    _profile: TempDir,
    _place: Place,
}

impl Browser {
    /// A browser with a fresh profile; `None`, with a reason printed, if none is installed.
    pub fn open() -> Option<Browser> {
        Browser::open_with(Requests::WrittenDown)
    }

    pub fn open_with(requests: Requests) -> Option<Browser> {
        if !is_installed() {
            return None;
        }
        let place = Place::take();
        let driver = Driver::start();
        let profile = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(&profile, requests));
        let url = format!("http://127.0.0.1:{}", driver.port);
        let client = runtime.block_on(builder.connect(&url)).expect("the browser starts");
        let timeouts = TimeoutConfiguration::new(Some(PATIENCE), Some(PATIENCE), None);
        runtime.block_on(client.update_timeouts(timeouts)).expect("the browser takes its time");
        Some(Browser {
            client,
            runtime,
            home: String::new(),
            expected: Vec::new(),
            heard: Vec::new(),
            is_asked: false,
            driver,
            _profile: profile,
            _place: place,
        })
    }

    /// Opens a page, which from now on is the only server that may be asked for anything.
    ///
    /// Where a browser is kept waiting for a processor for longer than the server waits for a request, a file of the page does
    /// not come: then it is loaded again, as anybody would.
    pub fn go(&mut self, url: &str) {
        let parsed = Url::parse(url).unwrap();
        self.home = format!("{}:{}", parsed.host_str().unwrap(), parsed.port().unwrap());
        let began = Instant::now();
        loop {
            self.runtime.block_on(self.client.goto(url)).unwrap_or_else(|error| panic!("{url} opens: {error}"));
            let mut late = Vec::new();
            while late.is_empty() && self.eval("document.documentElement.dataset.connected") != "true" {
                assert!(began.elapsed() < 2 * PATIENCE, "{url} does not come to life\n{}", self.seen());
                std::thread::sleep(Duration::from_millis(30));
                late = self.errors();
            }
            late.extend(self.errors());
            let (late, others): (Vec<_>, Vec<_>) = late.into_iter().partition(|error| error.contains(CUT_OFF));
            self.heard.extend(others);
            if late.is_empty() {
                return;
            }
        }
    }

    /// Messages of the console with one of these parts belong to what the test does.
    pub fn expect(&mut self, parts: &[&'static str]) {
        self.expected.extend(parts);
    }

    /// What the body of a function returns in the page, given `arguments`.
    pub fn call(&self, body: &str, arguments: Vec<Value>) -> Value {
        let answer = self.runtime.block_on(self.client.execute(body, arguments));
        answer.unwrap_or_else(|error| panic!("{body}: {error}"))
    }

    /// The value of an expression in the page.
    pub fn eval(&self, expression: &str) -> Value {
        self.call(&format!("return {expression}"), Vec::new())
    }

    /// The value of an expression that is a promise.
    pub fn eval_async(&self, expression: &str) -> Value {
        let body = format!(
            "const done = arguments[0]; Promise.resolve({expression}).then(done, (error) => done(String(error)));"
        );
        let answer = self.runtime.block_on(self.client.execute_async(&body, Vec::new()));
        answer.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// The number an expression is, or NaN.
    pub fn number(&self, expression: &str) -> f64 {
        let value = self.eval(&format!("Number({expression})"));
        value.as_f64().unwrap_or(f64::NAN)
    }

    /// Waits until an expression is true in the page; returns what it is.
    pub fn wait(&self, what: &str, expression: &str) -> Value {
        let began = Instant::now();
        loop {
            let value = self.eval(expression);
            let is_true = !matches!(value, Value::Null | Value::Bool(false)) && value != json!(0) && value != json!("");
            if is_true {
                return value;
            }
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}: {expression}\n{}", self.seen());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What the page says now, for who reads a failure.
    fn seen(&self) -> String {
        let parts = "[...document.querySelectorAll('#connection, #errors li, #mesh [data-node], #mesh [data-edge], .in-force li')]\
            .map((e) => e.getAttribute('aria-label') ?? e.textContent).join('\\n')";
        let seen = self.eval(&format!("JSON.stringify({{...document.documentElement.dataset}}) + '\\n' + {parts}"));
        format!("{}\n{}", seen.as_str().unwrap_or("nothing"), self.errors().join("\n"))
    }

    /// Clicks the middle of the first element a selector finds, as a hand would: whatever lies over it gets the click.
    pub fn click(&self, selector: &str) {
        let began = Instant::now();
        loop {
            let Err(error) =
                self.runtime.block_on(async { self.client.find(Locator::Css(selector)).await?.click().await })
            else {
                return;
            };
            assert!(began.elapsed() < PATIENCE, "{selector} can be clicked: {error}\n{}", self.seen());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Types into an element; the keys of WebDriver's private characters too.
    pub fn type_into(&self, selector: &str, text: &str) {
        let typed =
            self.runtime.block_on(async { self.client.find(Locator::Css(selector)).await?.send_keys(text).await });
        typed.unwrap_or_else(|error| panic!("{selector} takes {text:?}: {error}"));
    }

    /// Presses keys where the focus is.
    pub fn press(&self, keys: &str) {
        for key in keys.chars() {
            let actions = KeyActions::new("keyboard".to_owned());
            let actions = actions.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
            self.runtime
                .block_on(self.client.perform_actions(actions))
                .unwrap_or_else(|error| panic!("key {key:?}: {error}"));
        }
    }

    /// Chooses the option with this value of a `select`. The driver's own way tells the page of a change, but of no input.
    pub fn select(&self, selector: &str, value: &str) {
        let choose = "const [selector, value] = arguments;
            const select = document.querySelector(selector);
            if (select === null || ![...select.options].some((option) => option.value === value)) return false;
            select.value = value;
            for (const event of ['input', 'change']) select.dispatchEvent(new Event(event, { bubbles: true }));
            return true;";
        wait_until(PATIENCE, &format!("{selector} has {value:?}"), || {
            self.call(choose, vec![selector.into(), value.into()]) == Value::Bool(true)
        });
    }

    /// Opens a tab in front of the page, and goes on in it.
    pub fn new_tab(&self) {
        self.runtime.block_on(async {
            let tab = self.client.new_window(true).await.unwrap();
            self.client.switch_to_window(tab.handle).await.unwrap();
        });
    }

    /// Closes the tab, and goes on in the first.
    pub fn close_tab(&self) {
        self.runtime.block_on(async {
            self.client.close_window().await.unwrap();
            let first = self.client.windows().await.unwrap().remove(0);
            self.client.switch_to_window(first).await.unwrap();
        });
    }

    /// A command of the DevTools protocol.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.ask("goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    fn ask(&self, path: &'static str, body: Value) -> Value {
        let answer = self.runtime.block_on(self.client.issue_cmd(Further { path, body: body.clone() }));
        answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    /// Ends a test: nothing may have gone wrong in the browser. Before the servers end, whose ends it would complain of.
    pub fn done(mut self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "the browser complains:\n{}", complaints.join("\n"));
    }

    /// Errors on the console that the test did not expect, and requests to others than the page's server.
    pub fn complaints(&mut self) -> Vec<String> {
        self.is_asked = true;
        let mut messages = std::mem::take(&mut self.heard);
        messages.extend(self.errors());
        let mut complaints: Vec<String> =
            messages.into_iter().filter(|message| !self.expected.iter().any(|part| message.contains(part))).collect();
        let asked = self.requests();
        complaints
            .extend(asked.into_iter().filter(|url| !self.is_at_home(url)).map(|url| format!("a request to {url}")));
        complaints
    }

    /// Errors on the console since this was asked last.
    fn errors(&self) -> Vec<String> {
        let console = self.ask("se/log", json!({ "type": "browser" }));
        let errors = console.as_array().into_iter().flatten().filter(|entry| entry["level"] == "SEVERE");
        errors.map(|entry| format!("on the console: {}", entry["message"].as_str().unwrap_or("?"))).collect()
    }

    fn is_at_home(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| match url.scheme() {
            "http" => url.host_str().zip(url.port()).is_some_and(|(host, port)| format!("{host}:{port}") == self.home),
            // Not over any network.
            "data" | "about" | "chrome" => true,
            _ => false,
        })
    }

    /// The addresses of all requests since this was asked last.
    fn requests(&self) -> Vec<String> {
        let types = self.runtime.block_on(self.client.issue_cmd(Types)).expect("kinds of logs are listed");
        if !types.as_array().is_some_and(|types| types.contains(&json!("performance"))) {
            return Vec::new();
        }
        let log = self.ask("se/log", json!({ "type": "performance" }));
        let entries = log.as_array().into_iter().flatten();
        let events = entries.filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let sent = events.filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
        sent.filter_map(|event| event["message"]["params"]["request"]["url"].as_str().map(str::to_owned)).collect()
    }

    /// The processes of driver and browser.
    pub fn processes(&self) -> Vec<u32> {
        self.driver.descendants()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A test that has failed has said what is wrong already.
        assert!(std::thread::panicking() || self.is_asked, "a test that has not asked what the browser complains of");
    }
}

fn capabilities(profile: &TempDir, requests: Requests) -> Map<String, Value> {
    let directory = format!("--user-data-dir={}", profile.path().display());
    let mut arguments = vec!["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000", &directory];
    // Whatever it would ask its maker for is not the page's doing.
    arguments.extend([
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--disable-breakpad",
    ]);
    arguments.extend(["--disable-extensions", "--disable-dev-shm-usage", "--enable-precise-memory-info"]);
    let mut logs = json!({ "browser": "ALL" });
    let mut options = json!({ "args": arguments });
    if requests == Requests::WrittenDown {
        logs["performance"] = "ALL".into();
        options["perfLoggingPrefs"] = json!({ "enableNetwork": true, "enablePage": false });
    }
    let capabilities = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": logs });
    capabilities.as_object().cloned().unwrap_or_default()
}

/// A command of the driver's own that takes JSON.
#[derive(Debug)]
struct Further {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Further {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// Asks which logs there are.
#[derive(Debug)]
struct Types;

impl WebDriverCompatibleCommand for Types {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log/types", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::GET, None)
    }
}
