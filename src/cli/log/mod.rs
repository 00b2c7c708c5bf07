//! Logs on standard error, written by a thread of their own: whoever stops reading them stops nothing else.
//!
//! One layer does it all: one event becomes one line, whatever is in it, in the format its reader wants; and of one cause
//! only so many lines are written, so that no stranger fills a disk.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, filter::LevelFilter};

use crate::config::{LogFormat, LogLevel};

mod limit;
mod line;

use limit::{Limiter, Pass};
use line::{Line, Style};

/// Keeps the log going; when it is dropped, what is left is written.
pub(super) struct Log {
    level: reload::Handle<LevelFilter, Registry>,
    _written_at_the_end: WorkerGuard,
}

impl Log {
    /// Starts logging to standard error.
    pub(super) fn start(level: LogLevel, format: LogFormat) -> Log {
        let style = match format {
            LogFormat::Auto if journald_reads_standard_error() => Style::Journal,
            LogFormat::Auto | LogFormat::Text if wants_colours() => Style::Colour,
            LogFormat::Auto | LogFormat::Text => Style::Text,
            LogFormat::Journal => Style::Journal,
            LogFormat::Json => Style::Json,
        };
        let (writer, guard) = tracing_appender::non_blocking(io::stderr());
        let (filter, handle) = reload::Layer::new(filter(level));
        let layer = LogLayer { style, writer, limiter: Mutex::new(Limiter::default()) };
        tracing_subscriber::registry().with(filter).with(layer).init();
        Log { level: handle, _written_at_the_end: guard }
    }

    /// Logs as much from now on.
    pub(super) fn set_level(&self, level: LogLevel) {
        // It fails only without a subscriber, and then nothing is logged anyway.
        drop(self.level.reload(filter(level)));
    }
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}

/// On a terminal, unless it or its user says otherwise (no-color.org).
fn wants_colours() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// `$JOURNAL_STREAM` names the device and inode of the stream that leads to journald (systemd.exec(5)); standard error may
/// have been sent elsewhere since.
fn journald_reads_standard_error() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    std::fs::metadata("/dev/stderr").is_ok_and(|file| stream == format!("{}:{}", file.dev(), file.ino()))
}

/// Writes events as lines.
struct LogLayer {
    style: Style,
    writer: NonBlocking,
    limiter: Mutex<Limiter>,
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        thread_local! {
            static BUFFER: RefCell<String> = const { RefCell::new(String::new()) };
        }
        let level = *event.metadata().level();
        let mut fields = Fields::new(self.style);
        event.record(&mut fields);
        let cause = (event.metadata().callsite(), fields.cause);
        let pass = if level <= Level::INFO {
            self.limiter.lock().unwrap_or_else(PoisonError::into_inner).pass(cause, Instant::now())
        } else {
            // Whoever wants every message gets every message.
            Pass::Yes { left_out: 0 }
        };
        let Pass::Yes { left_out } = pass else { return };
        if left_out > 0 {
            fields.message.push_str(&format!(" ({left_out} more like this were left out before)"));
        }
        let line = Line { level, message: &fields.message, entry: fields.entry.as_deref() };
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            line.write(self.style, buffer);
            // A full queue drops lines rather than delaying anybody.
            drop(self.writer.clone().write_all(buffer.as_bytes()));
        });
    }
}

/// What an event says.
struct Fields {
    style: Style,
    message: String,
    /// What it is about, where one place in the program tells of many things.
    cause: String,
    /// The journal's entry it was made from, as JSON.
    entry: Option<String>,
}

impl Fields {
    fn new(style: Style) -> Fields {
        Fields { style, message: String::new(), cause: String::new(), entry: None }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "cause" => self.cause.push_str(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.message.insert_str(0, &format!("{value:?}")),
            // Only one format shows it.
            "entry" if self.style == Style::Json => self.entry = Some(format!("{value:?}")),
            "entry" => {}
            name => self.message.push_str(&format!(" {name}={value:?}")),
        }
    }
}
