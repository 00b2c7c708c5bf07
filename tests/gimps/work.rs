//! `mersenned work`: a list in, results out, nothing lost.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::support::{self, wait_until};
use super::{ended, full_test, has_files, mersenned, prp, run};

const ID: &str = "0CF485CD87F1BAC48B6B05D3A2094579";

/// A result without what differs from run to run.
fn masked(line: &str) -> String {
    let timestamp =
        line.split(r#""timestamp":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("there is a time");
    let shape: String = timestamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00 00:00:00", "{line}");
    let mut masked = line.replace(timestamp, "TIME").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    if let Some((head, tail)) = line.split_once(r#""shift-count":"#) {
        let (shift, _) = tail.split_once(',').unwrap();
        assert!(shift.parse::<u32>().is_ok(), "{line}");
        masked = masked.replacen(&format!("\"shift-count\":{shift}"), "\"shift-count\":SHIFT", 1);
        assert!(!head.contains("shift-count"));
    }
    masked
}

fn results(home: &Path) -> Vec<String> {
    fs::read_to_string(home.join("results.json.txt")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn every_kind_of_line_is_done_in_order_and_its_result_written_with_prime95s_keys() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("worktodo.txt");
    let work = format!(
        "[Worker #1]\r\n; by hand\r\nTest={ID},4999,99,1\r\nDoubleCheck=10007,99,1\r\nTest=N/A,4423,99,1\r\n\
         \r\n# PRP\nPRP={ID},1,2,10007,-1,99,0\nPRP=1,2,10007,-1,99,0,3,3\nPRP=1,2,4423,-1,99,0\n[Worker #2]\nTest=4441,0,0"
    );
    fs::write(&list, work).unwrap();
    let done = run(home.path(), &["work", "worktodo.txt", "--engine", "exact"]);
    assert_eq!(done.code, Some(0), "{}", done.errors);
    assert_eq!(fs::read_to_string(&list).unwrap(), "[Worker #1]\r\n; by hand\r\n\r\n# PRP\n[Worker #2]\n");
    let end = r#""program":{"name":"mersenned","version":"VERSION"},"timestamp":"TIME""#;
    let tail = format!(r#""shift-count":SHIFT,"error-code":"00000000",{end}"#);
    let [type_1, type_3] = prp(10_007);
    let errors = r#""errors":{"gerbicz":0}"#;
    let prp = |exponent: u32, status: &str, res64: &str, kind: u8, aid: &str| {
        format!(
            r#"{{"status":"{status}","exponent":{exponent},"worktype":"PRP-3","res64":"{res64}","residue-type":{kind},{errors},{tail}{aid}}}"#
        )
    };
    let ll = |exponent: u32, status: &str, res64: &str, aid: &str| {
        format!(r#"{{"status":"{status}","exponent":{exponent},"worktype":"LL","res64":"{res64}",{tail}{aid}}}"#)
    };
    let aid = format!(r#","aid":"{ID}""#);
    let expected = [
        ll(4_999, "C", full_test(4_999), &aid),
        ll(10_007, "C", full_test(10_007), ""),
        ll(4_423, "P", "0000000000000000", ""),
        prp(10_007, "C", type_1, 1, &aid),
        prp(10_007, "C", type_3, 3, ""),
        prp(4_423, "P", "0000000000000001", 1, ""),
        format!(
            r#"{{"status":"F","exponent":4441,"worktype":"TF","factors":["26647"],"bitlo":14,"bithi":15,"rangecomplete":false,{end}}}"#
        ),
    ];
    let found: Vec<String> = results(home.path()).iter().map(|line| masked(line)).collect();
    assert_eq!(found, expected);
    assert!(
        done.output.contains("M4423 is prime!") && done.output.contains("M4441 has a factor: 26647"),
        "{}",
        done.output
    );
    assert!(done.output.contains("7 tests are done"), "{}", done.output);
    assert!(done.output.ends_with("they earn no PrimeNet credit unless you report them by hand.\n"), "{}", done.output);
    let again = run(home.path(), &["work", "worktodo.txt"]);
    assert_eq!((again.code, again.output.as_str()), (Some(0), "worktodo.txt has no work.\n"));
}

#[test]
fn a_double_check_is_another_computation_than_the_one_before() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("worktodo.txt"), "DoubleCheck=4999,99,1\n".repeat(5)).unwrap();
    assert_eq!(run(home.path(), &["work", "worktodo.txt"]).code, Some(0));
    let results: Vec<serde_json::Value> =
        results(home.path()).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(results.len(), 5);
    assert!(results.iter().all(|result| result["res64"] == full_test(4_999)), "{results:?}");
    assert!(results.iter().any(|result| result["shift-count"] != results[0]["shift-count"]), "{results:?}");
}

#[test]
fn a_list_with_a_line_that_cannot_be_done_is_left_alone_and_every_such_line_is_named() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("worktodo.txt");
    for (line, reason) in [
        ("Pfactor=N/A,1,2,4999,-1,70,2", "`Pfactor` is no kind of work"),
        ("Test=N/A,15,70,1", "exponent 15: an exponent is prime"),
        ("PRP=1,2,4999,-1,70,0,3,1,\"127\"", "known factors"),
        ("PRP=1,3,4999,-1", "only numbers 1*2^p-1"),
        ("M4999", "no `=`"),
    ] {
        let work = format!("Test=4999,99,1\n\n{line}\n; end\nnonsense=1\n");
        fs::write(&list, &work).unwrap();
        let refused = run(home.path(), &["work", "worktodo.txt"]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.errors.contains(&format!("worktodo.txt:3: {reason}")), "{line}: {}", refused.errors);
        assert!(refused.errors.contains("worktodo.txt:5: `nonsense`"), "{line}: {}", refused.errors);
        assert!(refused.errors.contains("PRP=[AID,]1,2,p,-1"), "what is understood is said: {}", refused.errors);
        assert_eq!(fs::read_to_string(&list).unwrap(), work);
        assert!(refused.output.is_empty() && results(home.path()).is_empty());
    }
    let missing = run(home.path(), &["work", "nowhere.txt"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.errors.contains("cannot read nowhere.txt"), "{}", missing.errors);
}

#[test]
fn what_is_stopped_or_killed_keeps_its_line_and_goes_on_from_its_checkpoint() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("worktodo.txt");
    fs::write(&list, "Test=4999,99,1\nTest=30011,99,1\n").unwrap();
    let arguments = ["work", "worktodo.txt", "--engine", "exact", "--checkpoint-interval", "100ms"];
    for signal in ["TERM", "KILL"] {
        let mut command = mersenned(home.path(), &arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until(Duration::from_secs(20), "the second test has a checkpoint", || {
            results(home.path()).len() == 1 && has_files(&home.path().join("checkpoints"))
        });
        support::signal(child.id(), signal);
        let stopped = ended(child);
        assert_eq!(stopped.code, (signal == "TERM").then_some(143), "{}", stopped.errors);
        assert_eq!(fs::read_to_string(&list).unwrap(), "Test=30011,99,1\n");
        if signal == "TERM" {
            assert!(
                stopped.errors.contains("its line stays in worktodo.txt; to go on: mersenned work "),
                "{}",
                stopped.errors
            );
        }
    }
    let finished = run(home.path(), &arguments);
    assert!(finished.errors.contains("Resuming at iteration "), "{}", finished.errors);
    assert!(
        finished.output.contains(&format!("M30011 is not prime. Res64: {}", full_test(30_011))),
        "{}",
        finished.output
    );
    assert_eq!(fs::read_to_string(&list).unwrap(), "");
    let ended: Vec<String> = results(home.path()).iter().map(|line| masked(line)).collect();
    assert_eq!(ended.len(), 2);
    assert!(ended[1].starts_with(r#"{"status":"C","exponent":30011,"worktype":"LL""#), "{}", ended[1]);
}

#[test]
fn a_result_that_cannot_be_written_is_printed_and_its_line_stays() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("worktodo.txt");
    fs::write(&list, "Test=4999,99,1\n").unwrap();
    // A device that is always full.
    std::os::unix::fs::symlink("/dev/full", home.path().join("results.json.txt")).unwrap();
    let failed = run(home.path(), &["work", "worktodo.txt"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.errors.contains(r#"{"status":"C","exponent":4999"#), "{}", failed.errors);
    assert_eq!(fs::read_to_string(&list).unwrap(), "Test=4999,99,1\n");
}

#[test]
fn a_line_is_done_once_whatever_ends_it() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("worktodo.txt");
    // The last one is cut off in the middle of what DOS ends lines with.
    fs::write(&list, "\u{feff}Test=4999,99,1\r\r\n DoubleCheck=4999,99,1 \r\nTest=4423,99,1\r").unwrap();
    let done = run(home.path(), &["work", "worktodo.txt"]);
    assert_eq!(done.code, Some(0), "{}", done.errors);
    assert_eq!(results(home.path()).len(), 3);
    assert_eq!(fs::read_to_string(&list).unwrap(), "");
}

#[test]
fn results_are_written_where_nobody_reads_what_is_printed() {
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    for (output, errors) in [(full(), full()), (closed(), closed()), (full(), closed())] {
        let home = tempfile::tempdir().unwrap();
        let list = home.path().join("worktodo.txt");
        fs::write(&list, "Test=4999,99,1\nPRP=1,2,4423,-1,99,0\n").unwrap();
        let mut command = mersenned(home.path(), &["work", "worktodo.txt"]);
        assert_eq!(command.stdout(output).stderr(errors).status().unwrap().code(), Some(0));
        assert_eq!(results(home.path()).len(), 2);
        assert_eq!(fs::read_to_string(&list).unwrap(), "");
    }
}
