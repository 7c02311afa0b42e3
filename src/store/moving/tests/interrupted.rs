//! A move that ends anywhere goes on where it was; one that was meddled with says so.

use std::{future::poll_fn, pin::pin, task::Poll};

use super::*;

/// Moves until it has been looked at so many times; says whether it came to its end.
async fn move_for(from: &str, to: &str, polls: usize) -> Option<Result<Moved, MoveError>> {
    let mut moving = pin!(move_by(from, to, 5));
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        moving.as_mut().poll(context).map(Some)
    })
    .await
}

/// Interrupts a move again and again, each time a little later, until it ends.
async fn interrupt(from: &str, to: &str) -> (Moved, usize) {
    for round in 0..400 {
        match move_for(from, to, 20 + round * 3).await {
            // What was dropped may hold its database a moment longer.
            None | Some(Err(MoveError::Open(OpenError::InUse(_)))) => {}
            Some(moved) => return (moved.unwrap(), round),
        }
    }
    panic!("it never ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_goes_on_wherever_it_ended() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let scratch = Scratch::empty();
    let (there, rounds) = interrupt(&first, &scratch.url()).await;
    assert!(rounds > 3, "{rounds}");
    let second = files.url("second.db");
    let (back, rounds) = interrupt(&scratch.url(), &second).await;
    assert!(rounds > 3, "{rounds}");
    let uninterrupted = files.url("uninterrupted.db");
    let expected = move_all(&scratch.url(), &uninterrupted).await.unwrap();
    assert_eq!(there.tables, expected.tables);
    assert_eq!(back.tables, expected.tables);
    expect_sound(&second);
    expect_like(&serve(&first), &serve(&second)).await;
}

/// Begins a move and leaves it half done.
async fn half(from: &str, to: &str) {
    for polls in (40..).step_by(10) {
        let ended = move_for(from, to, polls).await;
        assert!(ended.is_none_or(|moved| moved.is_err()), "it is over");
        let target = Database::at(to);
        let mut side: Box<dyn Side> = if to.starts_with("sqlite") {
            let path = store::file_of(to).unwrap();
            let Ok(side) = store::sqlite::SqliteSide::target(path) else {
                continue;
            };
            Box::new(side)
        } else {
            Box::new(
                store::postgres::PostgresSide::target(&target)
                    .await
                    .unwrap(),
            )
        };
        let held = counts(side.as_mut()).await.unwrap();
        if held["import"] > 0 {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_house_is_not_served_and_goes_on_from_its_own_source_only() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let other = files.full_house("other.db").await;
    let scratch = Scratch::empty();
    half(&first, &scratch.url()).await;
    for opening in [
        Opening::Serve(store::DatabaseKind::Production),
        Opening::Administer,
    ] {
        let opened = store::open(&scratch.url(), opening).err().unwrap();
        assert!(matches!(opened, OpenError::HalfMoved(_)), "{opened}");
    }
    let refused = move_all(&other, &scratch.url()).await.unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("from another database than at"), "{said}");
    let further = files.url("further.db");
    let said = move_all(&scratch.url(), &further).await.unwrap_err();
    assert!(said.to_string().contains("holds half of a move"), "{said}");

    // The source goes on living: a row more, found at once.
    full_house::go_on(&files.serve("first.db")).await;
    let said = move_all(&first, &scratch.url()).await.unwrap_err();
    assert!(said.to_string().contains("not as it was when"), "{said}");

    let back = files.url("back.db");
    let whole = Scratch::empty();
    move_all(&other, &whole.url()).await.unwrap();
    half(&whole.url(), &back).await;
    let opened = store::open(&back, Opening::Serve(store::DatabaseKind::Production)).err();
    assert!(matches!(opened, Some(OpenError::HalfMoved(_))));
    let opened = store::open(&back, Opening::Administer).err();
    assert!(matches!(opened, Some(OpenError::HalfMoved(_))));
    move_all(&whole.url(), &back).await.unwrap();
    expect_sound(&back);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_meddles_with_the_target_is_found_out() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let scratch = Scratch::empty();
    half(&first, &scratch.url()).await;
    scratch.ask("DELETE FROM import WHERE seq = (SELECT max(seq) FROM import)");
    let said = move_all(&first, &scratch.url()).await.unwrap_err();
    assert!(
        said.to_string()
            .contains("not as the interrupted move left it"),
        "{said}"
    );

    let scratch = Scratch::empty();
    half(&first, &scratch.url()).await;
    scratch.ask("UPDATE import SET group_tag = group_tag || ' ' WHERE seq = 3");
    let Err(MoveError::Differs(said)) = move_all(&first, &scratch.url()).await else {
        panic!("nobody noticed");
    };
    assert_eq!(
        said[0],
        "The target is not what the source is: table import, from its beginning to seq 7: \
         the row with seq 3 differs in group_tag."
    );
    assert_eq!(said.len(), 2);
    let opened = store::open(
        &scratch.url(),
        Opening::Serve(store::DatabaseKind::Production),
    );
    assert!(matches!(opened.err(), Some(OpenError::HalfMoved(_))));
    // It stays so.
    let again = move_all(&first, &scratch.url()).await;
    assert!(matches!(again, Err(MoveError::Differs(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_over_is_compared_again() {
    let files = Files::new();
    let first = files.full_house("first.db").await;
    let scratch = Scratch::empty();
    let moved = move_all(&first, &scratch.url()).await.unwrap();
    assert!(!moved.was_over);
    let again = move_all(&first, &scratch.url()).await.unwrap();
    assert!(again.was_over);
    assert_eq!(again.tables, moved.tables);
    let store = serve(&scratch.url());
    full_house::go_on(&store).await;
    store.close().await;
    drop(store);
    let Err(MoveError::Differs(said)) = move_all(&first, &scratch.url()).await else {
        panic!("nobody noticed");
    };
    assert!(
        said.last().unwrap().contains("has changed since"),
        "{said:?}"
    );
    // The target is in use, and stays so.
    serve(&scratch.url()).close().await;
}
