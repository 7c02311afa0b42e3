//! The bytes of a hardware hash, kept without their zero padding.

use std::fmt;

/// Far more than any client may send. A store that remembers a longer blob is damaged, and padding
/// it would take the memory of everybody else.
const LONGEST_KEPT_BYTES: usize = 64 * 1024 * 1024;

/// A hardware hash as a client sent it. The trailing zeros are a number, not bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct HardwareBlob {
    content: Vec<u8>,
    len_bytes: usize,
}

impl HardwareBlob {
    /// Takes a blob apart into content and padding. An empty blob is no blob.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        Self::padded(bytes, 0)
    }

    /// The same of bytes after which so many zeros are to follow.
    pub fn padded(mut bytes: Vec<u8>, zeros: usize) -> Option<Self> {
        let len_bytes = bytes.len() + zeros;
        bytes.truncate(hardware_hash::content_len(&bytes));
        (len_bytes > 0).then_some(Self {
            content: bytes,
            len_bytes,
        })
    }

    /// Puts a blob together from what a store kept. `None` where the content is longer than the
    /// whole, or the whole longer than can be.
    pub fn from_parts(content: Vec<u8>, len_bytes: usize) -> Option<Self> {
        let plausible = content.len().max(1)..=LONGEST_KEPT_BYTES;
        plausible
            .contains(&len_bytes)
            .then_some(Self { content, len_bytes })
    }

    /// The bytes up to the last that is not zero.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// The length with the padding, in bytes.
    pub fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// The whole blob, padding included.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.content.clone();
        bytes.resize(self.len_bytes, 0);
        bytes
    }
}

/// Shows lengths only: a blob holds serial numbers and keys.
impl fmt::Debug for HardwareBlob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "HardwareBlob({} of {} bytes)",
            self.content.len(),
            self.len_bytes
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_survives_the_round_trip() {
        for bytes in [vec![1, 2, 0, 0], vec![0, 0], vec![7]] {
            let blob = HardwareBlob::new(bytes.clone()).unwrap();
            assert_eq!(blob.to_bytes(), bytes);
            let kept = HardwareBlob::from_parts(blob.content().to_vec(), blob.len_bytes()).unwrap();
            assert_eq!(kept, blob);
        }
        assert_eq!(
            HardwareBlob::padded(vec![1, 0], 2),
            HardwareBlob::new(vec![1, 0, 0, 0])
        );
        assert_eq!(HardwareBlob::new(vec![]), None);
        assert_eq!(HardwareBlob::from_parts(vec![1, 2], 1), None);
        assert_eq!(HardwareBlob::from_parts(vec![], 0), None);
        assert_eq!(HardwareBlob::from_parts(vec![1], usize::MAX), None);
    }
}
