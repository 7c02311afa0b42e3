//! The imports that uploads are shown with.

use odata::Expand;

use super::imports_in;
use crate::{
    domain::{field::ImportField, import::Import, upload::UploadId},
    graph::{import_state::StateShown, nested::Refused, upload::Expansion, vocabulary},
    http::{call::Call, error::ApiError, nested::Nested},
};

/// What an expansion asks of the imports in uploads.
pub(super) struct Asked(Nested<ImportField>);

/// An upload's imports, as many as are shown.
pub(super) struct Contents {
    imports: Vec<Import>,
    count: Option<u64>,
    next_link: Option<String>,
}

impl Asked {
    /// Reads what is asked of each upload's imports, if anything is: there is nothing else to expand.
    pub(super) fn read(call: &Call, expand: &Expand, most: u32) -> Result<Option<Self>, ApiError> {
        let vocabulary = vocabulary::imports(call.version);
        let item = expand.items.first();
        item.map(|item| Nested::read(call, item, vocabulary, Refused::NOTHING, most).map(Self))
            .transpose()
    }

    /// The imports of one upload.
    pub(super) async fn of(&self, call: &Call, upload: UploadId) -> Result<Contents, ApiError> {
        let Self(nested) = self;
        let (store, tenant) = (call.store(), call.tenant());
        let count = if nested.query.page.count {
            let filter = nested.query.filter.clone();
            Some(store.count_upload_imports(tenant, upload, filter).await?)
        } else {
            None
        };
        let page = store
            .list_upload_imports(tenant, upload, nested.rows())
            .await?;
        let link = |end| nested.link(call, imports_in(upload), end);
        Ok(Contents {
            imports: page.rows,
            count,
            next_link: page.next.map(link).transpose()?,
        })
    }

    /// These imports as an upload is written with them.
    pub(super) fn shown<'a>(&'a self, contents: &'a Contents) -> Expansion<'a> {
        let imports = contents.imports.iter();
        Expansion {
            imports: imports.map(|import| (import, StateShown::Stored)).collect(),
            count: contents.count,
            next_link: contents.next_link.as_deref(),
            shown: Some(&self.0.query.shown),
        }
    }
}
