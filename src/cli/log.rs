//! Logs on standard error, written by a thread of their own: whoever stops reading them stops nothing else.

use std::io::{self, IsTerminal as _};

use clap::{Args, ValueEnum};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::LevelFilter;

/// How much is logged.
#[derive(Debug, Clone, Copy, Args)]
pub struct LogArgs {
    /// How much is logged: debug shows every message
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Starts logging to standard error: with colours on a terminal, without elsewhere. What is dropped last writes what is left.
pub(super) fn start(args: LogArgs) -> WorkerGuard {
    let level = match args.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let (writer, guard) = tracing_appender::non_blocking(io::stderr());
    tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_max_level(level)
        .init();
    guard
}
