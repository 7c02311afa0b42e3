//! The assignments of a deployment profile.

use axum::response::Response;

use crate::{
    graph::{
        assignment::{assignment_value, write_assignment},
        entity::Place,
        vocabulary,
    },
    http::{
        call::Call,
        error::ApiError,
        pages::Asked,
        profiles::{assignments_of, find, profile_id},
        short_list,
    },
};

/// Answers a page of the assignments of the profile with the key in the path.
pub async fn list(call: Call) -> Result<Response, ApiError> {
    let id = profile_id(&call)?;
    let vocabulary = vocabulary::assignments();
    let asked = Asked::read_at(&call, assignments_of(id), vocabulary, &[])?;
    find(&call).await?;
    // A profile has few.
    let all = call.store().list_assignments(call.tenant(), vec![id]);
    let taken = short_list::take(
        all.await?,
        &asked.rows(),
        vocabulary,
        "id",
        |row, path, _| assignment_value(row, path),
    );
    let count = asked.counts(&call).then_some(taken.count);
    asked.answer(&call, count, taken.page, |out, assignment, context| {
        write_assignment(out, assignment, context, Place::Item);
    })
}
