//! The token: who can read this node's files may tell it what to do.
//!
//! 32 random bytes in hex in a file of the state directory that only its owner can read, made at the first start and kept
//! over restarts. A token that others could have read is worth nothing any more and is replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// The file's name in the state directory.
pub const FILE: &str = "token";

/// How many random bytes a token has.
const BYTES: usize = 32;

/// The longest file that is read, in bytes: a token and a line break, with room for what somebody's editor has added.
const SIZE_MAX: u64 = 256;

/// Everybody but the owner.
const OTHERS: u32 = 0o077;

/// The token of a running node.
#[derive(Clone)]
pub struct Token(String);

/// The token could not be read or written.
#[derive(Debug, Error)]
#[error("cannot use the token file {}: {source}", path.display())]
pub struct TokenError {
    path: PathBuf,
    source: io::Error,
}

impl Token {
    /// The token in this directory, which this process has to hold alone; if there is none that is fit for use, a new one.
    ///
    /// # Errors
    /// The system refuses to read or to write the file. A new token is there as a whole or not at all.
    pub fn open(directory: &Path) -> Result<Token, TokenError> {
        let path = directory.join(FILE);
        let opened = match Found::read(&path) {
            Ok(Found::Nothing) => Token::make(directory, &path),
            Ok(Found::Token(token)) => Ok(token),
            Ok(Found::Unfit(reason)) => {
                tracing::warn!("the token file {} {reason}: a new one takes its place", path.display());
                Token::make(directory, &path)
            }
            Err(error) => Err(error),
        };
        opened.map_err(|source| TokenError { path, source })
    }

    /// Writes a new token beside the old one, fsyncs it, and renames it over the old one.
    fn make(directory: &Path, path: &Path) -> io::Result<Token> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let token = Token(hex::encode(bytes));
        let new = directory.join("token.new");
        // What an earlier attempt has left may be anybody's.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(format!("{}\n", token.0).as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(directory)?.sync_all()?;
        Ok(token)
    }

    /// Whether this is what was presented. How long that takes does not depend on where the two differ.
    pub fn is(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

/// Tokens are not for logs.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is in the token's place.
enum Found {
    Nothing,
    Token(Token),
    /// Something that cannot be the token, and why.
    Unfit(&'static str),
}

impl Found {
    fn read(path: &Path) -> io::Result<Found> {
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        // Opening a pipe would wait for ever.
        if !found.is_file() {
            return Ok(Found::Unfit("is no file"));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Ok(Found::Unfit("belongs to somebody else, who knows what is in it"));
        }
        if found.permissions().mode() & OTHERS != 0 {
            return Ok(Found::Unfit("could be read or written by others than its owner"));
        }
        let mut text = Vec::new();
        File::open(path)?.take(SIZE_MAX).read_to_end(&mut text)?;
        let digits = text.trim_ascii();
        let is_token = digits.len() == 2 * BYTES && digits.iter().all(u8::is_ascii_hexdigit);
        match std::str::from_utf8(digits) {
            Ok(digits) if is_token => Ok(Found::Token(Token(digits.to_owned()))),
            Ok(_) | Err(_) => Ok(Found::Unfit("does not hold 32 bytes in hex")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &tempfile::TempDir) -> (String, u32) {
        let path = directory.path().join(FILE);
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        (fs::read_to_string(path).unwrap(), mode)
    }

    #[test]
    fn the_first_start_makes_a_token_for_its_owner_alone_and_later_ones_keep_it() {
        let directory = tempfile::tempdir().unwrap();
        let token = Token::open(directory.path()).unwrap();
        let (text, mode) = file(&directory);
        assert_eq!((text.trim_end(), text.len(), mode), (token.0.as_str(), 65, 0o600));
        assert!(token.is(text.trim_end().as_bytes()));
        assert_eq!(Token::open(directory.path()).unwrap().0, token.0);
        assert_eq!(file(&directory), (text, 0o600));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(Token::open(other.path()).unwrap().0, token.0);
    }

    #[test]
    fn a_token_that_others_could_read_or_write_is_replaced() {
        for mode in [0o640, 0o604, 0o620, 0o602, 0o666] {
            let directory = tempfile::tempdir().unwrap();
            let token = Token::open(directory.path()).unwrap();
            fs::set_permissions(directory.path().join(FILE), fs::Permissions::from_mode(mode)).unwrap();
            let new = Token::open(directory.path()).unwrap();
            assert!(new.0 != token.0 && !token.is(new.0.as_bytes()), "{mode:o}");
            assert_eq!(file(&directory).1, 0o600, "{mode:o}");
        }
    }

    #[test]
    fn what_somebody_else_has_put_there_or_is_no_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        let token = Token::open(directory.path()).unwrap();
        assert_eq!(file(&directory).0.trim_end(), token.0);
        if std::os::unix::fs::chown(&path, Some(65_534), None).is_ok() {
            assert_ne!(Token::open(directory.path()).unwrap().0, token.0);
        }
    }

    #[test]
    fn a_file_that_is_no_token_is_replaced_and_what_an_interrupted_start_has_left_does_not_matter() {
        for text in ["", "secret\n", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"0".repeat(10_000)] {
            let directory = tempfile::tempdir().unwrap();
            for name in [FILE, "token.new"] {
                let path = directory.path().join(name);
                fs::write(&path, text).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            }
            let token = Token::open(directory.path()).unwrap();
            assert!(token.0.len() == 64 && !token.is(text.as_bytes()), "{text}");
            assert!(!directory.path().join("token.new").exists());
        }
    }

    #[test]
    fn nothing_but_the_token_itself_is_the_token() {
        let token = Token("ab".repeat(BYTES));
        assert!(token.is("ab".repeat(BYTES).as_bytes()));
        for wrong in [String::new(), "ab".repeat(BYTES - 1), "ab".repeat(BYTES + 1), "AB".repeat(BYTES)] {
            assert!(!token.is(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_not_shown_by_accident() {
        assert!(!format!("{:?}", Token("ab".repeat(BYTES))).contains("abab"));
    }

    #[test]
    fn a_token_that_cannot_be_written_is_an_error_that_names_the_file() {
        let error = Token::open(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/token"), "{error}");
    }
}
