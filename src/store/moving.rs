//! Moving house: every row of one database into an empty one, between backends and back.
//!
//! Rows are read in the order of their keys and written in steps, each a transaction that also says
//! how far it is. Then what follows from them is made, and both sides are read again and compared.
//! What a row is stands in `row`, which tables there are in `table`, how sides are compared in
//! `comparing`; how a side is read and written is the backend's.

mod comparing;
mod journal;
mod row;
mod table;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, future::Future, pin::Pin};

use self::journal::{Journal, Place};
pub(super) use self::{
    row::{Gathered, Row, Value},
    table::{Kind, TABLES, Table},
};
use super::OpenError;

/// What a database says of itself while it is the target of a move: a server that finds this does
/// not serve.
pub(super) const KIND_WHILE_MOVING: &str = "moving";

/// How many rows are moved in a step, unless it is said otherwise.
pub const ROWS_IN_A_STEP: usize = 2048;

/// Why a move did not happen, or did not end.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// A database was not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It may not be. Nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// It broke off.
    #[error(
        "the database {place} {reason}. Start the same command again when that is put right: it goes on where it was"
    )]
    BrokenOff {
        /// Which, without its password.
        place: String,
        /// Why, as the rest of a sentence.
        reason: String,
    },
    /// All rows were moved, and the two sides differ.
    #[error("{}", .0.join("\n"))]
    Differs(Vec<String>),
}

