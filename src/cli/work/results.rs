//! `results.json.txt`: one JSON object a line for each test that was done, with Prime95's keys.
//!
//! Uses jiff for the time. Nothing is written but at the end of the file, and everything is durable when it is said
//! to be written. The bits of `error-code` are those that Prime95 counts the same errors in since its version 29.3.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde::Serialize;

use crate::mersenne::{Errors, Exponent, Method, ResidueType};
use crate::search::Report;

/// The file's name, beside the worktodo file.
const NAME: &str = "results.json.txt";

/// The file, held by this process.
#[derive(Debug)]
pub(super) struct Results {
    path: PathBuf,
    /// Open for appending, and locked.
    file: File,
}

/// One line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ResultLine {
    status: &'static str,
    exponent: Exponent,
    worktype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    res64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    residue_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    factors: Option<[String; 1]>,
    /// The factor lies between 2^this
    #[serde(rename = "bitlo", skip_serializing_if = "Option::is_none")]
    bits_from: Option<u32>,
    /// and 2^this; the search ended with it.
    #[serde(rename = "bithi", skip_serializing_if = "Option::is_none")]
    bits_to: Option<u32>,
    #[serde(rename = "rangecomplete", skip_serializing_if = "Option::is_none")]
    is_range_complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<GerbiczErrors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fft_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shift_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    program: Program,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    aid: Option<String>,
}

#[derive(Debug, Serialize)]
struct GerbiczErrors {
    gerbicz: u32,
}

#[derive(Debug, Serialize)]
struct Program {
    name: &'static str,
    version: &'static str,
}

const PROGRAM: Program = Program { name: "mersenned", version: env!("CARGO_PKG_VERSION") };

impl ResultLine {
    /// A test that is done, prime or composite.
    pub(super) fn tested(status: TestStatus, report: &Report, id: Option<&str>, now: Timestamp) -> ResultLine {
        let (worktype, residue_type) = match report.method {
            Method::LucasLehmer => ("LL", None),
            Method::Prp(ResidueType::One) => ("PRP-3", Some(1)),
            Method::Prp(ResidueType::Three) => ("PRP-3", Some(3)),
        };
        let status = match status {
            TestStatus::Prime => "P",
            TestStatus::Composite => "C",
        };
        ResultLine {
            res64: Some(report.res64.to_string()),
            residue_type,
            errors: residue_type.map(|_| GerbiczErrors { gerbicz: report.errors.gerbicz }),
            fft_length: report.plan.length(),
            shift_count: Some(report.shift),
            error_code: Some(format!("{:08X}", error_code(&report.errors))),
            ..ResultLine::of(status, report.exponent, worktype, id, now)
        }
    }

    /// A factor, which makes a test unnecessary.
    pub(super) fn factored(exponent: Exponent, factor: u64, id: Option<&str>, now: Timestamp) -> ResultLine {
        let bits = factor.checked_ilog2().unwrap_or(0);
        ResultLine {
            factors: Some([factor.to_string()]),
            bits_from: Some(bits),
            bits_to: Some(bits + 1),
            // Others of as many bits are not looked for.
            is_range_complete: Some(false),
            ..ResultLine::of("F", exponent, "TF", id, now)
        }
    }

    /// What every line has.
    fn of(
        status: &'static str,
        exponent: Exponent,
        worktype: &'static str,
        id: Option<&str>,
        now: Timestamp,
    ) -> ResultLine {
        ResultLine {
            status,
            exponent,
            worktype,
            res64: None,
            residue_type: None,
            factors: None,
            bits_from: None,
            bits_to: None,
            is_range_complete: None,
            errors: None,
            fft_length: None,
            shift_count: None,
            error_code: None,
            program: PROGRAM,
            timestamp: now.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            aid: id.map(str::to_owned),
        }
    }
}

/// How a test has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TestStatus {
    Prime,
    Composite,
}

/// Counts in the fields of one word: Jacobi from bit 4 on (up to 15), round-off from bit 8 (up to 63), a value that failed a
/// check of the engine's own as bit 15, Gerbicz from bit 20 (up to 15).
fn error_code(errors: &Errors) -> u32 {
    let Errors { round_off, self_check, gerbicz, jacobi, unconfirmed: _ } = *errors;
    jacobi.min(15) << 4 | round_off.min(63) << 8 | self_check.min(1) << 15 | gerbicz.min(15) << 20
}

