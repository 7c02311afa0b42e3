//! Synthetic devices: blobs of invented hardware, the same bytes for the same seed.
//!
//! Nothing here comes from a real device. Broken blobs are made by changing the bytes of a built one.

use sha2::{Digest, Sha256};

use crate::container;
use crate::encode;
use crate::invention::{invented, invented_modulus, invented_uuid};
use crate::inventory::{
    Chassis, CpuClass, Disk, DiskSerial, Display, DisplaySize, Gpu, GpuMemory, Memory,
    NetworkAdapter, OfflineDeviceId, Processor,
};
use crate::layout::{MAX_TEXT_BYTES, cut};
use crate::report::{HardwareReport, OpaqueElement};
use crate::versions::{Architecture, BuildNumber, OsType, Versions};

/// The size of a current blob: 4000 characters of base64.
const DEFAULT_TOTAL_SIZE: usize = 3000;
/// The version of the format that a current tool writes.
const DEFAULT_TOOL_VERSION: u8 = 9;
/// The last version that wrote neither graphics adapters nor locale.
const OLD_TOOL_VERSION: u8 = 3;
/// 2025-01-01T00:00:00Z.
const DEFAULT_GENERATED_AT: i64 = 1_735_689_600;
const DAY_SECONDS: i64 = 86_400;
const INTERNAL_PANEL: u32 = 0x8000_0000;

