//! Which trigrams a text is looked for by.

use std::iter::successors;

/// How many characters a trigram has.
const LENGTH: usize = 3;

/// So many trigrams of a text at most: from its end, side by side and not overlapping, and its
/// first. Serial numbers differ at their ends, and begin with what a maker gives to all, which takes
/// long to go through. A shorter text has none.
pub(super) fn from_end(text: &str, most: usize) -> Option<Vec<String>> {
    let characters: Vec<char> = text.chars().collect();
    let last = characters.len().checked_sub(LENGTH)?;
    let before = |start: &usize| (*start > 0).then(|| start.saturating_sub(LENGTH));
    let starts = successors(Some(last), before).take(most);
    let trigrams = starts.filter_map(|start| characters.get(start..start + LENGTH));
    Some(trigrams.map(|trigram| trigram.iter().collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_by_its_end() {
        let cases: [(&str, &[&str]); 5] = [
            ("abc", &["abc"]),
            ("abcd", &["bcd", "abc"]),
            ("abcdefghi", &["ghi", "def"]),
            ("abcdefgh", &["fgh", "cde"]),
            ("ÄÖÜß", &["ÖÜß", "ÄÖÜ"]),
        ];
        for (text, expected) in cases {
            assert_eq!(from_end(text, 2).unwrap(), expected, "{text}");
        }
        assert_eq!(from_end("abcdefgh", 8).unwrap(), ["fgh", "cde", "abc"]);
        assert_eq!(from_end("ab", 8), None);
    }
}
