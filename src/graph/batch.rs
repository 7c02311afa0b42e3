//! `$batch` on the wire: a request that carries requests. Reads them and the order that they ask
//! for; where each leads is in `target`, how they are answered in `answer`.
//!
//! What is wrong with the batch itself is found here, before any of its parts is done. What is
//! wrong with what a part asks for is that part's answer, and found where every request's is.

mod answer;
mod target;

use std::{borrow::Cow, collections::HashMap};

pub use self::{
    answer::{AnswerBody, close_answers, close_part, open_answers, open_part},
    target::{Target, TargetError, read_target},
};
use super::{
    behavior::Behavior,
    edm::{self, Member},
    json::Json,
    wire_error::{WireError, echo},
};

/// How many parts a batch may have.
pub const MAX_PARTS: usize = 20;

/// One request within a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What its answer is known by.
    pub id: String,
    /// The method, in capitals.
    pub method: String,
    /// Where it goes, as the client wrote it: see [`read_target`].
    pub url: String,
    /// The headers, each name once.
    pub headers: Vec<(String, String)>,
    /// The body, if it has one.
    pub body: Option<Vec<u8>>,
    /// The place of the part that must succeed first.
    pub parent: Option<usize>,
}

impl Part {
    /// The error of a batch that has this part.
    pub fn spoilt(&self, why: impl Into<String>) -> BatchError {
        BatchError::Part {
            id: self.id.clone(),
            why: why.into(),
        }
    }
}

/// What is wrong with a batch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// It has too many parts.
    #[error("Number of batch request steps exceeds the maximum value of {MAX_PARTS}.")]
    TooManyParts,
    /// It does not look like a batch.
    #[error("Invalid batch payload format. {0}")]
    Format(String),
    /// Two parts have one id.
    #[error("Request Id {} has to be unique in a batch.", echo(.0))]
    RepeatedId(String),
    /// A part depends on what it can't depend on.
    #[error("Invalid dependency for request Id {}: {reason}", echo(id))]
    Dependency {
        /// The part.
        id: String,
        /// Why not.
        reason: String,
    },
    /// The dependencies have none of the three forms that are allowed.
    #[error(
        "Batch should be either fully sequential or fully parallel. Let no request depend on \
         another, or each on the one before it, or all that depend on any on the same one."
    )]
    Pattern,
    /// A part can't be a request.
    #[error("Invalid batch payload format. Request Id {}: {why}", echo(id))]
    Part {
        /// The part.
        id: String,
        /// Why not.
        why: String,
    },
    /// A body whose type is not said.
    #[error("Write request with id '{}' does not contain a Content-Type header.", echo(.0))]
    NoContentType(String),
    /// A write that says nothing, which the live service does not let pass in a batch.
    #[error("Write request id : {} does not contain Content-Type header or body.", echo(.0))]
    NothingToWrite(String),
}

/// Reads a batch's body: its parts in their order, each after the part that it depends on.
pub fn read_batch(body: &Json<'_>, behavior: Behavior) -> Result<Vec<Part>, BatchError> {
    let written = requests(body)?;
    if written.is_empty() {
        return Err(format("The collection 'requests' holds no request."));
    }
    if written.len() > MAX_PARTS {
        return Err(BatchError::TooManyParts);
    }
    let mut places = HashMap::new();
    let mut parts: Vec<Part> = Vec::with_capacity(written.len());
    for (place, json) in written.iter().enumerate() {
        let (mut part, depends_on) = read_part(json, place, behavior)?;
        part.parent = depends_on
            .map(|parent| find_parent(&part.id, &parent, &places))
            .transpose()?;
        // Ids are compared without regard to letter case, as Graph's documentation says.
        if places.insert(part.id.to_lowercase(), place).is_some() {
            return Err(BatchError::RepeatedId(part.id));
        }
        parts.push(part);
    }
    if is_pattern(&parts) {
        Ok(parts)
    } else {
        Err(BatchError::Pattern)
    }
}

fn requests<'j, 'a>(body: &'j Json<'a>) -> Result<&'j [Json<'a>], BatchError> {
    let mut requests = None;
    for (name, value) in members(body, "The body")? {
        match (name.as_ref(), value) {
            ("requests", Json::Array(written)) => requests = Some(written.as_slice()),
            ("requests", other) => return Err(wrong_type("'requests'", other, "a collection")),
            (annotation, _) if edm::is_annotation(annotation) => {}
            (other, _) => return Err(unknown("the body", other)),
        }
    }
    requests.ok_or_else(|| format("The property 'requests' is missing."))
}

