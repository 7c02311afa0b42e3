//! The routes of the journal.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Asked, Control, Problem};
use crate::rehearsal::{
    Rehearsal,
    journal::{assertion::Assertion, search::Filter},
};

pub(super) fn controls() -> Vec<Control> {
    vec![
        Control {
            method: Method::GET,
            path: "/rehearsal/requests",
            summary: "The requests that were made, oldest first, 100 unless limit says more. The query takes method, path (a part of it), status, tenant, application, serial_number, group_tag, after (a number) and limit.",
            body: None,
            perform: |rehearsal, asked| Box::pin(async move { search(&rehearsal, &asked) }),
        },
        Control {
            method: Method::DELETE,
            path: "/rehearsal/requests",
            summary: "Forgets the requests that were made.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    rehearsal.journal.reset();
                    Ok(json!({}))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/requests/assert",
            summary: "Whether something holds of the requests that were made: how many of a kind there were, and that callers waited as long as Retry-After asked.",
            body: Some(assertion_schema),
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    let assertion: Assertion = asked.read()?;
                    assertion.check()?;
                    shown(rehearsal.journal.judge(&assertion))
                })
            },
        },
        Control {
            method: Method::GET,
            path: "/rehearsal/report",
            summary: "What the callers could do better.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    shown(rehearsal.journal.report())
                })
            },
        },
        Control {
            method: Method::GET,
            path: "/rehearsal/explain/{request-id}",
            summary: "Which rule was behind the answer to a request, by its request-id header.",
            body: None,
            perform: |rehearsal, asked| Box::pin(async move { explain(&rehearsal, &asked) }),
        },
    ]
}

fn search(rehearsal: &Rehearsal, asked: &Asked) -> Result<Value, Problem> {
    asked.take_no_body()?;
    let filter = Filter::of_query(asked.query.as_deref())?;
    let (requests, forgotten) = rehearsal.journal.search(&filter);
    shown(json!({ "requests": requests, "forgotten": forgotten }))
}

fn explain(rehearsal: &Rehearsal, asked: &Asked) -> Result<Value, Problem> {
    asked.take_no_body()?;
    let name = asked.names.first().map_or("", String::as_str);
    let id = Uuid::try_parse(name).map_err(|_| {
        Problem::bad("a request-id is a GUID, as the header request-id of an answer shows it")
            .of("request-id")
    })?;
    let entry = rehearsal.journal.find(id).ok_or_else(|| {
        Problem::absent("no such request is remembered; the last 10,000 are").of("request-id")
    })?;
    let explanation = entry.explanation.clone();
    let explanation = explanation.unwrap_or_else(|| "nothing was refused".to_owned());
    shown(json!({ "explanation": explanation, "request": entry }))
}

fn shown(answer: impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(answer).map_err(|error| Problem::failed(error.to_string()))
}

fn assertion_schema() -> Value {
    let count = || json!({"type": "integer", "minimum": 0});
    json!({
        "type": "object",
        "properties": {
            "requests": {
                "type": "object",
                "properties": {
                    "method": {"type": "string"},
                    "path": {"type": "string"},
                    "status": {"type": "integer"},
                    "tenant": {"type": "string"},
                    "application": {"type": "string"},
                    "serial_number": {"type": "string"},
                    "group_tag": {"type": "string"},
                    "after": count(),
                    "limit": count(),
                },
                "additionalProperties": false,
            },
            "exactly": count(),
            "at_least": count(),
            "at_most": count(),
            "retry_after_honoured": {"type": "boolean", "const": true},
        },
        "additionalProperties": false,
    })
}
