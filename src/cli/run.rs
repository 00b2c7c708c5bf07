//! `mersenned run`: one node, as a shell or systemd starts it.

use anyhow::Result;
use clap::Args;

use super::log::Log;
use crate::config::{Environment, Flags, Loaded};
use crate::daemon::{self, Console};

/// Arguments of `mersenned run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    flags: Flags,

    /// Report to the lab that has started this node, and end with it
    #[arg(long, hide = true)]
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
    let loaded = Loaded::load(&args.flags, &Environment::of_this_process())?;
    let log = Log::start(loaded.log_level, loaded.log_format);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let console = if args.in_lab { Console::Lab } else { Console::Log };
    daemon::run(daemon::Settings { console, ..loaded.daemon.clone() })?;
    Ok(())
}
