//! A page of uploads.

use axum::response::Response;
use http::StatusCode;

use super::paging::Paged;
use crate::{
    graph::{
        collection::write_collection,
        entity::Place,
        import_state::StateShown,
        schema::EntitySet,
        upload::{Expansion, write_upload},
    },
    http::{
        call::{Call, json},
        error::ApiError,
    },
    store::operation::Slice,
};

/// How many uploads a page has at most when their imports are asked for, so that a page stays one
/// that fits into memory.
const EXPANDED_UPLOADS: usize = 20;
/// How many imports each of them is then shown with at most.
const EXPANDED_IMPORTS: usize = 100;

/// Answers a page of the tenant's uploads and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let (options, mut slice) = Paged::Uploads.page(&call)?;
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
    let expansions: Vec<_> = page
        .rows
        .iter()
        .zip(&contents)
        .map(|(upload, page)| Expansion {
            imports: page
                .rows
                .iter()
                .map(|import| (import, StateShown::Stored))
                .collect(),
            next_link: Paged::ImportsIn(upload.id)
                .next_link(&call, None, page, |import| import.id.0),
        })
        .collect();
    let query = call.query.as_deref();
    let next = Paged::Uploads.next_link(&call, query, &page, |upload| upload.id.0);
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
