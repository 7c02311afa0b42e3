//! Files as they are met in practice, and files as nobody wants to meet them.

use std::io::{self, Read};

use super::*;
use crate::devices_csv::Writer;

const HEADER: &str = "Device Serial Number,Windows Product ID,Hardware Hash";

/// Gives out so many bytes at a time, as a pipe may.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        let (now, later) = self.0.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

/// Reads the rows, or the sentence about what is wrong, in pieces of several sizes.
fn read(bytes: &[u8]) -> Vec<Result<Row, String>> {
    let by = |size| match Reader::open(Trickle(bytes, size)) {
        Ok(reader) => reader
            .map(|row| row.map_err(|error| error.to_string()))
            .collect(),
        Err(error) => vec![Err(error.to_string())],
    };
    let read: Vec<_> = by(usize::MAX);
    for size in [1, 2, 3, 7] {
        assert_eq!(by(size), read, "in pieces of {size} bytes");
    }
    read
}

fn only_error(bytes: &[u8]) -> String {
    let mut all = read(bytes);
    let error = all.pop().unwrap().unwrap_err();
    assert_eq!(all, [], "before {error}");
    error
}

fn row(number: u64, serial: &str, product_key: &str, hash: &str) -> Row {
    Row {
        number,
        serial_number: serial.to_owned(),
        product_key: product_key.to_owned(),
        hardware_hash: hash.to_owned(),
        ..Row::default()
    }
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(to_bytes).collect()
}

