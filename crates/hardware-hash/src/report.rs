//! What a blob says, typed: one field for every known element, and the rest as opaque bytes.
//!
//! Nothing is judged here: `inspect` says what is wrong, `identity` what tells one device from another.

use std::collections::BTreeMap;

use crate::container::{self, Container, StructureError};
use crate::element_type as code;
use crate::inventory::{
    Chassis, CpuClass, Disk, DiskSerial, Display, DisplaySize, Gpu, GpuMemory, Memory,
    NetworkAdapter, OfflineDeviceId, Processor,
};
use crate::layout::{Layout, read_fixed_text, read_text};
use crate::versions::Versions;

/// The length of a usable endorsement key: an RSA-2048 modulus.
pub(crate) const EK_BYTES: usize = 256;

/// The inventory of one device. Texts stand as in the blob, blank ones included, without their NUL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HardwareReport {
    /// Element 1: tool, time and system.
    pub versions: Option<Versions>,
    /// Element 2.
    pub processor: Option<Processor>,
    /// Element 3.
    pub processor_manufacturer: Option<String>,
    /// Element 4: the brand string.
    pub processor_model: Option<String>,
    /// Element 5.
    pub memory: Option<Memory>,
    /// Elements 6: sizes and buses.
    pub disks: Vec<Disk>,
    /// Elements 7: serial numbers and products.
    pub disk_serials: Vec<DiskSerial>,
    /// Elements 28: the same as the kernel reports it.
    pub kernel_disk_serials: Vec<DiskSerial>,
    /// Elements 8.
    pub network_adapters: Vec<NetworkAdapter>,
    /// Elements 9.
    pub displays: Vec<Display>,
    /// Elements 27.
    pub display_sizes: Vec<DisplaySize>,
    /// Element 10.
    pub chassis: Option<Chassis>,
    /// Element 11.
    pub offline_device_id: Option<OfflineDeviceId>,
    /// Element 12, in RFC 4122 byte order, as Windows prints it.
    pub smbios_uuid: Option<[u8; 16]>,
    /// Element 13: `TPM-Version:2.0 -Level:0-...`.
    pub tpm_version: Option<String>,
    /// Element 14.
    pub smbios_serial_number: Option<String>,
    /// Element 15.
    pub firmware_vendor: Option<String>,
    /// Element 16.
    pub smbios_manufacturer: Option<String>,
    /// Element 17.
    pub smbios_product_name: Option<String>,
    /// Element 18.
    pub smbios_sku_number: Option<String>,
    /// Element 19.
    pub smbios_family: Option<String>,
    /// Element 20.
    pub baseboard_manufacturer: Option<String>,
    /// Element 21.
    pub baseboard_product: Option<String>,
    /// Element 22.
    pub baseboard_version: Option<String>,
    /// Element 23.
    pub smbios_system_version: Option<String>,
    /// Element 24: 13 digits.
    pub product_key_id: Option<String>,
    /// Element 25: the RSA-2048 modulus of the TPM's endorsement key, 256 bytes, possibly all zero.
    pub ek_modulus: Option<Vec<u8>>,
    /// Element 26.
    pub product_key_part_number: Option<String>,
    /// Elements 29.
    pub gpu_memories: Vec<GpuMemory>,
    /// Elements 30.
    pub gpus: Vec<Gpu>,
    /// Element 34: the classes of cores of a hybrid processor.
    pub cpu_classes: Option<Vec<CpuClass>>,
    /// Element 36: `system|ui|time zone|languages|keyboard`.
    pub locale: Option<String>,
    /// Elements of unknown type, of unexpected layout, or given twice though single; in the blob's order.
    pub unknown: Vec<OpaqueElement>,
}

/// An element kept as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpaqueElement {
    /// The element's type.
    pub element_type: u16,
    /// Its value, without type and length.
    pub value: Vec<u8>,
}

/// What became of an element that was offered to the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Taken,
    UnknownType,
    UnexpectedLayout,
    Repeated,
}

/// How often something odd was met, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occurrences {
    pub(crate) first_offset: usize,
    pub(crate) count: usize,
}

/// The known elements that could not be taken, by type. One entry per type keeps a forged blob's findings few.
#[derive(Debug, Default)]
pub(crate) struct Irregularities {
    pub(crate) unexpected_layout: BTreeMap<u16, Occurrences>,
    pub(crate) repeated: BTreeMap<u16, Occurrences>,
}