/// Reads a part, and the id that it depends on.
fn read_part(
    json: &Json<'_>,
    place: usize,
    behavior: Behavior,
) -> Result<(Part, Option<String>), BatchError> {
    let at = |name: &str| format!("'requests[{place}].{name}'");
    let (mut id, mut method, mut url) = (None, None, None);
    let (mut headers, mut body, mut depends_on) = (Vec::new(), &Json::Null, Vec::new());
    for (name, value) in members(json, &format!("'requests[{place}]'"))? {
        match name.as_ref() {
            "id" => id = Some(read_id(value, &at("id"))?),
            "method" => method = Some(text(value, &at("method"))?),
            "url" => url = Some(text(value, &at("url"))?),
            "headers" => headers = read_headers(value, &at("headers"))?,
            "body" => body = value,
            // Microsoft's client for Python writes the second name.
            "dependsOn" | "depends_on" => {
                depends_on.extend(read_dependencies(value, &at(name))?);
            }
            annotation if edm::is_annotation(annotation) => {}
            other => return Err(unknown(&format!("'requests[{place}]'"), other)),
        }
    }
    let missing = |name: &str| format(format!("The property {} is missing.", at(name)));
    let id = id.ok_or_else(|| missing("id"))?;
    let method = method.ok_or_else(|| missing("method"))?;
    let url = url.ok_or_else(|| missing("url"))?.into_owned();
    let method = method.to_ascii_uppercase();
    let body = read_body(body, &mut headers, &at("body"))?;
    check_body(&id, &method, &headers, body.as_deref(), behavior)?;
    let several = depends_on.len() > 1;
    let part = Part {
        id,
        method,
        url,
        headers,
        body,
        parent: None,
    };
    if several {
        return Err(BatchError::Dependency {
            id: part.id,
            reason: "a request can depend on one other request only.".to_owned(),
        });
    }
    Ok((part, depends_on.pop()))
}

/// Reads an id. Scripts write numbers, too.
fn read_id(json: &Json<'_>, at: &str) -> Result<String, BatchError> {
    if let Json::Number(number) = json
        && (number.is_u64() || number.is_i64())
    {
        return Ok(number.to_string());
    }
    match edm::text(json) {
        Ok(Some(id)) if !id.is_empty() => Ok(id),
        Ok(_) => Err(format(format!("The property {at} must not be empty."))),
        Err(error) => Err(refused(at, &error)),
    }
}

fn read_dependencies(json: &Json<'_>, at: &str) -> Result<Vec<String>, BatchError> {
    match json {
        Json::Null => Ok(Vec::new()),
        Json::Array(ids) => ids.iter().map(|id| read_id(id, at)).collect(),
        other => Err(wrong_type(at, other, "a collection of ids")),
    }
}

