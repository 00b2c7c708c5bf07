//! `--help` as people see it: each command's is kept beside this file, so that a change is seen before it lands.
//!
//! `INSTA_UPDATE=always cargo test --test help` writes them anew.

mod support;

use assert_cmd::Command;

/// Lines of a terminal window that is a little larger than the smallest.
const SCREEN: usize = 40;

/// Every command and subcommand, as the program itself lists them.
fn commands() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = all.get(next).cloned() {
        next += 1;
        let help = help(&command);
        let listed = help.split("Commands:\n").nth(1).unwrap_or_default().lines();
        let names = listed.take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
        for name in names.filter(|name| *name != "help") {
            all.push([command.clone(), vec![name.to_owned()]].concat());
        }
    }
    all
}

fn help(command: &[String]) -> String {
    // Wherever it runs, as wide as a terminal usually is.
    let output = Command::new(support::program()).args(command).arg("--help").env("COLUMNS", "100").output().unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_of_every_command_is_what_was_agreed() {
    let commands = commands();
    assert!(commands.len() > 14, "{commands:?}");
    for command in commands {
        let name = if command.is_empty() { "mersenned".to_owned() } else { command.join("-") };
        insta::with_settings!({ snapshot_path => "help", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, help(&command));
        });
    }
}

#[test]
fn every_help_fits_a_screen_and_ends_with_examples() {
    for command in commands() {
        let help = help(&command);
        assert!(help.lines().count() <= SCREEN, "{command:?} has {} lines", help.lines().count());
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        assert!(help.split("\nOptions:\n").nth(1).is_some_and(|end| end.contains("Examples:")), "{help}");
    }
}
