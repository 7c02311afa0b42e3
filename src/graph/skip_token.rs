//! Skip tokens: where the next page begins, sealed so that none can be made up or taken elsewhere.
//!
//! A token is a format number, the last row's id, the values by which the list is ordered, and an
//! HMAC-SHA256 over these and over everything that the page belongs to: tenant, collection, version of
//! Graph, filter and order.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use odata::Value;
use sha2::Sha256;
use uuid::Uuid;

use crate::domain::tenant::TenantId;

use super::{
    version::Version,
    wire_error::{Problem, WireError},
};

/// The format of a token, its first byte.
const FORMAT: u8 = 2;

/// How many bytes an HMAC-SHA256 has.
const TAG_BYTES: usize = 32;

/// How many bytes a token may have. As text it is a third longer, and the link that it stands in
/// must be read again together with the query.
const MAX_BYTES: usize = 4_500;

/// What pages belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging<'a> {
    /// The collection, by its path below `deviceManagement`.
    pub collection: &'a str,
    /// The tenant whose collection it is.
    pub tenant: TenantId,
    /// The version of Graph that was asked.
    pub version: Version,
    /// What was asked: filter and order, in one text for one meaning.
    pub question: &'a str,
}

/// The last row of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageEnd {
    /// Its values of the order's keys, and behind them whatever else the pages have in common that
    /// the question does not tell.
    pub keys: Vec<Value<'static>>,
    /// Its id.
    pub id: Uuid,
}

impl PageEnd {
    /// The end of a page that is ordered by ids alone.
    pub fn at(id: Uuid) -> Self {
        Self {
            keys: Vec::new(),
            id,
        }
    }
}

