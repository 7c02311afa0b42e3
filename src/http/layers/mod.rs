//! What a request passes through on its way to a handler.

pub mod host_guard;
