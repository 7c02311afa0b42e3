//! Makes request bodies: distinct devices, cheaply, so that the generator leaves the cores to the
//! server that is measured.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hangar::graph::base64_engine::encode_into;
use hardware_hash::{Builder, element_type};
use sha2::{Digest as _, Sha256};

/// The usual length of a hardware hash, padding included.
const BLOB_BYTES: usize = 3000;

/// How the serial number of every device begins.
pub(crate) const MAKER: &str = "HT-";

/// How many bits of a device's number tell it from others of its lot. Above them is the lot.
const INDEX_BITS: u32 = 35;

/// How many characters say lot and index, of five bits each.
const DIGIT_COUNT: u32 = 9;

/// What the hashes are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// As real ones: about 1.1 KB, padded with zeros to 3,000 bytes.
    Padded,
    /// 3,000 bytes that nothing makes shorter. They are no hashes, and are never settled here.
    Incompressible,
}

/// A source of bodies, each of another device.
pub(crate) struct Bodies {
    content: Content,
    blob: Vec<u8>,
    /// How many of the blob's first bytes may differ from device to device.
    varying: usize,
    /// The bytes after them in Base64, the same for all devices.
    padding: String,
    end: usize,
    uuid: usize,
    serial: usize,
    ek: usize,
    ek_digest: usize,
    next: u64,
}

impl Bodies {
    /// Bodies of devices from this number on.
    pub(crate) fn new(content: Content, first: u64) -> anyhow::Result<Self> {
        let blob = Builder::new(first)
            .serial_number(&serial_number(first))
            .total_size(BLOB_BYTES)
            .build();
        let place = |wanted| {
            find(&blob, wanted).ok_or_else(|| anyhow::anyhow!("the blob lacks element {wanted}"))
        };
        let end = usize::from(u16::from_le_bytes([blob[2], blob[3]]));
        let varying = match content {
            // Through the digest; in threes, as each is four characters and needs no `=`.
            Content::Padded => (end + 36).next_multiple_of(3).min(blob.len()),
            Content::Incompressible => blob.len(),
        };
        let padding = BASE64_STANDARD.encode(&blob[varying..]);
        Ok(Self {
            content,
            varying,
            padding,
            end,
            uuid: place(element_type::SMBIOS_UUID)?,
            serial: place(element_type::SMBIOS_SERIAL_NUMBER)?,
            ek: place(element_type::EK_MODULUS)?,
            // Kind and length stand before the digest.
            ek_digest: place(element_type::OFFLINE_DEVICE_ID)? + 10,
            blob,
            next: first,
        })
    }

    /// The next device's hash.
    pub(crate) fn next_blob(&mut self) -> &[u8] {
        let number = self.next;
        self.next += 1;
        self.blob_of(number)
    }

    /// The hash of the device of this number.
    pub(crate) fn blob_of(&mut self, number: u64) -> &[u8] {
        match self.content {
            Content::Padded => self.stamp(number),
            Content::Incompressible => scramble(&mut self.blob, number),
        }
        &self.blob
    }

    /// Appends the next device's body to a request.
    pub(crate) fn write_next(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"serialNumber\":\"\",\"hardwareIdentifier\":\"");
        let varying = self.varying;
        encode_into(out, &self.next_blob()[..varying]);
        out.extend_from_slice(self.padding.as_bytes());
        out.extend_from_slice(b"\"}");
    }

    /// Makes the template this device's: its serial number, UUID and endorsement key, and the two
    /// digests that depend on them.
    fn stamp(&mut self, number: u64) {
        let id = number.to_be_bytes();
        let blob = &mut self.blob;
        blob[self.uuid + 8..self.uuid + 16].copy_from_slice(&id);
        let serial = serial_number(number);
        blob[self.serial..self.serial + serial.len()].copy_from_slice(serial.as_bytes());
        blob[self.ek + 8..self.ek + 16].copy_from_slice(&id);
        let ek_digest = Sha256::digest(&blob[self.ek..self.ek + 256]);
        blob[self.ek_digest..self.ek_digest + 32].copy_from_slice(&ek_digest);
        let digest = Sha256::digest(&blob[..self.end]);
        blob[self.end + 4..self.end + 36].copy_from_slice(&digest);
    }
}

