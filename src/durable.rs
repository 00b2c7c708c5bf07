//! Files that survive a power cut: replaced as a whole, so that afterwards the old one is there or the new one, never a part.
//!
//! Uses only std. A new file is written beside the old one, fsynced, renamed over it, and the directory fsynced. What is done
//! is a list of steps, so that tests can stop after any of them.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Replaces the file `name`. When this returns `Ok`, the new content survives a power cut; otherwise the old one does.
///
/// # Errors
/// What the system said; a part of the new file may be left beside the old one.
pub fn replace(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    carry_out(&replacing(directory, name, bytes))
}

/// The same, and keeps the file that was there as `old`: at any moment there is a whole file under one of both names.
///
/// # Errors
/// As [`replace`].
pub fn replace_and_keep(directory: &Path, name: &str, old: &str, bytes: &[u8]) -> io::Result<()> {
    carry_out(&replacing_and_keeping(directory, name, old, bytes))
}

/// Makes a directory that is its owner's alone, if there is none.
///
/// # Errors
/// What the system said.
pub fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// One thing done to the disk.
#[derive(Clone, Debug)]
pub(crate) enum Step<'a> {
    /// Writes a file, and makes it durable.
    Write(PathBuf, &'a [u8]),
    /// Gives a file this name, instead of the one that has it.
    Rename(PathBuf, PathBuf),
    /// Gives a file, if there is one, this name.
    RenameIfAny(PathBuf, PathBuf),
    /// Makes names durable.
    SyncDirectory(PathBuf),
}

impl Step<'_> {
    pub(crate) fn carry_out(&self) -> io::Result<()> {
        match self {
            Step::Write(path, bytes) => {
                // After a failed fsync the descriptor is not used again: the kernel may have dropped what it could not write.
                let mut file = File::create(path)?;
                file.write_all(bytes)?;
                file.sync_all()
            }
            Step::Rename(from, to) => fs::rename(from, to),
            Step::RenameIfAny(from, to) => match fs::rename(from, to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                result => result,
            },
            Step::SyncDirectory(directory) => File::open(directory)?.sync_all(),
        }
    }
}

fn carry_out(steps: &[Step<'_>]) -> io::Result<()> {
    steps.iter().try_for_each(Step::carry_out)
}

fn replacing<'a>(directory: &Path, name: &str, bytes: &'a [u8]) -> [Step<'a>; 3] {
    let new = directory.join(format!("{name}.new"));
    [
        Step::Write(new.clone(), bytes),
        Step::Rename(new, directory.join(name)),
        Step::SyncDirectory(directory.to_owned()),
    ]
}

pub(crate) fn replacing_and_keeping<'a>(directory: &Path, name: &str, old: &str, bytes: &'a [u8]) -> [Step<'a>; 4] {
    let [write, rename, sync] = replacing(directory, name, bytes);
    [write, Step::RenameIfAny(directory.join(name), directory.join(old)), rename, sync]
}
