//! Lists over HTTP: what is asked, what the store is to give, and the page that is answered.
//!
//! A collection's handler brings its set, its vocabulary, the store's operations and how a row is
//! written; everything else of a list is here.

use axum::response::Response;
use http::StatusCode;
use odata::{Condition, Vocabulary};

use super::{
    call::{Call, json},
    error::ApiError,
    listing::Listing,
};
use crate::{
    graph::{
        collection::{counts_unasked, write_collection},
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
    set: EntitySet,
    level: MetadataLevel,
    question: String,
    after: Option<Position>,
}

impl<F: Copy + PartialEq> Asked<F> {
    /// Reads what a request asks of a set.
    pub fn read(call: &Call, set: EntitySet, vocabulary: &Vocabulary<F>) -> Result<Self, ApiError> {
        let level = call.metadata_level()?;
        let query = read_list_query(call.query.as_deref(), call.version, vocabulary)?;
        let mut asked = Self {
            question: query.question(),
            query,
            set,
            level,
            after: None,
        };
        if let Some(token) = &asked.query.page.skip_token {
            let end = Listing::of(set).open(call, token, &asked.question)?;
            asked.after = Some(Position {
                keys: end.keys,
                id: end.id,
            });
        }
        Ok(asked)
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
        let link = |end: Position| {
            let end = PageEnd {
                keys: end.keys,
                id: end.id,
            };
            let query = call.query.as_deref();
            Listing::of(self.set).link(call, query, &self.question, &end)
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
        write_collection(&mut body, context, self.set, count, next.as_deref(), items);
        Ok(json(StatusCode::OK, self.level, body))
    }
}