/// Decodes a blob whose structure holds, whatever its digest says.
///
/// Known elements of an unexpected layout are kept as opaque bytes. For a judgement use [`inspect`](crate::inspect()).
pub fn decode(blob: &[u8]) -> Result<HardwareReport, StructureError> {
    Ok(read(&container::open(blob)?).0)
}

/// Reads a container's elements into a report, and tells which known ones could not be taken.
pub(crate) fn read(container: &Container<'_>) -> (HardwareReport, Irregularities) {
    let mut report = HardwareReport::default();
    let mut irregularities = Irregularities::default();
    for element in &container.elements {
        let by_type = match report.take(element.element_type, element.value) {
            Outcome::Taken | Outcome::UnknownType => continue,
            Outcome::UnexpectedLayout => &mut irregularities.unexpected_layout,
            Outcome::Repeated => &mut irregularities.repeated,
        };
        by_type
            .entry(element.element_type)
            .and_modify(|occurrences| occurrences.count += 1)
            .or_insert(Occurrences {
                first_offset: element.offset,
                count: 1,
            });
    }
    (report, irregularities)
}

impl HardwareReport {
    /// Takes an element into its field; whatever has no place there goes to `unknown`.
    fn take(&mut self, element_type: u16, value: &[u8]) -> Outcome {
        let outcome = self.offer(element_type, value);
        if outcome != Outcome::Taken {
            self.unknown.push(OpaqueElement {
                element_type,
                value: value.to_vec(),
            });
        }
        outcome
    }

    /// Takes an element as decoding would, for the builder's extra elements.
    pub(crate) fn absorb(&mut self, element: &OpaqueElement) {
        self.take(element.element_type, &element.value);
    }

    fn offer(&mut self, element_type: u16, value: &[u8]) -> Outcome {
        if let Some(slot) = self.text_slot(element_type) {
            return fill(slot, read_text(value));
        }
        match element_type {
            code::VERSIONS => fill(&mut self.versions, Layout::from_value(value)),
            code::PROCESSOR => fill(&mut self.processor, Layout::from_value(value)),
            code::PROCESSOR_MODEL => fill(&mut self.processor_model, read_fixed_text(value)),
            code::MEMORY => fill(&mut self.memory, Layout::from_value(value)),
            code::DISK => append(&mut self.disks, value),
            code::DISK_SERIAL => append(&mut self.disk_serials, value),
            code::NETWORK_ADAPTER => append(&mut self.network_adapters, value),
            code::DISPLAY => append(&mut self.displays, value),
            code::CHASSIS => fill(&mut self.chassis, Layout::from_value(value)),
            code::OFFLINE_DEVICE_ID => fill(&mut self.offline_device_id, Layout::from_value(value)),
            code::SMBIOS_UUID => {
                let guid = value.try_into().ok();
                fill(&mut self.smbios_uuid, guid.map(swap_guid_order))
            }
            code::EK_MODULUS => {
                let modulus = (value.len() == EK_BYTES).then(|| value.to_vec());
                fill(&mut self.ek_modulus, modulus)
            }
            code::DISPLAY_SIZE => append(&mut self.display_sizes, value),
            code::KERNEL_DISK_SERIAL => append(&mut self.kernel_disk_serials, value),
            code::GPU_MEMORY => append(&mut self.gpu_memories, value),
            code::GPU => append(&mut self.gpus, value),
            code::CPU_CLASSES => fill(&mut self.cpu_classes, Layout::from_value(value)),
            _ => Outcome::UnknownType,
        }
    }

    /// Empties the field of an element type, for the builder's omitted elements.
    pub(crate) fn forget(&mut self, element_type: u16) {
        if let Some(slot) = self.text_slot(element_type) {
            *slot = None;
            return;
        }
        match element_type {
            code::VERSIONS => self.versions = None,
            code::PROCESSOR => self.processor = None,
            code::PROCESSOR_MODEL => self.processor_model = None,
            code::MEMORY => self.memory = None,
            code::DISK => self.disks.clear(),
            code::DISK_SERIAL => self.disk_serials.clear(),
            code::NETWORK_ADAPTER => self.network_adapters.clear(),
            code::DISPLAY => self.displays.clear(),
            code::CHASSIS => self.chassis = None,
            code::OFFLINE_DEVICE_ID => self.offline_device_id = None,
            code::SMBIOS_UUID => self.smbios_uuid = None,
            code::EK_MODULUS => self.ek_modulus = None,
            code::DISPLAY_SIZE => self.display_sizes.clear(),
            code::KERNEL_DISK_SERIAL => self.kernel_disk_serials.clear(),
            code::GPU_MEMORY => self.gpu_memories.clear(),
            code::GPU => self.gpus.clear(),
            code::CPU_CLASSES => self.cpu_classes = None,
            _ => {}
        }
    }

