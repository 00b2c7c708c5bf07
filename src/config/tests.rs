//! The table as a whole: every key by every way, and the example that follows from it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::*;
use crate::daemon::{self, journal};
use crate::protocol;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

fn flags(arguments: &[&str]) -> Flags {
    Cli::try_parse_from([&["x"], arguments].concat()).unwrap_or_else(|error| panic!("{error}")).flags
}

fn environment(variables: &[(String, String)]) -> Environment {
    let home = [(OsString::from("HOME"), OsString::from("/home/somebody"))];
    let given = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Environment::new(given.chain(home))
}

fn written(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("m.toml");
    fs::write(&path, text).unwrap();
    path
}

/// Three values of each setting that differ from each other and from the default, for file, environment and flag.
fn values(name: &str) -> [&'static str; 3] {
    match name {
        "port" => ["6001", "6002", "6003"],
        "bind" | "http-bind" => ["127.0.0.2", "127.0.0.3", "127.0.0.4"],
        "http-host" => ["a.example", "b.example", "c.example"],
        "advertise" => ["192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"],
        "state-dir" => ["/tmp/a", "/tmp/b", "/tmp/c"],
        "peer" => ["a.example:1", "b.example:2", "c.example:3"],
        "scan" => ["127.0.0.1:1-2", "127.0.0.1:3-4", "127.0.0.1:5-6"],
        // There are but two; each layer says the other thing.
        "search" | "allow-plain" | "limit-loopback" => ["on", "off", "on"],
        "interval" | "evict-interval" => ["2s", "3s", "4s"],
        "ping-interval" => ["2s", "3s", "4s"],
        "peer-timeout" => ["20s", "30s", "40s"],
        "log-level" => ["error", "warn", "debug"],
        "log-format" => ["text", "journal", "json"],
        "receive-buffer" => ["5000", "6000", "7000"],
        "max-ttl" | "leaves" => ["3", "4", "5"],
        _ => ["101", "102", "103"],
    }
}

#[test]
fn without_anything_given_the_protocol_has_its_own_defaults() {
    let loaded = Loaded::load(&flags(&["--state-dir", "s"]), &environment(&[])).unwrap();
    assert_eq!(loaded.daemon.node, protocol::Settings::default());
    assert_eq!((loaded.log_level, loaded.log_format), (LogLevel::Info, LogFormat::Auto));
    assert_eq!(loaded.daemon.port.get(), 5001);
    assert!(loaded.daemon.bind.is_loopback() && loaded.daemon.http_bind.is_loopback());
    assert_eq!(loaded.daemon.receive_buffer, 4 << 20);
    assert_eq!((loaded.daemon.journal_entries, loaded.daemon.journal_rate), (journal::CAPACITY, journal::RATE));
}

#[test]
fn for_every_key_the_flag_beats_the_variable_beats_the_file_beats_the_default() {
    let directory = tempfile::tempdir().unwrap();
    for key in KEYS {
        let [in_file, in_environment, in_flag] = values(key.name);
        let file = written(directory.path(), &format!("\n{}\n", line(key, &[in_file.to_owned()])));
        let config = ["--config", file.to_str().unwrap()];
        let variable = [(key.variable(), in_environment.to_owned())];
        let flag = format!("--{}={in_flag}", key.name);
        let with = |more: &[&str], variables: &[(String, String)]| {
            let loaded = Loaded::load(&flags(more), &environment(variables)).unwrap_or_else(|error| panic!("{error}"));
            let (_, setting) = loaded.all().find(|(other, _)| other.name == key.name).unwrap();
            setting.clone()
        };
        let same = |setting: &Setting, text: &str| match key.shape {
            Shape::Switch => (setting.texts == ["true"] || setting.texts == ["on"]) == (text == "on"),
            Shape::Text | Shape::Time | Shape::Number | Shape::List => setting.texts == [text],
        };
        let by_default = with(&[], &[]);
        let default = match key.name {
            "state-dir" => Some("/home/somebody/.local/state/mersenned/5001"),
            _ => key.default,
        };
        assert_eq!((by_default.texts.first().map(String::as_str), by_default.origin), (default, Origin::Default));
        let setting = with(&config, &[]);
        assert!(same(&setting, in_file), "{}: {setting:?}", key.name);
        assert_eq!(setting.origin, Origin::File { path: file.clone(), line: 2 }, "{}", key.name);
        let setting = with(&config, &variable);
        assert!(same(&setting, in_environment), "{}: {setting:?}", key.name);
        assert_eq!(setting.origin, Origin::Variable(key.variable()), "{}", key.name);
        let setting = with(&[&config[..], &[&flag]].concat(), &variable);
        assert!(same(&setting, in_flag), "{}: {setting:?}", key.name);
        assert_eq!(setting.origin, Origin::Flag(key.name), "{}", key.name);
        // The order of the layers is not the order in which they were tried here.
        assert_eq!(with(&[&flag], &[]).origin, Origin::Flag(key.name));
        assert_eq!(with(&[], &variable).origin, Origin::Variable(key.variable()));
    }
}

