//! Query options: their names and plain values, the pages of a list, and what no operation offers.
//!
//! `$filter` and its kin, which need a type's vocabulary, are read in `list_query`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{
    version::Version,
    wire_error::{Problem, WireError},
};

/// The size of a page when nothing is asked, and the most that can be.
pub const MAX_PAGE_SIZE: u32 = 1_000;

/// `OData`'s own query options. With their dollar sign they belong to the system, without it to
/// beta's leniency.
const SYSTEM_OPTIONS: [&str; 12] = [
    "filter",
    "select",
    "orderby",
    "top",
    "skip",
    "count",
    "expand",
    "skiptoken",
    "search",
    "format",
    "apply",
    "compute",
];

/// What a list is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageOptions {
    /// `$top`, the size of a page: at most `MAX_PAGE_SIZE`, however much is asked.
    pub top: Option<u32>,
    /// `$skip`: how many rows are passed over. Nothing on later pages.
    pub skip: u64,
    /// `$count`: whether the answer has `@odata.count`.
    pub count: bool,
    /// `$skiptoken`: where a later page begins.
    pub skip_token: Option<String>,
}

impl PageOptions {
    /// How many rows the page holds at most. A page of 0 is empty and has no link.
    pub fn page_size(&self) -> u32 {
        self.top.unwrap_or(MAX_PAGE_SIZE)
    }

    /// Takes an option, if it says something about pages.
    pub(super) fn take(&mut self, option: &SystemOption<'_>) -> Result<bool, WireError> {
        match option.name.as_str() {
            "$top" => {
                self.top = Some(page_size_of(read_number(option)?));
            }
            "$skip" => self.skip = read_number(option)?,
            "$count" => self.count = read_boolean(option)?,
            "$skiptoken" => self.skip_token = Some(option.value.clone().into_owned()),
            _ => return Ok(false),
        }
        // A link goes on where its page ended: what was to be skipped is behind it.
        if self.skip_token.is_some() {
            self.skip = 0;
        }
        Ok(true)
    }
}

/// Reads the query of an operation that takes no options: `OData`'s own are refused by name, others
/// are nobody's business.
pub fn read_no_options(query: Option<&str>, version: Version) -> Result<(), WireError> {
    match read_options(query, version)?.system.first() {
        Some(option) => Err(option.not_offered()),
        None => Ok(()),
    }
}

/// The link to the next page: the request's own options, except that the token says where to go on.
/// `base_path` is the collection's absolute address without a query.
pub fn next_link(base_path: &str, query: Option<&str>, token: &str) -> String {
    let mut link = format!("{base_path}?");
    for piece in pieces(query) {
        let name = system_name(&decode(name_of(piece)).unwrap_or_default());
        if !matches!(name.as_str(), "$skip" | "$skiptoken") {
            link.push_str(piece);
            link.push('&');
        }
    }
    link.push_str("$skiptoken=");
    link.push_str(token);
    link
}

/// What stands in a query string and means something to us.
pub(super) struct Options<'q> {
    /// `OData`'s own options, each once.
    pub(super) system: Vec<SystemOption<'q>>,
    /// The parameter aliases, each once and with its `@`, and their values.
    pub(super) aliases: Vec<(Cow<'q, str>, Cow<'q, str>)>,
}

impl Options<'_> {
    /// The parameter aliases, as filters take them.
    pub(super) fn aliases(&self) -> Vec<(&str, &str)> {
        let aliases = self.aliases.iter();
        aliases
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .collect()
    }
}

/// One of `OData`'s own options, its name in lower case and with its dollar sign.
pub(super) struct SystemOption<'q> {
    pub(super) name: String,
    pub(super) value: Cow<'q, str>,
}

impl SystemOption<'_> {
    /// The error for an option that an operation does not take.
    pub(super) fn not_offered(&self) -> WireError {
        WireError::new(Problem::OptionNotOffered {
            option: self.name.clone(),
        })
    }
}