fn read_headers(json: &Json<'_>, at: &str) -> Result<Vec<(String, String)>, BatchError> {
    if *json == Json::Null {
        return Ok(Vec::new());
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in members(json, at)? {
        if headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
        {
            return Err(format(format!(
                "The header '{}' stands more than once in {at}.",
                echo(name)
            )));
        }
        let value = text(value, &format!("'{}' in {at}", echo(name)))?;
        headers.push((name.clone().into_owned(), value.into_owned()));
    }
    Ok(headers)
}

/// Reads a body, as the bytes that the request would have by itself. JSON stands as JSON, text as
/// text; anything else, and so JSON too if a client likes, as base64.
fn read_body(
    json: &Json<'_>,
    headers: &mut [(String, String)],
    at: &str,
) -> Result<Option<Vec<u8>>, BatchError> {
    let content_type = headers
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match json {
        Json::Null => Ok(None),
        Json::String(text) if text.is_empty() => Ok(None),
        Json::String(text) => {
            let is_text = content_type.is_some_and(|(_, value)| {
                value
                    .get(..5)
                    .is_some_and(|start| start.eq_ignore_ascii_case("text/"))
            });
            if is_text {
                return Ok(Some(text.clone().into_owned().into_bytes()));
            }
            edm::decode_base64(text).map(Some).ok_or_else(|| {
                format(format!(
                    "The text in {at} is not base64. Write a JSON body as JSON, not as text."
                ))
            })
        }
        other => {
            // The text of the whole batch is decoded already: what remains is UTF-8.
            if let Some((_, value)) = content_type
                && let Some(end) = value.find(';')
            {
                value.truncate(end);
            }
            let mut bytes = Vec::new();
            other.write(&mut bytes);
            Ok(Some(bytes))
        }
    }
}

fn check_body(
    id: &str,
    method: &str,
    headers: &[(String, String)],
    body: Option<&[u8]>,
    behavior: Behavior,
) -> Result<(), BatchError> {
    let is_write = !matches!(method, "GET" | "DELETE" | "HEAD" | "OPTIONS");
    if body.is_some() && !is_write {
        return Err(format(format!(
            "The request with the id '{}' has a body, which its method '{}' does not take.",
            echo(id),
            echo(method)
        )));
    }
    let says_type = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match (body, says_type, behavior) {
        (Some(_), false, _) => Err(BatchError::NoContentType(id.to_owned())),
        (None, false, Behavior::Observed) if is_write => {
            Err(BatchError::NothingToWrite(id.to_owned()))
        }
        _ => Ok(()),
    }
}

/// The place of the part that this one depends on: an earlier one, so that nothing waits in a
/// circle.
fn find_parent(
    id: &str,
    parent: &str,
    places: &HashMap<String, usize>,
) -> Result<usize, BatchError> {
    let place = places.get(&parent.to_lowercase()).copied();
    place.ok_or_else(|| BatchError::Dependency {
        id: id.to_owned(),
        reason: if parent.to_lowercase() == id.to_lowercase() {
            "a request can't depend on itself.".to_owned()
        } else {
            format!("'{}' is not the id of an earlier request.", echo(parent))
        },
    })
}

/// Whether the dependencies have one of Graph's three forms: none, each on the one before it, or
/// all on the same one.
fn is_pattern(parts: &[Part]) -> bool {
    let is_serial = (1..)
        .zip(parts.iter().skip(1))
        .all(|(place, part)| part.parent == Some(place - 1));
    let mut parents = parts.iter().filter_map(|part| part.parent);
    let first = parents.next();
    is_serial || parents.all(|parent| Some(parent) == first)
}

fn members<'j, 'a>(json: &'j Json<'a>, what: &str) -> Result<&'j [Member<'a>], BatchError> {
    match json {
        Json::Object(members) => Ok(members),
        other => Err(wrong_type(what, other, "an object")),
    }
}

/// A text of any length: what bounds it is the body's size.
fn text<'j>(json: &'j Json<'_>, at: &str) -> Result<Cow<'j, str>, BatchError> {
    match json {
        Json::String(text) => Ok(Cow::Borrowed(text)),
        other => Err(wrong_type(at, other, "a text")),
    }
}

fn format(detail: impl Into<String>) -> BatchError {
    BatchError::Format(detail.into())
}

fn wrong_type(what: &str, found: &Json<'_>, expected: &str) -> BatchError {
    let found = found.kind();
    format(format!("{what} is a JSON {found}, not {expected}."))
}

fn refused(at: &str, error: &WireError) -> BatchError {
    format(format!("{error} Property: {at}."))
}

