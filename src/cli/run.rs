//! `mersenned run`: one node, as a shell or systemd starts it.

use anyhow::Result;
use clap::Args;

use super::log::Log;
use crate::config::{Environment, Flags, Loaded, LogLevel, Reload, Setting};
use crate::daemon::{self, Console, Live, Settings};

/// Arguments of `mersenned run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    flags: Flags,

    /// Report to the lab that has started this node, and end with it
    // Without a heading, so that nothing takes it for one of a long list.
    #[arg(long, hide = true, help_heading = None)]
    in_lab: bool,
}

const EXAMPLES: &str = "\
Every flag is also a variable (MERSENNED_PING_INTERVAL for --ping-interval) and a key in the file.
`mersenned config example` explains all of them, and the timers and bounds that are flags too.

Examples:
  mersenned run --port 5001 --peer 127.0.0.1:5002
  mersenned run --bind 0.0.0.0 --peer node.example.org:5001
  mersenned run --port 5005 --scan 127.0.0.1:5001-5010 --search off

SIGTERM and Ctrl-C say goodbye, save and exit within a second; SIGHUP reads the file again.";

/// Runs a node until it is told to stop.
///
/// # Errors
/// A wrong configuration, with everything that is wrong with it; a node that cannot start.
pub fn run(args: &RunArgs) -> Result<()> {
    let environment = Environment::of_this_process();
    let started = Loaded::load(&args.flags, &environment)?;
    let log = Log::start(started.log_level, started.log_format);
    for warning in &started.warnings {
        tracing::warn!("{warning}");
    }
    let console = if args.in_lab { Console::Lab } else { Console::Log };
    let settings = Settings { console, ..started.daemon.clone() };
    let mut before = started.clone();
    let mut reload = || match Loaded::load(&args.flags, &environment) {
        Ok(now) => {
            // What has changed is told also where the new level would keep quiet about it.
            log.set_level(before.log_level.max(LogLevel::Info));
            tell_changes(&started, &before, &now);
            log.set_level(now.log_level);
            before = now;
            Some(Live { peers: before.daemon.peers.clone(), search: before.daemon.node.search })
        }
        Err(wrong) => {
            for problem in &wrong.0 {
                tracing::error!("{problem}");
            }
            tracing::error!("the configuration is wrong; everything stays as it was");
            None
        }
    };
    daemon::run(settings, &mut reload)?;
    Ok(())
}

/// Says what a reload has changed since the one before, and what it cannot change since the start.
fn tell_changes(started: &Loaded, before: &Loaded, now: &Loaded) {
    let mut told = 0;
    for (key, old, new) in now.changes(before).filter(|(key, ..)| key.reload == Reload::Live) {
        told += 1;
        tracing::info!("{}: {} now, {} before", key.name, shown(new), shown(old));
    }
    for (key, old, new) in now.changes(started).filter(|(key, ..)| key.reload == Reload::Restart) {
        told += 1;
        tracing::warn!("{}: {} takes a restart; {} until then", key.name, shown(new), shown(old));
    }
    if told == 0 {
        match &now.file {
            Some(file) => tracing::info!(
                "{} was read again and changes nothing; variables and flags stay as they were at the start",
                file.display()
            ),
            None => tracing::info!("no configuration file was named, so there is nothing to read again"),
        }
    }
}

fn shown(setting: &Setting) -> String {
    if setting.texts.is_empty() { "none".to_owned() } else { setting.texts.join(", ") }
}