/// Reads a query string. Custom options are nobody's business.
pub(super) fn read_options(
    query: Option<&str>,
    version: Version,
) -> Result<Options<'_>, WireError> {
    let mut options = Options {
        system: Vec::new(),
        aliases: Vec::new(),
    };
    for piece in pieces(query) {
        let written = decode(name_of(piece))?;
        let repeated = |option: &str| {
            let option = option.to_owned();
            WireError::new(Problem::OptionRepeated { option })
        };
        let value = || decode(piece.split_once('=').map_or("", |(_, value)| value));
        if written.starts_with('@') {
            if options.aliases.iter().any(|(alias, _)| *alias == written) {
                return Err(repeated(&written));
            }
            let value = value()?;
            options.aliases.push((written, value));
            continue;
        }
        let name = system_name(&written);
        if !name.starts_with('$') {
            continue;
        }
        if version == Version::V1 && !written.starts_with('$') {
            return Err(WireError::new(Problem::OptionWithoutDollar {
                option: written.into_owned(),
            }));
        }
        if options.system.iter().any(|earlier| earlier.name == name) {
            return Err(repeated(&name));
        }
        let value = value()?;
        options.system.push(SystemOption { name, value });
    }
    Ok(options)
}

fn pieces(query: Option<&str>) -> impl Iterator<Item = &str> {
    query
        .unwrap_or_default()
        .split('&')
        .filter(|piece| !piece.is_empty())
}

fn name_of(piece: &str) -> &str {
    piece.split_once('=').map_or(piece, |(name, _)| name)
}

/// The name of `OData`'s option that is meant, in lower case and with its dollar sign. A custom
/// option stays without one.
fn system_name(written: &str) -> String {
    let name = written.to_ascii_lowercase();
    if SYSTEM_OPTIONS.contains(&name.as_str()) {
        format!("${name}")
    } else {
        name
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, WireError> {
    let undecodable = |_| WireError::new(Problem::UndecodableQuery);
    let decoded = if text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8();
        decoded
            .map(|text| Cow::Owned(text.into_owned()))
            .map_err(undecodable)
    } else {
        percent_decode_str(text).decode_utf8().map_err(undecodable)
    }?;
    // No text of ours holds it, and databases end texts with it.
    if decoded.contains('\0') {
        return Err(WireError::new(Problem::NulInQuery));
    }
    Ok(decoded)
}

/// The size of a page of which so many rows are asked.
pub(super) fn page_size_of(asked: u64) -> u32 {
    u32::try_from(asked).unwrap_or(u32::MAX).min(MAX_PAGE_SIZE)
}

/// Reads a whole number. One that is too large for any collection is as good as the largest.
fn read_number(option: &SystemOption<'_>) -> Result<u64, WireError> {
    let digits = !option.value.is_empty() && option.value.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(bad_value(option, "a number from 0"));
    }
    // A signed bound, because that is what databases count with.
    Ok(option
        .value
        .parse::<i64>()
        .unwrap_or(i64::MAX)
        .unsigned_abs())
}

fn read_boolean(option: &SystemOption<'_>) -> Result<bool, WireError> {
    match option.value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad_value(option, "'true' or 'false'")),
    }
}