fn unknown(of: &str, name: &str) -> BatchError {
    format(format!(
        "The property '{}' of {of} is not known.",
        echo(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::json::parse;

    fn read(requests: &str) -> Result<Vec<Part>, String> {
        let body = format!("{{\"requests\":{requests}}}");
        read_batch(&parse(&body).unwrap(), Behavior::Documented).map_err(|error| error.to_string())
    }

    /// Parts with these ids, each with what it depends on.
    fn parents(parts: &[(&str, &[&str])]) -> Result<Vec<Option<usize>>, String> {
        let parts: Vec<_> = parts
            .iter()
            .map(|(id, depends_on)| {
                format!("{{\"id\":\"{id}\",\"method\":\"GET\",\"url\":\"/x\",\"dependsOn\":{depends_on:?}}}")
            })
            .collect();
        read(&format!("[{}]", parts.join(",")))
            .map(|parts| parts.into_iter().map(|part| part.parent).collect())
    }

    #[test]
    fn a_part_is_read_whole() {
        let parts = read(
            "[{\"id\":\"a\",\"method\":\"post\",\"url\":\"/x?y\",\"@x\":1,\
             \"headers\":{\"Content-Type\":\"application/json;charset=utf-16\",\"Prefer\":\"p\"},\
             \"body\":{\"b\":[1,-2.5,\"\\u00e9\\n\",null,true]}},\
             {\"id\":7,\"method\":\"GET\",\"url\":\"z\",\"headers\":null,\"body\":null,\"dependsOn\":[\"A\"]}]",
        )
        .unwrap();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            parts,
            [
                Part {
                    id: text("a"),
                    method: text("POST"),
                    url: text("/x?y"),
                    headers: vec![
                        (text("Content-Type"), text("application/json")),
                        (text("Prefer"), text("p"))
                    ],
                    body: Some("{\"b\":[1,-2.5,\"é\\n\",null,true]}".into()),
                    parent: None,
                },
                Part {
                    id: text("7"),
                    method: text("GET"),
                    url: text("z"),
                    headers: Vec::new(),
                    body: None,
                    parent: Some(0),
                }
            ]
        );
    }

    #[test]
    fn bodies_are_json_text_or_base64() {
        let body = |content_type: &str, body: &str| {
            let part = format!(
                "[{{\"id\":\"1\",\"method\":\"POST\",\"url\":\"x\",\"headers\":{{\"content-type\":\"{content_type}\"}},\"body\":{body}}}]"
            );
            read(&part).map(|mut parts| {
                let body = parts.remove(0).body?;
                Some(String::from_utf8(body).unwrap())
            })
        };
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(body("application/json", "{}"), some("{}"));
        assert_eq!(body("application/json", "[]"), some("[]"));
        assert_eq!(body("application/json", "\"e30=\""), some("{}"));
        assert_eq!(body("application/json", "\"e30\""), some("{}"));
        assert_eq!(body("text/plain", "\"e30=\""), some("e30="));
        assert_eq!(body("image/png", "\"e30=\""), some("{}"));
        assert_eq!(body("application/json", "\"\""), Ok(None));
        assert_eq!(body("application/json", "null"), Ok(None));
        assert_eq!(
            body("application/json", "\"{}\""),
            Err("Invalid batch payload format. The text in 'requests[0].body' is not base64. Write a JSON body as JSON, not as text.".to_owned())
        );
    }

    #[test]
    fn dependencies_have_three_forms() {
        let none: &[&str] = &[];
        assert_eq!(
            parents(&[("1", none), ("2", none), ("3", none)]),
            Ok(vec![None; 3])
        );
        assert_eq!(
            parents(&[("1", none), ("2", &["1"]), ("3", &["2"])]),
            Ok(vec![None, Some(0), Some(1)])
        );
        assert_eq!(
            parents(&[("1", none), ("2", none), ("3", &["2"]), ("4", &["2"])]),
            Ok(vec![None, None, Some(1), Some(1)])
        );
        let pattern = Err(BatchError::Pattern.to_string());
        for parts in [
            &[("1", none), ("2", none), ("3", &["1"]), ("4", &["2"])][..],
            &[("1", none), ("2", &["1"]), ("3", &["2"]), ("4", &["2"])],
            &[("1", none), ("2", &["1"]), ("3", &["2"]), ("4", none)],
        ] {
            assert_eq!(parents(parts), pattern, "{parts:?}");
        }
        let invalid = |id: &str, reason: &str| {
            Err(format!("Invalid dependency for request Id {id}: {reason}"))
        };
        let later = "is not the id of an earlier request.";
        assert_eq!(
            parents(&[("1", &["1"])]),
            invalid("1", "a request can't depend on itself.")
        );
        assert_eq!(
            parents(&[("1", &["2"]), ("2", none)]),
            invalid("1", &format!("'2' {later}"))
        );
        assert_eq!(
            parents(&[("1", &["2"]), ("2", &["1"])]),
            invalid("1", &format!("'2' {later}"))
        );
        assert_eq!(
            parents(&[("1", none), ("2", &["x"])]),
            invalid("2", &format!("'x' {later}"))
        );
        assert_eq!(
            parents(&[("1", none), ("2", none), ("3", &["1", "2"])]),
            invalid("3", "a request can depend on one other request only.")
        );
    }

    #[test]
    fn a_write_says_what_it_writes() {
        let part = |method: &str, rest: &str| {
            let body = format!(
                "{{\"requests\":[{{\"id\":\"1\",\"method\":\"{method}\",\"url\":\"x\"{rest}}}]}}"
            );
            [Behavior::Documented, Behavior::Observed].map(|behavior| {
                let read = read_batch(&parse(&body).unwrap(), behavior);
                read.map(drop).map_err(|error| error.to_string())
            })
        };
        let untyped = "Write request with id '1' does not contain a Content-Type header.";
        let nothing = "Write request id : 1 does not contain Content-Type header or body.";
        let [documented, observed] = part("POST", ",\"body\":{}");
        assert_eq!(documented, Err(untyped.to_owned()));
        assert_eq!(observed, Err(untyped.to_owned()));
        let [documented, observed] = part("PATCH", "");
        assert_eq!(documented, Ok(()));
        assert_eq!(observed, Err(nothing.to_owned()));
        for method in ["GET", "DELETE"] {
            assert_eq!(part(method, ""), [Ok(()), Ok(())]);
            let [documented, _] = part(method, ",\"body\":{}");
            assert!(documented.is_err(), "{method}");
        }
    }

    #[test]
    fn what_is_no_batch_is_told_apart() {
        let part = |members: &str| format!("[{{{members}}}]");
        let cases = [
            (
                "[]".to_owned(),
                "The collection 'requests' holds no request.",
            ),
            (
                "{}".to_owned(),
                "'requests' is a JSON object, not a collection.",
            ),
            (
                "null".to_owned(),
                "'requests' is a JSON null, not a collection.",
            ),
            (
                "[1]".to_owned(),
                "'requests[0]' is a JSON number, not an object.",
            ),
            (
                part("\"method\":\"GET\",\"url\":\"x\""),
                "The property 'requests[0].id' is missing.",
            ),
            (
                part("\"id\":\"1\",\"url\":\"x\""),
                "The property 'requests[0].method' is missing.",
            ),
            (
                part("\"id\":\"1\",\"method\":\"GET\""),
                "The property 'requests[0].url' is missing.",
            ),
            (
                part("\"id\":\"\""),
                "The property 'requests[0].id' must not be empty.",
            ),
            (
                part("\"id\":null"),
                "The property 'requests[0].id' must not be empty.",
            ),
            (
                part("\"id\":true"),
                "Cannot convert a JSON boolean to the expected type 'Edm.String'. Property: 'requests[0].id'.",
            ),
            (
                part("\"id\":1.5"),
                "Cannot convert a JSON number to the expected type 'Edm.String'. Property: 'requests[0].id'.",
            ),
            (
                part("\"method\":1"),
                "'requests[0].method' is a JSON number, not a text.",
            ),
            (
                part("\"url\":[]"),
                "'requests[0].url' is a JSON array, not a text.",
            ),
            (
                part("\"headers\":[]"),
                "'requests[0].headers' is a JSON array, not an object.",
            ),
            (
                part("\"headers\":{\"a\":1}"),
                "'a' in 'requests[0].headers' is a JSON number, not a text.",
            ),
            (
                part("\"headers\":{\"a\":\"\",\"A\":\"\"}"),
                "The header 'A' stands more than once in 'requests[0].headers'.",
            ),
            (
                part("\"dependsOn\":\"1\""),
                "'requests[0].dependsOn' is a JSON string, not a collection of ids.",
            ),
            (
                part("\"dependsOn\":[null]"),
                "The property 'requests[0].dependsOn' must not be empty.",
            ),
            (
                part("\"atomicityGroup\":\"g\""),
                "The property 'atomicityGroup' of 'requests[0]' is not known.",
            ),
        ];
        for (requests, detail) in cases {
            assert_eq!(
                read(&requests),
                Err(format!("Invalid batch payload format. {detail}")),
                "{requests}"
            );
        }
    }

    #[test]
    fn ids_are_unique_and_parts_are_few() {
        let whole = "{\"id\":\"1\",\"method\":\"GET\",\"url\":\"x\"}";
        assert!(read(&format!("[{whole}]")).is_ok());
        assert_eq!(
            read(&format!("[{whole},{whole}]")),
            Err("Request Id 1 has to be unique in a batch.".to_owned())
        );
        let many = |count: usize| {
            let parts: Vec<_> = (0..count)
                .map(|id| format!("{{\"id\":{id},\"method\":\"GET\",\"url\":\"x\"}}"))
                .collect();
            read(&format!("[{}]", parts.join(",")))
        };
        assert_eq!(many(20).unwrap().len(), 20);
        assert_eq!(
            many(21),
            Err("Number of batch request steps exceeds the maximum value of 20.".to_owned())
        );
        for body in ["[]", "1", "{}", "{\"requests\":[],\"x\":1}"] {
            let read = read_batch(&parse(body).unwrap(), Behavior::Documented);
            assert!(matches!(read, Err(BatchError::Format(_))), "{body}");
        }
    }
}
