//! `mersenned status`: what a running node knows.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Deserialize;

use super::ask::NodeAddress;

/// Arguments of `mersenned status`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    #[command(flatten)]
    node: NodeAddress,
}

const EXAMPLES: &str = "\
Examples:
  mersenned status                                          the node on port 5001
  mersenned status --port 5003 --json | jq .largest_prime   one number, for a script";

/// The part of `/state` that is shown.
#[derive(Debug, Deserialize)]
struct State {
    address: String,
    largest_prime: Option<u64>,
    largest_prime_finder: Option<String>,
    name: Option<String>,
    known: Known,
    peers: u64,
    plain_peers: u64,
    address_book: u64,
    position: Option<String>,
    neighbours: Option<Neighbours>,
    owned_ratio: f64,
    network_size: u64,
    verification_queue: u64,
    verifying: Option<u64>,
    asleep: bool,
    search_mode: String,
    searching: bool,
    originators: Vec<Latest>,
}

#[derive(Debug, Deserialize)]
struct Known {
    count: u64,
}

#[derive(Debug, Deserialize)]
struct Neighbours {
    predecessor: String,
    successor: String,
}

#[derive(Debug, Deserialize)]
struct Latest {
    originator: String,
    exponent: u64,
}

/// Asks a node for its state and shows it.
pub fn status(args: &StatusArgs) -> Result<()> {
    let mut out = io::stdout().lock();
    let value = args.node.get("/state")?;
    if args.node.json {
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    let state: State = serde_json::from_value(value).context("the node's answer is not one of this version")?;
    let asleep = if state.asleep { ", asleep" } else { "" };
    let name = state.name.as_ref().map(|name| format!(", called {}", name.escape_debug())).unwrap_or_default();
    writeln!(out, "node            {}{name}{asleep}", state.address.escape_debug())?;
    match (state.largest_prime, &state.largest_prime_finder) {
        (Some(exponent), Some(finder)) => {
            writeln!(out, "largest prime   M{exponent}, found by {}", finder.escape_debug())?;
        }
        (Some(_) | None, _) => writeln!(out, "largest prime   none yet")?,
    }
    writeln!(out, "known primes    {}", state.known.count)?;
    writeln!(out, "peers           {} ({} plain)", state.peers, state.plain_peers)?;
    writeln!(out, "address book    {}", state.address_book)?;
    ring(&mut out, &state)?;
    let search = match (state.asleep, state.search_mode.as_str(), state.searching) {
        (true, _, _) => "asleep",
        (false, "off", _) => "off",
        (false, _, true) => "on its way",
        (false, _, false) => "waiting",
    };
    writeln!(out, "search          {search}")?;
    match state.verifying {
        Some(exponent) => writeln!(out, "verifying       M{exponent}, {} in the queue", state.verification_queue)?,
        None => writeln!(out, "verifying       nothing")?,
    }
    for latest in &state.originators {
        writeln!(out, "latest          M{} of {}", latest.exponent, latest.originator.escape_debug())?;
    }
    Ok(())
}

/// Where the node is on the ring, who is next to it, and how many nodes there seem to be.
fn ring(out: &mut impl io::Write, state: &State) -> io::Result<()> {
    writeln!(out, "network         {}", nodes(state.network_size))?;
    match &state.position {
        Some(position) => {
            let percent = state.owned_ratio * 100.0;
            writeln!(out, "position        {}, owns {percent:.1} % of the ring", position.escape_debug())?;
        }
        None => writeln!(out, "position        none until three chosen peers say where they see it; see --advertise")?,
    }
    match &state.neighbours {
        Some(Neighbours { predecessor, successor }) => {
            writeln!(out, "predecessor     {}", predecessor.escape_debug())?;
            writeln!(out, "successor       {}", successor.escape_debug())
        }
        None => writeln!(out, "neighbours      none"),
    }
}

/// A number of nodes as it is worth: of few each is known, many are an estimate.
fn nodes(count: u64) -> String {
    match count {
        1 => "1 node".to_owned(),
        2..=13 => format!("{count} nodes"),
        _ => format!("about {count} nodes"),
    }
}
