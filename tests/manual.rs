//! Completions and manual pages: what they offer is what the program has, and the tools that read them have nothing to say.

mod support;

use std::path::Path;
use std::process::{Command, Output};

/// What the program prints.
fn mersenned(arguments: &[&str]) -> String {
    let output = Command::new(support::program()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a tool, or says that it is missing.
fn tool(name: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(name).args(arguments).env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => Some(output),
        Err(error) => {
            support::skip(&format!("{name} cannot be run here: {error}"));
            None
        }
    }
}

/// Everything a tool has said.
fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The commands that `mersenned WORDS --help` lists.
fn commands(words: &[&str]) -> Vec<String> {
    let help = mersenned(&[words, &["--help"]].concat());
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The words of every command, `[]` for the program itself.
fn all_commands() -> Vec<Vec<String>> {
    let mut all = vec![vec![]];
    for first in commands(&[]) {
        let below = commands(&[&first]);
        all.push(vec![first.clone()]);
        all.extend(below.into_iter().map(|second| vec![first.clone(), second]));
    }
    assert!(all.len() > 8, "{all:?}");
    all
}

/// What bash offers after these words, the last of which is not finished.
fn bash_offers(script: &Path, words: &str) -> Option<Vec<String>> {
    let count = words.split(' ').count() - 1;
    let ask = format!(
        "source {}; COMP_WORDS=({words}); COMP_CWORD={count}; \
         _mersenned mersenned \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let output = tool("bash", &["--norc", "-c", &ask])?;
    assert!(output.stderr.is_empty(), "{}", said(&output));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("mersenned");
    std::fs::write(&script, mersenned(&["completions", "bash"])).unwrap();
    let Some(checked) = tool("bash", &["-n", script.to_str().unwrap()]) else { return };
    assert!(checked.status.success() && said(&checked).is_empty(), "{}", said(&checked));
    for (words, offered) in [
        ("mersenned ru", "run"),
        ("mersenned run --peer-t", "--peer-timeout"),
        ("mersenned run --search of", "off"),
        ("mersenned completions fi", "fish"),
    ] {
        assert_eq!(bash_offers(&script, words), Some(vec![offered.to_owned()]), "{words}");
    }
    assert_eq!(bash_offers(&script, "mersenned run --in-l"), Some(vec![String::new()]), "that is the lab's own");
}

#[test]
fn zsh_and_fish_can_read_their_completions() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["zsh", "fish"] {
        let script = directory.path().join(shell);
        let text = mersenned(&["completions", shell]);
        assert!(text.contains("peer-timeout") && !text.contains("in-lab"), "{text}");
        std::fs::write(&script, text).unwrap();
        let Some(checked) = tool(shell, &["-n", script.to_str().unwrap()]) else { return };
        assert!(checked.status.success() && said(&checked).is_empty(), "{}", said(&checked));
    }
}

#[test]
fn every_command_has_a_page_with_the_sections_a_reader_looks_for() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("share/man/man1");
    mersenned(&["man", "--dir", pages.to_str().unwrap()]);
    let all = all_commands();
    assert_eq!(std::fs::read_dir(&pages).unwrap().count(), all.len(), "no page without a command");
    for words in all {
        let name = [&["mersenned".to_owned()], &words[..]].concat().join("-");
        let page =
            std::fs::read_to_string(pages.join(format!("{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        let printed: Vec<&str> = ["man"].into_iter().chain(words.iter().map(String::as_str)).collect();
        assert_eq!(page, mersenned(&printed), "{name}: one page, printed or written");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXIT STATUS\"", "EXAMPLES", "\"SEE ALSO\""] {
            assert!(page.contains(&format!(".SH {section}\n")), "{name} has no {section}:\n{page}");
        }
    }
}

#[test]
fn the_page_of_run_has_options_that_its_help_may_leave_out_and_nothing_of_the_labs_own() {
    let page = mersenned(&["man", "run"]);
    for option in
        ["port", "state\\-dir", "ping\\-interval", "max\\-verify\\-exponent", "receive\\-buffer", "log\\-level"]
    {
        assert!(page.contains(&format!("\\fB\\-\\-{option}\\fR")), "{option} is missing:\n{page}");
    }
    for section in ["ENVIRONMENT", "FILES"] {
        assert!(page.contains(&format!(".SH {section}\n")), "{section} is missing:\n{page}");
    }
    assert!(!page.contains("in\\-lab"), "{page}");
}

#[test]
fn pages_are_typeset_without_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    mersenned(&["man", "--dir", directory.path().to_str().unwrap()]);
    for page in std::fs::read_dir(directory.path()).unwrap() {
        let page = page.unwrap().path();
        let page = page.to_str().unwrap();
        let Some(typeset) = tool("groff", &["-ww", "-K", "utf8", "-man", "-T", "utf8", page]) else { return };
        assert!(typeset.status.success() && typeset.stderr.is_empty(), "{}", String::from_utf8_lossy(&typeset.stderr));
        let Some(shown) = tool("man", &["--warnings", "-l", page]) else { return };
        assert!(shown.status.success() && shown.stderr.is_empty(), "{}", String::from_utf8_lossy(&shown.stderr));
        assert!(!shown.stdout.is_empty());
    }
}

#[test]
fn a_page_that_does_not_exist_is_refused_with_the_names_of_those_that_do() {
    let output = Command::new(support::program()).args(["man", "rnu"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("\"rnu\"") && error.contains("run, status"), "{error}");
}
