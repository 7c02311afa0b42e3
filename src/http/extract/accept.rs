//! Reads `Accept`: which media type the caller takes, and how much metadata it wants in JSON.

use http::{HeaderMap, header};

use crate::{
    graph::metadata_level::MetadataLevel,
    http::{error::ApiError, layers::compression::quality_thousandths},
};

/// How much metadata the caller wants in a JSON answer; minimal where it does not say.
/// An error if it takes no JSON.
pub fn metadata_level(headers: &HeaderMap) -> Result<MetadataLevel, ApiError> {
    let ranges = ranges(headers);
    if ranges.is_empty() {
        return Ok(MetadataLevel::Minimal);
    }
    let levels = [
        MetadataLevel::Minimal,
        MetadataLevel::Full,
        MetadataLevel::None,
    ];
    // Between equals the earlier one wins, so minimal metadata is the default.
    let mut best = None;
    for level in levels {
        let Some(quality) = json_quality(&ranges, level) else {
            continue;
        };
        if best.is_none_or(|(found, _)| quality > found) {
            best = Some((quality, level));
        }
    }
    match best {
        Some((quality, level)) if quality > Quality::default() => Ok(level),
        _ => Err(ApiError::not_acceptable()),
    }
}

/// Checks that the caller takes `media_type`, such as `application/xml`, or says nothing about it.
pub fn require(headers: &HeaderMap, media_type: &str) -> Result<(), ApiError> {
    if takes(headers, media_type) {
        Ok(())
    } else {
        Err(ApiError::not_acceptable())
    }
}

/// Checks that the caller takes a bare count: plain text, or JSON, which every client names in
/// every request and which a number also is.
pub fn require_count(headers: &HeaderMap) -> Result<(), ApiError> {
    if takes(headers, "text/plain") {
        return Ok(());
    }
    metadata_level(headers).map(drop)
}

/// The one of these media types that the caller takes most gladly; among equals the one that it names
/// most closely, then the first. An error if it takes none.
pub fn preferred(headers: &HeaderMap, offered: &[&'static str]) -> Result<&'static str, ApiError> {
    let ranges = ranges(headers);
    let mut best = None;
    for media_type in offered {
        let closest = ranges
            .iter()
            .filter_map(|range| Some((range.specificity(media_type)?, range.quality)))
            .max_by_key(|(specificity, _)| *specificity);
        let rank = match closest {
            Some((specificity, quality)) if quality > 0 => (quality, specificity),
            None if ranges.is_empty() => (0, 0),
            _ => continue,
        };
        if best.is_none_or(|(found, _)| rank > found) {
            best = Some((rank, *media_type));
        }
    }
    best.map(|(_, media_type)| media_type)
        .ok_or_else(ApiError::not_acceptable)
}

fn takes(headers: &HeaderMap, media_type: &str) -> bool {
    let ranges = ranges(headers);
    if ranges.is_empty() {
        return true;
    }
    ranges
        .iter()
        .filter_map(|range| Some((range.specificity(media_type)?, range.quality)))
        .max_by_key(|(specificity, _)| *specificity)
        .is_some_and(|(_, quality)| quality > 0)
}

/// An element of `Accept`.
struct MediaRange {
    /// In lower case.
    media_type: String,
    level: AskedLevel,
    /// In thousandths.
    quality: u16,
}

/// A range's `odata.metadata`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AskedLevel {
    Any,
    This(MetadataLevel),
    /// A value that is not known. It fits no level.
    Unknown,
}

impl AskedLevel {
    fn named(value: &str) -> Self {
        match value.to_ascii_lowercase().as_str() {
            "none" => Self::This(MetadataLevel::None),
            "minimal" => Self::This(MetadataLevel::Minimal),
            "full" => Self::This(MetadataLevel::Full),
            _ => Self::Unknown,
        }
    }
}

/// How gladly a level is taken: by its quality, then by being asked for by name.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Quality {
    thousandths: u16,
    named: bool,
}

impl MediaRange {
    fn read(element: &str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        let media_type = parts.next()?.to_ascii_lowercase();
        let (main, sub) = media_type.split_once('/')?;
        if main.is_empty() || sub.is_empty() {
            return None;
        }
        let mut range = Self {
            media_type,
            level: AskedLevel::Any,
            quality: 1000,
        };
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => range.quality = quality_thousandths(value),
                // OData 4.01 allows the name without its prefix.
                "odata.metadata" | "metadata" => range.level = AskedLevel::named(value),
                // Streaming, number format and charset do not change what we send.
                _ => {}
            }
        }
        Some(range)
    }

    /// How closely the range names `media_type`; `None` if it does not cover it.
    fn specificity(&self, media_type: &str) -> Option<u8> {
        if self.media_type == media_type {
            return Some(2);
        }
        if self.media_type == "*/*" {
            return Some(0);
        }
        let main = self.media_type.strip_suffix("/*")?;
        let (main_offered, _) = media_type.split_once('/')?;
        (main == main_offered).then_some(1)
    }
}

