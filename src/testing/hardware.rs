//! Imports of invented hardware.

use hardware_hash::Builder;

use crate::domain::{hardware_blob::HardwareBlob, import::ImportProperties};

/// An import that says nothing but the hash of this invented device.
pub fn import_of(device: &Builder) -> ImportProperties {
    ImportProperties {
        hardware_blob: HardwareBlob::new(device.build()),
        ..ImportProperties::default()
    }
}

/// An import without a hash, by serial number and product key.
pub fn import_named(serial_number: &str, product_key: &str) -> ImportProperties {
    ImportProperties {
        serial_number: Some(serial_number.to_owned()),
        product_key: Some(product_key.to_owned()),
        ..ImportProperties::default()
    }
}
