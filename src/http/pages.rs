//! Lists over HTTP: what is asked, what the store is to give, and the page that is answered.
//!
//! A collection's handler brings its set, its vocabulary, the store's operations and how a row is
//! written; everything else of a list is here.

use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use odata::{Condition, Value, Vocabulary};

use super::{
    call::{Call, json},
    error::ApiError,
};
use crate::{
    graph::{
        collection::{counts_unasked, write_collection},
        entity::WriteContext,
        list_query::{ListQuery, read_list_query},
        metadata_level::MetadataLevel,
        query,
        schema::EntitySet,
        skip_token::{self, PageEnd, Paging},
    },
    store::operation::{Listed, Position, Query},
};

/// What a list is asked.
pub struct Asked<F> {
    /// The options.
    pub query: ListQuery<F>,
    set: EntitySet,
    level: MetadataLevel,
    question: String,
    after: Option<Position>,
    /// The instant that all pages are of, where the question is about what the clock changes.
    instant: Option<Timestamp>,
}

impl<F: Copy + PartialEq> Asked<F> {
    /// Reads what a request asks of a set.
    pub fn read(call: &Call, set: EntitySet, vocabulary: &Vocabulary<F>) -> Result<Self, ApiError> {
        Self::read_by_clock(call, set, vocabulary, |_| false)
    }

    /// Reads what a request asks of a set with properties that the clock changes, which this says.
    /// Where the filter or the order names one, the list's pages are of one instant: it stands
    /// behind the order's values in the token of a page's end.
    pub fn read_by_clock(
        call: &Call,
        set: EntitySet,
        vocabulary: &Vocabulary<F>,
        follows_clock: fn(F) -> bool,
    ) -> Result<Self, ApiError> {
        let level = call.metadata_level()?;
        let query = read_list_query(call.query.as_deref(), call.version, vocabulary)?;
        let mut asked = Self {
            question: query.question(),
            query,
            set,
            level,
            after: None,
            instant: None,
        };
        if let Some(token) = &asked.query.page.skip_token {
            let secret = call.store().paging_secret();
            let mut end = skip_token::open(secret, token, &asked.paging(call))?;
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
        self.query.page.count || counts_unasked(self.set, call.behavior())
    }

    /// Which rows are asked for.
    pub fn filter(&self) -> Option<Condition<F>> {
        self.query.filter.clone()
    }

    /// What the store is to give.
    pub fn rows(&self) -> Query<F> {
        let order = self.query.order.as_ref();
        Query {
            filter: self.filter(),
            order: order.map(|order| order.keys.clone()).unwrap_or_default(),
            after: self.after.clone(),
            skip: self.query.page.skip,
            limit: usize::try_from(self.query.page.page_size()).unwrap_or(usize::MAX),
        }
    }

    /// Answers a page. `write` writes a row of it.
    pub fn answer<T>(
        &self,
        call: &Call,
        count: Option<u64>,
        page: Listed<T>,
        write: impl Fn(&mut Vec<u8>, &T, &WriteContext<'_>),
    ) -> Result<Response, ApiError> {
        let next = page.next.map(|end| self.next_link(call, end)).transpose()?;
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
        write_collection(&mut body, context, self.set, count, next.as_deref(), items);
        Ok(json(StatusCode::OK, self.level, body))
    }

    fn next_link(&self, call: &Call, end: Position) -> Result<String, ApiError> {
        let mut keys = end.keys;
        keys.extend(self.instant.map(Value::Instant));
        let end = PageEnd { keys, id: end.id };
        let secret = call.store().paging_secret();
        let token = skip_token::seal(secret, &self.paging(call), &end)?;
        let path = format!(
            "{}/{}/deviceManagement/{}",
            call.context.base_url,
            call.version.path_segment(),
            self.set.name(),
        );
        Ok(query::next_link(&path, call.query.as_deref(), &token))
    }

    fn paging(&self, call: &Call) -> Paging<'_> {
        Paging {
            set: self.set,
            within: None,
            tenant: call.tenant(),
            version: call.version,
            question: &self.question,
        }
    }
}