impl Results {
    /// Opens the file beside the worktodo file, and makes it if there is none.
    ///
    /// # Errors
    /// When it cannot be written, or another mersenned holds it.
    pub(super) fn beside(worktodo: &Path) -> Result<Results> {
        let path = worktodo.with_file_name(NAME);
        let shown = path.display().to_string();
        let open = OpenOptions::new().create(true).append(true).read(true).open(&path);
        let file = open.with_context(|| format!("cannot write {shown}"))?;
        match file.try_lock() {
            Ok(()) => Ok(Results { path, file }),
            Err(TryLockError::WouldBlock) => {
                bail!("another program holds {shown}: one mersenned works on a list at a time")
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot hold {shown}")),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line. When this returns `Ok`, it survives a power cut.
    ///
    /// # Errors
    /// What the system says; a part of the line may then be in the file.
    pub(super) fn append(&mut self, line: &ResultLine) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        if !self.ends_a_line()? {
            bytes.insert(0, b'\n');
        }
        self.file.write_all(&bytes)?;
        self.file.sync_all()?;
        let directory = self.path.parent().filter(|directory| !directory.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Whether what is there ends with a line's end: after a power cut it may not.
    fn ends_a_line(&self) -> io::Result<bool> {
        use std::os::unix::fs::FileExt as _;
        let length = self.file.metadata()?.len();
        let mut last = [0];
        Ok(length == 0 || self.file.read_at(&mut last, length - 1)? == 1 && last == *b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mersenne::{EngineKind, Plan, Res64};

    fn report(method: Method, kind: EngineKind) -> Report {
        let exponent = Exponent::new(44_501).unwrap();
        let plan = Plan::of(exponent, kind).unwrap();
        let res64 = Res64::new(0x0075_5C45_A05F_A7C0);
        Report { exponent, method, res64, plan, shift: 17, errors: Errors::default(), confirmed: None }
    }

    fn written(line: &ResultLine) -> String {
        serde_json::to_string(line).unwrap().replace(PROGRAM.version, "VERSION")
    }

    #[test]
    fn lines_have_the_keys_of_prime95_in_its_order() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let ll = report(Method::LucasLehmer, EngineKind::Exact);
        assert_eq!(
            written(&ResultLine::tested(TestStatus::Composite, &ll, Some("0CF4"), now)),
            r#"{"status":"C","exponent":44501,"worktype":"LL","res64":"00755C45A05FA7C0","shift-count":17,"error-code":"00000000","program":{"name":"mersenned","version":"VERSION"},"timestamp":"2026-01-02 03:04:05","aid":"0CF4"}"#
        );
        let prp = report(Method::Prp(ResidueType::One), EngineKind::Avx2);
        let length = prp.plan.length().unwrap();
        assert_eq!(
            written(&ResultLine::tested(TestStatus::Prime, &prp, None, now)),
            format!(
                r#"{{"status":"P","exponent":44501,"worktype":"PRP-3","res64":"00755C45A05FA7C0","residue-type":1,"errors":{{"gerbicz":0}},"fft-length":{length},"shift-count":17,"error-code":"00000000","program":{{"name":"mersenned","version":"VERSION"}},"timestamp":"2026-01-02 03:04:05"}}"#
            )
        );
        assert_eq!(
            written(&ResultLine::factored(ll.exponent, 26_647, None, now)),
            r#"{"status":"F","exponent":44501,"worktype":"TF","factors":["26647"],"bitlo":14,"bithi":15,"rangecomplete":false,"program":{"name":"mersenned","version":"VERSION"},"timestamp":"2026-01-02 03:04:05"}"#
        );
    }

    #[test]
    fn the_error_code_counts_where_prime95_counts_and_never_over_the_brim() {
        let code = |errors| format!("{:08X}", error_code(&errors));
        assert_eq!(code(Errors::default()), "00000000");
        assert_eq!(code(Errors { round_off: 1, ..Errors::default() }), "00000100");
        assert_eq!(code(Errors { jacobi: 2, gerbicz: 3, ..Errors::default() }), "00300020");
        let many = Errors { round_off: 999, self_check: 999, gerbicz: 999, jacobi: 999, unconfirmed: 999 };
        assert_eq!(code(many), "00F0BFF0");
    }

    #[test]
    fn lines_are_added_to_what_is_there_even_after_half_a_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        std::fs::write(&path, "{\"status\":\"C\",\"expo").unwrap();
        let line = ResultLine::factored(Exponent::new(11).unwrap(), 23, None, Timestamp::UNIX_EPOCH);
        let mut results = Results::beside(&directory.path().join("worktodo.txt")).unwrap();
        results.append(&line).unwrap();
        results.append(&line).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1], serde_json::to_string(&line).unwrap());
        assert_eq!(lines[1], lines[2]);
    }

    #[test]
    fn one_program_works_on_a_list_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let worktodo = directory.path().join("worktodo.txt");
        let first = Results::beside(&worktodo).unwrap();
        let refused = Results::beside(&worktodo).unwrap_err().to_string();
        assert!(refused.contains("another program holds"), "{refused}");
        drop(first);
        assert!(Results::beside(&worktodo).is_ok());
    }
}
