//! Checkpoints of real processes: killed at any moment, a test goes on and ends with the same residue.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mersenned::mersenne::{EngineSet, Exponent, Interrupt, Method, ResidueType};
use mersenned::search::{Attempt, Conclusion, Event, Factoring, MethodChoice};
use support::{Killed, Node, free_ports, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// Tells the program of this test, started again, to be the process that is killed: a method and a directory.
const VICTIM: &str = "MERSENNED_TEST_VICTIM";

const EXPONENT: u64 = 10_007;

/// Of other programs: Lucas and Lehmer's, and Fermat's of type 1.
const RESIDUES: [(&str, &str); 2] = [("ll", "2CC5456D685892E3"), ("prp", "81FDA3E5F3D030EF")];

/// What the process does that is killed: a test with a checkpoint every few milliseconds, each told on standard output.
#[test]
fn victim() {
    let Ok(task) = std::env::var(VICTIM) else { return };
    let (method, directory) = task.split_once(' ').expect("a method and a directory");
    let method = if method == "ll" { Method::LucasLehmer } else { Method::Prp(ResidueType::One) };
    let attempt = Attempt {
        method: MethodChoice::Only(method),
        factoring: Factoring::None,
        engines: EngineSet::EXACT,
        checkpoints: Some(PathBuf::from(directory)),
        checkpoint_interval: Duration::from_millis(3),
        ..Attempt::new(Exponent::new(EXPONENT).expect("a prime"))
    };
    let say = |line: String| {
        println!("{line}");
        std::io::stdout().flush().expect("somebody listens");
    };
    let conclusion = attempt.run(&Interrupt::new(), &mut |event| match event {
        Event::Testing { iteration, .. } => say(format!("testing from {iteration}")),
        Event::Checkpointed { iteration } => say(format!("checkpoint at {iteration}")),
        Event::CheckpointUnusable { reason, .. } => say(format!("unusable: {reason}")),
        _ => {}
    });
    let Conclusion::Composite(report) = conclusion else { panic!("{conclusion:?}") };
    say(format!("residue {}", report.res64));
}

/// Runs the victim until it has written so many checkpoints, then kills it: what it said.
fn run_and_kill(method: &str, directory: &Path, checkpoints: usize) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args(["--exact", "victim", "--nocapture"]).env(VICTIM, format!("{method} {}", directory.display()));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("this program starts");
    let output = child.stdout.take().expect("it is piped");
    let mut victim = Killed(child);
    let mut said = Vec::new();
    for line in BufReader::new(output).lines() {
        said.push(line.expect("it is text"));
        if said.iter().filter(|line| line.starts_with("checkpoint")).count() == checkpoints {
            drop(victim.0.kill());
            break;
        }
    }
    said
}

fn number(said: &[String], beginning: &str) -> Option<u32> {
    // The line may stand behind what the test harness says.
    let line = said.iter().rev().find(|line| line.contains(beginning))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_test_that_is_killed_again_and_again_ends_with_the_residue_of_other_programs() {
    for (method, residue) in RESIDUES {
        let directory = tempfile::tempdir().unwrap();
        let (mut kills, mut durable) = (0, 0);
        for round in 1.. {
            // 2, 3, 4, 5, 2, … checkpoints in a life, so that it is killed while the next is written, or not.
            let said = run_and_kill(method, directory.path(), 2 + round % 4);
            let begun = number(&said, "testing from").expect("it says where it begins");
            assert!(begun >= durable, "round {round}: it began at {begun}, and {durable} was durable");
            if let Some(line) = said.iter().find(|line| line.contains("residue ")) {
                assert!(line.ends_with(residue), "{line}, after {kills} kills");
                break;
            }
            durable = number(&said, "checkpoint at").expect("it was killed after one");
            // Squarings of a check count for nothing.
            assert!(durable >= begun, "round {round}: it went back from {begun} to {durable}");
            kills += 1;
        }
        assert!(kills >= 5, "only {kills} kills");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left of a test that is done");
    }
}

#[test]
fn spoilt_generations_are_said_and_the_residue_is_the_same() {
    let (method, residue) = RESIDUES[0];
    let directory = tempfile::tempdir().unwrap();
    let spoil = |name: &str| {
        let path = directory.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 16;
        fs::write(path, bytes).unwrap();
    };
    let said = run_and_kill(method, directory.path(), 6);
    let checkpoints: Vec<&String> = said.iter().filter(|line| line.starts_with("checkpoint")).collect();
    let before: u32 = checkpoints[4].rsplit(' ').next().unwrap().parse().unwrap();
    spoil("m10007.ll.ckpt");
    let said = run_and_kill(method, directory.path(), 3);
    assert!(said.iter().any(|line| line.contains("unusable: its checksum is wrong")), "{said:?}");
    assert!(number(&said, "testing from").unwrap() >= before, "{said:?}");
    spoil("m10007.ll.ckpt");
    spoil("m10007.ll.ckpt.old");
    let said = run_and_kill(method, directory.path(), usize::MAX);
    assert_eq!(said.iter().filter(|line| line.contains("unusable")).count(), 2, "{said:?}");
    assert_eq!(number(&said, "testing from"), Some(0));
    assert!(said.iter().any(|line| line.contains(&format!("residue {residue}"))), "{said:?}");
}

#[test]
fn a_node_leaves_a_checkpoint_within_its_second_and_goes_on_from_it_also_after_kill_9() {
    let state = tempfile::tempdir().unwrap();
    let port = free_ports(1);
    let own = state.path().join(port.to_string());
    fs::create_dir(&own).unwrap();
    // Above this one a test on big integers takes ten seconds and more.
    let saved = r#"{"version":1,"id_floor":7,"addresses":[],"primes":[{"exponent":44497,"originator":"127.0.0.1:5001","msg_id":1}]}"#;
    fs::write(own.join("state.json"), saved).unwrap();
    let flags = ["--interval", "100ms"];
    let mut node = Node::start_with(port, state.path(), &flags, &[("MERSENNED_ENGINES", "exact")]);
    let at_hand = |node: &Node| {
        let [exponent, progress] =
            ["search_exponent", "search_progress_ratio"].map(|name| node.metric(&format!("mersenned_{name}"), ""));
        (exponent, progress)
    };
    let checkpoints = || fs::read_dir(own.join("checkpoints")).map_or(0, Iterator::count);
    // More than a second of work is worth a checkpoint.
    wait_until(120 * SECOND, "a test is half done", || (0.4..0.8).contains(&at_hand(&node).1));
    let (exponent, progress) = at_hand(&node);
    node.signal("TERM");
    let (succeeded, took) = node.wait(5 * SECOND);
    assert!(succeeded && took < SECOND, "succeeded: {succeeded}, after {took:?}");
    assert!(checkpoints() > 0);
    for life in ["after SIGTERM", "after kill -9"] {
        node.restart();
        wait_until(60 * SECOND, "the test is at hand again", || at_hand(&node).1 > 0.0);
        let again = at_hand(&node);
        assert!(again.0 > exponent || again.0 == exponent && again.1 >= progress, "{life}: {again:?}");
    }
    // The node's own, in its private directory.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(own.join("checkpoints")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
