//! A file that appears under its name whole and on disk, or not at all. What is written into it is
//! its maker's business.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// What to do about a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it, and fail.
    Keep,
    /// Put the new one in its place.
    Replace,
}

/// A file on its way to its name. Until it is finished it has another one in the same directory,
/// and nobody else may read it; dropping it removes it.
#[derive(Debug)]
pub struct WholeFile {
    temporary: NamedTempFile,
    path: PathBuf,
    existing: Existing,
}

/// Why a file did not get its name.
#[derive(Debug, thiserror::Error)]
pub enum WholeFileError {
    /// The name is taken.
    #[error("{0} is there already: choose another name, or say --force to replace it")]
    Taken(PathBuf),
    /// The file system refuses.
    #[error("{path} can't be written: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl WholeFile {
    /// Begins a file, with the mode 0600.
    pub fn begin(path: &Path, existing: Existing) -> Result<Self, WholeFileError> {
        let failed = |error| WholeFileError::Io {
            path: path.to_owned(),
            error,
        };
        if path.file_name().is_none() || path.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        // Asked at once, so that nobody waits for a copy that has no place to go to.
        if existing == Existing::Keep && path.symlink_metadata().is_ok() {
            return Err(WholeFileError::Taken(path.to_owned()));
        }
        let temporary = tempfile::Builder::new()
            .prefix(".hangar-")
            .suffix(".part")
            .tempfile_in(directory(path))
            .map_err(failed)?;
        Ok(Self {
            temporary,
            path: path.to_owned(),
            existing,
        })
    }

    /// Where it is until it is finished.
    pub fn temporary_path(&self) -> &Path {
        self.temporary.path()
    }

    /// The file itself, to write to.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Syncs the file to disk and gives it its name.
    pub fn finish(self) -> Result<(), WholeFileError> {
        let path = self.path;
        let failed = |error| WholeFileError::Io {
            path: path.clone(),
            error,
        };
        self.temporary.as_file().sync_all().map_err(failed)?;
        let named = match self.existing {
            Existing::Keep => self.temporary.persist_noclobber(&path),
            Existing::Replace => self.temporary.persist(&path),
        };
        match named {
            Ok(_) => {}
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(WholeFileError::Taken(path));
            }
            Err(refused) => return Err(failed(refused.error)),
        }
        // The name is on disk when its directory is.
        let directory = File::open(directory(&path)).map_err(failed)?;
        directory.sync_all().map_err(failed)
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_file_is_whole_or_absent_and_nobody_elses() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        let names = || fs::read_dir(parent.path()).unwrap().count();

        let mut given_up = WholeFile::begin(&path, Existing::Keep).unwrap();
        given_up.file().write_all(b"half").unwrap();
        assert!(!path.exists() && given_up.temporary_path().exists());
        drop(given_up);
        assert_eq!(names(), 0);

        let mut file = WholeFile::begin(&path, Existing::Keep).unwrap();
        file.file().write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(names(), 1);
    }

    #[test]
    fn what_is_there_is_replaced_only_when_asked_to() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        let late = WholeFile::begin(&path, Existing::Keep).unwrap();
        fs::write(&path, "old").unwrap();
        let taken = |result| matches!(result, Err(WholeFileError::Taken(_)));
        assert!(taken(late.finish()), "it came in between");
        assert!(taken(WholeFile::begin(&path, Existing::Keep).map(drop)));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        WholeFile::begin(&path, Existing::Replace)
            .unwrap()
            .finish()
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn what_can_be_no_file_is_refused_by_name() {
        let parent = tempfile::tempdir().unwrap();
        for path in [parent.path().to_owned(), parent.path().join("no/such/file")] {
            let error = WholeFile::begin(&path, Existing::Replace).unwrap_err();
            assert!(
                error.to_string().contains(path.to_str().unwrap()),
                "{error}"
            );
        }
    }
}
