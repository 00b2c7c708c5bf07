use super::*;

const ID: &str = "0CF485CD87F1BAC48B6B05D3A2094579";

fn one(line: &str) -> Result<Assignment, Reason> {
    match parse(line) {
        Ok(mut found) => Ok(found.remove(0)),
        Err(mut bad) => Err(bad.remove(0).reason),
    }
}

fn assignment(line: &str, id: Option<&str>, p: u64, method: Method, factored_to: u32) -> Assignment {
    let exponent = Exponent::new(p).unwrap();
    Assignment { line: line.to_owned(), id: id.map(str::to_owned), exponent, method, factored_to }
}

#[test]
fn lines_of_prime95_are_read_as_it_means_them() {
    use Method::{LucasLehmer, Prp};
    let full = format!("Test={ID},57600769,74,1");
    let prp = format!("PRP={ID},1,2,57600769,-1,76,0");
    for (line, id, p, method, factored_to) in [
        (full.as_str(), Some(ID), 57_600_769, LucasLehmer, 74),
        ("Test=N/A,4999,0,0", None, 4_999, LucasLehmer, 0),
        ("test=4999,12,1", None, 4_999, LucasLehmer, 12),
        ("Test=4999", None, 4_999, LucasLehmer, 0),
        ("DoubleCheck=4999,64,1", None, 4_999, LucasLehmer, 64),
        (prp.as_str(), Some(ID), 57_600_769, Prp(ResidueType::One), 76),
        ("PRP=1,2,4999,-1", None, 4_999, Prp(ResidueType::One), 0),
        ("PRP=n/a, 1, 2, 4999, -1, 70, 1.5", None, 4_999, Prp(ResidueType::One), 70),
        ("PRP=1,2,4999,-1,70,2,3,1", None, 4_999, Prp(ResidueType::One), 70),
        ("PRPDC=1,2,4999,-1,70,2", None, 4_999, Prp(ResidueType::One), 70),
        ("PRP=1,2,4999,-1,70,2,3,3", None, 4_999, Prp(ResidueType::Three), 70),
    ] {
        assert_eq!(one(line), Ok(assignment(line, id, p, method, factored_to)), "{line}");
    }
}

#[test]
fn headings_comments_and_empty_lines_are_no_work() {
    let text =
        "\u{feff}[Worker #1]\r\n\r\n; later\n# Test=15\n// or never\n  \nTest=4999,0,0\r\n[Worker #2]\nTest=11\n";
    let found: Vec<u32> = parse(text).unwrap().iter().map(|assignment| assignment.exponent.get()).collect();
    assert_eq!(found, [4_999, 11]);
    assert_eq!(parse(""), Ok(vec![]));
}

#[test]
fn a_line_that_cannot_be_done_as_it_says_is_refused_with_the_reason() {
    for (line, reason) in [
        ("4999", "no `=`"),
        ("Pfactor=N/A,1,2,4999,-1,70,2", "`Pfactor` is no kind of work"),
        ("Factor=4999,70,71", "`Factor`"),
        ("Test=", "the exponent is missing"),
        ("Test=N/A", "the exponent is missing"),
        ("Test=0CF485CD87F1BAC48B6B05D3A209457,4999,70,1", "not a number"),
        ("Test=4999,70,1,5", "`5` is one value too many"),
        ("Test=4999,many,1", "the factoring depth `many`"),
        ("Test=4999,100,1", "from 0 to 99"),
        ("Test=4999,70,2", "the note on P-1 `2`"),
        ("Test=15,70,1", "exponent 15: an exponent is prime"),
        ("Test=-7,70,1", "the exponent `-7`"),
        ("Test=4294967311,70,1", "at most 4294967295"),
        ("PRP=1,2,4999", "the exponent is missing"),
        ("PRP=3,2,4999,-1", "only numbers 1*2^p-1 are tested here, and this is 3*2^p-1"),
        ("PRP=1,2,4999,1", "this is 1*2^p+1"),
        ("PRP=1,10,4999,-1", "1*10^p-1"),
        ("PRP=1,2,4999,-1,\"127\"", "a cofactor"),
        ("PRP=1,2,4999,-1,70,0,3,5,\"127,129\"", "a cofactor"),
        ("PRP=1,2,4999,-1,70,lots", "the number of tests saved `lots`"),
        ("PRP=1,2,4999,-1,70,0,5,1", "base 5"),
        ("PRP=1,2,4999,-1,70,0,3,4", "residue type 4"),
        ("PRP=1,2,4999,-1,70,0,3,1,9", "`9` is one value too many"),
    ] {
        let told = one(line).expect_err(line).to_string();
        assert!(told.contains(reason), "{line}: {told}");
    }
}

#[test]
fn every_bad_line_is_named_by_its_number() {
    let bad = parse("Test=4999\n\nTest=15\nnonsense\n").unwrap_err();
    assert_eq!(bad.iter().map(|bad| bad.number).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn a_finished_line_goes_and_everything_else_stays_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("worktodo.txt");
    let text = "[Worker #1]\r\nTest=4999,0,0\r\n; ümlaut\nTest=4999,0,0\nTest=11";
    for (line, rest) in [
        ("Test=4999,0,0", "[Worker #1]\r\n; ümlaut\nTest=4999,0,0\nTest=11"),
        ("Test=11", "[Worker #1]\r\nTest=4999,0,0\r\n; ümlaut\nTest=4999,0,0\n"),
        ("Test=4999", text),
        ("Test=4999,0,0\r", "[Worker #1]\r\n; ümlaut\nTest=4999,0,0\nTest=11"),
    ] {
        fs::write(&path, text).unwrap();
        remove(&path, line).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), rest, "without {line}");
    }
    let names = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(names, 1, "nothing else is left in the directory");
}

#[test]
fn a_file_keeps_its_permissions_and_a_link_stays_a_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let (path, link) = (directory.path().join("here.txt"), directory.path().join("worktodo.txt"));
    fs::write(&path, "Test=11\nTest=13\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    remove(&link, "Test=11").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "Test=13\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o664);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}
