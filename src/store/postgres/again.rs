//! Trying again: what the database could not do just now, where that is safe.

use std::time::Duration;

use super::fault::Fault;
use crate::store::StoreError;

/// How often an operation is tried at most.
const ATTEMPTS: u32 = 5;

/// How long the second attempt waits at least; each later one waits four times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Whether doing an operation twice is the same as doing it once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeatable {
    /// It is: what it did before is found and counts.
    Yes,
    /// It is not: an attempt whose outcome is not known is the last.
    No,
}

/// Counts the attempts at one operation.
pub(super) struct Attempts {
    repeatable: Repeatable,
    made: u32,
    /// Why an earlier attempt may have succeeded, if one may.
    doubt: Option<String>,
}

impl Attempts {
    pub(super) fn new(repeatable: Repeatable) -> Self {
        Self {
            repeatable,
            made: 0,
            doubt: None,
        }
    }

    /// Whether an earlier attempt may have succeeded.
    pub(super) fn in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Takes down an attempt's outcome: `None` after a pause if there is to be another.
    pub(super) async fn judge<T>(
        &mut self,
        outcome: Result<T, Fault>,
    ) -> Option<Result<T, StoreError>> {
        self.made += 1;
        let fault = match outcome {
            Ok(done) => return Some(Ok(done)),
            Err(fault) => fault,
        };
        let (may_repeat, error) = match fault {
            Fault::Again(why) => (true, StoreError::Unavailable(why)),
            Fault::Rival(why) => (true, StoreError::Backend(why)),
            Fault::Doubtful(why) => {
                self.doubt = Some(why.clone());
                (self.repeatable == Repeatable::Yes, StoreError::Unknown(why))
            }
            // What is there already is no more certain for being found again.
            Fault::Unconfirmed(why) => (false, StoreError::Unknown(why)),
            Fault::Store(error) => (false, error),
        };
        if may_repeat && self.made < ATTEMPTS {
            metrics::counter!("hangar_store_retries_total").increment(1);
            tokio::time::sleep(pause(self.made)).await;
            return None;
        }
        Some(Err(match (&self.doubt, error) {
            // Nothing that comes later tells what became of the attempt before.
            (Some(why), StoreError::Unavailable(_) | StoreError::Busy) => {
                StoreError::Unknown(why.clone())
            }
            (_, error) => error,
        }))
    }
}

/// Spread out, so that those who got in each other's way do not meet again.
fn pause(attempts: u32) -> Duration {
    let least = FIRST_PAUSE * 4_u32.pow(attempts.saturating_sub(1));
    let [byte, ..] = *uuid::Uuid::new_v4().as_bytes();
    least + least * u32::from(byte) / 256
}

/// Does an operation in a transaction, again where it must and may.
macro_rules! in_transaction {
    ($pool:expr, $transaction:ident => $work:expr) => {{
        let mut attempts = $crate::store::postgres::again::Attempts::new(
            $crate::store::postgres::again::Repeatable::No,
        );
        loop {
            let outcome = async {
                let $transaction = $pool.begin().await?;
                let done = $work?;
                $transaction.commit().await?;
                Ok(done)
            };
            if let Some(result) = attempts.judge(outcome.await).await {
                break result;
            }
        }
    }};
}

/// Reads, again where it must.
macro_rules! reading {
    ($pool:expr, $session:ident => $work:expr) => {{
        let mut attempts = $crate::store::postgres::again::Attempts::new(
            $crate::store::postgres::again::Repeatable::Yes,
        );
        loop {
            let outcome = async {
                let $session = $pool.get().await?;
                $work
            };
            if let Some(result) = attempts.judge(outcome.await).await {
                break result;
            }
        }
    }};
}

pub(super) use {in_transaction, reading};
