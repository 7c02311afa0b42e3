//! Waits until the server has decided every row that it accepted, asking as little as it can: our
//! ids lie side by side, so pages of the list hold hundreds of ours, and a page on which nothing
//! waits any more is not read again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;

use super::{
    ids::RowIds,
    outcome::{Outcomes, State},
};
use crate::{
    cli::progress::Progress,
    client::{ClientError, GraphClient, ImportsPage},
};

/// So few rows are asked for one by one.
const FEW: usize = 64;
const LOOKUPS: usize = 8;

/// On a shorter list nothing is gained by searching for its first page of ours.
const WORTH_SEARCHING: u64 = 5_000;

/// Between looks at a few rows, and between looks at a page, which costs the server more.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const SHORTEST_PAUSE_FOR_PAGES: Duration = Duration::from_millis(400);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How the wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// Every row has its outcome.
    ToTheEnd,
    /// Time was up.
    InVain,
}

/// What is needed to wait.
pub(super) struct Waiter<'a> {
    client: &'a GraphClient,
    outcomes: &'a Mutex<Outcomes>,
    ids: RowIds,
    progress: &'a Progress,
    /// The first page on which something may wait.
    first_page: Option<String>,
    /// Whether the list may be asked for some properties only.
    selects: bool,
    /// Whether the list was seen to be in the order of ids.
    is_ordered: bool,
}

/// What a walk over pages saw.
#[derive(Default)]
struct Walk {
    settled: usize,
    still_waiting: usize,
    /// The first page with a row that waits.
    first_waiting: Option<String>,
    reached_end: bool,
}

impl<'a> Waiter<'a> {
    pub(super) fn new(
        client: &'a GraphClient,
        outcomes: &'a Mutex<Outcomes>,
        ids: RowIds,
        progress: &'a Progress,
    ) -> Self {
        Self {
            client,
            outcomes,
            ids,
            progress,
            first_page: None,
            selects: true,
            is_ordered: false,
        }
    }

