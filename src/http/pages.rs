//! Lists over HTTP: what is asked, what the store is to give, and the page that is answered.
//!
//! A collection's handler brings its vocabulary, the store's operations and how a row is written;
//! everything else of a list is here. Lists within entities are in `nested`.

use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use odata::{Condition, Value, Vocabulary};

use super::{
    call::{Call, json},
    error::ApiError,
    listing::Listing,
};
use crate::{
    graph::{
        collection::{counts_unasked, write_collection_in},
        entity::WriteContext,
        list_query::{ListQuery, read_list_query},
        metadata_level::MetadataLevel,
        schema::EntitySet,
        skip_token::PageEnd,
    },
    store::operation::{Listed, Position, Query},
};

/// What a list is asked.
pub struct Asked<F> {
    /// The options.
    pub query: ListQuery<F>,
    listing: Listing,
    context: String,
    level: MetadataLevel,
    question: String,
    after: Option<Position>,
    /// The instant that all pages are of, where the question is about what the clock changes.
    instant: Option<Timestamp>,
}

impl<F: Copy + PartialEq> Asked<F> {
    /// Reads what a request asks of a set.
    pub fn read(call: &Call, set: EntitySet, vocabulary: &Vocabulary<F>) -> Result<Self, ApiError> {
        Self::read_at(call, Listing::of(set), vocabulary, &[])
    }

    /// Reads what a request asks of a collection, which does not take the `refused` options.
    pub fn read_at(
        call: &Call,
        listing: Listing,
        vocabulary: &Vocabulary<F>,
        refused: &[&str],
    ) -> Result<Self, ApiError> {
        Self::read_by_clock(call, listing, vocabulary, refused, |_| false)
    }

    /// The same of a collection with properties that the clock changes, which `follows_clock` says.
    /// Where the filter or the order names one, the list's pages are of one instant: it stands
    /// behind the order's values in the token of a page's end.
    pub fn read_by_clock(
        call: &Call,
        listing: Listing,
        vocabulary: &Vocabulary<F>,
        refused: &[&str],
        follows_clock: fn(F) -> bool,
    ) -> Result<Self, ApiError> {
        let level = call.metadata_level()?;
        let query = read_list_query(call.query.as_deref(), call.version, vocabulary, refused)?;
        let mut asked = Self {
            question: query.question(),
            query,
            listing,
            context: listing.path(),
            level,
            after: None,
            instant: None,
        };
        if let Some(token) = &asked.query.page.skip_token {
            let mut end = listing.open(call, token, &asked.question)?;
            if asked.names(follows_clock)
                && let Some(Value::Instant(instant)) = end.keys.pop()
            {
                asked.instant = Some(instant);
            }
            asked.after = Some(Position {
                keys: end.keys,
                id: end.id,
            });
        }
        Ok(asked)
    }

    /// The same list, whose entities are those of a set that has a context of its own.
    #[must_use]
    pub fn of_set(self, set: EntitySet) -> Self {
        let context = set.name().to_owned();
        Self { context, ..self }
    }

    /// Makes pages shorter, whose rows are long.
    pub fn shorten(&mut self, rows: u32) {
        let page = &mut self.query.page;
        page.top = Some(page.page_size().min(rows));
    }

    /// Whether the filter or the order names a property that this says.
    pub fn names(&self, field: fn(F) -> bool) -> bool {
        let order = self.query.order.iter().flat_map(|order| &order.keys);
        self.query
            .filter
            .as_ref()
            .is_some_and(|filter| filter.is_about(&field))
            || order.into_iter().any(|key| field(key.property.field))
    }

    /// The instant of the pages before, if there were any and they are of one.
    pub fn instant(&self) -> Option<Timestamp> {
        self.instant
    }

    /// Makes the pages that follow pages of this instant.
    pub fn set_instant(&mut self, instant: Timestamp) {
        self.instant = Some(instant);
    }

    /// Whether the answer says how many rows there are.
    pub fn counts(&self, call: &Call) -> bool {
        self.query.page.count || counts_unasked(self.listing.set(), call.behavior())
    }

    /// Which rows are asked for.
    pub fn filter(&self) -> Option<Condition<F>> {
        self.query.filter.clone()
    }

    /// What the store is to give.
    pub fn rows(&self) -> Query<F> {
        rows_of(&self.query, self.after.clone())
    }

    /// Answers a page. `write` writes a row of it.
    pub fn answer<T>(
        &self,
        call: &Call,
        count: Option<u64>,
        page: Listed<T>,
        write: impl Fn(&mut Vec<u8>, &T, &WriteContext<'_>),
    ) -> Result<Response, ApiError> {
        let link = |end| {
            let query = call.query.as_deref();
            let mut end = page_end(end);
            end.keys.extend(self.instant.map(Value::Instant));
            self.listing.link(call, query, &self.question, &end)
        };
        let next = page.next.map(link).transpose()?;
        let context = WriteContext {
            shown: Some(&self.query.shown),
            ..call.write_context(self.level)
        };
        let mut body = Vec::new();
        let (write, context) = (&write, &context);
        let items = page
            .rows
            .iter()
            .map(|row| move |out: &mut Vec<u8>| write(out, row, context));
        let path = &self.context;
        write_collection_in(&mut body, context, path, count, next.as_deref(), items);
        Ok(json(StatusCode::OK, self.level, body))
    }
}

/// The rows behind a page's end that a list is asked for.
pub(super) fn rows_of<F: Copy>(list: &ListQuery<F>, after: Option<Position>) -> Query<F> {
    let order = list.order.as_ref();
    Query {
        filter: list.filter.clone(),
        order: order.map(|order| order.keys.clone()).unwrap_or_default(),
        after,
        skip: list.page.skip,
        limit: usize::try_from(list.page.page_size()).unwrap_or(usize::MAX),
    }
}

/// A page's end as a link names it.
pub(super) fn page_end(end: Position) -> PageEnd {
    PageEnd {
        keys: end.keys,
        id: end.id,
    }
}
