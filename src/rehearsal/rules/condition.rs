//! When a rule is met, and how often it then fires.

use http::Method;
use serde::{Deserialize, Serialize};

use super::{TenantNames, chance::draw, glob::Glob, subject::Subject};
use crate::{domain::tenant::TenantId, rehearsal::control::Problem};

/// The methods that a route takes.
const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PATCH, Method::DELETE];

/// When a rule is met, as it is written.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The request's method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The pattern of the request's path, version included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The tenant, by id or by a name that the authority knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The pattern of a serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Which match alone fires, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// From which match on it fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_nth: Option<u64>,
    /// How likely a match fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// What the probability's draws are made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How many times it fires at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// What a rule is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// A request.
    Requests,
    /// An import that is to be decided.
    Imports,
}

/// When a rule is met, checked.
#[derive(Debug)]
pub(super) struct Condition {
    method: Option<Method>,
    path: Option<Glob>,
    tenant: Option<TenantId>,
    serial: Option<Glob>,
    frequency: Frequency,
    counts: Counts,
}

#[derive(Debug)]
struct Frequency {
    from: u64,
    until: Option<u64>,
    chance: Option<(f64, u64)>,
    times: Option<u64>,
}

/// How often a rule was met, and how often it fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) matched: u64,
    pub(super) fired: u64,
}

impl When {
    /// Checks what is written.
    pub(super) fn read(&self, of: Of, names: &TenantNames) -> Result<Condition, Problem> {
        if of == Of::Imports {
            for (field, given) in [("method", &self.method), ("path", &self.path)] {
                if given.is_some() {
                    let why = "the effect is on imports, when they are decided: they have neither method nor path";
                    return Err(Problem::bad(why).of(format!("when.{field}")));
                }
            }
        }
        let method = self.method.as_deref().map(read_method).transpose()?;
        if let (Some(Method::GET | Method::DELETE), Some(_)) = (&method, &self.serial) {
            let why = "a request of that method has no body and so no serial numbers: the rule would never be met";
            return Err(Problem::bad(why).of("when.serial"));
        }
        Ok(Condition {
            method,
            path: self.path.as_deref().map(read_path).transpose()?,
            tenant: read_tenant(self.tenant.as_deref(), names)?,
            serial: read_serial(self.serial.as_deref())?,
            frequency: self.frequency()?,
            counts: Counts::default(),
        })
    }

    fn frequency(&self) -> Result<Frequency, Problem> {
        let bad = |field: &str, why: &str| Err(Problem::bad(why).of(format!("when.{field}")));
        for (field, number) in [
            ("nth", self.nth),
            ("from_nth", self.from_nth),
            ("times", self.times),
        ] {
            if number == Some(0) {
                return bad(field, "it is counted from 1");
            }
        }
        if self.nth.is_some() && self.from_nth.is_some() {
            return bad("from_nth", "it contradicts nth: give one of them");
        }
        if self.nth.is_some() && self.times.is_some_and(|times| times > 1) {
            return bad("times", "it contradicts nth, which comes once");
        }
        if let Some(probability) = self.probability
            && !(probability > 0.0 && probability <= 1.0)
        {
            return bad("probability", "it is above 0 and at most 1");
        }
        if self.seed.is_some() && self.probability.is_none() {
            return bad("seed", "there is nothing to draw without probability");
        }
        Ok(Frequency {
            from: self.nth.or(self.from_nth).unwrap_or(1),
            until: self.nth,
            chance: self
                .probability
                .map(|probability| (probability, self.seed.unwrap_or(0))),
            times: self.times,
        })
    }
}

impl Condition {
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether a request meets it.
    pub(super) fn is_met_by(&self, subject: &Subject<'_>) -> bool {
        let method = &subject.request.method;
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.takes_path(subject)
            && self
                .tenant
                .is_none_or(|wanted| subject.tenant() == Some(wanted))
            && (self.serial.is_none() || self.takes_serials(subject.serials()))
    }

    /// Whether an import meets it.
    pub(super) fn takes(&self, tenant: TenantId, serial: Option<&String>) -> bool {
        let serials = serial.map(std::slice::from_ref);
        self.tenant.is_none_or(|wanted| tenant == wanted)
            && self.takes_serials(serials.unwrap_or_default())
    }

    /// Counts that it is met, and says whether the rule of this name fires now.
    pub(super) fn fires(&mut self, name: &str) -> bool {
        self.counts.matched += 1;
        let number = self.counts.matched;
        let frequency = &self.frequency;
        let fires = number >= frequency.from
            && frequency.until.is_none_or(|until| number <= until)
            && frequency
                .times
                .is_none_or(|times| self.counts.fired < times)
            && frequency
                .chance
                .is_none_or(|(probability, seed)| draw(seed, name, number) < probability);
        self.counts.fired += u64::from(fires);
        fires
    }

    /// A batch as a whole is only meant where its name is: its parts are requests of their own.
    fn takes_path(&self, subject: &Subject<'_>) -> bool {
        let is_batch = subject.is_batch();
        match &self.path {
            None => !is_batch,
            Some(glob) => (!is_batch || glob.names("$batch")) && glob.matches(&subject.path),
        }
    }

    fn takes_serials(&self, serials: &[String]) -> bool {
        let Some(glob) = &self.serial else {
            return true;
        };
        serials.iter().any(|serial| glob.matches(serial))
    }
}