/// Builds the blob of an invented device, which its seed determines.
///
/// Distinct seeds give devices with distinct serial numbers, UUIDs and TPM keys. MAC addresses are locally
/// administered unless asked otherwise, so they identify nothing. Texts lose NULs and what is beyond
/// [`MAX_TEXT_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    seed: u64,
    ek_seed: u64,
    capture: u32,
    manufacturer: String,
    product_name: String,
    serial_number: String,
    uuid: [u8; 16],
    product_key_id: String,
    generated_at_unix_seconds: i64,
    tool_version: u8,
    system: System,
    tpm: Tpm,
    macs: Macs,
    total_size: usize,
    extras: Vec<OpaqueElement>,
    omitted: Vec<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Full,
    WinPe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tpm {
    Present,
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Macs {
    LocallyAdministered,
    GloballyAdministered,
}

impl Builder {
    /// Starts a device of a current tool under full Windows, with a TPM, padded to 3000 bytes.
    pub fn new(seed: u64) -> Self {
        let uuid = invented_uuid(seed);
        let digits = u64::from_be_bytes(invented(seed, "product key")) % 10_000_000_000_000;
        Self {
            seed,
            ek_seed: seed,
            capture: 0,
            manufacturer: "Hangar Test Works".to_owned(),
            product_name: "Paper Plane 14".to_owned(),
            serial_number: format!("HT{seed:016X}"),
            uuid,
            product_key_id: format!("{digits:013}"),
            generated_at_unix_seconds: DEFAULT_GENERATED_AT,
            tool_version: DEFAULT_TOOL_VERSION,
            system: System::Full,
            tpm: Tpm::Present,
            macs: Macs::LocallyAdministered,
            total_size: DEFAULT_TOTAL_SIZE,
            extras: Vec::new(),
            omitted: Vec::new(),
        }
    }

    /// Sets the SMBIOS manufacturer.
    #[must_use]
    pub fn manufacturer(mut self, text: &str) -> Self {
        self.manufacturer = storable(text);
        self
    }

    /// Sets the SMBIOS product name.
    #[must_use]
    pub fn product_name(mut self, text: &str) -> Self {
        self.product_name = storable(text);
        self
    }

    /// Sets the SMBIOS serial number.
    #[must_use]
    pub fn serial_number(mut self, text: &str) -> Self {
        self.serial_number = storable(text);
        self
    }

    /// Sets the SMBIOS UUID, in RFC 4122 byte order.
    #[must_use]
    pub fn uuid(mut self, uuid: [u8; 16]) -> Self {
        self.uuid = uuid;
        self
    }

    /// Sets the product key ID.
    #[must_use]
    pub fn product_key_id(mut self, text: &str) -> Self {
        self.product_key_id = storable(text);
        self
    }

    /// Leaves out the TPM's version, key and identifier.
    #[must_use]
    pub fn without_tpm(mut self) -> Self {
        self.tpm = Tpm::Absent;
        self
    }

    /// Captures under Windows PE, which sees neither wireless adapters nor displays.
    #[must_use]
    pub fn winpe(mut self) -> Self {
        self.system = System::WinPe;
        self
    }

    /// Gives the adapters globally administered addresses of the documentation range 00-00-5E-00-53-xx.
    ///
    /// There are only 256 of them, so devices of different seeds may share some.
    #[must_use]
    pub fn globally_administered_macs(mut self) -> Self {
        self.macs = Macs::GloballyAdministered;
        self
    }

    /// Sets when the first capture was made, in Unix seconds; moved into 2000 to 2136, which the blob can hold.
    #[must_use]
    pub fn generated_at(mut self, unix_seconds: i64) -> Self {
        self.generated_at_unix_seconds = unix_seconds;
        self
    }

    /// Captures the same device again, so many days later and with another disk.
    #[must_use]
    pub fn recaptured(mut self, n: u32) -> Self {
        self.capture = n;
        self
    }

    /// Gives the device the TPM of another seed's device.
    #[must_use]
    pub fn ek_seed(mut self, seed: u64) -> Self {
        self.ek_seed = seed;
        self
    }

    /// Sets the version of the format. Version 3 and older have no elements 26 to 36, but for display sizes.
    #[must_use]
    pub fn tool_version(mut self, version: u8) -> Self {
        self.tool_version = version;
        self
    }

    /// Pads with zeros to this many bytes; a smaller number than the content needs means no padding.
    #[must_use]
    pub fn total_size(mut self, bytes: usize) -> Self {
        self.total_size = bytes;
        self
    }

    /// Appends an element after all others, of known or unknown type.
    ///
    /// One that no longer fits below 64 KiB is left out of the blob.
    #[must_use]
    pub fn extra(mut self, element_type: u16, value: &[u8]) -> Self {
        self.extras.push(OpaqueElement {
            element_type,
            value: value.to_vec(),
        });
        self
    }

    /// Leaves out all elements of a type, extra ones excepted.
    #[must_use]
    pub fn omit(mut self, element_type: u16) -> Self {
        self.omitted.push(element_type);
        self
    }

    /// Builds the blob.
    pub fn build(&self) -> Vec<u8> {
        container::seal(&self.elements(), self.total_size)
    }

    /// Yields the report that the blob decodes to.
    pub fn report(&self) -> HardwareReport {
        let mut report = self.device();
        for element_type in &self.omitted {
            report.forget(*element_type);
        }
        let known = encode::elements(&report).len();
        for extra in container::fitting(&self.elements()).skip(known) {
            report.absorb(extra);
        }
        report
    }

    fn elements(&self) -> Vec<OpaqueElement> {
        let mut elements = encode::elements(&self.device());
        elements.retain(|element| !self.omitted.contains(&element.element_type));
        elements.extend(self.extras.iter().cloned());
        elements
    }

    /// Yields the whole device, before elements are omitted or added.
    fn device(&self) -> HardwareReport {
        let text = |text: &str| Some(text.to_owned());
        let mut report = HardwareReport {
            versions: Some(self.versions()),
            processor: Some(Processor {
                architecture: Architecture::X64,
                packages: 1,
                cores: 10,
                threads: 12,
                hyperthreading: 1,
                reserved: 0,
            }),
            processor_manufacturer: text("HangarSilicon"),
            processor_model: text("Hangar Propeller 7 @ 2.40GHz"),
            memory: Some(Memory {
                total_gb: 16,
                max_capacity_gb: 64,
                slots: 2,
                arrays: 1,
                error_correction: 3,
            }),
            chassis: Some(Chassis {
                chassis_type: 10,
                power_role: 2,
                reserved: [0; 3],
            }),
            smbios_uuid: Some(self.uuid),
            smbios_serial_number: text(&self.serial_number),
            firmware_vendor: text("Hangar Firmware"),
            smbios_manufacturer: text(&self.manufacturer),
            smbios_product_name: text(&self.product_name),
            smbios_sku_number: text("HTW-PP14"),
            smbios_family: text("Paper Plane"),
            smbios_system_version: text("SMBIOS_STRING_INDEX_0"),
            baseboard_manufacturer: text("Hangar Test Works"),
            baseboard_product: text("PP14-MB"),
            baseboard_version: text("A00"),
            product_key_id: text(&self.product_key_id),
            ..HardwareReport::default()
        };
        self.add_disk(&mut report);
        self.add_tpm(&mut report);
        self.add_network(&mut report);
        self.add_graphics(&mut report);
        report
    }

    fn versions(&self) -> Versions {
        let days = i64::from(self.capture);
        let generated_at = self
            .generated_at_unix_seconds
            .saturating_add(days * DAY_SECONDS);
        let build = BuildNumber {
            major: 10,
            minor: 0,
            build: 26100,
            revision: 1,
        };
        Versions {
            tool_build: build,
            os_build: build,
            generated_at_unix_seconds: Versions::clamp_time(generated_at),
            time_zone_quarter_hours: 0,
            os_type: match self.system {
                System::Full => OsType::Full,
                System::WinPe => OsType::WinPe,
            },
            architecture: Architecture::X64,
            tool_version: self.tool_version,
        }
    }

    fn add_disk(&self, report: &mut HardwareReport) {
        let bits = u64::from_be_bytes(invented(self.seed, &format!("disk {}", self.capture)));
        let disk = DiskSerial {
            serial: format!(
                "{:04X}_{:04X}_{:04X}_{:04X}.",
                bits >> 48,
                bits >> 32 & 0xFFFF,
                bits >> 16 & 0xFFFF,
                bits & 0xFFFF
            ),
            product: "Hangar NVMe 512".to_owned(),
            vendor: String::new(),
        };
        report.disks.push(Disk {
            capacity_gb: 512,
            bus: 17,
            media: 0,
            reserved: 1,
        });
        if self.system == System::Full && !self.is_old() {
            report.kernel_disk_serials.push(disk.clone());
        }
        report.disk_serials.push(disk);
    }

    fn add_tpm(&self, report: &mut HardwareReport) {
        if self.tpm == Tpm::Absent {
            return;
        }
        let modulus = invented_modulus(self.ek_seed);
        report.tpm_version =
            Some("TPM-Version:2.0 -Level:0-Revision:1.38-VendorID:'HNGR'-Firmware:1.0".to_owned());
        report.offline_device_id = Some(OfflineDeviceId {
            kind: OfflineDeviceId::KIND_TPM_EK,
            id: Sha256::digest(modulus).into(),
        });
        report.ek_modulus = Some(modulus.to_vec());
    }

    fn add_network(&self, report: &mut HardwareReport) {
        let [a, b, c] = invented(self.seed, "mac");
        let mac = |n: u8| match self.macs {
            Macs::LocallyAdministered => [0x02, 0x00, 0x5E, a, b, c.wrapping_add(n)],
            Macs::GloballyAdministered => [0x00, 0x00, 0x5E, 0x00, 0x53, c.wrapping_add(n)],
        };
        let adapters: &[(u32, &str)] = match self.system {
            System::Full => &[(14, "PCI"), (9, "PCI"), (10, "BTH")],
            System::WinPe => &[(14, "PCI")],
        };
        report.network_adapters = adapters
            .iter()
            .zip(0..)
            .map(|((medium, bus), n)| NetworkAdapter {
                medium: *medium,
                mac: mac(n),
                bus: (*bus).to_owned(),
            })
            .collect();
    }

    /// Adds what full Windows and current tools see more: displays, adapters, classes of cores, locale.
    fn add_graphics(&self, report: &mut HardwareReport) {
        if self.system == System::Full {
            report.displays.push(Display {
                width_mm: 309,
                height_mm: 174,
                width_px: 1920,
                height_px: 1080,
                output_technology: INTERNAL_PANEL,
            });
            report.display_sizes.push(DisplaySize {
                width_cm: 30,
                height_cm: 17,
            });
        }
        if self.is_old() {
            return;
        }
        let (description, video_bytes) = match self.system {
            System::Full => ("Hangar Canvas Graphics", 128 << 20),
            System::WinPe => ("Basic Display Adapter", 0),
        };
        if self.system == System::Full {
            report.product_key_part_number = Some("[HT]X00-00000".to_owned());
        }
        report.gpu_memories.push(GpuMemory {
            dedicated_video_bytes: video_bytes,
            dedicated_system_bytes: 0,
            flags: [0; 2],
        });
        report.gpus.push(Gpu {
            vendor: "Hangar Silicon".to_owned(),
            description: description.to_owned(),
        });
        let class = |efficiency_class, cores, threads| CpuClass {
            efficiency_class,
            cores,
            threads,
        };
        report.cpu_classes = Some(vec![class(0, 8, 8), class(1, 2, 4)]);
        report.locale = Some("en-US|en-US|UTC|en-US|0409:00000409".to_owned());
    }

    fn is_old(&self) -> bool {
        self.tool_version <= OLD_TOOL_VERSION
    }
}

/// Makes text that the blob can hold.
fn storable(text: &str) -> String {
    let text = text.replace('\0', "");
    cut(&text, MAX_TEXT_BYTES).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(Builder::new(5).build(), Builder::new(5).build());
        assert_eq!(Builder::new(5).report(), Builder::new(5).report());
    }

    #[test]
    fn distinct_seeds_give_distinct_devices() {
        let reports: Vec<_> = (0..200).map(|seed| Builder::new(seed).report()).collect();
        let serials: BTreeSet<_> = reports.iter().map(|r| r.serial_number()).collect();
        let uuids: BTreeSet<_> = reports.iter().map(HardwareReport::identity_uuid).collect();
        let keys: BTreeSet<_> = reports.iter().map(HardwareReport::ek_digest).collect();
        let disks: BTreeSet<_> = reports.iter().map(HardwareReport::identity_disks).collect();
        assert_eq!(
            [serials.len(), uuids.len(), keys.len(), disks.len()],
            [200; 4]
        );
        assert!(!uuids.contains(&None) && !keys.contains(&None));
    }

    #[test]
    fn a_new_capture_has_another_time_and_disk_only() {
        let first = Builder::new(5).report();
        let second = Builder::new(5).recaptured(2).report();
        let made = |report: &HardwareReport| report.versions.map(|v| v.generated_at_unix_seconds);
        assert_eq!(made(&second), made(&first).map(|at| at + 2 * DAY_SECONDS));
        assert_ne!(second.identity_disks(), first.identity_disks());
        let same = HardwareReport {
            versions: first.versions,
            disk_serials: first.disk_serials.clone(),
            kernel_disk_serials: first.kernel_disk_serials.clone(),
            ..second
        };
        assert_eq!(same, first);
    }

    #[test]
    fn another_key_leaves_the_rest_alone() {
        let first = Builder::new(5).report();
        let second = Builder::new(5).ek_seed(6).report();
        assert_eq!(second.ek_digest(), Builder::new(6).report().ek_digest());
        assert_eq!(second.serial_number(), first.serial_number());
        assert_eq!(second.identity_uuid(), first.identity_uuid());
    }

    #[test]
    fn only_global_macs_identify() {
        assert!(Builder::new(5).report().identity_macs().is_empty());
        let macs = Builder::new(5)
            .globally_administered_macs()
            .report()
            .identity_macs();
        assert_eq!(macs.len(), 2);
        assert!(
            macs.iter()
                .all(|mac| mac.starts_with(&[0, 0, 0x5E, 0, 0x53]))
        );
    }

    #[test]
    fn windows_pe_sees_less() {
        let report = Builder::new(5).winpe().report();
        assert_eq!(report.versions.map(|v| v.os_type), Some(OsType::WinPe));
        assert_eq!(report.network_adapters.len(), 1);
        assert!(report.displays.is_empty() && report.display_sizes.is_empty());
        assert!(report.kernel_disk_serials.is_empty() && !report.disk_serials.is_empty());
        assert_eq!(report.product_key_part_number, None);
        assert_eq!(report.ek_digest(), Builder::new(5).report().ek_digest());
    }

    #[test]
    fn sizes_are_those_of_the_tools() {
        let cases = [
            (Builder::new(5), 3000),
            (Builder::new(5).winpe(), 3000),
            (Builder::new(5).tool_version(3).total_size(1035), 1035),
        ];
        for (builder, expected) in cases {
            assert_eq!(builder.build().len(), expected);
        }
        let unpadded = Builder::new(5).total_size(0).build();
        assert!(unpadded.len() < 1500 && Builder::new(5).build().starts_with(&unpadded));
    }

    #[test]
    fn a_blob_starts_as_those_of_the_tool_do() {
        let blob = Builder::new(5).build();
        assert!(blob.starts_with(b"OA"));
        let after_offset: Vec<_> = blob.iter().copied().skip(4).take(8).collect();
        assert_eq!(after_offset, [1, 0, 0x1C, 0, 0, 0, 0x0A, 0]);
    }

    #[test]
    fn texts_are_made_storable() {
        let builder = Builder::new(5)
            .serial_number("a\0b")
            .manufacturer(&"\u{e9}".repeat(600));
        let report = builder.report();
        assert_eq!(report.serial_number(), Some("ab"));
        assert_eq!(report.manufacturer().map(str::len), Some(MAX_TEXT_BYTES));
        assert_eq!(crate::decode(&builder.build()).unwrap(), report);
    }

    #[test]
    fn times_stay_in_what_the_blob_can_hold() {
        for at in [i64::MIN, -1, 0, i64::MAX] {
            let builder = Builder::new(5).generated_at(at).recaptured(u32::MAX);
            assert_eq!(crate::decode(&builder.build()).unwrap(), builder.report());
        }
    }
}
