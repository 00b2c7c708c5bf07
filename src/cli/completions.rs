//! `mersenned completions SHELL`: what a shell needs to complete this program's commands and flags.

use std::io::{self, Write as _};

use anyhow::Result;
use clap::{Arg, Args, Command, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;

/// Arguments of `mersenned completions`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// Which shell reads them
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  For this shell only:
    source <(mersenned completions bash)

  For good:
    mersenned completions bash > ~/.local/share/bash-completion/completions/mersenned
    mersenned completions zsh > ~/.zfunc/_mersenned    (with ~/.zfunc in $fpath)
    mersenned completions fish > ~/.config/fish/completions/mersenned.fish

The Debian package has them for bash, zsh and fish.";

/// Prints the completions for one shell.
pub fn completions(args: &CompletionsArgs) -> Result<()> {
    // Rendered in memory first: the crate panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut visible(&Cli::command()), "mersenned", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(())
}

/// The command without what is nobody's business: hidden, and not because it belongs to a long list with a heading of its
/// own. The shells' generators offer all that is defined.
fn visible(command: &Command) -> Command {
    let offered = |arg: &&Arg| !arg.is_hide_set() || arg.get_help_heading().is_some();
    let mut shown = Command::new(command.get_name().to_owned())
        .args(command.get_arguments().filter(offered).cloned())
        .subcommands(command.get_subcommands().filter(|command| !command.is_hide_set()).map(visible));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        shown = shown.version(version.to_owned());
    }
    shown
}
