//! Collections that are answered in pages: where one stands, which part of it is asked for, and the
//! link to what follows.

use uuid::Uuid;

use super::{call::Call, error::ApiError};
use crate::{
    graph::{
        query::{self, PageOptions},
        schema::EntitySet,
        skip_token::{self, PageEnd, Paging},
    },
    store::operation::{Page, Slice},
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

    /// Where it stands, below `deviceManagement`.
    pub fn path(&self) -> String {
        let set = self.set.name();
        match self.within {
            None => set.to_owned(),
            Some((id, navigation)) => format!("{set}('{id}')/{navigation}"),
        }
    }

    /// The options of a list that takes no queries, and the part of the list that they ask for.
    pub fn page(
        &self,
        call: &Call,
        expandable: &'static [&'static str],
    ) -> Result<(PageOptions, Slice), ApiError> {
        let options = query::read_page_options(call.query.as_deref(), call.version, expandable)?;
        let after = options
            .skip_token
            .as_deref()
            .map(|token| self.open(call, token, ""))
            .transpose()?
            .map(|end| end.id);
        let slice = Slice {
            after,
            // A link goes on where its page ended: what was to be skipped is behind it.
            skip: if after.is_some() { 0 } else { options.skip },
            limit: usize::try_from(options.page_size()).unwrap_or(usize::MAX),
        };
        Ok((options, slice))
    }

    /// The link to the rows after this page of all rows in the order of their ids, which goes on
    /// with this query.
    pub fn next_link<T>(
        &self,
        call: &Call,
        query: Option<&str>,
        page: &Page<T>,
        id: impl Fn(&T) -> Uuid,
    ) -> Result<Option<String>, ApiError> {
        let Some(last) = page.rows.last().filter(|_| page.more) else {
            return Ok(None);
        };
        self.link(call, query, "", &PageEnd::at(id(last))).map(Some)
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
