//! Lists within entities: what an expansion asks of a collection that an entity leads to. It shows
//! one page, and the collection's own address has the others.

use odata::{ExpandItem, Vocabulary};

use super::{
    call::Call,
    error::ApiError,
    listing::Listing,
    pages::{page_end, rows_of},
};
use crate::{
    graph::{
        list_query::ListQuery,
        nested::{Refused, address_query, read_nested},
    },
    store::operation::{Position, Query},
};

/// What an expansion asks of a collection.
pub struct Nested<F> {
    /// The options.
    pub query: ListQuery<F>,
    question: String,
    address_query: String,
}

impl<F: Copy + PartialEq> Nested<F> {
    /// Reads what an item of `$expand` asks of its collection, of which it shows so many entities
    /// at most.
    pub fn read(
        call: &Call,
        item: &ExpandItem,
        vocabulary: &Vocabulary<F>,
        refused: Refused,
        most: u32,
    ) -> Result<Self, ApiError> {
        let (query, version) = (call.query.as_deref(), call.version);
        let address_query = address_query(item, query, version)?;
        let mut query = read_nested(item, query, version, vocabulary, refused)?;
        query.page.top = Some(query.page.page_size().min(most));
        Ok(Self {
            question: query.question(),
            query,
            address_query,
        })
    }

    /// What the store is to give.
    pub fn rows(&self) -> Query<F> {
        rows_of(&self.query, None)
    }

    /// The link to what stands behind the page that is shown, at the collection's own address.
    pub fn link(&self, call: &Call, listing: Listing, end: Position) -> Result<String, ApiError> {
        let query = Some(self.address_query.as_str());
        listing.link(call, query, &self.question, &page_end(end))
    }
}
