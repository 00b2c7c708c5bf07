//! `worktodo.txt`, as Prime95 and the programs around it write it: read whole, and rewritten with one line less.
//!
//! Uses exponents and methods. The format is the one of Prime95's undoc.txt: `Test=`, `DoubleCheck=` and `PRP=` lines,
//! headings in brackets, comments. A line that cannot be done exactly as it says is an error, never a guess.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use thiserror::Error;

use crate::mersenne::{Exponent, ExponentError, Method, ResidueType};

/// The largest file that is read, in bytes.
const SIZE_MAX: u64 = 16 << 20;

/// What a line may look like, for whoever has written another one.
pub(super) const UNDERSTOOD: &str = "\
understood are
  Test=[AID,]p[,how_far_factored[,has_been_pminus1ed]]          a Lucas-Lehmer test
  DoubleCheck=[AID,]p[,how_far_factored[,has_been_pminus1ed]]   the same again, with another shift
  PRP=[AID,]1,2,p,-1[,how_far_factored,tests_saved[,3,1 or 3]]  a PRP test to base 3, of residue type 1 or 3
  PRPDC= with the same values                                   the same again, with another shift
AID being 32 hex digits or N/A; empty lines, [headings] and lines that begin with ; or # or // are left alone";

/// One test to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The line as it stands in the file, without its end.
    pub(super) line: String,
    /// PrimeNet's name for it.
    pub(super) id: Option<String>,
    pub(super) exponent: Exponent,
    pub(super) method: Method,
    /// Factors below 2^this have been looked for by somebody else.
    pub(super) factored_to: u32,
}

/// A line that cannot be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Its number, from 1.
    pub(super) number: usize,
    pub(super) reason: Reason,
}

/// Why a line cannot be done.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum Reason {
    #[error("no `=`: a line is Keyword=values")]
    NoKeyword,
    #[error("`{0}` is no kind of work that is done here")]
    UnknownWork(String),
    #[error("too few values: the exponent is missing")]
    TooFew,
    #[error("`{0}` is one value too many")]
    TooMany(String),
    #[error("the {what} `{text}` is not a number from 0 to {max}")]
    NotANumber { what: &'static str, text: String, max: u32 },
    #[error("the exponent `{text}` is not a number")]
    NoExponent { text: String },
    #[error("exponent {text}: {error}")]
    Exponent { text: String, error: ExponentError },
    #[error("only numbers 1*2^p-1 are tested here, and this is {k}*{b}^p{c:+}")]
    NotMersenne { k: i64, b: i64, c: i64 },
    #[error("known factors: a cofactor is not tested here")]
    KnownFactors,
    #[error("base {0}: only base 3 is done here")]
    Base(String),
    #[error("residue type {0}: only types 1 and 3 are done here")]
    ResidueType(String),
}

/// All that is to be done, in order.
///
/// # Errors
/// Every line that cannot be done.
pub(super) fn parse(text: &str) -> Result<Vec<Assignment>, Vec<BadLine>> {
    let mut assignments = Vec::new();
    let mut bad = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        match assignment(line) {
            Ok(found) => assignments.extend(found),
            Err(reason) => bad.push(BadLine { number, reason }),
        }
    }
    if bad.is_empty() { Ok(assignments) } else { Err(bad) }
}

/// `None` for a line that is no work.
fn assignment(line: &str) -> Result<Option<Assignment>, Reason> {
    let trimmed = line.trim();
    let is_heading = trimmed.starts_with('[') && trimmed.ends_with(']');
    if trimmed.is_empty() || is_heading || [";", "#", "//", "\\\\"].iter().any(|mark| trimmed.starts_with(mark)) {
        return Ok(None);
    }
    let (keyword, values) = trimmed.split_once('=').ok_or(Reason::NoKeyword)?;
    let mut values = Values(values.split(',').map(str::trim).collect());
    let keyword = keyword.trim();
    let is = |name: &str| keyword.eq_ignore_ascii_case(name);
    let test = if is("Test") || is("DoubleCheck") {
        Values::lucas_lehmer
    } else if is("PRP") || is("PRPDC") {
        Values::prp
    } else {
        return Err(Reason::UnknownWork(keyword.to_owned()));
    };
    let id = values.id();
    let (exponent, method, factored_to) = test(&mut values)?;
    match values.0.first() {
        Some(value) => Err(Reason::TooMany((*value).to_owned())),
        None => Ok(Some(Assignment { line: line.to_owned(), id, exponent, method, factored_to })),
    }
}

/// The values of a line that are not read yet.
struct Values<'a>(Vec<&'a str>);

