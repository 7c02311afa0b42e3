//! Where hashes come from: a file, a pipe or the standard input, and what is in it.

use std::{
    fmt,
    fs::File,
    io::{self, Cursor, Read},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use encoding_rs::UTF_8;

use crate::devices_csv::{Column, Reader};

/// By so many bytes it shows what a file holds.
const HEAD_BYTES: usize = 8 * 1024;
/// Far more than any hash has, in any form.
const MOST_HASH_BYTES: usize = 1024 * 1024;

/// A file, or `-` for the standard input. Displays as a person would name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

impl From<std::ffi::OsString> for Input {
    fn from(typed: std::ffi::OsString) -> Self {
        if typed == "-" {
            Self::Stdin
        } else {
            Self::File(typed.into())
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => formatter.write_str("the standard input"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// What a file holds.
pub(super) enum Content {
    /// One hash.
    Hash(Hash),
    /// Devices, row by row.
    Devices(Box<Reader<Box<dyn Read>>>),
}

/// One hash, as it was found.
pub(super) enum Hash {
    Bytes(Vec<u8>),
    /// What should be base64, without blanks.
    Text(String),
}

impl Input {
    /// Opens it and finds out what it holds. A CSV is read no further than its header.
    pub(super) fn read(&self, redact: bool) -> anyhow::Result<Content> {
        let mut stream = self.open()?;
        let unreadable = || format!("{self} can't be read");
        let head = read_head(&mut stream).with_context(unreadable)?;
        if head.is_empty() {
            bail!("{self} is empty; a hash or a device CSV is expected");
        }
        let kind = Kind::of(&head);
        let stream: Box<dyn Read> = Box::new(Cursor::new(head).chain(stream));
        if kind == Kind::Csv {
            let reader = Reader::open(stream)
                .map_err(|error| if redact { error.redacted() } else { error })
                .with_context(|| format!("{self} is no device CSV"))?;
            return Ok(Content::Devices(Box::new(reader)));
        }
        let bytes = self.read_hash(stream)?;
        Ok(Content::Hash(if kind == Kind::Text {
            let (text, ..) = UTF_8.decode(&bytes);
            let unquoted = text.trim().trim_matches('"');
            Hash::Text(unquoted.split_whitespace().collect())
        } else {
            Hash::Bytes(bytes)
        }))
    }

    fn open(&self) -> anyhow::Result<Box<dyn Read>> {
        let Self::File(path) = self else {
            return Ok(Box::new(io::stdin().lock()));
        };
        let file = File::open(path).with_context(|| format!("{self} can't be opened"))?;
        // Linux opens directories, too, and complains only at the first read.
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            bail!("{self} is a directory; name a file in it");
        }
        Ok(Box::new(file))
    }

    fn read_hash(&self, stream: impl Read) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(MOST_HASH_BYTES).unwrap_or(u64::MAX);
        stream
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{self} can't be read"))?;
        if bytes.len() > MOST_HASH_BYTES {
            bail!("{self} holds more than 1 MiB and is no device CSV; a hash has about 4 KB");
        }
        Ok(bytes)
    }
}

/// Reads a first line that is not blank, or as much as should hold one.
fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = [0; HEAD_BYTES];
    while head.len() < HEAD_BYTES {
        let count = match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            outcome => outcome?,
        };
        head.extend_from_slice(&buffer[..count]);
        let has_line = head.trim_ascii().contains(&b'\n')
            || head.ends_with(b"\n") && !head.trim_ascii().is_empty();
        if count == 0 || has_line {
            break;
        }
    }
    Ok(head)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bytes,
    Text,
    Csv,
}

impl Kind {
    fn of(head: &[u8]) -> Self {
        let has_mark = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
        // UTF-16 without a mark: every other byte is NUL. The CSV reader says how to mend it.
        let is_unmarked_utf16 = matches!(head, [0, 0x20..0x7F, 0, ..] | [0x20..0x7F, 0, _, 0, ..]);
        let is_control = |byte: &u8| *byte < b' ' && !b"\t\r\n".contains(byte);
        if !has_mark && !is_unmarked_utf16 && head.iter().any(is_control) {
            return Self::Bytes;
        }
        let (text, ..) = UTF_8.decode(head);
        let line = text.trim_start().lines().next().unwrap_or_default().trim();
        let name = line.trim_matches('"');
        let is_csv = line.contains([',', ';', '#', ' ', '\t', '\0']);
        if is_csv || Column::from_name(name).is_some() {
            Self::Csv
        } else {
            Self::Text
        }
    }
}

#[cfg(test)]
mod tests {
    use hardware_hash::Builder;

    use super::*;

    #[test]
    fn files_are_told_by_their_first_line() {
        let blob = Builder::new(1).build();
        for (head, expected) in [
            (&blob[..], Kind::Bytes),
            (&blob[..12], Kind::Bytes),
            (b"\x7fELF\x02", Kind::Bytes),
            (b"T0EAAA==", Kind::Text),
            (b"\r\n \"T0EAAA==\"\r\n", Kind::Text),
            (b"\xEF\xBB\xBFT0EA\n", Kind::Text),
            (b"\xFF\xFET\x000\x00E\x00", Kind::Text),
            (b"garbage!", Kind::Text),
            (b"Device Serial Number,Hardware Hash\r\n", Kind::Csv),
            (b"HardwareHash\nT0EA", Kind::Csv),
            (b"\"hardware hash\"\nT0EA", Kind::Csv),
            (b"Dear all, here it is", Kind::Csv),
            (b"#TYPE X\r\n", Kind::Csv),
            (b"\xFF\xFED\x00,\x00", Kind::Csv),
            (b"D\x00e\x00v\x00,\x00", Kind::Csv),
        ] {
            assert_eq!(Kind::of(head), expected, "{}", head.escape_ascii());
        }
    }
}
