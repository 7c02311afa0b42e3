//! Drives Hangar with the `graph-rs-sdk` crate. In one binary: linking once is what makes it quick.

mod batch;
mod devices;
mod errors;
mod imports;
mod query;
mod server;
