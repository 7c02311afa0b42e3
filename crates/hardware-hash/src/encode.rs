//! From a report back to elements, for the builder: the values and their order as the tool writes them.

use crate::element_type as code;
use crate::layout::{Layout, write_fixed_text, write_text};
use crate::report::{HardwareReport, OpaqueElement, swap_guid_order};

/// The fixed width of the processor's brand string.
pub(crate) const PROCESSOR_MODEL_BYTES: usize = 48;

/// The known elements in the order in which the tool writes them.
const ORDER: [u16; 32] = [
    code::VERSIONS,
    code::PROCESSOR,
    code::CPU_CLASSES,
    code::MEMORY,
    code::PROCESSOR_MANUFACTURER,
    code::PROCESSOR_MODEL,
    code::DISK,
    code::DISK_SERIAL,
    code::NETWORK_ADAPTER,
    code::DISPLAY,
    code::DISPLAY_SIZE,
    code::CHASSIS,
    code::TPM_VERSION,
    code::EK_MODULUS,
    code::OFFLINE_DEVICE_ID,
    code::SMBIOS_UUID,
    code::SMBIOS_SERIAL_NUMBER,
    code::FIRMWARE_VENDOR,
    code::SMBIOS_MANUFACTURER,
    code::SMBIOS_PRODUCT_NAME,
    code::SMBIOS_SKU_NUMBER,
    code::SMBIOS_FAMILY,
    code::SMBIOS_SYSTEM_VERSION,
    code::BASEBOARD_MANUFACTURER,
    code::BASEBOARD_PRODUCT,
    code::BASEBOARD_VERSION,
    code::PRODUCT_KEY_ID,
    code::PRODUCT_KEY_PART_NUMBER,
    code::KERNEL_DISK_SERIAL,
    code::GPU_MEMORY,
    code::GPU,
    code::LOCALE,
];

/// Writes a report's known elements.
pub(crate) fn elements(report: &HardwareReport) -> Vec<OpaqueElement> {
    let mut report = report.clone();
    ORDER
        .into_iter()
        .flat_map(|element_type| {
            let values = values(&mut report, element_type);
            values.into_iter().map(move |value| OpaqueElement {
                element_type,
                value,
            })
        })
        .collect()
}

/// Writes the values of one type; none where the report has none.
fn values(report: &mut HardwareReport, element_type: u16) -> Vec<Vec<u8>> {
    if let Some(slot) = report.text_slot(element_type) {
        let text = slot.as_deref();
        return if element_type == code::LOCALE {
            one(text.map(Vec::from))
        } else {
            one(text.map(write_text))
        };
    }
    match element_type {
        code::VERSIONS => one(report.versions.as_ref().map(Layout::to_value)),
        code::PROCESSOR => one(report.processor.as_ref().map(Layout::to_value)),
        code::PROCESSOR_MODEL => one(report
            .processor_model
            .as_deref()
            .map(|text| write_fixed_text(text, PROCESSOR_MODEL_BYTES))),
        code::MEMORY => one(report.memory.as_ref().map(Layout::to_value)),
        code::DISK => all(&report.disks),
        code::DISK_SERIAL => all(&report.disk_serials),
        code::NETWORK_ADAPTER => all(&report.network_adapters),
        code::DISPLAY => all(&report.displays),
        code::CHASSIS => one(report.chassis.as_ref().map(Layout::to_value)),
        code::OFFLINE_DEVICE_ID => one(report.offline_device_id.as_ref().map(Layout::to_value)),
        code::SMBIOS_UUID => one(report
            .smbios_uuid
            .map(|uuid| Vec::from(swap_guid_order(uuid)))),
        code::EK_MODULUS => one(report.ek_modulus.clone()),
        code::DISPLAY_SIZE => all(&report.display_sizes),
        code::KERNEL_DISK_SERIAL => {
            // The kernel's text ends in a NUL where element 7's doesn't.
            let mut values = all(&report.kernel_disk_serials);
            for value in &mut values {
                value.push(0);
            }
            values
        }
        code::GPU_MEMORY => all(&report.gpu_memories),
        code::GPU => all(&report.gpus),
        code::CPU_CLASSES => one(report.cpu_classes.as_ref().map(Layout::to_value)),
        _ => Vec::new(),
    }
}

fn one(value: Option<Vec<u8>>) -> Vec<Vec<u8>> {
    value.into_iter().collect()
}

fn all<T: Layout>(list: &[T]) -> Vec<Vec<u8>> {
    list.iter().map(Layout::to_value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_type_is_written() {
        for element_type in 0..=64 {
            assert_eq!(
                ORDER.contains(&element_type),
                code::name(element_type).is_some(),
                "{element_type}"
            );
        }
    }
}