/// What a move tells while it is under way.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// It is worth a sentence.
    Told(&'a str),
    /// A part of it begins.
    Begun(&'static str),
    /// So many rows of so many.
    Rows {
        /// How many are done.
        done: u64,
        /// How many there are.
        whole: u64,
        /// How many of them this run has done.
        of_this_run: u64,
    },
    /// So many of a few things that are made of all rows.
    Built {
        /// How many are made.
        done: u64,
        /// How many there are.
        whole: u64,
    },
}

/// How a move is told of.
pub type Notice<'a> = &'a (dyn Fn(Step<'_>) + Send + Sync);

/// What was moved, and is the same on both sides.
#[derive(Debug, PartialEq, Eq)]
pub struct Moved {
    /// Table by table.
    pub tables: Vec<Verified>,
    /// Whether an earlier run had moved it all.
    pub was_over: bool,
}

/// A table that is the same on both sides.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its name.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The SHA-256 of its rows in the order of their keys.
    pub digest: String,
}

/// What a side answers.
pub(super) type Answered<'a, T> = Pin<Box<dyn Future<Output = Result<T, MoveError>> + Send + 'a>>;

/// One of the two databases of a move.
pub(super) trait Side: Send {
    /// Which it is, without its password.
    fn place(&self) -> &str;

    /// Fails where somebody else works on it.
    fn is_alone(&mut self) -> Answered<'_, ()>;

    /// What it says of itself.
    fn marks(&mut self) -> Answered<'_, Marks>;

    /// Writes down what it says of itself, in one transaction. What is absent stays as it is.
    fn mark(&mut self, marks: Marks) -> Answered<'_, ()>;

    /// How many rows a table has.
    fn count(&mut self, table: &'static Table) -> Answered<'_, u64>;

    /// Begins to read a table after this key, as it stands now or stood when the first one was begun.
    fn start(&mut self, table: &'static Table, after: Option<Vec<Value>>) -> Answered<'_, ()>;

    /// The next rows of the table, so many at most; none at its end.
    fn next(&mut self, most: usize) -> Answered<'_, Vec<Row>>;

    /// Writes rows and the journal in one transaction.
    fn write<'a>(
        &'a mut self,
        table: &'static Table,
        rows: Vec<Row>,
        journal: Vec<u8>,
    ) -> Answered<'a, ()>;

    /// How many things it makes of its rows, beside those that it makes with each.
    fn builds(&self) -> usize;

    /// Makes one of them, and writes the journal, in one transaction.
    fn build(&mut self, number: usize, journal: Vec<u8>) -> Answered<'_, ()>;

    /// Ends what is begun, so that the next table that is begun stands as it does then.
    fn look_anew(&mut self) -> Answered<'_, ()>;
}

/// What a database says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// What made it, or `KIND_WHILE_MOVING`. Empty where it is not said.
    pub(super) kind: String,
    /// Signs page links. Empty where it is not said.
    pub(super) paging_secret: Vec<u8>,
    /// How far the move into it is.
    pub(super) journal: Option<Vec<u8>>,
}

/// A move under way.
pub(super) struct Move<'a> {
    pub(super) source: &'a mut dyn Side,
    pub(super) target: &'a mut dyn Side,
    pub(super) rows_in_a_step: usize,
    pub(super) notice: Notice<'a>,
}

impl Move<'_> {
    /// Moves what has not been moved yet, and compares all of it.
    pub(super) async fn run(mut self) -> Result<Moved, MoveError> {
        self.source.is_alone().await?;
        self.target.is_alone().await?;
        let of_source = self.source.marks().await?;
        if of_source.kind == KIND_WHILE_MOVING {
            return Err(MoveError::Refused(format!(
                "the database {} holds half of a move that has not ended: it can't be moved on",
                self.source.place()
            )));
        }
        let counts = counts(self.source).await?;
        let mut journal = self.journal(&of_source, counts).await?;
        let was_over = journal.is_over;
        if !was_over {
            self.copy(&mut journal).await?;
            self.build(&mut journal).await?;
        }
        let tables = self.compare(&journal).await?;
        self.source.is_alone().await?;
        self.target.is_alone().await?;
        if !was_over {
            journal.is_over = true;
            let marks = Marks {
                kind: journal.kind().to_owned(),
                paging_secret: Vec::new(),
                journal: Some(journal.bytes()),
            };
            self.target.mark(marks).await?;
        }
        Ok(Moved { tables, was_over })
    }

    /// The journal of this move: a new one in a target that is empty, else the one that is there,
    /// if it is of this move.
    async fn journal(
        &mut self,
        of_source: &Marks,
        counts: BTreeMap<String, u64>,
    ) -> Result<Journal, MoveError> {
        let of_target = self.target.marks().await?;
        let place = self.target.place().to_owned();
        let held = self::counts(self.target).await?;
        let Some(bytes) = of_target.journal else {
            refuse_unless_empty(&place, &held)?;
            let journal = Journal::new(of_source, counts);
            let marks = Marks {
                kind: KIND_WHILE_MOVING.to_owned(),
                paging_secret: of_source.paging_secret.clone(),
                journal: Some(journal.bytes()),
            };
            self.target.mark(marks).await?;
            let sentence = format!(
                "{} rows are to be moved: from the database {} to the database {place}",
                journal.whole(),
                self.source.place()
            );
            (self.notice)(Step::Told(&sentence));
            return Ok(journal);
        };
        let journal = Journal::read(&bytes, &place)?;
        if !journal.is_of(of_source) {
            return Err(MoveError::Refused(format!(
                "the database {place} was the target of a move from another database than {}: \
                 name that one, or a target that is empty",
                self.source.place()
            )));
        }
        if journal.is_over {
            let sentence =
                format!("all was moved to the database {place} already; it is compared again");
            (self.notice)(Step::Told(&sentence));
            return Ok(journal);
        }
        self.expect_as_it_was(&journal, &counts, &held)?;
        let sentence = format!(
            "the database {place} has {} of {} rows already; going on after them",
            journal.rows(),
            journal.whole()
        );
        (self.notice)(Step::Told(&sentence));
        Ok(journal)
    }

    /// Fails where one of the two sides is not what it was when the move was interrupted.
    fn expect_as_it_was(
        &self,
        journal: &Journal,
        counts: &BTreeMap<String, u64>,
        held: &BTreeMap<String, u64>,
    ) -> Result<(), MoveError> {
        if let Some(other) = journal.other_program() {
            return Err(MoveError::Refused(format!(
                "this move was begun by hangar {other}, and this is {}: go on with that one, or \
                 begin anew with an empty target",
                env!("CARGO_PKG_VERSION")
            )));
        }
        for table in TABLES {
            let of = |counts: &BTreeMap<String, u64>| counts.get(table.name).copied().unwrap_or(0);
            let (then, now) = (of(&journal.counts), of(counts));
            if then != now {
                return Err(MoveError::Refused(format!(
                    "the source is not as it was when the move began: the table {} of the database \
                     {} had {then} rows, and has {now}. Stop what writes to it and begin anew with \
                     an empty target",
                    table.name,
                    self.source.place()
                )));
            }
            let (written, there) = (of(&journal.written), of(held));
            if written != there {
                return Err(MoveError::Refused(format!(
                    "the target is not as the interrupted move left it: the table {} of the \
                     database {} had {written} rows, and has {there}. Begin anew with an empty \
                     target",
                    table.name,
                    self.target.place()
                )));
            }
        }
        Ok(())
    }

    async fn copy(&mut self, journal: &mut Journal) -> Result<(), MoveError> {
        (self.notice)(Step::Begun("moving"));
        let before = journal.rows();
        for table in TABLES {
            let after = match journal.place_in(table) {
                Place::Untouched => None,
                Place::After(key) => Some(key),
                Place::Whole => continue,
            };
            self.source.start(table, after).await?;
            let mut rows = self.source.next(self.rows_in_a_step).await?;
            while !rows.is_empty() {
                journal.advance(table, &rows);
                // The next step is read while this one is written.
                let (written, next) = tokio::join!(
                    self.target.write(table, rows, journal.bytes()),
                    self.source.next(self.rows_in_a_step)
                );
                written?;
                (self.notice)(Step::Rows {
                    done: journal.rows(),
                    whole: journal.whole(),
                    of_this_run: journal.rows() - before,
                });
                rows = next?;
            }
        }
        Ok(())
    }

    async fn build(&mut self, journal: &mut Journal) -> Result<(), MoveError> {
        let all = self.target.builds();
        (self.notice)(Step::Begun("making indexes"));
        while journal.built < all {
            let number = journal.built;
            journal.built += 1;
            self.target.build(number, journal.bytes()).await?;
            (self.notice)(Step::Built {
                done: journal.built as u64,
                whole: all as u64,
            });
        }
        Ok(())
    }
}

async fn counts(side: &mut dyn Side) -> Result<BTreeMap<String, u64>, MoveError> {
    let mut counts = BTreeMap::new();
    for table in TABLES {
        counts.insert(table.name.to_owned(), side.count(table).await?);
    }
    Ok(counts)
}

fn refuse_unless_empty(place: &str, held: &BTreeMap<String, u64>) -> Result<(), MoveError> {
    let Some((table, rows)) = held.iter().find(|(_, rows)| **rows > 0) else {
        return Ok(());
    };
    Err(MoveError::Refused(format!(
        "the database {place} is not empty: its table {table} has {rows} rows. Name one that is \
         empty, or that is not there yet"
    )))
}

/// Whether a database that says this of itself may be served or administered.
pub(super) fn may_be_used(kind: &str) -> bool {
    kind != KIND_WHILE_MOVING
}
