//! Copies a database while a server writes to it.
//!
//! SQLite's backup API copies the pages of one snapshot as they stand. `VACUUM INTO` would write
//! every row anew and build every index again: it holds its snapshot several times as long, and
//! the log of what is written meanwhile grows with it. A reader's snapshot blocks no writer; it
//! only keeps the log from being reused until it ends.

use std::path::Path;

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

use super::{
    inspect,
    open::{OpenError, Opener},
};
use crate::store::soundness::{Depth, Soundness};

/// How many pages are copied at a stretch.
const STRETCH_PAGES: i32 = 1024;

/// Copies the database in `from` into the empty file `to`, and looks the copy over. The caller has
/// it synced to disk.
pub(in crate::store) fn back_up(from: &Path, to: &Path) -> Result<Soundness, OpenError> {
    copy(from, to, STRETCH_PAGES, || {})?;
    inspect::inspect(to, Depth::Whole)
}

/// Copies the database in `from` into the empty file `to`.
pub(in crate::store) fn copy_whole(from: &Path, to: &Path) -> Result<(), OpenError> {
    copy(from, to, STRETCH_PAGES, || {})
}

/// Copies so many pages at a time, and calls `between` after each time.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    stretch_pages: i32,
    mut between: impl FnMut(),
) -> Result<(), OpenError> {
    let opener = Opener::new(from.to_owned(), None);
    let target = Opener::new(to.to_owned(), None);
    let source = opener.onlooker()?;
    let mut copied = || -> rusqlite::Result<()> {
        // The snapshot stands from here to the end. Without it every commit of the server would
        // start the copy anew, and under load it would never end.
        let snapshot = source.unchecked_transaction()?;
        snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let mut copy = writable(to)?;
        let backup = Backup::new(&snapshot, &mut copy)?;
        loop {
            match backup.step(stretch_pages)? {
                StepResult::Done => break,
                StepResult::More => between(),
                // Nobody else knows the copy, and the snapshot is ours already.
                _ => return Err(refused()),
            }
        }
        drop(backup);
        drop(copy);
        // A copy is one file; the log that a server needs is made when it opens it.
        writable(to)?.pragma_update(None, "journal_mode", "delete")
    };
    copied().map_err(|error| target.sqlite(error))
}

fn refused() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)
}

/// Opens the copy. Nothing is synced here: it is nothing until it is whole.
fn writable(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "synchronous", "off")?;
    Ok(connection)
}

/// Leaves a database that nobody has open as one file: what is in its log goes into it.
pub(in crate::store) fn put_at_rest(path: &Path) -> Result<(), OpenError> {
    let opener = Opener::new(path.to_owned(), None);
    // Whoever still reads makes it fail, and loses nothing by that.
    let rest = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(path, flags)?.pragma_update(None, "journal_mode", "delete")
    };
    rest().map_err(|error| opener.sqlite(error))
}
