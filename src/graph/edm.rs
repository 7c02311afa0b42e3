//! Reads single values and whole objects from JSON as the property table types them.

use std::borrow::Cow;

use base64::Engine as _;
use jiff::fmt::temporal::Pieces;

use crate::domain::hardware_blob::HardwareBlob;

use super::{
    base64_engine::{LENIENT_STANDARD, LENIENT_URL_SAFE},
    json::Json,
    schema::{Content, EdmType, StructuredType},
    version::Version,
    wire_error::{Problem, WireError},
};

/// How many code points a text may have.
pub const MAX_TEXT_CODE_POINTS: usize = 1_024;

/// How many characters of base64 a hardware hash may have.
pub const MAX_BINARY_CHARACTERS: usize = 16_384;

/// A member of an object.
pub(super) type Member<'a> = (Cow<'a, str>, Json<'a>);

/// The members of an object. Anything else is an error that names the type.
pub(super) fn members<'j, 'a>(
    json: &'j Json<'a>,
    type_name: &'static str,
) -> Result<&'j [Member<'a>], WireError> {
    match json {
        Json::Object(members) => Ok(members),
        other => Err(wrong_type(other, type_name)),
    }
}

/// Whether a member is an annotation, which says something about the object or another member.
pub(super) fn is_annotation(name: &str) -> bool {
    name.contains('@')
}

/// Reads an object by its type, as a version knows it: hands every value over with the type and the
/// field of its property. Annotations are passed over, except that `@odata.type` must agree; so are
/// complex values that are null.
pub(super) fn read_object<F: Copy>(
    json: &Json<'_>,
    kind: &StructuredType<F>,
    version: Version,
    take: &mut impl FnMut(F, EdmType, &Json<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    read(json, kind, (version, OwnType::MustAgree), take)
}

/// Reads an object whose own `@odata.type` has been read: it chose the type.
pub(super) fn read_typed_object<F: Copy>(
    json: &Json<'_>,
    kind: &StructuredType<F>,
    version: Version,
    take: &mut impl FnMut(F, EdmType, &Json<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    read(json, kind, (version, OwnType::IsKnown), take)
}

/// The type that an object names, without `#`.
pub(super) fn named_type<'j>(
    json: &'j Json<'_>,
    expected: &'static str,
) -> Result<Option<&'j str>, WireError> {
    let mut members = members(json, expected)?.iter();
    match members.find(|(name, _)| name == "@odata.type") {
        None => Ok(None),
        Some((_, Json::String(name))) => Ok(Some(name.strip_prefix('#').unwrap_or(name))),
        Some((name, other)) => Err(wrong_type(other, EdmType::String.name()).within(name)),
    }
}

/// Whether an object's own `@odata.type` is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OwnType {
    MustAgree,
    IsKnown,
}

fn read<F: Copy>(
    json: &Json<'_>,
    kind: &StructuredType<F>,
    (version, own_type): (Version, OwnType),
    take: &mut impl FnMut(F, EdmType, &Json<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    for (name, value) in members(json, kind.name)? {
        if name == "@odata.type" && own_type == OwnType::MustAgree {
            check_type(value, kind.name).map_err(|error| error.within(name))?;
        }
        if is_annotation(name) {
            continue;
        }
        let property = kind.property(name);
        let Some(property) = property.filter(|known| known.versions.include(version)) else {
            return Err(WireError::at(
                name.as_ref(),
                Problem::UnknownProperty {
                    name: name.clone().into_owned(),
                    type_name: kind.name,
                },
            ));
        };
        match (&property.content, value) {
            (Content::Value(edm, field) | Content::Collection(edm, field), value) => {
                take(*field, *edm, value)
            }
            (Content::Complex(_), Json::Null) => Ok(()),
            (Content::Optional(inner, field), Json::Null) => {
                take(*field, EdmType::Complex(inner.name), value)
            }
            (Content::Complex(inner) | Content::Optional(inner, _), value) => {
                read_object(value, inner, version, take)
            }
        }
        .map_err(|error| error.within(name))?;
    }
    Ok(())
}

/// Microsoft's samples write a complex type's name without `#`: both spellings are read everywhere.
fn check_type(value: &Json<'_>, expected: &'static str) -> Result<(), WireError> {
    match value {
        Json::String(name) if name.strip_prefix('#').unwrap_or(name) == expected => Ok(()),
        Json::String(_) => Err(WireError::new(Problem::OtherType { expected })),
        other => Err(wrong_type(other, EdmType::String.name())),
    }
}

/// Reads a text.
pub(super) fn text(json: &Json<'_>) -> Result<Option<String>, WireError> {
    let text = match json {
        Json::Null => return Ok(None),
        Json::String(text) => text,
        other => return Err(wrong_type(other, EdmType::String.name())),
    };
    if text.chars().nth(MAX_TEXT_CODE_POINTS).is_some() {
        return Err(WireError::new(Problem::TooLong {
            max: MAX_TEXT_CODE_POINTS,
        }));
    }
    if text.contains('\0') {
        return Err(WireError::new(Problem::NulCharacter));
    }
    Ok(Some(text.clone().into_owned()))
}

/// Reads an integer, which may not be null.
pub(super) fn int32(json: &Json<'_>) -> Result<i32, WireError> {
    let Json::Number(number) = json else {
        return Err(wrong_type(json, EdmType::Int32.name()));
    };
    number
        .as_i64()
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| bad_literal(number, EdmType::Int32.name()))
}

