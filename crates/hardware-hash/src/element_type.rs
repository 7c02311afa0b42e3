//! The type codes of the elements that are known, and what they hold. Their layouts are in `inventory`.
//!
//! Codes that are not here are no error: newer versions of the tool add elements.

/// Build numbers, generation time and kind of operating system.
pub const VERSIONS: u16 = 1;
/// Processor counts.
pub const PROCESSOR: u16 = 2;
/// Processor manufacturer.
pub const PROCESSOR_MANUFACTURER: u16 = 3;
/// Processor brand string.
pub const PROCESSOR_MODEL: u16 = 4;
/// Memory.
pub const MEMORY: u16 = 5;
/// A disk's size and bus.
pub const DISK: u16 = 6;
/// A disk's serial number, product and vendor.
pub const DISK_SERIAL: u16 = 7;
/// A network adapter.
pub const NETWORK_ADAPTER: u16 = 8;
/// A display.
pub const DISPLAY: u16 = 9;
/// Chassis type and power role.
pub const CHASSIS: u16 = 10;
/// The identifier derived from the TPM's endorsement key.
pub const OFFLINE_DEVICE_ID: u16 = 11;
/// SMBIOS UUID.
pub const SMBIOS_UUID: u16 = 12;
/// TPM version text.
pub const TPM_VERSION: u16 = 13;
/// SMBIOS system serial number.
pub const SMBIOS_SERIAL_NUMBER: u16 = 14;
/// Firmware vendor.
pub const FIRMWARE_VENDOR: u16 = 15;
/// SMBIOS system manufacturer.
pub const SMBIOS_MANUFACTURER: u16 = 16;
/// SMBIOS system product name.
pub const SMBIOS_PRODUCT_NAME: u16 = 17;
/// SMBIOS SKU number.
pub const SMBIOS_SKU_NUMBER: u16 = 18;
/// SMBIOS system family.
pub const SMBIOS_FAMILY: u16 = 19;
/// Baseboard manufacturer.
pub const BASEBOARD_MANUFACTURER: u16 = 20;
/// Baseboard product.
pub const BASEBOARD_PRODUCT: u16 = 21;
/// Baseboard version.
pub const BASEBOARD_VERSION: u16 = 22;
/// SMBIOS system version.
pub const SMBIOS_SYSTEM_VERSION: u16 = 23;
/// Windows product key ID.
pub const PRODUCT_KEY_ID: u16 = 24;
/// RSA-2048 modulus of the TPM's endorsement key.
pub const EK_MODULUS: u16 = 25;
/// Windows product key part number.
pub const PRODUCT_KEY_PART_NUMBER: u16 = 26;
/// A display's size in centimetres.
pub const DISPLAY_SIZE: u16 = 27;
/// A disk's serial number as the kernel reports it.
pub const KERNEL_DISK_SERIAL: u16 = 28;
/// A graphics adapter's memory.
pub const GPU_MEMORY: u16 = 29;
/// A graphics adapter's vendor and description.
pub const GPU: u16 = 30;
/// Classes of cores of a hybrid processor.
pub const CPU_CLASSES: u16 = 34;
/// Locale, time zone and keyboard.
pub const LOCALE: u16 = 36;

/// Names an element type in words, for messages; `None` for an unknown one.
pub fn name(element_type: u16) -> Option<&'static str> {
    Some(match element_type {
        VERSIONS => "versions and time",
        PROCESSOR => "processor",
        PROCESSOR_MANUFACTURER => "processor manufacturer",
        PROCESSOR_MODEL => "processor model",
        MEMORY => "memory",
        DISK => "disk",
        DISK_SERIAL => "disk serial number",
        NETWORK_ADAPTER => "network adapter",
        DISPLAY => "display",
        CHASSIS => "chassis",
        OFFLINE_DEVICE_ID => "offline device ID",
        SMBIOS_UUID => "SMBIOS UUID",
        TPM_VERSION => "TPM version",
        SMBIOS_SERIAL_NUMBER => "SMBIOS serial number",
        FIRMWARE_VENDOR => "firmware vendor",
        SMBIOS_MANUFACTURER => "SMBIOS manufacturer",
        SMBIOS_PRODUCT_NAME => "SMBIOS product name",
        SMBIOS_SKU_NUMBER => "SMBIOS SKU number",
        SMBIOS_FAMILY => "SMBIOS family",
        BASEBOARD_MANUFACTURER => "baseboard manufacturer",
        BASEBOARD_PRODUCT => "baseboard product",
        BASEBOARD_VERSION => "baseboard version",
        SMBIOS_SYSTEM_VERSION => "SMBIOS system version",
        PRODUCT_KEY_ID => "product key ID",
        EK_MODULUS => "TPM endorsement key",
        PRODUCT_KEY_PART_NUMBER => "product key part number",
        DISPLAY_SIZE => "display size",
        KERNEL_DISK_SERIAL => "kernel disk serial number",
        GPU_MEMORY => "graphics memory",
        GPU => "graphics adapter",
        CPU_CLASSES => "processor core classes",
        LOCALE => "locale",
        _ => return None,
    })
}
