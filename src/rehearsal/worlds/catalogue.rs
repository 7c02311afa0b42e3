//! Which forks and snapshots there are: one file, written whole. What it does not name is not there,
//! whatever lies in the directory.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    authority::directory::Additions,
    lifecycle::whole_file::{Existing, WholeFile, WholeFileError},
};

/// What the directory of a rehearsal's worlds is about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    /// The worlds besides the first one.
    pub(super) forks: Vec<ForkRecord>,
    /// The snapshots.
    pub(super) snapshots: Vec<SnapshotRecord>,
    /// Whom seeds have brought to the first world.
    pub(super) seeded: Additions,
}

/// A fork.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForkRecord {
    /// Its name.
    pub(super) name: String,
    /// Its database, in the directory of worlds.
    pub(super) file: String,
    /// Of what it was made.
    pub(super) source: String,
    /// When.
    pub(super) made_at: Timestamp,
    /// Its tenants.
    pub(super) tenants: Vec<Tenancy>,
    /// Them and their users, as the authority knows them.
    pub(super) people: Additions,
}

/// A tenant of a fork.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tenancy {
    /// Its id, as clients use it.
    pub(super) id: Uuid,
    /// Its name.
    pub(super) name: String,
    /// The id of its rows in the fork's database, and of the tenant that it is a copy of.
    pub(super) kept_as: Uuid,
}

/// A snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SnapshotRecord {
    /// Its name.
    pub(super) name: String,
    /// Its database, in the directory of snapshots.
    pub(super) file: String,
    /// Of which world it is.
    pub(super) world: String,
    /// When it was saved.
    pub(super) saved_at: Timestamp,
    /// How many imports it holds.
    pub(super) imports: u64,
    /// How many devices it holds.
    pub(super) devices: u64,
    /// Whom seeds had brought by then.
    pub(super) seeded: Additions,
}

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum OpenCatalogueError {
    /// The file system refuses.
    #[error("{path} can't be used: {error}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file says nothing that makes sense.
    #[error("{path} is no catalogue of worlds: {error}")]
    Faulty {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: serde_json::Error,
    },
}

/// Where everything is.
#[derive(Clone, Debug)]
pub(super) struct Places {
    directory: PathBuf,
}

impl Places {
    /// Makes the directories that are missing, for nobody else to read.
    pub(super) fn make(directory: &Path) -> Result<Self, OpenCatalogueError> {
        use std::os::unix::fs::DirBuilderExt as _;

        let places = Self {
            directory: directory.to_owned(),
        };
        for path in [places.worlds(), places.snapshots()] {
            let mut builder = fs::DirBuilder::new();
            let made = builder.recursive(true).mode(0o700).create(&path);
            made.map_err(|error| OpenCatalogueError::Io { path, error })?;
        }
        Ok(places)
    }

    /// Where the forks' databases are.
    pub(super) fn worlds(&self) -> PathBuf {
        self.directory.join("worlds")
    }

    /// Where the snapshots' databases are.
    pub(super) fn snapshots(&self) -> PathBuf {
        self.directory.join("snapshots")
    }

    fn catalogue(&self) -> PathBuf {
        self.directory.join("catalogue.json")
    }

    /// What was written down last.
    pub(super) fn load(&self) -> Result<Catalogue, OpenCatalogueError> {
        let path = self.catalogue();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| OpenCatalogueError::Faulty { path, error }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Catalogue::default()),
            Err(error) => Err(OpenCatalogueError::Io { path, error }),
        }
    }

    /// Writes it down. Until this is done nothing has changed; from then on everything has.
    pub(super) fn save(&self, catalogue: &Catalogue) -> Result<(), WholeFileError> {
        use std::io::Write as _;

        let path = self.catalogue();
        let mut file = WholeFile::begin(&path, Existing::Replace)?;
        let text = serde_json::to_vec_pretty(catalogue).unwrap_or_default();
        let written = file.file().write_all(&text);
        written.map_err(|error| WholeFileError::Io { path, error })?;
        file.finish()
    }

    /// Removes what a killed process has left behind: databases that the catalogue does not name,
    /// and files that never got their name, beside the main database too.
    pub(super) fn clear(
        &self,
        catalogue: &Catalogue,
        database: &Path,
    ) -> Result<(), OpenCatalogueError> {
        let forks = catalogue.forks.iter().map(|fork| fork.file.as_str());
        keep_only(&self.worlds(), &forks.collect())?;
        let snapshots = catalogue.snapshots.iter().map(|one| one.file.as_str());
        keep_only(&self.snapshots(), &snapshots.collect())?;
        remove_from(&self.directory, is_unfinished)?;
        match database.parent() {
            Some(parent) if parent.is_dir() => remove_from(parent, is_unfinished),
            _ => Ok(()),
        }
    }
}

/// Removes all databases but these, and what SQLite has beside them.
fn keep_only(directory: &Path, kept: &HashSet<&str>) -> Result<(), OpenCatalogueError> {
    remove_from(directory, |name| {
        let logs = ["-wal", "-shm", "-journal"];
        let database = logs.iter().find_map(|log| name.strip_suffix(log));
        !kept.contains(database.unwrap_or(name))
    })
}

/// Whether a file is one on its way to its name, or what SQLite has beside one.
fn is_unfinished(name: &str) -> bool {
    name.starts_with(".hangar-") && name.contains(".part")
}

fn remove_from(
    directory: &Path,
    is_left_over: impl Fn(&str) -> bool,
) -> Result<(), OpenCatalogueError> {
    let failed = |error| OpenCatalogueError::Io {
        path: directory.to_owned(),
        error,
    };
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_str().is_some_and(&is_left_over) {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_catalogue_does_not_name_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let database = parent.path().join("hangar.db");
        let places = Places::make(&parent.path().join("rehearsal")).unwrap();
        let catalogue = Catalogue {
            forks: vec![ForkRecord {
                name: "a".to_owned(),
                file: "1.db".to_owned(),
                source: "main".to_owned(),
                made_at: Timestamp::UNIX_EPOCH,
                tenants: Vec::new(),
                people: Additions::default(),
            }],
            ..Catalogue::default()
        };
        places.save(&catalogue).unwrap();
        let worlds = places.worlds();
        let kept = [
            worlds.join("1.db"),
            worlds.join("1.db-wal"),
            database.clone(),
            parent.path().join("hangar.db-wal"),
            parent.path().join(".hangar-of-mine"),
        ];
        let left = [
            worlds.join("2.db"),
            worlds.join("2.db-shm"),
            worlds.join(".hangar-x.part"),
            places.snapshots().join("1.db"),
            parent.path().join(".hangar-y.part-wal"),
            parent.path().join("rehearsal/.hangar-z.part"),
        ];
        for path in kept.iter().chain(&left) {
            fs::write(path, "x").unwrap();
        }
        let loaded = places.load().unwrap();
        assert_eq!(loaded.forks.len(), 1);
        places.clear(&loaded, &database).unwrap();
        assert!(kept.iter().all(|path| path.exists()));
        assert!(left.iter().all(|path| !path.exists()));
    }

    #[test]
    fn a_catalogue_that_makes_no_sense_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let places = Places::make(parent.path()).unwrap();
        assert!(places.load().unwrap().forks.is_empty());
        fs::write(places.catalogue(), "{}").unwrap();
        let error = places.load().unwrap_err().to_string();
        let why = "catalogue.json is no catalogue of worlds: missing field";
        assert!(error.contains(why), "{error}");
    }
}