/// Reads a boolean, which may not be null.
pub(super) fn boolean(json: &Json<'_>) -> Result<bool, WireError> {
    match json {
        Json::Bool(value) => Ok(*value),
        other => Err(wrong_type(other, EdmType::Boolean.name())),
    }
}

/// Reads a collection of texts, at most so many and none of them null. Null is the empty one.
pub(super) fn texts(json: &Json<'_>, max: usize) -> Result<Vec<String>, WireError> {
    const TYPE_NAME: &str = "Collection(Edm.String)";
    let items = match json {
        Json::Null => return Ok(Vec::new()),
        Json::Array(items) => items,
        other => return Err(wrong_type(other, TYPE_NAME)),
    };
    if items.len() > max {
        return Err(WireError::new(Problem::TooMany { max }));
    }
    items
        .iter()
        .map(|item| text(item)?.ok_or_else(|| wrong_type(item, EdmType::String.name())))
        .collect()
}

/// Checks that a value is an instant, up to the last one of the year 9999. It may not be null.
pub(super) fn check_instant(json: &Json<'_>) -> Result<(), WireError> {
    let type_name = EdmType::DateTimeOffset.name();
    let Json::String(text) = json else {
        return Err(wrong_type(json, type_name));
    };
    match Pieces::parse(text.as_ref()) {
        Ok(pieces) if pieces.time().is_some() && pieces.offset().is_some() => Ok(()),
        _ => Err(bad_literal(text, type_name)),
    }
}

/// Reads a member of an enumeration, by its exact name. It may not be null.
pub(super) fn member<T>(
    json: &Json<'_>,
    type_name: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, WireError> {
    let Json::String(name) = json else {
        return Err(wrong_type(json, type_name));
    };
    parse(name).ok_or_else(|| bad_literal(name, type_name))
}

/// Reads bytes in either alphabet of base64, padded or not. An empty text is no bytes.
pub(super) fn binary(json: &Json<'_>) -> Result<Option<HardwareBlob>, WireError> {
    let text = match json {
        Json::Null => return Ok(None),
        Json::String(text) => text.trim_matches([' ', '\t', '\r', '\n']),
        other => return Err(wrong_type(other, EdmType::Binary.name())),
    };
    // Characters are counted only where there are more bytes than that.
    if text.len() > MAX_BINARY_CHARACTERS && text.chars().count() > MAX_BINARY_CHARACTERS {
        return Err(WireError::new(Problem::TooLong {
            max: MAX_BINARY_CHARACTERS,
        }));
    }
    let (head, zeros) = without_zeros(text);
    match decode_base64(head) {
        Some(bytes) => Ok(HardwareBlob::padded(bytes, zeros)),
        None => Err(bad_literal(text, EdmType::Binary.name())),
    }
}

/// Takes the zeros off a text's end, and says how many bytes they are: most of a hardware hash is
/// padding, which is not worth decoding. Some may be left.
fn without_zeros(text: &str) -> (&str, usize) {
    const ZEROS: [u8; 16] = [b'A'; 16];
    let whole = text.len().is_multiple_of(4);
    let (_, pieces) = text.as_bytes().as_rchunks();
    let zeros = pieces.iter().rev().take_while(|piece| **piece == ZEROS);
    let stripped = zeros.count() * ZEROS.len();
    match text.get(..text.len() - stripped) {
        // What may only end a text must not come to stand at the end of this one.
        Some(head) if whole && !head.ends_with('=') => (head, stripped / 4 * 3),
        _ => (text, 0),
    }
}

/// Decodes either alphabet of base64, padded or not; `None` where it is neither. How long a text
/// may be is the caller's: [`MAX_BINARY_CHARACTERS`].
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    // Nearly all is written in the standard alphabet, so the other one is tried second.
    let bytes = LENIENT_STANDARD.decode(text);
    bytes.or_else(|_| LENIENT_URL_SAFE.decode(text)).ok()
}

