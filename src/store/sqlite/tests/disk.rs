//! Disks that are full. Nothing that was answered is lost, nothing is half there, and all works
//! again when there is room.

use std::fs;

use futures_util::future::join_all;
use hardware_hash::Builder;

use super::*;
use crate::{
    domain::import::ImportProperties,
    store::StoreError,
    testing::{CONTOSO, import_of, small_disk::SmallDisk, workbench::at, workbench::import_id},
};

/// Accepts imports, many at once, until the disk is full. Gives the ids that were answered, and
/// those that were not.
async fn fill(bench: &Workbench) -> (Vec<ImportId>, Vec<ImportId>) {
    let properties = import_of(&Builder::new(1));
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for round in 0..500 {
        let ids: Vec<_> = (1..=20).map(|one| import_id(round * 20 + one)).collect();
        let creates = ids.iter().map(|id| {
            let rows = vec![(*id, properties.clone())];
            bench.create(CONTOSO, rows, at(0))
        });
        for (id, answer) in ids.iter().zip(join_all(creates).await) {
            match answer {
                Ok(()) => accepted.push(*id),
                Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => refused.push(*id),
                Err(error) => panic!("{error:?}"),
            }
        }
        // Once more after the first refusal: a full disk stays full.
        if refused.len() > 20 {
            return (accepted, refused);
        }
    }
    panic!("the disk is never full");
}

/// Proves that exactly the rows that were answered are there, and whole. A row whose outcome is
/// not known may be there, but whole.
async fn prove(bench: &Workbench, accepted: &[ImportId]) {
    let expected: ImportProperties = import_of(&Builder::new(1));
    for id in accepted {
        let import = bench.import(CONTOSO, *id).await.expect("it was answered");
        assert_eq!(import.properties, expected);
    }
    for import in bench.imports(CONTOSO).await {
        assert_eq!(import.properties, expected);
    }
}

fn integrity(path: &Path) -> String {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn a_database_that_may_not_grow_recovers_with_room() {
    let files = Files::new();
    let store = Arc::new(SqliteStore::open_limited(&files.path(), 70).unwrap());
    let workbench = bench(&store);
    let (mut accepted, refused) = fill(&workbench).await;
    prove(&workbench, &accepted).await;
    let count = accepted.len() as u64;
    assert!(count > 20);
    assert_eq!(store.count_imports(CONTOSO, None).await, Ok(count));

    // Room made by deleting is used at once.
    for id in accepted.drain(..20) {
        assert!(workbench.delete(CONTOSO, id).await);
    }
    let row = |id| vec![(id, import_of(&Builder::new(1)))];
    let again = refused[0];
    assert_eq!(workbench.create(CONTOSO, row(again), at(0)).await, Ok(()));
    accepted.push(again);
    drop(workbench);
    drop(store);

    let store = Arc::new(files.open());
    let workbench = bench(&store);
    for id in &refused[1..] {
        assert_eq!(workbench.create(CONTOSO, row(*id), at(0)).await, Ok(()));
        accepted.push(*id);
    }
    prove(&workbench, &accepted).await;
    assert_eq!(integrity(&files.path()), "ok");
}

#[tokio::test]
async fn a_full_disk_recovers_by_itself_needs_root() {
    let disk = match SmallDisk::mount(2) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("not run: a small disk can't be mounted: {reason}");
            return;
        }
    };
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 1024 * 1024]).unwrap();
    let path = disk.path().join("hangar.db");
    let store = Arc::new(serve(&path).unwrap());
    let workbench = bench(&store);
    let (mut accepted, refused) = fill(&workbench).await;
    assert!(accepted.len() > 20);
    prove(&workbench, &accepted).await;
    assert_eq!(workbench.claim(1).await.len(), 1, "reading works");

    fs::remove_file(&ballast).unwrap();
    for id in refused.into_iter().take(5) {
        let rows = vec![(id, import_of(&Builder::new(1)))];
        let answer = workbench.create(CONTOSO, rows, at(0)).await;
        // A row whose outcome was not known may be there already.
        assert!(
            matches!(answer, Ok(()) | Err(StoreError::Conflict(_))),
            "{answer:?}"
        );
        accepted.push(id);
    }
    prove(&workbench, &accepted).await;
    store.close().await;
    drop(workbench);
    drop(store);
    assert_eq!(integrity(&path), "ok");
    let store = Arc::new(serve(&path).unwrap());
    prove(&bench(&store), &accepted).await;
    drop(store);

    disk.make_read_only();
    let refused = serve(&path);
    assert!(matches!(refused, Err(OpenError::Io { .. })));
}
