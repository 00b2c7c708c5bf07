//! `mersenned simulate`: a virtual network of the very nodes that `run` starts, what happens to it, and whether it holds.
//!
//! Uses the scenarios and runs of the simulation; reads flags, shows progress, prints reports.

use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use super::output;
use crate::protocol::message::MessageId;
use crate::simulation::scenario::{self, Hostile, Overrides, Scenario, Share, Timed, Travel, named};
use crate::simulation::{HostId, TraceOf};

mod chaos;
mod repeat;
mod runs;
mod shown;

/// Arguments of `mersenned simulate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SimulateArgs {
    /// Which scenario; --list names them
    #[arg(value_name = "SCENARIO", required_unless_present_any = ["file", "list"])]
    scenario: Option<String>,

    /// A scenario in a TOML file instead; --show prints what one looks like
    #[arg(long, value_name = "FILE", conflicts_with = "scenario")]
    file: Option<PathBuf>,

    /// Say what each scenario shows, and run none
    #[arg(long, conflicts_with_all = ["scenario", "file", "show"])]
    list: bool,

    /// Print the scenario as a TOML file, and do not run it
    #[arg(long)]
    show: bool,

    /// How many hosts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=scenario::NODES_MAX as i64))]
    nodes: Option<u32>,

    /// The first seed: a run is a function of it [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// So many runs, each with a seed of its own [default: the scenario's, with --seed 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: Option<u64>,

    /// The share of datagrams that are lost
    #[arg(long, value_name = "SHARE", value_parser = parse::<Share>)]
    loss: Option<Share>,

    /// How long a datagram travels: 50ms, or 10ms-100ms
    #[arg(long, value_name = "TIME", value_parser = parse::<Travel>)]
    latency: Option<Travel>,

    /// A share of nodes dies: 0.5, or at a time, 0.5@60s
    #[arg(long, value_name = "SHARE[@AT]", value_parser = parse::<Timed>)]
    kill: Option<Timed>,

    /// A share of hosts is cut off: 0.5, or for and at a time, 0.5:10m@60s
    #[arg(long, value_name = "SHARE[:FOR][@AT]", value_parser = parse::<Timed>)]
    partition: Option<Timed>,

    /// A share of nodes is replaced each minute
    #[arg(long, value_name = "SHARE[:FOR][@AT]", value_parser = parse::<Timed>)]
    churn: Option<Timed>,

    /// Hostile hosts instead of the scenario's, a fifth unless said: squash:0.1; repeatable
    #[arg(long, value_name = "KIND[:SHARE]", value_parser = parse::<Hostile>)]
    adversaries: Vec<Hostile>,

    /// Print all that one host does and hears
    #[arg(long, value_name = "HOST", conflicts_with_all = ["trace_message", "seeds"])]
    trace_node: Option<u32>,

    /// Print every PRIME with this msg_id, wherever it comes
    #[arg(long, value_name = "ID", conflicts_with = "seeds")]
    trace_message: Option<u64>,

    /// Print JSON instead of text
    #[arg(long)]
    json: bool,

    /// Draw the spread of the first prime and the peers of nodes, of the first seed
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  mersenned simulate exercise
  mersenned simulate spread --nodes 1000 --loss 0.05 --plot spread.svg
  mersenned simulate ring-30 --seeds 500
  mersenned simulate half --show > mine.toml; mersenned simulate --file mine.toml

A run that fails (exit code 1) prints its seed and the command that repeats it.";

/// Reads a value, with its own words for what is wrong.
fn parse<T>(text: &str) -> Result<T, String>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Lists, shows or runs.
///
/// # Errors
/// There is no such scenario or it cannot be; a run failed; a file cannot be read or written.
pub fn simulate(args: &SimulateArgs) -> Result<()> {
    if args.list {
        return list(args);
    }
    if args.scenario.as_deref() == Some(named::CHAOS) {
        return chaos::chaos(args);
    }
    let scenario = scenario(args)?;
    if args.show {
        output::line(scenario.to_toml().trim_end())?;
        return Ok(());
    }
    runs::runs(args, &scenario)
}

fn list(args: &SimulateArgs) -> Result<()> {
    let chaos = (named::CHAOS.to_owned(), named::CHAOS_SHOWS.to_owned());
    let all: Vec<(String, String)> =
        named::all().into_iter().map(|scenario| (scenario.name, scenario.shows)).chain([chaos]).collect();
    if args.json {
        let all: Vec<_> = all.iter().map(|(name, shows)| serde_json::json!({ "name": name, "shows": shows })).collect();
        output::line(&serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, shows) in &all {
        output::line(&format!("{name:<width$}  {shows}"))?;
    }
    Ok(())
}

/// The scenario with what is changed of it.
fn scenario(args: &SimulateArgs) -> Result<Scenario> {
    let mut scenario = match (&args.file, &args.scenario) {
        (Some(path), _) => scenario::read(path)?,
        (None, Some(name)) => named::find(name).ok_or_else(|| unknown(name))?,
        (None, None) => bail!("name a scenario; `mersenned simulate --list` says what there is"),
    };
    overrides(args).apply(&mut scenario);
    let wrong = scenario.check();
    if !wrong.is_empty() {
        let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        bail!("{} cannot be changed so: {}", scenario.name, told.join("; "));
    }
    if let Some(host) = args.trace_node.filter(|&host| host as usize >= scenario.nodes) {
        bail!("there is no host {host} to trace: they are numbered from 0 to {}", scenario.nodes - 1);
    }
    Ok(scenario)
}

fn unknown(name: &str) -> anyhow::Error {
    let all = named::all();
    let names = all.iter().map(|scenario| scenario.name.as_str()).chain([named::CHAOS]);
    let nearest = names.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    match nearest.filter(|(distance, known)| *distance <= 1 + known.len() / 4) {
        Some((_, meant)) => anyhow!("there is no scenario {name:?}; did you mean {meant}?"),
        None => anyhow!("there is no scenario {name:?}; `mersenned simulate --list` says what there is"),
    }
}

fn overrides(args: &SimulateArgs) -> Overrides {
    Overrides {
        nodes: args.nodes.map(|nodes| nodes as usize),
        loss: args.loss,
        latency: args.latency.clone(),
        kill: args.kill,
        partition: args.partition,
        churn: args.churn,
        adversaries: args.adversaries.clone(),
    }
}

/// Which seeds are run: the first, and how many.
fn seeds(args: &SimulateArgs, usual: u64) -> (u64, u64) {
    // Whoever names a seed wants that one, and a trace is of one run.
    let is_one = args.seed.is_some() || traced(args).is_some();
    let count = args.seeds.unwrap_or(if is_one { 1 } else { usual });
    (args.seed.unwrap_or(1), count)
}

fn traced(args: &SimulateArgs) -> Option<TraceOf> {
    let host = args.trace_node.map(|host| TraceOf::Host(HostId(host)));
    host.or(args.trace_message.map(|id| TraceOf::Claim(MessageId(id))))
}

/// Writes a file that was asked for.
fn write(path: &std::path::Path, content: &str) -> Result<()> {
    std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
