//! `mersenned config`: settings checked, shown with where they come from, and explained.

use std::io::{self, Write as _};

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::config::{self, Environment, Flags, Loaded, Origin};

/// Arguments of `mersenned config`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say whether a configuration is right; exit code 78 if it is not
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        #[command(flatten)]
        flags: Flags,
    },
    /// Print every setting as it counts
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// Print where each comes from
        #[arg(long)]
        origin: bool,

        #[command(flatten)]
        flags: Flags,
    },
    /// Print a configuration file with every setting explained
    #[command(after_help = EXAMPLE_EXAMPLES)]
    Example,
}

const EXAMPLES: &str = "\
Examples:
  mersenned config check --config /etc/mersenned/mersenned.toml
  mersenned config show --origin
  mersenned config example > mersenned.toml";

const CHECK_EXAMPLES: &str = "\
Examples:
  mersenned config check --config /etc/mersenned/mersenned.toml
  MERSENNED_PEER=node.example.org:5001 mersenned config check

It checks the file, the environment and any flags of `mersenned run` as they would be used together.";

const SHOW_EXAMPLES: &str = "\
Examples:
  mersenned config show --origin
  mersenned config show --origin --config config/mersenned.toml --ping-interval 1s";

const EXAMPLE_EXAMPLES: &str = "\
Examples:
  mersenned config example > mersenned.toml";

/// Runs `mersenned config`.
pub fn config(args: &ConfigArgs) -> Result<()> {
    let mut output = io::stdout().lock();
    match &args.command {
        ConfigCommand::Check { flags } => {
            let loaded = load(flags)?;
            match &loaded.file {
                Some(file) => writeln!(output, "{} is right", file.display())?,
                None => writeln!(output, "right; no file was read (--config FILE or MERSENNED_CONFIG names one)")?,
            }
        }
        ConfigCommand::Show { origin, flags } => {
            let loaded = load(flags)?;
            let lines: Vec<_> = loaded.all().map(|(key, setting)| shown(key, setting)).collect();
            let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0).min(44);
            for (line, from) in lines {
                if *origin {
                    writeln!(output, "{line:width$}  # {from}")?;
                } else {
                    writeln!(output, "{line}")?;
                }
            }
        }
        ConfigCommand::Example => write!(output, "{}", config::example())?,
    }
    Ok(())
}

/// A line of a file that would say the same, and where it comes from. What is not set is a comment.
fn shown<'a>(key: &config::Key, setting: &'a config::Setting) -> (String, &'a Origin) {
    let is_unset = setting.texts.is_empty() && key.shape != config::Shape::List;
    let line = if is_unset { format!("# {} is not set", key.name) } else { config::line(key, &setting.texts) };
    (line, &setting.origin)
}

/// What counts, with warnings to standard error.
fn load(flags: &Flags) -> Result<Loaded> {
    let loaded = Loaded::load(flags, &Environment::of_this_process())?;
    for warning in &loaded.warnings {
        eprintln!("mersenned: {warning}");
    }
    Ok(loaded)
}
