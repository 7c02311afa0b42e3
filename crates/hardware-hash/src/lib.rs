//! The OA3 hardware hash of Windows Autopilot: decode, verify and build it.
//!
//! The "4K hardware hash" is no hash but an inventory of a device: type-length-value elements with a SHA-256 behind
//! them. That checksum has no key: it proves a blob whole, never genuine. Bytes in, values out: base64 is the
//! caller's, and so is the clock; nothing here does I/O, and no input makes it panic.
//!
//! ```
//! use hardware_hash::{Builder, FindingCode, inspect};
//!
//! let now_unix_seconds = 1_767_225_600;
//! let mut blob = Builder::new(7).serial_number("HT-0007").build();
//!
//! let inspection = inspect(&blob, now_unix_seconds);
//! assert!(inspection.findings.is_empty());
//! let report = inspection.report.expect("the structure holds");
//! assert_eq!(report.serial_number(), Some("HT-0007"));
//!
//! blob[40] ^= 1;
//! let inspection = inspect(&blob, now_unix_seconds);
//! assert!(inspection.is_refused());
//! assert_eq!(inspection.findings[0].code, FindingCode::DigestMismatch);
//! ```

#![deny(clippy::indexing_slicing)]

mod builder;
mod container;
pub mod element_type;
mod encode;
mod finding;
pub mod fuzzing;
mod identity;
mod inspect;
mod invention;
mod inventory;
mod layout;
mod report;
mod versions;

pub use builder::Builder;
pub use container::{StructureError, content_len};
pub use finding::{Finding, FindingCode, Severity};
pub use identity::is_placeholder;
pub use inspect::{Inspection, inspect};
pub use inventory::{
    Chassis, CpuClass, Disk, DiskSerial, Display, DisplaySize, Gpu, GpuMemory, Memory,
    NetworkAdapter, OfflineDeviceId, Processor,
};
pub use layout::MAX_TEXT_BYTES;
pub use report::{HardwareReport, OpaqueElement, decode};
pub use versions::{Architecture, BuildNumber, OsType, Versions};

/// Lets the documentation tests run the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
