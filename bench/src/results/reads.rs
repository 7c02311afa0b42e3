//! What reading was found to take.

use serde::Serialize;

use crate::{load::Loaded, results::Series};

/// All reads of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Reads {
    /// How many imports the large tenant has in each database, the fewest first.
    pub(crate) sizes: Vec<u64>,
    /// How many the small one has beside the most.
    pub(crate) small: u64,
    /// How many rows a page has.
    pub(crate) page: u64,
    /// Lists and searches, by question and size.
    pub(crate) lists: Vec<ListRead>,
    /// GET by id, by size.
    pub(crate) lookups: Vec<LookupRow>,
    /// GET by id beside creates.
    pub(crate) while_creating: WhileCreating,
}

impl Reads {
    /// What a question took with so many rows.
    pub(crate) fn list(&self, question: Question, rows: u64) -> Option<&ListRead> {
        let mut lists = self.lists.iter();
        lists.find(|list| list.question == question && list.rows == rows)
    }

    /// The median with the most rows.
    pub(crate) fn p50_ms(&self, question: Question) -> Option<f64> {
        Some(self.list(question, *self.sizes.last()?)?.p50_ms)
    }

    /// How many times as long it takes with the most rows as with the fewest.
    pub(crate) fn growth(&self, question: Question) -> Option<f64> {
        let few = self.list(question, *self.sizes.first()?)?;
        Some(self.p50_ms(question)? / few.p50_ms)
    }

    /// GETs by id with the most rows.
    pub(crate) fn lookups_of_most(&self) -> Option<&LookupRow> {
        let most = self.sizes.last()?;
        self.lookups.iter().find(|row| row.rows == *most)
    }
}

/// Which collection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Collection {
    Imports,
    Devices,
}

impl Collection {
    /// Its name on the wire.
    pub(crate) fn set(self) -> &'static str {
        match self {
            Self::Imports => "importedWindowsAutopilotDeviceIdentities",
            Self::Devices => "windowsAutopilotDeviceIdentities",
        }
    }

    /// Its name in the table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Imports => "imports",
            Self::Devices => "devices",
        }
    }
}

/// What is asked for. Searches are of devices, by a part of their serial numbers, but for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// The start of a list.
    FirstPage(Collection),
    /// A page behind nine tenths of the rows.
    FarPage(Collection),
    /// A whole serial number that one device has.
    OneHit,
    /// One that nobody has.
    NoHit,
    /// Two characters that nobody has.
    ShortPart,
    /// Imports that were refused.
    Refused,
    /// In the name of the small tenant: what everybody's serial numbers have in common.
    CommonPart,
    /// In the name of the small tenant: what all of the large tenant's have in common, and few of
    /// the small one's.
    OthersPart,
}

impl Question {
    /// All of them, in the table's order.
    pub(crate) const ALL: [Self; 10] = [
        Self::FirstPage(Collection::Imports),
        Self::FirstPage(Collection::Devices),
        Self::FarPage(Collection::Imports),
        Self::FarPage(Collection::Devices),
        Self::OneHit,
        Self::NoHit,
        Self::ShortPart,
        Self::Refused,
        Self::CommonPart,
        Self::OthersPart,
    ];

    /// Of which collection.
    pub(crate) fn collection(self) -> Collection {
        match self {
            Self::FirstPage(collection) | Self::FarPage(collection) => collection,
            Self::Refused => Collection::Imports,
            Self::OneHit | Self::NoHit | Self::ShortPart | Self::CommonPart | Self::OthersPart => {
                Collection::Devices
            }
        }
    }

    /// As the table calls it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::FirstPage(_) => "first page",
            Self::FarPage(_) => "a page behind nine tenths of the rows",
            Self::OneHit => "`contains(serialNumber,'…')`",
            Self::NoHit => "`contains(serialNumber,'…')`, nobody's",
            Self::ShortPart => "`contains`, two characters",
            Self::Refused => "`state/deviceImportStatus eq 'error'`",
            Self::CommonPart => "small tenant: `contains`, a part that all have",
            Self::OthersPart => "small tenant: `contains`, a part that others have",
        }
    }
}

/// A question, asked on one connection over and over.
#[derive(Debug, Serialize)]
pub(crate) struct ListRead {
    /// What was asked.
    pub(crate) question: Question,
    /// How many imports the large tenant has.
    pub(crate) rows: u64,
    /// How many rows each answer has.
    pub(crate) hits: u64,
    /// The median time to an answer.
    pub(crate) p50_ms: f64,
    /// What 99 of 100 answers took at most.
    pub(crate) p99_ms: f64,
}

/// GET by id with so many rows: medians of the repeats.
#[derive(Debug, Serialize)]
pub(crate) struct LookupRow {
    /// How many imports the large tenant has.
    pub(crate) rows: u64,
    /// Connections, each with one request under way.
    pub(crate) connections: usize,
    /// What was served.
    pub(crate) served: Series,
}

/// GET by id on one connection while others create: medians of the repeats.
#[derive(Debug, Serialize)]
pub(crate) struct WhileCreating {
    /// How many imports there were before.
    pub(crate) rows: u64,
    /// Lookups a second.
    pub(crate) lookups_per_second: f64,
    /// The median time of a lookup.
    pub(crate) p50_ms: f64,
    /// What 99 of 100 lookups took at most.
    pub(crate) p99_ms: f64,
    /// What the slowest took.
    pub(crate) slowest_ms: f64,
    /// Creates a second beside them.
    pub(crate) creates_per_second: f64,
    /// The repeats.
    pub(crate) repeats: Vec<Together>,
}

/// Two loads at the same time.
#[derive(Debug, Serialize)]
pub(crate) struct Together {
    /// The lookups.
    pub(crate) lookups: Loaded,
    /// The creates.
    pub(crate) creates: Loaded,
}
