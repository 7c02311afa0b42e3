//! Entity tags: how a revision is spelled, and how clients name revisions in `If-Match` and
//! `If-None-Match`.
//!
//! A tag is weak, as Graph's are: it stands for the entity, whatever its metadata level and its
//! coding.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::domain::revision::{Revision, Revisions};

/// How two tags are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The very tag that was given out: what a write depends on. HTTP lets no weak tag through
    /// here, but weak tags are all that Graph gives, and its clients send them back.
    Exact,
    /// Weak and strong tags are the same: what a cache asks.
    Weak,
}

/// The tag of a revision, with its quotes.
pub fn spell(revision: Revision) -> String {
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(revision.as_bytes()))
}

/// Reads the list of tags in a header. `None` where it is none.
pub fn read_tags(header: &[u8], comparison: Comparison) -> Option<Revisions> {
    if header.trim_ascii() == b"*" {
        return Some(Revisions::Any);
    }
    let mut revisions = Vec::new();
    let mut rest = header.trim_ascii();
    let mut tags = 0;
    while !rest.is_empty() {
        // Empty elements of a list mean nothing.
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
            continue;
        }
        let (tag, after) = take_tag(rest)?;
        tags += 1;
        if tag.is_weak || comparison == Comparison::Weak {
            revisions.extend(revision(tag.opaque));
        }
        rest = after.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
    (tags > 0).then_some(Revisions::OneOf(revisions))
}

struct Tag<'h> {
    is_weak: bool,
    opaque: &'h [u8],
}

/// Takes a tag off the beginning: `"…"` or `W/"…"`.
fn take_tag(header: &[u8]) -> Option<(Tag<'_>, &[u8])> {
    let weak = header.strip_prefix(b"W/");
    let quoted = weak.unwrap_or(header).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|byte| *byte == b'"')?;
    let (opaque, after) = quoted.split_at_checked(end)?;
    if opaque.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return None;
    }
    let tag = Tag {
        is_weak: weak.is_some(),
        opaque,
    };
    Some((tag, after.get(1..)?))
}

/// The revision that a tag stands for, if it is one of ours.
fn revision(opaque: &[u8]) -> Option<Revision> {
    let bytes = URL_SAFE_NO_PAD.decode(opaque).ok()?;
    Some(Revision::from_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OURS: &str = "W/\"AQEBAQEBAQEBAQEBAQEBAQ\"";

    fn one() -> Revision {
        Revision::from_bytes([1; 16])
    }

    #[test]
    fn a_tag_leads_back_to_its_revision() {
        assert_eq!(spell(one()), OURS);
        let strong = OURS.trim_start_matches("W/");
        let these = |revisions: &[Revision]| Some(Revisions::OneOf(revisions.to_vec()));
        let cases: [(&str, &[Revision], &[Revision]); 9] = [
            (OURS, &[one()], &[one()]),
            (strong, &[], &[one()]),
            ("\"\"", &[], &[]),
            ("W/\"x\"", &[], &[]),
            ("\"a,b\"", &[], &[]),
            ("\"x\" , W/\"AQEBAQEBAQEBAQEBAQEBAQ\"", &[one()], &[one()]),
            (",, W/\"AQEBAQEBAQEBAQEBAQEBAQ\",", &[one()], &[one()]),
            ("W/\"AQEBAQEBAQEBAQEBAQEBAQ==\"", &[], &[]),
            ("  W/\"AQEBAQEBAQEBAQEBAQEBAQ\"  ", &[one()], &[one()]),
        ];
        for (header, exact, weak) in cases {
            let read = |comparison| read_tags(header.as_bytes(), comparison);
            assert_eq!(read(Comparison::Exact), these(exact), "{header}");
            assert_eq!(read(Comparison::Weak), these(weak), "{header}");
        }
        assert_eq!(read_tags(b" * ", Comparison::Exact), Some(Revisions::Any));
    }

    #[test]
    fn what_is_no_list_of_tags_is_told_from_one() {
        for header in [
            "",
            " ",
            ",",
            "x",
            "AQEBAQEBAQEBAQEBAQEBAQ",
            "\"",
            "W/",
            "W/x",
            "w/\"x\"",
            "\"x",
            "\"a b\"",
            "\"a\"\"b\"",
            "\"a\" \"b\"",
            "*, \"a\"",
            "\"a\", *",
            "**",
            "\"a\\\"b\"",
        ] {
            assert_eq!(
                read_tags(header.as_bytes(), Comparison::Weak),
                None,
                "{header}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_revision_is_found_among_any_tags(bytes: [u8; 16], others in "(\"[!#-~]{0,9}\",){0,3}") {
            let revision = Revision::from_bytes(bytes);
            let header = format!("{others}{}", spell(revision));
            let found = read_tags(header.as_bytes(), Comparison::Exact).unwrap();
            prop_assert!(found.include(revision));
        }
    }
}
