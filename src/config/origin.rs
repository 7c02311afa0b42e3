//! Where a value came from, so that a message can say where to change it.

use std::{fmt, path::PathBuf};

/// Where a setting's value was given. Ordered by precedence: what is greater wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nowhere; it is the default.
    Default,
    /// In the settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
    },
    /// In this environment variable.
    Variable(String),
    /// By this flag, named without its dashes.
    Flag(String),
}

impl Origin {
    /// Whether two values were given in the same layer, so that neither overrides the other.
    pub(super) fn is_level_with(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(formatter, "default"),
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Variable(name) => write!(formatter, "variable {name}"),
            Self::Flag(name) => write!(formatter, "flag --{name}"),
        }
    }
}
