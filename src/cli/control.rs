//! `mersenned sleep`, `wake`, `reset`: tells a running node what to do.
//!
//! The node wants to see its token. Without `--token-file` it is looked for where `run` and the system's service would keep
//! it, but only for a node on this machine: no other has anything to do with this machine's files.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use hyper::StatusCode;
use serde::Deserialize;

use super::ask::{self, NodeAddress};
use crate::config::{Environment, Flags, Loaded};
use crate::daemon::http::client::Answer;
use crate::daemon::token;

/// Where a service's state is; in it, a directory for each port.
const SERVICES: &str = "/var/lib/mersenned";

/// Arguments of `mersenned sleep` and `mersenned wake`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ControlArgs {
    #[command(flatten)]
    node: NodeAddress,

    /// The node's token [default: the file `token` in its state directory, where that is a usual one]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Arguments of `mersenned reset`.
#[derive(Debug, Args)]
#[command(after_help = RESET_EXAMPLES)]
pub struct ResetArgs {
    #[command(flatten)]
    control: ControlArgs,

    /// Do not ask whether that is meant
    #[arg(long, short)]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  mersenned sleep --port 5003
  mersenned wake --port 5003
  sudo mersenned sleep                                              a system service
  mersenned sleep --port 5003 --token-file /srv/mersenned/token     state kept elsewhere

A node that sleeps says no goodbye; its peers drop it after 10 s, and have it back within 10 s of
its waking. It sleeps on after a restart.";

const RESET_EXAMPLES: &str = "\
Examples:
  mersenned reset --port 5003
  mersenned reset --port 5003 --yes    from a script

The node forgets its primes, its peers and its address book, and learns the primes again from
those it meets. It keeps its seeds and never uses a message id twice. A node that sleeps sleeps on.";

/// The part of an answer that is told.
#[derive(Debug, Deserialize)]
struct Applied {
    asleep: bool,
    saved: bool,
    reason: Option<String>,
}

/// Sends a node to sleep.
pub fn sleep(args: &ControlArgs) -> Result<()> {
    args.tell("/sleep", |_| "asleep".to_owned())
}

/// Wakes a node.
pub fn wake(args: &ControlArgs) -> Result<()> {
    args.tell("/wake", |_| "awake".to_owned())
}

/// Makes a node forget, once that is confirmed.
pub fn reset(args: &ResetArgs) -> Result<()> {
    if !args.yes && !confirm(&args.control.node)? {
        bail!("nothing was done");
    }
    args.control.tell("/reset", |applied| {
        let sleeps = if applied.asleep { ", and asleep as before" } else { "" };
        format!("reset: its primes and peers are forgotten{sleeps}")
    })
}

/// Asks on the terminal whether a reset is meant.
fn confirm(node: &NodeAddress) -> Result<bool> {
    let address = node.address();
    if !io::stdin().is_terminal() {
        bail!("a reset of the node at {address} makes it forget its primes and peers; if that is meant, add --yes");
    }
    eprint!("The node at {address} will forget its primes and peers. Go on? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

impl ControlArgs {
    /// Tells the node, and prints in one line what is so now.
    fn tell(&self, path: &str, describe: impl Fn(&Applied) -> String) -> Result<()> {
        let answer = self.ask(path)?;
        let mut out = io::stdout().lock();
        if self.node.json {
            writeln!(out, "{:#}", answer.value)?;
            return Ok(());
        }
        let applied: Applied =
            serde_json::from_value(answer.value).context("the node's answer is not one of this version")?;
        let what = describe(&applied);
        match (applied.saved, applied.reason) {
            (true, _) => writeln!(out, "the node at {} is {what}", self.node.address())?,
            (false, reason) => {
                let reason = reason.unwrap_or_default();
                let reason = reason.escape_debug();
                writeln!(out, "the node at {} is {what}; not saved yet: {reason}", self.node.address())?;
            }
        }
        Ok(())
    }

    /// Asks with the tokens that there are, and without one if there is none: a lab's nodes want none.
    fn ask(&self, path: &str) -> Result<Answer> {
        let mut tried = Vec::new();
        let mut refused = None;
        for file in self.token_files() {
            match read(&file) {
                Ok(token) => {
                    let answer = self.node.post(path, Some(&token))?;
                    if answer.status != StatusCode::UNAUTHORIZED {
                        return self.accepted(answer);
                    }
                    tried.push(format!("{} (the node does not take it)", file.display()));
                    refused = Some(answer);
                }
                Err(error) if self.token_file.is_some() => {
                    return Err(error).with_context(|| format!("cannot read the token file {}", file.display()));
                }
                Err(error) => tried.push(format!("{} ({error})", file.display())),
            }
        }
        let answer = match refused {
            Some(answer) => answer,
            None => self.node.post(path, None)?,
        };
        if answer.status == StatusCode::UNAUTHORIZED {
            let tried =
                if tried.is_empty() { "no file, as it is on another machine".to_owned() } else { tried.join(", ") };
            bail!(
                "the node at {} wants its token; tried: {tried}. Call this as the user who runs the node, or with sudo, or \
                 name the file `token` in the node's state directory with --token-file",
                self.node.address()
            );
        }
        self.accepted(answer)
    }

    fn accepted(&self, answer: Answer) -> Result<Answer> {
        if !answer.status.is_success() {
            bail!("the node at {} refuses ({}): {}", self.node.address(), answer.status, ask::reason(&answer));
        }
        Ok(answer)
    }

    /// Where the token may be.
    fn token_files(&self) -> Vec<PathBuf> {
        if let Some(file) = &self.token_file {
            return vec![file.clone()];
        }
        if !self.node.address().ip().is_loopback() {
            return Vec::new();
        }
        let port = self.node.port();
        // Where a node of this port would keep its state if it were started like this; with settings that are wrong, none would.
        let own = Loaded::load(&Flags::of_port(port), &Environment::of_this_process());
        let own = own.ok().map(|loaded| loaded.daemon.state_dir);
        let service = Path::new(SERVICES).join(port.to_string());
        own.into_iter().chain([service]).map(|directory| directory.join(token::FILE)).collect()
    }
}

/// The token in a file; an error of the system says why there is none.
fn read(file: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(file)?;
    let token = text.trim();
    // It goes into a header.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(io::Error::other("it holds no token"));
    }
    Ok(token.to_owned())
}
