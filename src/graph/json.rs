//! Reads JSON text into a tree that keeps the order of members and refuses what a later reader
//! could misunderstand: a key that stands twice, nesting without end, text after the end.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    fmt,
};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::json_writer::{write_number, write_text};

/// How deep arrays and objects may be nested. What Graph's clients send is four deep.
const MAX_DEPTH: usize = 64;

/// How many values a text may hold: a thousand imports with every property and annotation hold a
/// tenth of this, while a tree of more would take many times the memory of its text.
const MAX_VALUES: usize = 250_000;

/// A JSON value. Texts are borrowed from the source where they hold no escapes.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object: its members in the order of the text, no name twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON.
    #[error("not JSON from line {line}, column {column} on")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1.
        column: usize,
    },
    /// A name stands twice in one object.
    #[error("the name '{0}' stands twice in one object")]
    DuplicateName(String),
    /// It is nested too deep.
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// It holds too many values.
    #[error("more than {MAX_VALUES} values")]
    TooManyValues,
}

/// Reads a text that is one JSON value and nothing else.
pub fn parse(text: &str) -> Result<Json<'_>, JsonError> {
    let bounds = Bounds::default();
    let mut source = serde_json::Deserializer::from_str(text);
    let tree = Node {
        bounds: &bounds,
        depth: 0,
    }
    .deserialize(&mut source)
    .and_then(|tree| source.end().map(|()| tree));
    tree.map_err(|error| {
        bounds.breach.take().unwrap_or(JsonError::Syntax {
            line: error.line(),
            column: error.column(),
        })
    })
}

impl Json<'_> {
    /// What kind of value this is, in JSON's own words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Writes the value as JSON text.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(value) => write_number(out, value),
            Self::Number(number) => write_number(out, number),
            Self::String(text) => write_text(out, text),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_text(out, name);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// What the whole text may hold, and which bound it broke: a visitor's own errors are only text.
#[derive(Default)]
struct Bounds {
    values: Cell<usize>,
    breach: RefCell<Option<JsonError>>,
}

impl Bounds {
    fn refuse<E: serde::de::Error>(&self, breach: JsonError) -> E {
        self.breach.replace(Some(breach));
        E::custom("out of bounds")
    }
}

#[derive(Clone, Copy)]
struct Node<'b> {
    bounds: &'b Bounds,
    depth: usize,
}

impl Node<'_> {
    fn child<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.bounds.refuse(JsonError::TooDeep));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Json<'de>, D::Error> {
        let values = self.bounds.values.get() + 1;
        if values > MAX_VALUES {
            return Err(self.bounds.refuse(JsonError::TooManyValues));
        }
        self.bounds.values.set(values);
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json<'de>, E> {
        Number::from_f64(value)
            .map(Json::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Json<'de>, A::Error> {
        let child = self.child()?;
        let mut items = Vec::new();
        while let Some(item) = source.next_element_seed(child)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Json<'de>, A::Error> {
        let child = self.child()?;
        let mut members = Vec::new();
        while let Some(name) = source.next_key_seed(Name)? {
            members.push((name, source.next_value_seed(child)?));
        }
        match find_duplicate(&members) {
            Some(name) => Err(self
                .bounds
                .refuse(JsonError::DuplicateName(name.to_owned()))),
            None => Ok(Json::Object(members)),
        }
    }
}

/// A member's name, borrowed where it can be.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Cow<'de, str>, D::Error> {
        source.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member's name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// A name that stands twice. Sorted, so that a hostile object costs no more than a long one.
fn find_duplicate<'m>(members: &'m [(Cow<'_, str>, Json<'_>)]) -> Option<&'m str> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names
        .iter()
        .zip(names.iter().skip(1))
        .find_map(|(one, next)| (one == next).then_some(*one))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_keep_their_order_and_borrow_their_text() {
        let Json::Object(members) =
            parse(" {\"b\":[1,-2,1.5,true,null],\"a\":\"x\",\"\\u0063\":\"\\ud83d\\ude00\"}\r\n")
                .unwrap()
        else {
            panic!("an object")
        };
        let names: Vec<_> = members.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["b", "a", "c"]);
        assert!(matches!(members[1].1, Json::String(Cow::Borrowed("x"))));
        assert_eq!(members[2].1, Json::String("😀".into()));
        assert_eq!(
            members[0].1,
            Json::Array(vec![
                Json::Number(1.into()),
                Json::Number((-2).into()),
                Json::Number(Number::from_f64(1.5).unwrap()),
                Json::Bool(true),
                Json::Null
            ])
        );
    }

    fn tree() -> impl Strategy<Value = Json<'static>> {
        let number = |number: i64| Json::Number(number.into());
        // Reading is allowed to miss a float's last bit, which these leave alone.
        let float = |eighths: i32| {
            Number::from_f64(f64::from(eighths) / 8.0).map_or(Json::Null, Json::Number)
        };
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<i64>().prop_map(number),
            any::<i32>().prop_map(float),
            any::<String>().prop_map(|text| Json::String(text.into())),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let members = proptest::collection::btree_map(any::<String>(), inner.clone(), 0..6);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(Json::Array),
                members.prop_map(|members| {
                    let members = members.into_iter();
                    Json::Object(members.map(|(name, value)| (name.into(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_equal(tree in tree()) {
            let mut out = Vec::new();
            tree.write(&mut out);
            prop_assert_eq!(parse(std::str::from_utf8(&out).unwrap()), Ok(tree));
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let texts = [
            "",
            " ",
            "{",
            "{a:1}",
            "{'a':1}",
            "{\"a\":1,}",
            "[1,]",
            "{} {}",
            "{}x",
            "nul",
            "01",
            "NaN",
            "1e999",
            "\u{feff}{}",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800x\"",
            "{\"\\ud800\":1}",
            "\"\n\"",
            "\"\\x\"",
            "/**/{}",
            "// x\n{}",
        ];
        for text in texts {
            assert!(
                matches!(parse(text), Err(JsonError::Syntax { .. })),
                "{text:?}: {:?}",
                parse(text)
            );
        }
    }

    #[test]
    fn a_name_stands_once_anywhere() {
        let twice = |name: &str| Err(JsonError::DuplicateName(name.to_owned()));
        assert_eq!(parse(r#"{"a":1,"b":2,"a":1}"#), twice("a"));
        assert_eq!(parse(r#"[{"x":{"b":1,"\u0062":2}}]"#), twice("b"));
        assert!(parse(r#"[{"a":{"a":1},"A":2},{"a":3}]"#).is_ok());
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)), Err(JsonError::TooDeep));
        assert_eq!(parse(&nested(10_000)), Err(JsonError::TooDeep));
        assert_eq!(parse(&"{\"a\":".repeat(10_000)), Err(JsonError::TooDeep));
        let many = |number| format!("[{}0]", "0,".repeat(number - 2));
        assert!(parse(&many(MAX_VALUES)).is_ok());
        assert_eq!(parse(&many(MAX_VALUES + 1)), Err(JsonError::TooManyValues));
    }
}
