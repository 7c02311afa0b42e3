//! What is wrong with a blob: a stable code, a severity, and a sentence for a technician.
//!
//! Which findings there are is decided in `inspect`.

use std::fmt;

use crate::container::StructureError;

/// How many characters of a blob's text a message quotes at most.
const QUOTED_CHARS: usize = 64;

/// Something that is wrong with a blob, or odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable code.
    pub code: FindingCode,
    /// Whether strict mode refuses the blob for it.
    pub severity: Severity,
    /// What is wrong, where, and what to do. Text from the blob is escaped and cut short.
    pub message: String,
}

impl Finding {
    pub(crate) fn refuse(code: FindingCode, message: String) -> Self {
        Self {
            code,
            severity: Severity::Refuse,
            message,
        }
    }

    pub(crate) fn note(code: FindingCode, message: String) -> Self {
        Self {
            code,
            severity: Severity::Note,
            message,
        }
    }

    pub(crate) fn from_structure(error: &StructureError) -> Self {
        let message = format!(
            "This is not a whole hardware hash: {error}. Copy it again in full, or capture it again on the device."
        );
        Self::refuse(FindingCode::from_structure(error), message)
    }
}

/// Whether a finding lets strict mode refuse the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Strict mode refuses the blob.
    Refuse,
    /// The blob is accepted and the finding recorded.
    Note,
}

/// What a finding is about. Rungs are those of the validation ladder, from structure to self-consistency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FindingCode {
    /// Rung 1: fewer bytes than any blob has.
    TooShort,
    /// Rung 1: the blob does not start with `OA`.
    BadMagic,
    /// Rung 1: the trailer does not lie inside the blob, as with a truncated one.
    TrailerOutOfRange,
    /// Rung 1: an element's length is impossible.
    BadElementLength,
    /// Rung 1: no `CS` trailer of 36 bytes stands where the header places it.
    BadTrailer,
    /// Rung 2: the SHA-256 does not match.
    DigestMismatch,
    /// Rung 2: something stands behind the trailer.
    PaddingNotZero,
    /// Rung 3: element 1 is missing.
    VersionsMissing,
    /// Rung 3: element 1 is not the first.
    VersionsNotFirst,
    /// Rung 3: element 14 is missing.
    SerialMissing,
    /// Rung 3: element 14 is blank.
    SerialBlank,
    /// Rung 3: element 14 is no readable text.
    SerialUnreadable,
    /// Rung 3: element 16 is missing.
    ManufacturerMissing,
    /// Rung 3: element 16 is blank.
    ManufacturerBlank,
    /// Rung 3: element 16 is no readable text.
    ManufacturerUnreadable,
    /// Rung 3: a known element is laid out in an unknown way.
    UnexpectedLayout,
    /// Rung 3: an element that occurs once occurs again.
    ElementRepeated,
    /// Rung 3: element 25 is all zero.
    EkAllZero,
    /// Rung 3: element 25 cannot be an RSA-2048 modulus.
    EkImplausible,
    /// Rung 4: element 11 is not the SHA-256 of element 25.
    EkIdMismatch,
    /// Rung 4: made before 2015.
    TimeTooEarly,
    /// Rung 4: made more than a day from now.
    TimeInFuture,
    /// Rung 4: neither full Windows nor Windows PE.
    UnknownOsType,
    /// Rung 4: the serial number is a placeholder.
    PlaceholderSerial,
    /// Rung 4: the manufacturer is a placeholder.
    PlaceholderManufacturer,
    /// Rung 4: the product name is a placeholder.
    PlaceholderProduct,
    /// Rung 4: the UUID is one that many devices share.
    PlaceholderUuid,
    /// Rung 4: a MAC address is one byte six times.
    PlaceholderMac,
}

