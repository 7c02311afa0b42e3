//! Reads the file from its start to its end, checks every row, and makes chunks of those to send.
//! It runs on a thread of its own and waits where the senders are slower.

use std::{
    io::Read,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;

use super::{
    check::{Devices, check},
    ids::RowIds,
    journal::Past,
    outcome::{Outcomes, State},
};
use crate::{
    client::{ImportCall, ImportRow},
    devices_csv::{Reader, Row, RowError},
    domain::{clock::Clock, registration::HashValidation},
    lifecycle::SystemClock,
};

/// A body longer than this is not begun: half of what a server takes.
const LONGEST_BODY_BYTES: usize = 8 << 20;

/// Rows that are sent in one call.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) call: ImportCall,
    /// Each row of the call.
    pub(super) rows: Vec<ChunkRow>,
    /// Whether an earlier run may have sent them.
    pub(super) is_doubtful: bool,
}

/// A row of a chunk.
#[derive(Debug)]
pub(super) struct ChunkRow {
    pub(super) row: u32,
    pub(super) serial_number: Box<str>,
}

/// What the planner needs to know.
pub(super) struct Planner<'a> {
    pub(super) outcomes: &'a Mutex<Outcomes>,
    pub(super) ids: RowIds,
    pub(super) past: Past,
    pub(super) validation: HashValidation,
    pub(super) rows_per_chunk: usize,
    /// Where chunks go; nowhere when nothing is to be sent.
    pub(super) chunks: Option<mpsc::Sender<Chunk>>,
}

impl Planner<'_> {
    /// Plans the whole file. Gives the fault at which it had to stop, if there was one.
    pub(super) fn run(mut self, input: impl Read, name: &str) -> Result<Option<RowError>> {
        let reader = Reader::open(input).with_context(|| name.to_owned())?;
        for (id, text) in std::mem::take(&mut self.past.foreign) {
            // The row itself follows; its state is set when it is met.
            self.lock().accept_as(id, &text);
        }
        let mut devices = Devices::default();
        let mut chunk = Chunk::default();
        for (place, row) in reader.enumerate() {
            let Ok(number) = u32::try_from(place) else {
                bail!("{name} has more rows than can be imported at once: split it");
            };
            let (state, code, has_notes) = match row {
                Err(error) if error.is_final() => {
                    self.send(chunk);
                    return Ok(Some(error));
                }
                Err(_) => (State::Refused, 0, false),
                Ok(row) => self.plan(number, &row, &mut devices, &mut chunk),
            };
            self.lock().push(state, code, has_notes);
            if self.is_closed() {
                return Ok(None);
            }
        }
        self.send(chunk);
        Ok(None)
    }

    fn plan(
        &mut self,
        number: u32,
        row: &Row,
        devices: &mut Devices,
        chunk: &mut Chunk,
    ) -> (State, i32, bool) {
        let checked = check(row, self.validation, SystemClock.now());
        let has_notes = !checked.notes.is_empty();
        let Ok(device) = checked.device else {
            return (State::Refused, 0, has_notes);
        };
        if let Some(line) = devices.meet(device, row.number) {
            let line = i32::try_from(line).unwrap_or(i32::MAX);
            return (State::Duplicate, line, has_notes);
        }
        if self.past.accepted.contains(number) {
            return (State::Accepted, 0, has_notes);
        }
        if self.chunks.is_none() {
            return (State::Ready, 0, has_notes);
        }
        let is_doubtful = self.past.begun.contains(number);
        let added_bytes = checked.hash.len() + row.serial_number.len();
        let is_full = chunk.rows.len() >= self.rows_per_chunk
            || chunk.call.len_bytes() + added_bytes > LONGEST_BODY_BYTES;
        if is_full || (chunk.is_doubtful != is_doubtful && !chunk.rows.is_empty()) {
            self.send(std::mem::take(chunk));
        }
        chunk.is_doubtful = is_doubtful;
        chunk.call.push(&ImportRow {
            id: self.ids.id(number),
            serial_number: &row.serial_number,
            product_key: &row.product_key,
            hardware_hash: &checked.hash,
            group_tag: row.group_tag.as_deref().unwrap_or_default(),
            assigned_user: row.assigned_user.as_deref().unwrap_or_default(),
        });
        chunk.rows.push(ChunkRow {
            row: number,
            serial_number: row.serial_number.as_str().into(),
        });
        (State::Ready, 0, has_notes)
    }

    fn send(&self, chunk: Chunk) {
        if let Some(chunks) = &self.chunks
            && !chunk.rows.is_empty()
        {
            // Nobody takes it any more when the import was stopped; `is_closed` sees that.
            let _ = chunks.blocking_send(chunk);
        }
    }

    fn is_closed(&self) -> bool {
        self.chunks.as_ref().is_some_and(mpsc::Sender::is_closed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
