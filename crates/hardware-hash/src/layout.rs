//! Reading and writing little-endian values with bounds checked, and the blob's two kinds of text.
//!
//! What the values mean is in `inventory`.

/// The longest text kept as text, in bytes of UTF-8. A longer one counts as an unexpected layout.
///
/// Firmware strings end far below it; without a limit a forged blob could make a serial number of 64 KiB.
pub const MAX_TEXT_BYTES: usize = 1024;

/// What an element's value can be read from and written as.
pub(crate) trait Layout: Sized {
    /// Reads the value; `None` when the bytes are laid out otherwise.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// Appends the value as `read` expects it.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads a value that takes up all of the bytes.
    fn from_value(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        let read = Self::read(&mut reader)?;
        (reader.left() == 0).then_some(read)
    }

    /// Writes the value alone.
    fn to_value(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

/// Takes values off the front of bytes; every method yields `None` once too few are left.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn i8(&mut self) -> Option<i8> {
        self.array().map(i8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn remaining(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }
}

/// Reads UTF-8 with any number of NULs after it. Text behind a NUL is no text: a second value could hide there.
pub(crate) fn read_text(value: &[u8]) -> Option<String> {
    let text = str::from_utf8(value).ok()?.trim_end_matches('\0');
    (text.len() <= MAX_TEXT_BYTES && !text.contains('\0')).then(|| text.to_owned())
}

/// Writes UTF-8 with its NUL.
pub(crate) fn write_text(text: &str) -> Vec<u8> {
    let mut value = Vec::from(text);
    value.push(0);
    value
}

/// Reads the UTF-8 up to the first NUL of a field that has a fixed width and may hold leftovers.
pub(crate) fn read_fixed_text(value: &[u8]) -> Option<String> {
    read_text(value.split(|byte| *byte == 0).next()?)
}

/// Writes as much text as the width holds and fills up with NULs.
pub(crate) fn write_fixed_text(text: &str, width: usize) -> Vec<u8> {
    let mut value = Vec::from(cut(text, width));
    value.resize(width, 0);
    value
}

/// Reads UTF-16LE with any number of NULs after it.
pub(crate) fn read_utf16(value: &[u8]) -> Option<String> {
    let (units, odd) = value.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    read_text(text.as_bytes())
}

/// Writes UTF-16LE with its NUL.
pub(crate) fn write_utf16(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// Shortens text to at most so many bytes, between two characters.
pub(crate) fn cut(text: &str, max_bytes: usize) -> &str {
    text.split_at_checked(text.floor_char_boundary(max_bytes))
        .map_or(text, |(head, _)| head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_its_nul_and_holds_none() {
        let cases: [(&[u8], Option<&str>); 8] = [
            (b"", Some("")),
            (b"\0", Some("")),
            (b"abc\0", Some("abc")),
            (b"abc", Some("abc")),
            (b" abc \0\0\0", Some(" abc ")),
            ("\u{e9}\0".as_bytes(), Some("\u{e9}")),
            (b"abc\0def\0", None),
            (b"\xE9\0", None),
        ];
        for (value, expected) in cases {
            assert_eq!(read_text(value).as_deref(), expected, "{value:?}");
        }
    }

    #[test]
    fn text_is_capped() {
        let longest = vec![b'x'; MAX_TEXT_BYTES];
        assert!(read_text(&longest).is_some());
        let too_long = vec![b'x'; MAX_TEXT_BYTES + 1];
        assert_eq!(read_text(&too_long), None);
        let wide: Vec<u8> = too_long.iter().flat_map(|byte| [*byte, 0]).collect();
        assert_eq!(read_utf16(&wide), None);
    }

    #[test]
    fn utf16_needs_whole_units_and_paired_surrogates() {
        let cases: [(&[u8], Option<&str>); 5] = [
            (b"", Some("")),
            (b"P\0C\0I\0\0\0", Some("PCI")),
            (b"P\0C\0I\0", Some("PCI")),
            (b"P\0C", None),
            (b"\x00\xD8\0\0", None),
        ];
        for (value, expected) in cases {
            assert_eq!(read_utf16(value).as_deref(), expected, "{value:?}");
        }
        assert_eq!(
            read_utf16(&write_utf16("G\u{1F5A5}")).as_deref(),
            Some("G\u{1F5A5}")
        );
    }

    #[test]
    fn fixed_text_is_cut_between_characters() {
        assert_eq!(write_fixed_text("ab", 4), b"ab\0\0");
        assert_eq!(write_fixed_text("abc\u{e9}", 4), b"abc\0");
        assert_eq!(read_fixed_text(b"ab\0junk").as_deref(), Some("ab"));
    }
}
