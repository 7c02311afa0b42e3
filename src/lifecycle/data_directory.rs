//! The data directory: nobody else's to read, and one server's at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The file whose lock says that a server uses the directory.
const LOCK_FILE: &str = "hangar.lock";

/// A data directory that this process has to itself until it drops this.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirectoryError {
    /// Another server has it.
    #[error(
        "the data directory {0} is in use by another `hangar serve`: stop that one, or use another (--data-dir)"
    )]
    InUse(PathBuf),
    /// The file system refuses.
    #[error("the data directory {path} can't be used: {error}")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl DataDirectory {
    /// Takes the directory, and makes it if there is none. What others may read there is closed
    /// to them.
    pub fn take(path: &Path) -> Result<Self, DataDirectoryError> {
        let failed = |error| DataDirectoryError::Io {
            path: path.to_owned(),
            error,
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK_FILE))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirectoryError::InUse(path.to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The lock counts, the number is for whoever looks for its holder.
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Takes the directory from servers where one has ever used it; nothing is made or changed.
    pub fn keep_servers_out(path: &Path) -> Result<Option<Self>, DataDirectoryError> {
        let failed = |error| DataDirectoryError::Io {
            path: path.to_owned(),
            error,
        };
        let lock = match OpenOptions::new().write(true).open(path.join(LOCK_FILE)) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self {
                path: path.to_owned(),
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Err(DataDirectoryError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_server() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = DataDirectory::take(&path).unwrap();
        let error = DataDirectory::take(&path).unwrap_err();
        assert!(matches!(error, DataDirectoryError::InUse(_)), "{error}");
        assert!(error.to_string().contains("data"));
        drop(first);
        DataDirectory::take(&path).unwrap();
    }

    #[test]
    fn servers_are_kept_out_where_one_has_been() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let keep_out = || DataDirectory::keep_servers_out(&path);
        assert!(keep_out().unwrap().is_none());
        assert!(!path.exists());
        let server = DataDirectory::take(&path).unwrap();
        assert!(matches!(keep_out(), Err(DataDirectoryError::InUse(_))));
        drop(server);
        let kept = keep_out().unwrap();
        assert!(kept.is_some());
        assert!(DataDirectory::take(&path).is_err());
    }

    #[test]
    fn nobody_else_reads_it() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let _directory = DataDirectory::take(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join(LOCK_FILE)), 0o600);
    }
}
