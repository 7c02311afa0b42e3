//! What tells one device from another: the fingerprints of a report, without placeholders.
//!
//! How fingerprints are compared and who owns a device is decided elsewhere, by the service.

use sha2::{Digest, Sha256};

use crate::inventory::OfflineDeviceId;
use crate::report::{EK_BYTES, HardwareReport, swap_guid_order};

/// NDIS physical media whose MAC addresses belong to the device: Ethernet, native 802.11, wireless LAN.
const IDENTITY_MEDIA: [u32; 3] = [14, 9, 1];
/// The bits of a MAC address's first byte that mark it as multicast or locally administered.
const MULTICAST_OR_LOCAL: u8 = 0b11;
/// How often one character other than a zero must repeat before the text is a placeholder.
const REPEATED_CHARS: usize = 4;

/// What firmware says when its maker filled nothing in; lower case, letters and digits only.
const PLACEHOLDERS: [&str; 46] = [
    "0123456789",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "assettag",
    "baseboardserialnumber",
    "chassisserialnumber",
    "default",
    "defaultserialnumber",
    "defaultstring",
    "empty",
    "filledbyoem",
    "invalid",
    "na",
    "nil",
    "noassettag",
    "none",
    "noserialnumber",
    "notapplicable",
    "notavailable",
    "notdefined",
    "notpresent",
    "notprovided",
    "notset",
    "notsettable",
    "notspecified",
    "null",
    "oem",
    "oemdefaultstring",
    "serial",
    "serialnumber",
    "systemmanufacturer",
    "systemmodel",
    "systemname",
    "systemproductname",
    "systemserialnumber",
    "systemsku",
    "systemversion",
    "tba",
    "tbd",
    "tobefilledbyoem",
    "tobefilledoem",
    "undefined",
    "unknown",
    "unspecified",
];

/// How a string begins that SMBIOS refers to but doesn't hold.
const MISSING_STRING_PREFIX: &str = "smbiosstringindex";

/// UUIDs that many devices share. Each counts in both byte orders, as firmware gets the order wrong too.
const JUNK_UUIDS: [u128; 8] = [
    0x0300_0200_0400_0500_0006_0007_0008_0009,
    0x1234_5678_1234_5678_90ab_cdde_efaa_bbcc,
    0x1234_5678_1234_1234_1234_1234_5678_90ab,
    0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
    0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
    0x1111_1111_2222_3333_4444_5555_5555_5555,
    0x4c4c_4544_0000_2010_8020_80c0_4f20_2020,
    0xdead_beef_dead_beef_dead_beef_dead_beef,
];

impl HardwareReport {
    /// Yields the serial number, trimmed; `None` if blank.
    pub fn serial_number(&self) -> Option<&str> {
        non_blank(self.smbios_serial_number.as_deref())
    }

    /// Yields the manufacturer, trimmed; `None` if blank.
    pub fn manufacturer(&self) -> Option<&str> {
        non_blank(self.smbios_manufacturer.as_deref())
    }

    /// Yields the product name, trimmed; `None` if blank.
    pub fn product_name(&self) -> Option<&str> {
        non_blank(self.smbios_product_name.as_deref())
    }

    /// Yields the product key ID, trimmed; `None` if blank.
    pub fn product_key_id(&self) -> Option<&str> {
        non_blank(self.product_key_id.as_deref())
    }

    /// Yields the SHA-256 of the TPM's endorsement key, the best fingerprint there is.
    ///
    /// Where the blob holds no usable key, the offline device ID of kind 1 stands in, unless it is that of no key.
    pub fn ek_digest(&self) -> Option<[u8; 32]> {
        if let Some(modulus) = self.usable_ek() {
            return Some(Sha256::digest(modulus).into());
        }
        let stand_in = self
            .offline_device_id
            .filter(|id| id.kind == OfflineDeviceId::KIND_TPM_EK)?
            .id;
        // All devices whose key reads as zeros or as nothing would share these, and pass for one device.
        let of_no_key = [
            Sha256::digest([0; EK_BYTES]).into(),
            Sha256::digest([]).into(),
        ];
        (!is_one_byte(&stand_in) && !of_no_key.contains(&stand_in)).then_some(stand_in)
    }

    /// Yields element 25 if it can be a key at all.
    pub(crate) fn usable_ek(&self) -> Option<&[u8]> {
        self.ek_modulus
            .as_deref()
            .filter(|modulus| modulus.len() == EK_BYTES && modulus.iter().any(|byte| *byte != 0))
    }

