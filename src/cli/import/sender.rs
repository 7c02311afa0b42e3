//! Sends chunks so that nothing is sent twice: the journal first, and after an unknown outcome a
//! look at what the server has.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    ids::RowIds,
    journal::Journal,
    outcome::{Outcomes, State},
    planner::Chunk,
    ranges::Rows,
};
use crate::client::{ClientError, Echo, GraphClient, ImportSent, Refusal, SeenImport};

/// How many ids are asked for at a time.
const LOOKUPS: usize = 8;

/// What the senders share.
pub(super) struct Sender<'a> {
    pub(super) client: &'a GraphClient,
    pub(super) outcomes: &'a Mutex<Outcomes>,
    pub(super) journal: Arc<Mutex<Journal>>,
    pub(super) ids: RowIds,
    /// Whether the server keeps our ids, once that is known.
    pub(super) keeps_ids: Mutex<Option<bool>>,
}

impl Sender<'_> {
    /// Sends a chunk, until each of its rows is accepted or surely is not.
    pub(super) async fn deliver(&self, chunk: Chunk) -> Result<()> {
        let mut all: Vec<usize> = (0..chunk.rows.len()).collect();
        if chunk.is_doubtful {
            all = self.missing(&chunk, all).await?;
        }
        let mut work = vec![all];
        while let Some(places) = work.pop() {
            let Some(refusal) = self.send(&chunk, places.clone()).await? else {
                continue;
            };
            // One row spoils the call for all: halves find it.
            let (left, right) = places.split_at(places.len() / 2);
            match places.as_slice() {
                [place] => self.reject(&chunk, *place, &refusal),
                _ => work.extend([right.to_vec(), left.to_vec()]),
            }
        }
        Ok(())
    }

    /// Whether the first answer has yet to show what the server does with our ids.
    pub(super) fn is_first(&self) -> bool {
        self.keeps().is_none()
    }

    /// Sends some rows of a chunk as one call; gives the refusal if the server accepts none.
    async fn send(&self, chunk: &Chunk, mut places: Vec<usize>) -> Result<Option<Refusal>> {
        let mut backoff = self.client.patience().start();
        while !places.is_empty() {
            let rows = rows_at(chunk, &places);
            self.write_down(move |journal| journal.sending(&rows))
                .await?;
            let body = chunk.call.body(places.iter().copied());
            // Once it is known that the server keeps our ids, nothing is learned from their echo,
            // which is as long as what was sent.
            let echo = match self.keeps() {
                Some(true) => Echo::Spared,
                Some(false) | None => Echo::Wanted,
            };
            let (reason, retry_after) = match self.client.import(body, echo).await? {
                ImportSent::Unseen => {
                    self.accept_unseen(chunk, &places).await?;
                    return Ok(None);
                }
                ImportSent::Accepted(seen) if seen.len() == places.len() => {
                    self.accept(chunk, &places, seen).await?;
                    return Ok(None);
                }
                ImportSent::Accepted(seen) => {
                    let reason = format!(
                        "the server answered with {} of {} rows",
                        seen.len(),
                        places.len()
                    );
                    (reason, None)
                }
                ImportSent::Refused(refusal) => {
                    if is_about_the_call(&refusal) {
                        return Err(ClientError::Refused(refusal).into());
                    }
                    if refusal.status != 409 {
                        return Ok(Some(refusal));
                    }
                    // Taken ids are ours: these rows were accepted before.
                    let before = places.len();
                    places = self.missing(chunk, places).await?;
                    if places.len() == before {
                        return Ok(Some(refusal));
                    }
                    continue;
                }
                ImportSent::Unknown {
                    reason,
                    retry_after,
                } => (reason, retry_after),
            };
            if !self.client.pause(&mut backoff, retry_after, &reason).await {
                return Err(self.client.gave_up(reason).into());
            }
            places = self.missing(chunk, places).await?;
        }
        Ok(None)
    }

    /// Takes note that the server has all these rows under our ids.
    async fn accept_unseen(&self, chunk: &Chunk, places: &[usize]) -> Result<()> {
        {
            let mut outcomes = self.outcomes();
            rows_of(chunk, places).for_each(|row| outcomes.accept(row));
        }
        let rows = rows_at(chunk, places);
        self.write_down(move |journal| journal.accepted(&rows, Vec::new()))
            .await
    }

    /// Takes note of an answer to all these rows, in their order.
    async fn accept(&self, chunk: &Chunk, places: &[usize], seen: Vec<SeenImport>) -> Result<()> {
        let mut foreign = Vec::new();
        let mut has_own = false;
        for (row, seen) in rows_of(chunk, places).zip(seen) {
            if self.ids.row(&seen.id) == Some(row) {
                has_own = true;
                self.outcomes().accept(row);
            } else {
                self.outcomes().accept_as(row, &seen.id);
                foreign.push((row, seen.id));
            }
        }
        if foreign.is_empty() {
            self.learn(true).await?;
        } else if !has_own {
            self.learn(false).await?;
        }
        let rows = rows_at(chunk, places);
        self.write_down(move |journal| journal.accepted(&rows, foreign))
            .await
    }

    /// The rows among these that the server does not have. Those that it has are taken note of.
    async fn missing(&self, chunk: &Chunk, places: Vec<usize>) -> Result<Vec<usize>> {
        if self.keeps() == Some(false) {
            return self.missing_by_serial_number(chunk, places).await;
        }
        let lookups = stream::iter(places.clone()).map(|place| async move {
            let row = chunk.rows.get(place).map_or(0, |row| row.row);
            let id = self.ids.id(row).to_string();
            let found = self.client.get_import(&id).await?;
            Ok::<_, ClientError>((place, row, found.is_some()))
        });
        let found: Vec<_> = lookups.buffered(LOOKUPS).try_collect().await?;
        let (there, gone): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, _, there)| *there);
        if !there.is_empty() {
            self.learn(true).await?;
            let rows: Rows = there.iter().map(|(_, row, _)| *row).collect();
            for (_, row, _) in &there {
                self.outcomes().accept(*row);
            }
            self.write_down(move |journal| journal.accepted(&rows, Vec::new()))
                .await?;
        }
        let gone = gone.into_iter().map(|(place, _, _)| place).collect();
        match self.keeps() {
            Some(_) => Ok(gone),
            // Perhaps the server has them under ids of its own.
            None => self.missing_by_serial_number(chunk, gone).await,
        }
    }

    /// The same where ids say nothing: rows are told by their serial numbers.
    async fn missing_by_serial_number(
        &self,
        chunk: &Chunk,
        places: Vec<usize>,
    ) -> Result<Vec<usize>> {
        let wanted: Vec<_> = places
            .iter()
            .filter_map(|place| chunk.rows.get(*place))
            .collect();
        let serials = wanted.iter().map(|row| &*row.serial_number);
        let mut found = super::reconcile::find(self.client, self.outcomes, serials).await?;
        let mut missing = Vec::new();
        let mut foreign = Vec::new();
        for (row, place) in wanted.into_iter().zip(places) {
            match found.take(&row.serial_number) {
                None => missing.push(place),
                // An import without a serial number may be anybody's.
                Some(_) if row.serial_number.is_empty() => {
                    self.outcomes().set(row.row, State::Doubtful);
                }
                Some(id) => {
                    self.outcomes().accept_as(row.row, &id);
                    foreign.push((row.row, id));
                }
            }
        }
        if !foreign.is_empty() {
            self.learn(false).await?;
            let rows: Rows = foreign.iter().map(|(row, _)| *row).collect();
            self.write_down(move |journal| journal.accepted(&rows, foreign))
                .await?;
        }
        Ok(missing)
    }

    fn reject(&self, chunk: &Chunk, place: usize, refusal: &Refusal) {
        if let Some(row) = chunk.rows.get(place) {
            self.outcomes().reject(row.row, refusal.to_string());
        }
    }

    /// Takes note of what the server does with our ids, the first time that it shows.
    async fn learn(&self, keeps_ids: bool) -> Result<()> {
        {
            let mut known = self
                .keeps_ids
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if *known == Some(keeps_ids) || *known == Some(false) {
                return Ok(());
            }
            *known = Some(keeps_ids);
        }
        if !keeps_ids {
            self.client.notice(
                "this server gives imports ids of its own: nothing is sent again blindly, and after an \
                 unknown outcome rows are looked for by their serial numbers",
            );
        }
        self.write_down(move |journal| journal.keeps_ids(keeps_ids))
            .await
    }

    fn keeps(&self) -> Option<bool> {
        *self
            .keeps_ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn outcomes(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to the journal, on a thread that may wait for the disk.
    async fn write_down(
        &self,
        write: impl FnOnce(&mut Journal) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let journal = Arc::clone(&self.journal);
        let written = tokio::task::spawn_blocking(move || {
            write(&mut journal.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match written.await {
            Ok(written) => written,
            Err(error) => bail!("the journal can't be written: {error}"),
        }
    }
}

/// Whether no row at all could be sent like this, so that smaller calls would not help.
fn is_about_the_call(refusal: &Refusal) -> bool {
    matches!(refusal.status, 403 | 404)
        || refusal.code == "No method match route template"
        || refusal
            .message
            .starts_with("Resource not found for the segment")
}

fn rows_of<'a>(chunk: &'a Chunk, places: &'a [usize]) -> impl Iterator<Item = u32> + 'a {
    places
        .iter()
        .filter_map(|place| chunk.rows.get(*place).map(|row| row.row))
}

fn rows_at(chunk: &Chunk, places: &[usize]) -> Rows {
    rows_of(chunk, places).collect()
}
