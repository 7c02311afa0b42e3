//! The database file: who may read it, whose it is, and what survives.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use hardware_hash::Builder;
use rusqlite::Connection;

use super::*;
use crate::{
    domain::{directory_error::DirectoryError, import::ImportState},
    testing::{CONTOSO, FABRIKAM, import_of},
};

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let files = Files::new();
    let folder = files.directory.path().join("deep/data");
    let store = Arc::new(serve(&folder.join("hangar.db")).unwrap());
    bench(&store)
        .accept(CONTOSO, import_of(&Builder::new(1)))
        .await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&files.directory.path().join("deep")), 0o700);
    let mut names = Vec::new();
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["hangar.db", "hangar.db-shm", "hangar.db-wal"]);
}

#[tokio::test]
async fn what_was_answered_is_there_after_reopening() {
    let files = Files::new();
    let store = Arc::new(files.open());
    let workbench = bench(&store);
    let secret = *store.paging_secret();
    let device = workbench
        .register(CONTOSO, import_of(&Builder::new(1)))
        .await;
    let waiting = workbench.accept(CONTOSO, import_of(&Builder::new(2))).await;
    let claimed = workbench.claim(1).await;
    assert_eq!(claimed.len(), 1);

    // What a loss of power leaves: the files as they are, without anybody having closed them.
    let copy = Files::new();
    for suffix in ["", "-wal"] {
        let from = files.directory.path().join(format!("hangar.db{suffix}"));
        let to = copy.directory.path().join(format!("hangar.db{suffix}"));
        fs::copy(from, to).unwrap();
    }
    drop(workbench);
    drop(store);

    for files in [copy, files] {
        let store = Arc::new(files.open());
        let bench = bench(&store);
        assert_eq!(*store.paging_secret(), secret);
        let devices = bench.devices(CONTOSO).await;
        assert_eq!(devices, std::slice::from_ref(&device));
        let state = bench.state(CONTOSO, waiting).await;
        assert_eq!(state, ImportState::Waiting);
        let settled = bench.settle_all().await;
        assert_eq!(settled.len(), 1, "a start voids all claims");
    }
}

/// A filter spares most lookups in the ledger, once it has read the tables of keys.
#[tokio::test]
async fn hardware_stays_known_however_much_of_the_ledger_was_read_again() {
    const DEVICES: u64 = 40;
    let files = Files::new();
    let store = Arc::new(SqliteStore::open_gathering(&files.path(), 1).unwrap());
    for device in 1..=DEVICES {
        bench(&store)
            .register(CONTOSO, import_of(&Builder::new(device)))
            .await;
    }
    store.close().await;
    drop(store);
    for gathered in [1, 100_000] {
        let store = Arc::new(SqliteStore::open_gathering(&files.path(), gathered).unwrap());
        let bench = bench(&store);
        for device in 1..=DEVICES {
            let known = import_of(&Builder::new(device));
            let refusal = bench.refusal(FABRIKAM, known).await;
            assert_eq!(refusal, DirectoryError::ZtdDeviceAssignedToOtherTenant);
            let number = 1_000 * device + u64::try_from(gathered).unwrap();
            let new = import_of(&Builder::new(number));
            bench.register(FABRIKAM, new.clone()).await;
            let refusal = bench.refusal(CONTOSO, new).await;
            assert_eq!(refusal, DirectoryError::ZtdDeviceAssignedToOtherTenant);
        }
        store.close().await;
    }
}

#[test]
fn a_database_of_another_kind_is_refused() {
    let files = Files::new();
    let open = |opening| SqliteStore::open(&files.path(), opening);
    drop(open(Opening::Serve(DatabaseKind::Development)).unwrap());
    let Err(OpenError::OtherKind { made_by, .. }) = open(Opening::Serve(DatabaseKind::Production))
    else {
        panic!("opened");
    };
    assert_eq!(made_by, "development");
    open(Opening::Serve(DatabaseKind::Development)).unwrap();
    open(Opening::Administer).expect("an administrator opens either kind");
}