    /// Yields the SMBIOS UUID in RFC 4122 byte order; `None` if absent or one that many devices share.
    pub fn identity_uuid(&self) -> Option<[u8; 16]> {
        self.smbios_uuid.filter(|uuid| !is_junk_uuid(*uuid))
    }

    /// Yields the MAC addresses that belong to the device, sorted: of wired and wireless adapters,
    /// without locally administered and multicast ones.
    pub fn identity_macs(&self) -> Vec<[u8; 6]> {
        let mut macs: Vec<_> = self
            .network_adapters
            .iter()
            .filter(|adapter| IDENTITY_MEDIA.contains(&adapter.medium))
            .map(|adapter| adapter.mac)
            .filter(|mac| {
                mac.first()
                    .is_some_and(|byte| byte & MULTICAST_OR_LOCAL == 0)
                    && !is_one_byte(mac)
            })
            .collect();
        macs.sort_unstable();
        macs.dedup();
        macs
    }

    /// Yields the disks' serial numbers, trimmed, in ASCII lower case, sorted, without placeholders.
    pub fn identity_disks(&self) -> Vec<String> {
        let mut serials: Vec<_> = self
            .disk_serials
            .iter()
            .chain(&self.kernel_disk_serials)
            .map(|disk| trim(&disk.serial).to_ascii_lowercase())
            .filter(|serial| !is_placeholder(serial))
            .collect();
        serials.sort_unstable();
        serials.dedup();
        serials
    }
}

/// Tells whether a serial number, manufacturer or product name says nothing about its device.
///
/// Case, blanks and punctuation do not count. Blank text is a placeholder too, and so are zeros, one character
/// at least four times, and what firmware holds where nobody filled it in.
pub fn is_placeholder(text: &str) -> bool {
    let folded: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let Some(first) = folded.chars().next() else {
        return true;
    };
    let one_char = folded.chars().all(|c| c == first);
    if one_char && (first == '0' || folded.chars().count() >= REPEATED_CHARS) {
        return true;
    }
    PLACEHOLDERS.contains(&folded.as_str()) || folded.starts_with(MISSING_STRING_PREFIX)
}

/// Tells whether a UUID is one that many devices share.
pub(crate) fn is_junk_uuid(uuid: [u8; 16]) -> bool {
    let orders = [uuid, swap_guid_order(uuid)].map(u128::from_be_bytes);
    is_one_byte(&uuid) || orders.iter().any(|order| JUNK_UUIDS.contains(order))
}

/// Tells whether all bytes are the same.
pub(crate) fn is_one_byte(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| Some(byte) == bytes.first())
}

/// Cuts blanks and control characters off both ends; firmware leaves both.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control())
}

