//! The device CSV that Windows administrators exchange: read leniently, reported by row and column.
//!
//! Any encoding that Windows writes is read, in constant memory however long the file or a field.
//! What a row means is not known here: `cli` opens files, decodes hashes and judges.

mod column;
mod decoding;
mod error;
mod reader;
mod writer;

pub use column::Column;
pub use error::{CsvError, RowError, RowProblem};
pub use reader::{MAX_FIELD_BYTES, Reader};
pub use writer::{Writer, write_record};

/// One device of the file. Texts are trimmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The line it begins on, as a person counts: the header is line 1. A writer ignores it.
    pub number: u64,
    /// Device Serial Number; empty where the file has none.
    pub serial_number: String,
    /// Windows Product ID; empty where the file has none.
    pub product_key: String,
    /// Hardware Hash, in base64; empty where the file has none.
    pub hardware_hash: String,
    /// Group Tag, or `OrderID` in older files.
    pub group_tag: Option<String>,
    /// Assigned User.
    pub assigned_user: Option<String>,
    /// Manufacturer name, in partners' files.
    pub manufacturer: Option<String>,
    /// Device model, in partners' files.
    pub model: Option<String>,
}

impl Row {
    /// What stands in this column; empty where nothing does.
    pub fn get(&self, column: Column) -> &str {
        let optional = match column {
            Column::SerialNumber => return &self.serial_number,
            Column::ProductKey => return &self.product_key,
            Column::HardwareHash => return &self.hardware_hash,
            Column::GroupTag => &self.group_tag,
            Column::AssignedUser => &self.assigned_user,
            Column::Manufacturer => &self.manufacturer,
            Column::Model => &self.model,
        };
        optional.as_deref().unwrap_or_default()
    }

    fn set(&mut self, column: Column, text: &str) {
        let optional = match column {
            Column::SerialNumber => return text.clone_into(&mut self.serial_number),
            Column::ProductKey => return text.clone_into(&mut self.product_key),
            Column::HardwareHash => return text.clone_into(&mut self.hardware_hash),
            Column::GroupTag => &mut self.group_tag,
            Column::AssignedUser => &mut self.assigned_user,
            Column::Manufacturer => &mut self.manufacturer,
            Column::Model => &mut self.model,
        };
        *optional = (!text.is_empty()).then(|| text.to_owned());
    }
}
