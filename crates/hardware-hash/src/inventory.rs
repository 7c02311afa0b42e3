//! The typed values of the elements and how each lies in the blob.
//!
//! Element 1 has its own file, `versions`. Plain text elements have no type of their own; they are strings in `report`.

use crate::layout::{Layout, Reader, read_text, read_utf16, write_utf16};
use crate::versions::Architecture;

/// Element 2: the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor {
    /// Architecture of the processor.
    pub architecture: Architecture,
    /// Number of packages.
    pub packages: u16,
    /// Number of cores.
    pub cores: u16,
    /// Number of hardware threads.
    pub threads: u16,
    /// Whether hyper-threading is on, as the number in the blob.
    pub hyperthreading: u16,
    /// Zero in every known blob.
    pub reserved: u16,
}

impl Layout for Processor {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            architecture: Architecture::from_code(reader.u16()?),
            packages: reader.u16()?,
            cores: reader.u16()?,
            threads: reader.u16()?,
            hyperthreading: reader.u16()?,
            reserved: reader.u16()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            architecture,
            packages,
            cores,
            threads,
            hyperthreading,
            reserved,
        } = *self;
        for field in [
            architecture.code(),
            packages,
            cores,
            threads,
            hyperthreading,
            reserved,
        ] {
            out.extend(field.to_le_bytes());
        }
    }
}

/// Element 5: memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Installed memory in gigabytes.
    pub total_gb: u64,
    /// Largest possible memory in gigabytes.
    pub max_capacity_gb: u64,
    /// Number of slots.
    pub slots: u16,
    /// Number of memory arrays.
    pub arrays: u16,
    /// SMBIOS error correction code; 3 is none.
    pub error_correction: u8,
}

impl Layout for Memory {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            total_gb: reader.u64()?,
            max_capacity_gb: reader.u64()?,
            slots: reader.u16()?,
            arrays: reader.u16()?,
            error_correction: reader.u8()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.total_gb.to_le_bytes());
        out.extend(self.max_capacity_gb.to_le_bytes());
        out.extend(self.slots.to_le_bytes());
        out.extend(self.arrays.to_le_bytes());
        out.push(self.error_correction);
    }
}

/// Element 6: a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Capacity in gigabytes.
    pub capacity_gb: u64,
    /// Windows' `STORAGE_BUS_TYPE`: 10 SAS, 11 SATA, 17 `NVMe`.
    pub bus: u16,
    /// 0 for a solid state disk, 255 for a hard disk or unknown.
    pub media: u8,
    /// One in every known blob.
    pub reserved: u8,
}

impl Layout for Disk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            capacity_gb: reader.u64()?,
            bus: reader.u16()?,
            media: reader.u8()?,
            reserved: reader.u8()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.capacity_gb.to_le_bytes());
        out.extend(self.bus.to_le_bytes());
        out.extend([self.media, self.reserved]);
    }
}

/// Elements 7 and 28: a disk's names, `serial|product|vendor` in the blob.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskSerial {
    /// Serial number, as it stands in the blob.
    pub serial: String,
    /// Product name; empty when the blob has no such part.
    pub product: String,
    /// Vendor; empty when the blob has no such part.
    pub vendor: String,
}

impl Layout for DiskSerial {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let text = read_text(reader.remaining())?;
        let mut parts = text.splitn(3, '|').map(str::to_owned);
        Some(Self {
            serial: parts.next().unwrap_or_default(),
            product: parts.next().unwrap_or_default(),
            vendor: parts.next().unwrap_or_default(),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(format!("{}|{}|{}", self.serial, self.product, self.vendor).into_bytes());
    }
}

/// Element 8: a network adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAdapter {
    /// NDIS physical medium: 0 unspecified, 1 wireless LAN, 9 native 802.11, 10 Bluetooth, 14 Ethernet.
    pub medium: u32,
    /// MAC address.
    pub mac: [u8; 6],
    /// Bus name: `PCI`, `BTH`, `VMBUS`.
    pub bus: String,
}

impl Layout for NetworkAdapter {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (medium, mac) = (reader.u32()?, reader.array()?);
        let bus_bytes = usize::try_from(reader.u32()?).ok()?;
        let bus = read_utf16(reader.take(bus_bytes)?)?;
        Some(Self { medium, mac, bus })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let bus = write_utf16(&self.bus);
        out.extend(self.medium.to_le_bytes());
        out.extend(self.mac);
        out.extend(u32::try_from(bus.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(bus);
    }
}

/// Element 9: a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Display {
    /// Width in millimetres.
    pub width_mm: u16,
    /// Height in millimetres.
    pub height_mm: u16,
    /// Width in pixels.
    pub width_px: u16,
    /// Height in pixels.
    pub height_px: u16,
    /// Output technology; 0x80000000 is an internal panel.
    pub output_technology: u32,
}

impl Layout for Display {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            width_mm: reader.u16()?,
            height_mm: reader.u16()?,
            width_px: reader.u16()?,
            height_px: reader.u16()?,
            output_technology: reader.u32()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        for field in [self.width_mm, self.height_mm, self.width_px, self.height_px] {
            out.extend(field.to_le_bytes());
        }
        out.extend(self.output_technology.to_le_bytes());
    }
}

