//! A page of imports.

use axum::response::Response;
use http::StatusCode;

use crate::{
    graph::{
        collection::write_collection, entity::Place, import::write_import,
        import_state::StateShown, schema::EntitySet,
    },
    http::{
        call::{Call, json},
        error::ApiError,
    },
};

/// Answers a page of the tenant's imports and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    let (options, slice) = call.page(EntitySet::Imports)?;
    let count = if options.count {
        Some(call.store().count_imports(call.tenant()).await?)
    } else {
        None
    };
    let page = call.store().list_imports(call.tenant(), slice).await?;
    let next = call.next_link(EntitySet::Imports, &page, |import| import.id.0);
    let context = call.write_context(level);
    let mut body = Vec::new();
    let items = page.rows.iter().map(|import| {
        move |out: &mut Vec<u8>| {
            write_import(out, import, StateShown::Stored, &context, Place::Item);
        }
    });
    write_collection(
        &mut body,
        &context,
        EntitySet::Imports,
        count,
        next.as_deref(),
        items,
    );
    Ok(json(StatusCode::OK, level, body))
}
