//! Pages of uploads, and of the imports in one: which part is asked for, and the link to the next.

use uuid::Uuid;

use crate::{
    domain::upload::UploadId,
    graph::{
        query::{self, PageOptions},
        schema::{EntitySet, UPLOAD_IMPORTS},
        skip_token::{self, PageEnd, Paging},
    },
    http::{call::Call, error::ApiError},
    store::operation::{Page, Slice},
};

/// A collection that is answered in pages.
#[derive(Clone, Copy)]
pub(super) enum Paged {
    /// The uploads.
    Uploads,
    /// The imports in an upload.
    ImportsIn(UploadId),
}

impl Paged {
    fn set(self) -> EntitySet {
        match self {
            Self::Uploads => EntitySet::Uploads,
            Self::ImportsIn(_) => EntitySet::Imports,
        }
    }

    /// The upload that it stands in, where it stands in one.
    fn within(self) -> Option<Uuid> {
        match self {
            Self::Uploads => None,
            Self::ImportsIn(upload) => Some(upload.0),
        }
    }

    /// Its address.
    pub(super) fn address(self, call: &Call) -> String {
        let base = &call.context.base_url;
        let version = call.version.path_segment();
        let uploads = EntitySet::Uploads.name();
        match self {
            Self::Uploads => format!("{base}/{version}/deviceManagement/{uploads}"),
            Self::ImportsIn(upload) => {
                format!("{base}/{version}/deviceManagement/{uploads}('{upload}')/{UPLOAD_IMPORTS}")
            }
        }
    }

    /// The options of the call's query, and the part that they ask for.
    pub(super) fn page(self, call: &Call) -> Result<(PageOptions, Slice), ApiError> {
        let expandable = self.set().expandable(call.version);
        let options = query::read_page_options(call.query.as_deref(), call.version, expandable)?;
        let after = options
            .skip_token
            .as_deref()
            .map(|token| skip_token::open(call.store().paging_secret(), token, &self.paging(call)))
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

    /// The link to the rows after this page, which goes on with this query.
    pub(super) fn next_link<T>(
        self,
        call: &Call,
        query: Option<&str>,
        page: &Page<T>,
        id: impl Fn(&T) -> Uuid,
    ) -> Option<String> {
        let last = page.rows.last().filter(|_| page.more)?;
        let end = PageEnd {
            keys: Vec::new(),
            id: id(last),
        };
        // Without values a token is never too long.
        let token =
            skip_token::seal(call.store().paging_secret(), &self.paging(call), &end).ok()?;
        Some(query::next_link(&self.address(call), query, &token))
    }

    /// What its pages have in common: they hold every row, in the order of the ids.
    fn paging(self, call: &Call) -> Paging<'static> {
        Paging {
            set: self.set(),
            within: self.within(),
            tenant: call.tenant(),
            version: call.version,
            question: "",
        }
    }
}
