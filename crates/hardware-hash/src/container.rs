//! The container: header, elements back to back, `CS` trailer with its digest, zero padding.
//!
//! Only structure is judged here (rung 1). What the digest says is judged in `inspect`, what elements mean in `report`.

use sha2::{Digest, Sha256};

use crate::layout::Reader;
use crate::report::OpaqueElement;

/// The first two bytes of every blob.
const MAGIC: [u8; 2] = *b"OA";
/// The first two bytes of the trailer.
const TRAILER_TAG: [u8; 2] = *b"CS";
/// Magic and trailer offset.
const HEADER_BYTES: usize = 4;
/// Tag, own length and digest.
const TRAILER_BYTES: usize = 36;
/// The same number as it stands in the blob.
const TRAILER_LENGTH_FIELD: u16 = 36;
/// Type and length before every element's value.
const ELEMENT_HEAD_BYTES: usize = 4;

/// Why bytes are not an OA3 blob at all. Offsets count from the blob's first byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StructureError {
    /// There is no room for a header and a trailer.
    #[error("it has {size} bytes, and the smallest possible one has 40")]
    TooShort {
        /// The blob's length in bytes.
        size: usize,
    },
    /// The first two bytes are not `OA`.
    #[error("it starts with the bytes {:02X} {:02X} at offset 0 instead of 4F 41 (\"OA\")", .found[0], .found[1])]
    BadMagic {
        /// The two bytes that stand there.
        found: [u8; 2],
    },
    /// The header places the trailer inside the header, or beyond the blob's end.
    #[error(
        "the header at offset 2 places the 36-byte trailer at offset {trailer_offset} of {size} bytes"
    )]
    TrailerOutOfRange {
        /// Where the header says that the trailer starts.
        trailer_offset: usize,
        /// The blob's length in bytes.
        size: usize,
    },
    /// The last element ends so close to the trailer that no further one fits.
    #[error("{left} stray bytes at offset {offset} before the trailer are too few for an element")]
    StrayBytes {
        /// Where the stray bytes start.
        offset: usize,
        /// How many there are, 1 to 3.
        left: usize,
    },
    /// An element is said to be shorter than its own type and length fields.
    #[error(
        "the element at offset {offset} (type {element_type}) says it is {length} bytes long, and 4 is the least"
    )]
    ElementTooShort {
        /// Where the element starts.
        offset: usize,
        /// The element's type.
        element_type: u16,
        /// The length it declares.
        length: u16,
    },
    /// An element reaches into the trailer or beyond.
    #[error(
        "the element at offset {offset} (type {element_type}) says it is {length} bytes long, \
         which reaches past the trailer at offset {trailer_offset}"
    )]
    ElementTooLong {
        /// Where the element starts.
        offset: usize,
        /// The element's type.
        element_type: u16,
        /// The length it declares.
        length: u16,
        /// Where the trailer starts.
        trailer_offset: usize,
    },
    /// No `CS` stands where the header places the trailer.
    #[error(
        "the bytes {:02X} {:02X} stand at offset {offset} instead of the trailer's 43 53 (\"CS\")",
        .found[0], .found[1]
    )]
    BadTrailerTag {
        /// Where the trailer starts.
        offset: usize,
        /// The two bytes that stand there.
        found: [u8; 2],
    },
    /// The trailer declares another length than 36.
    #[error("the trailer says at offset {offset} that it is {found} bytes long instead of 36")]
    BadTrailerLength {
        /// Where the trailer's length field stands.
        offset: usize,
        /// The length it declares.
        found: u16,
    },
}

/// One element where it lies in the blob.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawElement<'a> {
    pub(crate) offset: usize,
    pub(crate) element_type: u16,
    pub(crate) value: &'a [u8],
}

/// A blob whose structure holds.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    /// Everything that the digest covers: header and elements.
    pub(crate) covered: &'a [u8],
    pub(crate) elements: Vec<RawElement<'a>>,
    pub(crate) digest: [u8; 32],
    pub(crate) padding: &'a [u8],
}

impl Container<'_> {
    /// Where the digest stands.
    pub(crate) fn digest_offset(&self) -> usize {
        self.covered.len() + 4
    }

    /// Where the padding starts.
    pub(crate) fn padding_offset(&self) -> usize {
        self.covered.len() + TRAILER_BYTES
    }
}

