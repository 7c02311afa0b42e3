//! Rows from a stream, one at a time. How bytes become text is in `decoding`.

use std::{borrow::Cow, fmt, io::Read};

use csv_core::ReadFieldResult;

use super::{Column, CsvError, Row, RowError, RowProblem, decoding::Decoding, error::quoted};

/// The longest field, in bytes of UTF-8: four times the longest hash that Graph takes.
pub const MAX_FIELD_BYTES: usize = 64 * 1024;
/// More columns than any header has that could be mended by reading its names.
const MAX_COLUMNS: usize = 64;
/// What PowerShell 5.1 writes above the header unless told not to.
const TYPE_LINE: &str = "#TYPE ";

/// Reads a device CSV row by row, in constant memory. Blank rows are passed over.
pub struct Reader<R> {
    fields: Fields<R>,
    /// What each of the header's columns is; `None` for one without a name.
    columns: Vec<Option<Column>>,
    is_over: bool,
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reader")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header. A file without further rows is in order.
    pub fn open(input: R) -> Result<Self, CsvError> {
        let mut fields = Fields::new(input);
        let found = fields.next_record(MAX_COLUMNS)?;
        let mut found = found.ok_or(CsvError::Empty)?;
        if fields.record[0].starts_with(TYPE_LINE) {
            found = fields.next_record(MAX_COLUMNS)?.ok_or(CsvError::Empty)?;
        }
        let row = found.row;
        if let Some(index) = found.nul_in {
            let column = Some(place(&[], index));
            let problem = RowProblem::Nul;
            return Err(RowError {
                row,
                column,
                problem,
            }
            .into());
        }
        let columns = columns(&fields.record, row)?;
        Ok(Self {
            fields,
            columns,
            is_over: false,
        })
    }

    /// The columns that the file has, in its order.
    pub fn columns(&self) -> impl Iterator<Item = Column> + '_ {
        self.columns.iter().copied().flatten()
    }

    fn next_row(&mut self) -> Result<Option<Row>, RowError> {
        let expected = self.columns.len();
        let Some(found) = self
            .fields
            .next_record(expected)
            .map_err(|error| error.named(&self.columns))?
        else {
            return Ok(None);
        };
        let fault = |column: Option<usize>, problem| {
            let column = column.map(|index| place(&self.columns, index));
            let row = found.row;
            Err(RowError {
                row,
                column,
                problem,
            })
        };
        if let Some(index) = found.nul_in {
            return fault(Some(index), RowProblem::Nul);
        }
        if found.count != expected {
            let found = found.count;
            return fault(None, RowProblem::ColumnCount { expected, found });
        }
        let mut row = Row {
            number: found.row,
            ..Row::default()
        };
        for (index, (column, text)) in self.columns.iter().zip(&self.fields.record).enumerate() {
            match column {
                Some(column) => row.set(*column, text),
                None if text.is_empty() => {}
                None => return fault(Some(index), RowProblem::UnnamedColumn),
            }
        }
        Ok(Some(row))
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Row, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let row = self.next_row().transpose();
        self.is_over = match &row {
            None => true,
            Some(Err(error)) => error.is_final(),
            Some(Ok(_)) => false,
        };
        row
    }
}

/// Reads what the header's names mean.
fn columns(names: &[String], row: u64) -> Result<Vec<Option<Column>>, CsvError> {
    let mut columns = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            columns.push(None);
            continue;
        }
        let Some(column) = Column::from_name(name) else {
            return Err(unknown(names, index, row));
        };
        if columns.contains(&Some(column)) {
            return Err(CsvError::RepeatedColumn { row, column });
        }
        columns.push(Some(column));
    }
    let names_device = [Column::SerialNumber, Column::HardwareHash]
        .iter()
        .any(|column| columns.contains(&Some(*column)));
    if names_device {
        Ok(columns)
    } else {
        Err(CsvError::NamesNoDevice { row })
    }
}

fn unknown(names: &[String], index: usize, row: u64) -> CsvError {
    let name = names[index].clone();
    let separators = [(';', "semicolons"), ('\t', "tabs")];
    let separator = separators.iter().find(|(sign, _)| name.contains(*sign));
    match separator {
        Some((_, separator)) if names.len() == 1 => CsvError::OtherSeparator { row, separator },
        _ => CsvError::UnknownColumn {
            row,
            column: index + 1,
            name,
        },
    }
}

/// Names a column for a message.
fn place(columns: &[Option<Column>], index: usize) -> String {
    match columns.get(index) {
        Some(Some(column)) => quoted(column.name()),
        _ => (index + 1).to_string(),
    }
}

/// Fields from text, with their record's line.
struct Fields<R> {
    input: Decoding<R>,
    piece: Vec<u8>,
    /// How much of the piece was taken.
    taken: usize,
    parser: csv_core::Reader,
    /// One field, and one byte more, by which a field that is too long shows.
    field: Box<[u8]>,
    /// The fields of the record, trimmed.
    record: Vec<String>,
    line: u64,
    after_return: bool,
}

/// What a record holds besides its fields.
struct Found {
    row: u64,
    count: usize,
    nul_in: Option<usize>,
}

/// Where in its record a problem was met; the column's name is the reader's.
struct FieldError {
    row: u64,
    index: Option<usize>,
    problem: RowProblem,
}

