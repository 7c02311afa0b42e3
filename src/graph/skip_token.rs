//! Skip tokens: where the next page begins, sealed so that none can be made up or taken elsewhere.
//!
//! A token is a format number, the last row's id and an HMAC-SHA256 over these and over everything
//! that the page belongs to: tenant, set, version of Graph, filter and order.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::domain::tenant::TenantId;

use super::{
    schema::EntitySet,
    version::Version,
    wire_error::{Problem, WireError},
};

/// The format of a token, its first byte.
const FORMAT: u8 = 1;

/// The only question that there is a later page of: every row, in the order of the ids.
const QUESTION: &str = "all order by id";

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkipToken {
    /// The collection.
    pub set: EntitySet,
    /// The entity that it stands in, where it stands in one.
    pub within: Option<Uuid>,
    /// The tenant whose collection it is.
    pub tenant: TenantId,
    /// The version of Graph that was asked.
    pub version: Version,
    /// The last row of the page before.
    pub after: Uuid,
}

/// Writes a token as text that needs no escaping in a query.
pub fn seal(key: &[u8; 32], token: &SkipToken) -> String {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(token.after.as_bytes());
    bytes.extend_from_slice(&mac(key, token).finalize().into_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token that was given out for this collection of this tenant in this version: the id of
/// the last row of the page before. Forged, cut and foreign tokens are one error.
pub fn open(
    key: &[u8; 32],
    text: &str,
    (set, within): (EntitySet, Option<Uuid>),
    tenant: TenantId,
    version: Version,
) -> Result<Uuid, WireError> {
    unseal(key, text, (set, within), tenant, version).ok_or(WireError::new(Problem::BadSkipToken))
}

fn unseal(
    key: &[u8; 32],
    text: &str,
    (set, within): (EntitySet, Option<Uuid>),
    tenant: TenantId,
    version: Version,
) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (&format, rest) = bytes.split_first()?;
    let (id, tag) = rest.split_first_chunk()?;
    let after = Uuid::from_bytes(*id);
    let token = SkipToken {
        set,
        within,
        tenant,
        version,
        after,
    };
    (format == FORMAT && mac(key, &token).verify_slice(tag).is_ok()).then_some(after)
}

fn mac(key: &[u8; 32], token: &SkipToken) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(&[FORMAT]);
    mac.update(token.after.as_bytes());
    mac.update(token.tenant.0.as_bytes());
    // The zero GUID is no entity's key.
    mac.update(token.within.unwrap_or_default().as_bytes());
    // Names hold no zero byte, so that no two lists of them run together to one.
    for text in [token.set.name(), token.version.path_segment(), QUESTION] {
        mac.update(text.as_bytes());
        mac.update(&[0]);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn token() -> SkipToken {
        SkipToken {
            set: EntitySet::Imports,
            within: None,
            tenant: TenantId(Uuid::from_u128(1)),
            version: Version::Beta,
            after: Uuid::from_u128(0xabc),
        }
    }

    fn open_as(key: &[u8; 32], text: &str, token: SkipToken) -> Result<Uuid, WireError> {
        open(
            key,
            text,
            (token.set, token.within),
            token.tenant,
            token.version,
        )
    }

    #[test]
    fn a_token_opens_where_it_was_given_out() {
        let text = seal(&KEY, &token());
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert_eq!(open_as(&KEY, &text, token()), Ok(token().after));
    }

    #[test]
    fn a_token_opens_nowhere_else() {
        let text = seal(&KEY, &token());
        let elsewhere = [
            SkipToken {
                set: EntitySet::Devices,
                ..token()
            },
            SkipToken {
                within: Some(Uuid::from_u128(1)),
                ..token()
            },
            SkipToken {
                tenant: TenantId(Uuid::from_u128(2)),
                ..token()
            },
            SkipToken {
                version: Version::V1,
                ..token()
            },
        ];
        let within = |entity| SkipToken {
            within: Some(Uuid::from_u128(entity)),
            ..token()
        };
        let sealed = seal(&KEY, &within(1));
        assert!(open_as(&KEY, &sealed, within(1)).is_ok());
        assert!(open_as(&KEY, &sealed, within(2)).is_err());
        let refused = Err(WireError::new(Problem::BadSkipToken));
        for place in elsewhere {
            assert_eq!(open_as(&KEY, &text, place), refused);
        }
        assert_eq!(open_as(&[8; 32], &text, token()), refused);
    }

    #[test]
    fn a_damaged_token_opens_nowhere() {
        let text = seal(&KEY, &token());
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(open_as(&KEY, &damaged, token()).is_err(), "{at}");
            assert!(open_as(&KEY, &text[..at], token()).is_err(), "{at}");
        }
        for odd in ["", "!", "ä", &format!("{text}A"), &format!("{text}==")] {
            assert!(open_as(&KEY, odd, token()).is_err());
        }
    }
}