/// Element 27: a display's size, cut to whole centimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisplaySize {
    /// Width in centimetres.
    pub width_cm: u16,
    /// Height in centimetres.
    pub height_cm: u16,
}

impl Layout for DisplaySize {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            width_cm: reader.u16()?,
            height_cm: reader.u16()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.width_cm.to_le_bytes());
        out.extend(self.height_cm.to_le_bytes());
    }
}

/// Element 10: the chassis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chassis {
    /// SMBIOS chassis type.
    pub chassis_type: u8,
    /// Power platform role: 1 desktop, 2 mobile.
    pub power_role: u8,
    /// Three bytes whose meaning is not known.
    pub reserved: [u8; 3],
}

impl Layout for Chassis {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            chassis_type: reader.u8()?,
            power_role: reader.u8()?,
            reserved: reader.array()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.chassis_type, self.power_role]);
        out.extend(self.reserved);
    }
}

/// Element 11: the identifier that the tool derives for the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfflineDeviceId {
    /// Where it comes from: 1 is the TPM's endorsement key, 2 is said to be a UEFI variable.
    pub kind: u16,
    /// The identifier; SHA-256 of the key's modulus for kind 1.
    pub id: [u8; 32],
}

impl OfflineDeviceId {
    /// The kind that is derived from the TPM's endorsement key.
    pub const KIND_TPM_EK: u16 = 1;
}

impl Layout for OfflineDeviceId {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (zero, kind, id_bytes) = (reader.u32()?, reader.u16()?, reader.u32()?);
        if zero != 0 || id_bytes != 32 {
            return None;
        }
        let id = reader.array()?;
        Some(Self { kind, id })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(0_u32.to_le_bytes());
        out.extend(self.kind.to_le_bytes());
        out.extend(32_u32.to_le_bytes());
        out.extend(self.id);
    }
}

/// Element 29: a graphics adapter's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuMemory {
    /// Dedicated video memory in bytes.
    pub dedicated_video_bytes: u64,
    /// Dedicated system memory in bytes.
    pub dedicated_system_bytes: u64,
    /// Two flags whose meaning is not known.
    pub flags: [u8; 2],
}

impl Layout for GpuMemory {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            dedicated_video_bytes: reader.u64()?,
            dedicated_system_bytes: reader.u64()?,
            flags: reader.array()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.dedicated_video_bytes.to_le_bytes());
        out.extend(self.dedicated_system_bytes.to_le_bytes());
        out.extend(self.flags);
    }
}

/// Element 30: a graphics adapter, `vendor|description` in the blob.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gpu {
    /// Vendor; empty when the blob has no such part.
    pub vendor: String,
    /// The driver's description.
    pub description: String,
}

impl Layout for Gpu {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let text = read_utf16(reader.remaining())?;
        let (vendor, description) = text.split_once('|').unwrap_or(("", &text));
        Some(Self {
            vendor: vendor.to_owned(),
            description: description.to_owned(),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(write_utf16(&format!(
            "{}|{}",
            self.vendor, self.description
        )));
    }
}

/// Element 34 holds one of these for each class of cores of a hybrid processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuClass {
    /// Efficiency class.
    pub efficiency_class: u8,
    /// Number of cores of the class.
    pub cores: u16,
    /// Number of hardware threads of the class.
    pub threads: u16,
}

impl Layout for Vec<CpuClass> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let count = reader.u8()?;
        (0..count)
            .map(|_| {
                Some(CpuClass {
                    efficiency_class: reader.u8()?,
                    cores: reader.u16()?,
                    threads: reader.u16()?,
                })
            })
            .collect()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.len()).unwrap_or(u8::MAX));
        for class in self.iter().take(usize::from(u8::MAX)) {
            out.push(class.efficiency_class);
            out.extend(class.cores.to_le_bytes());
            out.extend(class.threads.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_length_is_not_read() {
        assert_eq!(Processor::from_value(&[0; 11]), None);
        assert_eq!(Memory::from_value(&[0; 22]), None);
        assert_eq!(Disk::from_value(&[0; 11]), None);
        assert_eq!(Display::from_value(&[0; 13]), None);
        assert_eq!(DisplaySize::from_value(&[0; 3]), None);
        assert_eq!(Chassis::from_value(&[0; 4]), None);
        assert_eq!(GpuMemory::from_value(&[0; 17]), None);
        assert_eq!(OfflineDeviceId::from_value(&[0; 42]), None);
        assert_eq!(NetworkAdapter::from_value(&[0xFF; 14]), None);
        assert_eq!(Vec::<CpuClass>::from_value(&[2, 0, 1, 0, 1, 0]), None);
        assert_eq!(Gpu::from_value(b"odd"), None);
    }

    #[test]
    fn a_disks_names_may_lack_parts() {
        let cases = [
            ("S1|P|V", ["S1", "P", "V"]),
            ("|Virtual Disk|Msft", ["", "Virtual Disk", "Msft"]),
            ("S1|P|V|W", ["S1", "P", "V|W"]),
            ("S1", ["S1", "", ""]),
            ("", ["", "", ""]),
        ];
        for (text, expected) in cases {
            let disk = DiskSerial::from_value(text.as_bytes()).unwrap();
            assert_eq!([disk.serial, disk.product, disk.vendor], expected, "{text}");
        }
    }
}
