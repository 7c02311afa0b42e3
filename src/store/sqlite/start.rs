//! Starts a store on a file: its connections, its writer, and what it remembers.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicI64},
};

use super::{
    SqliteStore,
    at_once::AtOnce,
    ledger::FreshKeys,
    open::{self, OpenError, Opener, Opening},
    readers::Readers,
    writer::Writer,
};

/// How many connections read at once.
pub(super) const READERS: usize = 4;

impl SqliteStore {
    /// Opens the file at this path.
    pub fn open(path: &Path, opening: Opening) -> Result<Self, OpenError> {
        let opener = Opener::new(path.to_owned(), None);
        Self::open_with(opener, opening, FreshKeys::default())
    }

    /// Opens a file that may not grow beyond so many pages, as a full disk would not let it.
    #[cfg(test)]
    pub(crate) fn open_limited(path: &Path, max_pages: u32) -> Result<Self, OpenError> {
        let opener = Opener::new(path.to_owned(), Some(max_pages));
        let opening = Opening::Serve(super::DatabaseKind::Production);
        Self::open_with(opener, opening, FreshKeys::default())
    }

    /// Opens a file whose ledger keys move as soon as there are so many.
    #[cfg(test)]
    pub(crate) fn open_gathering(path: &Path, keys: usize) -> Result<Self, OpenError> {
        let opener = Opener::new(path.to_owned(), None);
        let opening = Opening::Serve(super::DatabaseKind::Production);
        Self::open_with(opener, opening, FreshKeys::new(keys))
    }

    fn open_with(
        opener: Opener,
        opening: Opening,
        fresh_keys: FreshKeys,
    ) -> Result<Self, OpenError> {
        let connection = match opening {
            Opening::Serve(kind) => opener.create(kind)?,
            Opening::Administer => opener.existing()?,
        };
        let paging_secret =
            open::paging_secret(&connection).map_err(|error| opener.sqlite(error))?;
        let readers = (0..READERS)
            .map(|_| opener.reader())
            .collect::<Result<_, _>>()?;
        let fresh_keys = Arc::new(fresh_keys);
        let work = Arc::default();
        let at_once = Arc::new(AtOnce::new(Arc::clone(&fresh_keys), Arc::clone(&work)));
        let companion = Arc::clone(&at_once) as _;
        let writer =
            Writer::start(opener, connection, companion).map_err(|error| OpenError::Io {
                path: "the writer's thread".into(),
                error,
            })?;
        Ok(Self {
            writer: Arc::new(writer),
            readers: Readers::new(readers),
            leases: Arc::default(),
            fresh_keys,
            at_once,
            work,
            expired_upto: AtomicI64::new(0),
            paging_secret,
        })
    }
}
