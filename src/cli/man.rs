//! `mersenned man`: the manual pages, from the same definitions as `--help`.
//!
//! Names, descriptions and options are the definitions' own; examples come from the end of each `--help`; what clap does
//! not know (exit status, environment, files) is here, once for all commands. Layout follows man-pages(7).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::Cli;

/// Arguments of `mersenned man`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ManArgs {
    /// The command whose page is printed; without it, the page of mersenned itself
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,

    /// Write the pages of all commands into this directory, which is made if it is missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  mersenned man run | man -l -                     read one page
  mersenned man --dir ~/.local/share/man/man1      so that `man mersenned-run` finds it

The Debian package has all of them.";

/// What a page says besides its options, by the command's name; the entries of a section are term and explanation.
struct Extra {
    exit_status: &'static [(&'static str, &'static str)],
    environment: &'static [(&'static str, &'static str)],
    files: &'static [(&'static str, &'static str)],
    see_also: &'static str,
}

const FAILED: (&str, &str) = ("1", "Something failed; standard error says what, and what to do about it.");
const OK: (&str, &str) = ("0", "Done.");
const USAGE: (&str, &str) = ("2", "The command line is wrong.");

const SETTINGS: &[(&str, &str)] = &[
    ("/etc/mersenned/mersenned.toml", "The settings of the packaged service. No file is read unless it is named."),
    ("/etc/mersenned/PORT.env", "Environment variables for the packaged service's instance on one port."),
    ("/var/lib/mersenned/PORT", "Where the packaged service keeps the memory of the node on one port."),
    ("~/.local/state/mersenned/PORT", "Where a node that a user starts keeps its memory."),
];

const OF_A_NODE: Extra = Extra {
    exit_status: &[
        ("0", "The node was told to stop, and has said goodbye."),
        FAILED,
        USAGE,
        ("78", "The configuration is wrong (EX_CONFIG); starting it again would not help."),
    ],
    environment: &[
        (
            "MERSENNED_...",
            "Every setting, named like its option in capitals: MERSENNED_PING_INTERVAL is --ping-interval. Options on \
             the command line win over the environment, and the environment over the configuration file.",
        ),
        ("MERSENNED_CONFIG", "The configuration file, like --config."),
        ("STATE_DIRECTORY, XDG_STATE_HOME, HOME", "Where the node keeps its memory, unless --state-dir says so."),
        (
            "NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID",
            "Set by systemd: where to report readiness, status and, from the gossip loop itself, that it is alive. See \
             sd_notify(3).",
        ),
        ("JOURNAL_STREAM", "Set by systemd: lines of the log then carry their priority."),
    ],
    files: SETTINGS,
    see_also: "mersenned(1), mersenned-status(1), mersenned-peers(1), systemd.service(5), journalctl(1)",
};

const OF_THE_CONFIGURATION: Extra = Extra {
    exit_status: &[
        OK,
        FAILED,
        USAGE,
        ("78", "The configuration is wrong (EX_CONFIG); standard error has file, key and line."),
    ],
    environment: &[
        ("MERSENNED_...", "Every setting, named like its option in capitals."),
        ("MERSENNED_CONFIG", "The configuration file, like --config."),
    ],
    files: SETTINGS,
    see_also: "mersenned(1), mersenned-run(1)",
};

const OF_CONTROL: Extra = Extra {
    exit_status: &[OK, FAILED, USAGE],
    environment: &[],
    files: &[
        ("/var/lib/mersenned/PORT/token", "The token of a packaged service's node; only root can read it."),
        ("~/.local/state/mersenned/PORT/token", "The token of a node that this user has started."),
    ],
    see_also: "mersenned(1), mersenned-run(1), mersenned-status(1)",
};

const OF_ALL: Extra = Extra {
    exit_status: &[OK, FAILED, USAGE, ("78", "The configuration is wrong (EX_CONFIG).")],
    environment: &[],
    files: SETTINGS,
    see_also: "systemd.service(5), prometheus(1)",
};

const STOPPED: (&str, &str) =
    ("130, 143", "Stopped by Ctrl-C, or by SIGTERM; standard error has the command that goes on.");

const OF_A_COMPUTATION: Extra = Extra {
    exit_status: &[OK, FAILED, USAGE, STOPPED],
    environment: &[
        (
            "MERSENNED_ENGINES",
            "The engines that may be used, separated by commas: portable, avx2, avx512. Unset, all that the processor can \
             run. The exact engine is always among them.",
        ),
        ("XDG_STATE_HOME, HOME", "Where checkpoints are kept, unless --checkpoints says so."),
    ],
    files: &[
        ("~/.local/state/mersenned/tests", "Checkpoints of tests that have no verdict yet."),
        (
            "worktodo.txt",
            "What GIMPS has assigned, as Prime95 writes it; mersenned work takes finished lines out of it.",
        ),
        ("results.json.txt", "What mersenned work has found out, beside the worktodo file. Nothing is sent anywhere."),
    ],
    see_also: "mersenned(1), mersenned-test(1), mersenned-search(1), mersenned-work(1), mersenned-bench(1), mersenned-selftest(1)",
};

