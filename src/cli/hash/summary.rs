//! What a hash says of its device, in a technician's words. What is wrong with it is `checkup`'s.

use hardware_hash::{
    Architecture, Disk, DiskSerial, HardwareReport, NetworkAdapter, OsType, Versions,
};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// The device, as `--json` shows it. Texts stand as in the hash, trimmed; blank ones are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pub(super) serial_number: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) family: Option<String>,
    pub(super) sku: Option<String>,
    pub(super) uuid: Option<String>,
    pub(super) product_key: Option<String>,
    pub(super) tpm: Option<String>,
    /// What the service knows the device by.
    pub(super) tpm_key_sha256: Option<String>,
    pub(super) network_adapters: Vec<AdapterSummary>,
    pub(super) disks: Vec<DiskSummary>,
    pub(super) processor: Option<String>,
    pub(super) cores: Option<u16>,
    pub(super) memory_gb: Option<u64>,
    pub(super) captured: Option<Capture>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct AdapterSummary {
    pub(super) address: String,
    /// Ethernet, Wi-Fi, Bluetooth.
    pub(super) medium: String,
    pub(super) bus: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiskSummary {
    pub(super) serial: Option<String>,
    pub(super) product: Option<String>,
    pub(super) capacity_gb: Option<u64>,
    /// `NVMe`, SATA and the like.
    pub(super) bus: Option<String>,
}

/// When the hash was made, with what and under what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Capture {
    pub(super) at: Option<Timestamp>,
    pub(super) tool: String,
    /// The version of the hash's format.
    pub(super) format: u8,
    /// Windows, Windows PE, or a number.
    pub(super) system: String,
    pub(super) system_build: String,
    pub(super) architecture: String,
}

impl Summary {
    pub(super) fn of(report: &HardwareReport) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            serial_number: owned(report.serial_number()),
            manufacturer: owned(report.manufacturer()),
            model: owned(report.product_name()),
            family: text(report.smbios_family.as_deref()),
            sku: text(report.smbios_sku_number.as_deref()),
            uuid: report
                .smbios_uuid
                .map(|uuid| Uuid::from_bytes(uuid).to_string()),
            product_key: owned(report.product_key_id()),
            tpm: text(report.tpm_version.as_deref()),
            tpm_key_sha256: report.ek_digest().map(hex),
            network_adapters: report.network_adapters.iter().map(adapter).collect(),
            disks: disks(report),
            processor: text(report.processor_model.as_deref()),
            cores: report.processor.map(|processor| processor.cores),
            memory_gb: report.memory.map(|memory| memory.total_gb),
            captured: report.versions.as_ref().map(capture),
        }
    }

    /// Every text that the firmware or a driver wrote and that is no identifier by itself.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let adapters = self
            .network_adapters
            .iter_mut()
            .map(|adapter| &mut adapter.bus);
        let disks = self
            .disks
            .iter_mut()
            .filter_map(|disk| disk.product.as_mut());
        [
            &mut self.manufacturer,
            &mut self.model,
            &mut self.family,
            &mut self.sku,
            &mut self.tpm,
            &mut self.processor,
        ]
        .into_iter()
        .flatten()
        .chain(adapters)
        .chain(disks)
    }
}

/// Writes an address as Windows shows it.
pub(super) fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02X}")).join("-")
}

fn text(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn hex(digest: [u8; 32]) -> String {
    digest.map(|byte| format!("{byte:02x}")).concat()
}

fn adapter(adapter: &NetworkAdapter) -> AdapterSummary {
    AdapterSummary {
        address: mac_text(adapter.mac),
        medium: match adapter.medium {
            1 | 9 => "Wi-Fi".to_owned(),
            10 => "Bluetooth".to_owned(),
            14 => "Ethernet".to_owned(),
            0 => "unspecified".to_owned(),
            other => format!("medium {other}"),
        },
        bus: adapter.bus.clone(),
    }
}

/// Sizes and serial numbers are separate elements, in one order as far as is known.
fn disks(report: &HardwareReport) -> Vec<DiskSummary> {
    let count = report.disks.len().max(report.disk_serials.len());
    (0..count)
        .map(|index| {
            let names = report.disk_serials.get(index);
            let (capacity_gb, bus) = report.disks.get(index).map(size).unzip();
            DiskSummary {
                serial: names.and_then(|DiskSerial { serial, .. }| text(Some(serial))),
                product: names.and_then(|DiskSerial { product, .. }| text(Some(product))),
                capacity_gb,
                bus,
            }
        })
        .collect()
}

fn size(disk: &Disk) -> (u64, String) {
    let bus = match disk.bus {
        7 => "USB".to_owned(),
        8 => "RAID".to_owned(),
        10 => "SAS".to_owned(),
        11 => "SATA".to_owned(),
        17 => "NVMe".to_owned(),
        other => format!("bus {other}"),
    };
    (disk.capacity_gb, bus)
}

fn capture(versions: &Versions) -> Capture {
    Capture {
        at: Timestamp::from_second(versions.generated_at_unix_seconds).ok(),
        tool: versions.tool_build.to_string(),
        format: versions.tool_version,
        system: match versions.os_type {
            OsType::Full => "Windows".to_owned(),
            OsType::WinPe => "Windows PE".to_owned(),
            OsType::Other(code) => format!("unknown system {code}"),
        },
        system_build: versions.os_build.to_string(),
        architecture: match versions.architecture {
            Architecture::X86 => "x86".to_owned(),
            Architecture::X64 => "x64".to_owned(),
            Architecture::Arm64 => "ARM64".to_owned(),
            Architecture::Other(code) => format!("architecture {code}"),
        },
    }
}