/// The serial number in the hash of the device of this number: a maker's mark, the lot, and seven
/// characters that look random, as real ones do. What searches them meets what it would in life.
pub(crate) fn serial_number(device: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPQRSTVWXY";
    const MASK: u64 = (1 << INDEX_BITS) - 1;
    // Odd multipliers and a shift of the upper bits: each step can be undone, so that no two
    // devices of a lot share a serial number.
    let mut index = (device & MASK).wrapping_mul(0x9e37_79b9_7f4a_7c15) & MASK;
    index ^= index >> (INDEX_BITS / 2 + 1);
    index = index.wrapping_mul(0xbf58_476d_1ce4_e5b9) & MASK;
    index ^= index >> (INDEX_BITS / 2 + 1);
    let digit = |shift: u32| {
        let bits = ((device >> INDEX_BITS << INDEX_BITS) | index) >> shift;
        char::from(DIGITS[(bits & 31) as usize])
    };
    let digits = (0..DIGIT_COUNT).rev().map(|place| digit(place * 5));
    MAKER.chars().chain(digits).collect()
}

/// The number of a device in a lot. Devices of one lot share the start of their serial numbers.
pub(crate) fn in_lot(lot: u64, index: u64) -> u64 {
    (lot << INDEX_BITS) | index
}

/// Where an element's value begins.
fn find(blob: &[u8], wanted: u16) -> Option<usize> {
    let end = usize::from(u16::from_le_bytes([*blob.get(2)?, *blob.get(3)?]));
    let mut at = 4;
    while at + 4 <= end {
        let head = blob.get(at..at + 4)?;
        if u16::from_le_bytes([head[0], head[1]]) == wanted {
            return Some(at + 4);
        }
        at += usize::from(u16::from_le_bytes([head[2], head[3]]));
    }
    None
}

/// Fills with bytes that look random, by a xorshift.
fn scramble(blob: &mut [u8], number: u64) {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for chunk in blob.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bytes = state.to_le_bytes();
        chunk.copy_from_slice(&bytes[..chunk.len()]);
    }
    // A blob that ended in zeros would be kept without them.
    if let Some(last) = blob.last_mut() {
        *last |= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_another_sound_device() {
        let mut bodies = Bodies::new(Content::Padded, 7).unwrap();
        let mut serials = std::collections::HashSet::new();
        for device in 7..107 {
            let blob = bodies.next_blob();
            let inspection = hardware_hash::inspect(blob, 1_800_000_000);
            assert!(!inspection.is_refused(), "{:?}", inspection.findings);
            let report = inspection.report.unwrap();
            let serial = report.serial_number().unwrap();
            assert_eq!(serial, serial_number(device));
            assert!(serials.insert(serial.to_owned()));
        }
    }

    #[test]
    fn a_body_has_its_whole_hash() {
        for content in [Content::Padded, Content::Incompressible] {
            let mut bodies = Bodies::new(content, 7).unwrap();
            for device in 7..17 {
                let mut body = Vec::new();
                bodies.write_next(&mut body);
                let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let text = body["hardwareIdentifier"].as_str().unwrap();
                let blob = BASE64_STANDARD.decode(text).unwrap();
                assert_eq!(blob, bodies.blob_of(device), "{content:?}");
            }
        }
    }

    #[test]
    fn a_lot_shares_the_start_of_its_serial_numbers() {
        let mut serials = std::collections::HashSet::new();
        for lot in 0..3 {
            let prefix: String = serial_number(in_lot(lot, 0)).chars().take(5).collect();
            for index in 0..20_000 {
                let serial = serial_number(in_lot(lot, index));
                assert_eq!(serial.len(), 12);
                assert!(
                    serial.starts_with(MAKER) && serial.starts_with(&prefix),
                    "{serial}"
                );
                assert!(serials.insert(serial));
            }
        }
    }

    #[test]
    fn incompressible_bodies_have_no_padding() {
        let mut bodies = Bodies::new(Content::Incompressible, 7).unwrap();
        assert_eq!(hardware_hash::content_len(bodies.next_blob()), BLOB_BYTES);
    }
}
