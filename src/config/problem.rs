//! What is wrong with the settings, in sentences for the person who wrote them.

use std::fmt;

use super::Origin;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, section or missing file that it is about; empty when a file is not TOML.
    pub key: String,
    /// Where that was given.
    pub origin: Origin,
    /// What is wrong and what to do instead. It never holds a secret.
    pub message: String,
}

impl Problem {
    /// A problem with the setting `key` as given at `origin`.
    pub(super) fn new(key: impl Into<String>, origin: &Origin, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            origin: origin.clone(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            origin,
            message,
        } = self;
        match (key.is_empty(), origin) {
            (true, origin) => write!(formatter, "{origin}: {message}"),
            (false, Origin::Default) => write!(formatter, "{key}: {message}"),
            (false, origin) => write!(formatter, "{key} ({origin}): {message}"),
        }
    }
}

/// Everything that is wrong, so that a person can put it right in one go. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// These problems, of which there is at least one.
    pub(super) fn all(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// `value` if nothing is wrong.
    pub(super) fn none_or<T>(problems: Vec<Problem>, value: T) -> Result<T, Self> {
        if problems.is_empty() {
            Ok(value)
        } else {
            Err(Self(problems))
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