/// Counts the bytes up to the last one that is not zero, for any bytes.
///
/// A digest may itself end in zero bytes, so who strips padding keeps the whole length to restore it.
pub fn content_len(blob: &[u8]) -> usize {
    blob.iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1)
}

/// Takes a blob apart, in one pass over its elements.
pub(crate) fn open(blob: &[u8]) -> Result<Container<'_>, StructureError> {
    let size = blob.len();
    let too_short = StructureError::TooShort { size };
    if size < HEADER_BYTES + TRAILER_BYTES {
        return Err(too_short);
    }
    let mut header = Reader::new(blob);
    let (Some(found), Some(declared)) = (header.array(), header.u16()) else {
        return Err(too_short);
    };
    if found != MAGIC {
        return Err(StructureError::BadMagic { found });
    }
    let trailer_offset = usize::from(declared);
    let out_of_range = StructureError::TrailerOutOfRange {
        trailer_offset,
        size,
    };
    let Some((covered, rest)) = blob.split_at_checked(trailer_offset) else {
        return Err(out_of_range);
    };
    let Some((_, body)) = covered.split_at_checked(HEADER_BYTES) else {
        return Err(out_of_range);
    };
    let Some((trailer, padding)) = rest.split_first_chunk() else {
        return Err(out_of_range);
    };
    Ok(Container {
        covered,
        elements: walk(body)?,
        digest: read_trailer(*trailer, trailer_offset)?,
        padding,
    })
}

/// Splits what lies between header and trailer into elements.
fn walk(body: &[u8]) -> Result<Vec<RawElement<'_>>, StructureError> {
    let trailer_offset = HEADER_BYTES + body.len();
    let mut elements = Vec::new();
    let mut reader = Reader::new(body);
    while reader.left() > 0 {
        let left = reader.left();
        let offset = trailer_offset - left;
        let (Some(element_type), Some(length)) = (reader.u16(), reader.u16()) else {
            return Err(StructureError::StrayBytes { offset, left });
        };
        let Some(value_bytes) = usize::from(length).checked_sub(ELEMENT_HEAD_BYTES) else {
            return Err(StructureError::ElementTooShort {
                offset,
                element_type,
                length,
            });
        };
        let Some(value) = reader.take(value_bytes) else {
            return Err(StructureError::ElementTooLong {
                offset,
                element_type,
                length,
                trailer_offset,
            });
        };
        elements.push(RawElement {
            offset,
            element_type,
            value,
        });
    }
    Ok(elements)
}

/// Checks the trailer's tag and length and yields its digest.
fn read_trailer(trailer: [u8; TRAILER_BYTES], offset: usize) -> Result<[u8; 32], StructureError> {
    let [tag_first, tag_second, length_low, length_high, digest @ ..] = trailer;
    let found = [tag_first, tag_second];
    if found != TRAILER_TAG {
        return Err(StructureError::BadTrailerTag { offset, found });
    }
    let found = u16::from_le_bytes([length_low, length_high]);
    if found != TRAILER_LENGTH_FIELD {
        return Err(StructureError::BadTrailerLength {
            offset: offset + 2,
            found,
        });
    }
    Ok(digest)
}

/// Writes a blob around elements; those that no longer fit into its 16-bit offsets are left out.
pub(crate) fn seal(elements: &[OpaqueElement], total_size: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for element in fitting(elements) {
        let length = u16::try_from(ELEMENT_HEAD_BYTES + element.value.len()).unwrap_or(u16::MAX);
        body.extend(element.element_type.to_le_bytes());
        body.extend(length.to_le_bytes());
        body.extend(&element.value);
    }
    let trailer_offset = u16::try_from(HEADER_BYTES + body.len()).unwrap_or(u16::MAX);
    let mut blob = Vec::from(MAGIC);
    blob.extend(trailer_offset.to_le_bytes());
    blob.extend(body);
    let digest = Sha256::digest(&blob);
    blob.extend(TRAILER_TAG);
    blob.extend(TRAILER_LENGTH_FIELD.to_le_bytes());
    blob.extend(digest);
    blob.resize(total_size.max(blob.len()), 0);
    blob
}

