//! The state file: what a node knows between two lives, in one small JSON file that is replaced as a whole.
//!
//! After a crash either the old state is there or the new one, never a part (`durable`). A second process in the same directory is refused.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::durable;
use crate::protocol::Saved;

/// The file's name in the state directory.
const FILE: &str = "state.json";

/// The format this version writes.
const VERSION: u32 = 1;

/// The largest file that is read: far above what a full address book and every known prime need.
const SIZE_MAX: u64 = 4 << 20;

/// Why the state could not be opened or written.
#[derive(Debug, Error)]
pub enum StateError {
    /// The directory cannot be made or used.
    #[error("cannot use the state directory {}: {source}; choose another with --state-dir", path.display())]
    Directory {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another node keeps its state there.
    #[error("another mersenned keeps its state in {}; give each node its own --state-dir", .0.display())]
    Locked(PathBuf),
    /// The file cannot be read or written.
    #[error("cannot use the state file {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not one of ours, or damaged. It was not touched.
    #[error("the state file {} is not valid ({reason}); move it away to start without it", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl StateError {
    /// Whether the disk is full.
    pub fn is_no_space(&self) -> bool {
        match self {
            StateError::Directory { source, .. } | StateError::File { source, .. } => {
                source.kind() == io::ErrorKind::StorageFull
            }
            StateError::Locked(_) | StateError::Invalid { .. } => false,
        }
    }
}

/// A state directory that this process holds.
#[derive(Debug)]
pub struct StateFile {
    directory: PathBuf,
    /// Held for its lock, which the system gives back however the process ends.
    _lock: File,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    #[serde(flatten)]
    saved: &'a Saved,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(flatten)]
    saved: Saved,
}

impl StateFile {
    /// Makes the directory if there is none (mode 0700), locks it, and reads what an earlier life has left.
    pub fn open(directory: &Path) -> Result<(StateFile, Saved), StateError> {
        let unusable = |source| StateError::Directory { path: directory.to_owned(), source };
        durable::make_private(directory).map_err(unusable)?;
        // Held open for reading only, so that the file system can be made read-only under a running node.
        let lock = directory.join("lock");
        let lock = File::create(&lock).and_then(|_| File::open(&lock)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Locked(directory.to_owned())),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let file = StateFile { directory: directory.to_owned(), _lock: lock };
        let saved = file.read()?;
        Ok((file, saved))
    }

    fn read(&self) -> Result<Saved, StateError> {
        let path = self.directory.join(FILE);
        let invalid = |reason: String| StateError::Invalid { path: path.clone(), reason };
        let failed = |source| StateError::File { path: path.clone(), source };
        match fs::metadata(&path) {
            Ok(metadata) if metadata.len() > SIZE_MAX => {
                return Err(invalid(format!("it is larger than {SIZE_MAX} bytes")));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Saved::default()),
            Err(error) => return Err(failed(error)),
        }
        let bytes = fs::read(&path).map_err(failed)?;
        let Version { version } = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        if version != VERSION {
            return Err(invalid(format!("it is of version {version}, and this program reads version {VERSION}")));
        }
        let read: Read = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        Ok(read.saved)
    }

    /// Replaces the file. When this returns `Ok`, the new state survives a power cut; otherwise the old one does.
    pub fn write(&self, saved: &Saved) -> Result<(), StateError> {
        let path = self.directory.join(FILE);
        self.replace(saved).map_err(|source| StateError::File { path, source })
    }

    fn replace(&self, saved: &Saved) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(&Written { version: VERSION, saved })?;
        bytes.push(b'\n');
        durable::replace(&self.directory, FILE, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Claim, SavedClaim};

    fn saved() -> Saved {
        let claim = Claim {
            exponent: crate::mersenne::Exponent::new(31).unwrap(),
            originator: "127.0.0.1:5001".parse().unwrap(),
            id: crate::protocol::message::MessageId(77),
            signature: None,
        };
        Saved {
            id_floor: crate::protocol::message::MessageId(1 << 50),
            addresses: vec!["127.0.0.1:5002".parse().unwrap(), "[2001:db8::1]:5003".parse().unwrap()],
            primes: vec![SavedClaim(claim)],
            asleep: true,
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let (file, before) = StateFile::open(directory.path()).unwrap();
        assert_eq!(before, Saved::default());
        file.write(&saved()).unwrap();
        drop(file);
        assert_eq!(StateFile::open(directory.path()).unwrap().1, saved());
    }

    #[test]
    fn a_directory_serves_one_node_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = StateFile::open(directory.path()).unwrap();
        assert!(matches!(StateFile::open(directory.path()), Err(StateError::Locked(_))));
        drop(first);
        assert!(StateFile::open(directory.path()).is_ok());
    }

    #[test]
    fn a_half_written_new_file_does_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let (file, _) = StateFile::open(directory.path()).unwrap();
        file.write(&saved()).unwrap();
        fs::write(directory.path().join("state.json.new"), b"{\"version\":1,\"id_fl").unwrap();
        drop(file);
        assert_eq!(StateFile::open(directory.path()).unwrap().1, saved());
    }

    #[test]
    fn a_file_from_before_nodes_could_sleep_is_of_one_that_is_awake() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), r#"{"version":1,"id_floor":7,"addresses":[],"primes":[]}"#).unwrap();
        assert!(!StateFile::open(directory.path()).unwrap().1.asleep);
    }

    #[test]
    fn a_damaged_file_is_an_error_that_says_so_and_is_left_alone() {
        for text in [
            "",
            "{}",
            "{\"version\":2}",
            "{\"version\":1,\"id_floor\":-1,\"addresses\":[],\"primes\":[]}",
            "{\"version\":1,\"id_floor\":1,\"addresses\":[],\"primes\":[{\"exponent\":15,\"originator\":\"1.2.3.4:5\",\"msg_id\":1}]}",
        ] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(FILE);
            fs::write(&path, text).unwrap();
            let error = StateFile::open(directory.path()).unwrap_err();
            assert!(matches!(error, StateError::Invalid { .. }), "{text}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
