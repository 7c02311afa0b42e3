//! A page of uploads.

use axum::response::Response;
use http::StatusCode;

use super::expansion;
use crate::{
    graph::{collection::write_collection, entity::Place, schema::EntitySet, upload::write_upload},
    http::{
        call::{Call, json},
        error::ApiError,
        listing::Listing,
    },
    store::operation::Slice,
};

const UPLOADS: Listing = Listing::of(EntitySet::Uploads);

/// How many uploads a page has at most when their imports are asked for, so that a page stays one
/// that fits into memory.
const EXPANDED_UPLOADS: usize = 20;
/// How many imports each of them is then shown with at most.
const EXPANDED_IMPORTS: usize = 100;

/// Answers a page of the tenant's uploads and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let (options, mut slice) = UPLOADS.page(&call, EntitySet::Uploads.expandable(call.version))?;
    let expand = !options.expand.is_empty();
    if expand {
        slice.limit = slice.limit.min(EXPANDED_UPLOADS);
    }
    let count = if options.count {
        Some(call.store().count_uploads(call.tenant()).await?)
    } else {
        None
    };
    let page = call.store().list_uploads(call.tenant(), slice).await?;
    let mut contents = Vec::new();
    if expand {
        let slice = Slice {
            after: None,
            skip: 0,
            limit: EXPANDED_IMPORTS,
        };
        for upload in &page.rows {
            let imports = call
                .store()
                .list_upload_imports(call.tenant(), upload.id, slice);
            contents.push(imports.await?);
        }
    }
    let mut expansions = Vec::new();
    for (upload, page) in page.rows.iter().zip(&contents) {
        expansions.push(expansion(&call, upload.id, page)?);
    }
    let query = call.query.as_deref();
    let next = UPLOADS.next_link(&call, query, &page, |upload| upload.id.0)?;
    let context = call.write_context(level);
    let mut body = Vec::new();
    let items = page.rows.iter().enumerate().map(|(index, upload)| {
        let expansion = expansions.get(index);
        move |out: &mut Vec<u8>| write_upload(out, upload, expansion, &context, Place::Item)
    });
    write_collection(
        &mut body,
        &context,
        EntitySet::Uploads,
        count,
        next.as_deref(),
        items,
    );
    Ok(json(StatusCode::OK, level, body))
}
