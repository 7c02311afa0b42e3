//! What happened: a bounded record of requests without secrets, and what can be asked of it. What one
//! request leaves behind is `entry`; the questions are `search`, `assertion`, `report` and `explanation`.

pub mod assertion;
mod entry;
mod explanation;
mod report;
pub mod search;

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use self::{
    assertion::{Assertion, Outcome},
    search::Filter,
};
pub use self::{
    entry::Entry,
    report::{Finding, Report},
};
use crate::http::rehearsed::{Ended, Told};

/// How many requests are remembered. The oldest is forgotten first.
pub const REMEMBERED: usize = 10_000;

/// The record.
#[derive(Default)]
pub struct Journal(Mutex<Record>);

#[derive(Default)]
struct Record {
    entries: VecDeque<Entry>,
    /// How many there ever were since the last reset.
    count: u64,
}

impl Journal {
    /// Hears how a request ended, and says which rule is behind it where one is.
    pub(super) fn hear(&self, request: &Told, ended: &Ended<'_>) -> Option<String> {
        let explanation = explanation::of(request, ended);
        let mut record = self.record();
        if record.entries.len() == REMEMBERED {
            record.entries.pop_front();
        }
        record.count += 1;
        let number = record.count;
        let entry = Entry::of(number, request, ended, explanation.clone());
        record.entries.push_back(entry);
        explanation
    }

    /// The requests that a filter takes, oldest first, and how many were forgotten before the first that
    /// is remembered.
    pub fn search(&self, filter: &Filter) -> (Vec<Entry>, u64) {
        let record = self.record();
        let taken = record.entries.iter().filter(|entry| filter.takes(entry));
        let found = taken.take(filter.limit()).cloned().collect();
        (found, record.forgotten())
    }

    /// Whether something holds of all that is remembered.
    pub fn judge(&self, assertion: &Assertion) -> Outcome {
        let record = self.record();
        assertion.judge(record.entries.iter(), record.forgotten())
    }

    /// What the callers could do better.
    pub fn report(&self) -> Report {
        let record = self.record();
        Report::of(&record.entries, record.forgotten())
    }

    /// The request of this name, as the server or its client named it.
    pub fn find(&self, request: Uuid) -> Option<Entry> {
        let record = self.record();
        let mut entries = record.entries.iter().rev();
        entries.find(|entry| entry.request_id == request).cloned()
    }

    /// Forgets everything.
    pub fn reset(&self) {
        *self.record() = Record::default();
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn forgotten(&self) -> u64 {
        self.count - self.entries.len() as u64
    }
}
