//! `mersenned peers`: whom a running node talks to, and who owns an exponent.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Deserialize;

use super::ask::NodeAddress;

/// Arguments of `mersenned peers`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PeersArgs {
    #[command(flatten)]
    node: NodeAddress,

    /// Say who owns the exponent P on the ring, instead
    #[arg(long, value_name = "P")]
    owner: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  mersenned peers                                              those of the node on port 5001
  mersenned peers --owner 44497                                whose exponent this is
  mersenned peers --port 5003 --json | jq '.peers[].address'   their addresses, for a script";

/// What `/peers/` answers.
#[derive(Debug, Deserialize)]
struct Peers {
    peers: Vec<Peer>,
}

/// The part of a peer that is shown.
#[derive(Debug, Deserialize)]
struct Peer {
    address: String,
    kind: String,
    via: String,
    role: String,
    active_seconds: f64,
    last_heard_seconds: f64,
    rtt_seconds: Option<f64>,
    known: Option<Known>,
}

#[derive(Debug, Deserialize)]
struct Known {
    largest: u64,
}

/// What `/owner` answers.
#[derive(Debug, Deserialize)]
struct Owner {
    exponent: u64,
    key: String,
    owner: String,
    certain: bool,
}

/// Asks a node for its peers, or for the owner of an exponent, and shows the answer.
pub fn peers(args: &PeersArgs) -> Result<()> {
    let mut out = io::stdout().lock();
    let value = match args.owner {
        Some(exponent) => args.node.get(&format!("/owner?exponent={exponent}"))?,
        None => args.node.get("/peers/")?,
    };
    if args.node.json {
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    if args.owner.is_some() {
        let owner = serde_json::from_value(value).context("the node's answer is not one of this version")?;
        return show_owner(&mut out, &owner);
    }
    let Peers { peers } = serde_json::from_value(value).context("the node's answer is not one of this version")?;
    if peers.is_empty() {
        writeln!(out, "no peers")?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<22} {:<7} {:<7} {:<7} {:>9} {:>9} {:>10} {:>10}",
        "peer", "kind", "role", "via", "active", "silent", "rtt", "largest"
    )?;
    for peer in peers {
        let rtt = peer.rtt_seconds.map_or_else(|| "-".to_owned(), |rtt| format!("{:.2} ms", rtt * 1e3));
        let largest = peer.known.filter(|known| known.largest > 0);
        writeln!(
            out,
            "{:<22} {:<7} {:<7} {:<7} {:>7.0} s {:>7.1} s {rtt:>10} {:>10}",
            peer.address.escape_debug().to_string(),
            peer.kind.escape_debug().to_string(),
            peer.role.escape_debug().to_string(),
            peer.via.escape_debug().to_string(),
            peer.active_seconds,
            peer.last_heard_seconds,
            largest.map_or_else(|| "-".to_owned(), |known| format!("M{}", known.largest)),
        )?;
    }
    Ok(())
}

/// Says who owns an exponent, and how sure that is.
fn show_owner(out: &mut impl io::Write, owner: &Owner) -> Result<()> {
    let Owner { exponent, key, owner, certain } = owner;
    let whence = if *certain { "this node" } else { "as far as this node knows" };
    writeln!(out, "M{exponent} (key {}) is owned by {}: {whence}", key.escape_debug(), owner.escape_debug())?;
    Ok(())
}
