//! A disk that is full.

use futures_util::future::join_all;

use super::*;
use crate::testing::{postgres::give_away, small_disk::SmallDisk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_recovers_with_room_needs_root() {
    let disk = match SmallDisk::mount(2) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("not run: a small disk can't be mounted: {reason}");
            return;
        }
    };
    give_away(disk.path());
    let scratch = Scratch::new(DatabaseKind::Production);
    let space = scratch.name();
    scratch.ask_server(&format!(
        "CREATE TABLESPACE {space} LOCATION '{}'",
        disk.path().display()
    ));
    for table in ["import", "device", "audit"] {
        scratch.ask(&format!("ALTER TABLE {table} SET TABLESPACE {space}"));
    }
    let store: Arc<dyn Store> = Arc::new(serve(&scratch));
    let bench = Workbench::new(Arc::clone(&store));
    let properties = import_of(&Builder::new(1));
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    while refused.len() < 40 {
        assert!(accepted.len() < 20_000, "the disk is never full");
        let ids = [(); 20].map(|()| ImportId(Uuid::new_v4()));
        let creates = ids.map(|id| bench.create(CONTOSO, vec![(id, properties.clone())], at(0)));
        for (id, answer) in ids.iter().zip(join_all(creates).await) {
            match answer {
                Ok(()) => accepted.push(*id),
                Err(StoreError::Unavailable(reason)) => {
                    assert!(reason.contains("53100"), "{reason}");
                    refused.push(*id);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert!(accepted.len() > 20);
    // An `import` call is all or nothing; what is accepted is read, and can't be settled yet.
    let both = vec![
        (refused[0], properties.clone()),
        (refused[1], properties.clone()),
    ];
    let many = bench.create(CONTOSO, both, at(0)).await;
    assert!(matches!(many, Err(StoreError::Unavailable(_))), "{many:?}");
    let there = |count: usize| count as u64;
    assert_eq!(
        store.count_imports(CONTOSO, None).await,
        Ok(there(accepted.len()))
    );

    disk.resize(64);
    for id in refused {
        let again = bench
            .create(CONTOSO, vec![(id, properties.clone())], at(0))
            .await;
        assert_eq!(again, Ok(()));
        accepted.push(id);
    }
    for id in &accepted {
        let import = bench.import(CONTOSO, *id).await.expect("it was accepted");
        assert_eq!(import.properties, properties);
    }
    assert_eq!(
        store.count_imports(CONTOSO, None).await,
        Ok(there(accepted.len()))
    );
    // They all mean one device: it is registered once.
    let settled = bench.settle_all().await;
    assert_eq!(settled.len(), accepted.len());
    assert_eq!(bench.devices(CONTOSO).await.len(), 1);
    store.close().await;
    drop(bench);
    drop(store);
    scratch.ask_server(&format!("DROP DATABASE {space} WITH (FORCE)"));
    scratch.ask_server(&format!("DROP TABLESPACE {space}"));
}
