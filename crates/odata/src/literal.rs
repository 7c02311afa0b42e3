//! Numbers, dates, times and GUIDs as a query writes them.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::Offset,
};
use uuid::Uuid;

use crate::{error::Problem, kind::Literal};

/// How a GUID is written: 8-4-4-4-12 hexadecimal digits.
const GUID_LEN: usize = 36;

/// Instants before this one count as it: no query can write them.
const EARLIEST: DateTime = DateTime::constant(0, 1, 1, 0, 0, 0, 0);
/// Instants behind this one count as it: it is the last that jiff makes of microseconds.
const LATEST: DateTime = DateTime::constant(9999, 12, 30, 22, 0, 0, 0);

/// Reads the literal at the beginning, if there is one, and says how long it is. Texts and words are
/// not literals here.
pub(crate) fn read(text: &str) -> Result<Option<(Literal, usize)>, Problem> {
    let bytes = text.as_bytes();
    if let Some(guid) = text.get(..GUID_LEN).and_then(guid)
        && !is_glued(bytes.get(GUID_LEN))
    {
        return Ok(Some((Literal::Guid(guid), GUID_LEN)));
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(None);
    }
    // A sign would begin another word or operand; everything else up to there is meant as one.
    let len = bytes
        .iter()
        .position(|byte| !is_literal_byte(*byte))
        .unwrap_or(bytes.len());
    let word = text.get(..len).unwrap_or_default();
    let literal = if looks_like(word, "0000-00-00") {
        date_or_instant(word, text)
    } else if looks_like(word, "00:00") {
        time(word).map(Literal::Time).ok_or(Problem::BadLiteral {
            kind: "Edm.TimeOfDay",
            text: word.into(),
            advice: "Write a time of day as 23:59:59.",
        })
    } else {
        integer(word)
    };
    literal.map(|literal| Some((literal, len)))
}

/// A GUID in any letter case, if that is what the whole text is.
pub(crate) fn guid(text: &str) -> Option<Uuid> {
    if text.len() != GUID_LEN || text.as_bytes().get(8) != Some(&b'-') {
        return None;
    }
    Uuid::try_parse(text).ok()
}

/// The instant at which a day begins in UTC.
pub(crate) fn midnight(date: Date) -> Timestamp {
    instant(date.to_datetime(Time::midnight()), Offset::UTC)
}

/// An instant. Those outside of what can be written and kept are moved to the nearest that can.
fn instant(civil: DateTime, offset: Offset) -> Timestamp {
    let in_utc = |civil| Offset::UTC.to_timestamp(civil).unwrap_or_default();
    match offset.to_timestamp(civil) {
        Ok(timestamp) => timestamp.clamp(in_utc(EARLIEST), in_utc(LATEST)),
        Err(_) if civil.year() > 0 => in_utc(LATEST),
        Err(_) => in_utc(EARLIEST),
    }
}

fn is_literal_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'.' | b'_' | b'+') || byte > 0x7f
}

/// Whether a byte would make another word of the one before it.
fn is_glued(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| is_literal_byte(*byte))
}

/// Whether a word begins like this, `0` standing for any digit.
fn looks_like(word: &str, shape: &str) -> bool {
    word.len() >= shape.len()
        && word
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, wanted)| byte == wanted || wanted == b'0' && byte.is_ascii_digit())
}

fn integer(word: &str) -> Result<Literal, Problem> {
    word.parse().map(Literal::Integer).map_err(|_| {
        let digits = word.strip_prefix('-').unwrap_or(word);
        let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
        Problem::BadLiteral {
            kind: "number",
            text: word.into(),
            advice: if is_whole {
                "Whole numbers have at most 64 bits."
            } else {
                "Write a whole number in decimal digits; texts and GUIDs that begin with a digit \
                 stand in single quotes."
            },
        }
    })
}

/// Reads a day, or a day with its time and zone. `behind` is the text that begins with the word.
fn date_or_instant(word: &str, behind: &str) -> Result<Literal, Problem> {
    let fault = |advice| Problem::BadLiteral {
        kind: "Edm.DateTimeOffset",
        text: word.into(),
        advice,
    };
    let (day, rest) = word.split_at_checked(10).unwrap_or((word, ""));
    let date = date(day).ok_or_else(|| fault("There is no such day."))?;
    if rest.is_empty() {
        return Ok(Literal::Date(date));
    }
    let wanted = "Write it as 2024-12-31T23:59:59Z or 2024-12-31T23:59:59%2B01:00.";
    let rest = rest.strip_prefix(['T', 't']).ok_or_else(|| fault(wanted))?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let clock = time(clock).ok_or_else(|| fault(wanted))?;
    if zone.is_empty() {
        let after = behind.get(word.len()..).unwrap_or_default();
        let lost_plus = after
            .strip_prefix(' ')
            .is_some_and(|after| looks_like(after, "00:00"));
        return Err(fault(if lost_plus {
            "A '+' stands for a blank in a URL: write '%2B'."
        } else {
            "Its zone is missing: write Z behind it for UTC."
        }));
    }
    let offset = offset(zone).ok_or_else(|| fault(wanted))?;
    Ok(Literal::Instant(instant(date.to_datetime(clock), offset)))
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::new(year, month, day).ok()
}

/// A time of day. Digits behind the sixth of the fraction are cut off, behind the twelfth refused.
fn time(text: &str) -> Option<Time> {
    if !looks_like(text, "00:00") {
        return None;
    }
    let hour = text.get(..2)?.parse().ok()?;
    let minute = text.get(3..5)?.parse().ok()?;
    let rest = text.get(5..)?;
    if rest.is_empty() {
        return Time::new(hour, minute, 0, 0).ok();
    }
    if !looks_like(rest, ":00") {
        return None;
    }
    let second = rest.get(1..3)?.parse().ok()?;
    let nanosecond = match rest.get(3..)? {
        "" => 0,
        fraction => fraction_nanoseconds(fraction.strip_prefix('.')?)?,
    };
    Time::new(hour, minute, second, nanosecond).ok()
}

/// The whole microseconds of a fraction of a second, in nanoseconds.
fn fraction_nanoseconds(digits: &str) -> Option<i32> {
    let well_formed =
        (1..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !well_formed {
        return None;
    }
    let padded = digits.bytes().chain(std::iter::repeat(b'0')).take(6);
    let microseconds = padded.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    Some(microseconds * 1_000)
}

/// `Z`, `+01:00`, `-01:00`.
fn offset(text: &str) -> Option<Offset> {
    if text.eq_ignore_ascii_case("Z") {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    if rest.len() != 5 || !looks_like(rest, "00:00") {
        return None;
    }
    let hours: i32 = rest.get(..2)?.parse().ok()?;
    let minutes: i32 = rest.get(3..)?.parse().ok()?;
    if hours > 14 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}
