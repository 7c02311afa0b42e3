//! The routes of the rules: faults, delays and recipes.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Asked, Control, Problem};
use crate::rehearsal::{
    Rehearsal,
    rules::{
        DelayRule, FaultRule,
        recipes::{self, Choices, RECIPES},
    },
};

pub(super) fn controls() -> Vec<Control> {
    let rules = faults().into_iter().chain(delays());
    rules.chain(of_recipes()).collect()
}

fn faults() -> [Control; 4] {
    [
        Control {
            method: Method::GET,
            path: "/rehearsal/faults",
            summary: "The faults that stand, in the order in which they are asked, and how often each was met and fired.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    Ok(json!({ "faults": rehearsal.rules.faults() }))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/faults",
            summary: "Sets up a fault: when it is met, and what it then does to a request or to an import.",
            body: Some(fault_schema),
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    let rule: FaultRule = asked.read()?;
                    let (faults, _) = rehearsal.rules.add(vec![rule], Vec::new())?;
                    Ok(faults.into_iter().next().unwrap_or_default())
                })
            },
        },
        Control {
            method: Method::DELETE,
            path: "/rehearsal/faults",
            summary: "Takes all faults away.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    Ok(json!({ "deleted": rehearsal.rules.delete_faults(None) }))
                })
            },
        },
        Control {
            method: Method::DELETE,
            path: "/rehearsal/faults/{name}",
            summary: "Takes a fault away. Imports that it held back go on.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move { delete(&rehearsal, &asked, "fault") })
            },
        },
    ]
}

fn delays() -> [Control; 4] {
    [
        Control {
            method: Method::GET,
            path: "/rehearsal/delays",
            summary: "The delays that stand, in the order in which they are asked: the first that is for an import counts.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    Ok(json!({ "delays": rehearsal.rules.delays() }))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/delays",
            summary: "Sets up a delay: how long imports wait until they are decided.",
            body: Some(delay_schema),
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    let rule: DelayRule = asked.read()?;
                    let (_, delays) = rehearsal.rules.add(Vec::new(), vec![rule])?;
                    Ok(delays.into_iter().next().unwrap_or_default())
                })
            },
        },
        Control {
            method: Method::DELETE,
            path: "/rehearsal/delays",
            summary: "Takes all delays away. Who waited goes on.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    Ok(json!({ "deleted": rehearsal.rules.delete_delays(None) }))
                })
            },
        },
        Control {
            method: Method::DELETE,
            path: "/rehearsal/delays/{name}",
            summary: "Takes a delay away. Who waited goes on.",
            body: None,
            perform: |rehearsal, asked| {
                Box::pin(async move { delete(&rehearsal, &asked, "delay") })
            },
        },
    ]
}

fn of_recipes() -> [Control; 2] {
    [
        Control {
            method: Method::GET,
            path: "/rehearsal/recipes",
            summary: "The recipes: what people report of the live service, ready to be set up.",
            body: None,
            perform: |_, asked| {
                Box::pin(async move {
                    asked.take_no_body()?;
                    let recipes = RECIPES.iter();
                    let recipes = recipes
                        .map(|recipe| json!({ "name": recipe.name, "report": recipe.report }));
                    Ok(json!({ "recipes": recipes.collect::<Vec<_>>() }))
                })
            },
        },
        Control {
            method: Method::POST,
            path: "/rehearsal/recipes/{name}",
            summary: "Sets up what a recipe consists of, and answers it.",
            body: Some(recipe_schema),
            perform: |rehearsal, asked| Box::pin(async move { cook(&rehearsal, &asked) }),
        },
    ]
}

fn cook(rehearsal: &Rehearsal, asked: &Asked) -> Result<Value, Problem> {
    let name = asked.names.first().map_or("", String::as_str);
    let recipe = recipes::find(name).ok_or_else(|| {
        let names: Vec<_> = RECIPES.iter().map(|recipe| recipe.name).collect();
        let why = format!(
            "there is no recipe '{name}': there are {}",
            names.join(", ")
        );
        Problem::absent(why)
    })?;
    let choices = if asked.body.iter().all(u8::is_ascii_whitespace) {
        Choices::default()
    } else {
        asked.read()?
    };
    let set = recipe.cook(&choices)?;
    let (faults, delays) = rehearsal.rules.add(set.faults, set.delays)?;
    Ok(json!({ "faults": faults, "delays": delays }))
}

fn delete(rehearsal: &Rehearsal, asked: &Asked, kind: &str) -> Result<Value, Problem> {
    asked.take_no_body()?;
    let name = asked.names.first().map_or("", String::as_str);
    let deleted = match kind {
        "fault" => rehearsal.rules.delete_faults(Some(name)),
        _ => rehearsal.rules.delete_delays(Some(name)),
    };
    if deleted == 0 {
        return Err(Problem::absent(format!("there is no {kind} '{name}'")));
    }
    Ok(json!({ "deleted": deleted }))
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn duration(example: &str) -> Value {
    json!({ "type": "string", "examples": [example] })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 1 })
}

fn which() -> Value {
    object(&json!({ "tenant": text(), "serial": text() }), &[])
}

fn fault_schema() -> Value {
    let when = json!({
        "method": { "enum": ["GET", "POST", "PATCH", "DELETE"] },
        "path": { "type": "string", "examples": ["*/importedWindowsAutopilotDeviceIdentities"] },
        "tenant": text(),
        "serial": { "type": "string", "examples": ["LAB-*"] },
        "nth": count(),
        "from_nth": count(),
        "probability": { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
        "seed": { "type": "integer", "minimum": 0 },
        "times": count(),
    });
    let answer = json!({
        "status": { "type": "integer", "minimum": 200, "maximum": 599 },
        "code": text(),
        "message": text(),
        "retry_after": duration("30s"),
        "behavior": { "enum": ["documented", "observed"] },
        "body": text(),
        "content_type": text(),
    });
    let throttle = json!({
        "from_device": count(),
        "per": duration("5m"),
        "retry_after": duration("30s"),
    });
    let then = json!({
        "answer": object(&answer, &["status"]),
        "wait": duration("2s"),
        "break": { "enum": ["before", "after", "within"] },
        "throttle": object(&throttle, &["from_device"]),
        "refuse": { "type": ["integer", "string"], "examples": [808, "ZtdDeviceAssignedToOtherTenant"] },
        "hold": { "const": true },
        "unseen": duration("2m"),
    });
    let fault = json!({
        "name": text(),
        "when": object(&when, &[]),
        "then": object(&then, &[]),
    });
    object(&fault, &["then"])
}

fn delay_schema() -> Value {
    let range = json!({
        "from": duration("5m"),
        "to": duration("15m"),
        "seed": { "type": "integer", "minimum": 0 },
    });
    let delay = json!({
        "name": text(),
        "when": which(),
        "fixed": duration("15m"),
        "range": object(&range, &["from", "to"]),
        "after_polls": count(),
        "never": { "const": true },
    });
    object(&delay, &[])
}

fn recipe_schema() -> Value {
    let choices = json!({
        "name": text(),
        "when": which(),
        "seed": { "type": "integer", "minimum": 0 },
    });
    object(&choices, &[])
}