#[test]
fn a_newer_schema_is_refused() {
    let files = Files::new();
    drop(files.open());
    let connection = files.connect();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    for opening in [
        Opening::Serve(DatabaseKind::Production),
        Opening::Administer,
    ] {
        let refused = SqliteStore::open(&files.path(), opening);
        assert!(matches!(refused, Err(OpenError::Newer { found: 99, .. })));
    }
}

#[test]
fn what_is_not_ours_is_refused_and_left_as_it_is() {
    let files = Files::new();
    let foreign = files.connect();
    foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(foreign);
    let bytes = fs::read(files.path()).unwrap();
    for opening in [
        Opening::Serve(DatabaseKind::Production),
        Opening::Administer,
    ] {
        let refused = SqliteStore::open(&files.path(), opening);
        assert!(matches!(refused, Err(OpenError::NotOurs(_))));
        assert!(fs::read(files.path()).unwrap() == bytes, "it was changed");
    }

    let text = vec![b'x'; 4096];
    fs::write(files.path(), &text).unwrap();
    assert!(matches!(files_error(&files), OpenError::Sqlite { .. }));
    assert!(fs::read(files.path()).unwrap() == text, "it was changed");
}

fn files_error(files: &Files) -> OpenError {
    match serve(&files.path()) {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

#[test]
fn an_administrator_makes_no_database() {
    let files = Files::new();
    let opened = SqliteStore::open(&files.path(), Opening::Administer);
    assert!(matches!(opened, Err(OpenError::Absent(path)) if path == files.path()));
    assert!(!files.path().exists());
}

#[test]
fn opening_a_database_that_is_up_to_date_writes_nothing() {
    let files = Files::new();
    drop(files.open());
    let bytes = fs::read(files.path()).unwrap();
    let store = files.open();
    let log = files.directory.path().join("hangar.db-wal");
    let written = fs::metadata(log).map_or(0, |log| log.len());
    assert_eq!(written, 0, "so that a full disk keeps nobody from reading");
    drop(store);
    assert!(fs::read(files.path()).unwrap() == bytes, "it was changed");
}

/// Root may write what nobody may, so that for root the directory is one where nothing can be.
#[test]
fn what_cant_be_made_is_said() {
    let files = Files::new();
    let folder = files.directory.path().join("folder");
    fs::write(&folder, "a file in the way").unwrap();
    let refused = serve(&folder.join("hangar.db"));
    assert!(matches!(refused, Err(OpenError::Io { .. })));

    let taken = files.directory.path().join("taken.db");
    fs::create_dir(&taken).unwrap();
    assert!(matches!(serve(&taken), Err(OpenError::Io { .. })));
    let administered = SqliteStore::open(&taken, Opening::Administer);
    assert!(matches!(administered, Err(OpenError::Sqlite { .. })));

    if is_root() {
        return;
    }
    drop(files.open());
    let read_only = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    read_only(&files.path(), 0o400);
    assert!(matches!(files_error(&files), OpenError::Io { .. }));
    read_only(&files.path(), 0o600);
    read_only(files.directory.path(), 0o500);
    let refused = serve(&files.directory.path().join("new.db"));
    read_only(files.directory.path(), 0o700);
    assert!(matches!(refused, Err(OpenError::Io { .. })));
}

/// Whether file permissions mean anything to this process.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[test]
fn audit_rows_are_only_added() {
    let files = Files::new();
    drop(files.open());
    let connection: Connection = files.connect();
    let add = "INSERT INTO audit (at, actor_kind, actor_id, action) VALUES (0, 'a', 'b', 'c')";
    connection.execute(add, []).unwrap();
    for change in [
        "UPDATE audit SET action = 'd'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE seq = 1",
    ] {
        let refused = connection.execute(change, []).unwrap_err();
        assert!(refused.to_string().contains("never"), "{refused}");
    }
    let count = "SELECT count(*) FROM audit WHERE action = 'c'";
    let count: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}
