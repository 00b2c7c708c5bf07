use super::*;
use crate::durable::Step;
use crate::mersenne::{EngineKind, Interrupt, Plan, Test};

const P: u64 = 1_279;

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

/// A test after so many squarings.
fn snapshot(method: Method, squarings: u32) -> Snapshot {
    let plan = Plan::of(exponent(P), EngineKind::Exact).unwrap();
    let mut test = Test::new(method, plan, std::sync::Arc::new(Plan::build), 77).unwrap();
    test.advance(squarings, &Interrupt::new()).unwrap();
    test.snapshot()
}

fn checkpoints(directory: &Path) -> Checkpoints {
    Checkpoints::of(directory, exponent(P), Method::LucasLehmer, 1)
}

fn iteration(loaded: &Loaded) -> Option<u32> {
    loaded.snapshot.as_ref().map(|snapshot| snapshot.current.iteration)
}

#[test]
fn what_is_written_is_read_again() {
    for method in [Method::LucasLehmer, Method::Prp(ResidueType::One), Method::Prp(ResidueType::Three)] {
        for squarings in [0, 1, 700, 1_276] {
            let directory = tempfile::tempdir().unwrap();
            let mut snapshot = snapshot(method, squarings);
            snapshot.errors.gerbicz = 3;
            snapshot.checked = Some(snapshot.current.clone());
            let checkpoints = Checkpoints::of(directory.path(), exponent(P), method, 1);
            checkpoints.write(&snapshot).unwrap();
            let loaded = checkpoints.load(exponent(P), method);
            assert_eq!((loaded.snapshot, loaded.unusable.len()), (Some(snapshot), 0));
            checkpoints.remove();
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }
}

#[test]
fn tests_that_differ_have_files_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let prp = Method::Prp(ResidueType::One);
    let of = |method, number| Checkpoints::of(directory.path(), exponent(P), method, number);
    of(Method::LucasLehmer, 1).write(&snapshot(Method::LucasLehmer, 10)).unwrap();
    assert_eq!(iteration(&of(prp, 1).load(exponent(P), prp)), None);
    assert_eq!(iteration(&of(Method::LucasLehmer, 2).load(exponent(P), Method::LucasLehmer)), None);
    assert_eq!(iteration(&of(Method::LucasLehmer, 1).load(exponent(P), Method::LucasLehmer)), Some(10));
    // A file under another's name is not taken for it.
    fs::rename(directory.path().join("m1279.ll.ckpt"), directory.path().join("m1279.prp.ckpt")).unwrap();
    let loaded = of(prp, 1).load(exponent(P), prp);
    assert_eq!(
        loaded.unusable.iter().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>(),
        ["it is of another test"]
    );
}

