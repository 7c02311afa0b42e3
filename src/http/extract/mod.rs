//! Reads what a handler needs out of a request.

pub mod accept;
pub mod base_url;
pub mod body;
pub mod conditions;
pub mod prefer;
