//! Collections that are answered in pages: where one stands, and the links from one page to the
//! next.

use uuid::Uuid;

use super::{call::Call, error::ApiError};
use crate::graph::{
    query,
    schema::EntitySet,
    skip_token::{self, PageEnd, Paging},
};

/// A collection at its address.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    set: EntitySet,
    within: Option<(Uuid, &'static str)>,
}

impl Listing {
    /// All of a set.
    pub const fn of(set: EntitySet) -> Self {
        Self { set, within: None }
    }

    /// What an entity of a set leads to by a navigation property.
    pub const fn within(set: EntitySet, id: Uuid, navigation: &'static str) -> Self {
        Self {
            set,
            within: Some((id, navigation)),
        }
    }

    /// The set, or the one of the entity that it stands within.
    pub const fn set(&self) -> EntitySet {
        self.set
    }

    /// Where it stands, below `deviceManagement`.
    pub fn path(&self) -> String {
        let set = self.set.name();
        match self.within {
            None => set.to_owned(),
            Some((id, navigation)) => format!("{set}('{id}')/{navigation}"),
        }
    }

    /// The link to what stands behind a page's end, as an answer to this question.
    pub fn link(
        &self,
        call: &Call,
        query: Option<&str>,
        question: &str,
        end: &PageEnd,
    ) -> Result<String, ApiError> {
        let path = self.path();
        let secret = call.store().paging_secret();
        let token = skip_token::seal(secret, &paging(call, &path, question), end)?;
        let address = format!(
            "{}/{}/deviceManagement/{path}",
            call.context.base_url,
            call.version.path_segment(),
        );
        Ok(query::next_link(&address, query, &token))
    }

    /// The page's end that a token names, if it was given out for this question.
    pub fn open(&self, call: &Call, token: &str, question: &str) -> Result<PageEnd, ApiError> {
        let path = self.path();
        let secret = call.store().paging_secret();
        Ok(skip_token::open(
            secret,
            token,
            &paging(call, &path, question),
        )?)
    }
}

/// What a collection's pages have in common.
fn paging<'a>(call: &Call, collection: &'a str, question: &'a str) -> Paging<'a> {
    Paging {
        collection,
        tenant: call.tenant(),
        version: call.version,
        question,
    }
}
