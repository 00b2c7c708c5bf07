//! `mersenned simulate` as a person uses it: scenarios by name and from files, reports, pictures, and runs that fail.

mod support;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

struct Ran {
    code: i32,
    output: String,
    error: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{error}: {}{}", self.output, self.error))
    }
}

fn simulate(arguments: &[&str]) -> Ran {
    let ran = Command::new(support::program()).arg("simulate").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: ran.status.code().unwrap(), output: text(ran.stdout), error: text(ran.stderr) }
}

fn file(directory: &Path, text: &str) -> String {
    let path = directory.join("mine.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Four nodes that find a prime, and expect it sooner than light comes.
const IMPOSSIBLE: &str = "\
nodes = 4
duration = '40s'
link.latency = '10ms'
[expect]
heard = [{ share = 1, within = '5ms' }]
[[schedule]]
at = '15s'
find = {}
";

#[test]
fn list_says_what_each_scenario_shows_and_each_can_be_shown() {
    let listed = simulate(&["--list"]);
    assert_eq!((listed.code, listed.error.as_str()), (0, ""));
    let names: Vec<&str> = listed.output.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for name in [
        "exercise",
        "ring-15",
        "ring-30",
        "ring-52",
        "spread",
        "spread-100k",
        "join",
        "half",
        "ninety",
        "partition",
        "churn",
        "nat",
        "upkeep",
        "lossy",
        "chaos",
        "hostile-squash",
        "hostile-ttl",
        "hostile-replay",
        "hostile-forge",
        "hostile-fake",
        "hostile-poison",
        "hostile-poison-many",
        "hostile-flood",
        "hostile-silent",
        "hostile-lying-known",
        "hostile-false-accept",
    ] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(listed.output.lines().all(|line| line.split_whitespace().count() > 6), "{}", listed.output);
    for name in names.iter().filter(|name| **name != "chaos") {
        let shown = simulate(&[name, "--show"]);
        assert!(shown.code == 0 && shown.output.contains(&format!("name = \"{name}\"")), "{}", shown.error);
    }
    let json = simulate(&["--list", "--json"]).json();
    assert_eq!(json.as_array().unwrap().len(), names.len());
}

#[test]
fn the_exercise_passes_and_its_report_says_how_primes_spread() {
    let ran = simulate(&["exercise"]);
    assert_eq!((ran.code, ran.error.as_str()), (0, ""), "{}", ran.output);
    for expected in ["seed 1: 4 hosts", "found by host", "heard", "verified", "4 of 4 nodes know their true neighbours"]
    {
        assert!(ran.output.contains(expected), "{expected} is missing: {}", ran.output);
    }
}

#[test]
fn a_file_is_a_scenario_as_show_prints_one() {
    let directory = tempfile::tempdir().unwrap();
    let shown = simulate(&["exercise", "--show", "--nodes", "5"]);
    let path = file(directory.path(), &shown.output);
    let ran = simulate(&["--file", &path, "--json"]);
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
    assert_eq!(ran.json()["runs"][0]["hosts"], 5);
    let path = file(directory.path(), "nodes = 3\nduration = '20s'\n[expect]\nconnected-at = '10s'\n");
    let ran = simulate(&["--file", &path]);
    assert!(ran.code == 0 && ran.output.starts_with("mine: "), "{}{}", ran.output, ran.error);
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_file_line_and_key() {
    let directory = tempfile::tempdir().unwrap();
    for (text, expected) in [
        ("nodes = 3\nduration = '20s'\nspeed = 5\n", ":3: unknown key `speed`"),
        ("nodes = 3\nduration = '20s'\n[link]\nlos = 0.1\n", ":4: unknown key `los`; did you mean `loss`?"),
        ("nodes = 3\nduration = '20s'\n[link]\nloss = 7\n", ":4: link.loss: give a share from 0 to 1"),
        ("nodes = 3\nduration = \n", ":2: "),
    ] {
        let path = file(directory.path(), text);
        let ran = simulate(&["--file", &path]);
        assert_eq!((ran.code, ran.output.as_str()), (1, ""), "{text}");
        assert!(ran.error.starts_with(&format!("mersenned: {path}{expected}")), "{text}: {}", ran.error);
    }
    let missing = directory.path().join("missing.toml");
    let ran = simulate(&["--file", missing.to_str().unwrap()]);
    assert!(ran.code == 1 && ran.error.contains("cannot read the scenario file"), "{}", ran.error);
}

#[test]
fn what_is_wrong_on_the_command_line_is_told_with_what_would_be_right() {
    for (code, arguments, expected) in [
        (2, &[][..], "<SCENARIO>"),
        (1, &["exercice"], "did you mean exercise?"),
        (1, &["nothing-like-it"], "simulate --list"),
        (2, &["exercise", "--loss", "2"], "0 to 1"),
        (2, &["exercise", "--latency", "far"], "10ms-100ms"),
        (2, &["exercise", "--kill", "0.5@soon"], "10s"),
        (2, &["exercise", "--adversaries", "nice"], "silent"),
        (2, &["exercise", "--nodes", "0"], "1.."),
        (2, &["exercise", "--seeds", "0"], "1.."),
        (2, &["exercise", "--file", "x.toml"], "cannot be used with"),
        (1, &["exercise", "--trace-node", "4"], "from 0 to 3"),
        (2, &["exercise", "--trace-node", "1", "--seeds", "2"], "cannot be used with"),
        (1, &["exercise", "--adversaries", "silent:1"], "leave somebody honest"),
        (1, &["chaos", "--nodes", "5"], "from its seed"),
        (1, &["exercise", "--plot", "/nowhere/x.svg"], "cannot write /nowhere/x.svg"),
    ] {
        let ran = simulate(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.error);
        assert!(ran.error.contains(expected), "{arguments:?}: {}", ran.error);
    }
}

#[test]
fn the_same_seed_gives_the_same_json_but_for_real_time() {
    let json = |seed: &str| {
        let mut json = simulate(&["exercise", "--loss", "0.1", "--seed", seed, "--seeds", "2", "--json"]).json();
        for run in json["runs"].as_array_mut().unwrap() {
            assert!(run.as_object_mut().unwrap().remove("real").is_some_and(|real| real["seconds"].is_number()));
        }
        json
    };
    let one = json("5");
    assert_eq!(one["runs"][0]["primes"].as_array().unwrap().len(), 3, "{one}");
    assert_eq!(one, json("5"));
    assert_eq!(one["runs"][1], json("6")["runs"][0]);
    assert_ne!(one["runs"][0]["trace_hash"], one["runs"][1]["trace_hash"]);
}

#[test]
fn every_prime_reaches_all_honest_nodes_among_hostile_ones() {
    for name in ["hostile-squash", "hostile-forge", "hostile-poison"] {
        let ran = simulate(&[name, "--nodes", "20", "--seeds", "2"]);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.output, ran.error);
    }
}

#[test]
fn several_seeds_are_summed_up() {
    let ran = simulate(&["exercise", "--seeds", "5"]);
    assert_eq!(ran.code, 0, "{}", ran.error);
    assert!(ran.output.contains("5 of 5 runs passed"), "{}", ran.output);
    assert!(ran.output.contains("least      median        most"), "{}", ran.output);
}

#[test]
fn a_run_that_fails_prints_the_one_command_that_repeats_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), IMPOSSIBLE);
    let ran = simulate(&["--file", &path, "--nodes", "5", "--seed", "40", "--seeds", "3"]);
    assert_eq!(ran.code, 1);
    assert!(ran.error.contains("is to be heard of by 100 % of 5 nodes within 5ms; it took 0.01"), "{}", ran.error);
    let commands: Vec<&str> = ran.error.lines().filter_map(|line| line.trim().strip_prefix("repeat it: ")).collect();
    assert_eq!(commands.len(), 3, "{}", ran.error);
    let words: Vec<&str> = commands[1].strip_prefix("mersenned simulate ").unwrap().split(' ').collect();
    assert!(words.ends_with(&["--seed", "41"]), "{words:?}");
    let again = simulate(&words);
    assert_eq!(again.code, 1);
    let reason = |error: &str| error.lines().find(|line| line.contains("is to be heard")).map(str::to_owned);
    assert!(again.output.contains("seed 41:"), "{}", again.output);
    let first = ran.error.split("seed 41:").nth(1).and_then(reason);
    assert!(first.is_some() && first == reason(&again.error), "{first:?}: {}", again.error);
}

