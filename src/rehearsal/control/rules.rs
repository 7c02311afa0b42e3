//! The routes of the rules.

use super::Control;

pub(super) fn controls() -> Vec<Control> {
    Vec::new()
}