    /// Yields the field of an element that is nothing but text.
    pub(crate) fn text_slot(&mut self, element_type: u16) -> Option<&mut Option<String>> {
        Some(match element_type {
            code::PROCESSOR_MANUFACTURER => &mut self.processor_manufacturer,
            code::TPM_VERSION => &mut self.tpm_version,
            code::SMBIOS_SERIAL_NUMBER => &mut self.smbios_serial_number,
            code::FIRMWARE_VENDOR => &mut self.firmware_vendor,
            code::SMBIOS_MANUFACTURER => &mut self.smbios_manufacturer,
            code::SMBIOS_PRODUCT_NAME => &mut self.smbios_product_name,
            code::SMBIOS_SKU_NUMBER => &mut self.smbios_sku_number,
            code::SMBIOS_FAMILY => &mut self.smbios_family,
            code::BASEBOARD_MANUFACTURER => &mut self.baseboard_manufacturer,
            code::BASEBOARD_PRODUCT => &mut self.baseboard_product,
            code::BASEBOARD_VERSION => &mut self.baseboard_version,
            code::SMBIOS_SYSTEM_VERSION => &mut self.smbios_system_version,
            code::PRODUCT_KEY_ID => &mut self.product_key_id,
            code::PRODUCT_KEY_PART_NUMBER => &mut self.product_key_part_number,
            code::LOCALE => &mut self.locale,
            _ => return None,
        })
    }
}

/// Turns a GUID's bytes in memory into the order in which it prints, and back.
pub(crate) fn swap_guid_order(mut guid: [u8; 16]) -> [u8; 16] {
    if let Some((first, rest)) = guid.split_first_chunk_mut::<4>() {
        first.reverse();
        let (pairs, _) = rest.as_chunks_mut::<2>();
        pairs.iter_mut().take(2).for_each(|pair| pair.reverse());
    }
    guid
}

/// Fills the field of an element that may occur once; the first readable one wins.
fn fill<T>(slot: &mut Option<T>, read: Option<T>) -> Outcome {
    match (&slot, read) {
        (_, None) => Outcome::UnexpectedLayout,
        (Some(_), Some(_)) => Outcome::Repeated,
        (None, Some(value)) => {
            *slot = Some(value);
            Outcome::Taken
        }
    }
}

/// Adds to the field of an element that may occur often.
fn append<T: Layout>(list: &mut Vec<T>, value: &[u8]) -> Outcome {
    match T::from_value(value) {
        None => Outcome::UnexpectedLayout,
        Some(read) => {
            list.push(read);
            Outcome::Taken
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_prints_as_windows_prints_it() {
        let memory = [
            0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD,
            0xEE, 0xFF,
        ];
        let printed = [
            0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD,
            0xEE, 0xFF,
        ];
        assert_eq!(swap_guid_order(memory), printed);
        assert_eq!(swap_guid_order(printed), memory);
    }

    #[test]
    fn what_cannot_be_taken_is_kept_as_bytes() {
        let mut report = HardwareReport::default();
        let offers: [(u16, &[u8], Outcome); 7] = [
            (
                code::SMBIOS_SERIAL_NUMBER,
                b"\xFF\0",
                Outcome::UnexpectedLayout,
            ),
            (code::SMBIOS_SERIAL_NUMBER, b"first\0", Outcome::Taken),
            (code::SMBIOS_SERIAL_NUMBER, b"second\0", Outcome::Repeated),
            (code::SMBIOS_UUID, &[1; 15], Outcome::UnexpectedLayout),
            (code::EK_MODULUS, &[1; 255], Outcome::UnexpectedLayout),
            (35, b"\x02\xFF\x07", Outcome::UnknownType),
            (0x0101, b"", Outcome::UnknownType),
        ];
        for (element_type, value, expected) in offers {
            assert_eq!(report.take(element_type, value), expected, "{element_type}");
        }
        assert_eq!(report.smbios_serial_number.as_deref(), Some("first"));
        let kept: Vec<_> = report.unknown.iter().map(|e| e.element_type).collect();
        assert_eq!(kept, [14, 14, 12, 25, 35, 0x0101]);
    }

    #[test]
    fn every_known_type_has_a_field() {
        for element_type in 0..=64 {
            let known = code::name(element_type).is_some();
            let outcome = HardwareReport::default().take(element_type, b"");
            assert_eq!(outcome != Outcome::UnknownType, known, "{element_type}");
        }
    }
}
