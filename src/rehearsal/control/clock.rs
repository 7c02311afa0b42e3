//! The routes of the clock.

use std::sync::Arc;

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, Control, Problem};
use crate::{
    domain::clock::Clock as _,
    rehearsal::{
        Rehearsal,
        clock::{ClockError, RehearsalClock},
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    by: SignedDuration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    to: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    rate: f64,
}

pub(super) fn controls() -> Vec<Control> {
    vec![
        Control {
            method: Method::GET,
            path: "/rehearsal/clock",
            summary: "What the clock shows, how far it is ahead of the machine's, and how fast it runs.",
            body: None,
            perform: |rehearsal, asked| Box::pin(async move { show(&rehearsal, &asked) }),
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/clock/advance",
            summary: "Moves the clock forward by a duration.",
            body: Some(|| {
                object(
                    "by",
                    &json!({"type": "string", "examples": ["15m", "PT1H30M"]}),
                )
            }),
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    let Advance { by } = asked.read()?;
                    change(&rehearsal, "by", |clock| clock.advance(by))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/clock/set",
            summary: "Moves the clock forward to an instant.",
            body: Some(|| object("to", &json!({"type": "string", "format": "date-time"}))),
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    let Set { to } = asked.read()?;
                    change(&rehearsal, "to", |clock| clock.set(to))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/clock/run",
            summary: "Lets the clock run at a rate from now on: 1 as the machine's, 60 a minute a second, 0 not at all.",
            body: Some(|| object("rate", &json!({"type": "number", "minimum": 0}))),
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    let Run { rate } = asked.read()?;
                    change(&rehearsal, "rate", |clock| clock.run_at(rate))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/clock/freeze",
            summary: "Lets the clock stand until it is told to run.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    change(&rehearsal, "rate", |clock| clock.run_at(0.0))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/clock/reset",
            summary: "Lets the clock show the machine's time again. Rows keep their dates, which may be ahead of it then.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    change(&rehearsal, "rate", RehearsalClock::reset)
                })
            },
        },
    ]
}

/// What is told of a clock.
pub(in crate::rehearsal) fn told(clock: &RehearsalClock) -> Value {
    let rate = clock.course().rate;
    json!({
        "now": clock.now(),
        "offset_seconds": clock.offset().as_secs_f64(),
        "rate": rate,
        "frozen": rate == 0.0,
    })
}

fn show(rehearsal: &Arc<Rehearsal>, asked: &Asked) -> Result<Value, Problem> {
    asked.take_no_body()?;
    Ok(told(&rehearsal.clock))
}

fn change(
    rehearsal: &Arc<Rehearsal>,
    field: &str,
    change: impl FnOnce(&RehearsalClock) -> Result<(), ClockError>,
) -> Result<Value, Problem> {
    change(&rehearsal.clock).map_err(|error| match error {
        ClockError::File(error) => Problem::failed(error.to_string()),
        error => Problem::bad(error.to_string()).of(field),
    })?;
    Ok(told(&rehearsal.clock))
}

/// The schema of an object with this one member.
fn object(name: &str, schema: &Value) -> Value {
    json!({
        "type": "object",
        "properties": { name: schema },
        "required": [name],
        "additionalProperties": false,
    })
}
