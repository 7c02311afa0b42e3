//! A client's own words within a message: in quotes, shortened, on one line.

use std::fmt;

/// How much of a text a message repeats.
const SHOWN_CHARACTERS: usize = 60;

/// Shows a text in single quotes, cut short, its control characters escaped.
pub(crate) struct Quoted<'t>(pub(crate) &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        formatter.write_str("'")?;
        for character in characters.by_ref().take(SHOWN_CHARACTERS) {
            if character.is_control() {
                write!(formatter, "{}", character.escape_unicode())?;
            } else {
                write!(formatter, "{character}")?;
            }
        }
        formatter.write_str(if characters.next().is_some() {
            "…'"
        } else {
            "'"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shortened_and_stay_on_one_line() {
        let cases = [
            ("x", "'x'".to_owned()),
            ("a\nb\0", "'a\\u{a}b\\u{0}'".to_owned()),
            (&"é".repeat(60), format!("'{}'", "é".repeat(60))),
            (&"é".repeat(61), format!("'{}…'", "é".repeat(60))),
        ];
        for (text, shown) in cases {
            assert_eq!(Quoted(text).to_string(), shown);
        }
    }
}