impl<'a> Values<'a> {
    fn next(&mut self) -> Option<&'a str> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// The assignment's name, if there is one.
    fn id(&mut self) -> Option<String> {
        let is_none = |value: &&str| value.eq_ignore_ascii_case("N/A");
        let is_id = |value: &&str| value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        let first = self.0.first().copied().filter(|value| is_none(value) || is_id(value))?;
        self.next();
        (!is_none(&first)).then(|| first.to_owned())
    }

    fn lucas_lehmer(&mut self) -> Result<(Exponent, Method, u32), Reason> {
        let exponent = self.exponent()?;
        let factored_to = self.number("factoring depth", 99)?.unwrap_or(0);
        // P-1 is not done here, so that it makes no difference whether it has been.
        self.number("note on P-1", 1)?;
        Ok((exponent, Method::LucasLehmer, factored_to))
    }

    fn prp(&mut self) -> Result<(Exponent, Method, u32), Reason> {
        if self.0.len() < 4 {
            return Err(Reason::TooFew);
        }
        let (k, b) = (self.whole()?, self.whole()?);
        let exponent = self.exponent_text()?;
        let c = self.whole()?;
        if (k, b, c) != (1, 2, -1) {
            return Err(Reason::NotMersenne { k, b, c });
        }
        let exponent = parse_exponent(exponent)?;
        if self.0.iter().any(|value| value.contains('"')) {
            return Err(Reason::KnownFactors);
        }
        let factored_to = self.number("factoring depth", 99)?.unwrap_or(0);
        // How many tests a factor would save: P-1's bounds would depend on it. Some write fractions.
        if let Some(text) = self.next()
            && !text.parse::<f64>().is_ok_and(|tests| (0.0..=99.0).contains(&tests))
        {
            return Err(Reason::NotANumber { what: "number of tests saved", text: text.to_owned(), max: 99 });
        }
        match self.next() {
            None | Some("3") => {}
            Some(base) => return Err(Reason::Base(base.to_owned())),
        }
        let residue = match self.next() {
            None | Some("1") => ResidueType::One,
            Some("3") => ResidueType::Three,
            Some(other) => return Err(Reason::ResidueType(other.to_owned())),
        };
        Ok((exponent, Method::Prp(residue), factored_to))
    }

    fn exponent_text(&mut self) -> Result<&'a str, Reason> {
        self.next().filter(|text| !text.is_empty()).ok_or(Reason::TooFew)
    }

    fn exponent(&mut self) -> Result<Exponent, Reason> {
        parse_exponent(self.exponent_text()?)
    }

    fn number(&mut self, what: &'static str, max: u32) -> Result<Option<u32>, Reason> {
        let Some(text) = self.next() else { return Ok(None) };
        let number = text.parse().ok().filter(|&number| number <= max);
        number.map(Some).ok_or_else(|| Reason::NotANumber { what, text: text.to_owned(), max })
    }

    fn whole(&mut self) -> Result<i64, Reason> {
        let text = self.next().ok_or(Reason::TooFew)?;
        // A decimal fraction or an assignment's misspelt name: it is not k, b or c.
        text.parse().map_err(|_| Reason::NotANumber { what: "k, b or c", text: text.to_owned(), max: u32::MAX })
    }
}

fn parse_exponent(text: &str) -> Result<Exponent, Reason> {
    let number: u64 = text.parse().map_err(|_| Reason::NoExponent { text: text.to_owned() })?;
    Exponent::new(number).map_err(|error| Reason::Exponent { text: text.to_owned(), error })
}

/// The file's text.
///
/// # Errors
/// When it cannot be read, is too large, or is no text.
pub(super) fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > SIZE_MAX {
        return Err(io::Error::other(format!("it is larger than {SIZE_MAX} bytes")));
    }
    fs::read_to_string(path)
}

/// Takes the first line that is exactly `line` out of the file. Reads the file anew, so that what was written to it in
/// the meantime is kept; a line that has gone is no error.
///
/// # Errors
/// What the system says; the file is then as it was.
pub(super) fn remove(path: &Path, line: &str) -> io::Result<()> {
    let text = read(path)?;
    // Compared as lines are read, whatever ends them: one that were not found would be done again and again.
    let is_it = |candidate: &str| candidate.trim_start_matches('\u{feff}').trim() == line.trim();
    let Some(at) = text.split_inclusive('\n').position(is_it) else { return Ok(()) };
    let lines = text.split_inclusive('\n').enumerate();
    let rest: String = lines.filter(|(number, _)| *number != at).map(|(_, line)| line).collect();
    replace(path, rest.as_bytes())
}

/// Whether lines can be taken out of the file: better asked before a test of days than after it.
///
/// # Errors
/// What the system says.
pub(super) fn check_replaceable(path: &Path) -> io::Result<()> {
    let path = path.canonicalize()?;
    tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/"))).map(drop)
}

/// After a crash there is either the old file or the new one.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // The file itself, where a link leads to it.
    let path = path.canonicalize()?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    new.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(&path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
