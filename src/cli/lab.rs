//! `mersenned lab`: several nodes on this machine and a page that shows all of them.

use std::num::NonZeroU16;

use anyhow::{Result, bail};
use clap::Args;

use crate::lab::exercise::Exercise;
use crate::lab::{self, NODES_MAX, SPEEDS, Settings};

/// Arguments of `mersenned lab`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LabArgs {
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=i64::from(NODES_MAX)))]
    nodes: u16,

    /// Port of the first node; the others follow
    #[arg(long, value_name = "PORT", default_value = "5001", value_parser = crate::config::value::port)]
    first_port: NonZeroU16,

    /// Port of the page [default: the one before the first node's]
    #[arg(long, value_name = "PORT", value_parser = crate::config::value::port)]
    page_port: Option<NonZeroU16>,

    /// Open the page in a browser
    #[arg(long)]
    open: bool,

    /// How many times as fast all timers go, 0.1 to 20
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = speed)]
    speed: f64,

    /// Have chance in faults follow from this number, so that they repeat
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Leave the last port to a node of your own, and say which rules of exercise N it keeps
    #[arg(long, value_name = "N", value_parser = exercise)]
    exercise: Option<&'static Exercise>,

    /// Flags of `mersenned run` for every node
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

/// Beyond this a student's node has less time than a busy machine takes to let it run.
const EXERCISE_SPEED_MAX: f64 = 10.0;

const EXAMPLES: &str = "\
Examples:
  mersenned lab --open
  mersenned lab --nodes 12 --first-port 6001 --speed 10
  mersenned lab --exercise 3
  mersenned lab --seed 7 -- --interval 1s

Ctrl-C ends all nodes. Nothing is kept: every lab begins with no prime known.";

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if SPEEDS.contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err(format!("give a number from {} to {}", SPEEDS.start(), SPEEDS.end())),
    }
}

fn exercise(text: &str) -> Result<&'static Exercise, String> {
    let number = text.parse().ok();
    number.and_then(Exercise::get).ok_or_else(|| {
        let titles: Vec<String> = Exercise::ALL.iter().map(|e| format!("{} {}", e.number, e.title)).collect();
        format!("there are {}", titles.join(", "))
    })
}

/// Starts a lab and watches it until Ctrl-C.
pub fn lab(args: &LabArgs) -> Result<()> {
    let first = args.first_port.get();
    let last = u32::from(first) + u32::from(args.nodes) - 1;
    let Ok(last) = u16::try_from(last) else {
        bail!("{} nodes from port {first} would need port {last}; ports go from 1 to 65535", args.nodes);
    };
    if let Some(page) = args.page_port.filter(|page| (first..=last).contains(&page.get())) {
        bail!("port {page} is a node's; give --page-port another than {first} to {last}");
    }
    if args.exercise.is_some() && args.speed > EXERCISE_SPEED_MAX {
        bail!(
            "an exercise is judged at up to {EXERCISE_SPEED_MAX} times the speed; give --speed {EXERCISE_SPEED_MAX} or less"
        );
    }
    if args.exercise.is_some() && args.nodes < 2 {
        bail!("an exercise takes a node of the lab beside yours: --nodes 2 or more");
    }
    let settings = Settings {
        ports: first..=last,
        page_port: args.page_port.map(NonZeroU16::get),
        seed: args.seed,
        speed: args.speed,
        open: args.open,
        exercise: args.exercise,
        flags: args.flags.clone(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lab::run(settings))
}
