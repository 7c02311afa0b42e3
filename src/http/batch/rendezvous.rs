//! Does parts together, so that what they write reaches the disk in one commit.
//!
//! Reading a part takes longer than handing its rows to the store. So the parts are first all read,
//! up to their first write, and then write in one go.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::future::{BoxFuture, FutureExt as _, MaybeDone, maybe_done};

use crate::store::Store;

/// After this long, parts that follow leave the thread to other connections first.
const SLICE: Duration = Duration::from_millis(1);

/// Where parts that are done together wait for each other before they write.
#[derive(Clone, Default)]
pub struct Rendezvous(Arc<AtomicBool>);

impl Rendezvous {
    /// Completes once the others are here too, or were. Whoever opens it polls all who wait.
    pub async fn meet(&self) {
        poll_fn(|_| {
            if self.0.load(Ordering::Acquire) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn open(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Does these parts together, who meet there.
pub(super) async fn run_together<T: Send>(
    store: &dyn Store,
    meeting: &Rendezvous,
    parts: Vec<BoxFuture<'_, T>>,
) -> Vec<T> {
    let mut parts: Vec<_> = parts.into_iter().map(maybe_done).collect();
    let first = poll_fn(|context| Poll::Ready(poll_all(&mut parts, context, None))).await;
    meeting.open();
    if first.is_pending() {
        poll_fn(|context| {
            store.together(&mut || {
                let _ = poll_all(&mut parts, context, None);
            });
            Poll::Ready(())
        })
        .await;
        poll_fn(|context| poll_all(&mut parts, context, Some(SLICE))).await;
    }
    parts
        .iter_mut()
        .filter_map(|part| Pin::new(part).take_output())
        .collect()
}

/// Polls every part, or as many as fit into a slice of time.
fn poll_all<T>(
    parts: &mut [MaybeDone<BoxFuture<'_, T>>],
    context: &mut Context<'_>,
    slice: Option<Duration>,
) -> Poll<()> {
    let started = Instant::now();
    let mut all = Poll::Ready(());
    for part in parts {
        if slice.is_some_and(|slice| started.elapsed() > slice) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if part.poll_unpin(context).is_pending() {
            all = Poll::Pending;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::testing::flawed_store::FlawedStore;

    #[tokio::test]
    async fn all_are_read_before_the_first_writes() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("hangar.db").display());
        let opening = crate::store::Opening::Serve(crate::store::DatabaseKind::Production);
        let store = FlawedStore::new(crate::store::open(&url, opening).unwrap());
        let meeting = Rendezvous::default();
        let log = Mutex::new(Vec::new());
        let parts = (0..3).map(|number| {
            let (meeting, log) = (meeting.clone(), &log);
            async move {
                log.lock().unwrap().push(format!("read {number}"));
                meeting.meet().await;
                log.lock().unwrap().push(format!("write {number}"));
                tokio::task::yield_now().await;
                number
            }
            .boxed()
        });
        let done = run_together(&store, &meeting, parts.collect()).await;
        assert_eq!(done, [0, 1, 2]);
        let expected = [
            "read 0", "read 1", "read 2", "write 0", "write 1", "write 2",
        ];
        assert_eq!(*log.lock().unwrap(), expected);
    }
}