    /// Waits for every accepted row, at most this long.
    pub(super) async fn wait(mut self, limit: Duration) -> Result<Waited> {
        let deadline = Instant::now() + limit;
        let mut pause = SHORTEST_PAUSE;
        let whole = self.lock().waiting();
        loop {
            let before = self.lock().waiting();
            self.show(whole - before, whole);
            if before == 0 {
                return Ok(Waited::ToTheEnd);
            }
            if before <= FEW {
                self.ask_one_by_one(FEW).await?;
            } else {
                self.walk().await?;
            }
            let settled = before.saturating_sub(self.lock().waiting());
            if settled == before {
                continue;
            }
            if Instant::now() >= deadline {
                return Ok(Waited::InVain);
            }
            pause = if settled > 0 && before > FEW {
                SHORTEST_PAUSE_FOR_PAGES
            } else if settled > 0 {
                SHORTEST_PAUSE
            } else {
                (pause * 3 / 2).min(LONGEST_PAUSE)
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn ask_one_by_one(&self, most: usize) -> Result<(), ClientError> {
        let waiting: Vec<_> = {
            let outcomes = self.lock();
            let rows = outcomes.waiting_rows().take(most);
            rows.map(|row| {
                let own = || self.ids.id(row).to_string();
                (
                    row,
                    outcomes.foreign_id(row).map_or_else(own, str::to_owned),
                )
            })
            .collect()
        };
        stream::iter(waiting)
            .map(Ok)
            .try_for_each_concurrent(LOOKUPS, |(row, id)| async move {
                match self.client.get_import(&id).await? {
                    Some(seen) => {
                        self.lock().settle(row, &seen);
                    }
                    None => self.lock().set(row, State::Gone),
                }
                Ok(())
            })
            .await
    }

    /// Walks over the list's pages, from the first on which something may wait.
    async fn walk(&mut self) -> Result<(), ClientError> {
        let is_whole = self.first_page.is_none();
        let start = match self.first_page.take() {
            Some(link) => link,
            None => self.find_first_page().await?,
        };
        let mut walk = Walk::default();
        let mut next = Some(start);
        while let Some(link) = next.take() {
            let page = self.client.imports_page(&link).await?;
            let (settled, waiting, is_past) = self.read(&page);
            walk.settled += settled;
            walk.still_waiting += waiting;
            if waiting > 0 && walk.first_waiting.is_none() {
                walk.first_waiting = Some(link);
            }
            walk.reached_end = is_past || page.next.is_none();
            // What the server takes up next is on this page: the later ones wait as well.
            if !walk.reached_end && waiting <= settled.max(FEW) {
                next = page.next;
            }
            let outcomes = self.lock();
            let whole = outcomes.accepted();
            let done = whole.saturating_sub(outcomes.waiting());
            drop(outcomes);
            self.show(done, whole);
        }
        let seen_all = walk.reached_end && is_whole;
        self.first_page = walk.first_waiting;
        if seen_all && walk.still_waiting == 0 && self.lock().waiting() > 0 {
            // The list does not have them: they were deleted, or it is not whole.
            self.ask_one_by_one(usize::MAX).await?;
        }
        Ok(())
    }

    /// Takes over a page: how many rows it settled, how many still wait on it, and whether all
    /// that follows is later than ours.
    fn read(&self, page: &ImportsPage) -> (usize, usize, bool) {
        let mut outcomes = self.lock();
        let (mut settled, mut waiting) = (0, 0);
        for import in &page.imports {
            let own = self.ids.row(&import.id);
            let Some(row) = own.or_else(|| outcomes.foreign_row(&import.id)) else {
                continue;
            };
            if outcomes.get(row).state != State::Accepted {
                continue;
            }
            if outcomes.settle(row, import) {
                settled += 1;
            } else {
                waiting += 1;
            }
        }
        let end = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
        let end = self.ids.id(end).to_string();
        let is_past = self.is_ordered && page.imports.last().is_some_and(|last| last.id > end);
        (settled, waiting, is_past)
    }

    /// Where the first row that waits is in the list. Where the list is in the order of ids, its
    /// place is found by halving; else it is the beginning.
    async fn find_first_page(&mut self) -> Result<String, ClientError> {
        let mut options = "$top=999&$select=id,serialNumber,state".to_owned();
        if self.selects {
            let probe = self.client.imports_link(&options.replace("999", "1"));
            match self.client.imports_page(&probe).await {
                Ok(_) => {}
                Err(ClientError::Refused(_)) => self.selects = false,
                Err(error) => return Err(error),
            }
        }
        if !self.selects {
            "$top=999".clone_into(&mut options);
        }
        let from = |skip: u64| match skip {
            0 => self.client.imports_link(&options),
            skip => self.client.imports_link(&format!("{options}&$skip={skip}")),
        };
        let first = self.lock().waiting_rows().next().unwrap_or(0);
        let wanted = self.ids.id(first).to_string();
        let (mut low, mut high) = (0, self.client.count_imports().await.unwrap_or(0));
        if high < WORTH_SEARCHING || self.lock().foreign_id(first).is_some() {
            return Ok(from(0));
        }
        while low < high {
            let middle = low + (high - low) / 2;
            let one = from(middle).replace("$top=999", "$top=1");
            let page = match self.client.imports_page(&one).await {
                Ok(page) => page,
                Err(ClientError::Refused(_)) => return Ok(from(0)),
                Err(error) => return Err(error),
            };
            match page.imports.first() {
                Some(import) if import.id < wanted => low = middle + 1,
                _ => high = middle,
            }
        }
        let page = self
            .client
            .imports_page(&from(low).replace("$top=999", "$top=1"))
            .await?;
        let is_there = page
            .imports
            .first()
            .is_some_and(|import| import.id == wanted);
        self.is_ordered = is_there;
        Ok(if is_there { from(low) } else { from(0) })
    }

    fn show(&self, done: usize, whole: usize) {
        self.progress.show(done as u64, whole as u64, done);
    }

    fn lock(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
