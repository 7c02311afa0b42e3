//! The routes of the journal.

use super::Control;

pub(super) fn controls() -> Vec<Control> {
    Vec::new()
}