pub(super) fn wrong_type(found: &Json<'_>, expected: &'static str) -> WireError {
    WireError::new(Problem::WrongType {
        found: found.kind(),
        expected,
    })
}

fn bad_literal(literal: &(impl ToString + ?Sized), expected: &'static str) -> WireError {
    WireError::new(Problem::BadLiteral {
        literal: literal.to_string(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: impl Into<String>) -> Json<'static> {
        Json::String(Cow::Owned(text.into()))
    }

    #[test]
    fn base64_is_read_in_every_usual_form() {
        let cases: [(&str, Option<&[u8]>); 12] = [
            ("aGE=", Some(b"ha")),
            ("aGE", Some(b"ha")),
            ("aGF=", Some(b"ha")),
            (" \r\n\taGE=\n", Some(b"ha")),
            ("+/+/", Some(b"\xfb\xff\xbf")),
            ("-_-_", Some(b"\xfb\xff\xbf")),
            ("-_8=", Some(b"\xfb\xff")),
            ("-_8", Some(b"\xfb\xff")),
            ("+/8", Some(b"\xfb\xff")),
            ("", None),
            ("  \r\n", None),
            ("AAAA", Some(b"\0\0\0")),
        ];
        for (text, bytes) in cases {
            let blob = binary(&string(text)).unwrap();
            assert_eq!(
                blob.map(|blob| blob.to_bytes()).as_deref(),
                bytes,
                "{text:?}"
            );
        }
        assert_eq!(binary(&Json::Null), Ok(None));
        for text in [
            "a", "a!==", "aG E=", "aGE==", "=", "====", "+_+_", "ä", "aGE=\0",
        ] {
            assert!(binary(&string(text)).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn padding_that_is_not_decoded_is_as_good_as_decoded(
            start in "[A-Za-z0-9+/_=-]{0,12}",
            zeros in 0_usize..80,
            end in "[A=]{0,4}|[A-Za-z+_]{0,4}",
        ) {
            let text = format!("{start}{}{end}", "A".repeat(zeros));
            let decoded = decode_base64(&text).map(HardwareBlob::new);
            proptest::prop_assert_eq!(binary(&string(text.as_str())).ok(), decoded, "{}", text);
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let longest = binary(&string("A".repeat(16_384))).unwrap().unwrap();
        assert_eq!(longest.len_bytes(), 12_288);
        assert!(binary(&string(format!("\n{}\n", "A".repeat(16_384)))).is_ok());
        let too_long = |max| WireError::new(Problem::TooLong { max });
        assert_eq!(binary(&string("A".repeat(16_385))), Err(too_long(16_384)));
        assert!(text(&string("😀".repeat(1_024))).is_ok());
        assert_eq!(text(&string("a".repeat(1_025))), Err(too_long(1_024)));
        assert_eq!(
            text(&string("a\0")),
            Err(WireError::new(Problem::NulCharacter))
        );
    }

    #[test]
    fn instants_have_a_date_a_time_and_a_zone() {
        for text in [
            "0001-01-01T00:00:00Z",
            "2026-01-01T00:00:00.1234567Z",
            "2016-12-31T23:59:59+01:00",
            "9999-12-31T23:59:59.9999999Z",
        ] {
            assert!(check_instant(&string(text)).is_ok(), "{text}");
        }
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "now",
        ] {
            assert!(check_instant(&string(text)).is_err(), "{text}");
        }
        assert!(check_instant(&Json::Null).is_err());
    }

    #[test]
    fn integers_have_32_bits() {
        for number in ["0", "15", "-2147483648", "2147483647"] {
            let json = super::super::json::parse(number).unwrap();
            assert_eq!(int32(&json).unwrap().to_string(), number);
        }
        for number in [
            "2147483648",
            "-2147483649",
            "1.5",
            "1e3",
            "\"15\"",
            "null",
            "true",
        ] {
            let json = super::super::json::parse(number).unwrap();
            assert!(int32(&json).is_err(), "{number}");
        }
    }
}
