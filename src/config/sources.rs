//! The places that settings come from, as values: tests need neither files nor an environment.

use std::path::{Path, PathBuf};

use super::{Flags, Origin, Problem, Problems, environment};

/// How the service is started. A mode is a flag only: no file can put a service into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For real: an issuer and an audience must be set.
    Serve,
    /// For development, with a local token authority, on loopback only.
    Dev,
    /// For rehearsals: as for development, with time, faults and snapshots in the user's hands.
    Rehearse,
}

impl Mode {
    /// Whether a local token authority is there, whose tokens anybody can make.
    pub fn has_authority(self) -> bool {
        match self {
            Self::Serve => false,
            Self::Dev | Self::Rehearse => true,
        }
    }

    /// The flag that starts the service so; none is needed to serve for real.
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Self::Serve => None,
            Self::Dev => Some("--dev"),
            Self::Rehearse => Some("--rehearse"),
        }
    }
}

/// A settings file, read but not yet understood.
#[derive(Clone)]
pub struct ConfigFile {
    /// Where it was read, as the person wrote it.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

impl ConfigFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::new(
                path.display().to_string(),
                &Origin::Flag("config".to_owned()),
                format!("the settings file cannot be read: {error}"),
            )
        })?;
        Ok(Self {
            path: path.to_owned(),
            text,
        })
    }
}

/// Everything that can give a setting a value, in rising order. It may hold secrets, and so has no
/// `Debug`.
#[derive(Clone, Default)]
pub struct Sources {
    /// The settings file, if there is one.
    pub file: Option<ConfigFile>,
    /// Environment variables; those that are not settings are passed over.
    pub variables: Vec<(String, String)>,
    /// The command line's flags.
    pub flags: Flags,
}

impl Sources {
    /// The settings file at `path`, the process's environment, and these flags.
    pub fn of_process(path: Option<&Path>, flags: Flags) -> Result<Self, Problems> {
        Ok(Self {
            file: path.map(ConfigFile::read).transpose()?,
            variables: environment::variables()?,
            flags,
        })
    }
}