/// The tenant that a condition names.
pub(super) fn read_tenant(
    tenant: Option<&str>,
    names: &TenantNames,
) -> Result<Option<TenantId>, Problem> {
    let Some(tenant) = tenant else {
        return Ok(None);
    };
    let id = tenant.parse().ok().or_else(|| names(tenant));
    id.map(Some).ok_or_else(|| {
        let why =
            format!("'{tenant}' is neither a tenant's id nor a name that the authority knows");
        Problem::bad(why).of("when.tenant")
    })
}

/// The pattern of a serial number.
pub(super) fn read_serial(pattern: Option<&str>) -> Result<Option<Glob>, Problem> {
    let glob = pattern.map(Glob::read).transpose();
    let glob = glob.map_err(|why| Problem::bad(why).of("when.serial"))?;
    let padded = |glob: &Glob| glob.as_str().trim() != glob.as_str();
    if glob.as_ref().is_some_and(padded) {
        let why = "no serial number begins or ends with a blank: it would never match";
        return Err(Problem::bad(why).of("when.serial"));
    }
    Ok(glob)
}

fn read_method(method: &str) -> Result<Method, Problem> {
    let found = METHODS
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(method));
    found.ok_or_else(|| {
        let why = format!("'{method}' is none of GET, POST, PATCH and DELETE");
        Problem::bad(why).of("when.method")
    })
}

fn read_path(pattern: &str) -> Result<Glob, Problem> {
    let bad = |why: &str| Problem::bad(why).of("when.path");
    let glob = Glob::read(pattern).map_err(|why| bad(&why))?;
    if !pattern.starts_with(['/', '*']) {
        return Err(bad("a path begins with / or *: it would never match"));
    }
    if pattern.contains(['?', '#', ' ']) {
        return Err(bad(
            "a path holds no query and no blank: it would never match",
        ));
    }
    if pattern.len() > 1 && pattern.ends_with('/') {
        return Err(bad(
            "paths are compared without the slash at their end: it would never match",
        ));
    }
    Ok(glob)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderMap;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{
        http::{
            auth::caller::{Caller, Grant},
            rehearsed::Told,
            router::Operation,
        },
        testing::{CONTOSO, FABRIKAM},
    };

    fn told(method: Method, path: &str, operation: Operation, body: &str) -> Told {
        let mut headers = HeaderMap::new();
        let json = http::HeaderValue::from_static("application/json");
        headers.insert(http::header::CONTENT_TYPE, json);
        Told {
            request_id: Uuid::nil(),
            batch: None,
            received_at: Timestamp::UNIX_EPOCH,
            method,
            path: path.to_owned(),
            query: None,
            headers,
            route: None,
            operation: Some(operation),
            keys: Vec::new(),
            caller: Some(Arc::new(Caller {
                tenant: CONTOSO,
                object_id: String::new(),
                application: None,
                grant: Grant::Delegated { scopes: Vec::new() },
            })),
            body: body.to_owned().into(),
        }
    }

    fn read(when: &When) -> Condition {
        let names: &TenantNames = &|name| (name == "fabrikam").then_some(FABRIKAM);
        when.read(Of::Requests, names).unwrap()
    }

    #[test]
    fn all_that_is_given_must_hold() {
        let body = r#"{ serialNumbers: ["LAB-1"] }"#;
        let delete = told(
            Method::POST,
            "/beta/x%2Ddevices/",
            Operation::DeleteDevices,
            body,
        );
        let some = |text: &str| Some(text.to_owned());
        let path = |text| When {
            path: some(text),
            ..When::default()
        };
        let serial = |text| When {
            serial: some(text),
            ..path("*")
        };
        let tenant = |text| When {
            tenant: some(text),
            ..path("*")
        };
        let method = |text| When {
            method: some(text),
            ..path("*")
        };
        for (when, expected) in [
            (When::default(), true),
            (path("/beta/X-*"), true),
            (path("*/x-devices"), true),
            (path("*/x"), false),
            (method("post"), true),
            (method("GET"), false),
            (serial("lab-*"), true),
            (serial("DESK-*"), false),
            (tenant(&CONTOSO.to_string()), true),
            (tenant("fabrikam"), false),
        ] {
            let met = read(&when).is_met_by(&Subject::new(&delete));
            assert_eq!(met, expected, "{when:?}");
        }
    }

    #[test]
    fn a_batch_as_a_whole_is_meant_where_it_is_named() {
        let batch = told(Method::POST, "/beta/$batch", Operation::Batch, "{}");
        for (path, expected) in [
            (None, false),
            (Some("*"), false),
            (Some("*/$BATCH"), true),
            (Some("/v1.0/$batch"), false),
        ] {
            let path = path.map(str::to_owned);
            let when = When {
                path,
                ..When::default()
            };
            let met = read(&when).is_met_by(&Subject::new(&batch));
            assert_eq!(met, expected, "{when:?}");
        }
    }

    #[test]
    fn matches_and_what_fired_are_counted() {
        let mut condition = read(&When {
            from_nth: Some(2),
            times: Some(2),
            ..When::default()
        });
        let fired: Vec<_> = (0..5).map(|_| condition.fires("r")).collect();
        assert_eq!(fired, [false, true, true, false, false]);
        let counts = Counts {
            matched: 5,
            fired: 2,
        };
        assert_eq!(condition.counts(), counts);
    }
}
