//! What a scenario's file may say, and how it is told what is wrong.

use super::super::{Deed, DiskFate, Find, Share, Span, Start, Travel};
use super::*;

const LEAST: &str = "nodes = 4\nduration = '60s'\n";

fn wrong(text: &str) -> Vec<String> {
    match parse(Path::new("s.toml"), text) {
        Err(FileError::Wrong(told)) => told,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_says_what_it_has_to_and_the_rest_is_usual() {
    let scenario = parse(Path::new("s.toml"), LEAST).unwrap();
    assert_eq!((scenario.nodes, scenario.duration, scenario.seeds), (4, Span::s(60), 1));
    assert_eq!(scenario.start, Start::Chain);
}

#[test]
fn everything_can_be_written_as_a_person_would() {
    let text = r#"
        nodes = 100
        duration = "10m"
        start.seed = { over = "60s" }
        settings = { ping-interval = "1s", peer-timeout = 2 }
        [link]
        latency = "10ms-100ms"
        loss = 0.05
        [nat]
        share = 0.5
        [expect]
        heard = [{ share = 0.99, within = "500ms" }, { share = 1, within = 3 }]
        ring = [{ share = 0.999, at = "75s" }]
        agreement-at = "9m"
        [[schedule]]
        at = "2m"
        find.node = 3
        [[schedule]]
        at = 130.5
        restart = { share = 0.1, disk = "lost" }
        [[schedule]]
        at = "140s"
        partition = { share = 0.5, lasts = "60s", kind = "one-way" }
        [[adversaries]]
        kind = "silent"
        share = 0.2
    "#;
    let scenario = parse(Path::new("s.toml"), text).unwrap();
    assert_eq!(scenario.start, Start::Seed { first: 1, settle: Span::ZERO, over: Span::s(60) });
    assert_eq!(scenario.schedule[0].deed, Deed::Find(Find { node: Some(3) }));
    let Deed::Restart(restart) = &scenario.schedule[1].deed else { panic!("{:?}", scenario.schedule) };
    assert_eq!((restart.disk, restart.after, scenario.schedule[1].at), (DiskFate::Lost, Span::s(5), Span::ms(130_500)));
    assert_eq!(scenario.expect.heard[1].share, Share::ALL);
    assert_eq!(scenario.settings.settings().peer_timeout.as_secs(), 2);
    assert!(scenario.settings.settings().silent_after.as_secs_f64() < 2.0);
}

#[test]
fn latencies_are_written_in_four_ways() {
    let latency = |value: &str| {
        let text = format!("{LEAST}[link]\nlatency = {value}\n");
        parse(Path::new("s.toml"), &text).map(|scenario| scenario.link.latency)
    };
    let between = Travel::Between { from: Span::ms(10), to: Span::ms(20) };
    assert_eq!(latency("'5ms'"), Ok(Travel::Always(Span::ms(5))));
    assert_eq!(latency("'10ms-20ms'"), Ok(between.clone()));
    assert_eq!(latency("{ from = '10ms', to = '20ms' }"), Ok(between));
    assert!(matches!(latency("{ regions = [['1ms', '9ms'], ['9ms', '1ms']] }"), Ok(Travel::Regions(_))));
    for value in ["'20ms-10ms'", "{ from = '1s' }", "{ regions = [['1ms', '9ms']] }", "{ regions = [] }", "7", "'far'"]
    {
        let told = latency(value).unwrap_err().to_string();
        assert!(told.starts_with("s.toml:4: link.latency: "), "{told}");
    }
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_what_may_have_been_meant() {
    assert_eq!(wrong(&format!("{LEAST}node = 3")), ["s.toml:3: unknown key `node`; did you mean `nodes`?"]);
    let told = wrong(&format!("{LEAST}\n[link]\nlos = 0.1\n"));
    assert_eq!(told, ["s.toml:5: unknown key `los`; did you mean `loss`?"]);
    let told = wrong(&format!("{LEAST}[[schedule]]\nat = '1s'\nkill = {{ share = 0.5, lasts = '1s' }}\n"));
    assert_eq!(told, ["s.toml:5: unknown key `lasts`; there are share"]);
    let told = wrong(&format!("{LEAST}[[schedule]]\nat = '1s'\nmurder = {{}}\n"));
    assert!(told[0].starts_with("s.toml:5: unknown key `murder`; there are at, find, kill"), "{told:?}");
    let told = wrong(&format!("{LEAST}[[adversaries]]\nkind = 'silend'\nshare = 0.2\n"));
    assert!(told[0].starts_with("s.toml:4: unknown value `silend`; "), "{told:?}");
}

#[test]
fn a_value_that_cannot_be_is_named_with_its_key_and_line() {
    for (text, expected) in [
        ("[link]\nloss = 2\n", "s.toml:4: link.loss: give a share from 0 to 1"),
        ("[link]\nloss = 'much'\n", "s.toml:4: link.loss: invalid type: string"),
        ("start = 'anyhow'\n", "s.toml:3: unknown value `anyhow`; "),
        ("[[schedule]]\nat = 'soon'\n", "s.toml:4: schedule[0].at: give a number of seconds"),
        ("[[schedule]]\nat = '1s'\n", "s.toml:3: schedule[0]: beside `at` give exactly one of find"),
        ("[[schedule]]\nat = '1s'\nfind = {}\nloss = 0\n", "s.toml:3: schedule[0]: beside `at` give exactly one"),
        ("[[schedule]]\nat = '2m'\nfind = {}\n", "s.toml:4: schedule[0].at: find is over at 2m"),
        ("[[schedule]]\nat = '1s'\nfind.node = 4\n", "s.toml:5: schedule[0].find.node: nodes are numbered from 0 to 3"),
        ("settings.peer-timeout = '4s'\n", "s.toml:3: settings: peer-timeout has to be longer"),
        ("[expect]\nhops-at-most = 3\n", "s.toml:3: expect: bounds about primes, and nobody finds one"),
        ("[expect]\nring = [{ share = 1, at = '2m' }]\n", "s.toml:4: expect.ring: 2m is after the end"),
        ("start.seed = { over = '2m' }\n", "s.toml:3: start: the last node starts at 2m"),
        ("nodes = 5\n", "s.toml:3: "),
    ] {
        let told = wrong(&format!("{LEAST}{text}"));
        assert!(told[0].starts_with(expected), "{text}: {told:?}");
    }
    assert_eq!(wrong("nodes = 4\n"), ["s.toml:1: the key `duration` is missing"]);
    let told = wrong("nodes = 0\nduration = 0\n");
    assert!(
        told[0].starts_with("s.toml:1: nodes: give 1 to") && told[1].starts_with("s.toml:2: duration: "),
        "{told:?}"
    );
}