const OF_A_SIMULATION: Extra = Extra {
    exit_status: &[
        ("0", "Every run has passed."),
        (
            "1",
            "A bound did not hold, an invariant was broken, a fault that was asked for never happened, or a file cannot be \
             used; standard error says which, with the command that repeats the run.",
        ),
        USAGE,
    ],
    environment: &[],
    files: &[],
    see_also: "mersenned(1), mersenned-lab(1), mersenned-run(1)",
};

const OF_ANY_OTHER: Extra = Extra {
    exit_status: &[OK, FAILED, USAGE],
    environment: &[],
    files: &[],
    see_also: "mersenned(1), mersenned-run(1)",
};

/// Prints one page, or writes all of them.
pub fn man(args: &ManArgs) -> Result<()> {
    let root = definitions();
    if let Some(directory) = &args.dir {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        return write_all(&root, directory);
    }
    let mut command = &root;
    for name in &args.command {
        command = command.find_subcommand(name).ok_or_else(|| {
            let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            anyhow!("there is no command {name:?} here; the commands are {}", known.join(", "))
        })?;
    }
    let mut page = Vec::new();
    render(command, &mut page)?;
    io::stdout().lock().write_all(&page)?;
    Ok(())
}

/// All commands, with the options that `--help` leaves out only because it would be too long.
fn definitions() -> Command {
    let mut root = with_long_lists(Cli::command().disable_help_subcommand(true));
    root.build();
    root
}

/// Those options stand under a heading of their own; what is nobody's business has none.
fn with_long_lists(command: Command) -> Command {
    command
        .mut_args(|arg| match arg.get_help_heading() {
            Some(_) => arg.hide(false).hide_short_help(false).hide_long_help(false),
            None => arg,
        })
        .mut_subcommands(with_long_lists)
}

fn write_all(command: &Command, directory: &Path) -> Result<()> {
    let path = directory.join(format!("{}.1", full_name(command)));
    let mut page = Vec::new();
    render(command, &mut page)?;
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    command.get_subcommands().filter(|command| !command.is_hide_set()).try_for_each(|one| write_all(one, directory))
}

/// `mersenned-config-check` for the command `mersenned config check`.
fn full_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn extra(name: &str) -> &'static Extra {
    if name == "mersenned" {
        &OF_ALL
    } else if name == "mersenned-run" {
        &OF_A_NODE
    } else if name.starts_with("mersenned-config") {
        &OF_THE_CONFIGURATION
    } else if ["mersenned-sleep", "mersenned-wake", "mersenned-reset"].contains(&name) {
        &OF_CONTROL
    } else if ["mersenned-test", "mersenned-search", "mersenned-work", "mersenned-bench", "mersenned-selftest"]
        .contains(&name)
    {
        &OF_A_COMPUTATION
    } else if name == "mersenned-simulate" {
        &OF_A_SIMULATION
    } else {
        &OF_ANY_OTHER
    }
}

fn render(command: &Command, to: &mut impl Write) -> io::Result<()> {
    let name = full_name(command);
    let man = Man::new(command.clone());
    let extra = extra(name);
    // By hand: the crate leaves out an empty date, and the version then stands in its place.
    writeln!(
        to,
        ".TH {} 1 \"\" \"mersenned {}\" \"The Mersenne daemon\"",
        name.to_uppercase(),
        env!("CARGO_PKG_VERSION")
    )?;
    man.render_name_section(to)?;
    synopsis(command).to_writer(to)?;
    man.render_description_section(to)?;
    man.render_options_section(to)?;
    if command.has_subcommands() {
        man.render_subcommands_section(to)?;
    }
    section("EXIT STATUS", extra.exit_status).to_writer(to)?;
    section("ENVIRONMENT", extra.environment).to_writer(to)?;
    section("FILES", extra.files).to_writer(to)?;
    examples(command).to_writer(to)?;
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    page.text([roman(extra.see_also)]);
    page.to_writer(to)
}

/// The short form of `--help`: a list of all options would be most of a page.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut page = Roff::new();
    page.control("SH", ["SYNOPSIS"]);
    for line in usage.trim_start_matches("Usage:").lines() {
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
        match line.trim().strip_prefix(name) {
            Some(rest) => page.text([bold(name), roman(rest)]),
            None => page.text([roman(line.trim())]),
        };
    }
    page
}

fn section(title: &str, entries: &[(&str, &str)]) -> Roff {
    let mut page = Roff::new();
    if !entries.is_empty() {
        page.control("SH", [title]);
    }
    for (term, explanation) in entries {
        page.control("TP", []);
        page.text([bold(*term)]);
        page.text([roman(*explanation)]);
    }
    page
}

/// What stands at the end of `--help`: indented lines as they are, the rest as paragraphs.
fn examples(command: &Command) -> Roff {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut page = Roff::new();
    if text.is_empty() {
        return page;
    }
    page.control("SH", ["EXAMPLES"]);
    for (index, paragraph) in text.trim_start_matches("Examples:\n").split("\n\n").enumerate() {
        if index > 0 {
            page.control("PP", []);
        }
        if paragraph.lines().all(|line| line.starts_with("  ")) {
            page.control("EX", []);
            for line in paragraph.lines() {
                page.text([roman(line)]);
            }
            page.control("EE", []);
        } else {
            page.text([roman(paragraph)]);
        }
    }
    page
}