/// The quality of the range that names JSON with this level most closely.
fn json_quality(ranges: &[MediaRange], level: MetadataLevel) -> Option<Quality> {
    ranges
        .iter()
        .filter_map(|range| {
            let specificity = range.specificity("application/json")?;
            let named = match range.level {
                AskedLevel::Any => false,
                AskedLevel::This(asked) if asked == level => true,
                AskedLevel::This(_) | AskedLevel::Unknown => return None,
            };
            let quality = Quality {
                thousandths: range.quality,
                named: named && range.quality > 0,
            };
            Some(((specificity, named), quality))
        })
        // `max_by_key` takes the last of equals; the order among them does not matter then.
        .max_by_key(|(closeness, quality)| (*closeness, *quality))
        .map(|(_, quality)| quality)
}

/// What the caller accepts. Empty only if the header is missing or blank; an element that cannot be
/// read matches nothing.
fn ranges(headers: &HeaderMap) -> Vec<MediaRange> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .map(|element| {
            MediaRange::read(element).unwrap_or(MediaRange {
                media_type: String::new(),
                level: AskedLevel::Any,
                quality: 0,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, value.parse().unwrap());
        headers
    }

    #[test]
    fn the_gladliest_taken_media_type_is_preferred() {
        let offered = ["application/xml", "application/json"];
        let cases = [
            ("", Some("application/xml")),
            ("*/*", Some("application/xml")),
            ("application/json", Some("application/json")),
            (
                "application/json, text/plain, */*",
                Some("application/json"),
            ),
            ("application/json;q=0.5, */*", Some("application/xml")),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Some("application/xml"),
            ),
            ("application/*;q=0.1", Some("application/xml")),
            ("application/xml;q=0, */*;q=0.1", Some("application/json")),
            ("text/html", None),
            ("application/json;q=0", None),
        ];
        for (accept, expected) in cases {
            let found = preferred(&accepting(accept), &offered);
            assert_eq!(found.ok(), expected, "{accept}");
        }
        let none = preferred(&HeaderMap::new(), &offered).unwrap();
        assert_eq!(none, "application/xml");
    }

    #[test]
    fn the_best_offered_level_is_chosen() {
        use MetadataLevel::{Full, Minimal, None as Nothing};
        let cases = [
            ("", Some(Minimal)),
            ("*/*", Some(Minimal)),
            ("application/*", Some(Minimal)),
            ("application/json", Some(Minimal)),
            ("Application/JSON; charset=utf-8", Some(Minimal)),
            ("application/json;odata.metadata=none", Some(Nothing)),
            ("application/json; OData.Metadata=\"FULL\"", Some(Full)),
            ("application/json;metadata=full", Some(Full)),
            (
                "application/json;odata.metadata=full;odata.streaming=true;IEEE754Compatible=false",
                Some(Full),
            ),
            (
                "application/json, application/json;odata.metadata=none",
                Some(Nothing),
            ),
            (
                "application/json;odata.metadata=none;q=0.5, application/json;odata.metadata=full;q=0.6",
                Some(Full),
            ),
            (
                "application/json;odata.metadata=full, */*;q=0.1",
                Some(Full),
            ),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some(Minimal)),
            ("application/json;q=0, */*", None),
            ("application/json;odata.metadata=bogus", None),
            ("application/json;q=0", None),
            ("text/plain", None),
            ("application/xml", None),
            ("garbage", None),
        ];
        for (value, expected) in cases {
            assert_eq!(
                metadata_level(&accepting(value)).ok(),
                expected,
                "{value:?}"
            );
        }
        assert_eq!(metadata_level(&HeaderMap::new()).unwrap(), Minimal);
    }

    #[test]
    fn a_count_is_plain_text_or_json() {
        for value in ["text/plain", "text/*", "*/*", "application/json", ""] {
            assert!(require_count(&accepting(value)).is_ok(), "{value:?}");
        }
        for value in ["text/html", "text/plain;q=0", "image/png"] {
            assert!(require_count(&accepting(value)).is_err(), "{value:?}");
        }
    }

    #[test]
    fn other_media_types_can_be_required() {
        assert!(require(&accepting("application/xml, */*;q=0"), "application/xml").is_ok());
        assert!(require(&accepting("application/json"), "application/xml").is_err());
        assert!(require(&HeaderMap::new(), "application/xml").is_ok());
    }
}
