//! One request in the record: what was asked, by whom, and what came of it. No token, no hash and no
//! product key is in it, and of a body no more than its beginning.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash as _, Hasher as _},
};

use http::header::{RETRY_AFTER, USER_AGENT};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use crate::http::{
    auth::caller::Grant,
    rehearsed::{BreakOff, Ended, Told},
};

/// How much of a body is remembered, once its secrets are gone.
const BODY_BYTES: usize = 1024;

/// How many serial numbers and group tags of one request are remembered.
const NAMES: usize = 1000;

/// Members whose values are secrets, or large.
const REDACTED: [&str; 6] = [
    "hardwareidentifier",
    "hardwarehash",
    "productkey",
    "password",
    "client_secret",
    "authorization",
];

/// A request, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its number, from 1 on.
    pub number: u64,
    /// The server's name for it.
    pub request_id: Uuid,
    /// The batch that it was a part of.
    pub batch: Option<Uuid>,
    /// When it came, by the rehearsal's clock.
    pub at: Timestamp,
    /// How long it took, by the machine's.
    pub took_ms: u64,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query.
    pub query: Option<String>,
    /// The route's template.
    pub route: Option<&'static str>,
    /// The caller's tenant.
    pub tenant: Option<String>,
    /// The caller's application.
    pub application: Option<String>,
    /// The caller himself: a user's or an application's object id.
    pub caller: Option<String>,
    /// What the caller's token grants.
    pub grants: Vec<String>,
    /// What the client says of itself.
    pub agent: Option<String>,
    /// The serial numbers in its body.
    pub serial_numbers: Vec<String>,
    /// The group tags in its body.
    pub group_tags: Vec<String>,
    /// The beginning of its body, without secrets.
    pub body: Option<String>,
    /// The answer's status.
    pub status: u16,
    /// How long the answer asks to wait.
    pub retry_after: Option<u64>,
    /// How the connection broke, if it did.
    pub broke_off: Option<&'static str>,
    /// Which rule was behind the answer.
    pub explanation: Option<String>,
    /// The page that it asks for, and the page that its answer links to.
    #[serde(skip)]
    pub(super) page: Option<u64>,
    #[serde(skip)]
    pub(super) next_page: Option<u64>,
}

impl Entry {
    pub(super) fn of(
        number: u64,
        request: &Told,
        ended: &Ended<'_>,
        explanation: Option<String>,
    ) -> Self {
        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        let mut facts = Facts::default();
        if let Some(body) = &body {
            facts.gather(body);
        }
        let caller = request.caller.as_deref();
        let text = |header| {
            let value = request.headers.get(header)?;
            Some(value.to_str().ok()?.chars().take(200).collect())
        };
        Self {
            number,
            request_id: request.request_id,
            batch: request.batch,
            at: request.received_at,
            took_ms: u64::try_from(ended.elapsed.as_millis()).unwrap_or(u64::MAX),
            method: request.method.to_string(),
            path: request.path.clone(),
            // What is asked of the authority holds its secrets.
            query: request.query.clone().filter(|_| request.route.is_some()),
            route: request.route,
            tenant: caller.map(|caller| caller.tenant.to_string()),
            application: caller.and_then(|caller| caller.application.clone()),
            caller: caller.map(|caller| caller.object_id.clone()),
            grants: match caller.map(|caller| &caller.grant) {
                Some(
                    Grant::Delegated { scopes: grants } | Grant::Application { roles: grants },
                ) => grants.clone(),
                None => Vec::new(),
            },
            agent: text(USER_AGENT),
            serial_numbers: facts.serial_numbers,
            group_tags: facts.group_tags,
            body: body.map(redact).map(beginning),
            status: ended.status.as_u16(),
            retry_after: ended
                .headers
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok()),
            broke_off: ended.break_off.map(|how| match how {
                BreakOff::Before => "before it was done",
                BreakOff::After => "after it was done",
                BreakOff::Within => "within the answer",
            }),
            explanation,
            page: request.query.as_deref().and_then(page),
            next_page: next_page(ended),
        }
    }
}

