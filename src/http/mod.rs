//! From a request to its answer.

pub mod admin;
pub mod layers;
