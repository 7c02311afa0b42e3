//! Which imports a server has, told by their serial numbers: where it does not keep our ids and a
//! call's outcome is unknown, nothing else tells.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::outcome::Outcomes;
use crate::{
    client::{ClientError, GraphClient},
    domain::identity::fold,
};

/// Imports that are not known to be any row's, by serial number.
#[derive(Debug, Default)]
pub(super) struct Unclaimed {
    ids: HashMap<String, Vec<String>>,
}

impl Unclaimed {
    /// An import with this serial number, each only once.
    pub(super) fn take(&mut self, serial_number: &str) -> Option<String> {
        self.ids.get_mut(&fold(serial_number))?.pop()
    }
}

/// Reads the whole list for these serial numbers. An older import of the same device counts as
/// ours: that may leave a row unsent, but sends none twice.
pub(super) async fn find<'a>(
    client: &GraphClient,
    outcomes: &Mutex<Outcomes>,
    serial_numbers: impl Iterator<Item = &'a str>,
) -> Result<Unclaimed, ClientError> {
    let mut found = Unclaimed::default();
    for serial in serial_numbers {
        found.ids.insert(fold(serial), Vec::new());
    }
    let mut next = (!found.ids.is_empty()).then(|| client.imports_link("$top=999"));
    while let Some(link) = next {
        let page = client.imports_page(&link).await?;
        let outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        for import in page.imports {
            if outcomes.foreign_row(&import.id).is_some() {
                continue;
            }
            if let Some(ids) = found.ids.get_mut(&fold(&import.serial_number)) {
                ids.push(import.id);
            }
        }
        next = page.next;
    }
    Ok(found)
}