#[test]
fn plot_writes_a_picture_of_the_spread_and_the_degrees() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spread.svg");
    let ran = simulate(&["exercise", "--plot", path.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.error);
    let svg = fs::read_to_string(path).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(svg.contains("class=\"heard\"") && svg.contains("<title>4 nodes with 3 peers</title>"), "{svg}");
}

#[test]
fn one_node_or_one_message_can_be_traced() {
    let node = simulate(&["exercise", "--trace-node", "2"]);
    assert_eq!(node.code, 0, "{}", node.error);
    let lines =
        |output: &str| output.lines().filter(|line| line.contains(" host ")).map(str::to_owned).collect::<Vec<_>>();
    let told: Vec<String> = lines(&node.output).into_iter().filter(|line| !line.contains("found by")).collect();
    assert!(told.len() > 20 && told.iter().all(|line| line.contains(" host 2 ")), "{told:?}");
    let id = node.output.split("(msg_id ").nth(1).and_then(|rest| rest.split(')').next()).unwrap();
    let message = simulate(&["exercise", "--trace-message", id]);
    let told: Vec<String> = lines(&message.output).into_iter().filter(|line| !line.contains("found by")).collect();
    assert!(told.len() >= 6 && told.iter().all(|line| line.contains("PRIME") && line.contains(id)), "{told:?}");
}
