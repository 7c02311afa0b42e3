//! Patterns of paths and serial numbers: `*` stands for any characters, none included; ASCII letters
//! match in either case. There is nothing else in them, so that matching takes time in proportion to
//! the text.

/// The most characters of a pattern.
const LONGEST: usize = 256;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    text: String,
    /// What stands between the stars, in small letters.
    pieces: Vec<String>,
}

impl Glob {
    /// The pattern of this text, or what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty pattern matches nothing: leave it out to match all".to_owned());
        }
        if text.chars().count() > LONGEST {
            return Err(format!("a pattern has at most {LONGEST} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err("a pattern with control characters matches nothing".to_owned());
        }
        let text = text.to_owned();
        let small = text.to_ascii_lowercase();
        Ok(Self {
            pieces: small.split('*').map(str::to_owned).collect(),
            text,
        })
    }

    /// Whether this piece of text stands in it, without stars.
    pub(super) fn names(&self, part: &str) -> bool {
        self.pieces.iter().any(|piece| piece.contains(part))
    }

    /// The text that it was read from.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a text is of this pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
        let small = text.to_ascii_lowercase();
        let mut pieces = self.pieces.iter();
        let first = pieces.next().map_or("", String::as_str);
        let Some(mut rest) = small.strip_prefix(first) else {
            return false;
        };
        let Some(last) = pieces.next_back() else {
            return rest.is_empty();
        };
        // The leftmost place of each piece leaves the most room for those after it.
        for piece in pieces {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("*", "", true),
            ("*", "anything/at all", true),
            ("abc", "ABC", true),
            ("abc", "abcd", false),
            ("PC-*", "pc-1", true),
            ("PC-*", "PC", false),
            ("*-eu", "a-EU", true),
            ("a*b*c", "a-B-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a**a", "aa", true),
            ("*aab", "aaab", true),
            ("*/x/*", "/beta/x/1", true),
            ("a?c", "abc", false),
            ("*ü", "gü", true),
            ("ü*", "Ü", false),
        ];
        for (pattern, text, expected) in cases {
            let glob = Glob::read(pattern).unwrap();
            assert_eq!(glob.matches(text), expected, "{pattern} {text}");
            assert_eq!(glob.as_str(), pattern);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, why) in [
            ("", "an empty pattern"),
            ("a\nb", "a pattern with control"),
            (&"*a".repeat(129), "a pattern has at most"),
        ] {
            let told = Glob::read(text).unwrap_err();
            assert!(told.starts_with(why), "{told}");
        }
    }

    #[test]
    fn many_stars_take_no_longer() {
        let began = std::time::Instant::now();
        let glob = Glob::read(&"a*".repeat(127)).unwrap();
        assert!(glob.matches(&("a".repeat(16_000) + "b")));
        let evil = Glob::read(&("*a".repeat(120) + "*b*c")).unwrap();
        assert!(!evil.matches(&"a".repeat(16_000)));
        assert!(began.elapsed() < std::time::Duration::from_secs(2));
    }
}
