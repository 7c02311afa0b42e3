//! A page of imports.

use axum::response::Response;

use crate::{
    graph::{
        entity::Place, import::write_import, import_state::StateShown, schema::EntitySet,
        vocabulary,
    },
    http::{call::Call, error::ApiError, pages::Asked},
};

/// Answers a page of the tenant's imports and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let asked = Asked::read(&call, EntitySet::Imports, vocabulary::imports(call.version))?;
    let (store, tenant) = (call.store(), call.tenant());
    let count = if asked.counts(&call) {
        Some(store.count_imports(tenant, asked.filter()).await?)
    } else {
        None
    };
    let page = store.list_imports(tenant, asked.rows()).await?;
    asked.answer(&call, count, page, |out, import, context| {
        write_import(out, import, StateShown::Stored, context, Place::Item);
    })
}
