//! Element 1: which tool made the blob, when, and under which Windows.

use std::fmt;

use crate::layout::{Layout, Reader};

/// 2000-01-01T00:00:00Z, from which the blob counts its seconds.
const EPOCH_UNIX_SECONDS: i64 = 946_684_800;

/// A four-part Windows build number. Displays as `10.0.26100.7705`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuildNumber {
    /// The first part.
    pub major: u16,
    /// The second part.
    pub minor: u16,
    /// The third part.
    pub build: u16,
    /// The fourth part.
    pub revision: u16,
}

impl fmt::Display for BuildNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}.{}",
            self.major, self.minor, self.build, self.revision
        )
    }
}

/// What kind of Windows made the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OsType {
    /// Windows PE, which sees less of the hardware.
    WinPe,
    /// A full Windows.
    Full,
    /// A code not seen so far.
    Other(u8),
}

impl OsType {
    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::WinPe,
            2 => Self::Full,
            other => Self::Other(other),
        }
    }

    /// Yields the code that stands in the blob.
    pub fn code(self) -> u8 {
        match self {
            Self::WinPe => 1,
            Self::Full => 2,
            Self::Other(code) => code,
        }
    }
}

/// A processor architecture, by Windows' `PROCESSOR_ARCHITECTURE` codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X64,
    /// 64-bit ARM.
    Arm64,
    /// A code not seen so far.
    Other(u16),
}

impl Architecture {
    pub(crate) fn from_code(code: u16) -> Self {
        match code {
            0 => Self::X86,
            9 => Self::X64,
            12 => Self::Arm64,
            other => Self::Other(other),
        }
    }

    /// Yields the code that stands in the blob.
    pub fn code(self) -> u16 {
        match self {
            Self::X86 => 0,
            Self::X64 => 9,
            Self::Arm64 => 12,
            Self::Other(code) => code,
        }
    }
}

/// Element 1: what made the blob, when and under which system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Build of the tool.
    pub tool_build: BuildNumber,
    /// Build of the running Windows.
    pub os_build: BuildNumber,
    /// When the blob was made, in Unix seconds.
    pub generated_at_unix_seconds: i64,
    /// Time zone offset in quarter hours. Version 3 of the tool writes 120 whatever the zone.
    pub time_zone_quarter_hours: i8,
    /// Full Windows or Windows PE.
    pub os_type: OsType,
    /// Architecture of the running Windows.
    pub architecture: Architecture,
    /// Version of the blob's format: 3, 8 and 9 are known.
    pub tool_version: u8,
}

impl Versions {
    /// Moves a time into the range that the blob can hold: 2000 to 2136.
    pub(crate) fn clamp_time(unix_seconds: i64) -> i64 {
        unix_seconds.clamp(EPOCH_UNIX_SECONDS, EPOCH_UNIX_SECONDS + i64::from(u32::MAX))
    }
}

impl Layout for Versions {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            tool_build: BuildNumber::read(reader)?,
            os_build: BuildNumber::read(reader)?,
            generated_at_unix_seconds: EPOCH_UNIX_SECONDS + i64::from(reader.u32()?),
            time_zone_quarter_hours: reader.i8()?,
            os_type: OsType::from_code(reader.u8()?),
            architecture: Architecture::from_code(u16::from(reader.u8()?)),
            tool_version: reader.u8()?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let seconds = Self::clamp_time(self.generated_at_unix_seconds) - EPOCH_UNIX_SECONDS;
        self.tool_build.write(out);
        self.os_build.write(out);
        out.extend(u32::try_from(seconds).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(self.time_zone_quarter_hours.to_le_bytes());
        out.push(self.os_type.code());
        out.push(u8::try_from(self.architecture.code()).unwrap_or(u8::MAX));
        out.push(self.tool_version);
    }
}

impl Layout for BuildNumber {
    // The order in the blob is that of the two halves of a Windows file version.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (minor, major) = (reader.u16()?, reader.u16()?);
        let (revision, build) = (reader.u16()?, reader.u16()?);
        Some(Self {
            major,
            minor,
            build,
            revision,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        for part in [self.minor, self.major, self.revision, self.build] {
            out.extend(part.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_number_reads_in_the_blobs_order() {
        let value = [0x00, 0x00, 0x0A, 0x00, 0x19, 0x1E, 0xF4, 0x65];
        let build = BuildNumber::from_value(&value).unwrap();
        assert_eq!(build.to_string(), "10.0.26100.7705");
        assert_eq!(build.to_value(), value);
    }

    #[test]
    fn versions_count_seconds_from_2000() {
        let mut value = vec![0; 24];
        value.splice(16..24, [1, 0, 0, 0, 0xEC, 2, 9, 8]);
        let versions = Versions::from_value(&value).unwrap();
        assert_eq!(versions.generated_at_unix_seconds, 946_684_801);
        assert_eq!(versions.time_zone_quarter_hours, -20);
        assert_eq!(versions.os_type, OsType::Full);
        assert_eq!(versions.architecture, Architecture::X64);
        assert_eq!(versions.tool_version, 8);
        assert_eq!(versions.to_value(), value);
        assert_eq!(Versions::from_value(&[0; 23]), None);
        assert_eq!(Versions::from_value(&[0; 25]), None);
    }

    #[test]
    fn every_code_survives_its_name() {
        for code in 0..=u8::MAX {
            assert_eq!(OsType::from_code(code).code(), code);
            assert_eq!(
                Architecture::from_code(u16::from(code)).code(),
                u16::from(code)
            );
        }
    }
}
