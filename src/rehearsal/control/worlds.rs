//! The routes of the worlds.

use super::Control;

pub(super) fn controls() -> Vec<Control> {
    Vec::new()
}
