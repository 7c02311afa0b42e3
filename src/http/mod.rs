//! From a request to its answer.

pub mod admin;
pub mod layers;
//! From request to answer: the routes, who may call them, and how their results look on the wire.
//!
//! Nothing is decided here that the registrar decides, and no task is started here.

pub mod auth;