impl FieldError {
    fn named(self, columns: &[Option<Column>]) -> RowError {
        RowError {
            row: self.row,
            column: self.index.map(|index| place(columns, index)),
            problem: self.problem,
        }
    }
}

impl From<FieldError> for CsvError {
    fn from(error: FieldError) -> Self {
        Self::Header(error.named(&[]))
    }
}

impl<R: Read> Fields<R> {
    fn new(input: R) -> Self {
        Self {
            input: Decoding::new(input),
            piece: Vec::new(),
            taken: 0,
            parser: csv_core::Reader::new(),
            field: vec![0; MAX_FIELD_BYTES + 1].into_boxed_slice(),
            record: Vec::new(),
            line: 1,
            after_return: false,
        }
    }

    /// Reads the next record that is not blank into `record`, of which it keeps `most` fields.
    fn next_record(&mut self, most: usize) -> Result<Option<Found>, FieldError> {
        loop {
            let Some(found) = self.any_record(most)? else {
                return Ok(None);
            };
            let is_blank = self.record.iter().all(String::is_empty) && found.count <= most;
            if !is_blank {
                return Ok(Some(found));
            }
        }
    }

    fn any_record(&mut self, most: usize) -> Result<Option<Found>, FieldError> {
        self.skip_line_ends()?;
        self.record.clear();
        let mut found = Found {
            row: self.line,
            count: 0,
            nul_in: None,
        };
        loop {
            let Some((field_bytes, ends_record)) = self.next_field(&found)? else {
                return Ok(None);
            };
            let bytes = &self.field[..field_bytes];
            if bytes.contains(&0) {
                found.nul_in.get_or_insert(found.count);
            }
            if found.count < most {
                // Checking alone is much faster than checking and mending.
                let text = match std::str::from_utf8(bytes) {
                    Ok(text) => Cow::Borrowed(text),
                    Err(_) => String::from_utf8_lossy(bytes),
                };
                self.record.push(text.trim().to_owned());
            }
            found.count += 1;
            if ends_record {
                return Ok(Some(found));
            }
        }
    }

    /// Reads a field into `field`: its length and whether it is the record's last.
    fn next_field(&mut self, found: &Found) -> Result<Option<(usize, bool)>, FieldError> {
        let fault = |problem| FieldError {
            row: found.row,
            index: Some(found.count),
            problem,
        };
        let mut written = 0;
        let mut begun_by = None;
        loop {
            if self.taken == self.piece.len() {
                self.next_piece().map_err(fault)?;
            }
            // The parser sees a field's first byte, which tells how the field goes on.
            let is_first = begun_by.is_none();
            let length = if is_first { 1 } else { usize::MAX };
            let rest = &self.piece[self.taken..];
            let rest = &rest[..rest.len().min(length)];
            begun_by = begun_by.or(rest.first().copied());
            let (result, read, wrote) = self.parser.read_field(rest, &mut self.field[written..]);
            self.take(read);
            written += wrote;
            match result {
                ReadFieldResult::InputEmpty if written <= MAX_FIELD_BYTES => {
                    if is_first {
                        written += self.take_plain(begun_by, written);
                    }
                }
                ReadFieldResult::Field { record_end } if written <= MAX_FIELD_BYTES => {
                    return Ok(Some((written, record_end)));
                }
                ReadFieldResult::End => return Ok(None),
                _ => return Err(fault(RowProblem::FieldTooLong)),
            }
        }
    }

    /// Copies the part of a field in which nothing can mean anything, which the parser would do
    /// byte by byte: of hashes, that is nearly all. Gives its length.
    fn take_plain(&mut self, begun_by: Option<u8>, written: usize) -> usize {
        let rest = &self.piece[self.taken..];
        let rest = &rest[..rest.len().min(self.field.len() - written)];
        let quote = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        let length = match begun_by {
            Some(b'"') => quote,
            _ => memchr::memchr3(b',', b'\r', b'\n', &rest[..quote]).unwrap_or(quote),
        };
        self.field[written..written + length].copy_from_slice(&rest[..length]);
        self.take(length);
        length
    }

    /// Passes over empty lines, so that a record's line is that of its first character.
    fn skip_line_ends(&mut self) -> Result<(), FieldError> {
        loop {
            let rest = &self.piece[self.taken..];
            let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
            let count = ends.count();
            let is_over = count < rest.len();
            self.take(count);
            if is_over {
                return Ok(());
            }
            self.next_piece().map_err(|problem| FieldError {
                row: self.line,
                index: None,
                problem,
            })?;
            if self.piece.is_empty() {
                return Ok(());
            }
        }
    }

    fn next_piece(&mut self) -> Result<(), RowProblem> {
        let piece = self.input.next_piece()?;
        self.piece.clear();
        self.piece.extend_from_slice(piece);
        self.taken = 0;
        Ok(())
    }

    /// Moves on by so many bytes, and counts the lines that end in them.
    fn take(&mut self, count: usize) {
        let taken = &self.piece[self.taken..self.taken + count];
        if memchr::memchr2(b'\r', b'\n', taken).is_none() {
            self.after_return &= count == 0;
            self.taken += count;
            return;
        }
        for byte in taken {
            let ends_line = *byte == b'\r' || *byte == b'\n' && !self.after_return;
            self.line += u64::from(ends_line);
            self.after_return = *byte == b'\r';
        }
        self.taken += count;
    }
}

#[cfg(test)]
mod tests;
