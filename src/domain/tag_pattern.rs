//! A pattern of group tags: `*` stands for any characters, letter case does not matter.

/// A pattern of group tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPattern(String);

impl TagPattern {
    /// The pattern of this text. The empty one is for devices without a tag.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a group tag is of this pattern. ASCII letters match in either case, as they do in
    /// the directory's own rules.
    pub fn matches(&self, tag: &str) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = strip_prefix(tag, first) else {
            return false;
        };
        let Some(last) = pieces.next_back() else {
            return rest.is_empty();
        };
        for piece in pieces {
            match find(rest, piece) {
                Some(end) => rest = rest.get(end..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.len() >= last.len()
            && rest
                .get(rest.len() - last.len()..)
                .is_some_and(|end| end.eq_ignore_ascii_case(last))
    }
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The end of the first place where a piece stands.
fn find(text: &str, piece: &str) -> Option<usize> {
    text.char_indices()
        .map(|(start, _)| start)
        .chain([text.len()])
        .find(|&start| {
            text.get(start..)
                .is_some_and(|text| strip_prefix(text, piece).is_some())
        })
        .map(|start| start + piece.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("Sales", "sALES", true),
            ("Sales", "Sales1", false),
            ("Sales*", "sales-Zürich", true),
            ("Sales*", "Sale", false),
            ("*-eu", "Sales-EU", true),
            ("*-eu", "-e", false),
            ("a*b*c", "a-B-c", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a**a", "aa", true),
            ("ü*", "Ü", false),
            ("*ü", "gü", true),
            ("*aab", "aaab", true),
        ];
        for (pattern, tag, expected) in cases {
            assert_eq!(
                TagPattern::new(pattern).matches(tag),
                expected,
                "{pattern} {tag}"
            );
        }
    }
}
