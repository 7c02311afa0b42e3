//! The template by which a deployment profile names devices, and the locale that it sets.

/// How many characters a name may have.
const MAX_NAME: usize = 15;

/// How many characters a locale may have: the longest that is registered has half of them.
const MAX_LOCALE: usize = 85;

/// What is wrong with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// It holds a character that no name may hold.
    #[error(
        "a device's name has letters, digits and hyphens, and the macros %SERIAL% and %RAND:x%"
    )]
    Character,
    /// It holds a macro that is none.
    #[error("a macro is %SERIAL%, or %RAND:x% with a number of digits from 1 to 15")]
    Macro,
    /// Its names are too long.
    #[error("a device's name has at most 15 characters")]
    TooLong,
    /// Its names are numbers.
    #[error("a device's name must not consist of digits alone")]
    Digits,
}

/// Whether devices can be named by this template. The empty one names none.
pub fn check_template(template: &str) -> Result<(), TemplateFault> {
    let mut length = 0;
    let mut only_digits = !template.is_empty();
    for (place, piece) in template.split('%').enumerate() {
        // What stands between two signs is a macro.
        if place % 2 == 1 {
            let (characters, digits) = expand(piece)?;
            length += characters;
            only_digits &= digits;
            continue;
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !piece.bytes().all(allowed) {
            return Err(TemplateFault::Character);
        }
        length += piece.len();
        only_digits &= piece.bytes().all(|byte| byte.is_ascii_digit());
    }
    if template.matches('%').count() % 2 == 1 {
        return Err(TemplateFault::Macro);
    }
    if length > MAX_NAME {
        return Err(TemplateFault::TooLong);
    }
    if only_digits {
        return Err(TemplateFault::Digits);
    }
    Ok(())
}

/// How many characters a macro adds at least, and whether they are digits. A serial number is cut
/// to what there is room for.
fn expand(name: &str) -> Result<(usize, bool), TemplateFault> {
    if name.eq_ignore_ascii_case("SERIAL") {
        return Ok((0, false));
    }
    let digits = name
        .split_once(':')
        .filter(|(name, _)| name.eq_ignore_ascii_case("RAND"))
        .filter(|(_, digits)| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|(_, digits)| digits.parse().ok());
    match digits {
        Some(digits) if (1..=MAX_NAME).contains(&digits) => Ok((digits, true)),
        _ => Err(TemplateFault::Macro),
    }
}

/// Whether this is a locale: `os-default`, a language tag, or nothing, which lets the user choose.
pub fn is_locale(text: &str) -> bool {
    text.len() <= MAX_LOCALE
        && (text.is_empty()
            || text.split('-').all(|part| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_checked_by_the_names_that_they_make() {
        let good = [
            "",
            "LAPTOP",
            "A-%SERIAL%",
            "%SERIAL%",
            "%serial%-%rand:4%",
            "HANGAR-%RAND:8%",
            "A%RAND:14%",
            "ABCDEFGHIJKLMNO",
            "1a",
        ];
        for template in good {
            assert_eq!(check_template(template), Ok(()), "{template}");
        }
        let bad = [
            ("ABCDEFGHIJKLMNOP", TemplateFault::TooLong),
            ("AB%RAND:14%", TemplateFault::TooLong),
            ("a b", TemplateFault::Character),
            ("a_b", TemplateFault::Character),
            ("ä", TemplateFault::Character),
            ("%SERIAL", TemplateFault::Macro),
            ("a%", TemplateFault::Macro),
            ("%%", TemplateFault::Macro),
            ("%SERIAL:3%", TemplateFault::Macro),
            ("%RAND%", TemplateFault::Macro),
            ("%RAND:0%", TemplateFault::Macro),
            ("%RAND:16%", TemplateFault::Macro),
            ("%RAND:+4%", TemplateFault::Macro),
            ("%RAND:%", TemplateFault::Macro),
            ("%USER%", TemplateFault::Macro),
            ("123", TemplateFault::Digits),
            ("1%RAND:3%", TemplateFault::Digits),
        ];
        for (template, fault) in bad {
            assert_eq!(check_template(template), Err(fault), "{template}");
        }
    }

    #[test]
    fn locales_are_language_tags() {
        for good in ["", "os-default", "en-US", "zh-Hant-TW", "de"] {
            assert!(is_locale(good), "{good}");
        }
        for bad in ["-", "en-", "en_US", "en US", "é", &"a".repeat(86)] {
            assert!(!is_locale(bad), "{bad}");
        }
    }
}
