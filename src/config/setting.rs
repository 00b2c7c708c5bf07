//! What a setting was given as, and where.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from. Later ones count for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The table.
    Default,
    /// A line of the configuration file.
    File {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag, named without its dashes.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Variable(name) => write!(f, "${name}"),
            Origin::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// What a setting was given as, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// One text; of a list, one for each element; none where nothing is set.
    pub texts: Vec<String>,
    /// Where they come from.
    pub origin: Origin,
}
