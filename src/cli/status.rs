//! `mersenned status`: what a running node knows.

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
  mersenned status
  mersenned status --port 5003 --json";

/// The part of `/state` that is shown.
#[derive(Debug, Deserialize)]
struct State {
    address: String,
    largest_prime: Option<u64>,
    largest_prime_finder: Option<String>,
    known: Known,
    peers: u64,
    plain_peers: u64,
    address_book: u64,
    verification_queue: u64,
    verifying: Option<u64>,
    searching: bool,
    originators: Vec<Latest>,
}

#[derive(Debug, Deserialize)]
struct Known {
    count: u64,
}

#[derive(Debug, Deserialize)]
struct Latest {
    originator: String,
    exponent: u64,
}

/// Asks a node for its state and shows it.
pub fn status(args: &StatusArgs) -> Result<()> {
    let value = args.node.get("/state")?;
    if args.node.json {
        println!("{value:#}");
        return Ok(());
    }
    let state: State = serde_json::from_value(value).context("the node's answer is not one of this version")?;
    println!("node            {}", state.address.escape_debug());
    match (state.largest_prime, &state.largest_prime_finder) {
        (Some(exponent), Some(finder)) => {
            println!("largest prime   M{exponent}, found by {}", finder.escape_debug());
        }
        (Some(_) | None, _) => println!("largest prime   none yet"),
    }
    println!("known primes    {}", state.known.count);
    println!("peers           {} ({} plain)", state.peers, state.plain_peers);
    println!("address book    {}", state.address_book);
    println!("search          {}", if state.searching { "on its way" } else { "waiting" });
    match state.verifying {
        Some(exponent) => println!("verifying       M{exponent}, {} in the queue", state.verification_queue),
        None => println!("verifying       nothing"),
    }
    for latest in &state.originators {
        println!("latest          M{} of {}", latest.exponent, latest.originator.escape_debug());
    }
    Ok(())
}
