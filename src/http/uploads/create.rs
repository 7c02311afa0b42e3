//! Makes an upload, with the imports that come with it: all of it durable first, then 201.

use axum::response::Response;
use http::{StatusCode, header};

use crate::{
    domain::{
        id,
        upload::{Upload, UploadContents, UploadId},
    },
    graph::{
        entity::Place,
        import_state::StateShown,
        json as wire,
        schema::{EntitySet, UPLOAD_IMPORTS},
        upload::{Expansion, read_create_upload, upload_revision, write_upload},
    },
    http::{
        call::{Call, Written, address, json, minimal, with_etag},
        error::ApiError,
        imports::{self, Source},
        layers::limits::IMPORT_BODY_LIMIT_BYTES,
    },
    store::{StoreError, Unique, operation::NewUpload},
};

/// Makes the upload in the body.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    let level = call.metadata_level()?;
    call.take_no_options()?;
    let body = call.read_body(IMPORT_BODY_LIMIT_BYTES).await?;
    let request = read_create_upload(wire::parse(&call.json_text(&body)?)?, call.api.max_import)?;
    drop(body);
    call.meet().await;
    let is_expanded = request.imports.is_some();
    let requests = request.imports.unwrap_or_default();
    let (accepted, rows) = imports::prepare(&call, requests);
    let created_at = rows.accepted_at;
    let fresh = UploadId(id::time_ordered(created_at));
    let contents = UploadContents {
        imports: !accepted.is_empty(),
        waiting: !accepted.is_empty(),
        refused: false,
    };
    let upload = Upload {
        tenant: call.tenant(),
        id: request.id.unwrap_or(fresh),
        created_at,
        status: contents.status(),
    };
    let new = NewUpload {
        id: upload.id,
        imports: rows,
    };
    match call.store().create_upload(call.tenant(), new).await {
        Ok(()) => {}
        Err(StoreError::Conflict(Unique::UploadId(id))) => {
            let message = format!("An upload with the id '{id}' already exists in this tenant.");
            return Err(ApiError::conflict(message, Vec::new()));
        }
        Err(error) => {
            let source = Source::Collection(UPLOAD_IMPORTS);
            return Err(imports::refused(&accepted, error, source));
        }
    }
    let location = call.location(EntitySet::Uploads, upload.id.0);
    let Written::Whole(status) = call.written(StatusCode::CREATED) else {
        return with_etag(minimal(&location)?, upload.revision());
    };
    let expansion = is_expanded.then(|| Expansion {
        imports: accepted
            .iter()
            .map(|(import, state)| (import, StateShown::Echoed(state)))
            .collect(),
        ..Expansion::default()
    });
    let revision = upload_revision(&upload, expansion.as_ref());
    let mut body = Vec::new();
    let context = call.write_context(level);
    write_upload(
        &mut body,
        &upload,
        expansion.as_ref(),
        &context,
        Place::Entity,
    );
    let mut response = json(status, level, body);
    response
        .headers_mut()
        .insert(header::LOCATION, address(&location)?);
    with_etag(response, revision)
}
