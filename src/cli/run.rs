//! `mersenned run`: one node, as a shell or systemd starts it.

use anyhow::Result;
use clap::Args;

use super::log::{self, LogArgs};
use crate::config::NodeArgs;
use crate::daemon::{self, Console};

/// Arguments of `mersenned run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    node: NodeArgs,

    #[command(flatten)]
    log: LogArgs,

    /// Report to the lab that has started this node, and end with it
    // Without a heading, so that nothing takes it for one of a long list.
    #[arg(long, hide = true, help_heading = None)]
    in_lab: bool,
}

const EXAMPLES: &str = "\
Examples:
  mersenned run --port 5001 --peer 127.0.0.1:5002
  mersenned run --bind 0.0.0.0 --peer node.example.org:5001
  mersenned run --port 5005 --scan 127.0.0.1:5001-5010 --search off

Ask it with `mersenned status --port 5001`, or at http://127.0.0.1:5001/. SIGTERM and Ctrl-C say
goodbye to the peers, save and exit within a second.";

/// Runs a node until it is told to stop.
pub fn run(args: &RunArgs) -> Result<()> {
    let _written_at_the_end = log::start(args.log);
    let console = if args.in_lab { Console::Lab } else { Console::Log };
    daemon::run(args.node.settings(console)?)?;
    Ok(())
}
