//! Checkpoints: a test on disk, in two generations.
//!
//! Uses snapshots and `durable`. A file is a header, the snapshot's numbers in little-endian order, and SipHash-2-4 of all
//! that under a key of zeros, by which a file that is not whole is known. The generation before is kept under another name until
//! the next but one is durable: whatever happens during a write, one whole file is left.

use std::fs;
use std::hash::Hasher as _;
use std::io;
use std::path::{Path, PathBuf};

use num_bigint::BigUint;
use siphasher::sip::SipHasher24;

use crate::durable;
use crate::mersenne::{EngineKind, Errors, Exponent, Mark, Method, ResidueType, Snapshot};

/// What a file begins with.
const MAGIC: &[u8; 8] = b"mersckpt";
/// The format this version writes and reads.
const VERSION: u32 = 1;
/// The largest file that is read: above what the largest exponent needs.
const SIZE_MAX: u64 = 256 << 20;
/// How names end: the newest, and the one before it.
const NEWEST: &str = ".ckpt";
const BEFORE: &str = ".ckpt.old";

/// The checkpoints of one test.
#[derive(Clone, Debug)]
pub(super) struct Checkpoints {
    directory: PathBuf,
    /// Without an ending.
    name: String,
}

/// What was found on disk.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// The newest that is whole.
    pub(super) snapshot: Option<Snapshot>,
    /// Those that were looked at and are not, each with what is wrong.
    pub(super) unusable: Vec<(PathBuf, String)>,
}

impl Checkpoints {
    /// Those of the `number`th computation, from 1, that settles this exponent, by this method.
    pub(super) fn of(directory: &Path, exponent: Exponent, method: Method, number: u32) -> Checkpoints {
        let method = match method {
            Method::LucasLehmer => "ll",
            Method::Prp(_) => "prp",
        };
        let number = if number > 1 { format!("-{number}") } else { String::new() };
        Checkpoints { directory: directory.to_owned(), name: format!("m{exponent}.{method}{number}") }
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.directory.join(format!("{}{ending}", self.name))
    }

    /// Makes this the newest generation, and the newest one the generation before.
    ///
    /// # Errors
    /// What the system said. A generation that was whole still is.
    pub(super) fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        durable::make_private(&self.directory)?;
        let [newest, before] = [NEWEST, BEFORE].map(|ending| format!("{}{ending}", self.name));
        durable::replace_and_keep(&self.directory, &newest, &before, &encode(snapshot))
    }

    /// Reads the newest generation that is whole and is of this test.
    pub(super) fn load(&self, exponent: Exponent, method: Method) -> Loaded {
        let mut loaded = Loaded::default();
        for ending in [NEWEST, BEFORE] {
            let path = self.path(ending);
            match read(&path).and_then(|bytes| bytes.map(|bytes| decode(&bytes)).transpose()) {
                Ok(None) => {}
                Ok(Some(snapshot)) if snapshot.exponent == exponent && is_same_test(snapshot.method, method) => {
                    loaded.snapshot = Some(Snapshot { method, ..snapshot });
                    return loaded;
                }
                Ok(Some(_)) => loaded.unusable.push((path, "it is of another test".to_owned())),
                Err(reason) => loaded.unusable.push((path, reason)),
            }
        }
        loaded
    }

    /// Removes all generations; that there is none is as well.
    pub(super) fn remove(&self) {
        for ending in [NEWEST, BEFORE, ".ckpt.new"] {
            match fs::remove_file(self.path(ending)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!("cannot remove {}: {error}", self.path(ending).display());
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
}

/// Removes the checkpoints of all exponents up to `settled`, which nobody will go on with.
pub(super) fn tidy(directory: &Path, settled: Exponent) {
    // A directory that cannot be read has nothing to tidy; whoever writes there will say so.
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str());
        if name.and_then(exponent_of).is_some_and(|exponent| exponent <= u64::from(settled)) {
            drop(fs::remove_file(path));
        }
    }
}

/// The exponent of a checkpoint of this name.
fn exponent_of(name: &str) -> Option<u64> {
    let (number, rest) = name.strip_prefix('m')?.split_once('.')?;
    if rest.contains(NEWEST) { number.parse().ok() } else { None }
}