impl FindingCode {
    /// Every code, in the ladder's order.
    pub const ALL: [Self; 28] = [
        Self::TooShort,
        Self::BadMagic,
        Self::TrailerOutOfRange,
        Self::BadElementLength,
        Self::BadTrailer,
        Self::DigestMismatch,
        Self::PaddingNotZero,
        Self::VersionsMissing,
        Self::VersionsNotFirst,
        Self::SerialMissing,
        Self::SerialBlank,
        Self::SerialUnreadable,
        Self::ManufacturerMissing,
        Self::ManufacturerBlank,
        Self::ManufacturerUnreadable,
        Self::UnexpectedLayout,
        Self::ElementRepeated,
        Self::EkAllZero,
        Self::EkImplausible,
        Self::EkIdMismatch,
        Self::TimeTooEarly,
        Self::TimeInFuture,
        Self::UnknownOsType,
        Self::PlaceholderSerial,
        Self::PlaceholderManufacturer,
        Self::PlaceholderProduct,
        Self::PlaceholderUuid,
        Self::PlaceholderMac,
    ];

    /// Spells the code. The spelling never changes, so logs and databases may hold it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::BadMagic => "bad-magic",
            Self::TrailerOutOfRange => "trailer-out-of-range",
            Self::BadElementLength => "bad-element-length",
            Self::BadTrailer => "bad-trailer",
            Self::DigestMismatch => "digest-mismatch",
            Self::PaddingNotZero => "padding-not-zero",
            Self::VersionsMissing => "versions-missing",
            Self::VersionsNotFirst => "versions-not-first",
            Self::SerialMissing => "serial-missing",
            Self::SerialBlank => "serial-blank",
            Self::SerialUnreadable => "serial-unreadable",
            Self::ManufacturerMissing => "manufacturer-missing",
            Self::ManufacturerBlank => "manufacturer-blank",
            Self::ManufacturerUnreadable => "manufacturer-unreadable",
            Self::UnexpectedLayout => "unexpected-layout",
            Self::ElementRepeated => "element-repeated",
            Self::EkAllZero => "ek-all-zero",
            Self::EkImplausible => "ek-implausible",
            Self::EkIdMismatch => "ek-id-mismatch",
            Self::TimeTooEarly => "time-too-early",
            Self::TimeInFuture => "time-in-future",
            Self::UnknownOsType => "unknown-os-type",
            Self::PlaceholderSerial => "placeholder-serial",
            Self::PlaceholderManufacturer => "placeholder-manufacturer",
            Self::PlaceholderProduct => "placeholder-product",
            Self::PlaceholderUuid => "placeholder-uuid",
            Self::PlaceholderMac => "placeholder-mac",
        }
    }

    fn from_structure(error: &StructureError) -> Self {
        match error {
            StructureError::TooShort { .. } => Self::TooShort,
            StructureError::BadMagic { .. } => Self::BadMagic,
            StructureError::TrailerOutOfRange { .. } => Self::TrailerOutOfRange,
            StructureError::StrayBytes { .. }
            | StructureError::ElementTooShort { .. }
            | StructureError::ElementTooLong { .. } => Self::BadElementLength,
            StructureError::BadTrailerTag { .. } | StructureError::BadTrailerLength { .. } => {
                Self::BadTrailer
            }
        }
    }
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Quotes text from a blob, escaped and cut short, so that it can neither forge a log line nor flood it.
pub(crate) fn quote(text: &str) -> String {
    let cut_short = text.chars().nth(QUOTED_CHARS).is_some();
    let shown: String = text
        .chars()
        .take(QUOTED_CHARS)
        .flat_map(char::escape_debug)
        .collect();
    format!("\"{shown}{}\"", if cut_short { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_kebab_case() {
        let spellings: BTreeSet<_> = FindingCode::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(spellings.len(), FindingCode::ALL.len());
        for spelling in spellings {
            assert!(
                spelling.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{spelling}"
            );
        }
    }

    #[test]
    fn quotes_escape_and_cut() {
        let long = "x".repeat(65);
        let cases = [
            ("plain", "\"plain\"".to_owned()),
            ("a\nb\u{1b}[0m", r#""a\nb\u{1b}[0m""#.to_owned()),
            ("\u{202e}gnp", r#""\u{202e}gnp""#.to_owned()),
            (r#"say "x""#, r#""say \"x\"""#.to_owned()),
            (&long, format!("\"{}…\"", "x".repeat(64))),
        ];
        for (text, expected) in cases {
            assert_eq!(quote(text), expected);
        }
    }
}