/// Yields the elements that fit, in order, skipping each one that would pass the 16-bit limit.
pub(crate) fn fitting(elements: &[OpaqueElement]) -> impl Iterator<Item = &OpaqueElement> {
    let mut used = HEADER_BYTES;
    elements.iter().filter(move |element| {
        let end = used + ELEMENT_HEAD_BYTES + element.value.len();
        let fits = u16::try_from(end).is_ok();
        if fits {
            used = end;
        }
        fits
    })
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn element(element_type: u16, value: &[u8]) -> OpaqueElement {
        OpaqueElement {
            element_type,
            value: value.to_vec(),
        }
    }

    /// Two elements: type 99 at offset 4 with 3 bytes of value, type 100 at offset 11 with none; the trailer at 15.
    fn small() -> Vec<u8> {
        seal(&[element(99, b"abc"), element(100, b"")], 64)
    }

    #[test]
    fn a_sealed_blob_opens_into_its_elements() {
        let blob = small();
        let container = open(&blob).unwrap();
        let seen: Vec<_> = container
            .elements
            .iter()
            .map(|e| (e.offset, e.element_type, e.value))
            .collect();
        assert_eq!(seen, [(4, 99, &b"abc"[..]), (11, 100, &b""[..])]);
        assert_eq!((container.covered.len(), blob.len()), (15, 64));
        assert_eq!(
            (container.digest_offset(), container.padding_offset()),
            (19, 51)
        );
        assert_eq!(
            container.digest,
            <[u8; 32]>::from(Sha256::digest(&blob[..15]))
        );
    }

    #[test]
    fn a_changed_byte_is_named_with_its_offset() {
        let cases = [
            (0, b'X', "starts with the bytes 58 41 at offset 0 "),
            (2, 200, "the 36-byte trailer at offset 200 of 64 bytes"),
            (2, 29, "the 36-byte trailer at offset 29 of 64 bytes"),
            (2, 3, "the 36-byte trailer at offset 3 of 64 bytes"),
            (
                2,
                9,
                "7 bytes long, which reaches past the trailer at offset 9",
            ),
            (2, 13, "2 stray bytes at offset 11 before the trailer"),
            (
                6,
                200,
                "the element at offset 4 (type 99) says it is 200 bytes",
            ),
            (6, 0, "the element at offset 4 (type 99) says it is 0 bytes"),
            (6, 1, "says it is 1 bytes long, and 4 is the least"),
            (6, 2, "says it is 2 bytes long, and 4 is the least"),
            (6, 3, "says it is 3 bytes long, and 4 is the least"),
            (15, b'X', "the bytes 58 53 stand at offset 15 "),
            (17, 35, "says at offset 17 that it is 35 bytes long"),
        ];
        for (offset, byte, expected) in cases {
            let mut blob = small();
            blob[offset] = byte;
            let message = open(&blob).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_cut_blob_is_refused() {
        let blob = small();
        for size in 0..40 {
            let error = open(&blob[..size]).unwrap_err();
            assert_eq!(error, StructureError::TooShort { size });
        }
        for size in 40..51 {
            let expected = StructureError::TrailerOutOfRange {
                trailer_offset: 15,
                size,
            };
            assert_eq!(open(&blob[..size]).unwrap_err(), expected);
        }
        assert!(open(&blob[..51]).is_ok());
    }

    #[test]
    fn the_smallest_blob_has_no_elements() {
        let blob = seal(&[], 0);
        assert_eq!(blob.len(), 40);
        assert!(open(&blob).unwrap().elements.is_empty());
    }

    #[test]
    fn sealing_leaves_out_what_does_not_fit() {
        let elements = [
            element(1, &vec![1; 60_000]),
            element(2, &vec![2; 60_000]),
            element(3, &vec![3; 65_600]),
            element(4, b"last"),
        ];
        let blob = seal(&elements, 0);
        let types: Vec<_> = open(&blob)
            .unwrap()
            .elements
            .iter()
            .map(|e| e.element_type)
            .collect();
        assert_eq!(types, [1, 4]);
    }

    #[test]
    fn content_ends_with_the_last_byte_that_is_not_zero() {
        let cases: [(&[u8], usize); 5] = [
            (b"", 0),
            (&[0, 0], 0),
            (&[0, 1], 2),
            (&[1, 0, 0], 1),
            (&[1, 0, 2, 0], 3),
        ];
        for (bytes, expected) in cases {
            assert_eq!(content_len(bytes), expected, "{bytes:?}");
        }
    }
}
