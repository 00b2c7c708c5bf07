//! The one command that repeats a run.

use std::fmt::Display;

use super::SimulateArgs;
use crate::cli::attempt::quoted;

/// The command that repeats the run with this seed: the same scenario with the same changes.
pub(super) fn command(args: &SimulateArgs, seed: u64) -> String {
    let mut words = vec!["mersenned".to_owned(), "simulate".to_owned()];
    words.extend(args.scenario.clone());
    let mut flag = |name: &str, value: Option<&dyn Display>| {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value.to_string()]));
    };
    flag("--file", args.file.as_ref().map(|path| path.display()).as_ref().map(|path| path as &dyn Display));
    flag("--nodes", args.nodes.as_ref().map(|nodes| nodes as &dyn Display));
    flag("--seed", Some(&seed));
    flag("--loss", args.loss.map(|share| share.get()).as_ref().map(|share| share as &dyn Display));
    flag("--latency", args.latency.as_ref().map(|latency| latency as &dyn Display));
    flag("--kill", args.kill.as_ref().map(|timed| timed as &dyn Display));
    flag("--partition", args.partition.as_ref().map(|timed| timed as &dyn Display));
    flag("--churn", args.churn.as_ref().map(|timed| timed as &dyn Display));
    for hostile in &args.adversaries {
        flag("--adversaries", Some(hostile));
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn repeated(line: &str) -> String {
        let words = ["simulate"].into_iter().chain(line.split(' '));
        command(&Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args, 17)
    }

    #[test]
    fn a_run_is_repeated_with_its_seed_and_all_that_was_changed() {
        assert_eq!(repeated("ring-15 --seeds 300 --json"), "mersenned simulate ring-15 --seed 17");
        let changed = "spread --nodes 50 --seed 17 --loss 0.05 --latency 10ms-100ms --kill 0.5@1m --partition 0.25:10m \
                       --churn 0.1 --adversaries silent:0.3 --adversaries silent:0.2";
        assert_eq!(repeated(changed), format!("mersenned simulate {changed}"));
        assert_eq!(repeated("--file my.toml --kill 30%"), "mersenned simulate --file my.toml --seed 17 --kill 0.3");
    }
}
