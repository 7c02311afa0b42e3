//! What is not moved, and how that is said.

use super::*;

async fn refusal(from: &str, to: &str) -> String {
    move_all(from, to).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_not_empty_is_refused_both_ways() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let scratch = Scratch::new(store::DatabaseKind::Production);
    let store = serve(&scratch.url());
    full_house::furnish(&store).await;
    store.close().await;
    drop(store);
    for (from, to) in [(&first, &scratch.url()), (&scratch.url(), &first)] {
        let said = refusal(from, to).await;
        assert!(said.contains("is not empty: its table"), "{said}");
    }
    // Neither was changed.
    serve(&first).close().await;
    serve(&scratch.url()).close().await;
    expect_sound(&first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_served_is_refused() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let scratch = Scratch::new(store::DatabaseKind::Production);
    let store = serve(&first);
    let said = refusal(&first, &scratch.url()).await;
    assert!(
        said.contains("is in use: stop the `hangar serve`"),
        "{said}"
    );
    let said = refusal(&scratch.url(), &first).await;
    assert!(
        said.contains("is in use: stop the `hangar serve`"),
        "{said}"
    );
    store.close().await;
    drop(store);

    let store = serve(&scratch.url());
    store.check().await.unwrap();
    let said = refusal(&first, &scratch.url()).await;
    assert!(said.contains("sessions of Hangar: stop every"), "{said}");
    let said = refusal(&scratch.url(), &files.url("back.db")).await;
    assert!(said.contains("sessions of Hangar: stop every"), "{said}");
    let named = format!("{}?application_name=site-a", scratch.url());
    store.close().await;
    drop(store);
    let store = serve(&named);
    store.check().await.unwrap();
    let said = refusal(&first, &named).await;
    assert!(said.contains("sessions of Hangar: stop every"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_said_before_anything_is_made() {
    let files = Files::new();
    let scratch = Scratch::empty();
    let (absent, target) = (files.url("absent.db"), files.url("target.db"));
    let said = refusal(&absent, &scratch.url()).await;
    assert!(said.contains("there is no database at"), "{said}");
    assert_eq!(scratch.ask("SELECT to_regclass('import') IS NULL"), "t");
    assert!(!files.path("absent.db").exists());

    let nobody = "postgres://hangar:secret@127.0.0.1:1/hangar";
    let said = refusal(nobody, &target).await;
    assert!(
        said.contains("\"hangar\" at 127.0.0.1:1 can't be used"),
        "{said}"
    );
    assert!(!said.contains("secret"));
    assert!(!files.path("target.db").exists());

    let said = refusal(&scratch.url(), &target).await;
    assert!(
        said.contains("is empty: start `hangar serve` on it first"),
        "{said}"
    );
    assert!(!files.path("target.db").exists());

    std::fs::write(
        files.path("text.db"),
        "a text, and no database of anybody's",
    )
    .unwrap();
    let said = refusal(&files.url("text.db"), &scratch.url()).await;
    assert!(said.contains("not Hangar's"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_of_one_kind_and_other_schemas_are_refused() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let said = refusal(&first, &files.url("second.db")).await;
    assert!(said.contains("`hangar backup` copies one"), "{said}");
    let said = refusal("postgres://a/b", "postgres://a/c").await;
    assert!(said.contains("`pg_dump`"), "{said}");
    let said = refusal("mysql://root:secret@x", &first).await;
    assert!(
        said.contains("mysql://…") && !said.contains("secret"),
        "{said}"
    );

    let scratch = Scratch::new(store::DatabaseKind::Production);
    for (number, expected) in [
        (99, "newer one"),
        (0, "start this program's `hangar serve`"),
    ] {
        scratch.ask(match number {
            0 => "DELETE FROM schema_migration; ",
            _ => "INSERT INTO schema_migration (number) VALUES (99)",
        });
        let said = refusal(&scratch.url(), &files.url("x.db")).await;
        assert!(said.contains(expected), "{said}");
    }
    for (version, expected) in [(6, "older than this program's"), (99, "newer than")] {
        let path = files.path("first.db");
        ask(&path, &format!("PRAGMA user_version = {version}; SELECT 1"));
        let said = refusal(&first, &Scratch::empty().url()).await;
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_makes_no_sense_is_named() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let insert = "INSERT INTO audit (at, actor_kind, actor_id, action) VALUES (1, 'x', 'x', 'x')";
    ask(&files.path("first.db"), &format!("{insert}; SELECT 1"));
    let said = refusal(&first, &Scratch::empty().url()).await;
    assert!(said.contains("tenant of a row of audit"), "{said}");
}