/// What stands in a body.
#[derive(Default)]
struct Facts {
    serial_numbers: Vec<String>,
    group_tags: Vec<String>,
}

impl Facts {
    /// The reader of JSON has bounded the depth.
    fn gather(&mut self, value: &Value) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| self.gather(element)),
            Value::Object(members) => {
                let mut tag = None;
                for (name, value) in members {
                    match (name.to_ascii_lowercase().as_str(), value.as_str()) {
                        ("serialnumber", Some(text)) => remember(&mut self.serial_numbers, text),
                        ("grouptag" | "orderidentifier", Some(text)) => tag = Some(text),
                        _ => self.gather(value),
                    }
                }
                // Both names of a tag in one object are one tag.
                if let Some(tag) = tag {
                    remember(&mut self.group_tags, tag);
                }
            }
            _ => {}
        }
    }
}

fn remember(names: &mut Vec<String>, name: &str) {
    if names.len() < NAMES {
        names.push(name.chars().take(200).collect());
    }
}

fn redact(value: Value) -> Value {
    match value {
        Value::Array(elements) => elements.into_iter().map(redact).collect(),
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let is_secret = REDACTED.contains(&name.to_ascii_lowercase().as_str());
                let value = match value {
                    Value::String(text) if is_secret => {
                        Value::String(format!("({} characters)", text.chars().count()))
                    }
                    value if is_secret => Value::String(format!("({})", kind(&value))),
                    value => redact(value),
                };
                (name, value)
            });
            Value::Object(members.collect())
        }
        other => other,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn beginning(body: Value) -> String {
    let mut text = body.to_string();
    if text.len() > BODY_BYTES {
        let end = (0..=BODY_BYTES)
            .rev()
            .find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

/// The page that a query asks for.
fn page(query: &str) -> Option<u64> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(name, _)| matches!(name.as_ref(), "$skiptoken" | "skiptoken"))
        .map(|(_, token)| hashed(&token))
}

/// The page that an answer links to.
fn next_page(ended: &Ended<'_>) -> Option<u64> {
    // Looked for as text first: most answers have none, and some are long.
    memchr::memmem::find(ended.body, b"@odata.nextLink")?;
    let body: Value = serde_json::from_slice(ended.body).ok()?;
    let link = body["@odata.nextLink"].as_str()?;
    page(link.split_once('?')?.1)
}

fn hashed(token: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_leave_their_length_behind() {
        let body = json!({
            "importedWindowsAutopilotDeviceIdentities": [
                {"serialNumber": "S1", "hardwareIdentifier": "AAAA", "productKey": 5},
                {"serialNumber": "S2", "groupTag": "Kiosk", "orderIdentifier": "Kiosk"},
            ],
            "Password": "hunter2",
        });
        let mut facts = Facts::default();
        facts.gather(&body);
        assert_eq!(facts.serial_numbers, ["S1", "S2"]);
        assert_eq!(facts.group_tags, ["Kiosk"]);
        let text = beginning(redact(body));
        for secret in ["AAAA", "hunter2", ":5"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("(4 characters)"), "{text}");
    }

    #[test]
    fn a_long_body_is_cut_between_letters() {
        let text = beginning(json!("ä".repeat(2 * BODY_BYTES)));
        assert!(text.len() <= BODY_BYTES + '…'.len_utf8() && text.ends_with("ä…"));
    }

    #[test]
    fn a_page_is_known_by_its_token_in_either_spelling() {
        assert_eq!(page("$skiptoken=a%2Fb&$top=1"), page("%24skiptoken=a/b"));
        assert_ne!(page("$skiptoken=a"), page("$skiptoken=b"));
        assert_eq!(page("$top=1"), None);
    }
}
