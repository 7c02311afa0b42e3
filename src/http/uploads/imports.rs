//! The imports in an upload. They are imports like any other, and have one address, in their own
//! set; here they are listed and made, and found by the way through their upload.

use axum::response::Response;
use uuid::Uuid;

use super::{imports_in, upload_id};
use crate::{
    domain::import::ImportId,
    graph::{
        entity::Place,
        import::{read_create, write_import},
        import_state::StateShown,
        json as wire,
        schema::EntitySet,
        vocabulary,
    },
    http::{
        call::{Call, plain_number},
        error::ApiError,
        extract::accept,
        imports::{self, Source},
        layers::limits::BODY_LIMIT_BYTES,
        pages::Asked,
    },
};

/// Answers a page of the upload's imports and the link to the next.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let id = upload_id(&call)?;
    let vocabulary = vocabulary::imports(call.version);
    let asked = Asked::read_at(&call, imports_in(id), vocabulary, &[])?.of_set(EntitySet::Imports);
    let (store, tenant) = (call.store(), call.tenant());
    let found = store.upload(tenant, id).await?;
    found.ok_or_else(|| call.absent())?;
    let count = if asked.counts(&call) {
        let count = store.count_upload_imports(tenant, id, asked.filter());
        Some(count.await?)
    } else {
        None
    };
    let page = store.list_upload_imports(tenant, id, asked.rows()).await?;
    asked.answer(&call, count, page, |out, import, context| {
        write_import(out, import, StateShown::Stored, context, Place::Item);
    })
}

/// Answers the number of the upload's imports as text.
pub async fn count(call: Call) -> Result<Response, ApiError> {
    accept::require_count(&call.headers)?;
    let filter = call.count_filter(vocabulary::imports(call.version))?;
    let id = upload_id(&call)?;
    let found = call.store().upload(call.tenant(), id).await?;
    found.ok_or_else(|| call.absent())?;
    let count = call.store().count_upload_imports(call.tenant(), id, filter);
    Ok(plain_number(count.await?))
}

/// Accepts the import in the body into the upload.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(BODY_LIMIT_BYTES).await?;
    let request = read_create(&wire::parse(&call.json_text(&body)?)?)?;
    drop(body);
    let id = upload_id(&call)?;
    call.meet().await;
    let (mut accepted, rows) = imports::prepare(&call.api, &call.caller, vec![request]);
    let made = call.store().create_upload_imports(call.tenant(), id, rows);
    match made.await {
        Ok(true) => {}
        Ok(false) => return Err(call.absent()),
        Err(error) => return Err(imports::refused(&accepted, error, Source::Body)),
    }
    let Some((import, state)) = accepted.pop() else {
        return Err(ApiError::internal("an accepted import is missing"));
    };
    imports::create::answer(&call, level, &import, &state)
}

/// Leads to the import with the second key in the path, if the upload with the first one holds it:
/// what is left of the call is the one that its own address would make.
pub async fn enter(mut call: Call) -> Result<Call, ApiError> {
    let upload = upload_id(&call)?;
    let import = Uuid::try_parse(call.key(1)).map(ImportId);
    let import = import.map_err(|_| call.absent_at(1))?;
    let held = call.store().upload_holds(call.tenant(), upload, import);
    if !held.await? {
        return Err(call.absent_at(1));
    }
    call.keys.remove(0);
    Ok(call)
}