#[test]
fn any_byte_that_is_lost_or_changed_is_noticed() {
    let bytes = encode(&snapshot(Method::LucasLehmer, 500));
    assert!(decode(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "cut off at {length}");
        let mut spoilt = bytes.clone();
        spoilt[length] ^= 1 << (length % 8);
        assert!(decode(&spoilt).is_err(), "changed at {length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(decode(&longer).is_err());
}

#[test]
fn what_is_signed_and_makes_no_sense_is_refused_with_a_reason() {
    let good = snapshot(Method::LucasLehmer, 500);
    let refusal = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = good.clone();
        change(&mut snapshot);
        decode(&encode(&snapshot)).unwrap_err()
    };
    for reason in [
        refusal(&|snapshot| snapshot.start_shift = 1_279),
        refusal(&|snapshot| snapshot.current.iteration = 1_277),
        refusal(&|snapshot| snapshot.current.shift = 1_279),
        refusal(&|snapshot| snapshot.current.residue <<= 900u32),
        refusal(&|snapshot| snapshot.current.product = Some(BigUint::ONE)),
        refusal(&|snapshot| snapshot.block = 9),
        refusal(&|snapshot| snapshot.checked = Some(Mark { iteration: 501, ..snapshot.current.clone() })),
    ] {
        assert!(reason.starts_with("it") && !reason.contains("checksum"), "{reason}");
    }
    // The next version's, signed.
    let mut newer = encode(&good);
    newer[8] = 2;
    let end = newer.len() - 8;
    let sum = checksum(&newer[..end]).to_le_bytes();
    newer[end..].copy_from_slice(&sum);
    assert_eq!(decode(&newer).unwrap_err(), "it is of version 2, and this program reads version 1");
}

#[test]
fn a_spoilt_newest_generation_leaves_the_one_before_and_two_leave_none_and_both_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(directory.path());
    for squarings in [100, 200, 300] {
        checkpoints.write(&snapshot(Method::LucasLehmer, squarings)).unwrap();
    }
    let load = || checkpoints.load(exponent(P), Method::LucasLehmer);
    assert_eq!(iteration(&load()), Some(300));
    let spoil = |ending: &str| {
        let path = checkpoints.path(ending);
        let mut bytes = fs::read(&path).unwrap();
        bytes[40] ^= 4;
        fs::write(&path, bytes).unwrap();
    };
    spoil(NEWEST);
    assert_eq!(iteration(&load()), Some(200));
    assert_eq!(load().unusable, [(checkpoints.path(NEWEST), "its checksum is wrong".to_owned())]);
    spoil(BEFORE);
    assert_eq!((iteration(&load()), load().unusable.len()), (None, 2));
}

#[test]
fn a_thousand_kills_at_every_step_of_a_write_lose_the_last_generation_at_most() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(directory.path());
    let [newest, before] = [NEWEST, BEFORE].map(|ending| format!("{}{ending}", checkpoints.name));
    let generations: Vec<Snapshot> = (1..=7).map(|number| snapshot(Method::LucasLehmer, 100 * number)).collect();
    checkpoints.write(&generations[0]).unwrap();
    let mut durable = 0;
    for kill in 0..1_000 {
        let next = (durable + 1) % generations.len();
        let bytes = encode(&generations[next]);
        let steps = durable::replacing_and_keeping(directory.path(), &newest, &before, &bytes);
        let stop = kill % (steps.len() + 1);
        steps[..stop].iter().for_each(|step| step.carry_out().unwrap());
        if let Some(Step::Write(path, bytes)) = steps.get(stop) {
            // Killed within it, at some byte.
            fs::write(path, &bytes[..kill * 7 % bytes.len()]).unwrap();
        }
        let loaded = checkpoints.load(exponent(P), Method::LucasLehmer);
        let found = loaded.snapshot.expect("one generation is whole");
        assert!(found == generations[durable] || found == generations[next], "after kill {kill}");
        assert!(loaded.unusable.is_empty());
        durable = generations.iter().position(|generation| *generation == found).unwrap();
        if stop == steps.len() {
            assert_eq!(durable, next, "a write that has returned is there");
        }
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_and_leaves_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(directory.path());
    checkpoints.write(&snapshot(Method::LucasLehmer, 100)).unwrap();
    // Where the new file would be is a directory.
    fs::create_dir(checkpoints.path(".ckpt.new")).unwrap();
    assert!(checkpoints.write(&snapshot(Method::LucasLehmer, 200)).is_err());
    assert_eq!(iteration(&checkpoints.load(exponent(P), Method::LucasLehmer)), Some(100));
}

#[test]
fn what_is_settled_is_tidied_away_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let names =
        ["m7.ll.ckpt", "m1279.ll.ckpt", "m1279.prp-2.ckpt.old", "m1283.ll.ckpt", "m5.txt", "state.json", "mx.ckpt"];
    names.iter().for_each(|name| fs::write(directory.path().join(name), "").unwrap());
    tidy(directory.path(), exponent(1_279));
    let mut left: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["m1283.ll.ckpt", "m5.txt", "mx.ckpt", "state.json"]);
    tidy(&directory.path().join("nowhere"), exponent(7));
}
