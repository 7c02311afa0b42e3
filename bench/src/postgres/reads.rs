//! Reads on PostgreSQL and on SQLite, over the same rows, one server after the other; and what the
//! rows take on the disk.

use std::{fs, path::PathBuf};

use hangar::store::{self, Database, DatabaseKind, Opening};
use tempfile::TempDir;

use super::{
    cluster::{self, Cluster},
    creates,
    results::{Reads, Side},
};
use crate::{
    measure::{
        Place, lists, lookups,
        reads::{Case, Keeping},
    },
    rows::{self, Rows, SHAPE},
    server::Server,
};

/// The database that has the rows.
const DATABASE: &str = "rows";

/// Over how many connections imports are looked up: alone, and as in the reads of SQLite.
const CONNECTIONS: [usize; 2] = [1, lookups::CONNECTIONS];

/// Measures all reads with the most rows of the case.
pub(super) fn measure(place: &Place, schema: &str, case: &Case) -> anyhow::Result<Reads> {
    let rows = Rows {
        large: case.sizes.last().copied().unwrap_or_default(),
        small: case.small,
    };
    let files = Files::made(place, rows, schema, case.keeping)?;
    let cluster = Cluster::start(&files.path)?;
    let beside = match case.keeping {
        Keeping::Kept => rows::Database::kept(place, rows)?,
        Keeping::Fleeting => rows::Database::fleeting(place, rows)?,
    };
    eprintln!("reads, {} rows", rows.large);
    let server = Server::hangar(&place.hangar, beside.path(), &[])?;
    let sqlite = side(&server, rows, case)?;
    server.stop()?;
    let directory = place.empty()?;
    let url = cluster.url(DATABASE);
    let server = creates::start(place, directory.path(), &url, &[])?;
    let postgres = side(&server, rows, case)?;
    server.stop()?;
    let sizes = cluster::sizes(&cluster, DATABASE)?;
    let index_bytes = cluster::index_sizes(&cluster, DATABASE)?;
    cluster.stop()?;
    Ok(Reads {
        rows: rows.large,
        page: case.extent.page,
        sqlite,
        postgres,
        sizes,
        index_bytes,
        sqlite_bytes: fs::metadata(beside.path().join("hangar.db"))?.len(),
    })
}

fn side(server: &Server, rows: Rows, case: &Case) -> anyhow::Result<Side> {
    let lists = lists::measure(server, rows, case.extent)?;
    let mut found = Vec::new();
    for connections in CONNECTIONS {
        let (time, repeats) = (case.time, case.repeats);
        found.push(lookups::measure(server, rows, connections, time, repeats)?);
    }
    Ok(Side {
        lists,
        lookups: found,
    })
}

/// A cluster's files with such rows.
struct Files {
    path: PathBuf,
    _fleeting: Option<TempDir>,
}

impl Files {
    /// Kept ones are made anew where the schema is another, or the rows.
    fn made(place: &Place, rows: Rows, schema: &str, keeping: Keeping) -> anyhow::Result<Self> {
        if keeping == Keeping::Fleeting {
            let directory = TempDir::with_prefix("hangar-bench-")?;
            fill(directory.path(), rows)?;
            return Ok(Self {
                path: directory.path().to_owned(),
                _fleeting: Some(directory),
            });
        }
        let family = format!("postgres-rows-{}-and-{}", rows.large, rows.small);
        let name = format!("{family}-shape-{SHAPE}-schema-{schema}");
        let path = place.directory.join(&name);
        if !path.exists() {
            rows::remove_others(&place.directory, &family)?;
            let count = rows.large + rows.small;
            eprintln!("making a database of {count} rows on PostgreSQL, once");
            let draft = place.empty()?;
            fill(draft.path(), rows)?;
            // One that was left half-made never has the name.
            fs::rename(draft.keep(), &path)?;
        }
        Ok(Self {
            path,
            _fleeting: None,
        })
    }
}

/// Makes the rows in an empty directory, through the store as in life.
fn fill(directory: &std::path::Path, rows: Rows) -> anyhow::Result<()> {
    let cluster = Cluster::start(directory)?;
    cluster.make(DATABASE)?;
    let opening = Opening::Serve(DatabaseKind::Development);
    let store = store::open(Database::at(cluster.url(DATABASE)), opening)?;
    rows::fill(&store, rows)?;
    cluster.stop()
}