/// The kinds of residue that a Fermat test reports differ at its very end only.
fn is_same_test(one: Method, other: Method) -> bool {
    match (one, other) {
        (Method::LucasLehmer, Method::LucasLehmer) | (Method::Prp(_), Method::Prp(_)) => true,
        (Method::LucasLehmer, Method::Prp(_)) | (Method::Prp(_), Method::LucasLehmer) => false,
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > SIZE_MAX => Err(format!("it is larger than {SIZE_MAX} bytes")),
        Ok(_) => fs::read(path).map(Some).map_err(|error| error.to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(bytes);
    hasher.finish()
}

fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let Snapshot { exponent, method, engine: (kind, length), start_shift, block, errors, current, checked } = snapshot;
    let method = match method {
        Method::LucasLehmer => 0,
        Method::Prp(ResidueType::One) => 1,
        Method::Prp(ResidueType::Three) => 3,
    };
    let kind = match kind {
        EngineKind::Exact => 0,
        EngineKind::Portable => 1,
        EngineKind::Avx2 => 2,
        EngineKind::Avx512 => 3,
    };
    let Errors { round_off, self_check, gerbicz, jacobi, unconfirmed } = *errors;
    let mut bytes = MAGIC.to_vec();
    let numbers = [VERSION, exponent.get(), method, kind, *length as u32, *start_shift, *block];
    let errors = [round_off, self_check, gerbicz, jacobi, unconfirmed];
    for number in numbers.into_iter().chain(errors) {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    encode_mark(&mut bytes, current);
    bytes.push(u8::from(checked.is_some()));
    if let Some(checked) = checked {
        encode_mark(&mut bytes, checked);
    }
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

fn encode_mark(bytes: &mut Vec<u8>, mark: &Mark) {
    let Mark { iteration, shift, residue, product } = mark;
    bytes.extend_from_slice(&iteration.to_le_bytes());
    bytes.extend_from_slice(&shift.to_le_bytes());
    encode_number(bytes, residue);
    bytes.push(u8::from(product.is_some()));
    if let Some(product) = product {
        encode_number(bytes, product);
    }
}

fn encode_number(bytes: &mut Vec<u8>, number: &BigUint) {
    let digits = number.to_bytes_le();
    bytes.extend_from_slice(&(digits.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&digits);
}

/// What a file says, or what is wrong with it.
fn decode(bytes: &[u8]) -> Result<Snapshot, String> {
    let Some(body) = bytes.strip_prefix(MAGIC) else { return Err("it is no checkpoint".to_owned()) };
    let Some((_, sum)) = body.split_last_chunk::<8>() else { return Err("it is cut off".to_owned()) };
    let (signed, _) = bytes.split_at(bytes.len() - sum.len());
    if checksum(signed) != u64::from_le_bytes(*sum) {
        return Err("its checksum is wrong".to_owned());
    }
    let mut rest = Rest(signed.get(MAGIC.len()..).unwrap_or_default());
    let version = rest.number()?;
    if version != VERSION {
        return Err(format!("it is of version {version}, and this program reads version {VERSION}"));
    }
    let exponent = Exponent::new(rest.number()?.into()).map_err(|error| error.to_string())?;
    let method = match rest.number()? {
        0 => Method::LucasLehmer,
        1 => Method::Prp(ResidueType::One),
        3 => Method::Prp(ResidueType::Three),
        other => return Err(format!("it is of an unknown test, number {other}")),
    };
    let kind = match rest.number()? {
        0 => EngineKind::Exact,
        1 => EngineKind::Portable,
        2 => EngineKind::Avx2,
        3 => EngineKind::Avx512,
        other => return Err(format!("it is of an unknown engine, number {other}")),
    };
    let engine = (kind, rest.number()? as usize);
    let [start_shift, block] = [rest.number()?, rest.number()?];
    let errors = Errors {
        round_off: rest.number()?,
        self_check: rest.number()?,
        gerbicz: rest.number()?,
        jacobi: rest.number()?,
        unconfirmed: rest.number()?,
    };
    let current = rest.mark()?;
    let checked = if rest.flag()? { Some(rest.mark()?) } else { None };
    let snapshot = Snapshot { exponent, method, engine, start_shift, block, errors, current, checked };
    match snapshot.flaw() {
        _ if !rest.0.is_empty() => Err("it is longer than it should be".to_owned()),
        Some(flaw) => Err(flaw.to_owned()),
        None => Ok(snapshot),
    }
}

/// What is still to be read of a file.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| "it is cut off".to_owned())?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    fn flag(&mut self) -> Result<bool, String> {
        Ok(self.take(1)? == [1])
    }

    fn big(&mut self) -> Result<BigUint, String> {
        let length = self.number()? as usize;
        Ok(BigUint::from_bytes_le(self.take(length)?))
    }

    fn mark(&mut self) -> Result<Mark, String> {
        let [iteration, shift] = [self.number()?, self.number()?];
        let residue = self.big()?;
        let product = if self.flag()? { Some(self.big()?) } else { None };
        Ok(Mark { iteration, shift, residue, product })
    }
}

#[cfg(test)]
mod tests;