#[test]
fn every_value_reaches_its_own_place_and_no_other() {
    let mut seen = BTreeSet::new();
    let base = format!("{:?}", settings_with(&[]));
    for key in KEYS {
        let [value, other, _] = values(key.name);
        let value = if key.default == Some(value) { other } else { value };
        let changed = format!("{:?}", settings_with(&[&format!("--{}={value}", key.name)]));
        assert_ne!(changed, base, "{} changes something", key.name);
        assert!(seen.insert(changed), "{} changes what another key changes", key.name);
    }
}

fn settings_with(arguments: &[&str]) -> (daemon::Settings, LogLevel, LogFormat) {
    let loaded = Loaded::load(&flags(arguments), &environment(&[])).unwrap_or_else(|error| panic!("{error}"));
    (loaded.daemon, loaded.log_level, loaded.log_format)
}

#[test]
fn every_wrong_value_is_told_at_once_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = written(directory.path(), "port = 0\nmax-peers = 5000\nmax_book = 1\n");
    let variables = [("MERSENNED_PING_INTERVAL".to_owned(), "never".to_owned())];
    let error = Loaded::load(&flags(&["--config", file.to_str().unwrap()]), &environment(&variables)).unwrap_err();
    let told: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
    let file = file.display();
    assert!(
        told[0].starts_with("$MERSENNED_PING_INTERVAL: ping-interval: \"never\": give a number of seconds"),
        "{told:?}"
    );
    assert_eq!(told[1], format!("{file}:1: port: \"0\": ports go from 1 to 65535"));
    assert_eq!(told[2], format!("{file}:2: max-peers: \"5000\": give a whole number from 1 to 1024"));
    assert_eq!(told[3], format!("{file}:3: unknown key `max_book`; did you mean `max-book`?"));
}

#[test]
fn what_a_stronger_layer_hides_has_to_be_right_all_the_same() {
    let variables = [("MERSENNED_PORT".to_owned(), "tcp://10.0.0.1:80".to_owned())];
    let error = Loaded::load(&flags(&["--port", "5001"]), &environment(&variables)).unwrap_err();
    assert_eq!(error.to_string(), "$MERSENNED_PORT: port: \"tcp://10.0.0.1:80\": ports go from 1 to 65535");
}

#[test]
fn a_peer_timeout_within_the_ping_interval_is_refused_and_both_places_are_named() {
    let variables = [("MERSENNED_PING_INTERVAL".to_owned(), "20s".to_owned())];
    let told = Loaded::load(&flags(&[]), &environment(&variables)).unwrap_err().to_string();
    assert!(told.contains("peer-timeout (10s, default)"), "{told}");
    assert!(told.contains("ping-interval (20s, $MERSENNED_PING_INTERVAL)"), "{told}");
    let settings = settings_with(&["--peer-timeout", "1s", "--ping-interval", "500ms"]).0;
    assert_eq!(settings.node.silent_after.as_millis(), 600);
}

#[test]
fn a_peer_that_the_bound_address_cannot_reach_is_refused_and_both_places_are_named() {
    let told = Loaded::load(&flags(&["--peer", "192.0.2.1:5001"]), &environment(&[])).unwrap_err().to_string();
    assert!(
        told.starts_with("--peer: peer: 192.0.2.1:5001 cannot be reached from bind = \"127.0.0.1\" (default)"),
        "{told}"
    );
    assert!(Loaded::load(&flags(&["--peer", "192.0.2.1:5001", "--bind", "0.0.0.0"]), &environment(&[])).is_ok());
    // A name may lead anywhere.
    assert!(Loaded::load(&flags(&["--peer", "node.example.org:5001"]), &environment(&[])).is_ok());
}