fn bad_value(option: &SystemOption<'_>, expected: &'static str) -> WireError {
    WireError::new(Problem::BadOptionValue {
        option: option.name.clone(),
        value: option.value.clone().into_owned(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: Option<&str>, version: Version) -> Result<PageOptions, WireError> {
        let mut page = PageOptions::default();
        for option in read_options(query, version)?.system {
            if !page.take(&option)? {
                return Err(option.not_offered());
            }
        }
        Ok(page)
    }

    fn beta(query: &str) -> Result<PageOptions, String> {
        read(Some(query), Version::Beta).map_err(|error| error.to_string())
    }

    fn v1(query: &str) -> Result<PageOptions, String> {
        read(Some(query), Version::V1).map_err(|error| error.to_string())
    }

    #[test]
    fn page_options_are_read() {
        let none = PageOptions::default;
        let cases = [
            ("", none()),
            ("&&", none()),
            (
                "$top=5",
                PageOptions {
                    top: Some(5),
                    ..none()
                },
            ),
            (
                "%24top=5",
                PageOptions {
                    top: Some(5),
                    ..none()
                },
            ),
            (
                "$Top=0",
                PageOptions {
                    top: Some(0),
                    ..none()
                },
            ),
            (
                "$top=1000",
                PageOptions {
                    top: Some(1_000),
                    ..none()
                },
            ),
            (
                "$top=1001",
                PageOptions {
                    top: Some(1_000),
                    ..none()
                },
            ),
            (
                "$top=99999999999999999999",
                PageOptions {
                    top: Some(1_000),
                    ..none()
                },
            ),
            ("$skip=7", PageOptions { skip: 7, ..none() }),
            (
                "$skip=99999999999999999999",
                PageOptions {
                    skip: i64::MAX.unsigned_abs(),
                    ..none()
                },
            ),
            (
                "$count=true",
                PageOptions {
                    count: true,
                    ..none()
                },
            ),
            (
                "$COUNT=True",
                PageOptions {
                    count: true,
                    ..none()
                },
            ),
            ("$count=false", none()),
            (
                "$skiptoken=a%2Bb+c",
                PageOptions {
                    skip_token: Some("a+b c".into()),
                    ..none()
                },
            ),
            (
                "$skip=7&$skiptoken=a",
                PageOptions {
                    skip_token: Some("a".into()),
                    ..none()
                },
            ),
            ("x=1&x=2&@p=3&y", none()),
        ];
        for (query, options) in cases {
            assert_eq!(v1(query), Ok(options.clone()), "{query}");
            assert_eq!(beta(query), Ok(options), "{query}");
        }
        assert_eq!(read(None, Version::V1), Ok(none()));
        assert_eq!(beta("top=5&COUNT=true"), beta("$top=5&$count=true"));
    }

    #[test]
    fn what_is_not_offered_is_refused_by_name() {
        for name in [
            "$filter",
            "$select",
            "$orderby",
            "$expand",
            "$search",
            "$format",
            "$apply",
            "$compute",
            "$x",
            "$",
            "$deltatoken",
        ] {
            let message = format!("The query option '{name}' is not supported here.");
            let query = format!("{}=1", name.to_uppercase());
            assert_eq!(v1(&query), Err(message.clone()));
            assert_eq!(beta(&query), Err(message.clone()));
            assert_eq!(
                read_no_options(Some(&query), Version::V1).map_err(|error| error.to_string()),
                Err(message)
            );
        }
        assert_eq!(
            beta("filter=x"),
            Err("The query option '$filter' is not supported here.".into())
        );
        assert_eq!(
            v1("filter=x"),
            Err("The query option 'filter' lacks its dollar sign: write '$filter'.".into())
        );
        assert!(read_no_options(Some("$top=1"), Version::Beta).is_err());
        assert!(read_no_options(Some("top=1"), Version::V1).is_err());
        assert!(read_no_options(Some("x=1"), Version::V1).is_ok());
        assert!(read_no_options(None, Version::V1).is_ok());
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        let cases = [
            (
                "$top=-1",
                "The query option '$top' has the value '-1', but takes a number from 0.",
            ),
            (
                "$top=",
                "The query option '$top' has the value '', but takes a number from 0.",
            ),
            (
                "$top",
                "The query option '$top' has the value '', but takes a number from 0.",
            ),
            (
                "$top=%2B5",
                "The query option '$top' has the value '+5', but takes a number from 0.",
            ),
            (
                "$top=5.0",
                "The query option '$top' has the value '5.0', but takes a number from 0.",
            ),
            (
                "$skip=x",
                "The query option '$skip' has the value 'x', but takes a number from 0.",
            ),
            (
                "$count=1",
                "The query option '$count' has the value '1', but takes 'true' or 'false'.",
            ),
            (
                "$top=1&$TOP=1",
                "The query option '$top' stands more than once.",
            ),
            ("$top=%ff", "The query string is not percent-encoded UTF-8."),
            ("$top=1%00", "The query string holds the character U+0000."),
            ("@p=1&@p=2", "The query option '@p' stands more than once."),
        ];
        for (query, message) in cases {
            assert_eq!(v1(query), Err(message.to_owned()));
        }
        assert!(beta("$top=1&top=1").is_err());
    }

    #[test]
    fn the_next_link_keeps_what_was_asked() {
        let link = |query| next_link("https://h/beta/x", query, "T");
        assert_eq!(link(None), "https://h/beta/x?$skiptoken=T");
        assert_eq!(
            link(Some("$top=5&$skip=3&$count=true")),
            "https://h/beta/x?$top=5&$count=true&$skiptoken=T"
        );
        assert_eq!(
            link(Some("%24skipToken=old&&SKIP=1&a=%20b")),
            "https://h/beta/x?a=%20b&$skiptoken=T"
        );
    }
}
