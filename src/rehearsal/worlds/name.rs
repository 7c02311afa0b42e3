//! What worlds and snapshots may be called: names that are safe in paths, addresses and shells.

use crate::rehearsal::control::Problem;

/// The world that is there from the start.
pub const MAIN: &str = "main";

/// How long a name may be.
const LONGEST: usize = 63;

/// The name, if it can be one.
pub(super) fn check(field: &str, name: &str) -> Result<(), Problem> {
    let is_plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let mut letters = name.bytes();
    let begins_well = letters.next().is_some_and(is_plain);
    let goes_on_well = letters.all(|letter| is_plain(letter) || letter == b'-');
    if begins_well && goes_on_well && name.len() <= LONGEST {
        return Ok(());
    }
    let told = "a name has a to z, 0 to 9 and -, begins with a letter or a digit, and has 63 characters at most";
    Err(Problem::bad(told).of(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_wherever_it_goes() {
        for name in ["a", "0", "pr-17", "main", "x--", &"a".repeat(63)] {
            assert_eq!(check("name", name), Ok(()), "{name}");
        }
        for name in [
            "",
            "-a",
            "A",
            "a.b",
            "a/b",
            "../a",
            "a b",
            "ä",
            "a_b",
            "a\0",
            &"a".repeat(64),
        ] {
            assert!(check("name", name).is_err(), "{name}");
        }
    }
}
