//! Proof keys for code exchange (RFC 7636): only who asked for a code can use it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// What the verifier of a code must lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    method: Method,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// The challenge is the verifier.
    Plain,
    /// The challenge is the verifier's SHA-256.
    Sha256,
}

impl Challenge {
    /// The methods by their names on the wire.
    pub(super) const METHODS: [&str; 2] = ["plain", "S256"];

    /// Reads a challenge and its method, which is `plain` where none is named.
    pub(super) fn read(text: &str, method: Option<&str>) -> Option<Self> {
        let method = match method {
            None | Some("plain") => Method::Plain,
            Some("S256") => Method::Sha256,
            Some(_) => return None,
        };
        is_well_formed(text).then(|| Self {
            method,
            text: text.to_owned(),
        })
    }

    /// Whether it is this verifier's.
    pub(super) fn is_met_by(&self, verifier: &str) -> bool {
        if !is_well_formed(verifier) {
            return false;
        }
        let led_to = match self.method {
            Method::Plain => verifier.to_owned(),
            Method::Sha256 => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
        };
        verify_slices_are_equal(led_to.as_bytes(), self.text.as_bytes()).is_ok()
    }
}

/// 43 to 128 characters that an address needs no escapes for.
fn is_well_formed(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_met_by_its_verifier_alone() {
        // The example of RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let hashed = Challenge::read(challenge, Some("S256")).unwrap();
        assert!(hashed.is_met_by(verifier));
        assert!(!hashed.is_met_by(challenge));
        for method in [None, Some("plain")] {
            let plain = Challenge::read(challenge, method).unwrap();
            assert!(plain.is_met_by(challenge));
            assert!(!plain.is_met_by(verifier));
        }
        assert!(!hashed.is_met_by(""));
    }

    #[test]
    fn what_is_no_challenge_is_refused() {
        let good = "a".repeat(43);
        assert!(Challenge::read(&good, None).is_some());
        assert!(Challenge::read(&good, Some("s256")).is_none());
        for text in [
            "",
            "short",
            &"a".repeat(42),
            &"a".repeat(129),
            &"+".repeat(43),
        ] {
            assert!(Challenge::read(text, Some("S256")).is_none(), "{text}");
        }
    }
}