/// Writes a token as text that needs no escaping in a query. Values that are too long for a link are
/// an error.
pub fn seal(key: &[u8; 32], paging: &Paging<'_>, end: &PageEnd) -> Result<String, WireError> {
    let too_long = || WireError::new(Problem::PageEndTooLong);
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(end.id.as_bytes());
    for value in &end.keys {
        write_value(&mut bytes, value).ok_or_else(too_long)?;
    }
    let tag = mac(key, paging, &bytes).finalize().into_bytes();
    bytes.extend_from_slice(&tag);
    if bytes.len() > MAX_BYTES {
        return Err(too_long());
    }
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a token that was given out for these pages. Forged, cut and foreign tokens are one error.
pub fn open(key: &[u8; 32], text: &str, paging: &Paging<'_>) -> Result<PageEnd, WireError> {
    unseal(key, text, paging).ok_or(WireError::new(Problem::BadSkipToken))
}

fn unseal(key: &[u8; 32], text: &str, paging: &Paging<'_>) -> Option<PageEnd> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (sealed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
    mac(key, paging, sealed).verify_slice(tag).ok()?;
    let (&format, rest) = sealed.split_first()?;
    let (id, mut rest) = rest.split_first_chunk()?;
    let mut keys = Vec::new();
    while !rest.is_empty() {
        keys.push(read_value(&mut rest)?);
    }
    (format == FORMAT).then_some(PageEnd {
        keys,
        id: Uuid::from_bytes(*id),
    })
}

fn mac(key: &[u8; 32], paging: &Paging<'_>, sealed: &[u8]) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(paging.tenant.0.as_bytes());
    // None of these texts holds a zero byte, so that no two lists of them run together to one.
    let Paging {
        collection,
        version,
        question,
        ..
    } = paging;
    for text in [collection, version.path_segment(), question] {
        mac.update(text.as_bytes());
        mac.update(&[0]);
    }
    mac.update(sealed);
    mac
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC fills a short key up with zeros to the digest's block itself; done here, no key has the
    // wrong length.
    let mut block = [0; 64];
    block
        .iter_mut()
        .zip(key)
        .for_each(|(place, byte)| *place = *byte);
    Hmac::<Sha256>::new(&block.into())
}

/// Writes a value behind a byte for its kind. No property has a day or a time of day alone.
fn write_value(out: &mut Vec<u8>, value: &Value<'_>) -> Option<()> {
    match value {
        Value::Null => out.push(0),
        Value::Text(text) => {
            out.push(1);
            out.extend_from_slice(&u16::try_from(text.len()).ok()?.to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Integer(number) => {
            out.push(2);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Instant(instant) => {
            out.push(3);
            out.extend_from_slice(&instant.as_microsecond().to_be_bytes());
        }
        Value::Guid(id) => {
            out.push(4);
            out.extend_from_slice(id.as_bytes());
        }
        Value::Enum(number) => {
            out.push(5);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Boolean(truth) => out.extend_from_slice(&[6, u8::from(*truth)]),
        Value::Date(_) | Value::Time(_) => return None,
    }
    Some(())
}

fn read_value(bytes: &mut &[u8]) -> Option<Value<'static>> {
    let [kind] = take(bytes)?;
    Some(match kind {
        0 => Value::Null,
        1 => {
            let len = usize::from(u16::from_be_bytes(take(bytes)?));
            let (text, rest) = bytes.split_at_checked(len)?;
            *bytes = rest;
            Value::Text(String::from_utf8(text.to_vec()).ok()?.into())
        }
        2 => Value::Integer(i64::from_be_bytes(take(bytes)?)),
        3 => {
            let microseconds = i64::from_be_bytes(take(bytes)?);
            Value::Instant(Timestamp::from_microsecond(microseconds).ok()?)
        }
        4 => Value::Guid(Uuid::from_bytes(take(bytes)?)),
        5 => Value::Enum(i32::from_be_bytes(take(bytes)?)),
        6 => Value::Boolean(take(bytes)? == [1]),
        _ => return None,
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    const PAGING: Paging<'_> = Paging {
        collection: "imports",
        tenant: TenantId(Uuid::from_u128(1)),
        version: Version::Beta,
        question: "filter x eq 1",
    };

    fn end() -> PageEnd {
        PageEnd {
            keys: vec![
                Value::Null,
                Value::Text("ä'\u{1f600}".into()),
                Value::Text("".into()),
                Value::Integer(-5),
                Value::Instant(Timestamp::from_microsecond(-62_135_596_800_000_000).unwrap()),
                Value::Guid(Uuid::from_u128(9)),
                Value::Enum(4),
                Value::Boolean(true),
                Value::Boolean(false),
            ],
            id: Uuid::from_u128(0xabc),
        }
    }

    #[test]
    fn a_token_opens_where_it_was_given_out() {
        let text = seal(&KEY, &PAGING, &end()).unwrap();
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert_eq!(open(&KEY, &text, &PAGING), Ok(end()));
        let bare = PageEnd {
            keys: Vec::new(),
            ..end()
        };
        let text = seal(&KEY, &PAGING, &bare).unwrap();
        assert_eq!(open(&KEY, &text, &PAGING), Ok(bare));
    }

    #[test]
    fn a_token_opens_nowhere_else() {
        let text = seal(&KEY, &PAGING, &end()).unwrap();
        let elsewhere = [
            Paging {
                collection: "devices",
                ..PAGING
            },
            Paging {
                tenant: TenantId(Uuid::from_u128(2)),
                ..PAGING
            },
            Paging {
                version: Version::V1,
                ..PAGING
            },
            Paging {
                question: "filter x eq 2",
                ..PAGING
            },
            Paging {
                question: "",
                ..PAGING
            },
        ];
        let refused = Err(WireError::new(Problem::BadSkipToken));
        for place in elsewhere {
            assert_eq!(open(&KEY, &text, &place), refused);
        }
        assert_eq!(open(&[8; 32], &text, &PAGING), refused);
    }

    #[test]
    fn a_damaged_token_opens_nowhere() {
        let text = seal(&KEY, &PAGING, &end()).unwrap();
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(open(&KEY, &damaged, &PAGING).is_err(), "{at}");
            assert!(open(&KEY, &text[..at], &PAGING).is_err(), "{at}");
        }
        for odd in ["", "!", "ä", &format!("{text}A"), &format!("{text}==")] {
            assert!(open(&KEY, odd, &PAGING).is_err());
        }
    }

    #[test]
    fn a_token_that_no_link_can_hold_is_not_made() {
        let of = |text: String| PageEnd {
            keys: vec![Value::Text(text.into())],
            id: Uuid::nil(),
        };
        assert!(seal(&KEY, &PAGING, &of("😀".repeat(1_024))).is_ok());
        for length in [1_200, 20_000] {
            assert_eq!(
                seal(&KEY, &PAGING, &of("😀".repeat(length))),
                Err(WireError::new(Problem::PageEndTooLong))
            );
        }
    }
}