fn non_blank(text: Option<&str>) -> Option<&str> {
    text.map(trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{DiskSerial, NetworkAdapter};

    #[test]
    fn placeholders_are_told_from_serial_numbers() {
        let placeholders = [
            "",
            "  ",
            "...",
            "Default string",
            " DEFAULT STRING ",
            "Default_string",
            "To be filled by O.E.M.",
            "To Be Filled By OEM",
            "System Serial Number",
            "System manufacturer",
            "System Product Name",
            "None",
            "N/A",
            "n.a.",
            "Not Specified",
            "Not Applicable",
            "Unknown",
            "O.E.M.",
            "SMBIOS_STRING_INDEX_0",
            "0",
            "0000000",
            "0000_0000_0000_0000.",
            "00-00-00",
            "xxxxxxxx",
            "FFFF",
            "....1111",
            "123456789",
        ];
        for text in placeholders {
            assert!(is_placeholder(text), "{text}");
        }
        let real = [
            "HT0000000000000001",
            "1",
            "11",
            "A",
            "Noneworthy",
            "5CD1234ABC",
            "Contoso",
            "0x1",
            "\u{4e2d}\u{6587}",
        ];
        for text in real {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn shared_uuids_identify_nothing() {
        let junk = [
            0,
            u128::MAX,
            0xfefe_fefe_fefe_fefe_fefe_fefe_fefe_fefe,
            0x0300_0200_0400_0500_0006_0007_0008_0009,
            0x0002_0003_0004_0005_0006_0007_0008_0009,
            0x1234_5678_1234_5678_90ab_cdde_efaa_bbcc,
            0x7856_3412_3412_7856_90ab_cdde_efaa_bbcc,
        ];
        for uuid in junk {
            let report = HardwareReport {
                smbios_uuid: Some(u128::to_be_bytes(uuid)),
                ..HardwareReport::default()
            };
            assert_eq!(report.identity_uuid(), None, "{uuid:032x}");
        }
        let uuid = 0x6d1f_2c3a_9b47_4e1d_8f00_1122_3344_5566_u128.to_be_bytes();
        let report = HardwareReport {
            smbios_uuid: Some(uuid),
            ..HardwareReport::default()
        };
        assert_eq!(report.identity_uuid(), Some(uuid));
        assert_eq!(HardwareReport::default().identity_uuid(), None);
    }

    #[test]
    fn only_lasting_macs_identify() {
        let adapter = |medium, mac| NetworkAdapter {
            medium,
            mac,
            bus: "PCI".to_owned(),
        };
        let report = HardwareReport {
            network_adapters: vec![
                adapter(14, [0, 0, 0x5E, 0, 0x53, 2]),
                adapter(9, [0, 0, 0x5E, 0, 0x53, 1]),
                adapter(1, [0, 0, 0x5E, 0, 0x53, 2]),
                adapter(10, [0, 0, 0x5E, 0, 0x53, 3]),
                adapter(0, [0, 0, 0x5E, 0, 0x53, 4]),
                adapter(14, [2, 0, 0x5E, 0, 0x53, 5]),
                adapter(14, [1, 0, 0x5E, 0, 0x53, 6]),
                adapter(14, [0; 6]),
                adapter(14, [0xFF; 6]),
            ],
            ..HardwareReport::default()
        };
        let expected = [[0, 0, 0x5E, 0, 0x53, 1], [0, 0, 0x5E, 0, 0x53, 2]];
        assert_eq!(report.identity_macs(), expected);
    }

    #[test]
    fn disks_of_both_kinds_count_once() {
        let disk = |serial: &str| DiskSerial {
            serial: serial.to_owned(),
            ..DiskSerial::default()
        };
        let report = HardwareReport {
            disk_serials: vec![disk(" AB12 "), disk(""), disk("None")],
            kernel_disk_serials: vec![disk("ab12"), disk("0000"), disk("AA99")],
            ..HardwareReport::default()
        };
        assert_eq!(report.identity_disks(), ["aa99", "ab12"]);
    }

    #[test]
    fn the_key_decides_and_its_id_stands_in() {
        let modulus = vec![0x81; EK_BYTES];
        let of_modulus: [u8; 32] = Sha256::digest(&modulus).into();
        let of_zeros: [u8; 32] = Sha256::digest([0; EK_BYTES]).into();
        let id = |kind, id| Some(OfflineDeviceId { kind, id });
        let some_id = std::array::from_fn(|index| u8::try_from(index).unwrap());
        let cases = [
            (Some(modulus.clone()), None, Some(of_modulus)),
            (Some(modulus), id(1, some_id), Some(of_modulus)),
            (None, id(1, some_id), Some(some_id)),
            (Some(vec![0; EK_BYTES]), id(1, some_id), Some(some_id)),
            (Some(vec![0; EK_BYTES]), id(1, of_zeros), None),
            (None, id(2, some_id), None),
            (None, id(1, [0; 32]), None),
            (None, id(1, [0xFF; 32]), None),
            (None, None, None),
        ];
        for (ek_modulus, offline_device_id, expected) in cases {
            let report = HardwareReport {
                offline_device_id,
                ek_modulus,
                ..HardwareReport::default()
            };
            assert_eq!(report.ek_digest(), expected, "{report:?}");
        }
    }

    #[test]
    fn texts_are_trimmed_and_blank_is_none() {
        let cases = [
            (Some(" AB 1\t\u{1}"), Some("AB 1")),
            (Some(" \r\n"), None),
            (Some(""), None),
            (None, None),
        ];
        for (text, expected) in cases {
            let report = HardwareReport {
                smbios_serial_number: text.map(str::to_owned),
                smbios_manufacturer: text.map(str::to_owned),
                smbios_product_name: text.map(str::to_owned),
                product_key_id: text.map(str::to_owned),
                ..HardwareReport::default()
            };
            assert_eq!(report.serial_number(), expected);
            assert_eq!(report.manufacturer(), expected);
            assert_eq!(report.product_name(), expected);
            assert_eq!(report.product_key_id(), expected);
        }
    }
}
