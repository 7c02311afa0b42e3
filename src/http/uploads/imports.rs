//! The imports in an upload. They are imports like any other, and have one address, in their own
//! set; here they are listed and made, and found by the way through their upload.

use axum::response::Response;
use uuid::Uuid;

use super::{imports_in, upload_id};
use crate::{
    domain::import::ImportId,
    graph::{
        entity::Place,
        import::{ImportRequest, read_create, read_import_call, write_import},
        import_state::StateShown,
        json as wire,
        schema::{EntitySet, IMPORT_PARAMETER},
        vocabulary,
    },
    http::{
        call::{Call, plain_number},
        error::ApiError,
        extract::accept,
        imports::{self, Accepted, Source},
        layers::limits::{BODY_LIMIT_BYTES, IMPORT_BODY_LIMIT_BYTES},
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
    let mut accepted = accept(&call, vec![request], Source::Body).await?;
    let Some((import, state)) = accepted.pop() else {
        return Err(ApiError::internal("an accepted import is missing"));
    };
    imports::create::answer(&call, level, &import, &state)
}

/// Accepts the imports in the body into the upload: all of them, or none.
pub async fn create_many(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(IMPORT_BODY_LIMIT_BYTES).await?;
    let requests = read_import_call(&wire::parse(&call.json_text(&body)?)?, call.api.max_import)?;
    drop(body);
    let source = Source::Collection(IMPORT_PARAMETER);
    let accepted = accept(&call, requests, source).await?;
    Ok(imports::create_many::answer(&call, level, &accepted))
}

/// Makes imports durable in the upload with the first key in the path.
async fn accept(
    call: &Call,
    requests: Vec<ImportRequest>,
    source: Source,
) -> Result<Vec<Accepted>, ApiError> {
    let id = upload_id(call)?;
    call.meet().await;
    let (accepted, rows) = imports::prepare(call, requests);
    let made = call.store().create_upload_imports(call.tenant(), id, rows);
    match made.await {
        Ok(true) => Ok(accepted),
        Ok(false) => Err(call.absent()),
        Err(error) => Err(imports::refused(&accepted, error, source)),
    }
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
