//! What only SQLite can show: the file, its one writer, and a disk that is full.

mod at_once;
mod disk;
mod file;
mod keeping;
mod queries;
mod rows;
mod trigrams;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;

use super::{start::READERS, *};
use crate::{store::conformance, testing::workbench::Workbench};

/// A directory with a database in it, opened anew as often as wanted.
struct Files {
    directory: TempDir,
    made: AtomicU32,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            made: AtomicU32::new(0),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("hangar.db")
    }

    fn open(&self) -> SqliteStore {
        serve(&self.path()).unwrap()
    }

    /// Opens a database that never was. In every other one, ledger keys move at once.
    fn fresh(&self) -> Arc<dyn Store> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.path().join(format!("{number}.db"));
        Arc::new(match number % 2 {
            0 => serve(&path).unwrap(),
            _ => SqliteStore::open_gathering(&path, 1).unwrap(),
        })
    }

    /// A connection beside the store's, for what a store would never do.
    fn connect(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

fn serve(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, Opening::Serve(DatabaseKind::Production))
}

fn bench(store: &Arc<SqliteStore>) -> Workbench {
    Workbench::new(Arc::clone(store) as _)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    let files = Files::new();
    conformance::run(async || files.fresh()).await;
    // Every case once more, on the other kind.
    files.fresh();
    conformance::run(async || files.fresh()).await;
}

#[test]
fn histories_follow_the_model() {
    let files = Files::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    conformance::histories::check(&runtime, 64, || files.fresh());
}
