//! Lines on standard output and standard error, which may be closed, or a full disk: no work is given up for them.
//!
//! Uses only std. The macros of std panic there.

use std::io::{self, Write as _};

/// Prints a line that is the purpose of a command.
///
/// # Errors
/// What the system says; a closed pipe among it, which the program's end takes for success.
pub(super) fn line(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

/// Prints a line of output while the work goes on. Whoever has closed our output does not want it; for any other reason it
/// goes to standard error with what the system said.
pub(super) fn offer(text: &str) {
    match line(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tell(&format!("mersenned: cannot write to standard output ({error}): {text}"));
        }
        Ok(()) | Err(_) => {}
    }
}

/// Says something on standard error, if anybody listens.
pub(super) fn tell(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}
