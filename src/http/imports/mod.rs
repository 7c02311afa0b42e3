//! Graph: importedWindowsAutopilotDeviceIdentities. A file a verb.

pub mod count;
pub mod create;
pub mod create_many;
pub mod delete;
pub mod get;
pub mod list;
pub mod update;

use super::{call::Call, error::ApiError};
use crate::{
    domain::{
        id,
        import::{CallId, Import, ImportId, ImportState},
    },
    graph::{error_body::ErrorDetail, import::ImportRequest, import_state::EchoedState},
    store::{
        StoreError, Unique,
        operation::{NewImport, NewImports},
    },
};

/// Where requests stand in a body.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// The body is one.
    Body,
    /// They are the collection of this name.
    Collection(&'static str),
}

/// An import as it was accepted, with the state that its client sent.
pub(super) type Accepted = (Import, EchoedState);

/// Gives requests their ids and makes them durable, all or none. Answers them as they were
/// accepted.
async fn accept_rows(
    call: &Call,
    requests: Vec<ImportRequest>,
    source: Source,
) -> Result<Vec<Accepted>, ApiError> {
    let (accepted, imports) = prepare(call, requests);
    if accepted.is_empty() {
        return Ok(accepted);
    }
    match call.store().create_imports(call.tenant(), imports).await {
        Ok(()) => Ok(accepted),
        Err(error) => Err(refused(&accepted, error, source)),
    }
}

/// Gives requests their ids: as they will be accepted, and as the store takes them.
pub(super) fn prepare(call: &Call, requests: Vec<ImportRequest>) -> (Vec<Accepted>, NewImports) {
    let now = call.api.clock.now();
    let call_id = CallId(id::time_ordered(now));
    let accepted: Vec<Accepted> = requests
        .into_iter()
        .map(|mut request| {
            let import = Import {
                tenant: call.tenant(),
                id: request.settle_id(id::time_ordered(now)),
                call: call_id,
                properties: request.properties,
                state: ImportState::Waiting,
                accepted_at: now,
                version: 0,
            };
            (import, request.state)
        })
        .collect();
    let rows = accepted
        .iter()
        .map(|(import, _)| NewImport {
            id: import.id,
            properties: import.properties.clone(),
        })
        .collect();
    let imports = NewImports {
        call: call_id,
        actor: call.caller.actor(),
        accepted_at: now,
        rows,
    };
    (accepted, imports)
}

/// The error of imports that the store did not take.
pub(super) fn refused(accepted: &[Accepted], error: StoreError, source: Source) -> ApiError {
    match error {
        StoreError::Conflict(Unique::ImportIds(ids)) => ids_taken(accepted, &ids, source),
        error => error.into(),
    }
}

/// Names the first taken id in the message and all of them in the details.
fn ids_taken(accepted: &[Accepted], taken: &[ImportId], source: Source) -> ApiError {
    let sentence =
        |id: &ImportId| format!("An import with the id '{id}' already exists in this tenant.");
    let message = taken.first().map(sentence).unwrap_or_default();
    let details = taken
        .iter()
        .map(|id| ErrorDetail {
            code: "Conflict".to_owned(),
            message: sentence(id),
            target: match source {
                Source::Body => "id".to_owned(),
                Source::Collection(name) => {
                    // Of several rows with one id the first may be free, the last never is.
                    let index = accepted.iter().rposition(|(import, _)| import.id == *id);
                    format!("{name}[{}].id", index.unwrap_or_default())
                }
            },
        })
        .collect();
    ApiError::conflict(message, details)
}
