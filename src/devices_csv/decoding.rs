//! From a file's bytes to UTF-8, a piece at a time: what Windows writes, told by its first bytes.
//!
//! Without a byte order mark the first character beyond ASCII tells UTF-8 from the ANSI code page
//! of Western Windows. Fields and rows are the reader's.

use std::io::{ErrorKind, Read};

use encoding_rs::{DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::RowProblem;

/// How many bytes are read at once.
const CHUNK_BYTES: usize = 32 * 1024;
/// The bytes that stand for nothing in windows-1252.
const NOT_ANSI: [u8; 5] = [0x81, 0x8D, 0x8F, 0x90, 0x9D];

/// Decodes what it reads.
pub(super) struct Decoding<R> {
    input: R,
    chunk: Box<[u8]>,
    /// Bytes that were read and not decoded yet, in front.
    raw: Vec<u8>,
    decoded: Vec<u8>,
    encoding: Encoding,
    /// The input has no more bytes.
    at_end: bool,
    /// What was met behind the last piece.
    problem: Option<RowProblem>,
}

enum Encoding {
    /// Nothing was read so far.
    Unknown,
    /// ASCII until now, and no byte order mark: UTF-8 or ANSI.
    Ascii,
    Utf8,
    /// With the number of bytes so far, to tell a cut file from a damaged one.
    Utf16(encoding_rs::Decoder, u64),
    Ansi,
    /// All is decoded.
    Done,
}

impl<R: Read> Decoding<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            raw: Vec::new(),
            decoded: Vec::new(),
            encoding: Encoding::Unknown,
            at_end: false,
            problem: None,
        }
    }

    /// The next piece of the text; empty at its end. What could be decoded before a problem comes
    /// out before the problem does.
    pub(super) fn next_piece(&mut self) -> Result<&[u8], RowProblem> {
        self.decoded.clear();
        while self.decoded.is_empty() && !matches!(self.encoding, Encoding::Done) {
            if let Some(problem) = self.problem.take() {
                self.encoding = Encoding::Done;
                return Err(problem);
            }
            if self.raw.is_empty() && !self.at_end {
                self.read_more()?;
            }
            match self.encoding {
                Encoding::Unknown => self.read_byte_order_mark()?,
                Encoding::Ascii | Encoding::Utf8 => self.decode_utf8()?,
                Encoding::Utf16(..) => self.decode_utf16(),
                Encoding::Ansi => self.decode_ansi(),
                Encoding::Done => {}
            }
            if self.at_end && self.raw.is_empty() && self.problem.is_none() {
                self.encoding = Encoding::Done;
            }
        }
        Ok(&self.decoded)
    }

    fn read_byte_order_mark(&mut self) -> Result<(), RowProblem> {
        while self.raw.len() < 3 && !self.at_end {
            self.read_more()?;
        }
        let utf16 = |encoding: &'static encoding_rs::Encoding| {
            Encoding::Utf16(encoding.new_decoder_without_bom_handling(), 0)
        };
        let (encoding, mark_bytes) = match *self.raw.as_slice() {
            [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
            [0xFF, 0xFE, ..] => (utf16(UTF_16LE), 2),
            [0xFE, 0xFF, ..] => (utf16(UTF_16BE), 2),
            _ => (Encoding::Ascii, 0),
        };
        self.raw.drain(..mark_bytes);
        self.encoding = encoding;
        Ok(())
    }

    /// Reads behind what is left.
    fn read_more(&mut self) -> Result<(), RowProblem> {
        let count = loop {
            match self.input.read(&mut self.chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => break outcome.map_err(RowProblem::Read)?,
            }
        };
        self.raw.extend_from_slice(&self.chunk[..count]);
        self.at_end = count == 0;
        Ok(())
    }

    fn decode_utf8(&mut self) -> Result<(), RowProblem> {
        if self.raw.is_empty() {
            return Ok(());
        }
        let (valid, is_broken) = match str::from_utf8(&self.raw) {
            Ok(text) => (text.len(), false),
            Err(error) => (
                error.valid_up_to(),
                error.error_len().is_some() || self.at_end,
            ),
        };
        if valid > 0 {
            self.take(valid);
            if !self.decoded.is_ascii() {
                self.encoding = Encoding::Utf8;
            }
        } else if !is_broken {
            // The rest of a character is still to come.
            self.read_more()?;
        } else if let Encoding::Utf8 = self.encoding {
            self.problem = Some(RowProblem::MixedEncodings { encoding: "UTF-8" });
        } else {
            self.encoding = Encoding::Ansi;
        }
        Ok(())
    }

    fn decode_ansi(&mut self) {
        let strange = self.raw.iter().position(|byte| NOT_ANSI.contains(byte));
        let until = strange.unwrap_or(self.raw.len());
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(&self.raw[..until]);
        self.decoded.extend_from_slice(text.as_bytes());
        self.raw.drain(..until);
        if strange.is_some() {
            self.problem = Some(RowProblem::MixedEncodings {
                encoding: "ANSI (windows-1252)",
            });
        }
    }

    fn decode_utf16(&mut self) {
        let Encoding::Utf16(decoder, bytes) = &mut self.encoding else {
            return;
        };
        *bytes += u64::try_from(self.raw.len()).unwrap_or(u64::MAX);
        // UTF-16 never grows by more than half as UTF-8; a few bytes are for what the decoder held back.
        self.decoded.resize(self.raw.len() * 3 / 2 + 8, 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(&self.raw, &mut self.decoded, self.at_end);
        self.decoded.truncate(written);
        self.raw.drain(..read);
        if let DecoderResult::Malformed(..) = result {
            let is_cut = self.at_end && *bytes % 2 == 1;
            self.problem = Some(if is_cut {
                RowProblem::OddLength
            } else {
                RowProblem::MixedEncodings { encoding: "UTF-16" }
            });
        }
    }

    fn take(&mut self, count: usize) {
        self.decoded.extend_from_slice(&self.raw[..count]);
        self.raw.drain(..count);
    }
}