#[test]
fn one_file_in_every_encoding_reads_the_same() {
    let text = format!("{HEADER},Group Tag\r\nS1,,T0E=,Zürich\r\n\"S2\",P2,,\"a, b\"\r\n\r\n");
    let mut first = row(2, "S1", "", "T0E=");
    first.group_tag = Some("Zürich".to_owned());
    let mut second = row(3, "S2", "P2", "");
    second.group_tag = Some("a, b".to_owned());
    let ansi = text.replace('ü', "\u{1}");
    let ansi: Vec<u8> = ansi
        .bytes()
        .map(|byte| if byte == 1 { 0xFC } else { byte })
        .collect();
    for bytes in [
        text.clone().into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        utf16(&text, u16::to_le_bytes),
        utf16(&text, u16::to_be_bytes),
        ansi,
        text.replace("\r\n", "\n").into_bytes(),
        text.replace("\r\n", "\r").into_bytes(),
        text.trim_end().into(),
        format!("#TYPE System.Object\r\n{text}").into_bytes(),
    ] {
        let rows = read(&bytes);
        let mut expected = [first.clone(), second.clone()];
        if bytes.starts_with(b"#") {
            for row in &mut expected {
                row.number += 1;
            }
        }
        assert_eq!(
            rows,
            expected.map(Ok),
            "{:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[test]
fn characters_beyond_the_first_plane_survive_utf_16() {
    let text = format!("{HEADER}\n\u{1F5A5}\u{FFFD}\u{4E2D},,\n");
    let rows = read(&utf16(&text, u16::to_le_bytes));
    assert_eq!(rows, [Ok(row(2, "\u{1F5A5}\u{FFFD}\u{4E2D}", "", ""))]);
}

#[test]
fn headers_are_told_without_regard_to_case_blanks_and_order() {
    let text = "hardwarehash,ORDERID, device  serial number ,Manufacturer Name,Device Model,Assigned User\n\
                T0E=,Blue,S1,Works,Plane 14,u@example.com\n";
    let expected = Row {
        group_tag: Some("Blue".to_owned()),
        assigned_user: Some("u@example.com".to_owned()),
        manufacturer: Some("Works".to_owned()),
        model: Some("Plane 14".to_owned()),
        ..row(2, "S1", "", "T0E=")
    };
    assert_eq!(read(text.as_bytes()), [Ok(expected)]);
}

#[test]
fn rows_are_numbered_by_line_and_blank_ones_passed_over() {
    let text = format!("\n{HEADER}\n\nS1,,\n,,\n   \n\"S\n2\",,\nS3,,\n\n,,\n");
    let rows = [
        row(4, "S1", "", ""),
        row(7, "S\n2", "", ""),
        row(9, "S3", "", ""),
    ];
    assert_eq!(read(text.as_bytes()), rows.map(Ok));
}

#[test]
fn a_header_alone_has_no_rows() {
    assert_eq!(read(HEADER.as_bytes()), []);
    assert_eq!(read(format!("{HEADER},,\r\n").as_bytes()), []);
}

#[test]
fn what_is_no_device_csv_is_refused_with_a_sentence() {
    for (text, expected) in [
        ("", "the file is empty"),
        ("\r\n\n", "the file is empty"),
        ("\u{feff}", "the file is empty"),
        ("#TYPE X\r\n", "the file is empty"),
        (
            "Device Serial Number,Serial\u{1b}",
            "row 1, column 2: \"Serial\\u{1b}\" is no column of a device CSV; known are Device Serial Number, \
             Windows Product ID, Hardware Hash, Group Tag, Assigned User, Manufacturer name, Device model",
        ),
        (
            "Device Serial Number;Hardware Hash",
            "row 1: the columns are separated by semicolons",
        ),
        (
            "Group Tag,Hardware Hash,OrderID",
            "row 1: the column \"Group Tag\" stands twice",
        ),
        ("\nGroup Tag", "row 2: the header has neither"),
        ("Group\0Tag", "row 1, column 1: it holds a NUL"),
    ] {
        let error = only_error(text.as_bytes());
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_bad_row_costs_only_itself() {
    let text = format!("{HEADER},\nS1,,\nS2,,,\nS3,,\0,\nS4,,,x\nS5,,,,\nS6,,,\n");
    let sentences = [
        Err(
            "row 2: the header names 4 columns and the row has 3; look for a missing or surplus comma",
        ),
        Ok(3),
        Err("row 4, column \"Hardware Hash\": it holds a NUL character"),
        Err("row 5, column 4: something stands in a column that the header does not name"),
        Err("row 6: the header names 4 columns and the row has 5"),
        Ok(7),
    ];
    let rows = read(text.as_bytes());
    assert_eq!(rows.len(), sentences.len());
    for (row, expected) in rows.iter().zip(sentences) {
        match (row, expected) {
            (Ok(row), Ok(number)) => assert_eq!(row.number, number),
            (Err(error), Err(start)) => assert!(error.starts_with(start), "{error}"),
            _ => panic!("{row:?} for {expected:?}"),
        }
    }
}

#[test]
fn joined_files_and_cut_files_end_the_reading_where_they_break() {
    let utf8 = format!("{HEADER}\nS\u{e9},,\n").into_bytes();
    let cases: [(Vec<u8>, &str); 4] = [
        (
            [&utf8[..], b"S2,,\nS3,\xE9,\nS4,,\n"].concat(),
            "row 4, column \"Windows Product ID\": here the file stops being UTF-8",
        ),
        (
            [HEADER.as_bytes(), b"\nS\xE9,,\nS2,,\n\x81,,\n"].concat(),
            "row 4: here the file stops being ANSI",
        ),
        (
            [
                &utf16(&format!("{HEADER}\nS1,,\nS2,"), u16::to_le_bytes)[..],
                b"x",
            ]
            .concat(),
            "row 3, column \"Windows Product ID\": the file is UTF-16 but ends in half a character",
        ),
        (
            [
                &utf16(&format!("{HEADER}\nS1,,\nS2,"), u16::to_le_bytes)[..],
                b"\x00\xDCx\0",
            ]
            .concat(),
            "row 3, column \"Windows Product ID\": here the file stops being UTF-16",
        ),
    ];
    for (bytes, expected) in cases {
        let mut rows = read(&bytes);
        let error = rows.pop().unwrap().unwrap_err();
        assert!(error.starts_with(expected), "{error}");
        assert!(
            !rows.is_empty() && rows.iter().all(Result::is_ok),
            "{rows:?}"
        );
    }
}

#[test]
fn utf_16_without_its_mark_is_guessed_at() {
    let bytes = &utf16(&format!("{HEADER}\nS1,,\n"), u16::to_le_bytes)[2..];
    let error = only_error(bytes);
    assert!(error.contains("save it as UTF-8"), "{error}");
}

#[test]
fn an_endless_field_is_refused_at_once() {
    let endless = |start: &str| {
        let start = io::Cursor::new(format!("{HEADER}\nS1,,\n{start}"));
        let reader = Reader::open(start.chain(io::repeat(b'x'))).unwrap();
        let rows: Vec<_> = reader.collect();
        assert_eq!(rows.len(), 2);
        rows.into_iter().last().unwrap().unwrap_err().to_string()
    };
    let expected = "row 3, column \"Windows Product ID\": the field is longer than 64 KiB; look for a quotation \
                    mark that is never closed";
    assert_eq!(endless("S2,"), expected);
    assert_eq!(endless("S2,\""), expected);

    let longest = "x".repeat(MAX_FIELD_BYTES);
    let text = format!("{HEADER}\n{longest},,\n");
    assert_eq!(read(text.as_bytes()), [Ok(row(2, &longest, "", ""))]);
    let error = only_error(format!("{HEADER}\n{longest}x,,\n").as_bytes());
    assert!(error.contains("longer than 64 KiB"), "{error}");
}

#[test]
fn endless_commas_and_endless_lines_take_no_memory() {
    let commas = io::Cursor::new(format!("{HEADER}\n")).chain(io::repeat(b',').take(1 << 22));
    let rows: Vec<_> = Reader::open(commas).unwrap().collect();
    let [Err(error)] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert!(error.to_string().contains("the row has 4194305"), "{error}");
    assert!(matches!(
        Reader::open(io::repeat(b'\n').take(1 << 22)).unwrap_err(),
        CsvError::Empty
    ));
}

#[test]
fn a_failing_stream_says_so_once() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = Reader::open(Failing).unwrap_err();
    assert_eq!(error.to_string(), "row 1: reading failed: the disk is gone");
    let start = io::Cursor::new(format!("{HEADER}\nS1,,\nS2"));
    let rows: Vec<_> = Reader::open(start.chain(Failing)).unwrap().collect();
    let error = rows[1].as_ref().unwrap_err();
    assert!(error.is_final() && rows.len() == 2, "{error}");
    assert!(
        error
            .to_string()
            .contains("row 3, column \"Device Serial Number\"")
    );
}

#[test]
fn what_is_written_reads_back() {
    let rows = [
        Row {
            group_tag: Some("a, \"b\"".to_owned()),
            assigned_user: Some("u@example.com".to_owned()),
            ..row(2, "Zürich", "", "T0E=")
        },
        row(3, "S2", "00123", ""),
    ];
    let mut writer = Writer::start(Vec::new(), &Column::IMPORTED).unwrap();
    for row in &rows {
        writer.write(row).unwrap();
    }
    let written = writer.finish().unwrap();
    assert_eq!(read(&written), rows.map(Ok));
}
