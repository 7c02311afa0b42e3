//! Writes device CSVs as Windows reads them: UTF-8, CRLF, quotes only where needed.

use std::io::{self, Write};

use super::{Column, Row};

/// Writes rows under a header. It doesn't buffer: give it a `BufWriter`.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    columns: Vec<Column>,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub fn start(mut output: W, columns: &[Column]) -> io::Result<Self> {
        write_record(&mut output, columns.iter().map(|column| column.name()))?;
        Ok(Self {
            output,
            columns: columns.to_vec(),
        })
    }

    /// Writes what the row has of the header's columns.
    pub fn write(&mut self, row: &Row) -> io::Result<()> {
        let fields = self.columns.iter().map(|column| row.get(*column));
        write_record(&mut self.output, fields)
    }

    /// Flushes, and gives the output back.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

/// Writes the fields of one record of any CSV, and ends its line.
pub fn write_record<'a>(
    output: &mut impl Write,
    fields: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            output.write_all(b",")?;
        }
        if needs_quotes(field) {
            write!(output, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            output.write_all(field.as_bytes())?;
        }
    }
    output.write_all(b"\r\n")
}

/// Blanks at the ends are kept by some readers and cut by others, unless they stand in quotes.
fn needs_quotes(field: &str) -> bool {
    field.contains(['"', ',', '\r', '\n']) || field.trim() != field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stand_only_where_needed() {
        let mut written = Vec::new();
        let fields = ["plain", "a,b", "say \"x\"", "two\nlines", "", " blank"];
        write_record(&mut written, fields).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",,\" blank\"\r\n"
        );
    }
}
