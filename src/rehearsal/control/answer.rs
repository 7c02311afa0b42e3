//! How the routes of a rehearsal answer: JSON, and for what can't be a problem that names the field.

use std::fmt;

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::Response,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Asked;

/// Why a route does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    /// Where in the body, as `rules[0].path`.
    field: Option<String>,
    message: String,
}

impl Problem {
    /// What was asked makes no sense.
    pub fn bad(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            field: None,
            message: message.into(),
        }
    }

    /// There is nothing of this name.
    pub fn absent(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::bad(message)
        }
    }

    /// The state of things forbids it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            ..Self::bad(message)
        }
    }

    /// It failed, and not by the caller's fault.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::bad(message)
        }
    }

    /// The same problem, of this field.
    #[must_use]
    pub fn of(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

/// Where it is, and what it is.
impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(formatter, "{field}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Asked {
    /// The body as what it should be; without one, what an empty object is.
    pub(in crate::rehearsal) fn read_if_any<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if !self.body.iter().all(u8::is_ascii_whitespace) {
            return self.read();
        }
        let nothing = serde_json::json!({});
        serde_json::from_value(nothing).map_err(|error| Problem::bad(error.to_string()))
    }

    /// The value of the one parameter that the query may have.
    pub(in crate::rehearsal) fn parameter(&self, name: &str) -> Result<Option<String>, Problem> {
        let query = self.query.as_deref().unwrap_or_default();
        let mut value = None;
        for (found, text) in url::form_urlencoded::parse(query.as_bytes()) {
            if found != name {
                let told = format!("there is no such parameter; there is `{name}`");
                return Err(Problem::bad(told).of(found));
            }
            if value.replace(text.into_owned()).is_some() {
                return Err(Problem::bad("the parameter stands twice").of(name));
            }
        }
        Ok(value)
    }

    /// Refuses a query where none is taken.
    pub(in crate::rehearsal) fn take_no_query(&self) -> Result<(), Problem> {
        match self.query.as_deref() {
            None | Some("") => Ok(()),
            Some(_) => Err(Problem::bad("this path takes no parameters")),
        }
    }

    /// The body as what it should be.
    pub(in crate::rehearsal) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let read = serde_path_to_error::deserialize(&mut reader);
        let value = read.map_err(|error| {
            let field = error.path().to_string();
            let problem = Problem::bad(error.inner().to_string());
            if field == "." {
                problem
            } else {
                problem.of(field)
            }
        })?;
        reader
            .end()
            .map_err(|error| Problem::bad(error.to_string()))?;
        Ok(value)
    }

    /// Refuses a body where none is taken.
    pub(in crate::rehearsal) fn take_no_body(&self) -> Result<(), Problem> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        self.read::<Nothing>().map(|Nothing {}| ())
    }
}

/// An object without anything in it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub(super) fn render(performed: Result<Value, Problem>) -> Response<Body> {
    let (status, body) = match performed {
        Ok(body) => (StatusCode::OK, body),
        Err(problem) => (
            problem.status,
            json!({"error": {"field": problem.field, "message": problem.message}}),
        ),
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn problem_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "field": { "type": ["string", "null"] },
                    "message": { "type": "string" },
                },
                "required": ["field", "message"],
            },
        },
        "required": ["error"],
    })
}
