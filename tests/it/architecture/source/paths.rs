//! Finds the paths that code names: `a::b::c` anywhere, and each member of `use a::{b, c::d}`.

use super::lexer::{is_word, words};

/// A path as it is written, and where its last part or its member of a group begins.
#[derive(Debug)]
pub(crate) struct NamedPath {
    pub(crate) offset: usize,
    pub(crate) parts: Vec<String>,
}

impl NamedPath {
    /// Whether the path is this one or leads through it.
    pub(crate) fn starts_with(&self, parts: &[&str]) -> bool {
        self.parts.len() >= parts.len() && self.parts.iter().zip(parts).all(|(a, b)| a == b)
    }

    /// Whether these parts follow each other somewhere in the path.
    pub(crate) fn holds(&self, parts: &[&str]) -> bool {
        self.parts
            .windows(parts.len())
            .any(|window| window == parts)
    }

    pub(crate) fn written(&self) -> String {
        self.parts.join("::")
    }
}

/// Every path of this code, in order.
pub(super) fn named_in(code: &str) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut done = 0;
    for (start, _) in words(code) {
        if start >= done {
            done = read_tree(code, start, &[], &mut found);
        }
    }
    found
}

/// Reads the path that begins here with all its branches, and answers where it ends.
fn read_tree(code: &str, start: usize, before: &[String], found: &mut Vec<NamedPath>) -> usize {
    let end = start
        + code[start..]
            .bytes()
            .take_while(|byte| is_word(*byte))
            .count();
    let mut parts = before.to_vec();
    parts.extend((end > start).then(|| code[start..end].to_owned()));
    let next = skip_space(code, end);
    let after = skip_space(code, next + 2);
    if end == start || !code[next..].starts_with("::") {
        found.push(NamedPath {
            offset: start,
            parts,
        });
        return end;
    }
    match code.as_bytes().get(after) {
        Some(b'{') => read_group(code, after + 1, &parts, found),
        Some(byte) if is_word(*byte) => read_tree(code, after, &parts, found),
        // A glob or a generic argument: the path ends, what follows is read for itself.
        _ => {
            found.push(NamedPath {
                offset: start,
                parts,
            });
            after
        }
    }
}

fn read_group(code: &str, start: usize, before: &[String], found: &mut Vec<NamedPath>) -> usize {
    let mut at = skip_space(code, start);
    while let Some(byte) = code.as_bytes().get(at) {
        match byte {
            b'}' => return at + 1,
            b',' => at = skip_space(code, at + 1),
            byte if is_word(*byte) => {
                at = read_tree(code, at, before, found);
                // `as other` names nothing of anybody's.
                at += code[at..]
                    .bytes()
                    .take_while(|byte| !matches!(byte, b',' | b'}'))
                    .count();
            }
            _ => at += 1,
        }
    }
    at
}

fn skip_space(code: &str, from: usize) -> usize {
    let rest = code.get(from..).unwrap_or_default();
    from + rest.bytes().take_while(u8::is_ascii_whitespace).count()
}

#[test]
fn groups_are_written_out() {
    let code =
        "use crate::{store::{self, Store as S}, graph::*, domain}; ::std::fs::read(a::<B>::c)";
    let written: Vec<_> = named_in(code).iter().map(NamedPath::written).collect();
    let expected = [
        "use",
        "crate::store::self",
        "crate::store::Store",
        "crate::graph",
        "crate::domain",
        "std::fs::read",
        "a",
        "B",
        "c",
    ];
    assert_eq!(written, expected);
}