#[test]
fn an_empty_variable_is_none_and_an_empty_list_empties() {
    let directory = tempfile::tempdir().unwrap();
    let file = written(directory.path(), "peer = ['a:1']\nadvertise = '192.0.2.1:1'\n");
    let variables = ["MERSENNED_PEER", "MERSENNED_ADVERTISE"].map(|name| (name.to_owned(), String::new()));
    let loaded = Loaded::load(&flags(&["--config", file.to_str().unwrap()]), &environment(&variables)).unwrap().daemon;
    assert!(loaded.peers.is_empty() && loaded.advertise.is_some());
    let several = [("MERSENNED_PEER".to_owned(), "a:1,b:2 c:3".to_owned())];
    assert_eq!(Loaded::load(&flags(&[]), &environment(&several)).unwrap().daemon.peers.len(), 3);
}

#[test]
fn a_variable_that_is_no_setting_is_a_warning_with_what_may_have_been_meant() {
    let variables = [("MERSENNED_PERR".to_owned(), "a:1".to_owned()), ("MERSENNED_X".to_owned(), String::new())];
    let warnings = Loaded::load(&flags(&[]), &environment(&variables)).unwrap().warnings;
    assert_eq!(
        warnings,
        ["$MERSENNED_PERR is no setting; did you mean $MERSENNED_PEER?", "$MERSENNED_X is no setting; it is ignored"]
    );
}

#[test]
fn the_file_may_be_named_by_a_variable_and_has_to_be_readable() {
    let directory = tempfile::tempdir().unwrap();
    let file = written(directory.path(), "port = 6001");
    let named = [("MERSENNED_CONFIG".to_owned(), file.display().to_string())];
    assert_eq!(Loaded::load(&flags(&[]), &environment(&named)).unwrap().daemon.port.get(), 6001);
    let missing = directory.path().join("missing.toml");
    for path in [missing.as_path(), directory.path()] {
        let told = Loaded::load(&flags(&["--config", path.to_str().unwrap()]), &environment(&named)).unwrap_err();
        assert!(told.to_string().contains(&format!("cannot read the configuration file {}", path.display())), "{told}");
    }
}

#[test]
fn the_example_has_every_key_with_its_default_and_loads_when_uncommented() {
    let example = example();
    assert!(example.lines().all(|line| line.is_empty() || line.starts_with('#')), "all of it is commented");
    assert!(example.lines().all(|line| line.chars().count() <= 101), "no line is too long");
    let is_setting = |line: &&str| KEYS.iter().any(|key| line.starts_with(&format!("#{} = ", key.name)));
    let settings: Vec<&str> = example.lines().filter(is_setting).map(|line| &line[1..]).collect();
    assert_eq!(settings.len(), KEYS.len());
    let directory = tempfile::tempdir().unwrap();
    let file = written(directory.path(), &settings.join("\n"));
    let loaded = Loaded::load(&flags(&["--config", file.to_str().unwrap()]), &environment(&[])).unwrap();
    for (key, setting) in loaded.all() {
        assert!(matches!(setting.origin, Origin::File { .. }), "{}", key.name);
        assert!(!key.notes.is_empty() && key.notes.ends_with('.') && !key.help.ends_with('.'), "{}", key.name);
    }
    assert_eq!(loaded.daemon.node, protocol::Settings::default());
}

#[test]
fn the_shipped_file_is_the_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/mersenned.toml");
    let shipped = fs::read_to_string(path).unwrap();
    assert!(shipped == example(), "write it anew: mersenned config example > config/mersenned.toml");
}

#[test]
fn what_changed_between_two_readings_is_told_key_by_key() {
    let load = |arguments: &[&str]| Loaded::load(&flags(arguments), &environment(&[])).unwrap();
    let (before, after) = (load(&["--peer", "a:1"]), load(&["--peer", "a:1", "--peer", "b:2", "--interval", "10s"]));
    let changes: Vec<_> = after.changes(&before).map(|(key, old, new)| (key.name, &old.texts, &new.texts)).collect();
    let expected = (vec!["a:1".to_owned()], vec!["a:1".to_owned(), "b:2".to_owned()]);
    assert_eq!(changes, [("peer", &expected.0, &expected.1)]);
    // Written otherwise, the same.
    let same = load(&["--interval", "10000ms", "--search", "true", "--port", "05001"]);
    assert_eq!(same.changes(&load(&[])).count(), 0);
}

#[test]
fn names_are_kebab_case_and_fit_the_variable() {
    for key in KEYS {
        assert!(key.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", key.name);
        assert!(key.help.chars().count() <= 100, "{}", key.help);
    }
    assert_eq!(KEYS.iter().map(|key| key.name).collect::<BTreeSet<_>>().len(), KEYS.len());
    assert_eq!(KEYS.iter().find(|key| key.name == "ping-interval").unwrap().variable(), "MERSENNED_PING_INTERVAL");
}
