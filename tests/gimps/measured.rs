//! `search`, `bench` and `selftest`: ranges, measurements, and whether this machine calculates as it should.

use std::process::Stdio;

use mersenned::mersenne::{EngineKind, EngineSet};

use super::{ended, mersenned, run, support};

/// Every exponent of a Mersenne prime up to 2,300. Nothing in the program may know this.
const MERSENNE_EXPONENTS: [u32; 17] = [2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1_279, 2_203, 2_281];

/// The exponents of the primes that a search has printed, in the order it printed them.
fn printed(output: &str) -> Vec<u32> {
    let primes = output.lines().filter(|line| line.starts_with('M'));
    primes.map(|line| line[1..].split_once(" is prime!").expect(line).0.parse().expect(line)).collect()
}

#[test]
fn a_search_prints_exactly_the_known_primes_of_its_range_in_order_on_any_number_of_threads() {
    let home = tempfile::tempdir().unwrap();
    for threads in ["1", "2", "5"] {
        let done = run(home.path(), &["search", "--from", "2", "--to", "2300", "--threads", threads]);
        assert_eq!(done.code, Some(0), "{}", done.errors);
        assert_eq!(printed(&done.output), MERSENNE_EXPONENTS);
        let sum = done.output.lines().last().unwrap();
        // There are 342 primes up to 2,300.
        assert!(sum.starts_with("2 to 2300: 342 exponents, ") && sum.contains("; 17 Mersenne primes in "), "{sum}");
    }
    let part = run(home.path(), &["search", "--from", "90", "--to", "607"]);
    assert_eq!(printed(&part.output), [107, 127, 521, 607]);
    let none = run(home.path(), &["search", "--from", "128", "--to", "520"]);
    assert_eq!(printed(&none.output), [0; 0]);
    assert_eq!(none.code, Some(0));
}

#[test]
fn a_stopped_search_says_how_to_go_on_and_nothing_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["search", "--from", "2000", "--to", "200000", "--threads", "2"];
    let mut child = mersenned(home.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    {
        use std::io::BufRead as _;
        let mut lines = std::io::BufReader::new(child.stdout.as_mut().unwrap());
        while !first.contains("M2281 ") {
            assert!(lines.read_line(&mut first).unwrap() > 0, "{first}");
        }
    }
    support::signal(child.id(), "INT");
    let stopped = ended(child);
    assert_eq!(stopped.code, Some(130), "{}", stopped.errors);
    let again = stopped.errors.trim_end().rsplit_once("to go on: mersenned ").expect("it says how").1;
    let words: Vec<&str> = again.split(' ').collect();
    assert_eq!(
        (words[0], words[1], &words[3..]),
        ("search", "--from", ["--to", "200000", "--threads", "2"].as_slice())
    );
    let next: u32 = words[2].parse().unwrap();
    assert!(next > 2_281, "{again}");
    let before = printed(&format!("{first}{}", stopped.output));
    let known = [2_203, 2_281, 3_217, 4_253, 4_423, 9_689, 9_941, 11_213, 19_937];
    let expected: Vec<u32> = known.into_iter().take_while(|&exponent| exponent < next).collect();
    assert_eq!(before, expected, "all below {next} and none above");
}

#[test]
fn a_bench_measures_every_engine_and_estimates_what_searches_take() {
    let home = tempfile::tempdir().unwrap();
    let table = run(home.path(), &["bench", "--quick", "--to-length", "1K"]);
    assert_eq!(table.code, Some(0), "{}", table.errors);
    for word in ["points", "exact", "M44497", "M110503", "M216091", "estimated for one core"] {
        assert!(table.output.contains(word), "{word} is missing: {}", table.output);
    }
    let json = run(home.path(), &["bench", "--quick", "--to-length", "1K", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.output).unwrap();
    let engines: Vec<&str> = json["engines"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    assert!(engines.contains(&"exact"), "{json}");
    for engine in engines {
        let of = |row: &serde_json::Value| row["microseconds"][engine].as_f64();
        let measured: Vec<f64> = json["lengths"].as_array().unwrap().iter().filter_map(of).collect();
        assert!(!measured.is_empty() && measured.iter().all(|&time| time > 0.0), "{engine}: {json}");
    }
    let estimates = json["estimates"].as_array().unwrap();
    // So many primes there are up to each.
    let exponents: Vec<u64> = estimates.iter().filter_map(|estimate| estimate["exponents"].as_u64()).collect();
    assert_eq!(exponents, [4_624, 10_489, 19_292]);
    for estimate in estimates {
        let [tests, all] = ["tests", "exponents"].map(|key| estimate[key].as_f64().unwrap());
        assert!(tests > 0.2 * all && tests < 0.9 * all, "{estimate}");
        assert!(["factoring_seconds", "testing_seconds"].iter().all(|key| estimate[key].as_f64().unwrap() > 0.0));
    }
}

#[test]
fn a_selftest_finds_every_length_good() {
    let home = tempfile::tempdir().unwrap();
    let done = run(home.path(), &["selftest", "--quick"]);
    assert_eq!(done.code, Some(0), "{}{}", done.output, done.errors);
    let mut lines = done.output.lines();
    let lengths: usize = lengths(lines.next().unwrap());
    let tested: Vec<&str> = lines.skip(1).filter(|line| line.contains("good (")).collect();
    assert!(lengths > 0 && tested.len() == lengths, "{}", done.output);
    assert!(done.output.ends_with("All is as it should be.\n"), "{}", done.output);
}

/// Up to this length every engine is tested; `SELFTEST_TO=512K` takes minutes and is for CI.
const QUICKLY_TO: &str = "64K";

#[test]
fn every_length_of_every_engine_ends_with_the_stored_residue_and_little_round_off() {
    let home = tempfile::tempdir().unwrap();
    let longest = std::env::var("SELFTEST_TO").unwrap_or_else(|_| QUICKLY_TO.to_owned());
    let engines = EngineSet::of_this_machine();
    let children: Vec<_> = engines
        .iter()
        .map(|kind| {
            let to = match kind {
                // No lengths: some exponents of the others.
                EngineKind::Exact => "1K",
                EngineKind::Portable | EngineKind::Avx2 | EngineKind::Avx512 => longest.as_str(),
            };
            let mut command = mersenned(home.path(), &["selftest", "--engine", kind.name(), "--to-length", to]);
            (kind, command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        })
        .collect();
    for (kind, child) in children {
        let done = ended(child);
        assert_eq!(done.code, Some(0), "{kind}: {}{}", done.output, done.errors);
        let rows: Vec<Vec<&str>> = done.output.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
        let (_, rows) = rows.split_last().expect("there is a last line");
        assert!(
            rows.len() > 10 && rows.len() == lengths(done.output.lines().next().unwrap()),
            "{kind}: {}",
            done.output
        );
        for row in rows {
            assert_eq!((row[0], row[6], row[7]), (kind.name(), "good", "(stored)"), "{row:?}");
            assert!((0.0..=0.25).contains(&row[3].parse::<f64>().unwrap()), "{row:?}");
        }
    }
}

fn lengths(first: &str) -> usize {
    first.split_once(" lengths, ").and_then(|(count, _)| count.parse().ok()).unwrap_or_else(|| panic!("{first}"))
}
