//! News of work: within this process at once, to the others by NOTIFY, and by looking again after a
//! while, so that it also comes where NOTIFY does not, as through some poolers.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use super::{connect::Target, pool::Pool, tasks::Tasks};
use crate::store::Pooling;

/// How long somebody who waits for work looks at nothing, at least; up to twice as long.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// How long it takes at least from one piece of news to the next: under load every commit brings
/// some, and who looks each time finds little.
const NEWS_APART: Duration = Duration::from_millis(10);

/// Others are told of new work so often at most: a NOTIFY lets one transaction of all processes
/// commit at a time.
const TOLD_AFTER: Duration = Duration::from_millis(100);

/// How long nobody listens after a connection was lost, at least; up to twice as long.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Wakes those who wait for work.
pub(super) struct Work {
    news: Arc<Notify>,
    /// Set off when others are to be told.
    to_tell: Arc<Notify>,
    /// When there was news last.
    last_news: Mutex<Option<Instant>>,
    /// When an import that rests may be tried again.
    next_lapse: Mutex<Option<Instant>>,
    courier: OnceLock<()>,
}

impl Work {
    pub(super) fn new() -> Self {
        Self {
            news: Arc::default(),
            to_tell: Arc::default(),
            last_news: Mutex::default(),
            next_lapse: Mutex::default(),
            courier: OnceLock::new(),
        }
    }

    /// Says that there is work, here and elsewhere.
    pub(super) fn announce(&self, target: &Target, pool: &Pool, tasks: &Tasks) {
        self.keep_in_touch(target, pool, tasks);
        self.news.notify_one();
        self.to_tell.notify_one();
    }

    /// Notes that there will be work after this while.
    pub(super) fn expect_after(&self, while_: Duration) {
        let at = Instant::now() + while_;
        let mut next = self
            .next_lapse
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *next = Some(next.map_or(at, |earlier| earlier.min(at)));
    }

    /// Completes when there may be work.
    pub(super) async fn wait(&self, target: &Target, pool: &Pool, tasks: &Tasks) {
        self.keep_in_touch(target, pool, tasks);
        let lapse = {
            let mut next = self
                .next_lapse
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            next.take()
        };
        let look = Instant::now() + spread(LOOK_AFTER);
        let until = lapse.map_or(look, |lapse| lapse.min(look));
        tokio::select! {
            () = self.some_news() => {
                // Whoever waits next still has to know.
                if let Some(lapse) = lapse {
                    self.expect_after(lapse.saturating_duration_since(Instant::now()));
                }
            }
            () = tokio::time::sleep_until(until) => {}
        }
    }

    /// Completes when there is news, and has been none for a moment.
    async fn some_news(&self) {
        self.news.notified().await;
        let last = *self
            .last_news
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last {
            tokio::time::sleep_until(last + NEWS_APART).await;
        }
        let mut last = self
            .last_news
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(Instant::now());
    }

    /// Starts listening to the other processes, and telling them.
    fn keep_in_touch(&self, target: &Target, pool: &Pool, tasks: &Tasks) {
        self.courier.get_or_init(|| {
            let name = Uuid::new_v4().simple().to_string();
            let heard = Arc::clone(&self.news);
            // Nobody hears anything on a connection that is somebody else's by then.
            if target.pooling() == Pooling::Session {
                tasks.spawn(listen(target.clone(), heard, name.clone()));
            }
            tasks.spawn(tell(pool.clone(), Arc::clone(&self.to_tell), name));
        });
    }
}

/// Listens for ever, on a connection of its own. `name` is what this process says itself.
async fn listen(target: Target, news: Arc<Notify>, name: String) {
    let tasks = Tasks::default();
    loop {
        let heard = Arc::clone(&news);
        let own = name.clone();
        let notified = Box::new(move |said: &str| {
            if said != own {
                heard.notify_one();
            }
        });
        if let Ok(link) = target.connect(&tasks, Some(notified)).await
            && link
                .client
                .batch_execute("LISTEN hangar_work")
                .await
                .is_ok()
        {
            // Nobody told us anything meanwhile.
            news.notify_one();
            let _ = link.ended.await;
        }
        tokio::time::sleep(spread(LISTEN_AGAIN)).await;
    }
}

/// Tells the others, for ever. What can't be told is found by those who look.
async fn tell(pool: Pool, to_tell: Arc<Notify>, name: String) {
    loop {
        to_tell.notified().await;
        if let Ok(session) = pool.get().await {
            let sql = "SELECT pg_notify('hangar_work', $1)";
            let _ = session.query(sql, &[&name]).await;
        }
        tokio::time::sleep(TOLD_AFTER).await;
    }
}

/// Up to twice as long, so that processes do not all look at once.
fn spread(least: Duration) -> Duration {
    let [byte, ..] = *Uuid::new_v4().as_bytes();
    least + least * u32::from(byte) / 256
}
