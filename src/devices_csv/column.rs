//! The columns a device CSV may have, and the names they go by.

use std::fmt;

/// A column of the device CSV. Displays as the name that Microsoft's own files give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// The serial number.
    SerialNumber,
    /// The Windows Product ID, which Graph calls the product key.
    ProductKey,
    /// The hardware hash, in base64.
    HardwareHash,
    /// The group tag.
    GroupTag,
    /// The user principal name of the assigned user.
    AssignedUser,
    /// The manufacturer.
    Manufacturer,
    /// The model.
    Model,
}

impl Column {
    /// Every column, in the order in which files have them.
    pub const ALL: [Self; 7] = [
        Self::SerialNumber,
        Self::ProductKey,
        Self::HardwareHash,
        Self::GroupTag,
        Self::AssignedUser,
        Self::Manufacturer,
        Self::Model,
    ];

    /// The columns that every file of Microsoft's own script has.
    pub const PLAIN: [Self; 3] = [Self::SerialNumber, Self::ProductKey, Self::HardwareHash];

    /// The columns that Intune imports, with tag and user.
    pub const IMPORTED: [Self; 5] = [
        Self::SerialNumber,
        Self::ProductKey,
        Self::HardwareHash,
        Self::GroupTag,
        Self::AssignedUser,
    ];

    /// The name in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::SerialNumber => "Device Serial Number",
            Self::ProductKey => "Windows Product ID",
            Self::HardwareHash => "Hardware Hash",
            Self::GroupTag => "Group Tag",
            Self::AssignedUser => "Assigned User",
            Self::Manufacturer => "Manufacturer name",
            Self::Model => "Device model",
        }
    }

    /// The column of this header name, in any letter case and however blanks are set.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = squeezed(name);
        if name == OLDER_GROUP_TAG {
            return Some(Self::GroupTag);
        }
        Self::ALL
            .into_iter()
            .find(|column| squeezed(column.name()) == name)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What the group tag was called before 2019, squeezed.
const OLDER_GROUP_TAG: &str = "orderid";

fn squeezed(name: &str) -> String {
    name.chars()
        .filter(|character| !character.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_spacing() {
        for column in Column::ALL {
            assert_eq!(Column::from_name(column.name()), Some(column));
            assert_eq!(
                Column::from_name(&column.name().to_uppercase()),
                Some(column)
            );
        }
        for (name, expected) in [
            ("OrderID", Some(Column::GroupTag)),
            (" order id ", Some(Column::GroupTag)),
            ("hardware\u{a0}hash", Some(Column::HardwareHash)),
            ("DeviceSerialNumber", Some(Column::SerialNumber)),
            ("Serial", None),
            ("", None),
        ] {
            assert_eq!(Column::from_name(name), expected, "{name:?}");
        }
    }
}
